//! The COSE_Sign (RFC 9052) around a policy: one payload, signatures of several keys, sorted by
//! key. Every byte but payload and signatures follows from POLICY.md and is compared, so that one
//! policy with the same signatures has one encoding. It must never judge a signature.

use crate::{POLICY_BYTES_MAX, PolicyError, SIGNERS_MAX, TYP};
use cbor::{CborError, Reader, Writer};
use crypto::cose::{ALG_EDDSA, LABEL_ALG, LABEL_KID, LABEL_TYP, TAG_SIGN, sign_structure};
use crypto::{Signature, SigningKey, VerifyingKey};

/// An envelope, taken apart; nothing is verified.
pub(crate) struct Opened<'a> {
    pub(crate) payload: &'a [u8],
    /// Key and signature, sorted by key.
    pub(crate) signatures: Vec<([u8; 32], Signature)>,
}

impl<'a> Opened<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, PolicyError> {
        if bytes.len() > POLICY_BYTES_MAX {
            let (max, found) = (POLICY_BYTES_MAX, bytes.len());
            return Err(PolicyError::TooLarge { max, found });
        }
        let (body, payload, entries) = read(bytes).map_err(PolicyError::Envelope)?;
        if body != body_protected() {
            let found = crypto::to_hex(&body[..body.len().min(64)]);
            return Err(PolicyError::Header {
                expected: "the protected header of a policy",
                found,
            });
        }
        let mut signatures: Vec<([u8; 32], Signature)> = Vec::with_capacity(entries.len());
        for (protected, signature) in entries {
            let header = |found: String| PolicyError::Header {
                expected: "a signer's header of algorithm EdDSA and a key, keys ascending",
                found,
            };
            let key = kid(protected).map_err(|error| header(error.to_string()))?;
            let ascending = signatures.last().is_none_or(|(last, _)| *last < key);
            if protected != sign_protected(&key) || !ascending {
                return Err(header(crypto::to_hex(&protected[..protected.len().min(64)])));
            }
            signatures.push((key, signature));
        }
        Ok(Self { payload, signatures })
    }

    /// Those of `known` that signed; a signature of one of them that does not verify is an error.
    /// A stranger's signature counts for nothing and harms nothing.
    pub(crate) fn signers(&self, known: &[VerifyingKey]) -> Result<Vec<VerifyingKey>, PolicyError> {
        let body = body_protected();
        let mut signers = Vec::new();
        for (key, signature) in &self.signatures {
            let Some(known) = known.iter().find(|known| known.to_bytes() == *key) else { continue };
            let message = sign_structure(&body, &sign_protected(key), self.payload);
            known.verify_strict(&message, signature).map_err(PolicyError::Signature)?;
            signers.push(*known);
        }
        Ok(signers)
    }
}

/// The envelope of `payload` with `signatures`, in any order; of two by one key the last counts.
pub(crate) fn encode(payload: &[u8], signatures: &[([u8; 32], Signature)]) -> Vec<u8> {
    let sorted: std::collections::BTreeMap<_, _> = signatures.iter().copied().collect();
    let mut w = Writer::with_capacity(payload.len() + 256);
    w.tag(TAG_SIGN).array(4).bytes(&body_protected()).map(0).bytes(payload).array(sorted.len());
    for (key, signature) in sorted {
        w.array(3).bytes(&sign_protected(&key)).map(0).bytes(&signature.0);
    }
    w.finish()
}

/// One signature over `payload`.
pub(crate) fn sign_payload(payload: &[u8], key: &SigningKey) -> ([u8; 32], Signature) {
    let public = key.verifying_key().to_bytes();
    let message = sign_structure(&body_protected(), &sign_protected(&public), payload);
    (public, key.sign(&message))
}

type Read<'a> = (&'a [u8], &'a [u8], Vec<(&'a [u8], Signature)>);

fn read(bytes: &[u8]) -> Result<Read<'_>, CborError> {
    let mut r = Reader::new(bytes);
    let at = r.position();
    let found = r.tag()?;
    if found != TAG_SIGN {
        return Err(CborError::Range { at, what: "tag", expected: "98 (COSE_Sign)", found });
    }
    r.array_of("COSE_Sign", 4)?;
    let body = r.bytes()?;
    r.map_of("unprotected header", 0)?;
    let payload = r.bytes()?;
    let signatures = r.entries("signatures", SIGNERS_MAX, |r| {
        r.array_of("COSE_Signature", 3)?;
        let protected = r.bytes()?;
        r.map_of("unprotected header", 0)?;
        Ok((protected, Signature(r.array_bytes("signature")?)))
    })?;
    r.end()?;
    Ok((body, payload, signatures))
}

fn body_protected() -> Vec<u8> {
    let mut w = Writer::new();
    w.map(1).uint(LABEL_TYP).text(TYP);
    w.finish()
}

fn sign_protected(key: &[u8; 32]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2).uint(LABEL_ALG).int(ALG_EDDSA).uint(LABEL_KID).bytes(key);
    w.finish()
}

fn kid(protected: &[u8]) -> Result<[u8; 32], CborError> {
    let mut r = Reader::new(protected);
    r.map_of("signer's header", 2)?;
    r.key(LABEL_ALG)?;
    r.int()?;
    r.key(LABEL_KID)?;
    r.array_bytes("key")
}
