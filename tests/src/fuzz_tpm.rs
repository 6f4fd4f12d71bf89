//! Hostile TPM evidence and boot logs. Parts are signed again by the published attestation key, so
//! that what lies behind the signature is reached; what ours accepts is judged a second time by
//! ciborium, ring and a replay written once more. It must never judge by the code under attack.

use crate::fuzz_input::{corpus, hash, numbered};
use attest::eventlog::{UnverifiedEventLog, parse_signature_lists};
use attest::tpm::{AkTrust, HashAlgorithm, TpmEvidence, TpmPolicy, ak_name, verify_evidence};
use attestation_fixtures::tpm::{AkKey, LogSpec, PublicSpec, QuoteSpec, SignatureList, good_log};
use coset::cbor::Value;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The attestation key that signs for the fuzzer.
const AK: AkKey = AkKey::P256("fuzz");
const SHA256: u16 = 0x000b;
const USER_DATA: &[u8] = &[0x75; 78];
const KEY_SET: &[u8] = &[0x6b; 48];

fn policy() -> &'static TpmPolicy {
    static POLICY: OnceLock<TpmPolicy> = OnceLock::new();
    POLICY.get_or_init(|| {
        let trust = AkTrust::new().with_name(PublicSpec::of(AK).name()).expect("a name");
        let value = vec![4; 32];
        let demanded = registers()[&4];
        let policy = TpmPolicy::new(trust);
        policy
            .with_pcr(4, if demanded == [0; 32] { value } else { demanded.to_vec() })
            .expect("sound")
    })
}

/// What the good log replays to.
fn registers() -> &'static BTreeMap<u8, [u8; 32]> {
    static REGISTERS: OnceLock<BTreeMap<u8, [u8; 32]>> = OnceLock::new();
    REGISTERS.get_or_init(|| good_log().registers())
}

/// A good quote's evidence and TPMT_PUBLIC; made once, since signing costs more than judging.
fn sound() -> &'static (Vec<u8>, Vec<u8>) {
    static SOUND: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    SOUND.get_or_init(|| (good().evidence(), good().public.to_bytes()))
}

fn good() -> QuoteSpec {
    QuoteSpec::new(AK, registers(), USER_DATA, KEY_SET, None)
}

/// The evidence map: one encoding, read alike by ciborium; accepted only as signed.
pub fn evidence(bytes: &[u8]) {
    let Ok(ours) = TpmEvidence::parse(bytes) else {
        assert!(verify_evidence(bytes, None, policy()).is_err());
        return;
    };
    assert_eq!(ours.to_bytes(), bytes, "two encodings of one evidence");
    let theirs: Value = coset::cbor::from_reader(bytes).expect("ciborium reads what ours reads");
    let field = |key| numbered(&theirs, key).and_then(Value::as_bytes).map(Vec::as_slice);
    assert_eq!(field(2), Some(ours.attest));
    assert_eq!(field(3), Some(ours.signature));
    assert_eq!(field(4), Some(ours.ak_public));
    assert_eq!(field(6), Some(ours.user_data));
    assert_eq!(field(7), Some(ours.key_set));
    assert_eq!(field(8), ours.nonce);
    let pcrs = numbered(&theirs, 5).and_then(Value::as_array).map(Vec::len);
    assert_eq!(pcrs, Some(ours.pcrs.len()));
    if verify_evidence(bytes, None, policy()).is_ok() {
        second_opinion(&ours);
    }
}

/// Good quotes of both kinds of keys, with and without a nonce.
pub(crate) fn evidence_seeds() -> Vec<Vec<u8>> {
    let nonce = QuoteSpec::new(AK, registers(), USER_DATA, KEY_SET, Some(b"challenge"));
    let rsa = QuoteSpec::new(AkKey::Rsa2048, registers(), USER_DATA, KEY_SET, None);
    vec![good().evidence(), nonce.evidence(), rsa.evidence()]
}

/// A TPMS_ATTEST that the good key signed, whatever it says.
pub fn quote(attest: &[u8]) {
    let signature = signed(attest);
    let (_, public) = sound();
    let pcrs: BTreeMap<u8, &[u8]> = registers().iter().map(|(i, v)| (*i, &v[..])).collect();
    let evidence = TpmEvidence {
        attest,
        signature: &signature,
        ak_public: public,
        pcrs,
        user_data: USER_DATA,
        key_set: KEY_SET,
        nonce: None,
        certificates: Vec::new(),
        runtime_log: None,
    };
    if verify_evidence(&evidence.to_bytes(), None, policy()).is_ok() {
        second_opinion(&evidence);
    }
}

pub(crate) fn quote_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![good().attest()];
    seeds.extend(corpus("tpm").into_iter().filter(|file| file.len() < 1024));
    seeds
}

/// A TPMT_SIGNATURE beside good evidence.
pub fn signature(signature: &[u8]) {
    let good = TpmEvidence::parse(&sound().0).expect("sound");
    let length = good.signature.len();
    let evidence = TpmEvidence { signature, ..good };
    if verify_evidence(&evidence.to_bytes(), None, policy()).is_ok() {
        second_opinion(&evidence);
        assert_eq!(signature.len(), length);
    }
}

pub(crate) fn signature_seeds() -> Vec<Vec<u8>> {
    let rsa = QuoteSpec::new(AkKey::Rsa2048, registers(), USER_DATA, KEY_SET, None);
    vec![good().files().signature, rsa.files().signature]
}

/// A TPMT_PUBLIC: its name is the digest of exactly these bytes.
pub fn public(bytes: &[u8]) {
    let Ok(name) = ak_name(bytes) else { return };
    let (algorithm, digest) = name.split_at(2);
    match algorithm {
        [0, 0x0b] => assert_eq!(digest, hash(&[bytes])),
        [0, 0x0c] => assert_eq!(digest, crypto::sha384(&[bytes])),
        // No policy can pin such a name; a key that has it is believed by its certificate.
        [0, 0x0d] => assert_eq!(digest, &sha2::Sha512::digest(bytes)[..]),
        other => panic!("a name by algorithm {other:?}"),
    }
    // Nothing of an attestation key may be missing, and it never decrypts.
    let attributes = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    assert_eq!(attributes & 0x0007_0032, 0x0005_0032, "{attributes:08x}");
}

pub(crate) fn public_seeds() -> Vec<Vec<u8>> {
    [AK, AkKey::Rsa2048, AkKey::Rsa1024].map(|key| PublicSpec::of(key).to_bytes()).to_vec()
}

/// A boot log under a quote over the registers that it replays to.
pub fn event_log(log: &[u8]) {
    let Ok(parsed) = UnverifiedEventLog::parse(log) else { return };
    let Ok(ours) = parsed.replay(HashAlgorithm::Sha256) else { return };
    let again = replay(log).expect("a second reader reads what ours reads");
    assert_eq!(ours, again, "two replays differ");
    let pcrs: BTreeMap<u8, [u8; 32]> =
        ours.into_iter().filter_map(|(i, v)| Some((i, v.try_into().ok()?))).collect();
    if pcrs.is_empty() || pcrs.keys().any(|index| *index > 23) {
        return;
    }
    let trust = AkTrust::new().with_name(PublicSpec::of(AK).name()).expect("a name");
    let mut policy = TpmPolicy::new(trust);
    // Reset values and registers that any program can reset name nothing.
    let named = |i: u8, v: [u8; 32]| ![16, 23].contains(&i) && v != [0; 32] && v != [0xff; 32];
    for (index, value) in pcrs.iter().filter(|(i, v)| named(**i, **v)) {
        policy = policy.with_pcr(*index, value.to_vec()).expect("a measurement");
    }
    let evidence = QuoteSpec::new(AK, &pcrs, USER_DATA, KEY_SET, None).evidence();
    if let Ok(quote) = verify_evidence(&evidence, Some(log), &policy) {
        assert!(quote.event_log().is_some(), "a log that was given was not judged");
    }
}

pub(crate) fn event_log_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![good_log().to_bytes(), LogSpec::new(Vec::new()).to_bytes()];
    seeds.extend(corpus("eventlogs"));
    seeds
}

/// EFI signature lists of measured variables.
pub fn signature_lists(bytes: &[u8]) {
    if let Ok(entries) = parse_signature_lists(bytes) {
        // Each entry has an owner of 16 bytes and content: they cannot be more than the bytes.
        assert!(entries.len() * 16 <= bytes.len(), "{} entries", entries.len());
    }
}

pub(crate) fn signature_lists_seeds() -> Vec<Vec<u8>> {
    let two = [SignatureList::hashes(2).to_bytes(), SignatureList::hashes(1).to_bytes()].concat();
    vec![SignatureList::hashes(3).to_bytes(), two, Vec::new()]
}

/// TPMT_SIGNATURE of the good key: ECDSA with SHA-256.
fn signed(message: &[u8]) -> Vec<u8> {
    let raw = AK.sign(SHA256, message);
    let (r, s) = raw.split_at(32);
    [&[0, 0x18, 0, 0x0b, 0, 32][..], r, &[0, 32], s].concat()
}

/// An accepted quote: magic and type, the good key's signature by ring, extraData and digest.
fn second_opinion(evidence: &TpmEvidence<'_>) {
    let attest = evidence.attest;
    assert_eq!(attest[..6], [0xff, 0x54, 0x43, 0x47, 0x80, 0x18]);
    let signature = evidence.signature;
    assert_eq!(signature[..4], [0, 0x18, 0, 0x0b], "another scheme than the key's");
    let (r, rest) = sized(&signature[4..]);
    let (s, end) = sized(rest);
    assert!(end.is_empty(), "bytes after the signature");
    let fixed = [padded(r), padded(s)].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, AK.unique());
    key.verify(attest, &fixed).expect("ring accepts what ours accepts");
    let (_, rest) = sized(&attest[6..]);
    let (extra, _) = sized(rest);
    let length = |part: &[u8]| (part.len() as u16).to_be_bytes();
    let nonce = evidence.nonce.unwrap_or_default();
    let (user_data, key_set) = (evidence.user_data, evidence.key_set);
    let bound = hash(&[
        b"probity/v1/tpm-quote\0",
        &length(nonce),
        nonce,
        &length(user_data),
        user_data,
        &length(key_set),
        key_set,
    ]);
    assert_eq!(extra, bound, "another extraData");
    let values: Vec<&[u8]> = evidence.pcrs.values().copied().collect();
    assert!(attest.ends_with(&hash(&values)), "another pcrDigest");
}

fn sized(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[2..].split_at(length)
}

/// A big-endian number in 32 bytes.
fn padded(number: &[u8]) -> Vec<u8> {
    let skip = number.len().saturating_sub(32);
    assert!(number[..skip].iter().all(|byte| *byte == 0), "a number beyond 256 bits");
    let number = &number[skip..];
    [&vec![0; 32 - number.len()][..], number].concat()
}

/// The registers of the SHA-256 bank, straight from the bytes of a crypto-agile log.
fn replay(log: &[u8]) -> Option<BTreeMap<u8, Vec<u8>>> {
    let mut rest = log;
    let word = |rest: &mut &[u8], bytes: usize| {
        let (number, after) = rest.split_at_checked(bytes)?;
        *rest = after;
        Some(number.iter().rev().fold(0_usize, |all, byte| all << 8 | usize::from(*byte)))
    };
    rest = rest.get(28..)?;
    let size = word(&mut rest, 4)?;
    let (mut header, mut events) = rest.split_at_checked(size)?;
    header = header.get(24..)?;
    let mut sizes = BTreeMap::new();
    for _ in 0..word(&mut header, 4)? {
        sizes.insert(word(&mut header, 2)?, word(&mut header, 2)?);
    }
    let mut registers: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let mut locality = None;
    while !events.iter().all(|byte| *byte == 0) && !events.iter().all(|byte| *byte == 0xff) {
        let (index, kind) = (word(&mut events, 4)?, word(&mut events, 4)?);
        let mut measured = None;
        for _ in 0..word(&mut events, 4)? {
            let algorithm = word(&mut events, 2)?;
            let (digest, after) = events.split_at_checked(*sizes.get(&algorithm)?)?;
            events = after;
            measured = if algorithm == usize::from(SHA256) { Some(digest) } else { measured };
        }
        let size = word(&mut events, 4)?;
        let (data, after) = events.split_at_checked(size)?;
        events = after;
        if kind == NO_ACTION {
            if let (0, Some([from])) = (index, data.strip_prefix(b"StartupLocality\0")) {
                locality = Some(*from);
            }
            continue;
        }
        let Ok(index) = u8::try_from(index) else { continue };
        let value = registers.entry(index).or_insert_with(|| {
            let mut value = vec![if (17..=22).contains(&index) { 0xff } else { 0 }; 32];
            if index == 0 {
                value[31] = locality.unwrap_or(if kind == HCRTM { 4 } else { 0 });
            }
            value
        });
        *value = hash(&[value, measured?]).to_vec();
    }
    Some(registers)
}

/// EV_NO_ACTION and EV_EFI_HCRTM_EVENT (TCG PC Client Platform Firmware Profile, table 27).
const NO_ACTION: usize = 3;
const HCRTM: usize = 0x8000_0010;
