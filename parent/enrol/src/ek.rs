//! TPMT_PUBLIC of an endorsement key, held against the TCG's templates byte by byte (T2): RSA-2048
//! (L-1), P-256 (L-2) and P-384 (H-3) of the TCG EK Credential Profile 2.5. A key of any other
//! form, however sound, must never become a value: MakeCredential counts on the TPM to keep these
//! attributes.

use crate::EnrolError;
use crate::bytes::Bytes;
use crate::kdf::Hash;
use crate::modulus::Modulus;

/// The templates that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// RSA-2048, SHA-256, AES-128.
    L1,
    /// P-256, SHA-256, AES-128.
    L2,
    /// P-384, SHA-384, AES-256.
    H3,
}

impl Template {
    /// Hash of the name, of the key derivation and of OAEP.
    pub(crate) fn hash(self) -> Hash {
        match self {
            Template::L1 | Template::L2 => Hash::Sha256,
            Template::H3 => Hash::Sha384,
        }
    }

    /// Bytes of the symmetric key that protects what goes to this key.
    pub(crate) fn key_bytes(self) -> usize {
        match self {
            Template::L1 | Template::L2 => 16,
            Template::H3 => 32,
        }
    }

    /// The fields in their order, up to the key itself.
    fn fields(self) -> &'static [(&'static str, &'static [u8])] {
        match self {
            Template::L1 => &L1,
            Template::L2 => &L2,
            Template::H3 => &H3,
        }
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Template::L1 => "RSA-2048 (L-1)",
            Template::L2 => "P-256 (L-2)",
            Template::H3 => "P-384 (H-3)",
        })
    }
}

/// The key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EkKey {
    Rsa(Modulus),
    P256(p256::PublicKey),
    P384(p384::PublicKey),
}

/// An endorsement key of an accepted template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EkPublic {
    template: Template,
    pub(crate) key: EkKey,
    hash: [u8; 32],
    name: Vec<u8>,
}

impl EkPublic {
    /// Reads TPMT_PUBLIC, without a length before it (T2).
    pub fn parse(bytes: &[u8]) -> Result<Self, EnrolError> {
        EnrolError::within(CHECK, "EK public bytes", bytes.len(), (1, PUBLIC_BYTES_MAX))?;
        let mut start = Bytes::new(bytes, CHECK, "EK TPMT_PUBLIC");
        let template = match (start.u16()?, start.u16()?) {
            (ALG_RSA, 0x000b) => Template::L1,
            (ALG_ECC, 0x000b) => Template::L2,
            (ALG_ECC, 0x000c) => Template::H3,
            (kind, name) => {
                let expected = "RSA or ECC with SHA-256, or ECC with SHA-384";
                let actual = format!("type {kind:#06x}, nameAlg {name:#06x}");
                return Err(EnrolError::refuse(CHECK, "EK type and nameAlg", expected, actual));
            }
        };
        let mut reader = Bytes::new(bytes, CHECK, "EK TPMT_PUBLIC");
        for (name, expected) in template.fields() {
            let actual = reader.take(expected.len())?;
            if actual != *expected {
                let expected = format!("{} of {template}", crate::hex(expected));
                let what = format!("EK {name}");
                return Err(EnrolError::refuse(CHECK, what, expected, crate::hex(actual)));
            }
        }
        let key = match template {
            Template::L1 => rsa(&mut reader)?,
            Template::L2 => {
                let point = point(&mut reader, 32)?;
                EkKey::P256(p256::PublicKey::from_sec1_bytes(&point).map_err(|_| off_curve())?)
            }
            Template::H3 => {
                let point = point(&mut reader, 48)?;
                EkKey::P384(p384::PublicKey::from_sec1_bytes(&point).map_err(|_| off_curve())?)
            }
        };
        reader.end()?;
        let hash = Hash::Sha256.digest(&[bytes]);
        let hash = hash.try_into().expect("32 bytes because that is SHA-256's length");
        Ok(Self { template, key, hash, name: template.hash().name(&[bytes]) })
    }

    /// Which template it follows.
    pub fn template(&self) -> Template {
        self.template
    }

    /// SHA-256 of TPMT_PUBLIC: what an identity is tied to (T3).
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Its TPM name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }
}

fn rsa(reader: &mut Bytes<'_>) -> Result<EkKey, EnrolError> {
    let modulus = reader.sized("EK modulus bytes", 256)?;
    Modulus::new(modulus).map(EkKey::Rsa).ok_or_else(|| {
        let actual = format!(
            "{} bytes, {}…",
            modulus.len(),
            crate::hex(modulus.get(..1).unwrap_or_default())
        );
        EnrolError::refuse(CHECK, "EK modulus", "2,048 bits, odd", actual)
    })
}

/// SEC 1's uncompressed form; a coordinate may come without its leading zeros.
fn point(reader: &mut Bytes<'_>, bytes: usize) -> Result<Vec<u8>, EnrolError> {
    let mut point = vec![UNCOMPRESSED];
    for _ in 0..2 {
        let coordinate = reader.sized("EK coordinate bytes", bytes)?;
        point.resize(point.len() + bytes - coordinate.len(), 0);
        point.extend_from_slice(coordinate);
    }
    Ok(point)
}

fn off_curve() -> EnrolError {
    EnrolError::refuse(CHECK, "EK point", "a point of its curve", "another")
}

const CHECK: &str = "T2";
const PUBLIC_BYTES_MAX: usize = 512;
const ALG_RSA: u16 = 0x0001;
const ALG_ECC: u16 = 0x0023;
const UNCOMPRESSED: u8 = 4;

/// fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt.
const LOW_ATTRIBUTES: &[u8] = &[0x00, 0x03, 0x00, 0xb2];
/// The same and userWithAuth.
const HIGH_ATTRIBUTES: &[u8] = &[0x00, 0x03, 0x00, 0xf2];
/// PolicyA: PolicySecret of the endorsement hierarchy, SHA-256, with its length.
const POLICY_A: &[u8] = &[
    0x00, 0x20, 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5,
    0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14,
    0x69, 0xaa,
];
/// PolicyB: PolicyA or the one in the TPM's index, SHA-384, with its length.
const POLICY_B: &[u8] = &[
    0x00, 0x30, 0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd,
    0x3a, 0x1a, 0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4,
    0x19, 0xca, 0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8,
    0x0e, 0x12,
];
/// AES, bits, CFB.
const AES_128_CFB: &[u8] = &[0x00, 0x06, 0x00, 0x80, 0x00, 0x43];
const AES_256_CFB: &[u8] = &[0x00, 0x06, 0x01, 0x00, 0x00, 0x43];
const NULL: &[u8] = &[0x00, 0x10];
const L1: [(&str, &[u8]); 8] = [
    ("type", &[0x00, 0x01]),
    ("nameAlg", &[0x00, 0x0b]),
    ("objectAttributes", LOW_ATTRIBUTES),
    ("authPolicy", POLICY_A),
    ("symmetric", AES_128_CFB),
    ("scheme", NULL),
    ("keyBits", &[0x08, 0x00]),
    ("exponent", &[0, 0, 0, 0]),
];
const L2: [(&str, &[u8]); 8] = [
    ("type", &[0x00, 0x23]),
    ("nameAlg", &[0x00, 0x0b]),
    ("objectAttributes", LOW_ATTRIBUTES),
    ("authPolicy", POLICY_A),
    ("symmetric", AES_128_CFB),
    ("scheme", NULL),
    ("curveID", &[0x00, 0x03]),
    ("kdf", NULL),
];
const H3: [(&str, &[u8]); 8] = [
    ("type", &[0x00, 0x23]),
    ("nameAlg", &[0x00, 0x0c]),
    ("objectAttributes", HIGH_ATTRIBUTES),
    ("authPolicy", POLICY_B),
    ("symmetric", AES_256_CFB),
    ("scheme", NULL),
    ("curveID", &[0x00, 0x04]),
    ("kdf", NULL),
];
