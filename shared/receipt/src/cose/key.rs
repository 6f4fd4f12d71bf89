//! Keys that sign receipts. A key has one algorithm; the header's `alg` chooses nothing.

use crate::ReceiptError;
use crypto::{Signature, VerifyingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, UnparsedPublicKey, VerificationAlgorithm,
};
use std::fmt;

/// A key that signs receipts, with its algorithm (RFC 9053).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptKey {
    /// EdDSA (-8) with Ed25519: Probity's logs.
    Ed25519(VerifyingKey),
    /// ES256 (-7): an uncompressed point of P-256, 65 bytes.
    P256([u8; 65]),
    /// ES384 (-35): an uncompressed point of P-384, 97 bytes.
    P384([u8; 97]),
}

impl ReceiptKey {
    /// The key of an uncompressed point (SEC 1): its length says on which curve.
    pub fn from_point(point: &[u8]) -> Result<Self, ReceiptError> {
        let problem = "expected an uncompressed point of P-256 or P-384";
        let wrong = ReceiptError::ServiceKey { problem };
        if point.first() != Some(&0x04) {
            return Err(wrong);
        }
        if let Ok(point) = point.try_into() {
            return Ok(Self::P256(point));
        }
        point.try_into().map(Self::P384).map_err(|_| wrong)
    }

    /// COSE algorithm number.
    pub fn alg(&self) -> i64 {
        match self {
            Self::Ed25519(_) => crypto::cose::ALG_EDDSA,
            Self::P256(_) => -7,
            Self::P384(_) => -35,
        }
    }

    /// Whether the key signed `message`. ECDSA signatures are r || s (RFC 9053 §2.1).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let ecdsa = |algorithm: &'static dyn VerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
        };
        match self {
            Self::Ed25519(key) => signature
                .try_into()
                .is_ok_and(|bytes| key.verify_strict(message, &Signature(bytes)).is_ok()),
            Self::P256(point) => ecdsa(&ECDSA_P256_SHA256_FIXED, point),
            Self::P384(point) => ecdsa(&ECDSA_P384_SHA384_FIXED, point),
        }
    }
}

impl fmt::Display for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519(key) => f.write_str(&key.did_key()),
            Self::P256(point) => write!(f, "P-256 {}", crypto::to_hex(&point[1..])),
            Self::P384(point) => write!(f, "P-384 {}", crypto::to_hex(&point[1..])),
        }
    }
}
