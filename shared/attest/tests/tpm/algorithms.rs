//! Every algorithm that a quote or a certificate may be signed by, accepted when the signature is
//! the key's and refused when it is not; and the sizes of RSA keys, to the bit.

use crate::maker::{
    ECDSA, Key, Quote, RSAPSS, RSASSA, SHA256, SHA384, SHA512, der, integer, rsa_spki, sized,
};
use attest::tpm::{AkBasis, AkParts, AkTrust, QuoteParts, TpmPolicy, ak_name, verify_quote};
use attest::{AttestError, VerificationTime};
use std::collections::BTreeMap;

/// 2026-09-21, inside the validity of every certificate here.
const NOW_MS: u64 = 1_790_000_000_000;

fn quote(scheme: u16, hash: u16) -> Quote {
    let pcrs = BTreeMap::from([(0, vec![0x10; 32]), (7, vec![0x17; 32])]);
    Quote { bank: SHA256, scheme, hash, extra_data: b"challenge".to_vec(), pcrs }
}

/// A quote by a pinned key, with its signature as given.
fn judge(public: &[u8], quote: &Quote, signature: &[u8]) -> Result<(), AttestError> {
    let policy = TpmPolicy::new(AkTrust::new().with_name(ak_name(public)?)?);
    let attest = quote.attest();
    let parts = QuoteParts {
        attest: &attest,
        signature,
        ak: AkParts { public: Some(public), ..AkParts::default() },
        pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: Some(&quote.extra_data),
        event_log: None,
    };
    verify_quote(&parts, &policy).map(drop)
}

fn check(verdict: Result<(), AttestError>) -> Option<&'static str> {
    verdict.err().map(|error| error.check())
}

#[test]
fn a_quote_by_each_scheme_is_its_keys_or_refused() {
    let (p256, p384, rsa) = (Key::p256(), Key::p384(), Key::rsa());
    let schemes = [
        (&rsa, RSASSA, SHA256),
        (&rsa, RSASSA, SHA384),
        (&rsa, RSASSA, SHA512),
        (&rsa, RSAPSS, SHA256),
        (&rsa, RSAPSS, SHA384),
        (&rsa, RSAPSS, SHA512),
        (&p256, ECDSA, SHA256),
        (&p256, ECDSA, SHA384),
        (&p384, ECDSA, SHA256),
        (&p384, ECDSA, SHA384),
    ];
    for (key, scheme, hash) in schemes {
        let (public, quote) = (key.public(scheme, hash), quote(scheme, hash));
        let attest = quote.attest();
        let good = key.sign(scheme, hash, &attest);
        let name = format!("scheme {scheme:#06x} with {hash:#06x}");
        assert_eq!(check(judge(&public, &quote, &good)), None, "{name}");
        let mut bent = good.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert_eq!(check(judge(&public, &quote, &bent)), Some("T18"), "{name}: one bit");
        let other = key.sign(scheme, hash, b"something else");
        assert_eq!(check(judge(&public, &quote, &other)), Some("T18"), "{name}: other message");
        // The right key, by another hash than the one that the signature names.
        for another in [SHA256, SHA384, SHA512].into_iter().filter(|one| *one != hash) {
            let mut lying = key.sign(scheme, another, &attest);
            lying[2..4].copy_from_slice(&hash.to_be_bytes());
            assert_eq!(
                check(judge(&public, &quote, &lying)),
                Some("T18"),
                "{name}: {another:#06x}"
            );
        }
    }
}

#[test]
fn the_two_paddings_of_rsa_are_two_schemes() {
    let key = Key::rsa();
    for hash in [SHA256, SHA384, SHA512] {
        for (scheme, other) in [(RSASSA, RSAPSS), (RSAPSS, RSASSA)] {
            let (public, quote) = (key.public(scheme, hash), quote(scheme, hash));
            let mut lying = key.sign(other, hash, &quote.attest());
            lying[..2].copy_from_slice(&scheme.to_be_bytes());
            assert_eq!(check(judge(&public, &quote, &lying)), Some("T18"));
        }
    }
}

#[test]
fn ecdsa_with_sha512_is_not_verified() {
    for key in [Key::p256(), Key::p384()] {
        let (public, quote) = (key.public(ECDSA, SHA512), quote(ECDSA, SHA512));
        let signature = key.sign(ECDSA, SHA512, &quote.attest());
        assert_eq!(check(judge(&public, &quote, &signature)), Some("T18"));
    }
}

/// signatureAlgorithm: identifier and whether NULL parameters follow (RFC 4055, RFC 5758).
struct Algorithm {
    oid: &'static [u8],
    null: bool,
}

const RSA_SHA256: Algorithm = rsa_with(11);
const RSA_SHA384: Algorithm = rsa_with(12);
const RSA_SHA512: Algorithm = rsa_with(13);
const ECDSA_SHA256: Algorithm = ecdsa_with(2);
const ECDSA_SHA384: Algorithm = ecdsa_with(3);
const ECDSA_SHA512: Algorithm = ecdsa_with(4);

const fn rsa_with(last: u8) -> Algorithm {
    let oid: &'static [u8] = match last {
        5 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5],
        10 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10],
        11 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11],
        12 => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12],
        _ => &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13],
    };
    Algorithm { oid, null: true }
}

const fn ecdsa_with(last: u8) -> Algorithm {
    let oid: &'static [u8] = match last {
        2 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
        3 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3],
        _ => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4],
    };
    Algorithm { oid, null: false }
}

/// A certificate of version 3, valid from 2026 to 2027.
fn certificate(
    issuer: &Key,
    named: &Algorithm,
    hash: u16,
    subject: &str,
    spki: &[u8],
    extensions: &[u8],
) -> Vec<u8> {
    let null: &[u8] = if named.null { &[5, 0] } else { &[] };
    let algorithm = der(0x30, &[&der(0x06, named.oid), null].concat());
    let name = |text: &str| {
        let pair = [der(0x06, &[0x55, 4, 3]), der(0x0c, text.as_bytes())].concat();
        der(0x30, &der(0x31, &der(0x30, &pair)))
    };
    let dates = [der(0x17, b"260101000000Z"), der(0x17, b"270101000000Z")].concat();
    let signed = der(
        0x30,
        &[
            der(0xa0, &integer(&[2])),
            integer(&[0x51]),
            algorithm.clone(),
            name("root"),
            der(0x30, &dates),
            name(subject),
            spki.to_vec(),
            der(0xa3, &der(0x30, extensions)),
        ]
        .concat(),
    );
    let signature = issuer.sign_der(RSASSA, hash, &signed);
    let bits = der(0x03, &[&[0], &signature[..]].concat());
    der(0x30, &[signed, algorithm, bits].concat())
}

/// An extension; `last` is the last octet of 2.5.29.x.
fn extension(last: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    der(0x30, &[&der(0x06, &[0x55, 0x1d, last]), flag, &der(0x04, value)].concat())
}

fn authority() -> Vec<u8> {
    let ca = der(0x30, &[1, 1, 0xff]);
    [extension(19, true, &ca), extension(15, true, &[3, 2, 1, 6])].concat()
}

/// tcg-kp-AIKCertificate for signing.
fn attestation_key() -> Vec<u8> {
    let purpose = der(0x30, &der(0x06, &[0x67, 0x81, 5, 8, 3]));
    [extension(15, true, &[3, 2, 7, 0x80]), extension(37, false, &purpose)].concat()
}

/// A quote by a fresh key whose certificate the issuer signs as said.
fn certified(issuer: &Key, named: &Algorithm, hash: u16) -> Result<AkBasis, AttestError> {
    let key = Key::p256();
    let root = certificate(issuer, named, hash, "root", &issuer.spki(), &authority());
    let leaf = certificate(issuer, named, hash, "leaf", &key.spki(), &attestation_key());
    under(&root, &leaf, &key)
}

fn under(root: &[u8], leaf: &[u8], key: &Key) -> Result<AkBasis, AttestError> {
    let trust = AkTrust::new().with_root("r", root)?;
    let policy = TpmPolicy::new(trust).with_time(VerificationTime::At { ms: NOW_MS });
    let (public, quote) = (key.public(ECDSA, SHA256), quote(ECDSA, SHA256));
    let attest = quote.attest();
    let parts = QuoteParts {
        attest: &attest,
        signature: &key.sign(ECDSA, SHA256, &attest),
        ak: AkParts { public: Some(&public), spki: None, certificates: vec![leaf] },
        pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: None,
        event_log: None,
    };
    verify_quote(&parts, &policy).map(|verified| verified.ak_basis().clone())
}

#[test]
fn a_certificate_by_each_algorithm_is_its_issuers_or_refused() {
    let (p256, p384, rsa) = (Key::p256(), Key::p384(), Key::rsa());
    let algorithms = [
        (&rsa, RSA_SHA256, SHA256),
        (&rsa, RSA_SHA384, SHA384),
        (&rsa, RSA_SHA512, SHA512),
        (&p256, ECDSA_SHA256, SHA256),
        (&p256, ECDSA_SHA384, SHA384),
        (&p384, ECDSA_SHA256, SHA256),
        (&p384, ECDSA_SHA384, SHA384),
    ];
    for (issuer, named, hash) in algorithms {
        let name = format!("{:02x?} by {hash:#06x}", named.oid);
        let basis = certified(issuer, &named, hash);
        assert_eq!(basis, Ok(AkBasis::Root("r".to_owned())), "{name}");
        // The issuer's own signature, by another hash than the certificate says.
        for another in [SHA256, SHA384, SHA512].into_iter().filter(|one| *one != hash) {
            let error = certified(issuer, &named, another).unwrap_err();
            assert_eq!(error.check(), "T8", "{name}: {another:#06x}");
            assert!(error.to_string().contains("does not verify"), "{name}: {error}");
        }
        // One bit of the leaf's signature, and a leaf that somebody else signed.
        let key = Key::p256();
        let root = certificate(issuer, &named, hash, "root", &issuer.spki(), &authority());
        let leaf = certificate(issuer, &named, hash, "leaf", &key.spki(), &attestation_key());
        assert!(under(&root, &leaf, &key).is_ok(), "{name}");
        let mut bent = leaf.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert_eq!(under(&root, &bent, &key).unwrap_err().check(), "T8", "{name}: one bit");
        let stranger = match issuer {
            Key::P256(_) => Key::p256(),
            Key::P384(_) | Key::Rsa(_) => Key::p384(),
        };
        let forged = certificate(&stranger, &named, hash, "leaf", &key.spki(), &attestation_key());
        assert_eq!(under(&root, &forged, &key).unwrap_err().check(), "T8", "{name}: stranger");
    }
}

#[test]
fn a_certificate_by_another_algorithm_is_refused_by_its_identifier() {
    let (p256, rsa) = (Key::p256(), Key::rsa());
    let without_null = Algorithm { null: false, ..RSA_SHA256 };
    let with_null = Algorithm { null: true, ..ECDSA_SHA256 };
    let refused = [
        (&rsa, rsa_with(5), SHA256),
        (&rsa, rsa_with(10), SHA256),
        (&rsa, without_null, SHA256),
        (&p256, with_null, SHA256),
        (&p256, ECDSA_SHA512, SHA512),
    ];
    for (issuer, named, hash) in refused {
        let error = certified(issuer, &named, hash).unwrap_err();
        assert_eq!(error.check(), "T8");
        assert!(error.to_string().contains("with SHA-256 or better"), "{error}");
    }
}

#[test]
fn an_algorithm_needs_a_key_of_its_kind() {
    let (p256, rsa) = (Key::p256(), Key::rsa());
    for (issuer, named) in [(&rsa, ECDSA_SHA256), (&p256, RSA_SHA256)] {
        assert_eq!(certified(issuer, &named, SHA256).unwrap_err().check(), "T8");
    }
}

/// A modulus of so many bits: the published key's bytes, again and again.
fn modulus(bits: usize) -> Vec<u8> {
    let bytes = bits.div_ceil(8);
    let mut out: Vec<u8> = Key::rsa().modulus().into_iter().cycle().take(bytes).collect();
    let first = 1 << ((bits - 1) % 8);
    out[0] = (out[0] & (first - 1)) | first;
    out
}

/// A library that counts whole bytes takes 2,041 bits for 2,048: this is the only check there is.
#[test]
fn an_rsa_key_has_from_2048_to_8192_bits() {
    let pinned = |modulus: &[u8]| AkTrust::new().with_key(&rsa_spki(modulus));
    for bits in [2048, 2049, 3072, 4096, 8191, 8192] {
        assert!(pinned(&modulus(bits)).is_ok(), "{bits}");
    }
    for bits in [1024, 2040, 2041, 2047, 8193] {
        let error = pinned(&modulus(bits)).unwrap_err();
        assert_eq!(error.check(), "T6");
        assert!(error.to_string().contains(&bits.to_string()), "{bits}: {error}");
    }
}

#[test]
fn a_certificate_of_a_short_rsa_key_is_refused() {
    let (issuer, key) = (Key::p256(), Key::p256());
    let root = certificate(&issuer, &ECDSA_SHA256, SHA256, "root", &issuer.spki(), &authority());
    let leaf = |bits: usize| {
        let spki = rsa_spki(&modulus(bits));
        certificate(&issuer, &ECDSA_SHA256, SHA256, "leaf", &spki, &attestation_key())
    };
    assert_eq!(under(&root, &leaf(2047), &key).unwrap_err().check(), "T6");
    // Long enough, so it is only another key than the quote's.
    assert_eq!(under(&root, &leaf(2048), &key).unwrap_err().check(), "T8");
}

/// A TPM's public area says its bits in a field of its own: both have to agree.
#[test]
fn a_public_area_of_a_short_rsa_key_is_refused() {
    let key = Key::rsa();
    let sound = key.public(RSASSA, SHA256);
    let with = |bits: u16, modulus: &[u8]| {
        let mut public = sound[..sound.len() - 258 - 6].to_vec();
        public.extend(bits.to_be_bytes());
        public.extend(0_u32.to_be_bytes());
        public.extend(sized(modulus));
        ak_name(&public).err().map(|error| error.check())
    };
    assert_eq!(with(2048, &modulus(2048)), None);
    assert_eq!(with(2047, &modulus(2047)), Some("T6"));
    assert_eq!(with(2048, &modulus(2047)), Some("T6"));
    assert_eq!(with(2040, &modulus(2040)), Some("T6"));
    assert_eq!(with(1024, &modulus(1024)), Some("T6"));
}
