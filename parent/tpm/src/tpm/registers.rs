//! Registers: which banks are active, what they hold, extending ours, quoting a selection. A quote
//! and its values belong together: values that are not those of the quote are never handed out.

use super::Tpm;
use crate::error::Error;
use crate::limits::{QUOTE_TRIES, REGISTER_MAX};
use attest::tpm::HashAlgorithm;
use ring::digest;
use std::collections::BTreeMap;
use tss_esapi::Context;
use tss_esapi::abstraction::pcr::PcrData;
use tss_esapi::constants::CapabilityType;
use tss_esapi::handles::PcrHandle;
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::structures::{
    AttestInfo, CapabilityData, Data, Digest, DigestValues, PcrSelectionList,
    PcrSelectionListBuilder, PcrSlot, SignatureScheme,
};

/// A bank that we extend and can quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Bank {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
}

/// Registers of one bank, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The bank.
    pub bank: Bank,
    /// The registers.
    pub registers: Vec<u8>,
}

/// A quote with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// TPMS_ATTEST.
    pub attest: Vec<u8>,
    /// TPMT_SIGNATURE.
    pub signature: Vec<u8>,
    /// The quoted registers.
    pub values: BTreeMap<u8, Vec<u8>>,
    /// The clock in the quote.
    pub clock: Clock,
}

/// TPMS_CLOCK_INFO (Part 2, 10.11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock {
    /// Resets of the TPM: power-ons and TPM Restarts are no resets.
    pub resets: u32,
    /// Restarts since the last reset, resumptions from sleep among them.
    pub restarts: u32,
    /// Milliseconds that the TPM has been powered.
    pub clock_ms: u64,
    /// Whether no smaller value was ever reported.
    pub is_safe: bool,
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { resets, restarts, clock_ms, .. } = self;
        write!(f, "reset {resets}, restart {restarts}, clock {clock_ms} ms")
    }
}

impl Bank {
    /// All that we extend.
    pub const ALL: [Bank; 2] = [Bank::Sha256, Bank::Sha384];

    /// As the verifier names it.
    pub fn algorithm(self) -> HashAlgorithm {
        match self {
            Bank::Sha256 => HashAlgorithm::Sha256,
            Bank::Sha384 => HashAlgorithm::Sha384,
        }
    }

    /// The value of a register that nobody extended since the reset.
    pub fn zeros(self) -> Vec<u8> {
        vec![0; self.algorithm().bytes()]
    }

    fn tss(self) -> HashingAlgorithm {
        match self {
            Bank::Sha256 => HashingAlgorithm::Sha256,
            Bank::Sha384 => HashingAlgorithm::Sha384,
        }
    }
}

impl std::fmt::Display for Bank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Bank::Sha256 => "sha256",
            Bank::Sha384 => "sha384",
        })
    }
}

impl Selection {
    /// As the TSS takes it.
    pub(crate) fn list(&self) -> tss_esapi::Result<PcrSelectionList> {
        let slots: Result<Vec<_>, _> = self.registers.iter().map(|index| slot(*index)).collect();
        PcrSelectionListBuilder::new().with_selection(self.bank.tss(), &slots?).build()
    }
}

impl Tpm {
    /// The banks among those that we extend in which a register is active.
    pub fn banks(&mut self, register: u8) -> Result<Vec<Bank>, Error> {
        let register = slot(register).ok();
        let (data, _) = self.call("TPM2_GetCapability", |context| {
            context.execute_without_session(|context| {
                context.get_capability(CapabilityType::AssignedPcr, 0, 1)
            })
        })?;
        let CapabilityData::AssignedPcr(list) = data else { return Ok(Vec::new()) };
        let is_active = |bank: &Bank| {
            let of_bank = |one: &&tss_esapi::structures::PcrSelection| {
                let has = register.is_some_and(|register| one.is_selected(register));
                one.hashing_algorithm() == bank.tss() && has
            };
            list.get_selections().iter().any(|one| of_bank(&one))
        };
        Ok(Bank::ALL.into_iter().filter(is_active).collect())
    }

    /// What registers hold.
    pub fn registers(&mut self, selection: &Selection) -> Result<BTreeMap<u8, Vec<u8>>, Error> {
        let read = self.call("TPM2_PCR_Read", |context| {
            let list = selection.list()?;
            context.execute_without_session(|context| read_all(context, list))
        })?;
        let bank = read.pcr_bank(selection.bank.tss());
        let mut values = BTreeMap::new();
        for index in &selection.registers {
            let value = slot(*index).ok().and_then(|slot| bank?.get_digest(slot));
            let Some(value) = value else {
                let response = format!("it gave no value of PCR{index}, {}", selection.bank);
                return Err(Error::Refused { what: "TPM2_PCR_Read".into(), response });
            };
            values.insert(*index, value.value().to_vec());
        }
        Ok(values)
    }

    /// One register of one bank.
    pub fn register(&mut self, bank: Bank, index: u8) -> Result<Vec<u8>, Error> {
        let selection = Selection { bank, registers: vec![index] };
        Ok(self.registers(&selection)?.remove(&index).unwrap_or_default())
    }

    /// Extends a register in several banks at once, one command for all.
    pub fn extend(&mut self, index: u8, digests: &[(Bank, Vec<u8>)]) -> Result<(), Error> {
        self.call_with_password("TPM2_PCR_Extend", |context| {
            let mut values = DigestValues::new();
            for (bank, digest) in digests {
                values.set(bank.tss(), Digest::try_from(digest.as_slice())?);
            }
            context.pcr_extend(PcrHandle::try_from(u32::from(index))?, values)
        })
    }

    /// Quotes a selection by the key at a persistent handle. When a register changes between
    /// reading and quoting, both are done again.
    pub fn quote(
        &mut self,
        handle: u32,
        selection: &Selection,
        qualifying: &[u8],
    ) -> Result<Quote, Error> {
        for _ in 0..QUOTE_TRIES {
            let values = self.registers(selection)?;
            let (quote, digest) = self.quote_once(handle, selection, qualifying)?;
            let mut parts = digest::Context::new(&digest::SHA256);
            values.values().for_each(|value| parts.update(value));
            if parts.finish().as_ref() == digest {
                return Ok(Quote { values, ..quote });
            }
        }
        Err(Error::Unsteady { tries: QUOTE_TRIES })
    }

    /// One TPM2_Quote, without the values, and the digest of those that it is over.
    fn quote_once(
        &mut self,
        handle: u32,
        selection: &Selection,
        qualifying: &[u8],
    ) -> Result<(Quote, Vec<u8>), Error> {
        let key = self.key(handle)?;
        let (attest, signature) = self.call_with_password("TPM2_Quote", |context| {
            let qualifying = Data::try_from(qualifying)?;
            context.quote(key, qualifying, SignatureScheme::Null, selection.list()?)
        })?;
        if attest.extra_data().value() != qualifying {
            let response = "it signed other data than it was asked to".to_owned();
            return Err(Error::Refused { what: "TPM2_Quote".into(), response });
        }
        let AttestInfo::Quote { info } = attest.attested() else {
            let response = "it attested something else".to_owned();
            return Err(Error::Refused { what: "TPM2_Quote".into(), response });
        };
        let at = attest.clock_info();
        let clock = Clock {
            resets: at.reset_count(),
            restarts: at.restart_count(),
            clock_ms: at.clock(),
            is_safe: at.safe(),
        };
        let digest = info.pcr_digest().value().to_vec();
        let quote = Quote {
            attest: self.bytes_of("TPMS_ATTEST", &attest)?,
            signature: self.bytes_of("TPMT_SIGNATURE", &signature)?,
            values: BTreeMap::new(),
            clock,
        };
        Ok((quote, digest))
    }
}

/// Reads a selection in as many commands as the TPM wants; a TPM that gives nothing of what is
/// left ends it, and the values that miss are named by the caller.
fn read_all(context: &mut Context, mut left: PcrSelectionList) -> tss_esapi::Result<PcrData> {
    let mut data = PcrData::new();
    for _ in 0..=REGISTER_MAX {
        if left.is_empty() {
            break;
        }
        let (_, read, digests) = context.pcr_read(left.clone())?;
        if digests.is_empty() {
            break;
        }
        data.add(&read, &digests)?;
        left.subtract(&read)?;
    }
    Ok(data)
}

fn slot(index: u8) -> tss_esapi::Result<PcrSlot> {
    // The TSS has a bit for each.
    PcrSlot::try_from(1_u32 << index.min(REGISTER_MAX))
}
