//! Round trips through the file, also after closing it.

use super::*;

fn quote(size: u64) -> wire::Quote {
    let (checkpoint, document) = (([1; 16], size, [size as u8; 32]), vec![9; 100]);
    wire::Quote { checkpoint, document, log_signatures: [[1; 64], [2; 64]] }
}

fn entry(index: u64, reference: Option<ClientRef>) -> NewEntry {
    let wired = wire::Entry {
        id: 5,
        index,
        client_ref: reference.map(ClientRef::to_bytes).unwrap_or_default(),
        envelope: vec![index as u8; 300],
        salt: [index as u8; 32],
        results: vec![vec![1, 2], vec![]],
        sealed: vec![],
    };
    NewEntry {
        index,
        leaf: [index as u8; 32],
        proof_id: [index as u8; 16],
        reference,
        record: write_entry(&wired),
    }
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.add_boot(b"record 0").unwrap(), 0);
    assert_eq!(store.add_boot(b"record 1").unwrap(), 1);
    let reference = ClientRef::new("key", b"body");
    let (first, second, third) = (entry(1, None), entry(2, Some(reference)), entry(3, None));
    let (early, late) = (quote(3), quote(4));
    let groups = [
        NewGroup { quote: &early, entries: vec![&first, &second] },
        NewGroup { quote: &late, entries: vec![&third] },
    ];
    assert_eq!(store.commit(1, &groups).unwrap(), vec![]);
    store.reopen().unwrap();
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.boots().unwrap(), [b"record 0".to_vec(), b"record 1".to_vec()]);
    assert_eq!(store.leaf_hashes(1).unwrap(), [[1; 32], [2; 32], [3; 32]]);
    assert_eq!(store.leaf_hashes(0).unwrap(), [[0; 32]; 0]);
    let at = Location { boot: 1, index: 2 };
    assert_eq!(store.find_proof(&[2; 16]).unwrap(), Some(at));
    assert_eq!(store.find_proof(&[7; 16]).unwrap(), None);
    let read = store.entry(at).unwrap().unwrap();
    assert_eq!((read.envelope, read.salt), (vec![2; 300], [2; 32]));
    assert_eq!(read.results, [vec![1, 2], vec![]]);
    assert_eq!(store.quote_covering(at).unwrap().unwrap().size, 3);
    assert_eq!(store.quote_covering(Location { boot: 1, index: 3 }).unwrap().unwrap().size, 4);
    assert_eq!(store.quote_covering(Location { boot: 1, index: 4 }).unwrap(), None);
    assert_eq!(store.quotes(1).unwrap(), 2);
    let found = store.find_ref(&reference.key).unwrap().unwrap();
    assert_eq!(found, RefRecord { body: reference.body, location: at });
    let last = store.last_checkpoint(&[[8; 16], [9; 16]]).unwrap().unwrap();
    assert_eq!(last, Checkpoint { boot_id: [9; 16], size: 4, root: [4; 32] });
}

#[test]
fn the_first_proof_of_a_key_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.add_boot(b"record").unwrap();
    let reference = ClientRef::new("key", b"body");
    let (first, again) = (entry(1, Some(reference)), entry(2, Some(reference)));
    let (one, two) = (quote(2), quote(3));
    store.commit(0, &[NewGroup { quote: &one, entries: vec![&first] }]).unwrap();
    let found = store.commit(0, &[NewGroup { quote: &two, entries: vec![&again] }]).unwrap();
    let first = RefRecord { body: reference.body, location: Location { boot: 0, index: 1 } };
    assert_eq!(found, [Duplicate { index: 2, first }]);
    assert_eq!(store.find_ref(&reference.key).unwrap(), Some(first));
    assert_eq!(store.leaf_hashes(0).unwrap().len(), 2);
}

#[test]
fn a_gap_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.add_boot(b"record").unwrap();
    let (late, one) = (entry(2, None), quote(3));
    store.commit(0, &[NewGroup { quote: &one, entries: vec![&late] }]).unwrap();
    assert!(matches!(store.leaf_hashes(0), Err(Error::Damaged(_))));
}

#[test]
fn a_sealed_entry_is_stored_with_its_reply_and_nothing_else() {
    let entry = wire::Entry {
        id: 5,
        index: 3,
        client_ref: vec![7; 64],
        envelope: vec![8; 300],
        salt: [0; 32],
        results: vec![],
        sealed: vec![9; 1100],
    };
    let bytes = write_entry(&entry);
    let stored = record::read_entry(&bytes).unwrap();
    assert_eq!((stored.envelope, stored.sealed), (entry.envelope, entry.sealed));
    assert_eq!((stored.salt, stored.results), ([0; 32], vec![]));
    for end in 0..bytes.len() {
        assert!(record::read_entry(&bytes[..end]).is_err(), "{end}");
    }
}
