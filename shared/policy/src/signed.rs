//! A policy with its signatures. [`VerifiedPolicy`] is made by `SignedPolicy::verify` and by
//! `successor`, which check the signatures, and by nothing else. Whose signatures they are is for
//! the pins to say: a policy that only its own signers vouch for is whole, not trusted.

use crate::container::{encode, parse, sign_payload};
use crate::content::{Content, Signers};
use crate::{ISSUED_AHEAD_MS_MAX, PolicyError};
use crypto::{SigningKey, VerifyingKey, sha384};
use facts::Millis;

/// Tag of the policy hash.
const HASH_TAG: &[u8] = b"probity/v1/policy\0";

/// A signed policy as it travels.
pub struct SignedPolicy;

/// A policy that was parsed and obeys the format; nobody has checked who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedPolicy {
    content: Content,
    keys: Vec<[u8; 32]>,
}

impl UnverifiedPolicy {
    /// What it says.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The keys whose signatures it carries, unverified.
    pub fn signature_keys(&self) -> &[[u8; 32]] {
        &self.keys
    }
}

/// A policy that its own signers signed, k of n, and the pinned keys too where there are pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPolicy {
    content: Content,
    hash: [u8; 48],
    signers: Vec<VerifyingKey>,
    pinned: bool,
}

impl VerifiedPolicy {
    /// What it says.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// SHA-384 over `"probity/v1/policy" || 0x00 || payload`: names this content, whoever signed.
    pub fn hash(&self) -> [u8; 48] {
        self.hash
    }

    /// Its signers whose signatures verified.
    pub fn signers(&self) -> &[VerifyingKey] {
        &self.signers
    }

    /// Whether keys that the verifier brought along signed it, not only keys that it names itself.
    pub fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// Y6: in force at `now`, Unix milliseconds, with two minutes' leeway for its beginning.
    pub fn require_in_force(&self, now: Millis) -> Result<(), PolicyError> {
        let Content { issued_at, expires_at, .. } = self.content;
        if issued_at.0 > now.0.saturating_add(ISSUED_AHEAD_MS_MAX) || now >= expires_at {
            return Err(PolicyError::NotInForce { now, issued_at, expires_at });
        }
        Ok(())
    }

    /// Y7: `bytes` as the next version of this policy: the same name, a higher version, signed by
    /// k of n of this version's signers and of its own.
    pub fn successor(&self, bytes: &[u8]) -> Result<VerifiedPolicy, PolicyError> {
        let (now, pins) = (&self.content, Some(&self.content.signers));
        let next = SignedPolicy::verify(bytes, pins)?;
        if next.content.name != now.name {
            let (expected, found) = (now.name.clone(), next.content.name);
            return Err(PolicyError::Successor { expected, found });
        }
        if next.content.version <= now.version {
            let expected = format!("a version above {}", now.version);
            let found = next.content.version.to_string();
            return Err(PolicyError::Successor { expected, found });
        }
        Ok(VerifiedPolicy { pinned: self.pinned, ..next })
    }
}

impl SignedPolicy {
    /// Parses and checks everything but signatures (Y1 to Y3).
    pub fn parse(bytes: &[u8]) -> Result<UnverifiedPolicy, PolicyError> {
        let (opened, signatures) = parse(bytes)?;
        let content = Content::parse_unverified(opened.payload)?;
        Ok(UnverifiedPolicy { content, keys: signatures.into_keys().collect() })
    }

    /// Checks everything (Y1 to Y5). Without pins the verdict is only that the file is whole:
    /// anybody can sign a policy that names themselves.
    pub fn verify(bytes: &[u8], pins: Option<&Signers>) -> Result<VerifiedPolicy, PolicyError> {
        let (opened, _) = parse(bytes)?;
        let content = Content::parse_unverified(opened.payload)?;
        let signed_by = |keys| opened.signers(keys).map_err(PolicyError::Signature);
        let signers = signed_by(&content.signers.keys)?;
        let (needed, found) = (content.signers.threshold, signers.len());
        if found < needed {
            return Err(PolicyError::Quorum { needed, found });
        }
        if let Some(pins) = pins {
            // No pins at all would accept everything; `None` says that aloud.
            let (needed, found) = (pins.threshold.max(1), signed_by(&pins.keys)?.len());
            if found < needed {
                return Err(PolicyError::Pins { needed, found });
            }
        }
        let hash = sha384(&[HASH_TAG, opened.payload]);
        Ok(VerifiedPolicy { content, hash, signers, pinned: pins.is_some() })
    }
}

/// Signs a policy; what no reader would take is not signed.
pub fn sign(content: &Content, keys: &[SigningKey]) -> Result<Vec<u8>, PolicyError> {
    content.check()?;
    let payload = content.to_bytes();
    let bytes = encode(&payload, &sign_payload(&payload, keys));
    // Sizes are limited where they are read; a writer learns of it here.
    SignedPolicy::parse(&bytes).map(|_| bytes)
}

/// Adds signatures to those that a policy carries, over the very same payload. All that stand
/// there have to verify.
pub fn add_signatures(bytes: &[u8], keys: &[SigningKey]) -> Result<Vec<u8>, PolicyError> {
    let (opened, mut signatures) = parse(bytes)?;
    Content::parse_unverified(opened.payload)?;
    let there = signatures.keys().map(VerifyingKey::from_bytes).collect::<Result<Vec<_>, _>>();
    there.and_then(|keys| opened.signers(&keys)).map_err(PolicyError::Signature)?;
    signatures.extend(sign_payload(opened.payload, keys));
    let bytes = encode(opened.payload, &signatures);
    SignedPolicy::parse(&bytes).map(|_| bytes)
}
