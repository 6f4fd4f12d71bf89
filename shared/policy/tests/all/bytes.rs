//! The frozen vector, and bytes from anywhere: refused by a number, never a panic, never a second
//! encoding of the same thing.

use crate::support::{full, key};
use policy::{POLICY_BYTES_MAX, SignedPolicy, sign};

fn vector() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/policy.cbor")
}

/// Freeze anew with PROBITY_FREEZE=1 when the format has got another version.
#[test]
fn the_vector_is_frozen() {
    let made = sign(&full(), &[key(1), key(3)]).expect("sound");
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        std::fs::write(vector(), &made).expect("written");
    }
    let frozen = std::fs::read(vector()).expect("vectors/policy.cbor");
    assert_eq!(crypto::to_hex(&made), crypto::to_hex(&frozen));
    let verified = SignedPolicy::verify(&frozen, None).expect("two of three");
    assert_eq!(*verified.content(), full());
    assert_eq!(crypto::to_hex(&verified.hash()), HASH);
}

const HASH: &str = "e4381a626848729059d8c8e54c12e4fa6f5e622808fd838303ff37e3e40bdf3f\
    3082eefe956ee5249f54f1e3bb0c9c30";

#[test]
fn every_bit_counts_and_every_cut_is_refused() {
    let bytes = sign(&full(), &[key(1), key(3)]).expect("sound");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(SignedPolicy::verify(&changed, None).is_err(), "byte {at} may change");
        assert!(SignedPolicy::parse(&bytes[..at]).is_err(), "cut at {at}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(SignedPolicy::parse(&longer).expect_err("longer").check(), "Y1");
    let huge = vec![0; POLICY_BYTES_MAX + 1];
    assert_eq!(SignedPolicy::parse(&huge).expect_err("huge").check(), "Y1");
}

#[test]
fn other_envelopes_are_refused() {
    let payload = full().to_bytes();
    let envelope = |tag: u64, protected: &[u8], unprotected: usize, payload: &[u8]| {
        let mut w = cbor::Writer::new();
        w.tag(tag).array(4).bytes(protected).map(unprotected);
        if unprotected > 0 {
            w.uint(4).bytes(&[1]);
        }
        w.bytes(payload).array(0);
        w.finish()
    };
    let mut header = cbor::Writer::new();
    header.map(1).uint(16).text(policy::TYP);
    let header = header.finish();
    let mut bundle = cbor::Writer::new();
    bundle.map(1).uint(16).text("application/probity-bundle+cbor");
    let check = |bytes: &[u8]| SignedPolicy::parse(bytes).map_err(|error| error.check());
    assert!(check(&envelope(98, &header, 0, &payload)).is_ok());
    assert_eq!(check(&envelope(18, &header, 0, &payload)), Err("Y1"));
    assert_eq!(check(&envelope(98, &bundle.finish(), 0, &payload)), Err("Y1"));
    assert_eq!(check(&envelope(98, &header, 1, &payload)), Err("Y1"));
    assert_eq!(check(&envelope(98, &header, 0, &payload[1..])), Err("Y2"));
    let trailing = [&payload[..], &[0]].concat();
    assert_eq!(check(&envelope(98, &header, 0, &trailing)), Err("Y2"));
    // The format's version, as a longer head: the same number, another encoding.
    let mut padded = payload.clone();
    assert_eq!(padded[1..3], [1, 1]);
    padded.splice(2..3, [0x18, 1]);
    assert_eq!(check(&envelope(98, &header, 0, &padded)), Err("Y2"));
    let mut newer = payload.clone();
    newer[2] = 2;
    assert_eq!(check(&envelope(98, &header, 0, &newer)), Err("Y2"));
}

/// Sixty thousand mutants of a sound policy: none panics, and what still parses is canonical.
#[test]
fn random_mutants_never_panic() {
    let bytes = sign(&full(), &[key(1), key(3)]).expect("sound");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..60_000 {
        let mut mutant = bytes.clone();
        for _ in 0..=next(4) {
            if mutant.is_empty() {
                break;
            }
            let at = next(mutant.len());
            match next(4) {
                0 => mutant[at] = next(256) as u8,
                1 => mutant.insert(at, next(256) as u8),
                2 => drop(mutant.remove(at)),
                _ => mutant.truncate(at.max(1)),
            }
        }
        if let Ok(parsed) = SignedPolicy::parse(&mutant) {
            let again = parsed.content().to_bytes();
            assert!(mutant.windows(again.len()).any(|window| window == again));
        }
        if let Ok(verified) = SignedPolicy::verify(&mutant, None) {
            assert_eq!(*verified.content(), full(), "signed content only");
        }
    }
}
