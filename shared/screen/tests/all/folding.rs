//! Scripts and spellings that must fold to one. Must never test a name of the bars' corpora.

use crate::support::pair;
use screen::{Kind, Mode};

#[test]
fn spellings_of_one_name_score_high() {
    for (query, listed) in [
        ("Jürgen Groß", "Jurgen Gross"),
        ("Łukasz Żak", "Lukasz Zak"),
        ("Nguyễn Văn Đức", "Nguyen Van Duc"),
        ("Дмитрий Шостакович", "Dmitri Shostakovich"),
        ("Γιώργος Παπαδόπουλος", "Giorgos Papadopoulos"),
        ("أحمد حسن", "Ahmad Hasan"),
        ("Yusuf Qasim", "Youssef Kassem"),
        ("O’Neill", "ONeill"),
        ("D.H.L. Express", "DHL Express"),
    ] {
        let score = pair(query, listed, Kind::Person, Mode::Default);
        assert!(score >= 8_000, "{query} | {listed}: {score}");
    }
}

#[test]
fn no_text_breaks_the_folding() {
    for text in ["", ".", "...", "'", "\u{0}", "İstanbul", "\u{1F600}", "& & &", "....a.b.", "ﷺ"]
    {
        for mode in [Mode::Default, Mode::Ofac, Mode::JaroWinkler] {
            let score = pair(text, "Some Name", Kind::Unknown, mode);
            assert!(score < 7_000, "{text:?} {mode:?}: {score}");
            pair("Some Name", text, Kind::Unknown, mode);
        }
    }
}
