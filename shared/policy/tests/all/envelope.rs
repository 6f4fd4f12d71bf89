//! The envelope's signatures stand sorted, one a key: every other arrangement of the same bytes is
//! a second encoding and is refused (Y1). Each of them is made of sound parts.

use crate::support::{full, key};
use crypto::cose::{body_protected, sign_one, sign_protected};
use policy::{SignedPolicy, sign};

/// An envelope with the signatures of these keys, in this order, each by a header as given.
fn envelope(fills: &[u8], header: impl Fn(&[u8; 32]) -> Vec<u8>) -> Vec<u8> {
    let (body, payload) = (body_protected(policy::TYP), full().to_bytes());
    let mut w = cbor::Writer::new();
    w.tag(98).array(4).bytes(&body).map(0).bytes(&payload).array(fills.len());
    for fill in fills {
        let (public, signature) = sign_one(&body, &payload, &key(*fill));
        w.array(3).bytes(&header(&public)).map(0).bytes(&signature.0);
    }
    w.finish()
}

/// The fills in the order of their keys.
fn ascending(fills: &[u8]) -> Vec<u8> {
    let mut sorted = fills.to_vec();
    sorted.sort_by_key(|fill| key(*fill).verifying_key().to_bytes());
    sorted
}

fn check(bytes: &[u8]) -> Result<(), &'static str> {
    SignedPolicy::verify(bytes, None).map(drop).map_err(|error| error.check())
}

#[test]
fn signatures_ascend_by_key_and_each_key_signs_once() {
    let sorted = ascending(&[1, 2, 3]);
    let sound = envelope(&sorted, sign_protected);
    assert_eq!(sound, sign(&full(), &[key(1), key(2), key(3)]).expect("sound"));
    assert_eq!(check(&sound), Ok(()));
    let [a, b, c] = sorted[..] else { panic!("three") };
    for other in [&[b, a, c][..], &[a, c, b], &[c, b, a], &[a, a, b], &[a, b, b], &[a, a], &[b, a]]
    {
        assert_eq!(check(&envelope(other, sign_protected)), Err("Y1"), "{other:?}");
    }
}

#[test]
fn a_signers_header_is_written_in_one_way() {
    let sorted = ascending(&[1, 2]);
    let swapped = |public: &[u8; 32]| {
        let mut w = cbor::Writer::new();
        w.map(2).uint(4).bytes(public).uint(1).int(-8);
        w.finish()
    };
    let more = |public: &[u8; 32]| {
        let mut w = cbor::Writer::new();
        w.map(3).uint(1).int(-8).uint(4).bytes(public).uint(5).uint(0);
        w.finish()
    };
    assert_eq!(check(&envelope(&sorted, sign_protected)), Ok(()));
    assert_eq!(check(&envelope(&sorted, swapped)), Err("Y1"));
    assert_eq!(check(&envelope(&sorted, more)), Err("Y1"));
}

/// A refused header is shown, up to its first 64 bytes.
#[test]
fn a_refusal_shows_the_header() {
    let of_bundles = body_protected("application/probity-bundle+cbor");
    let mut w = cbor::Writer::new();
    w.tag(98).array(4).bytes(&of_bundles).map(0).bytes(&full().to_bytes()).array(0);
    let refusal = SignedPolicy::parse(&w.finish()).expect_err("a bundle's").to_string();
    assert!(refusal.contains(&crypto::to_hex(&of_bundles)), "{refusal}");
    let long = vec![0x61; 100];
    let mut w = cbor::Writer::new();
    w.tag(98).array(4).bytes(&long).map(0).bytes(&full().to_bytes()).array(0);
    let refusal = SignedPolicy::parse(&w.finish()).expect_err("no header").to_string();
    let shown = crypto::to_hex(&long[..64]);
    assert!(refusal.contains(&shown) && !refusal.contains(&format!("{shown}6")), "{refusal}");
}
