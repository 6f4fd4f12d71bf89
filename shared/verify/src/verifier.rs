//! The verifiers: [`LiveVerifier`] for now, [`ArchivalVerifier`] for the past, and [`Verifier`],
//! whose policy holds its moment. All of them are one engine; what differs is the claim that they
//! give out.

use crate::alone::Attested;
use crate::cache::Work;
use crate::engine::{Engine, Judged, Moment};
use crate::replay::Materials;
use crate::verified::{Archival, Live, TimeEvidence, Verified};
use crate::{Policy, VerifyError};
use attest::{VerificationTime, VerifiedDocument};
use facts::Millis;
use policy::Kind;

/// Verifies proofs under one policy, for the moment that [`Policy::new`] was given, and remembers
/// certificates and documents that verified. Memory is bounded; what is remembered never outlives
/// the policy's moment. New callers take [`Verifier::live`] or [`Verifier::archival`].
pub struct Verifier {
    engine: Engine,
}

impl Verifier {
    /// A verifier under `policy`, at the policy's own moment.
    pub fn new(policy: Policy) -> Self {
        let moment = Moment::Fixed(policy.time);
        Self { engine: Engine::new(policy, moment) }
    }

    /// A verifier for now: evidence has to be valid and fresh at `now_ms`, the verifier's own
    /// clock in Unix milliseconds. A policy that is not in force then is refused (Y6).
    pub fn live(policy: Policy, now_ms: u64) -> Result<LiveVerifier, VerifyError> {
        policy.require_in_force(Millis(now_ms))?;
        let moment = Moment::Fixed(VerificationTime::Live { now_ms });
        Ok(LiveVerifier { engine: Engine::new(policy, moment), now_ms })
    }

    /// A verifier for the past: everything has to be valid at the moment that `evidence` gives.
    /// Whether the policy has expired is not asked, because archival verification has no now.
    pub fn archival(policy: Policy, evidence: TimeEvidence) -> ArchivalVerifier {
        let moment = match evidence {
            TimeEvidence::Witnessed => Moment::Witnessed,
            TimeEvidence::Assumed { ms } => Moment::Fixed(VerificationTime::At { ms }),
            TimeEvidence::DocumentOwn => Moment::Fixed(VerificationTime::Document),
        };
        ArchivalVerifier { engine: Engine::new(policy, moment), evidence }
    }

    /// Judges from now on for another moment. Documents are judged anew; certificate signatures
    /// that verified stay known, since validity is judged each time. A service calls this before
    /// each live verification, or its clock stands still.
    pub fn set_time(&mut self, time: VerificationTime) {
        self.engine.moment = Moment::Fixed(time);
        self.engine.memory.forget_quotes();
    }

    /// Verifies one proof. Checks that need what `materials` lack are `NotChecked`.
    pub fn verify(
        &mut self,
        bytes: &[u8],
        materials: &Materials<'_>,
    ) -> Result<Verified, VerifyError> {
        Ok(self.engine.verify(bytes, materials)?.verified)
    }

    /// How much work was done.
    pub fn work(&self) -> Work {
        self.engine.memory.work()
    }
}

/// Verifies proofs for now. Clones share what is remembered; one can be used from many threads.
#[derive(Clone)]
pub struct LiveVerifier {
    engine: Engine,
    now_ms: u64,
}

impl LiveVerifier {
    /// Verifies one proof.
    pub fn verify(&self, bytes: &[u8], materials: &Materials<'_>) -> Result<Live, VerifyError> {
        let Judged { verified, at } = self.engine.verify(bytes, materials)?;
        Ok(Live { verified, now: at })
    }

    /// Judges one attestation document alone under the same policy and clock, as a caller does
    /// who is about to trust the keys in it. It has to answer `nonce`.
    pub fn verify_attestation(
        &self,
        bytes: &[u8],
        kind: Kind,
        nonce: Vec<u8>,
    ) -> Result<VerifiedDocument, VerifyError> {
        let time = VerificationTime::Live { now_ms: self.now_ms };
        self.engine.policy.judge_document(bytes, kind, time, Some(nonce))
    }

    /// Judges evidence of any accepted kind alone under the same policy and clock, and says which
    /// boot configuration it was measured with. It has to answer `nonce`. `event_log` is the log
    /// of the measured boot, for a TPM's.
    pub fn verify_evidence(
        &self,
        kind: Kind,
        bytes: &[u8],
        event_log: Option<&[u8]>,
        nonce: Vec<u8>,
    ) -> Result<Attested, VerifyError> {
        let time = VerificationTime::Live { now_ms: self.now_ms };
        self.engine.policy.judge_evidence(kind, bytes, event_log, time, Some(nonce))
    }

    /// Moves the clock. Documents are judged anew, and so is whether the policy is in force.
    pub fn set_time(&mut self, now_ms: u64) -> Result<(), VerifyError> {
        self.engine.policy.require_in_force(Millis(now_ms))?;
        self.engine.moment = Moment::Fixed(VerificationTime::Live { now_ms });
        self.engine.memory.forget_quotes();
        self.now_ms = now_ms;
        Ok(())
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.engine.policy
    }

    /// How much work was done, by all clones together.
    pub fn work(&self) -> Work {
        self.engine.memory.work()
    }
}

/// Verifies proofs for the past. Clones share what is remembered; one can be used from many
/// threads.
#[derive(Clone)]
pub struct ArchivalVerifier {
    engine: Engine,
    evidence: TimeEvidence,
}

impl ArchivalVerifier {
    /// Verifies one proof.
    pub fn verify(&self, bytes: &[u8], materials: &Materials<'_>) -> Result<Archival, VerifyError> {
        let Judged { verified, at } = self.engine.verify(bytes, materials)?;
        Ok(Archival { verified, time: self.evidence, at })
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.engine.policy
    }

    /// How much work was done, by all clones together.
    pub fn work(&self) -> Work {
        self.engine.memory.work()
    }
}
