//! What verification gives out: [`Verified`], made by the engine after the last check and by
//! nothing else, and around it [`Live`] and [`Archival`], which are different claims and therefore
//! different types. A verdict about the past must never pass for one about now.

use crate::check::{Check, Outcome};
use crate::evidence::Evidence;
use attest::VerifiedDocument;
use attest::tpm::VerifiedQuote;
use crypto::Digest;
use facts::Millis;
use policy::Kind;
use proof::{Inclusion, Proof, Statement};
use rules::RuleResult;
use std::ops::Deref;
use std::sync::Arc;
use tlog::Checkpoint;

/// How the signer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Neither revoked nor retired.
    Current,
    /// Retired after this proof was made: good for the archive only, and a verdict says RETIRED.
    Retired {
        /// From when on its proofs are refused.
        from: Millis,
        /// Why.
        reason: String,
    },
}

/// Enough witnesses of the policy cosigned the checkpoint, and each cosignature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Names of the witnesses, by time.
    pub names: Vec<String>,
    /// When the checkpoint existed at the latest: the k-th earliest time of k needed witnesses.
    pub at: Millis,
}

/// A proof that passed every check that could be made.
#[derive(Debug, Clone)]
pub struct Verified {
    pub(crate) proof: Proof,
    pub(crate) proof_hash: Digest,
    pub(crate) evidence: Arc<Evidence>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) checks: [(Check, Outcome); Check::COUNT],
    pub(crate) results: Option<Vec<RuleResult>>,
    pub(crate) standing: Standing,
    pub(crate) witnessed: Option<Arc<Witnessed>>,
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

    /// What vouches for the signer and the log.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The attestation document, of an enclave or an instance; `None` for a TPM's quote.
    pub fn nitro(&self) -> Option<&VerifiedDocument> {
        self.evidence.document()
    }

    /// The TPM's quote, where that is the evidence.
    pub fn tpm(&self) -> Option<&VerifiedQuote> {
        self.evidence.quote()
    }

    /// The evidence's kind.
    pub fn kind(&self) -> Kind {
        self.evidence.kind()
    }

    /// When the hardware quoted the checkpoint, by its own clock; a TPM has no calendar.
    pub fn quoted_at(&self) -> Option<Millis> {
        self.evidence.quoted_at()
    }

    /// The release whose reference values matched.
    pub fn release(&self) -> Option<&str> {
        self.nitro().and_then(VerifiedDocument::release)
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

    /// The proof itself, for exports.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// What became of P1 to P22.
    pub fn checks(&self) -> &[(Check, Outcome)] {
        &self.checks
    }

    /// Number, title and outcome of every check: P1 to P22, then those of the evidence.
    pub fn all_checks(&self) -> impl Iterator<Item = (&'static str, &'static str, Outcome)> {
        let own = self.checks.iter();
        let own = own.map(|(check, outcome)| (check.name(), check.title(), outcome.clone()));
        let evidence = self.evidence.checks().iter().map(|(check, outcome)| {
            let outcome = match outcome {
                attest::Outcome::Passed => Outcome::Passed,
                attest::Outcome::NotChecked(why) => Outcome::NotChecked(why),
            };
            (check.as_str(), check.title(), outcome)
        });
        own.chain(evidence)
    }

    /// How the signer stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The witnesses, when enough of the policy's cosigned (P20).
    pub fn witnessed(&self) -> Option<&Witnessed> {
        self.witnessed.as_deref()
    }

    /// The rule results as replayed here, when bundle and input were given.
    pub fn results(&self) -> Option<&[RuleResult]> {
        self.results.as_deref()
    }
}

/// A proof that holds now: its evidence is valid and fresh at the verifier's own clock.
#[derive(Debug, Clone)]
pub struct Live {
    pub(crate) verified: Verified,
    pub(crate) now: Millis,
}

impl Live {
    /// What was verified.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The same, without the word that it holds now.
    pub fn into_verified(self) -> Verified {
        self.verified
    }

    /// The verifier's clock.
    pub fn now(&self) -> Millis {
        self.now
    }
}

impl Deref for Live {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.verified
    }
}

/// What says that a proof existed when its evidence was valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeEvidence {
    /// The policy's witnesses, by their cosignatures on the quoted checkpoint. The only kind that
    /// is evidence.
    Witnessed,
    /// The verifier's owner says so; the verdict repeats it.
    Assumed {
        /// The moment, Unix milliseconds.
        ms: u64,
    },
    /// The document's own timestamp, which nothing else confirms: whoever held an expired
    /// certificate's key could have written it.
    DocumentOwn,
}

/// A proof that held at a moment in the past. Nothing is said about now.
#[derive(Debug, Clone)]
pub struct Archival {
    pub(crate) verified: Verified,
    pub(crate) time: TimeEvidence,
    pub(crate) at: Millis,
}

impl Archival {
    /// What was verified.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The same, without the moment that it was judged for.
    pub fn into_verified(self) -> Verified {
        self.verified
    }

    /// The moment that everything was judged for.
    pub fn judged_at(&self) -> Millis {
        self.at
    }

    /// What says that it existed then.
    pub fn time_evidence(&self) -> TimeEvidence {
        self.time
    }

    /// The sentence that a verdict repeats.
    pub fn assumption(&self) -> String {
        let at = self.at;
        match (self.time, self.verified.witnessed()) {
            (TimeEvidence::Assumed { .. }, _) => format!("ASSUMING that it existed at {at}"),
            (TimeEvidence::DocumentOwn, _) => {
                format!("at the document's own time, {at}, which nothing else confirms")
            }
            (TimeEvidence::Witnessed, Some(witnessed)) => {
                format!("existed at {at}, as {} witnessed", witnessed.names.join(" and "))
            }
            (TimeEvidence::Witnessed, None) => format!("existed at {at}, as witnessed"),
        }
    }
}

impl Deref for Archival {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.verified
    }
}
