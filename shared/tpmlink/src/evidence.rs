//! Evidence of kind `tpm`, version 2 (`shared/attest/TPM.md` §1): what a quote signs, and the map
//! around it. The writer only; the one reader is the verifier's.

use crate::reply::{write_certificates, write_pcrs};
use crate::{
    AK_PUBLIC_BYTES_MAX, ATTEST_BYTES_MAX, CERTIFICATE_BYTES_MAX, CERTIFICATES_MAX,
    EVIDENCE_BYTES_MAX, KEY_SET_BYTES_MAX, LinkError, NONCE_BYTES_MAX, QUALIFYING_BYTES, Quoted,
    REGISTER_BYTES_MAX, REGISTERS_MAX, RUNTIME_LOG_BYTES_MAX, SIGNATURE_BYTES_MAX,
    USER_DATA_BYTES_MAX,
};
use cbor::Writer;
use sha2::{Digest, Sha256};

const VERSION: u64 = 2;
const QUOTE_TAG: &[u8] = b"probity/v1/tpm-quote";

/// What the TPM is asked to sign as extraData: SHA-256 over a tag, a zero byte and each part with
/// its length in 16 bits, big-endian. An absent nonce counts as one of length 0. Parts keep within
/// the evidence's limits, far below 65,535 bytes: [`evidence`] refuses longer ones.
pub fn binding(nonce: Option<&[u8]>, user_data: &[u8], key_set: &[u8]) -> [u8; QUALIFYING_BYTES] {
    let mut hash = Sha256::new();
    hash.update(QUOTE_TAG);
    hash.update([0]);
    for part in [nonce.unwrap_or_default(), user_data, key_set] {
        hash.update(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The evidence that a quote over [`binding`] of the same parts makes. Says nothing of whether the
/// quote is one.
pub fn evidence(
    quoted: &Quoted,
    nonce: Option<&[u8]>,
    user_data: &[u8],
    key_set: &[u8],
) -> Result<Vec<u8>, LinkError> {
    let register_bytes = quoted.pcrs.values().map(Vec::len).max().unwrap_or(0);
    let certificate_bytes = quoted.certificates.iter().map(Vec::len).max().unwrap_or(0);
    for (what, found, most, expected) in [
        ("TPMS_ATTEST", quoted.attest.len(), ATTEST_BYTES_MAX, "at most 1,024"),
        ("TPMT_SIGNATURE", quoted.signature.len(), SIGNATURE_BYTES_MAX, "at most 1,100"),
        ("TPMT_PUBLIC", quoted.ak_public.len(), AK_PUBLIC_BYTES_MAX, "at most 1,300"),
        ("registers", quoted.pcrs.len(), REGISTERS_MAX, "at most 24 registers"),
        ("register", register_bytes, REGISTER_BYTES_MAX, "at most 64"),
        ("user data", user_data.len(), USER_DATA_BYTES_MAX, "at most 512"),
        ("key set", key_set.len(), KEY_SET_BYTES_MAX, "at most 1,024"),
        ("nonce", nonce.map_or(0, <[u8]>::len), NONCE_BYTES_MAX, "1 to 512"),
        ("certificates", quoted.certificates.len(), CERTIFICATES_MAX, "at most 8 certificates"),
        ("certificate", certificate_bytes, CERTIFICATE_BYTES_MAX, "at most 4,096"),
        ("runtime log", quoted.runtime_log.len(), RUNTIME_LOG_BYTES_MAX, "at most 8,192"),
    ] {
        within(what, found, most, expected)?;
    }
    if nonce.is_some_and(<[u8]>::is_empty) {
        // Null and the empty string would have one binding.
        return Err(LinkError::Evidence { what: "nonce", expected: "1 to 512", found: 0 });
    }
    let bytes = write(quoted, nonce, user_data, key_set);
    within("all of it", bytes.len(), EVIDENCE_BYTES_MAX, "at most 32,768")?;
    Ok(bytes)
}

fn write(quoted: &Quoted, nonce: Option<&[u8]>, user_data: &[u8], key_set: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(10).uint(1).uint(VERSION).uint(2).bytes(&quoted.attest);
    w.uint(3).bytes(&quoted.signature).uint(4).bytes(&quoted.ak_public).uint(5);
    write_pcrs(&mut w, &quoted.pcrs);
    w.uint(6).bytes(user_data).uint(7).bytes(key_set).uint(8);
    match nonce {
        Some(nonce) => w.bytes(nonce),
        None => w.null(),
    };
    w.uint(9);
    write_certificates(&mut w, &quoted.certificates);
    w.uint(10).bytes(&quoted.runtime_log);
    w.finish()
}

fn within(
    what: &'static str,
    found: usize,
    most: usize,
    expected: &'static str,
) -> Result<(), LinkError> {
    if found > most {
        return Err(LinkError::Evidence { what, expected, found });
    }
    Ok(())
}
