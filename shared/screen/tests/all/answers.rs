//! The index against the scan, and what a query brings. Must never compare the index with itself.

use crate::support::{Random, entry, pair, sdn, snapshot};
use screen::{
    Birth, DEFAULT_THRESHOLD, Entry, HITS_MAX, Identifier, Index, Kind, Mode, Query, Scratch,
    Strength,
};

const MODES: [Mode; 3] = [Mode::Default, Mode::Ofac, Mode::JaroWinkler];

fn mutate(name: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    for _ in 0..random.below(4) {
        let at = random.below(letters.len().max(1));
        let letter = ['a', 'e', 'i', 'k', 's', ' ', '-', '7', 'Ö', 'ж', 'h'][random.below(11)];
        match random.below(6) {
            0 if letters.len() > 1 => drop(letters.remove(at)),
            1 => letters.insert(at, letter),
            2 if at < letters.len() => letters[at] = letter,
            3 if at + 1 < letters.len() => letters.swap(at, at + 1),
            4 => {
                let text: String = letters.iter().collect();
                let mut words: Vec<&str> = text.split_whitespace().collect();
                let by = random.below(words.len().max(1));
                words.rotate_left(by);
                if random.below(3) == 0 {
                    words.pop();
                }
                letters = words.join(" ").chars().collect();
            }
            _ => {}
        }
    }
    letters.into_iter().collect()
}

/// Every mode, many thresholds: the index and the scan must agree to the last hit.
fn agree(index: &Index, names: &[String], count: usize, seed: u64) {
    let mut random = Random(seed);
    let mut hits = 0;
    let mut scratch = Scratch::default();
    for n in 0..count {
        let name = mutate(&names[random.below(names.len())], &mut random);
        let threshold =
            [0, 1, 3_000, 5_000, 6_500, 7_000, 7_500, 8_500, 9_500, 10_000][random.below(10)];
        let birth = [None, Some(-4_672), Some(0)][random.below(3)];
        for mode in MODES {
            let query = Query { name: &name, birth, mode, threshold };
            let found = index.screen(&query);
            assert_eq!(found, index.screen_brute_force(&query), "{n} {query:?}");
            assert_eq!(found, index.screen_with(&mut scratch, &query), "{n} {query:?}");
            hits += found.total;
        }
    }
    assert!(hits > 0);
}

fn made_up() -> Vec<Entry> {
    let parts = [
        "Mohammed",
        "Muhammad",
        "al",
        "bin",
        "Ivan",
        "Petrov",
        "Sergey",
        "J",
        "Bank",
        "Trading",
        "LLC",
        "GmbH",
        "Company",
        "Kim",
        "Jong",
        "Un",
        "II",
        "Fund",
        "7",
        "van",
        "der",
        "Berg",
        "Schmidt",
        "Smyth",
        "Smith",
        "Aleksandr",
        "Alexander",
        "Ostrov",
        "Владимир",
        "محمد",
        "X",
        "Dr",
        "Abdulrahman",
        "Nur",
        "Noor",
        "Kharkov",
        "習近平",
        "Q",
        "Commercial",
    ];
    let mut random = Random(11);
    (0..400)
        .map(|n| {
            let kind =
                [Kind::Person, Kind::Organisation, Kind::Vessel, Kind::Unknown][random.below(4)];
            let names: Vec<String> = (0..1 + random.below(3))
                .map(|_| {
                    let words: Vec<_> =
                        (0..1 + random.below(5)).map(|_| parts[random.below(39)]).collect();
                    mutate(&words.join(" "), &mut random)
                })
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut entry = entry(&format!("{n:04}"), kind, &names);
            if random.below(3) == 0 {
                entry.births.push(Birth { first: -4_800, last: -4_600 });
            }
            if let Some(name) = entry.names.get_mut(1) {
                name.strength = Strength::Weak;
            }
            entry
        })
        .collect()
}

fn names_of(entries: &[Entry]) -> Vec<String> {
    entries.iter().flat_map(|entry| entry.names.iter().map(|name| name.text.clone())).collect()
}

#[test]
fn the_index_answers_as_the_scan_on_a_made_up_list() {
    let entries = made_up();
    let names = names_of(&entries);
    agree(&Index::build(snapshot(entries)), &names, 150, 3);
}

#[test]
fn the_index_answers_as_the_scan_on_a_part_of_the_sdn_list() {
    let Some(list) = sdn() else { return };
    let entries: Vec<Entry> = list.entries.into_iter().step_by(60).collect();
    let names = names_of(&entries);
    agree(&Index::build(snapshot(entries)), &names, 60, 5);
}

#[test]
#[ignore = "half a minute in release, long in debug"]
fn the_index_answers_as_the_scan_on_the_whole_sdn_list() {
    let Some(list) = sdn() else { return };
    let names = names_of(&list.entries);
    agree(&Index::build(list), &names, 400, 9);
}

#[test]
fn a_birth_and_a_weak_alias_change_the_score() {
    let mut listed = entry("1", Kind::Person, &["Ivan Petrov", "Vanya Petrov"]);
    listed.births.push(Birth { first: -4_748, last: -4_384 });
    listed.names[1].strength = Strength::Weak;
    let index = Index::build(snapshot(vec![listed]));
    let score = |name: &str, birth| {
        let query = Query { name, birth, mode: Mode::Default, threshold: 1 };
        let hits = index.screen(&query);
        assert_eq!(index.screen_brute_force(&query), hits);
        hits.best[0].score
    };
    assert_eq!(score("Ivan Petrov", None), 10_000);
    assert_eq!(score("Vanya Petrov", None), 9_500);
    assert_eq!(score("Vanya Petrov", Some(-4_500)), 9_800);
    assert_eq!(score("Ivan Petrov", Some(-4_384 + 366)), 10_000);
    assert_eq!(score("Ivan Petrov", Some(-4_384 + 367)), 8_500);
}

#[test]
fn hits_are_ranked_counted_and_one_per_entry() {
    let listed = |n: usize| entry(&format!("{n:02}"), Kind::Person, &["Ann Lee", "Anne Lee"]);
    let index = Index::build(snapshot((0..20).map(listed).collect()));
    let query =
        Query { name: "Anne Lee", birth: None, mode: Mode::Default, threshold: DEFAULT_THRESHOLD };
    let hits = index.screen(&query);
    assert_eq!((hits.best.len(), hits.total, hits.cut), (HITS_MAX, 20, false));
    assert!(hits.best.iter().zip(0..).all(|(hit, n)| hit.entry == n && hit.name == 1));
    let long = "Anne Lee ".repeat(60);
    assert!(index.screen(&Query { name: &long, ..query }).cut);
}

#[test]
fn identifiers_match_folded_but_wallets_exactly() {
    let mut listed = entry("1", Kind::Person, &["A B"]);
    let kinds = [("passport", "A-12 34"), ("wallet:XBT", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")];
    listed.identifiers =
        kinds.map(|(kind, value)| Identifier { kind: kind.into(), value: value.into() }).into();
    let index = Index::build(snapshot(vec![listed]));
    for (value, total) in [
        ("a1234", 1),
        ("A 12-34", 1),
        ("A123", 0),
        ("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", 1),
        ("1boatSLRHtKNngkdXEeobR76b53LETtpyT", 0),
        ("", 0),
        ("- -", 0),
    ] {
        assert_eq!(index.identifier(value).total, total, "{value}");
    }
}

#[test]
fn an_explanation_says_what_was_paired() {
    let mut listed = entry("1", Kind::Person, &["PUTIN, Vladimir Vladimirovich"]);
    listed.births.push(Birth { first: -6_295, last: -6_295 });
    let index = Index::build(snapshot(vec![listed]));
    let query = Query {
        name: "Wladimir Putin",
        birth: Some(-6_295),
        mode: Mode::Default,
        threshold: DEFAULT_THRESHOLD,
    };
    let hit = index.screen(&query).best[0];
    let explanation = index.explain(&query, &hit).expect("the hit is of this index");
    assert_eq!(
        explanation.lines,
        [
            "wladimir = vladimir (95.00)",
            "putin = putin (100.00)",
            "only on the list: vladimirovich",
            "the words stand in another order (no effect)",
            "names: 87.70",
            "the date of birth agrees",
            "score 90.70",
        ]
    );
    assert_eq!(u32::from(hit.score), u32::from(explanation.name_score) + 300);
}

#[test]
fn scores_are_frozen() {
    let is = |query, listed, kind, score| {
        assert_eq!(pair(query, listed, kind, Mode::Default), score, "{query} | {listed}");
    };
    is("Siemens Aktiengesellschaft", "Siemens AG", Kind::Organisation, 10_000);
    is("Usama ibn Ladin", "Osama bin Laden", Kind::Person, 8_349);
    is("Blue Star Fund 2", "Blue Star Fund 3", Kind::Organisation, 5_000);
    is("RamiMakhlouf", "Rami Makhlouf", Kind::Person, 10_000);
    is("John Smith", "Maria Garcia", Kind::Person, 0);
    is("", "Maria Garcia", Kind::Person, 0);
    assert_eq!(pair("MARTHA", "MARHTA", Kind::Unknown, Mode::JaroWinkler), 9_611);
    assert_eq!(pair("DIXON", "DICKSONX", Kind::Unknown, Mode::JaroWinkler), 8_133);
}
