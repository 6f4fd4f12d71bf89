//! TPMS_ATTEST of type quote (TPM 2.0 Part 2, 10.12.8; checks T13, T14, T15, T20). The magic is
//! judged before anything else is read: a restricted key signs no foreign bytes that begin with
//! it, so without it the rest proves nothing.

use crate::Check;
use crate::bytes::Bytes;
use crate::error::AttestError;
use crate::tpm::verdict::ClockInfo;

/// A quote as it came: well-formed, but nobody has vouched for a word of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attest<'a> {
    pub(crate) qualified_signer: &'a [u8],
    pub(crate) extra_data: &'a [u8],
    pub(crate) clock: ClockInfo,
    pub(crate) firmware_version: u64,
    pub(crate) selections: Vec<Selection>,
    pub(crate) pcr_digest: &'a [u8],
}

/// TPMS_PCR_SELECTION: one bank and the registers selected from it, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) bank: u16,
    pub(crate) pcrs: Vec<u8>,
}

impl<'a> Attest<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, AttestError> {
        let size = bytes.len() as u64;
        AttestError::within(Check::t(13), "TPMS_ATTEST bytes", size, 1, ATTEST_BYTES_MAX)?;
        let mut reader = Bytes::new(bytes, Check::t(13), "TPMS_ATTEST");
        let magic = reader.be32()?;
        if magic != GENERATED_VALUE {
            let (expected, actual) = (format!("{GENERATED_VALUE:#010x}"), format!("{magic:#010x}"));
            return Err(AttestError::refuse(Check::t(14), "magic", expected, actual));
        }
        let kind = reader.be16()?;
        if kind != ST_ATTEST_QUOTE {
            let (expected, actual) = (format!("{ST_ATTEST_QUOTE:#06x}"), format!("{kind:#06x}"));
            return Err(AttestError::refuse(Check::t(15), "type", expected, actual));
        }
        let qualified_signer = reader.sized("qualifiedSigner bytes", NAME_BYTES_MAX)?;
        let extra_data = reader.sized("extraData bytes", EXTRA_DATA_BYTES_MAX)?;
        let clock = clock(&mut reader)?;
        let firmware_version = reader.be64()?;
        let selections = selections(&mut reader)?;
        let pcr_digest = reader.sized("pcrDigest bytes", DIGEST_BYTES_MAX)?;
        reader.end()?;
        Ok(Self { qualified_signer, extra_data, clock, firmware_version, selections, pcr_digest })
    }
}

fn clock(reader: &mut Bytes<'_>) -> Result<ClockInfo, AttestError> {
    let (clock, reset_count, restart_count) = (reader.be64()?, reader.be32()?, reader.be32()?);
    let safe = match reader.u8()? {
        0 => false,
        1 => true,
        other => {
            return Err(AttestError::refuse(Check::t(22), "safe", "0 or 1", other.to_string()));
        }
    };
    Ok(ClockInfo { clock, reset_count, restart_count, safe })
}

fn selections(reader: &mut Bytes<'_>) -> Result<Vec<Selection>, AttestError> {
    let count = u64::from(reader.be32()?);
    AttestError::within(Check::t(13), "banks in the selection", count, 0, BANKS_MAX)?;
    let mut selections: Vec<Selection> = Vec::new();
    for _ in 0..count {
        let bank = reader.be16()?;
        if selections.iter().any(|one| one.bank == bank) {
            let (check, what) = (Check::t(20), "pcrSelect");
            return Err(AttestError::DuplicateKey {
                check,
                what,
                key: format!("bank {bank:#06x}"),
            });
        }
        let size = u64::from(reader.u8()?);
        AttestError::within(Check::t(20), "sizeofSelect", size, SELECT_BYTES, SELECT_BYTES)?;
        let bits = reader.take(size)?;
        // At most 24 registers: three bytes of eight bits.
        let selected = |index: &u8| bits[usize::from(index / 8)] >> (index % 8) & 1 == 1;
        selections.push(Selection { bank, pcrs: (0..PCRS).filter(selected).collect() });
    }
    Ok(selections)
}

const GENERATED_VALUE: u32 = 0xff54_4347;
const ST_ATTEST_QUOTE: u16 = 0x8018;
const ATTEST_BYTES_MAX: u64 = 1024;
/// A name is a handle (4), or an algorithm and its digest (2 + 64).
const NAME_BYTES_MAX: u64 = 66;
/// TPM2B_DATA holds at most a TPMT_HA.
const EXTRA_DATA_BYTES_MAX: u64 = 66;
const DIGEST_BYTES_MAX: u64 = 64;
const BANKS_MAX: u64 = 16;
const SELECT_BYTES: u64 = 3;
const PCRS: u8 = 24;
