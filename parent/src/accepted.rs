//! Which enclaves and measured hosts are accepted: a policy of whoever asks, never the word of who
//! is asked. The client judges by it before it seals a request, the server before it forwards any.
//! It must never fall back to a looser policy than the one that was named.

use crate::error::Error;
use crate::landed::form_of;
use crypto::VerifyingKey;
use policy::{Kind, SignedPolicy, Signers};
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use verify::{Attested, Live, LiveVerifier, Materials, Policy, Verifier, VerifyError};

/// What is accepted.
#[derive(Debug)]
pub struct Accepted {
    policy: Policy,
}

impl Accepted {
    /// By a policy that was read otherwise.
    pub fn of(policy: Policy) -> Self {
        Self { policy }
    }

    /// By a signed policy. `signers` are keys that must have signed it, as did:key or as files that
    /// hold one; `threshold` says how many of them, all when absent.
    pub fn signed(
        path: &Path,
        signers: &[String],
        threshold: Option<usize>,
    ) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(Error::file(path))?;
        Self::parse(path, &bytes, signers, threshold)
    }

    /// The same of bytes that were read from `path`.
    pub fn parse(
        path: &Path,
        bytes: &[u8],
        signers: &[String],
        threshold: Option<usize>,
    ) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Accepted(format!("{}: {problem}", path.display()));
        let mut keys = Vec::new();
        for text in signers {
            let held = match text.starts_with("did:") {
                true => text.clone(),
                false => fs::read_to_string(text).map_err(Error::file(text))?,
            };
            keys.push(VerifyingKey::from_did_key(held.trim()).map_err(|e| wrong(e.to_string()))?);
        }
        keys.sort();
        keys.dedup();
        let threshold = threshold.unwrap_or(keys.len());
        let pins = (!keys.is_empty()).then_some(Signers { keys, threshold });
        let verified = SignedPolicy::verify(bytes, pins.as_ref());
        let verified = verified.map_err(|e| wrong(e.to_string()))?;
        let policy = Policy::from_verified(&verified).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { policy })
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The fresh evidence that answers `nonce`, judged live, with the boot configuration that it
    /// was measured with. `event_log` is the measured boot's, for a TPM's. `refused` makes the
    /// error of a refusal.
    pub fn attested(
        &self,
        bytes: &[u8],
        nonce: &[u8],
        event_log: Option<&[u8]>,
        refused: impl Fn(VerifyError) -> Error,
    ) -> Result<Attested, Error> {
        let verifier = Verifier::live(self.policy.clone(), now_ms()?).map_err(&refused)?;
        let kind = self.kind(bytes);
        verifier.verify_evidence(kind, bytes, event_log, nonce.to_vec()).map_err(refused)
    }

    /// As what these bytes are judged. Their form only tells a TPM's map from a document, and of
    /// documents the policy says which: a kind that it does not accept is refused by its name.
    fn kind(&self, bytes: &[u8]) -> Kind {
        match form_of(bytes) {
            Kind::Nitro
                if !self.policy.accepts(Kind::Nitro) && self.policy.accepts(Kind::NitroTpm) =>
            {
                Kind::NitroTpm
            }
            kind => kind,
        }
    }

    /// The proof, judged live with all that the caller has.
    pub fn proven(&self, proof: &[u8], materials: &Materials<'_>) -> Result<Live, Error> {
        let verified = self.verifier()?.verify(proof, materials);
        verified.map_err(|error| Error::Proof(error.into()))
    }

    fn verifier(&self) -> Result<LiveVerifier, Error> {
        let verifier = Verifier::live(self.policy.clone(), now_ms()?);
        verifier.map_err(|error| Error::Accepted(error.to_string()))
    }
}

/// Unix milliseconds by this machine's clock.
pub fn now_ms() -> Result<u64, Error> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let now_ms = since.and_then(|since| u64::try_from(since.as_millis()).ok());
    now_ms.ok_or_else(|| Error::Accepted("this machine's clock is not in our era".into()))
}
