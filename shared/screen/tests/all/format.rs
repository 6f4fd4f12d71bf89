//! The snapshot's bytes, as FORMAT.md says them. Must never accept two encodings of one list.

use crate::support::{Random, entry, snapshot};
use screen::{Birth, Identifier, Kind, ScreenError, Snapshot, Strength};

fn example() -> Snapshot {
    let mut first = entry("2674", Kind::Person, &["DOE, Jane", "Janie"]);
    first.names[1].strength = Strength::Weak;
    first.births = vec![Birth { first: -4_748, last: -4_384 }];
    first.identifiers = vec![Identifier { kind: "passport".into(), value: "A123".into() }];
    first.programs = vec!["TEST".into()];
    let mut list = snapshot(vec![first, entry("300", Kind::Vessel, &["NORTHERN STAR"])]);
    list.taken_at = 1_700_000_000_000;
    list
}

#[test]
fn the_vector_is_frozen() {
    let bytes = example().to_bytes();
    assert_eq!(crypto::to_hex(&bytes), VECTOR);
    assert_eq!(crypto::to_hex(example().root().as_bytes()), ROOT);
    assert_eq!(Snapshot::parse(&bytes), Ok(example()));
}

const VECTOR: &str = concat!(
    "a501010264746573740366612074657374041b0000018bcfe5680005825840a60164323637340200",
    "03828269444f452c204a616e650082654a616e69650204818239128b39111f058182687061737370",
    "6f72746441313233068164544553545820a6016333303002020381826d4e4f52544845524e205354",
    "415200048005800680",
);
const ROOT: &str = "6b14aba7bf9640257a0b04a29299cb1de28fec4a0aca4ef5d3a092b4d2e42b04";

#[test]
fn disorder_and_empty_entries_are_refused() {
    let refused = |change: &dyn Fn(&mut Snapshot)| {
        let mut list = example();
        change(&mut list);
        let found = Snapshot::parse(&list.to_bytes());
        assert!(matches!(found, Err(ScreenError::Content { .. })), "{found:?}");
    };
    refused(&|list| list.entries.reverse());
    refused(&|list| list.entries[1].id = "2674".into());
    refused(&|list| list.entries[0].id.clear());
    refused(&|list| list.entries[0].names.clear());
    refused(&|list| list.entries[0].births[0].last = -5_000);
    let mut long = example();
    long.entries[0].names[0].text = "x".repeat(513);
    assert!(matches!(long.check(), Err(ScreenError::TooLarge { max: 512, found: 513, .. })));
}

#[test]
fn damaged_bytes_never_panic_and_never_pass_twice() {
    let bytes = example().to_bytes();
    let mut random = Random(1);
    for n in 0..4_000 {
        let mut damaged = bytes.clone();
        let at = random.below(damaged.len());
        match n % 3 {
            0 => damaged[at] = random.below(256) as u8,
            1 => damaged.truncate(at),
            _ => damaged.insert(at, random.below(256) as u8),
        }
        if let Ok(list) = Snapshot::parse(&damaged) {
            assert_eq!(list.to_bytes(), damaged);
        }
    }
}

#[test]
fn every_part_of_an_entry_is_in_the_root() {
    let root = example().root();
    let changes: [&dyn Fn(&mut Snapshot); 5] = [
        &|list| list.entries[0].names[1].strength = Strength::Strong,
        &|list| list.entries[0].births[0].first -= 1,
        &|list| list.entries[0].identifiers[0].value.push('4'),
        &|list| list.entries[0].kind = Kind::Unknown,
        &|list| drop(list.entries.pop()),
    ];
    for change in changes {
        let mut list = example();
        change(&mut list);
        assert_ne!(list.root(), root);
    }
}
