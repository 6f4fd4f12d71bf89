//! Reading lists, from the outside: small files of our own, and the published ones where they
//! are. Must never depend on the published ones.

use lists::{Listing, ListsError, read_ofac, read_plain, read_un};
use screen::{Birth, Entry, Identifier, Index, Kind, Mode, Query, Snapshot, Strength};
use std::path::PathBuf;

const SDN: &str = include_str!("../fixtures/sdn.csv");
const ALT: &str = include_str!("../fixtures/alt.csv");
const ADD: &str = include_str!("../fixtures/add.csv");
const UN: &str = include_str!("../fixtures/un.xml");
const PLAIN: &str = include_str!("../fixtures/plain.csv");

fn names(entry: &Entry) -> Vec<(&str, Strength)> {
    entry.names.iter().map(|name| (name.text.as_str(), name.strength)).collect()
}

fn identifiers(entry: &Entry) -> Vec<(&str, &str)> {
    entry.identifiers.iter().map(|i| (i.kind.as_str(), i.value.as_str())).collect()
}

fn corpus(path: &str) -> Option<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/sanctions");
    let bytes = std::fs::read(root.join(path)).ok();
    if bytes.is_none() {
        println!("ignored: corpus absent ({path})");
    }
    bytes
}

fn survives(listing: &Listing) {
    let bytes = listing.snapshot.to_bytes();
    assert_eq!(Snapshot::parse(&bytes).as_ref(), Ok(&listing.snapshot));
}

#[test]
fn ofac_files_are_read() {
    let listing = read_ofac(SDN.as_bytes(), ALT.as_bytes(), ADD.as_bytes()).expect("fixture");
    survives(&listing);
    let entries = &listing.snapshot.entries;
    assert_eq!(entries.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["11", "12", "7"]);
    let doe = &entries[0];
    assert_eq!(doe.kind, Kind::Person);
    assert_eq!(
        names(doe),
        [
            ("DOE, Jane", Strength::Primary),
            ("JANIE", Strength::Weak),
            ("DOE-ROE, Jane", Strength::Strong)
        ]
    );
    assert_eq!(
        doe.births,
        [Birth { first: -4_677, last: -4_677 }, Birth { first: -7_305, last: -5_115 }]
    );
    assert_eq!(
        identifiers(doe),
        [
            ("passport", "A 123"),
            ("national", "77-8"),
            ("tax", "9"),
            ("wallet:XBT", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")
        ]
    );
    assert_eq!(doe.programs, ["TEST", "TEST2"]);
    assert_eq!(
        (entries[1].kind, identifiers(&entries[1])),
        (Kind::Vessel, vec![("imo", "9187629")])
    );
    assert_eq!(entries[2].kind, Kind::Organisation);
    let reasons: Vec<_> =
        listing.report.rows_skipped.iter().map(|s| (s.line, s.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            (3, "sdn.csv: entry 12: \"unknown\" is no date of birth"),
            (2, "alt.csv: sdn.csv has no entry 99 for the alias \"NOBODY\""),
            (1, "add.csv: 1 addresses; a snapshot has no place for them"),
        ]
    );
}

#[test]
fn bad_ofac_rows_are_refused_with_their_line() {
    let refused = |sdn: &str, alt: &str, line: u64| {
        let found = read_ofac(sdn.as_bytes(), alt.as_bytes(), b"");
        assert!(
            matches!(&found, Err(ListsError::Row { line: at, .. }) if *at == line),
            "{found:?}"
        );
    };
    refused(&format!("{SDN}13,\"SHORT\",-0-\n"), ALT, 4);
    refused(&SDN.replace("\"vessel\"", "\"submarine\""), ALT, 3);
    refused(&format!("{SDN}{}", SDN.lines().next().unwrap_or_default()), ALT, 4);
    refused(&SDN.replace("\"DOE, Jane\"", "-0-"), ALT, 2);
    refused(SDN, &ALT.replace("\"fka\"", "\"maybe\""), 1);
}

#[test]
fn un_files_are_read() {
    let listing = read_un(UN.as_bytes()).expect("fixture");
    survives(&listing);
    assert_eq!(listing.snapshot.taken_at, 1_700_006_400_000);
    let [body, person] = &listing.snapshot.entries[..] else { panic!("two entries") };
    assert_eq!((person.id.as_str(), person.kind), ("XXi.001", Kind::Person));
    assert_eq!(
        names(person),
        [
            ("JANE DOE", Strength::Primary),
            ("جين", Strength::Strong),
            ("Jane Roe", Strength::Strong),
            ("Janie", Strength::Weak)
        ]
    );
    assert_eq!(
        person.births,
        [
            Birth { first: -4_677, last: -4_677 },
            Birth { first: -7_305, last: -5_115 },
            Birth { first: -5_114, last: -4_018 }
        ]
    );
    assert_eq!(person.identifiers, [Identifier { kind: "passport".into(), value: "A1".into() }]);
    assert_eq!((body.id.as_str(), names(body)[1]), ("XXe.002", ("SHELL TWO", Strength::Strong)));
    assert_eq!(listing.report.rows_skipped.len(), 1);
    assert!(matches!(read_un(b"<A"), Err(ListsError::Xml { .. })));
    assert!(matches!(read_un(b"<A/>"), Err(ListsError::Xml { .. })));
}

#[test]
fn plain_files_are_read() {
    let listing = read_plain(PLAIN.as_bytes()).expect("fixture");
    survives(&listing);
    let [first, second] = &listing.snapshot.entries[..] else { panic!("two entries") };
    assert_eq!(names(first).len(), 4);
    assert_eq!(first.births, [Birth { first: -4_748, last: -4_384 }]);
    assert_eq!(identifiers(first), [("passport", "A123"), ("national id", "5")]);
    assert_eq!((second.kind, second.programs.len()), (Kind::Unknown, 0));
    for (from, to, line) in [
        ("id,kind", "id,sort", 1),
        ("person", "people", 2),
        ("1957", "last year", 2),
        ("passport A123", "A123", 2),
        ("b-2,", ",", 3),
    ] {
        let found = read_plain(PLAIN.replacen(from, to, 1).as_bytes());
        assert!(
            matches!(&found, Err(ListsError::Row { line: at, .. }) if *at == line),
            "{found:?}"
        );
    }
}

#[test]
fn the_published_sdn_list_is_read_whole() {
    let (Some(sdn), Some(alt), Some(add)) =
        (corpus("sdn.csv"), corpus("alt.csv"), corpus("add.csv"))
    else {
        return;
    };
    let listing = read_ofac(&sdn, &alt, &add).expect("the published files");
    let report = &listing.report;
    println!("{:?}", screen_counts(report));
    for skipped in report.rows_skipped.iter().take(20) {
        println!("{}: {}", skipped.line, skipped.reason);
    }
    assert_eq!(report.entries, 7_379);
    assert_eq!(report.names, 7_379 + 9_682 + report.weak);
    assert!(report.births > 4_000 && report.identifiers > 3_000 && report.weak > 100);
    assert!(report.rows_skipped.len() < 20);
    survives(&listing);
}

fn screen_counts(report: &lists::Report) -> [u32; 5] {
    [report.entries, report.names, report.weak, report.births, report.identifiers]
}

#[test]
fn the_published_un_list_is_read_whole() {
    let Some(xml) = corpus("UN_consolidated.xml") else { return };
    let listing = read_un(&xml).expect("the published file");
    println!("{:?}", screen_counts(&listing.report));
    for skipped in listing.report.rows_skipped.iter().take(20) {
        println!("{}: {}", skipped.line, skipped.reason);
    }
    let text = String::from_utf8_lossy(&xml);
    let count = |tag: &str| text.matches(tag).count();
    assert_eq!(listing.report.entries as usize, count("<INDIVIDUAL>") + count("<ENTITY>"));
    survives(&listing);
    let index = Index::build(listing.snapshot);
    let query = Query { name: "Badege Eric", birth: None, mode: Mode::Default, threshold: 7_000 };
    let best = index.screen(&query).best[0];
    assert_eq!(index.snapshot().entries[best.entry as usize].id, "CDi.001");
}

#[test]
fn damaged_files_never_panic() {
    let mut state = 1u64;
    for _ in 0..1_500 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (at, byte) = ((state >> 33) as usize, (state >> 24) as u8);
        let damage = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let at = at % bytes.len();
            if byte.is_multiple_of(3) {
                bytes.truncate(at)
            } else {
                bytes[at] = byte
            }
            bytes
        };
        let _ = read_ofac(&damage(SDN), ALT.as_bytes(), ADD.as_bytes());
        let _ = read_ofac(SDN.as_bytes(), &damage(ALT), &damage(ADD));
        let _ = read_un(&damage(UN));
        let _ = read_plain(&damage(PLAIN));
    }
}
