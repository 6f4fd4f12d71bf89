//! Bytes that mean harm: depth, size, broken encodings, random damage.

use super::{AS_OF, ROW, SEED, parse, refused, seed_plus, seed_with};
use crate::*;

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let metadata = |depth| seed_plus(&format!("\"metadata\":{}", nested(depth)));
        assert!(parse(&metadata(METADATA_DEPTH_MAX)).is_ok());
        refused(&metadata(METADATA_DEPTH_MAX + 1), ErrorKind::TooDeep, "metadata");
        let error = refused(&metadata(100_000), ErrorKind::TooDeep, "metadata");
        assert_eq!(error.found(), "100000 levels");
        let unclosed = seed_plus(&format!("\"metadata\":{}", open.repeat(100_000)));
        refused(&unclosed, ErrorKind::Syntax, "metadata");
        for key in ["\"txn-123\"", "\"US\"", "15000"] {
            assert!(parse(&seed_with(key, &nested(100_000))).is_err());
        }
        assert!(parse(&nested(100_000)).is_err());
        assert!(parse(&seed_plus(&format!("\"history\":{}", nested(100_000)))).is_err());
    }
    let text = r#""metadata":"[[[\"[[[\\"#;
    assert!(parse(&seed_plus(&format!("{text}{}\"", "[".repeat(1000)))).is_ok());
}

#[test]
fn size_and_encoding() {
    let body = vec![b' '; 10 << 20];
    let error = parse_request(&body).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::BodyTooLarge, ""));
    let padded = format!("{SEED}{}", " ".repeat(REQUEST_BYTES_MAX - SEED.len()));
    assert!(parse(&padded).is_ok());
    assert!(parse(&format!("{padded} ")).is_err());
    let mut bytes = SEED.as_bytes().to_vec();
    bytes[20] = 0xff;
    let error = parse_request(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotUtf8);
    assert_eq!(error.found(), "an invalid byte at offset 20");
    let wide: Vec<u8> = SEED.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(parse_request(&wide).is_err());
    refused("", ErrorKind::Syntax, "");
    refused(&format!("\u{feff}{SEED}"), ErrorKind::Syntax, "");
    refused(&format!("{SEED}x"), ErrorKind::Syntax, "");
    refused(&format!("{SEED}{SEED}"), ErrorKind::Syntax, "");
    refused(&SEED.replace("]}", "],}"), ErrorKind::Syntax, "");
    refused(&SEED[..SEED.len() - 1], ErrorKind::Syntax, "");
}

#[test]
fn errors_cut_and_escape_what_came() {
    let text = seed_with("wire_transfer", &format!("\u{202e}{}", "x".repeat(100_000)));
    let error = refused(&text, ErrorKind::UnknownName, "transaction.type");
    assert!(error.found().starts_with("`\\u{202e}xxx") && error.found().ends_with("…`"));
    assert!(error.to_string().chars().count() < 200);
}

#[test]
fn damaged_bodies_never_panic() {
    let whole = seed_plus(&format!(
        r#""history":[{ROW},{ROW}],"as_of":"2026-01-01T00:00:00.5+01:00","nonce":"00ff",
        "salt":"{}","metadata":{{"a":[1,"b\n",null]}}"#,
        "ab".repeat(32)
    ));
    let pieces: [&[u8]; 12] = [
        b"\"",
        b"{",
        b"]",
        b"null",
        b"\\u0000",
        b"-1",
        b"1e9",
        b",",
        b"\xff",
        b"\xc3\xa9",
        b"9999",
        b":",
    ];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let mut good = 0;
    for _ in 0..20_000 {
        let mut body = whole.clone().into_bytes();
        for _ in 0..=next(3) {
            let at = next(body.len());
            match next(5) {
                0 => body[at] ^= 1 << next(8),
                1 => body[at] = b"0123456789-+.eZT\"{}[]:, "[next(24)],
                2 => drop(body.splice(at..at, pieces[next(12)].iter().copied())),
                3 => drop(body.drain(at..(at + next(20)).min(body.len()))),
                _ => {
                    let piece = body[at..(at + next(60)).min(body.len())].to_vec();
                    let to = next(body.len());
                    drop(body.splice(to..to, piece));
                }
            }
        }
        if let Ok(request) = parse_request(&body) {
            good += usize::from(record(&request, AS_OF).is_ok());
        }
    }
    assert!((100..19_900).contains(&good), "{good} of the damaged bodies were still good");
}
