//! Registers from a log's digests, one bank at a time (checks T25 and T29). EV_NO_ACTION extends
//! nothing; one such event says from which locality the TPM was started, which is PCR0's first
//! value. That claim needs no trust: with a wrong one PCR0 does not come out.

use crate::Check;
use crate::error::AttestError;
use crate::eventlog::kind::EventKind;
use crate::eventlog::record::{Event, UnverifiedEventLog};
use crate::tpm::HashAlgorithm;
use std::collections::BTreeMap;

impl UnverifiedEventLog<'_> {
    /// The registers that the log extends, as they come out. Says nothing until a quote has the
    /// same values.
    pub fn replay(&self, bank: HashAlgorithm) -> Result<BTreeMap<u8, Vec<u8>>, AttestError> {
        if !self.banks().any(|id| id == bank.id()) {
            let shown: Vec<String> = self.banks().map(|id| format!("{id:#06x}")).collect();
            let (what, expected) = ("banks of the log", format!("{bank} among them"));
            return Err(AttestError::refuse(Check::t(26), what, expected, shown.join(", ")));
        }
        let locality = startup_locality(self.events())?;
        let mut registers = BTreeMap::new();
        for (event, index, digest) in extending(self.events(), bank) {
            let register = registers.entry(index).or_insert_with(|| {
                // Where hardware measured first, the TPM started from locality 4 (TPM 2.0 Part 1,
                // 34) even if the log does not say so.
                let first = locality.or((event.kind == EventKind::HCRTM).then_some(4));
                initial(index, bank, first.unwrap_or(0))
            });
            *register = bank.digest(&[register.as_slice(), digest]);
        }
        Ok(registers)
    }
}

/// The extending events with their register and digest.
pub(crate) fn extending<'l, 'a>(
    events: &'l [Event<'a>],
    bank: HashAlgorithm,
) -> impl Iterator<Item = (&'l Event<'a>, u8, &'a [u8])> {
    events.iter().filter(|event| event.extends()).filter_map(move |event| {
        Some((event, u8::try_from(event.pcr).ok()?, event.digest(bank.id())?))
    })
}

/// A register's value after a reset (TCG PC Client Platform TPM Profile, PCR attributes).
pub(crate) fn initial(index: u8, bank: HashAlgorithm, locality: u8) -> Vec<u8> {
    let fill = if (17..=22).contains(&index) { 0xff } else { 0 };
    let mut value = vec![fill; bank.bytes()];
    if index == 0
        && let Some(last) = value.last_mut()
    {
        *last = locality;
    }
    value
}

/// The locality in the log's StartupLocality event; at most one, before PCR0 is extended.
pub(crate) fn startup_locality(events: &[Event<'_>]) -> Result<Option<u8>, AttestError> {
    let refuse = |expected: &str, actual: String| {
        Err(AttestError::refuse(Check::t(29), "StartupLocality", expected, actual))
    };
    let mut found = None;
    let mut extended = false;
    for event in events.iter().filter(|event| event.pcr == 0) {
        extended |= event.extends();
        if event.extends() || !event.data.starts_with(STARTUP_LOCALITY) {
            continue;
        }
        let locality = match event.data[STARTUP_LOCALITY.len()..] {
            [locality @ (0 | 3 | 4)] => locality,
            ref other => {
                return refuse("locality 0, 3 or 4", crate::hex(&other[..other.len().min(8)]));
            }
        };
        if extended {
            return refuse("it before PCR0 is extended", "it after".to_owned());
        }
        if found.replace(locality).is_some() {
            return refuse("it once", "it twice".to_owned());
        }
    }
    Ok(found)
}

const STARTUP_LOCALITY: &[u8] = b"StartupLocality\0";
