//! What the TPM says of the attestation key's making (T7): TPM2_CertifyCreation by the key itself.
//! The signature proves that the key can sign what a TPM made, the creation hash that the key was
//! made there with this parent. It must never be believed before the signature verified.

use crate::EnrolError;
use crate::bytes::Bytes;
use crate::kdf::Hash;
use attest::tpm::AttestationKey;

/// Of what T7 proves, what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Creation {
    /// Name of the key with its ancestors' (TPM 2.0 Part 1, 16): T16 of its quotes.
    pub(crate) qualified_name: Vec<u8>,
    /// The parent's name, or the hierarchy's handle.
    pub(crate) parent_name: Vec<u8>,
}

/// T7. `attest` is TPMS_ATTEST, `data` TPMS_CREATION_DATA.
pub(crate) fn judge(
    key: &AttestationKey,
    attest: &[u8],
    signature: &[u8],
    data: &[u8],
) -> Result<Creation, EnrolError> {
    EnrolError::within(CHECK, "creation attest bytes", attest.len(), (1, ATTEST_BYTES_MAX))?;
    EnrolError::within(CHECK, "creation data bytes", data.len(), (1, DATA_BYTES_MAX))?;
    let hash = key.name().first_chunk().and_then(|id| Hash::of(u16::from_be_bytes(*id)));
    let Some(hash) = hash else {
        let actual = crate::hex(&key.name()[..2]);
        return refuse("AK nameAlg", "SHA-256 (000b) or SHA-384 (000c)", actual);
    };
    let info = CreationInfo::parse(attest)?;
    key.verify(attest, signature).map_err(|error| {
        let expected = "a signature by the attestation key itself";
        EnrolError::refuse(CHECK, "creation signature", expected, error.to_string())
    })?;
    if info.object_name != key.name() {
        let (expected, actual) = (crate::hex(key.name()), crate::hex(info.object_name));
        return refuse("certified name", &expected, actual);
    }
    let expected = hash.digest(&[data]);
    if info.creation_hash != expected {
        let actual = crate::hex(info.creation_hash);
        return refuse("creationHash", &crate::hex(&expected), actual);
    }
    let (parent_name, parent_qualified) = parent_of(data)?;
    let qualified_name = hash.name(&[parent_qualified, key.name()]);
    if info.qualified_signer != qualified_name {
        let (expected, actual) = (crate::hex(&qualified_name), crate::hex(info.qualified_signer));
        return refuse("qualifiedSigner", &expected, actual);
    }
    Ok(Creation { qualified_name, parent_name: parent_name.to_vec() })
}

/// TPMS_ATTEST with a TPMS_CREATION_INFO in it (Part 2, 10.12.6 and 10.12.8).
struct CreationInfo<'a> {
    qualified_signer: &'a [u8],
    object_name: &'a [u8],
    creation_hash: &'a [u8],
}

impl<'a> CreationInfo<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, EnrolError> {
        let mut reader = Bytes::new(bytes, CHECK, "creation attest");
        let magic = reader.u32()?;
        if magic != GENERATED_VALUE {
            let expected = format!("{GENERATED_VALUE:#010x}");
            return refuse("magic", &expected, format!("{magic:#010x}"));
        }
        let kind = reader.u16()?;
        if kind != ST_ATTEST_CREATION {
            let expected = format!("{ST_ATTEST_CREATION:#06x} (TPM_ST_ATTEST_CREATION)");
            return refuse("type", &expected, format!("{kind:#06x}"));
        }
        let qualified_signer = reader.sized("qualifiedSigner bytes", NAME_BYTES_MAX)?;
        // Whatever the device asked the TPM to sign along: freshness comes from the activation.
        reader.sized("extraData bytes", NAME_BYTES_MAX)?;
        reader.take(CLOCK_INFO_BYTES + FIRMWARE_VERSION_BYTES)?;
        let object_name = reader.sized("objectName bytes", NAME_BYTES_MAX)?;
        let creation_hash = reader.sized("creationHash bytes", DIGEST_BYTES_MAX)?;
        reader.end()?;
        Ok(Self { qualified_signer, object_name, creation_hash })
    }
}

/// Name and qualified name of the parent in TPMS_CREATION_DATA (Part 2, 15.1).
fn parent_of(bytes: &[u8]) -> Result<(&[u8], &[u8]), EnrolError> {
    let mut reader = Bytes::new(bytes, CHECK, "creation data");
    let banks = reader.u32()?;
    EnrolError::within(
        CHECK,
        "banks",
        usize::try_from(banks).unwrap_or(usize::MAX),
        (0, BANKS_MAX),
    )?;
    for _ in 0..banks {
        reader.u16()?;
        let select = usize::from(reader.u8()?);
        EnrolError::within(CHECK, "sizeofSelect", select, (0, SELECT_BYTES_MAX))?;
        reader.take(select)?;
    }
    reader.sized("pcrDigest bytes", DIGEST_BYTES_MAX)?;
    // Locality, parentNameAlg.
    reader.take(1 + 2)?;
    let name = reader.sized("parentName bytes", NAME_BYTES_MAX)?;
    let qualified = reader.sized("parentQualifiedName bytes", NAME_BYTES_MAX)?;
    reader.sized("outsideInfo bytes", NAME_BYTES_MAX)?;
    reader.end()?;
    Ok((name, qualified))
}

fn refuse<T>(what: &str, expected: &str, actual: String) -> Result<T, EnrolError> {
    Err(EnrolError::refuse(CHECK, what, expected, actual))
}

const CHECK: &str = "T7";
const GENERATED_VALUE: u32 = 0xff54_4347;
const ST_ATTEST_CREATION: u16 = 0x801a;
const ATTEST_BYTES_MAX: usize = 1024;
const DATA_BYTES_MAX: usize = 1024;
/// A name, or TPM2B_DATA with at most a TPMT_HA: 2 and 64 bytes.
const NAME_BYTES_MAX: usize = 66;
const DIGEST_BYTES_MAX: usize = 64;
/// Clock, two counters and one flag.
const CLOCK_INFO_BYTES: usize = 17;
const FIRMWARE_VERSION_BYTES: usize = 8;
const BANKS_MAX: usize = 16;
const SELECT_BYTES_MAX: usize = 4;
