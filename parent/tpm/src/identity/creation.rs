//! TPMS_CREATION_DATA as bytes (Part 2, 15.1): the TSS gives it as a structure only. The bytes are
//! right when their hash is the one that the TPM gave; the registrar compares it again (T7).

use tss_esapi::structures::CreationData;
use tss_esapi::tss2_esys::{TPM2B_DATA, TPM2B_DIGEST, TPM2B_NAME, TPMS_CREATION_DATA};

/// The structure in the TPM's own encoding.
pub fn bytes(data: CreationData) -> Vec<u8> {
    let data = TPMS_CREATION_DATA::from(data);
    let mut bytes = Vec::new();
    bytes.extend(data.pcrSelect.count.to_be_bytes());
    let count = usize::try_from(data.pcrSelect.count).unwrap_or_default();
    for one in data.pcrSelect.pcrSelections.iter().take(count) {
        bytes.extend(one.hash.to_be_bytes());
        bytes.push(one.sizeofSelect);
        bytes.extend(one.pcrSelect.iter().take(one.sizeofSelect.into()));
    }
    let TPM2B_DIGEST { size, buffer } = data.pcrDigest;
    put_sized(&mut bytes, size, &buffer);
    bytes.push(data.locality);
    bytes.extend(data.parentNameAlg.to_be_bytes());
    for TPM2B_NAME { size, name } in [data.parentName, data.parentQualifiedName] {
        put_sized(&mut bytes, size, &name);
    }
    let TPM2B_DATA { size, buffer } = data.outsideInfo;
    put_sized(&mut bytes, size, &buffer);
    bytes
}

fn put_sized(bytes: &mut Vec<u8>, size: u16, buffer: &[u8]) {
    bytes.extend(size.to_be_bytes());
    bytes.extend(buffer.iter().take(size.into()));
}
