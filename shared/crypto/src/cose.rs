//! The two COSE signing inputs (RFC 9052 §4.4) and the label numbers in use. Signatures are over
//! the bytes of protected headers and payloads as they were received, never over a re-encoding.

use cbor::Writer;

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

/// `Sig_structure` of one signature of a COSE_Sign without external data.
pub fn sign_structure(body_protected: &[u8], sign_protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w =
        Writer::with_capacity(payload.len() + body_protected.len() + sign_protected.len() + 40);
    w.array(5)
        .text("Signature")
        .bytes(body_protected)
        .bytes(sign_protected)
        .bytes(&[])
        .bytes(payload);
    w.finish()
}
