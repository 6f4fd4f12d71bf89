//! The reader against RFC 8949's own examples and against hostile heads.

use super::*;
use crate::Writer;

#[test]
fn what_the_writer_writes_is_read_back() {
    let mut w = Writer::new();
    w.map(3).uint(1).int(-500).uint(2).bytes(&[7; 300]).text("k").array(2).bool(true).null();
    let bytes = w.finish();
    let mut r = Reader::new(&bytes);
    r.map_of("m", 3).expect("map");
    r.key(1).expect("key");
    assert_eq!(r.int(), Ok(-500));
    r.key(2).expect("key");
    assert_eq!(r.bytes().map(<[u8]>::len), Ok(300));
    assert_eq!(r.text(), Ok("k"));
    r.array_of("a", 2).expect("array");
    assert_eq!(r.bool(), Ok(true));
    assert_eq!(r.null(), Ok(true));
    assert_eq!(r.end(), Ok(()));
    assert_eq!(Reader::new(&bytes).raw(), Ok(&bytes[..]));
}

#[test]
fn heads_must_be_minimal() {
    for hostile in [
        &[0x18, 0x17][..],
        &[0x19, 0, 0xff],
        &[0x1a, 0, 0, 0xff, 0xff],
        &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        &[0x1c],
    ] {
        assert_eq!(
            Reader::new(hostile).uint(),
            Err(CborError::NotMinimal { at: 0 }),
            "{hostile:x?}"
        );
        assert!(Reader::new(hostile).raw().is_err());
    }
    assert_eq!(
        Reader::new(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).uint(),
        Ok(u64::MAX)
    );
    assert!(Reader::new(&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).int().is_err());
    assert_eq!(
        Reader::new(&[0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).int(),
        Ok(i64::MIN)
    );
}

#[test]
fn declared_lengths_are_not_believed() {
    let huge = [0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert!(matches!(Reader::new(&huge).bytes(), Err(CborError::Truncated { .. })));
    let huge_map = [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert!(Reader::new(&huge_map).raw().is_err());
}

#[test]
fn nesting_is_bounded_everywhere() {
    let bomb = [0x81; 100_000];
    assert!(matches!(Reader::new(&bomb).raw(), Err(CborError::Depth { .. })));
    let mut r = Reader::new(&bomb);
    let failed = (0..20).any(|_| matches!(r.array(), Err(CborError::Depth { .. })));
    assert!(failed);
}

#[test]
fn indefinite_containers_only_where_asked() {
    let bytes = [0xbf, 0x61, b'a', 0x9f, 0x01, 0xff, 0xff];
    assert_eq!(Reader::new(&bytes).raw(), Err(CborError::Indefinite { at: 0 }));
    assert_eq!(Reader::with_form(&bytes, Form::AnyContainer).raw(), Ok(&bytes[..]));
    let chunked = [0x5f, 0x41, 0, 0xff];
    assert_eq!(
        Reader::with_form(&chunked, Form::AnyContainer).raw(),
        Err(CborError::Indefinite { at: 0 })
    );
    assert!(Reader::with_form(&[0xff], Form::AnyContainer).raw().is_err());
    let half_pair = [0xbf, 0x01, 0xff];
    assert!(Reader::with_form(&half_pair, Form::AnyContainer).raw().is_err());
}

#[test]
fn floats_undefined_and_simple_values_are_refused() {
    for other in
        [&[0xf9, 0, 0][..], &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], &[0xf7], &[0xf0], &[0xf8, 0x15]]
    {
        assert!(Reader::new(other).raw().is_err(), "{other:x?}");
        assert!(Reader::new(other).bool().is_err(), "{other:x?}");
    }
}

#[test]
fn trailing_bytes_are_seen() {
    let mut r = Reader::new(&[0x01, 0x02]);
    assert_eq!(r.uint(), Ok(1));
    assert_eq!(r.end(), Err(CborError::Trailing { at: 1, bytes: 1 }));
}
