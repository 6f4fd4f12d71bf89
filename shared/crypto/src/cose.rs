//! The two COSE signing inputs (RFC 9052 §4.4), the label numbers in use, and COSE_Sign as bundles,
//! freshness statements and policies use it: one payload of a type, signatures of several keys.
//! Signatures are over the bytes of protected headers and payloads as they were received, never
//! over a re-encoding. Reading judges no signature and compares no header with what it must be.

use crate::{CryptoError, Signature, SigningKey, VerifyingKey};
use cbor::{CborError, Reader, Writer};
use std::collections::BTreeMap;

/// COSE_Sign1 tag.
pub const TAG_SIGN1: u64 = 18;
/// COSE_Sign tag.
pub const TAG_SIGN: u64 = 98;
/// Header label `alg`.
pub const LABEL_ALG: u64 = 1;
/// Header label `kid`.
pub const LABEL_KID: u64 = 4;
/// Header label of CWT claims (RFC 9597).
pub const LABEL_CWT_CLAIMS: u64 = 15;
/// Header label `typ` (RFC 9596).
pub const LABEL_TYP: u64 = 16;
/// Algorithm EdDSA.
pub const ALG_EDDSA: i64 = -8;

/// `Sig_structure` of a COSE_Sign1 without external data.
pub fn sign1_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::with_capacity(protected.len() + payload.len() + 32);
    w.array(4).text("Signature1").bytes(protected).bytes(&[]).bytes(payload);
    w.finish()
}

/// `Sig_structure` of one signature of a COSE_Sign without external data: `body` and `signer` are
/// the protected headers.
pub fn sign_structure(body: &[u8], signer: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::with_capacity(body.len() + signer.len() + payload.len() + 40);
    w.array(5).text("Signature").bytes(body).bytes(signer).bytes(&[]).bytes(payload);
    w.finish()
}

/// A COSE_Sign without unprotected labels, taken apart; nothing is verified.
#[derive(Debug, Clone)]
pub struct CoseSign<'a> {
    /// Protected header of the body.
    pub body: &'a [u8],
    /// What is signed.
    pub payload: &'a [u8],
    /// Protected header and signature of each signer, in the order of the bytes.
    pub signatures: Vec<(&'a [u8], Signature)>,
}

impl CoseSign<'_> {
    /// Those of `known` that signed, each header being that key's own; a signature of one of them
    /// that does not verify is an error. A stranger's counts for nothing and harms nothing.
    pub fn signers(&self, known: &[VerifyingKey]) -> Result<Vec<VerifyingKey>, CryptoError> {
        let mut signers = Vec::new();
        for (protected, signature) in &self.signatures {
            let of = |known: &&VerifyingKey| sign_protected(&known.to_bytes()) == *protected;
            let Some(key) = known.iter().find(of) else { continue };
            let message = sign_structure(self.body, protected, self.payload);
            key.verify_strict(&message, signature)?;
            signers.push(*key);
        }
        Ok(signers)
    }
}

/// Reads a tagged COSE_Sign with at most `signatures_max` signatures. The caller bounds `bytes`
/// and compares the headers with [`body_protected`] and [`sign_protected`].
pub fn read_sign(bytes: &[u8], signatures_max: usize) -> Result<CoseSign<'_>, CborError> {
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
    let signatures = r.entries("signatures", signatures_max, |r| {
        r.array_of("COSE_Signature", 3)?;
        let protected = r.bytes()?;
        r.map_of("unprotected header", 0)?;
        Ok((protected, Signature(r.array_bytes("signature")?)))
    })?;
    r.end()?;
    Ok(CoseSign { body, payload, signatures })
}

/// The COSE_Sign of `payload` under the body header `body`; signatures ascend by key.
pub fn write_sign(body: &[u8], payload: &[u8], by_key: &BTreeMap<[u8; 32], Signature>) -> Vec<u8> {
    let mut w = Writer::with_capacity(payload.len() + 256);
    w.tag(TAG_SIGN).array(4).bytes(body).map(0).bytes(payload).array(by_key.len());
    for (key, signature) in by_key {
        w.array(3).bytes(&sign_protected(key)).map(0).bytes(&signature.0);
    }
    w.finish()
}

/// One signature over `payload`, and whose it is.
pub fn sign_one(body: &[u8], payload: &[u8], key: &SigningKey) -> ([u8; 32], Signature) {
    let public = key.verifying_key().to_bytes();
    (public, key.sign(&sign_structure(body, &sign_protected(&public), payload)))
}

/// Protected header of a body: `{16: typ}`. The type is under the signatures, so that one kind of
/// payload cannot stand for another.
pub fn body_protected(typ: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(1).uint(LABEL_TYP).text(typ);
    w.finish()
}

/// Protected header of one signature: `{1: -8 (EdDSA), 4: key}`.
pub fn sign_protected(key: &[u8; 32]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2).uint(LABEL_ALG).int(ALG_EDDSA).uint(LABEL_KID).bytes(key);
    w.finish()
}

/// The key that a signer's header names, whatever else stands there.
pub fn signer_key(protected: &[u8]) -> Result<[u8; 32], CborError> {
    let mut r = Reader::new(protected);
    r.map_of("signer's header", 2)?;
    r.key(LABEL_ALG)?;
    r.int()?;
    r.key(LABEL_KID)?;
    r.array_bytes("key")
}
