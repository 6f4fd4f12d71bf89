//! The verifier: evidence → attested key → signed statement → log → rules → replay.

use crate::check::{Check, Outcome};
use crate::policy::LEAD_MS_MAX;
use crate::replay::{self, Materials};
use crate::{Policy, VerifyError};
use attest::{ChainCache, VerifiedDocument};
use crypto::{Digest, VerifyingKey, to_hex};
use facts::Millis;
use proof::{EVIDENCE_NITRO, Inclusion, Proof, Statement, Unsigned, signer_of_key_set};
use rules::RuleResult;
use std::collections::HashMap;
use std::sync::Arc;
use tlog::Checkpoint;
use vm::Program;

/// Certificates and documents that are remembered.
const CERTIFICATES_MAX: usize = 4096;
const DOCUMENTS_MAX: usize = 4096;

/// A proof that passed every check that could be made.
#[derive(Debug, Clone)]
pub struct Verified {
    proof: Proof,
    proof_hash: Digest,
    document: Arc<VerifiedDocument>,
    checkpoint: Checkpoint,
    checks: Vec<(Check, Outcome)>,
    results: Option<Vec<RuleResult>>,
}

impl Verified {
    /// What the enclave said.
    pub fn statement(&self) -> &Statement {
        self.proof.signed.statement()
    }

    /// The proof hash.
    pub fn proof_hash(&self) -> Digest {
        self.proof_hash
    }

    /// The attestation document that vouches for the signer and the log.
    pub fn document(&self) -> &VerifiedDocument {
        &self.document
    }

    /// The quoted checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Where the proof stands in the log.
    pub fn inclusion(&self) -> &Inclusion {
        let unsigned = self.proof.unsigned.as_ref();
        &unsigned.expect("verification refuses a proof without evidence").inclusion
    }

    /// What became of P1 to P22.
    pub fn checks(&self) -> &[(Check, Outcome)] {
        &self.checks
    }

    /// The rule results as replayed here, when bundle and input were given.
    pub fn results(&self) -> Option<&[RuleResult]> {
        self.results.as_deref()
    }
}

/// Verifies proofs under one policy and remembers certificates and documents that verified.
/// Memory is bounded; what is remembered never outlives the policy's moment.
pub struct Verifier {
    policy: Policy,
    certificates: ChainCache,
    documents: HashMap<[u8; 32], Arc<VerifiedDocument>>,
    /// The last bundle that verified, compiled.
    program: Option<(Digest, Arc<Program>)>,
}

impl Verifier {
    /// Judges from now on for another moment. Documents are judged anew; certificate signatures
    /// that verified stay known, since validity is judged each time. A service calls this before
    /// each live verification, or its clock stands still.
    pub fn set_time(&mut self, time: attest::VerificationTime) {
        self.policy.nitro = self.policy.nitro.clone().with_time(time);
        self.documents.clear();
    }

    /// The ages of rules that the boot configuration allows.
    pub(crate) fn ages(&self) -> &rules::FreshnessPolicy {
        &self.policy.boot_config.freshness
    }

    /// A verifier under `policy`.
    pub fn new(policy: Policy) -> Self {
        let certificates = ChainCache::new(CERTIFICATES_MAX);
        Self { policy, certificates, documents: HashMap::new(), program: None }
    }

    /// Verifies one proof. Checks that need what `materials` lack are `NotChecked`.
    pub fn verify(
        &mut self,
        bytes: &[u8],
        materials: &Materials<'_>,
    ) -> Result<Verified, VerifyError> {
        let mut ledger = Ledger::new();
        let proof = Proof::parse(bytes)?;
        let Unsigned { evidence, inclusion } =
            proof.unsigned.as_ref().ok_or(VerifyError::NoEvidence)?;
        if evidence.kind != EVIDENCE_NITRO {
            return Err(VerifyError::EvidenceKind(evidence.kind.clone()));
        }
        ledger.passed(&[1, 2, 3, 18]);
        let statement = proof.signed.statement();
        let message = proof.signed.sig_structure();
        let proof_hash = crypto::digest(crypto::Domain::Proof, &[&message]);
        let signer =
            VerifyingKey::from_did_key(&statement.agent).map_err(VerifyError::Signature)?;
        signer.verify_strict(&message, proof.signed.signature()).map_err(VerifyError::Signature)?;
        ledger.passed(&[4, 5]);
        let document = self.document(&evidence.document)?;
        check_signer(&document, &signer)?;
        let checkpoint = check_log(&document, statement, inclusion, proof_hash)?;
        ledger.passed(&[6, 7, 8]);
        check_time(statement, &document, self.policy.lag_ms_max)?;
        ledger.passed(&[10]);
        self.check_nonce(statement, &mut ledger)?;
        let results = replay::check(self, statement, materials, &mut ledger)?;
        let checks = ledger.finish();
        Ok(Verified { document, proof_hash, checkpoint, checks, results, proof })
    }

    /// The verified document of these bytes, from memory when they verified before.
    fn document(&mut self, bytes: &[u8]) -> Result<Arc<VerifiedDocument>, VerifyError> {
        let key = lookup_key(bytes);
        if let Some(known) = self.documents.get(&key) {
            return Ok(known.clone());
        }
        let verified =
            Arc::new(attest::verify(bytes, &self.policy.nitro, Some(&mut self.certificates))?);
        if self.documents.len() >= DOCUMENTS_MAX {
            self.documents.clear();
        }
        self.documents.insert(key, verified.clone());
        Ok(verified)
    }

    /// The compiled bundle, from memory when the same bytes were given before.
    pub(crate) fn program(&mut self, signed: &[u8]) -> Result<Arc<Program>, VerifyError> {
        let key = Digest(lookup_key(signed));
        if let Some((known, program)) = &self.program
            && *known == key
        {
            return Ok(program.clone());
        }
        let config = &self.policy.boot_config;
        let bundle = rules::SignedBundle::verify(signed, config).map_err(VerifyError::Rules)?;
        let program = Program::load(bundle, config.limits)
            .map_err(|error| VerifyError::Engine(error.to_string()))?;
        let program = Arc::new(program);
        self.program = Some((key, program.clone()));
        Ok(program)
    }

    fn check_nonce(&self, statement: &Statement, ledger: &mut Ledger) -> Result<(), VerifyError> {
        let Some(expected) = &self.policy.nonce else {
            ledger.not_checked(&[11], "the verifier asked for no nonce");
            return Ok(());
        };
        if statement.nonce.as_ref() != Some(expected) {
            let found = statement.nonce.as_ref().map_or("none".into(), |nonce| to_hex(nonce));
            return Err(VerifyError::Nonce { expected: to_hex(expected), found });
        }
        ledger.passed(&[11]);
        Ok(())
    }
}

/// SHA-256 as a lookup key; the document's identity for replay is another thing (N42).
fn lookup_key(bytes: &[u8]) -> [u8; 32] {
    tlog::leaf_hash(bytes)
}

fn check_signer(document: &VerifiedDocument, signer: &VerifyingKey) -> Result<(), VerifyError> {
    let keys = document.public_key().ok_or(VerifyError::KeySet("the quote has none".into()))?;
    let attested = signer_of_key_set(keys).map_err(|e| VerifyError::KeySet(e.to_string()))?;
    if attested != signer.to_bytes() {
        let (attested, found) = (to_hex(&attested), to_hex(&signer.to_bytes()));
        return Err(VerifyError::Signer { attested, found });
    }
    Ok(())
}

fn check_log(
    document: &VerifiedDocument,
    statement: &Statement,
    inclusion: &Inclusion,
    proof_hash: Digest,
) -> Result<Checkpoint, VerifyError> {
    let differs = |expected: String, found: String| VerifyError::Checkpoint { expected, found };
    let quoted = document.user_data().unwrap_or_default();
    let checkpoint = Checkpoint::parse(quoted)
        .map_err(|error| differs("a checkpoint as user data".into(), error.to_string()))?;
    if checkpoint.boot_id != statement.boot_id {
        let (stated, quoted) = (to_hex(&statement.boot_id), to_hex(&checkpoint.boot_id));
        return Err(differs(format!("boot {stated}"), format!("boot {quoted}")));
    }
    if checkpoint.size != inclusion.size {
        let (stated, quoted) = (inclusion.size, checkpoint.size);
        return Err(differs(format!("size {stated}"), format!("size {quoted}")));
    }
    // Index 0 is the boot record's place.
    if inclusion.index == 0 {
        let (index, size) = (0, inclusion.size);
        return Err(VerifyError::Inclusion(tlog::TlogError::IndexOutOfRange { index, size }));
    }
    let leaf = tlog::leaf_hash(proof_hash.as_bytes());
    logtree::verify_inclusion(
        leaf,
        inclusion.index,
        inclusion.size,
        &inclusion.path,
        checkpoint.root,
    )
    .map_err(VerifyError::Inclusion)?;
    Ok(checkpoint)
}

fn check_time(
    statement: &Statement,
    document: &VerifiedDocument,
    lag_ms_max: u64,
) -> Result<(), VerifyError> {
    let (evaluated_at, quoted_at) = (statement.evaluated_at, Millis(document.timestamp_ms()));
    let refuse = |problem| Err(VerifyError::Time { evaluated_at, quoted_at, problem });
    if evaluated_at.0 > quoted_at.0.saturating_add(LEAD_MS_MAX) {
        return refuse(format!("expected at most {LEAD_MS_MAX} ms after the quote"));
    }
    if quoted_at.0.saturating_sub(evaluated_at.0) > lag_ms_max {
        return refuse(format!("expected at most {lag_ms_max} ms before the quote"));
    }
    Ok(())
}

/// What became of each check. One that nobody entered is not checked, never passed.
pub(crate) struct Ledger([Option<Outcome>; 22]);

impl Ledger {
    pub(crate) fn new() -> Self {
        let mut ledger = Self([const { None }; 22]);
        ledger.not_checked(&[9], "a set of proofs is needed; use audit");
        ledger.not_checked(&[19], "no single result was shown");
        ledger.not_checked(&[20], "the proof carries no anchor or witness");
        ledger
    }

    pub(crate) fn passed(&mut self, numbers: &[u8]) {
        for number in numbers {
            self.0[usize::from(*number) - 1] = Some(Outcome::Passed);
        }
    }

    pub(crate) fn not_checked(&mut self, numbers: &[u8], why: &'static str) {
        for number in numbers {
            self.0[usize::from(*number) - 1] = Some(Outcome::NotChecked(why));
        }
    }

    pub(crate) fn finish(self) -> Vec<(Check, Outcome)> {
        let forgotten = Outcome::NotChecked("this verifier does not make the check");
        let outcomes = self.0.into_iter().map(|outcome| outcome.unwrap_or(forgotten.clone()));
        Check::all().zip(outcomes).collect()
    }
}
