//! MakeCredential without a TPM (T9; TPM 2.0 Part 1, 24, B.10.4 and C.6.3): a secret that only the
//! TPM with this endorsement key can open, and only while it holds the key of that name. It must
//! never be asked twice with the same random bytes.

use crate::EnrolError;
use crate::bytes::sized;
use crate::ek::{EkKey, EkPublic};
use crate::kdf::{Hash, encrypt_cfb};
use zeroize::Zeroizing;

/// What goes to the TPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// TPM2B_ID_OBJECT without its length: credentialBlob of TPM2_ActivateCredential.
    pub blob: Vec<u8>,
    /// TPM2B_ENCRYPTED_SECRET without its length: secret of TPM2_ActivateCredential.
    pub encrypted_secret: Vec<u8>,
}

/// Wraps `secret` (1 to 32 bytes) for the TPM with `ek`, bound to the key of that name. `entropy`
/// is drawn anew for each call from a source fit for keys.
pub fn make_credential(
    ek: &EkPublic,
    ak_name: &[u8],
    secret: &[u8],
    entropy: &[u8; ENTROPY_BYTES],
) -> Result<Credential, EnrolError> {
    // The least of the templates' digest lengths: no TPM takes more than its digest.
    EnrolError::within("T9", "secret bytes", secret.len(), (1, 32))?;
    EnrolError::within("T9", "AK name bytes", ak_name.len(), (34, 66))?;
    let (hash, key_bytes) = (ek.template().hash(), ek.template().key_bytes());
    let (seed, encrypted_secret) = match &ek.key {
        EkKey::Rsa(modulus) => {
            let (seed, random) = (&entropy[..hash.bytes()], &entropy[hash.bytes()..]);
            let random = &random[..hash.bytes()];
            // The label's zero byte is part of it here, and not of KDFe's.
            let encrypted = modulus.encrypt(hash, b"IDENTITY\0", random, seed);
            (Zeroizing::new(seed.to_vec()), encrypted)
        }
        EkKey::P256(public) => p256_seed(hash, public, entropy)?,
        EkKey::P384(public) => p384_seed(hash, public, entropy)?,
    };
    let mut identity = sized(secret);
    let storage = hash.kdfa(&seed, b"STORAGE", (ak_name, &[]), key_bytes);
    encrypt_cfb(&storage, &mut identity);
    let integrity = hash.kdfa(&seed, b"INTEGRITY", (&[], &[]), hash.bytes());
    let outer = hash.hmac(&integrity, &[&identity, ak_name]);
    let mut blob = sized(&outer);
    blob.extend(identity);
    Ok(Credential { blob, encrypted_secret })
}

/// The seed of both sides and the ephemeral key, for one curve. The crates' types differ, their
/// words do not.
macro_rules! agreed_seed {
    ($name:ident, $curve:ident, $bytes:literal) => {
        fn $name(
            hash: Hash,
            public: &$curve::PublicKey,
            entropy: &[u8; ENTROPY_BYTES],
        ) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), EnrolError> {
            use $curve::elliptic_curve::point::AffineCoordinates as _;
            let mut candidates = entropy.chunks_exact($bytes);
            let ephemeral = candidates.find_map(|one| $curve::SecretKey::from_slice(one).ok());
            let ephemeral = ephemeral.ok_or(EnrolError::Entropy)?;
            let own = ephemeral.public_key();
            let product =
                $curve::ProjectivePoint::from(*public.as_affine()) * *ephemeral.to_nonzero_scalar();
            let z = Zeroizing::new(product.to_affine().x().to_vec());
            let (own_x, own_y) = (own.as_affine().x(), own.as_affine().y());
            let party_v = public.as_affine().x();
            let seed = hash.kdfe(&z, b"IDENTITY", (&own_x, &party_v), hash.bytes());
            Ok((seed, [sized(&own_x), sized(&own_y)].concat()))
        }
    };
}
agreed_seed!(p256_seed, p256, 32);
agreed_seed!(p384_seed, p384, 48);

/// Random bytes that one credential takes: seed and OAEP's, or two tries at a private number.
pub const ENTROPY_BYTES: usize = 96;
