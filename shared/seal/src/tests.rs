//! Messages both ways, everything changed in them refused, the window, and the frozen vectors.

use super::*;
use crypto::{from_hex, to_hex};
use serde_json::Value;
use zeroize::Zeroizing;

const NOW_MS: u64 = 1_767_225_600_000;
const BODY: &[u8] = br#"{"transaction":{"id":"txn-1","amount":15000}}"#;

fn seed(fill: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([fill; 32])
}

fn enclave() -> (RecipientKey, Vec<u8>) {
    let key = RecipientKey::derive(&seed(1));
    let keys = key_set(&[7; 32], &key.public());
    (key, keys)
}

fn sealed(keys: &[u8], body: &[u8]) -> (Vec<u8>, ReplyKey) {
    let recipient = Recipient::of_key_set(keys).expect("a key to seal to");
    recipient.seal(&seed(2), NOW_MS + 60_000, body).expect("sealed")
}

fn decided(results: Vec<Vec<u8>>) -> Reply {
    Reply::Decided { proof_hash: [8; 32], salt: seed(9), results }
}

fn check<T: std::fmt::Debug>(result: Result<T, SealError>) -> &'static str {
    let error = result.expect_err("refused");
    assert!(error.to_string().starts_with(&format!("{}: ", error.check())), "{error}");
    assert!(error.remedy().len() > 10);
    error.check()
}

#[test]
fn requests_and_replies_go_both_ways() {
    let (key, keys) = enclave();
    let (message, ours) = sealed(&keys, BODY);
    assert!(!message.windows(6).any(|part| part == b"amount"));
    let opened = key.open(&keys, &message).expect("opens");
    assert_eq!((&**opened.body, opened.expires_at_ms), (BODY, NOW_MS + 60_000));
    for reply in [
        decided(vec![vec![1, 2, 3], vec![]]),
        decided(vec![vec![4; RESULT_BYTES_MAX]; RESULTS_MAX]),
        Reply::refused(0, "transaction.amount", "it is missing"),
        Reply::refused(4, "", &"é".repeat(2000)),
    ] {
        let message = opened.reply.seal(&[3; 32], &reply);
        assert!(message.len() <= REPLY_BYTES_MAX, "{}", message.len());
        assert_eq!(ours.open(&message), Ok(reply));
    }
    let debug = format!("{opened:?} {:?} {:?} {key:?}", opened.reply, decided(vec![]));
    assert_eq!(debug, "Opened(…) ReplyKey(…) Reply(…) RecipientKey(…)");
}

/// A buffer that has to grow leaves a copy of what it held behind.
#[test]
fn the_content_of_a_reply_is_written_into_one_buffer() {
    let longest = "t".repeat(TEXT_BYTES_MAX);
    for (reply, room) in [
        (decided(vec![]), 96),
        (decided(vec![vec![4; RESULT_BYTES_MAX]; RESULTS_MAX]), 96 + 256 * (16_384 + 9)),
        (Reply::refused(u64::MAX, &longest, &longest), 96 + 2 * 1024),
    ] {
        assert_eq!(reply.to_bytes().capacity(), room);
    }
}

#[test]
fn the_largest_body_fits_and_a_larger_one_is_refused() {
    let (key, keys) = enclave();
    let (message, _) = sealed(&keys, &vec![b'x'; BODY_BYTES_MAX]);
    assert!(message.len() <= REQUEST_BYTES_MAX, "{}", message.len());
    assert_eq!(key.open(&keys, &message).expect("opens").body.len(), BODY_BYTES_MAX);
    let recipient = Recipient::of_key_set(&keys).expect("a key");
    let body = vec![b'x'; BODY_BYTES_MAX + 1];
    assert_eq!(check(recipient.seal(&seed(2), NOW_MS, &body)), "S2");
    assert_eq!(check(key.open(&keys, &vec![0; REQUEST_BYTES_MAX + 1])), "S2");
    let (_, ours) = sealed(&keys, BODY);
    assert_eq!(check(ours.open(&vec![0; REPLY_BYTES_MAX + 1])), "S2");
}

#[test]
fn lengths_fall_into_classes() {
    let (_, keys) = enclave();
    let length = |body: usize| sealed(&keys, &vec![b'x'; body]).0.len();
    assert_eq!(length(0), length(1000));
    assert_eq!(length(1100), length(2000));
    assert_ne!(length(1000), length(1100));
}

#[test]
fn every_changed_byte_is_refused() {
    let (key, keys) = enclave();
    let (message, ours) = sealed(&keys, BODY);
    let opened = key.open(&keys, &message).expect("opens");
    let reply = opened.reply.seal(&[3; 32], &decided(vec![vec![1]]));
    for place in 0..message.len() {
        let mut changed = message.clone();
        changed[place] ^= 1;
        assert!(key.open(&keys, &changed).is_err(), "request, byte {place}");
    }
    for place in 0..reply.len() {
        let mut changed = reply.clone();
        changed[place] ^= 1;
        assert!(ours.open(&changed).is_err(), "reply, byte {place}");
    }
    for end in 0..message.len() {
        assert!(key.open(&keys, &message[..end]).is_err());
    }
    for end in 0..reply.len() {
        assert!(ours.open(&reply[..end]).is_err());
    }
    assert_eq!(check(key.open(&keys, &[&message[..], &[0]].concat())), "S1");
    assert_eq!(check(ours.open(&[&reply[..], &[0]].concat())), "S1");
}

#[test]
fn each_refusal_has_its_number() {
    let (key, keys) = enclave();
    let (message, ours) = sealed(&keys, BODY);
    let changed = |place: usize, value: u8| {
        let mut changed = message.clone();
        changed[place] = value;
        changed
    };
    assert_eq!(check(key.open(&keys, b"{}")), "S1");
    assert_eq!(check(key.open(&keys, &changed(1, 2))), "S3");
    let other = key_set(&[6; 32], &key.public());
    assert_eq!(check(key.open(&other, &message)), "S5");
    assert_eq!(check(key.open(&keys, &changed(4, message[4] ^ 1))), "S5");
    // enc is 32 bytes from 38 on: here one of small order.
    let mut small = message.clone();
    small[38..70].fill(0);
    assert_eq!(check(key.open(&keys, &small)), "S6");
    assert_eq!(check(RecipientKey::derive(&seed(5)).open(&keys, &message)), "S7");
    assert_eq!(check(key.open(&keys, &changed(200, message[200] ^ 1))), "S7");
    let weak = Recipient::of_key_set(&key_set(&[7; 32], &[0; 32])).expect("32 bytes");
    assert_eq!(check(weak.seal(&seed(2), NOW_MS, BODY)), "S6");
    // The reply to another request, and the request as a reply.
    let opened = key.open(&keys, &message).expect("opens");
    let recipient = Recipient::of_key_set(&keys).expect("a key");
    let (_, others) = recipient.seal(&seed(4), NOW_MS, BODY).expect("sealed");
    let reply = opened.reply.seal(&[3; 32], &decided(vec![]));
    assert_eq!(check(others.open(&reply)), "S7");
    assert_eq!(check(ours.open(&message)), "S1");
}

#[test]
fn key_sets_without_a_key_to_seal_to_are_refused() {
    let (_, keys) = enclave();
    assert!(Recipient::of_key_set(&keys).is_ok());
    let first = {
        let mut w = cbor::Writer::new();
        w.array(1).map(4).int(1).int(1).int(3).int(-8).int(-1).int(6).int(-2).bytes(&[7; 32]);
        w.finish()
    };
    assert_eq!(check(Recipient::of_key_set(&first)), "S4");
    let places = [(keys.len() - 36, 5), (keys.len() - 38, 1), (keys.len() - 1, 0)];
    for (place, value) in places {
        let mut changed = keys.clone();
        changed[place] = value;
        let refused = Recipient::of_key_set(&changed);
        // The last byte is the key's own: another key, another hash.
        let fine = place == keys.len() - 1;
        assert_eq!(refused.is_ok(), fine, "byte {place}");
        assert_ne!(refused, Recipient::of_key_set(&keys));
    }
    for end in 0..keys.len() {
        assert_eq!(check(Recipient::of_key_set(&keys[..end])), "S4");
    }
    assert_eq!(check(Recipient::of_key_set(&[0x80; KEY_SET_BYTES_MAX + 1])), "S4");
    assert_eq!(check(Recipient::of_key_set(&[&keys[..], &[0]].concat())), "S4");
}

/// Keys after the second are passed over, as long as the set has at most 1,024 bytes.
#[test]
fn a_key_set_has_at_most_1024_bytes() {
    let (key, keys) = enclave();
    let with_third = |bytes: usize| {
        // An array of three: the two keys, and a text that fills it up behind a head of three.
        let mut set = keys.clone();
        set[0] = 0x83;
        let rest = u16::try_from(bytes - set.len() - 3).expect("short");
        set.extend([&[0x79][..], &rest.to_be_bytes(), &vec![b'x'; rest.into()]].concat());
        assert_eq!(set.len(), bytes);
        set
    };
    for sound in [700, KEY_SET_BYTES_MAX - 1, KEY_SET_BYTES_MAX] {
        let set = with_third(sound);
        let recipient = Recipient::of_key_set(&set).expect("within the limit");
        let (message, _) = recipient.seal(&seed(2), NOW_MS, BODY).expect("sealed");
        assert_eq!(*key.open(&set, &message).expect("opens").body, BODY);
    }
    for large in [KEY_SET_BYTES_MAX + 1, 2 * KEY_SET_BYTES_MAX] {
        let refused = Recipient::of_key_set(&with_third(large));
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("1,024 bytes")));
        assert_eq!(check(refused), "S4");
    }
}

/// RFC 9053: kty 1 is OKP, crv 6 Ed25519, crv 4 X25519, alg -8 EdDSA; alg -65537 is SEALED.md's.
#[test]
fn a_key_set_is_written_as_its_documents_say() {
    let signer = format!("a4010103272006215820{}", "07".repeat(32));
    let recipient = format!("a40101033a000100002004215820{}", "08".repeat(32));
    assert_eq!(to_hex(&key_set(&[7; 32], &[8; 32])), format!("82{signer}{recipient}"));
}

#[test]
fn a_refusal_says_where_and_in_full() {
    let (key, keys) = enclave();
    // The head of the set, then 42 bytes of the signer's key.
    let one = [&[0x81][..], &keys[1..43]].concat();
    let end = one.len();
    let refused = Recipient::of_key_set(&one).map(drop);
    let (what, expected) = ("key set", "two keys");
    let missing = cbor::CborError::Range { at: end, what, expected, found: 1 };
    assert_eq!(refused, Err(SealError::KeySet(missing)));
    let (message, _) = sealed(&keys, BODY);
    let other = key_set(&[6; 32], &key.public());
    let expected = to_hex(&keys::key_set_hash(&other));
    let found = to_hex(&keys::key_set_hash(&keys));
    let refused = key.open(&other, &message).map(drop);
    assert_eq!(refused, Err(SealError::OtherKeySet { expected, found }));
}

#[test]
fn a_text_is_cut_at_the_edge_of_a_character() {
    let detail = |text: String| match Reply::refused(4, "", &text) {
        Reply::Refused { detail, .. } => detail,
        Reply::Decided { .. } => String::new(),
    };
    let (even, odd) = ("é".repeat(600), format!("a{}", "é".repeat(600)));
    assert_eq!(detail(even.clone()), even[..TEXT_BYTES_MAX]);
    assert_eq!(detail(odd.clone()), odd[..TEXT_BYTES_MAX - 1]);
    let wide = format!("abc{}", "\u{1f512}".repeat(300));
    assert_eq!(detail(wide.clone()), wide[..TEXT_BYTES_MAX - 1]);
    assert_eq!(detail("x".repeat(TEXT_BYTES_MAX)).len(), TEXT_BYTES_MAX);
}

/// SEALED.md, in bytes: sections 2 and 4.
#[test]
fn limits_are_those_of_the_document() {
    assert_eq!(BODY_BYTES_MAX, 2_097_152);
    assert_eq!(REQUEST_BYTES_MAX, 4_195_328);
    assert_eq!(REPLY_BYTES_MAX, 8_389_632);
    assert_eq!((RESULTS_MAX, RESULT_BYTES_MAX, TEXT_BYTES_MAX), (256, 16_384, 1024));
}

#[test]
fn what_opens_and_is_not_of_the_form_is_refused() {
    let content = |bytes: &[u8]| padding::unpad(bytes).map(<[u8]>::to_vec);
    assert_eq!(check(content(&[0, 0, 0])), "S8");
    assert_eq!(check(content(&[0, 0, 0, 2, 1])), "S8");
    assert_eq!(check(content(&[0xff, 0xff, 0xff, 0xff, 1])), "S8");
    assert_eq!(check(content(&[0, 0, 0, 1, 1, 0, 1])), "S8");
    assert_eq!(content(&[0, 0, 0, 1, 9, 0, 0]), Ok(vec![9]));
    // Sealed by somebody who has the key and does not keep to the form.
    let (key, keys) = enclave();
    let recipient = Recipient::of_key_set(&keys).expect("a key");
    for bytes in [&b"\0\0\0\x02{}"[..], b"\0\0\0\x05\x82\x19\x01\x00\x40\x01", b"\0\0"] {
        let (enc, context) = recipient.context(&seed(2)).expect("a context");
        let mut head = cbor::Writer::new();
        head.array(3).uint(1).bytes(&recipient.key_set).bytes(&enc);
        let sealed = context.seal(0, &head.finish(), bytes);
        let mut w = cbor::Writer::new();
        w.array(4).uint(1).bytes(&recipient.key_set).bytes(&enc).bytes(&sealed);
        assert_eq!(check(key.open(&keys, &w.finish())), "S8");
    }
}

#[test]
fn a_request_is_admitted_once_and_only_in_its_time() {
    let mut window = Window::new(10);
    let end = NOW_MS + 1000;
    assert_eq!(window.remembered(), 0);
    assert_eq!(window.admit(&[1; 32], end, NOW_MS), Ok(()));
    assert_eq!(check(window.admit(&[1; 32], end, NOW_MS)), "S11");
    assert_eq!(check(window.admit(&[1; 32], end + 1, NOW_MS)), "S11");
    assert_eq!(check(window.admit(&[1; 32], end, end - 1)), "S11");
    assert_eq!(window.remembered(), 1);
    // From its end on it is forgotten, and too late.
    assert_eq!(check(window.admit(&[1; 32], end, end)), "S9");
    assert_eq!(window.admit(&[2; 32], end + 1000, end), Ok(()));
    assert_eq!(window.remembered(), 1);
    // Whoever comes with an older time is judged by the newest that was heard.
    assert_eq!(check(window.admit(&[1; 32], end, NOW_MS)), "S9");
    let latest = end + VALIDITY_MS_MAX;
    assert_eq!(check(window.admit(&[3; 32], latest + 1, end)), "S10");
    assert_eq!(window.admit(&[3; 32], latest, end), Ok(()));
    assert_eq!(window.admit(&[4; 32], u64::MAX, u64::MAX - 1), Ok(()));
    assert_eq!(check(window.admit(&[5; 32], u64::MAX, u64::MAX)), "S9");
}

#[test]
fn a_full_window_refuses_and_forgets_nothing() {
    let mut window = Window::new(3);
    for n in 0..3_u8 {
        assert_eq!(window.admit(&[n; 32], NOW_MS + 1000 + u64::from(n), NOW_MS), Ok(()));
    }
    assert_eq!(check(window.admit(&[9; 32], NOW_MS + 5000, NOW_MS)), "S12");
    for n in 0..3_u8 {
        let end = NOW_MS + 1000 + u64::from(n);
        assert_eq!(check(window.admit(&[n; 32], end, NOW_MS + 999)), "S11");
    }
    // The first one has ended: there is one place.
    let now = NOW_MS + 1000;
    assert_eq!(window.admit(&[9; 32], NOW_MS + 5000, now), Ok(()));
    assert_eq!(check(window.admit(&[8; 32], NOW_MS + 5000, now)), "S12");
    assert_eq!(check(window.admit(&[1; 32], NOW_MS + 1001, now)), "S11");
}

#[test]
fn a_place_that_was_given_back_is_free_and_no_other() {
    let (mut window, end) = (Window::new(2), NOW_MS + 1000);
    assert_eq!(window.admit(&[1; 32], end, NOW_MS), Ok(()));
    assert_eq!(window.admit(&[2; 32], end, NOW_MS), Ok(()));
    window.release(&[1; 32], end);
    window.release(&[3; 32], end);
    assert_eq!(window.remembered(), 1);
    assert_eq!(check(window.admit(&[2; 32], end, NOW_MS)), "S11");
    assert_eq!(window.admit(&[1; 32], end + 500, NOW_MS), Ok(()));
    assert_eq!(check(window.admit(&[4; 32], end, NOW_MS)), "S12");
    // It came back with a later end, which is the one that counts.
    assert_eq!(window.admit(&[4; 32], end + 500, end), Ok(()));
    assert_eq!(check(window.admit(&[1; 32], end + 500, end)), "S11");
}

/// `PROBITY_FREEZE=1` prints the vectors instead of comparing them.
#[test]
fn the_vectors_are_frozen() {
    let (key, keys) = enclave();
    let (message, ours) = sealed(&keys, BODY);
    let decision = decided(vec![vec![1, 2, 3]]);
    let refusal = Reply::refused(0, "transaction.amount", "it is missing");
    let replies = [&decision, &refusal].map(|reply| to_hex(&ours.seal(&[3; 32], reply)));
    let made = serde_json::json!({
        "recipient_seed": to_hex(&[1; 32]), "ephemeral_seed": to_hex(&[2; 32]),
        "reply_nonce": to_hex(&[3; 32]), "signer": to_hex(&[7; 32]),
        "expires_at": NOW_MS + 60_000, "body": to_hex(BODY),
        "key_set": to_hex(&keys), "request": to_hex(&message),
        "reply_decided": replies[0], "reply_refused": replies[1],
    });
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        println!("{made:#}");
        return;
    }
    let frozen: Value = serde_json::from_str(include_str!("../vectors/sealed.json")).expect("JSON");
    assert_eq!(made, frozen);
    let bytes = |name: &str| from_hex(frozen[name].as_str().expect("text")).expect("hexadecimal");
    assert_eq!(*key.open(&keys, &bytes("request")).expect("opens").body, BODY);
    assert_eq!(ours.open(&bytes("reply_decided")), Ok(decision));
    assert_eq!(ours.open(&bytes("reply_refused")), Ok(refusal));
}
