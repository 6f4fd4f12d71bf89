//! The verifiers, each behind the same call: a document, a root and a moment go in, accepted or
//! not comes out. What a peer leaves to its caller (reference values, nonce) is given as far as its
//! interface takes it; nothing that it does on its own is added or taken away. fastcrypto's
//! `nitro_attestation` and vta-sdk are not among them: 220 and 310 crates for one function.

use crate::cases::Case;
use attest::{ChainCache, NitroPolicy, TrustAnchor, VerificationTime};
use std::time::Duration;

/// A verifier.
pub struct Peer {
    /// Crate and version.
    pub name: &'static str,
    /// Whether it takes another root than AWS's.
    pub any_root: bool,
    /// Whether it takes the moment; otherwise it asks the system.
    pub any_time: bool,
    /// Whether it looks at PCR0 to 2 without being given values: debug mode.
    pub sees_debug: bool,
    /// Judges.
    pub accepts: fn(&Case) -> bool,
}

/// Ours first, then by name.
pub const PEERS: &[Peer] = &[
    Peer { name: "ours", any_root: true, any_time: true, sees_debug: true, accepts: ours },
    Peer {
        name: "attestation-doc-validation 0.10.1",
        any_root: false,
        any_time: false,
        sees_debug: false,
        accepts: evervault,
    },
    Peer {
        name: "nitro_attest 0.2.0",
        any_root: false,
        any_time: true,
        sees_debug: false,
        accepts: nitro_attest,
    },
    Peer {
        name: "pontifex 3.1.0",
        any_root: true,
        any_time: false,
        sees_debug: true,
        accepts: pontifex,
    },
    Peer {
        name: "remote-attestation-verifier 0.1.2",
        any_root: true,
        any_time: true,
        sees_debug: false,
        accepts: remote,
    },
    Peer {
        name: "tee-attestation-verifier 0.1.4",
        any_root: true,
        any_time: true,
        sees_debug: false,
        accepts: tee,
    },
];

fn policy(case: &Case) -> NitroPolicy {
    let root = match &case.root {
        Some(der) => TrustAnchor::from_der("test", der).expect("a sound root"),
        None => TrustAnchor::aws_nitro_g1(),
    };
    NitroPolicy::inspect_any_enclave(vec![root], VerificationTime::At { ms: case.time_ms })
}

/// Ours with nothing remembered, and no reference values: what the peers do.
fn ours(case: &Case) -> bool {
    attest::verify(&case.bytes, &policy(case), None).is_ok()
}

/// Ours with the chain's certificates known from another document of the same chain.
pub struct Warm {
    policy: NitroPolicy,
    cache: ChainCache,
}

impl Warm {
    /// Learns the certificates of the case.
    pub fn of(case: &Case) -> Self {
        let mut warm = Self { policy: policy(case), cache: ChainCache::new(64) };
        assert!(warm.accepts(case), "only what is accepted is timed");
        warm
    }

    /// Judges.
    pub fn accepts(&mut self, case: &Case) -> bool {
        attest::verify(&case.bytes, &self.policy, Some(&mut self.cache)).is_ok()
    }
}

fn evervault(case: &Case) -> bool {
    attestation_doc_validation::validate_and_parse_attestation_doc(&case.bytes).is_ok()
}

fn nitro_attest(case: &Case) -> bool {
    let seconds = i64::try_from(case.time_ms / 1000).expect("a moment in this era");
    let now = time::OffsetDateTime::from_unix_timestamp(seconds).expect("a moment in this era");
    nitro_attest::UnparsedAttestationDoc::from(&case.bytes[..]).parse_and_verify(now).is_ok()
}

fn pontifex(case: &Case) -> bool {
    use pontifex::attestation::{PcrConfig, Verifier};
    // Freshness is not compared: the moment is the document's own.
    let age_max = Duration::from_secs(20 * 365 * 86_400);
    let verifier = Verifier::new(vec![PcrConfig::new(case.pcr0)], age_max);
    let verifier = match &case.root {
        Some(der) => verifier.with_root_certificate(der.clone()),
        None => verifier,
    };
    verifier.verify_attestation_document(&case.bytes).is_ok()
}

fn remote(case: &Case) -> bool {
    use remote_attestation_verifier::{parse_document, parse_payload, verify};
    let Ok(document) = parse_document(&case.bytes) else { return false };
    let Ok(payload) = parse_payload(&document.payload) else { return false };
    let (nonce, seconds) = (payload.nonce.clone(), case.time_ms / 1000);
    verify(document, payload, nonce, Vec::new(), case.root.clone(), seconds).is_ok()
}

fn tee(case: &Case) -> bool {
    use tee_attestation_verifier::{parse_document, parse_payload, verify};
    let Ok(document) = parse_document(&case.bytes) else { return false };
    let Ok(payload) = parse_payload(&document.payload) else { return false };
    let (nonce, seconds) = (payload.nonce.clone(), case.time_ms / 1000);
    verify(document, payload, nonce, case.root.clone(), seconds).is_ok()
}
