//! The bars that others set: OFAC's own scores, labelled pairs of names. Must never be met by
//! knowing a single pair.

use crate::support::{Random, corpus, pair};
use screen::{DEFAULT_THRESHOLD, Kind, Mode, OFAC_THRESHOLD};

#[test]
fn the_ofac_mode_scores_as_ofac_does() {
    let Some(rows) = corpus("names/ofac_scores.csv") else { return };
    let (mut scored, mut near, mut sum) = (0u32, 0u32, 0u32);
    for row in rows.iter().skip(1) {
        let ours = u32::from(pair(&row[0], &row[1], Kind::Unknown, Mode::Ofac));
        let Ok(theirs) = row[2].trim().parse::<u32>() else {
            assert!(ours < u32::from(OFAC_THRESHOLD), "{} hits {}: {ours}", row[0], row[1]);
            continue;
        };
        let off = ours.abs_diff(theirs * 100);
        if off > 500 {
            println!("{ours} instead of {theirs}: {} | {}", row[0], row[1]);
        }
        scored += 1;
        near += u32::from(off <= 500);
        sum += off;
    }
    println!("OFAC: {near} of {scored} within 5 points, mean error {} / 100", sum / scored);
    assert!(near * 100 >= 90 * scored);
    assert!(sum <= 200 * scored);
}

/// F1, precision and recall in 1/10000.
fn measure(marks: &[(bool, bool)]) -> (u32, u32, u32) {
    let count = |said: bool, is: bool| marks.iter().filter(|m| **m == (said, is)).count() as u32;
    let (right, wrong, missed) = (count(true, true), count(true, false), count(false, true));
    (
        20_000 * right / (2 * right + wrong + missed).max(1),
        10_000 * right / (right + wrong).max(1),
        10_000 * right / (right + missed).max(1),
    )
}

#[test]
fn the_default_mode_tells_same_from_different() {
    let Some(rows) = corpus("names/name_pairs.csv") else { return };
    for known in [true, false] {
        let mut marks = Vec::new();
        for row in rows.iter().skip(1).filter(|row| row.len() > 4) {
            let kind = match row[1].as_str() {
                _ if !known => Kind::Unknown,
                "Person" => Kind::Person,
                "Vessel" => Kind::Vessel,
                _ => Kind::Organisation,
            };
            let score = pair(&row[2], &row[3], kind, Mode::Default);
            let (said, is) = (score >= DEFAULT_THRESHOLD, row[4] == "true");
            if said != is && known {
                println!("{score} {is} {} | {}", row[2], row[3]);
            }
            marks.push((said, is));
        }
        let (f1, precision, recall) = measure(&marks);
        println!("kind known {known}: F1 {f1}, precision {precision}, recall {recall} / 10000");
        assert!(f1 >= 7_900);
        // Any half must hold, or the figure is luck.
        let mut random = Random(7);
        for _ in 0..10 {
            let half: Vec<_> = marks.iter().filter(|_| random.below(2) == 0).copied().collect();
            assert!(measure(&half).0 >= 7_900, "a half has F1 {}", measure(&half).0);
        }
    }
}
