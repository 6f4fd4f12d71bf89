//! Ed25519 keys and signatures as types (RFC 8032). Verification is `verify_strict` always, and
//! a public key must be a canonical encoding of a point that is not of small order: two verifiers
//! then never disagree. Secrets are wiped when dropped and have no way to be printed.

use crate::{CryptoError, base58};
use ed25519_dalek::Signer as _;
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// multicodec `ed25519-pub`, as did:key prefixes it.
const MULTICODEC_ED25519: [u8; 2] = [0xed, 0x01];
/// Most characters of a text that is no did:key which its error repeats.
const SHOWN_CHARS_MAX: usize = 64;

/// A private signing key, wiped on drop.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of a 32-byte seed.
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs `message`. Callers wrap this in a function that takes a typed statement.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifying_key().did_key())
    }
}

/// A public key that was checked on the way in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Takes 32 bytes; refuses non-canonical encodings and points of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, CryptoError> {
        if !is_canonical_y(bytes) {
            return Err(CryptoError::PublicKey("y is not reduced modulo 2^255 - 19"));
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_| CryptoError::PublicKey("no point of the curve has this y"))?;
        if key.is_weak() {
            return Err(CryptoError::PublicKey("the point has small order"));
        }
        Ok(Self(key))
    }

    /// The 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Strict verification.
    pub fn verify_strict(&self, message: &[u8], signature: &Signature) -> Result<(), CryptoError> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0
            .verify_strict(message, &signature)
            .map_err(|_| CryptoError::Signature { key: self.did_key() })
    }

    /// `did:key:z…`: base58btc of the multicodec prefix and the key.
    pub fn did_key(&self) -> String {
        let mut prefixed = [0; 34];
        prefixed[..2].copy_from_slice(&MULTICODEC_ED25519);
        prefixed[2..].copy_from_slice(&self.0.to_bytes());
        format!("did:key:z{}", base58::encode(&prefixed))
    }

    /// The key of a `did:key:z…`.
    pub fn from_did_key(did: &str) -> Result<Self, CryptoError> {
        let wrong = || CryptoError::DidKey(did.chars().take(SHOWN_CHARS_MAX).collect());
        let payload = did.strip_prefix("did:key:z").and_then(base58::decode).ok_or_else(wrong)?;
        let key = payload.strip_prefix(&MULTICODEC_ED25519).ok_or_else(wrong)?;
        Self::from_bytes(key.try_into().map_err(|_| wrong())?)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.did_key())
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_bytes().cmp(&other.to_bytes())
    }
}

/// A signature: R || S, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::to_hex(&self.0))
    }
}

/// The 32 secret bytes that keep low-entropy inputs from being guessed out of their hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl Drop for Salt {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// Whether a compressed point's y is below 2^255 - 19 (the sign bit is apart).
fn is_canonical_y(bytes: &[u8; 32]) -> bool {
    let high_is_full = bytes[31] & 0x7f == 0x7f && bytes[1..31].iter().all(|b| *b == 0xff);
    !(high_is_full && bytes[0] >= 0xed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fill: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([fill; 32]))
    }

    #[test]
    fn rfc_8032_test_1() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let key = SigningKey::from_seed(&Zeroizing::new(crate::from_hex_exact(seed).expect("hex")));
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(crate::to_hex(&key.verifying_key().to_bytes()), public);
        let signature = key.sign(b"");
        assert_eq!(key.verifying_key().verify_strict(b"", &signature), Ok(()));
        assert!(format!("{signature:?}").starts_with("e5564300c360ac729086e2cc806e828a"));
    }

    #[test]
    fn small_order_and_non_canonical_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(VerifyingKey::from_bytes(&identity).is_err());
        assert!(VerifyingKey::from_bytes(&[0; 32]).is_err());
        // 2^255 - 18 encodes y = 1 a second time.
        let mut twin = [0xff; 32];
        twin[0] = 0xee;
        twin[31] = 0x7f;
        assert_eq!(
            VerifyingKey::from_bytes(&twin),
            Err(CryptoError::PublicKey("y is not reduced modulo 2^255 - 19"))
        );
    }

    #[test]
    fn s_plus_order_is_refused() {
        let key = key(7);
        let mut signature = key.sign(b"m");
        let order: [u8; 32] = crate::from_hex_exact(
            "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
        )
        .expect("hex");
        let mut carry = 0_u16;
        for (byte, add) in signature.0[32..].iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry as u8;
            carry >>= 8;
        }
        assert!(key.verifying_key().verify_strict(b"m", &signature).is_err());
    }

    #[test]
    fn did_key_goes_both_ways() {
        let public = key(3).verifying_key();
        let did = public.did_key();
        assert!(did.starts_with("did:key:z6Mk"), "{did}");
        assert_eq!(VerifyingKey::from_did_key(&did), Ok(public));
        for wrong in [
            "",
            "did:key:z",
            "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
            "did:web:x",
        ] {
            assert!(VerifyingKey::from_did_key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Salt([7; 32])), "Salt(…)");
        assert!(!format!("{:?}", key(9)).contains("0909"));
    }
}
