//! From the command line to a verifier: whose policy, for which moment. What is wrong with files
//! that the verifier brings along is misuse (an error); what is wrong with a signed policy is a
//! verdict with a number.

use crate::arguments::{AcceptedArguments, CommonArguments};
use crate::{files, signed_policy};
use anyhow::{Context as _, Result, bail};
use attest::VerificationTime;
use crypto::Digest;
use facts::Millis;
use rules::BootConfig;
use verify::{
    ArchivalVerifier, LiveVerifier, Materials, Origin, Policy, TimeEvidence, Verified, Verifier,
    VerifyError,
};

/// For which moment a verdict is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Now, by this machine's clock, Unix milliseconds.
    Now(u64),
    /// A moment in the past.
    Past(TimeEvidence),
}

impl Asked {
    /// The moment of `--at`.
    pub(crate) fn of(common: &CommonArguments) -> Result<Self> {
        Ok(match common.at.as_str() {
            "now" => Asked::Now(files::now_ms()?),
            "document" => Asked::Past(TimeEvidence::DocumentOwn),
            "witnesses" => Asked::Past(TimeEvidence::Witnessed),
            time => {
                let Millis(ms) = Millis::parse(time).map_err(|error| {
                    let moments = "now, document, witnesses or an RFC 3339 time";
                    anyhow::anyhow!("--at takes {moments}: {error}")
                })?;
                Asked::Past(TimeEvidence::Assumed { ms })
            }
        })
    }

    /// The moment for a document alone, which no witness can vouch for.
    pub(crate) fn of_document(&self) -> Result<VerificationTime> {
        Ok(match *self {
            Asked::Now(now_ms) => VerificationTime::Live { now_ms },
            Asked::Past(TimeEvidence::DocumentOwn) => VerificationTime::Document,
            Asked::Past(TimeEvidence::Assumed { ms }) => VerificationTime::At { ms },
            Asked::Past(TimeEvidence::Witnessed) => {
                bail!("--at witnesses needs a proof with cosignatures; this verb has none")
            }
        })
    }

    /// The moment, where it is known before anything is verified.
    pub(crate) fn known_ms(&self) -> Option<u64> {
        match *self {
            Asked::Now(ms) | Asked::Past(TimeEvidence::Assumed { ms }) => Some(ms),
            Asked::Past(_) => None,
        }
    }
}

/// The moment for which an accepted proof was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Now.
    Live {
        /// This machine's clock.
        now: Millis,
    },
    /// In the past.
    Archival {
        /// Then.
        at: Millis,
        /// The sentence that the verdict repeats.
        assumption: String,
    },
}

impl Moment {
    pub(crate) fn at(&self) -> Millis {
        match self {
            Moment::Live { now } => *now,
            Moment::Archival { at, .. } => *at,
        }
    }

    pub(crate) fn mode(&self) -> &'static str {
        match self {
            Moment::Live { .. } => "live",
            Moment::Archival { .. } => "archival",
        }
    }

    pub(crate) fn assumption(&self) -> Option<&str> {
        match self {
            Moment::Live { .. } => None,
            Moment::Archival { assumption, .. } => Some(assumption),
        }
    }
}

/// An accepted proof and the moment for which it was.
pub(crate) struct Judged {
    pub(crate) verified: Verified,
    pub(crate) moment: Moment,
}

/// A verifier for one moment. Cheap to clone; clones share what they remember.
#[derive(Clone)]
enum Which {
    Live(LiveVerifier),
    Archival(ArchivalVerifier),
}

/// A verifier, and whose policy it applies.
#[derive(Clone)]
pub(crate) struct Judge {
    which: Which,
    /// `None` for loose files.
    pub(crate) origin: Option<Origin>,
    /// The nonce of `--nonce`.
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) asked: Asked,
    /// Hashes of the boot configurations that the policy accepts.
    pub(crate) boot_configs: Vec<Digest>,
}

impl Judge {
    /// The verifier that the command line spells out. The inner error is a verdict.
    pub(crate) fn new(
        accepted: &AcceptedArguments,
        common: &CommonArguments,
    ) -> Result<Result<Judge, VerifyError>> {
        let asked = Asked::of(common)?;
        let policy = match &common.signed.policy {
            None => loose(accepted, common, asked)?,
            Some(_) => match signed_policy::load(&common.signed)? {
                Ok(verified) => match Policy::from_verified(&verified) {
                    Ok(policy) => policy,
                    Err(rejected) => return Ok(Err(rejected)),
                },
                Err(rejected) => return Ok(Err(rejected)),
            },
        };
        let nonce = files::nonce(common)?;
        let policy = match &nonce {
            Some(nonce) => policy.with_nonce(nonce.clone()),
            None => policy,
        };
        let origin = policy.origin().cloned();
        let boot_configs = policy.boot_configs().iter().map(BootConfig::hash).collect();
        let which = match asked {
            Asked::Now(now_ms) => match Verifier::live(policy, now_ms) {
                Ok(live) => Which::Live(live),
                Err(rejected) => return Ok(Err(rejected)),
            },
            Asked::Past(evidence) => Which::Archival(Verifier::archival(policy, evidence)),
        };
        Ok(Ok(Judge { which, origin, nonce, asked, boot_configs }))
    }

    /// Verifies one proof.
    pub(crate) fn verify(
        &self,
        bytes: &[u8],
        materials: &Materials<'_>,
    ) -> Result<Judged, VerifyError> {
        Ok(match &self.which {
            Which::Live(verifier) => {
                let live = verifier.verify(bytes, materials)?;
                let moment = Moment::Live { now: live.now() };
                Judged { verified: live.into_verified(), moment }
            }
            Which::Archival(verifier) => {
                let archival = verifier.verify(bytes, materials)?;
                let (at, assumption) = (archival.judged_at(), archival.assumption());
                let moment = Moment::Archival { at, assumption };
                Judged { verified: archival.into_verified(), moment }
            }
        })
    }
}

/// The policy of loose files: nobody signed it.
fn loose(accepted: &AcceptedArguments, common: &CommonArguments, asked: Asked) -> Result<Policy> {
    let mut releases = Vec::new();
    for path in &accepted.measurements {
        releases.extend(files::measurements(path)?);
    }
    let boot = accepted.boot.as_deref().context("give --policy, or --measurements and --boot")?;
    let config = files::boot_config(boot)?;
    // Witnesses judge a time that the verifier takes from them, not from here.
    let time = asked.of_document().unwrap_or(VerificationTime::Document);
    let mut policy = Policy::new(files::anchors(common)?, time, releases, config)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    if let Some(seconds) = common.max_age {
        policy = policy.with_age_ms_max(seconds.saturating_mul(1000));
    }
    if let Some(seconds) = accepted.lag {
        policy = policy.with_lag_ms_max(seconds.saturating_mul(1000));
    }
    Ok(policy)
}
