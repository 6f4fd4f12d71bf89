//! A policy and proofs of a test world, for every kind of evidence.

use attestation_fixtures::TestPki;
use attestation_fixtures::proofs::{Backing, ProofSpec, QUOTED_AT_MS, RuleWorld};
use attestation_fixtures::tpm::{Event, event_type, good_log};
use crypto::SigningKey;
use facts::Millis;
use policy::{
    Anchor, Content, Freshness, Kind, NamedDer, Pcr, Release, SignedPolicy, Signers, Tpm, Witnesses,
};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use verify::{Materials, Policy, TimeEvidence, Verified, Verifier, VerifyError};

pub const DAY_MS: u64 = 86_400_000;

/// The key that signs policies.
pub fn owner() -> SigningKey {
    attestation_fixtures::proofs::key(40)
}

pub fn world() -> Arc<RuleWorld> {
    static WORLD: OnceLock<Arc<RuleWorld>> = OnceLock::new();
    WORLD.get_or_init(|| Arc::new(RuleWorld::new())).clone()
}

pub fn spec(backing: Backing) -> ProofSpec {
    ProofSpec::new(&world(), backing)
}

pub fn proof(backing: Backing) -> Vec<u8> {
    spec(backing).to_bytes()
}

/// The machine's measured-boot log.
pub fn event_log() -> Vec<u8> {
    let mut log = good_log();
    log.events.push(Event::new(12, event_type::IPL, &world().config.to_bytes()));
    log.to_bytes()
}

fn pcrs(of: &[u8]) -> BTreeMap<u8, Pcr> {
    of.iter().map(|index| (*index, [0xa0 + index; 48])).collect()
}

/// A policy that accepts Nitro enclaves of the test world.
pub fn nitro() -> Content {
    let root = TestPki::published().root_der().to_vec();
    Content {
        name: "test".into(),
        version: 1,
        issued_at: Millis(QUOTED_AT_MS - DAY_MS),
        expires_at: Millis(QUOTED_AT_MS + 30 * DAY_MS),
        signers: Signers { keys: vec![owner().verifying_key()], threshold: 1 },
        kinds: vec![Kind::Nitro],
        anchors: vec![Anchor::Der(NamedDer { name: "test-root".into(), der: root })],
        releases: vec![release("1.0", Kind::Nitro, &[0, 1, 2])],
        revoked_releases: vec![],
        required_pcrs: BTreeMap::new(),
        boot_configs: vec![world().config.to_bytes()],
        revoked_certificates: vec![],
        revoked_signers: vec![],
        retired_signers: vec![],
        tpm: Tpm::default(),
        witnesses: Witnesses::default(),
        freshness: Freshness::default(),
        regions: None,
        required_checks: vec![],
    }
}

pub fn release(name: &str, kind: Kind, of: &[u8]) -> Release {
    let from = Millis(QUOTED_AT_MS - DAY_MS);
    Release { name: name.into(), kind, pcrs: pcrs(of), from, to: None }
}

/// A policy that accepts every kind.
pub fn every_kind() -> Content {
    let parsed = proof::Proof::parse(&proof(Backing::Tpm)).expect("sound");
    let evidence = parsed.unsigned.expect("complete").evidence.document;
    let evidence = attest::tpm::TpmEvidence::parse(&evidence).expect("sound");
    let measured = evidence.pcrs.iter().filter(|(index, _)| **index != 12);
    let tpm = Tpm {
        ak_names: vec![attest::tpm::ak_name(evidence.ak_public).expect("an AK")],
        pcrs: measured.map(|(index, value)| (*index, value.to_vec())).collect(),
        boot_pcr: Some(12),
        ..Tpm::default()
    };
    let mut content = nitro();
    content.kinds = Kind::ALL.to_vec();
    content.releases.push(release("host", Kind::NitroTpm, &[4, 7]));
    Content { tpm, ..content }
}

/// The way of a real verifier: signed, pinned, parsed.
pub fn policy_of(content: &Content) -> Policy {
    let bytes = policy::sign(content, &[owner()]).expect("sound");
    let pins = Signers { keys: vec![owner().verifying_key()], threshold: 1 };
    let verified = SignedPolicy::verify(&bytes, Some(&pins)).expect("signed");
    Policy::from_verified(&verified).expect("usable")
}

pub fn changed(change: impl FnOnce(&mut Content)) -> Policy {
    let mut content = nitro();
    change(&mut content);
    policy_of(&content)
}

/// Judged at the document's own time.
pub fn archival(policy: Policy, bytes: &[u8]) -> Result<Verified, VerifyError> {
    let verifier = Verifier::archival(policy, TimeEvidence::DocumentOwn);
    verifier.verify(bytes, &Materials::default()).map(verify::Archival::into_verified)
}

/// The number of the check that refuses, or "accepted".
pub fn check<T>(result: Result<T, VerifyError>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(error) => {
            assert!(!error.remedy().is_empty() && !error.to_string().is_empty());
            error.check()
        }
    }
}

/// What became of a check.
pub fn outcome(verified: &Verified, name: &str) -> verify::Outcome {
    let mut all = verified.all_checks();
    all.find(|(check, ..)| *check == name).expect("a check of this evidence").2
}
