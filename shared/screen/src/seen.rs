//! What of a name a scorer can see, and which parties one name may stand for. A name that is seen
//! in part only must never be cleared: whoever asks has to refuse it or have a person look.

use crate::Mode;
use crate::fold::tokens;

/// Most readings of one name: the whole and its parts.
const PARTS_MAX: usize = 8;

/// Words that stand between two parties: joint accounts, former names, addressees.
const BETWEEN: [&str; 11] =
    ["and", "or", "und", "oder", "et", "ou", "aka", "fka", "dba", "c/o", "a/k/a"];

/// Whether a mode sees the whole of a name: something to compare, nothing hidden, no word of two
/// scripts that look alike, not too long; for `Ofac`, Latin letters only.
pub(crate) fn is_whole(name: &str, mode: Mode) -> bool {
    let (folded, cut) = tokens(name);
    let something = folded.iter().flatten().any(|letter| letter.is_alphanumeric());
    let seen = |c: char| !c.is_alphanumeric() || is_latin(c) || c.is_ascii_digit();
    let scripts = match mode {
        Mode::Ofac => name.chars().map(plain_width).all(seen),
        _ => !name.split_whitespace().any(mixes_scripts),
    };
    !cut && something && scripts && !name.chars().any(hides)
}

/// The character that a full-width form stands for.
pub(crate) fn plain_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// The whole name, then its parts of two words or more where words or signs part them: `A B and
/// C D`, `A B / C D`, `A B c/o C D`.
pub(crate) fn parts(name: &str) -> Vec<&str> {
    let mut parts = vec![name];
    let mut start = None;
    let mut end = 0;
    let mut keep = |start: Option<usize>, end: usize| {
        let part = start.map(|start| name[start..end].trim()).unwrap_or_default();
        let several = part.split_whitespace().nth(1).is_some();
        if several && part.len() < name.trim().len() && parts.len() < PARTS_MAX {
            parts.push(part);
        }
    };
    for (at, word) in words(name) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() || BETWEEN.iter().any(|known| known.eq_ignore_ascii_case(bare)) {
            keep(start, end);
            start = None;
            continue;
        }
        start = start.or(Some(at));
        end = at + word.len();
    }
    keep(start, end);
    parts
}

/// Words with their places; `&`, `/`, `;` and `+` are words of their own, apart from `c/o`.
fn words(name: &str) -> impl Iterator<Item = (usize, &str)> {
    let place = |part: &str| part.as_ptr() as usize - name.as_ptr() as usize;
    name.split_whitespace().flat_map(move |word| {
        let known = BETWEEN.iter().any(|known| known.eq_ignore_ascii_case(word));
        let sign = move |c: char| !known && matches!(c, '&' | '/' | ';' | '+');
        word.split_inclusive(sign).flat_map(move |piece| {
            let (body, tail) = match piece.chars().next_back().filter(|c| sign(*c)) {
                Some(last) => piece.split_at(piece.len() - last.len_utf8()),
                None => (piece, ""),
            };
            [body, tail].into_iter().filter(|part| !part.is_empty()).map(move |p| (place(p), p))
        })
    })
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{C0}'..='\u{24F}')
}

/// A word with Latin letters and with Cyrillic or Greek ones, which look like them.
fn mixes_scripts(word: &str) -> bool {
    let latin = |c| is_latin(c) || matches!(c, '\u{1E00}'..='\u{1EFF}');
    let alike = |c| matches!(c, '\u{370}'..='\u{52F}' | '\u{1F00}'..='\u{1FFF}');
    let letters = || word.chars().filter(|c| c.is_alphabetic());
    letters().any(latin) && letters().any(alike)
}

/// Characters that show nothing, turn the direction, or are another form of a letter that the
/// tables do not know: they part or disguise words (Unicode: default ignorable, compatibility).
fn hides(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE20}'..='\u{FE2F}' | '\u{2100}'..='\u{214F}' | '\u{2460}'..='\u{24FF}'
        | '\u{FB00}'..='\u{FB06}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}'
        | '\u{1D400}'..='\u{1D7FF}' | '\u{1F100}'..='\u{1F1FF}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_hide_something_are_not_whole() {
        let sound = [
            "Vladimir Putin",
            "Владимир Путин",
            "Müller & Söhne GmbH",
            "7-Eleven",
            "Ｖｌａｄｉｍｉｒ Ｐ",
            "فلاديمير بوتين",
            "می\u{200C}خواهم",
            "Иванов Ltd",
        ];
        for name in sound {
            assert!(is_whole(name, Mode::Default), "{name}");
        }
        let hidden = [
            "",
            "...",
            "\u{200B}",
            "Vladi\u{AD}mir Putin",
            "Vl\u{2060}adimir",
            "Sad\u{FE0F}dam",
            "НАМАS",
            "𝐏utin",
            "Vladimir\u{200B}Putin",
            "\u{202E}nitup",
        ];
        for name in hidden {
            assert!(!is_whole(name, Mode::Default), "{name:?}");
            assert!(!is_whole(name, Mode::Ofac), "{name:?}");
        }
        let long = "a ".repeat(65) + "Vladimir Putin";
        assert!(!is_whole(&long, Mode::Default) && !is_whole(&long, Mode::Ofac));
        assert!(is_whole("Vladimir Putin, 7", Mode::Ofac) && is_whole("Müller", Mode::Ofac));
        for name in ["Владимир Путин", "Putin فلاد"] {
            assert!(!is_whole(name, Mode::Ofac), "{name}");
        }
    }

    #[test]
    fn joint_names_are_asked_apart_too() {
        let shown = |name| parts(name).split_off(1);
        assert!(shown("Vladimir Putin").is_empty());
        assert!(shown("Johnson and Johnson").is_empty());
        assert_eq!(shown("Ann Smith and Vladimir Putin"), ["Ann Smith", "Vladimir Putin"]);
        assert_eq!(shown("Mr V Putin or Mrs M Putina"), ["Mr V Putin", "Mrs M Putina"]);
        assert_eq!(shown("V Putin c/o Hotel Moscow"), ["V Putin", "Hotel Moscow"]);
        assert_eq!(shown("Ann Smith/Vladimir Putin"), ["Ann Smith", "Vladimir Putin"]);
        assert_eq!(shown("A B & C D; E F"), ["A B", "C D", "E F"]);
        assert_eq!(shown("and or"), [""; 0]);
    }
}
