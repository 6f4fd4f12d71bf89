//! The COSE_Sign (RFC 9052) around a policy: one payload, signatures of several keys, sorted by
//! key. Every byte but payload and signatures follows from POLICY.md and is compared, so that one
//! policy with the same signatures has one encoding. It must never judge a signature.

use crate::{POLICY_BYTES_MAX, PolicyError, SIGNERS_MAX, TYP};
use crypto::cose::{CoseSign, body_protected, read_sign, sign_one, sign_protected, signer_key};
use crypto::{Signature, SigningKey};
use std::collections::BTreeMap;

/// Signatures by key.
pub(crate) type Signatures = BTreeMap<[u8; 32], Signature>;

/// An envelope that is the one of POLICY.md, and its signatures by key; nothing is verified.
pub(crate) fn parse(bytes: &[u8]) -> Result<(CoseSign<'_>, Signatures), PolicyError> {
    if bytes.len() > POLICY_BYTES_MAX {
        let (max, found) = (POLICY_BYTES_MAX, bytes.len());
        return Err(PolicyError::TooLarge { max, found });
    }
    let opened = read_sign(bytes, SIGNERS_MAX).map_err(PolicyError::Envelope)?;
    if opened.body != body_protected(TYP) {
        let expected = "the protected header of a policy";
        return Err(PolicyError::Header { expected, found: start(opened.body) });
    }
    let mut signatures = Signatures::new();
    for (protected, signature) in &opened.signatures {
        let header = |found: String| PolicyError::Header {
            expected: "a signer's header of algorithm EdDSA and a key, keys ascending",
            found,
        };
        let key = signer_key(protected).map_err(|error| header(error.to_string()))?;
        let ascending = signatures.last_key_value().is_none_or(|(last, _)| *last < key);
        if *protected != sign_protected(&key) || !ascending {
            return Err(header(start(protected)));
        }
        signatures.insert(key, *signature);
    }
    Ok((opened, signatures))
}

/// The envelope of `payload` with `signatures`.
pub(crate) fn encode(payload: &[u8], signatures: &Signatures) -> Vec<u8> {
    crypto::cose::write_sign(&body_protected(TYP), payload, signatures)
}

/// A signature over `payload` by each key.
pub(crate) fn sign_payload(payload: &[u8], keys: &[SigningKey]) -> Signatures {
    let body = body_protected(TYP);
    keys.iter().map(|key| sign_one(&body, payload, key)).collect()
}

/// The beginning of a header, for errors.
fn start(header: &[u8]) -> String {
    crypto::to_hex(&header[..header.len().min(64)])
}
