//! Evidence judged without a proof: a document or a quote that somebody shows, or whose keys a
//! caller is about to trust. It must never ask less than the verification of a proof asks of its
//! evidence: the policy in force, no ended signer, every required check made.

use crate::evidence::{Evidence, Logs};
use crate::policy::EndedSigner;
use crate::steps::{moment_of, standing};
use crate::{Policy, VerifyError};
use attest::tpm::VerifiedQuote;
use attest::{NonceRule, Outcome, VerificationTime, VerifiedDocument};
use crypto::VerifyingKey;
use facts::Millis;
use policy::Kind;
use proof::signer_of_key_set;
use rules::BootConfig;

/// Evidence of a kind that the policy accepts, judged alone, and whose rules it was measured with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The evidence.
    pub evidence: Evidence,
    /// The boot configuration that it was measured with, one of the policy's.
    pub boot_config: BootConfig,
}

impl Policy {
    /// Judges one piece of evidence of any kind alone. A kind that the policy does not accept is
    /// refused; what the bytes look like never chooses it. `event_log` is of use to a TPM's only.
    pub fn judge_evidence(
        &self,
        kind: Kind,
        bytes: &[u8],
        event_log: Option<&[u8]>,
        time: VerificationTime,
        nonce: Option<Vec<u8>>,
    ) -> Result<Attested, VerifyError> {
        let document = || self.judge_document(bytes, kind, time, nonce.clone());
        let evidence = match kind {
            Kind::Nitro => Evidence::Nitro(document()?),
            Kind::NitroTpm => Evidence::NitroTpm(document()?),
            Kind::Tpm => Evidence::Tpm(self.judge_quote(bytes, event_log, time, nonce)?),
        };
        let boot_config = self.boot_config_of(&evidence)?.clone();
        Ok(Attested { evidence, boot_config })
    }

    /// Judges one attestation document alone, as the evidence of a proof is judged: the policy
    /// in force, kind, chain, release with its window, boot configuration, revocations of
    /// certificates and of the signer in its key set, regions, required checks. `nonce` must be
    /// answered where one is given, and be absent where none is.
    pub fn judge_document(
        &self,
        bytes: &[u8],
        kind: Kind,
        time: VerificationTime,
        nonce: Option<Vec<u8>>,
    ) -> Result<VerifiedDocument, VerifyError> {
        let nonce = nonce.map_or(NonceRule::Absent, NonceRule::Exact);
        let document = self.document(bytes, kind, time, nonce, None)?;
        let evidence = match kind {
            Kind::NitroTpm => Evidence::NitroTpm(document),
            _ => Evidence::Nitro(document),
        };
        self.check_alone(&evidence, time)?;
        match evidence {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => Ok(document),
            Evidence::Tpm(_) => Err(self.other_kind(Kind::Tpm.name())),
        }
    }

    /// Judges one piece of TPM evidence (the CBOR map of TPM.md) alone, in the same way.
    pub fn judge_quote(
        &self,
        bytes: &[u8],
        event_log: Option<&[u8]>,
        time: VerificationTime,
        nonce: Option<Vec<u8>>,
    ) -> Result<VerifiedQuote, VerifyError> {
        self.judge_quote_with(bytes, Logs { event_log, ..Logs::default() }, time, nonce)
    }

    /// As [`Policy::judge_quote`], with every log there is.
    pub fn judge_quote_with(
        &self,
        bytes: &[u8],
        logs: Logs<'_>,
        time: VerificationTime,
        nonce: Option<Vec<u8>>,
    ) -> Result<VerifiedQuote, VerifyError> {
        let nonce = nonce.map_or(NonceRule::Absent, NonceRule::Exact);
        let evidence = Evidence::Tpm(self.quote(bytes, logs, time, nonce)?);
        self.check_alone(&evidence, time)?;
        match evidence {
            Evidence::Tpm(quote) => Ok(quote),
            Evidence::Nitro(_) | Evidence::NitroTpm(_) => Err(self.other_kind(Kind::Tpm.name())),
        }
    }

    fn check_alone(&self, evidence: &Evidence, time: VerificationTime) -> Result<(), VerifyError> {
        if let VerificationTime::Live { now_ms } = time {
            self.require_in_force(Millis(now_ms))?;
        }
        // A document that carries other keys than a boot's speaks for no signer.
        let attested = evidence.key_set().and_then(|keys| signer_of_key_set(keys).ok());
        if let Some(signer) = attested.and_then(|key| VerifyingKey::from_bytes(&key).ok())
            && let ended @ Some(_) = self.check_revoked(&signer)?
        {
            standing(ended, &signer, evidence, time, moment_of(evidence, time)?)?;
        }
        for required in &self.required {
            let made = evidence.checks().iter().find(|(check, _)| check.as_str() == required);
            if let Some((check, Outcome::NotChecked(why))) = made {
                let (check, why) = (check.as_str(), (*why).to_owned());
                return Err(VerifyError::Required { check, why });
            }
        }
        Ok(())
    }

    /// P6: a revoked signer is refused whatever the moment.
    pub(crate) fn check_revoked(
        &self,
        signer: &VerifyingKey,
    ) -> Result<Option<&EndedSigner>, VerifyError> {
        if self.ended_signers.is_empty() {
            return Ok(None);
        }
        match self.ended_signers.get(&signer.to_bytes()) {
            Some(EndedSigner::Revoked { reason }) => {
                let (signer, reason) = (signer.did_key(), reason.clone());
                Err(VerifyError::SignerRevoked { signer, reason })
            }
            other => Ok(other),
        }
    }
}
