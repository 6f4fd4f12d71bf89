//! A whole log of two proofs: what all of its evidence has in common (P9).

use crate::support::*;
use attestation_fixtures::proofs::{Backing, ProofSpec, QUOTED_AT_MS, key};
use verify::{AuditSummary, LogAudit, Materials, TimeEvidence, Verified, Verifier, VerifyError};

/// The proofs of one log, the second quoted by this hardware.
fn log(second: Backing) -> [ProofSpec; 2] {
    let make = |backing: Backing, id: u8| {
        let mut spec = spec(backing);
        spec.statement(|statement| statement.proof_id = [id; 16]);
        (spec.before, spec.after) = (vec![], vec![]);
        spec
    };
    let (mut one, mut two) = (make(Backing::Nitro, 1), make(second, 2));
    two.before = vec![one.leaf()];
    one.after = vec![two.leaf()];
    assert_eq!(one.checkpoint(), two.checkpoint());
    [one, two]
}

fn verified(spec: &ProofSpec) -> Verified {
    let time = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
    let verifier = Verifier::archival(policy_of(&every_kind()), time);
    let verdict = verifier.verify(&spec.to_bytes(), &Materials::default());
    verdict.map(verify::Archival::into_verified).expect("valid")
}

fn audited(log: &[ProofSpec]) -> Result<AuditSummary, VerifyError> {
    let mut audit = LogAudit::open(&log[0].boot_record(), world().config.hash())?;
    log.iter().try_for_each(|spec| audit.push(&verified(spec)))?;
    audit.finish()
}

#[test]
fn a_whole_log_is_audited() {
    let log = log(Backing::Nitro);
    let summary = audited(&log).expect("whole");
    assert_eq!((summary.proofs, summary.last_index, summary.quotes), (2, 2, 1));
    assert_eq!((summary.consistent_pairs, summary.root), (0, log[1].checkpoint().root));
    assert_eq!(summary.last_quoted_at.0, QUOTED_AT_MS);
}

#[test]
fn what_the_last_quote_covers_is_there() {
    let log = log(Backing::Nitro);
    let refusal = audited(&log[..1]).expect_err("the second is missing");
    assert_eq!(refusal.check(), "P9");
    assert!(
        refusal.to_string().contains("covers 3 entries, the log has 2: 1 missing"),
        "{refusal}"
    );
    let refusal = audited(&log[1..]).expect_err("the first is missing").to_string();
    assert!(refusal.contains("expected index 1, found 2"), "{refusal}");
    let nothing = LogAudit::open(&log[0].boot_record(), world().config.hash()).expect("ours");
    assert_eq!(check(nothing.finish()), "P9");
}

/// Two quotes of one moment, each over the log as it was then.
#[test]
fn a_quote_is_held_against_the_next() {
    let [mut one, two] = log(Backing::Nitro);
    one.after = vec![];
    assert_eq!((one.checkpoint().size, two.checkpoint().size), (2, 3));
    let summary = audited(&[one.clone(), two.clone()]).expect("one growing log");
    assert_eq!((summary.quotes, summary.consistent_pairs, summary.proofs), (2, 1, 2));
    assert_eq!(summary.root, two.checkpoint().root);
    // The second quote is over a log that begins with another proof.
    let mut other = two;
    other.before = vec![[7; 32]];
    let refusal = audited(&[one, other]).expect_err("two logs");
    assert_eq!(refusal.check(), "P9");
    assert!(refusal.to_string().contains("the quote of size 3 has another root"), "{refusal}");
}

#[test]
fn a_proof_of_another_signer_stands_in_another_log() {
    let [one, mut two] = log(Backing::Nitro);
    let stranger = std::sync::Arc::new(key(6));
    two.statement(|statement| statement.agent = stranger.verifying_key().did_key());
    (two.signer, two.attested) = (stranger.clone(), stranger);
    let refusal = audited(&[one, two]).expect_err("two signers");
    assert_eq!(refusal.check(), "P9");
    assert!(refusal.to_string().contains("of another boot"), "{refusal}");
}

/// A boot runs on one machine: a log that is vouched for by two is put together from two.
#[test]
fn all_evidence_of_a_log_stands_under_one_root() {
    let log = log(Backing::Tpm);
    let refusal = audited(&log).expect_err("two kinds of hardware");
    assert_eq!(refusal.check(), "P9");
    let text = refusal.to_string();
    assert!(text.contains("expected evidence under the root"), "{text}");
    let root = attestation_fixtures::TestPki::published().root_der().to_vec();
    let expected = attest::TrustAnchor::from_der("r", &root).expect("a root").sha256();
    let parsed = proof::Proof::parse(&proof(Backing::Tpm)).expect("sound");
    let evidence = parsed.unsigned.expect("complete").evidence.document;
    let public = attest::tpm::TpmEvidence::parse(&evidence).expect("sound").ak_public;
    let key = attest::tpm::AttestationKey::parse(public).expect("an AK").spki_der();
    let found = attest::tpm::HashAlgorithm::Sha256.digest(&[&key.expect("a key")]);
    assert!(text.contains(&crypto::to_hex(&expected)), "{text}");
    assert!(text.contains(&format!("found {}", crypto::to_hex(&found))), "{text}");
}
