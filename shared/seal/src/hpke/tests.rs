//! The vectors of RFC 9180 for this suite, whole; RFC 4231 for HMAC; and ring, which shares no
//! code with us, as the second opinion on cipher, derivation and agreement.

use super::*;
use crate::gcm::TAG_BYTES;
use crypto::{from_hex, from_hex_exact};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::Value;

const VECTORS: &str = include_str!("../../vectors/rfc9180.json");

fn vectors() -> Value {
    serde_json::from_str(VECTORS).expect("JSON")
}

fn hex(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().expect("text")).expect("hexadecimal")
}

fn hex32(value: &Value) -> [u8; 32] {
    hex(value).try_into().expect("32 bytes")
}

/// A stream of bytes that looks random and is the same every time.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let blocks = (0..length.div_ceil(32) as u64)
        .map(|block| *hkdf::hmac(&seed.to_be_bytes(), &[&block.to_be_bytes()]));
    blocks.flatten().take(length).collect()
}

#[test]
fn the_vectors_of_rfc_9180_pass_both_ways() {
    let v = vectors();
    let ids = ["mode", "kem_id", "kdf_id", "aead_id"].map(|id| v[id].as_u64());
    assert_eq!(ids, [Some(0), Some(0x20), Some(1), Some(2)]);
    let (ours, ephemeral) =
        (KeyPair::derive(&hex32(&v["ikmR"])), KeyPair::derive(&hex32(&v["ikmE"])));
    assert_eq!(ours.private[..], hex(&v["skRm"]));
    assert_eq!(ours.public[..], hex(&v["pkRm"]));
    assert_eq!(ephemeral.private[..], hex(&v["skEm"]));
    assert_eq!(ephemeral.public[..], hex(&v["enc"]));
    let shared = ephemeral.agree(&ours.public).expect("agreed");
    let secret = kem_secret(&shared, &ephemeral.public, &ours.public);
    assert_eq!(secret[..], hex(&v["shared_secret"]));

    let info = hex(&v["info"]);
    let sender = Context::sender(&ours.public, &ephemeral, &[&info]).expect("agreed");
    let recipient = Context::recipient(&ephemeral.public, &ours, &[&info]).expect("agreed");
    for context in [&sender, &recipient] {
        assert_eq!(context.base_nonce[..], hex(&v["base_nonce"]));
        assert_eq!(context.exporter[..], hex(&v["exporter_secret"]));
        for export in v["exports"].as_array().expect("exports") {
            let exported = context.export(&hex(&export["exporter_context"]));
            assert_eq!(exported[..], hex(&export["exported_value"]));
        }
    }
    let messages = v["encryptions"].as_array().expect("encryptions");
    assert_eq!(messages.len(), 257);
    for (sequence, message) in (0..).zip(messages) {
        let (aad, plain) = (hex(&message["aad"]), hex(&message["pt"]));
        assert_eq!(sender.nonce(sequence)[..], hex(&message["nonce"]));
        let sealed = sender.seal(sequence, &aad, &plain);
        assert_eq!(sealed, hex(&message["ct"]), "message {sequence}");
        let opened = recipient.open(sequence, &aad, &sealed).expect("opens");
        assert_eq!(*opened, plain);
        assert!(recipient.open(sequence + 1, &aad, &sealed).is_none());
    }
}

#[test]
fn a_key_of_small_order_is_refused() {
    let ours = KeyPair::derive(&[1; 32]);
    let mut one = [0; 32];
    one[0] = 1;
    // A point of order 8, of the list in RFC 7748's security considerations.
    let eight = from_hex_exact("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
    for weak in [[0; 32], one, eight.expect("hexadecimal")] {
        assert!(ours.agree(&weak).is_none());
        assert!(Context::recipient(&weak, &ours, &[]).is_none());
        assert!(Context::sender(&weak, &ours, &[]).is_none());
    }
}

#[test]
fn the_cipher_agrees_with_ring_at_every_length() {
    for length in (0..130).chain([255, 256, 257, 1000, 4096, 65_537]) {
        let seed = length as u64;
        let key: [u8; 32] = noise(seed, 32).try_into().expect("32");
        let nonce: [u8; NONCE_BYTES] = noise(seed + 1, 12).try_into().expect("12");
        let (aad, plain) = (noise(seed + 2, (length * 7) % 77), noise(seed + 3, length));
        let sealed = Cipher::new(&key).seal(&nonce, &aad, &plain);
        let theirs = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("a key"));
        let mut expected = plain.clone();
        let nonce_of = |nonce| Nonce::assume_unique_for_key(nonce);
        theirs
            .seal_in_place_append_tag(nonce_of(nonce), Aad::from(&aad), &mut expected)
            .expect("sealed");
        assert_eq!(sealed, expected, "{length} bytes");
        assert_eq!(*Cipher::new(&key).open(&nonce, &aad, &sealed).expect("opens"), plain);
    }
}

#[test]
fn nothing_that_was_changed_opens() {
    let (cipher, nonce) = (Cipher::new(&[3; 32]), [5; NONCE_BYTES]);
    let sealed = cipher.seal(&nonce, b"aad", b"plaintext of two blocks and more");
    for place in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[place] ^= 1 << bit;
            assert!(cipher.open(&nonce, b"aad", &changed).is_none(), "{place}.{bit}");
        }
    }
    for end in 0..sealed.len() {
        assert!(cipher.open(&nonce, b"aad", &sealed[..end]).is_none());
    }
    assert!(cipher.open(&nonce, b"aae", &sealed).is_none());
    assert!(cipher.open(&[6; NONCE_BYTES], b"aad", &sealed).is_none());
    assert!(Cipher::new(&[4; 32]).open(&nonce, b"aad", &sealed).is_none());
    assert_eq!(cipher.seal(&nonce, b"", b"").len(), TAG_BYTES);
}

#[test]
fn hmac_and_hkdf_agree_with_rfc_4231_and_ring() {
    let found = hkdf::hmac(&[0x0b; 20], &[b"Hi ", b"There"]);
    let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    assert_eq!(crypto::to_hex(&*found), expected);
    for length in 0..150 {
        let (key, text) = (noise(length as u64, length), noise(9, 3 * length));
        let theirs = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
        let theirs = ring::hmac::sign(&theirs, &text);
        assert_eq!(hkdf::hmac(&key, &[&text])[..], *theirs.as_ref(), "key of {length}");
        let prk = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, &key).extract(&text);
        let mut out = [0; 32];
        let info: [&[u8]; 2] = [b"in", b"fo"];
        let okm = prk.expand(&info, ring::hkdf::HKDF_SHA256).expect("short enough");
        okm.fill(&mut out).expect("32 bytes");
        let ours = hkdf::expand::<32>(&*hkdf::extract(&key, &[&text]), &info);
        assert_eq!(*ours, out);
        assert_eq!(hkdf::expand::<12>(&*hkdf::extract(&key, &[&text]), &info)[..], out[..12]);
    }
}

#[test]
fn agreement_agrees_with_ring() {
    use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
    let rng = ring::rand::SystemRandom::new();
    for seed in 0..8 {
        let ours = KeyPair::derive(&[seed; 32]);
        let theirs = EphemeralPrivateKey::generate(&X25519, &rng).expect("a key");
        let public = theirs.compute_public_key().expect("its public half");
        let public: [u8; 32] = public.as_ref().try_into().expect("32 bytes");
        let found = ours.agree(&public).expect("agreed");
        let other = UnparsedPublicKey::new(&X25519, ours.public);
        let expected = agree_ephemeral(theirs, &other, |secret| secret.to_vec()).expect("agreed");
        assert_eq!(found[..], expected);
    }
}
