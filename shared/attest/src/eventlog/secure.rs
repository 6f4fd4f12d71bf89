//! Secure boot from PCR7 (checks T27 and T29). The firmware measures the variables that decide
//! it before the separator; what comes after can be anything that the started software likes.
//! PCR7's separator is found by digest, because a type can be renamed and a digest cannot.

use crate::Check;
use crate::error::AttestError;
use crate::eventlog::kind::EventKind;
use crate::eventlog::variables::{Guid, Variable, parse_signature_lists};
use crate::eventlog::verdict::{MeasuredEvent, SecureBoot, SecureBootState};
use crate::tpm::HashAlgorithm;
use std::collections::BTreeSet;

impl SecureBoot {
    /// Of a log that does not cover PCR7.
    pub(crate) fn not_known() -> Self {
        Self {
            state: SecureBootState::NotKnown,
            platform_keys: Vec::new(),
            exchange_keys: Vec::new(),
            allowed: Vec::new(),
            forbidden: Vec::new(),
            authorities: Vec::new(),
        }
    }

    /// Of all events of PCR7, which must have passed [`check_separator`].
    pub(crate) fn of(events: &[&MeasuredEvent], bank: HashAlgorithm) -> Result<Self, AttestError> {
        let mut found = Self::not_known();
        let separators = separator_digests(bank);
        let mut handed_over = false;
        let mut met = BTreeSet::new();
        for event in events {
            if says(event, DEBUGGER, bank) {
                let (expected, actual) = ("firmware that is not debugged", "UEFI Debug Mode");
                return Err(AttestError::refuse(Check::t(29), "PCR7", expected, actual));
            }
            handed_over |= separators.contains(&event.digest);
            match (handed_over, event.measured_data()) {
                (false, Some(data)) => found.before(event.kind, data, &mut met)?,
                (false, None) => {
                    let what = "data of an event in PCR7 before the separator";
                    let (expected, actual) = ("data that hashes to its digest", "other data");
                    return Err(AttestError::refuse(Check::t(27), what, expected, actual));
                }
                (true, Some(data)) => found.after(event.kind, data)?,
                (true, None) => {}
            }
        }
        Ok(found)
    }

    /// What the firmware measured. The variables that decide are known by their data; another
    /// type on them would hide one. `met` are those that were measured so far.
    fn before(
        &mut self,
        kind: EventKind,
        data: &[u8],
        met: &mut BTreeSet<String>,
    ) -> Result<(), AttestError> {
        let typed = kind == EventKind::VARIABLE_DRIVER_CONFIG;
        let variable = match Variable::parse(data, Check::t(29)) {
            Ok(variable) => variable,
            Err(error) if typed => return Err(error),
            Err(_) => return Ok(()),
        };
        let slot = match (&variable.vendor, variable.name.as_str()) {
            (&GLOBAL, "SecureBoot") => None,
            (&GLOBAL, "PK") => Some(&mut self.platform_keys),
            (&GLOBAL, "KEK") => Some(&mut self.exchange_keys),
            (&SECURITY_DATABASE, "db") => Some(&mut self.allowed),
            (&SECURITY_DATABASE, "dbx") => Some(&mut self.forbidden),
            _ => return Ok(()),
        };
        // The firmware itself starts signed images, such as a card's: the entry of db that
        // allowed one. Only after db, or this type could hide db.
        if kind == EventKind::VARIABLE_AUTHORITY && variable.name == "db" && met.contains("db") {
            self.authorities.push(data.to_vec());
            return Ok(());
        }
        if !typed {
            let what = format!("event with the variable {}", variable.name);
            let expected = EventKind::VARIABLE_DRIVER_CONFIG.to_string();
            return Err(AttestError::refuse(Check::t(27), what, expected, kind.to_string()));
        }
        if !met.insert(variable.name.clone()) {
            let what = format!("{} variable", variable.name);
            return Err(AttestError::refuse(Check::t(29), what, "it once", "it twice"));
        }
        match slot {
            None => self.decide(&variable),
            Some(slot) => {
                slot.extend(parse_signature_lists(variable.value)?);
                Ok(())
            }
        }
    }

    /// What was measured after the firmware handed over: it can name authorities, and no more.
    fn after(&mut self, kind: EventKind, data: &[u8]) -> Result<(), AttestError> {
        match kind {
            EventKind::VARIABLE_AUTHORITY => self.authorities.push(data.to_vec()),
            EventKind::VARIABLE_DRIVER_CONFIG => {
                let variable = Variable::parse(data, Check::t(29))?;
                if (&variable.vendor, variable.name.as_str()) == (&GLOBAL, "SecureBoot") {
                    let (expected, actual) = ("it before the separator", "it after");
                    let what = "SecureBoot variable";
                    return Err(AttestError::refuse(Check::t(29), what, expected, actual));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn decide(&mut self, variable: &Variable<'_>) -> Result<(), AttestError> {
        let refuse = |expected: &str, actual: String| {
            Err(AttestError::refuse(Check::t(29), "SecureBoot variable", expected, actual))
        };
        self.state = match variable.value {
            // A variable that is not there is measured as empty.
            [] | [0] => SecureBootState::Disabled,
            [1] => SecureBootState::Enabled,
            other => return refuse("0 or 1", crate::hex(&other[..other.len().min(8)])),
        };
        Ok(())
    }
}

/// What PCR7 admits and no check refuses (PC Client profile, EV_EFI_ACTION).
pub(crate) fn weaknesses(events: &[&MeasuredEvent], bank: HashAlgorithm) -> Vec<String> {
    match events.iter().any(|event| says(event, UNPROTECTED, bank)) {
        true => vec!["T29 PCR7 says that memory was open to devices (DMA) during boot".to_owned()],
        false => Vec::new(),
    }
}

/// Whether just this text was measured, whatever the event's type and data claim. Firmware writes
/// texts without a zero at the end; one with it says the same.
fn says(event: &MeasuredEvent, text: &[u8], bank: HashAlgorithm) -> bool {
    [bank.digest(&[text]), bank.digest(&[text, &[0]])].contains(&event.digest)
}

/// T29: a register that firmware extends has one separator, typed as one, that reports no error.
pub(crate) fn check_separator(
    index: u8,
    events: &[&MeasuredEvent],
    bank: HashAlgorithm,
) -> Result<(), AttestError> {
    let refuse = |expected: &str, actual: &str| {
        let what = format!("separator of PCR{index}");
        Err(AttestError::refuse(Check::t(29), what, expected, actual))
    };
    let digests = separator_digests(bank);
    let mut count = 0;
    for event in events {
        match (digests.contains(&event.digest), event.kind == EventKind::SEPARATOR) {
            (false, false) => {}
            (true, true) if event.data_is_measured => count += 1,
            (true, true) => return refuse("four bytes of 00 or ff", "other data"),
            // Real firmware measures four zero bytes as contents too, in PCR0. In PCR7 what lies
            // on which side of the separator decides, so there it has no other name.
            (true, false) if index != 7 => {}
            (true, false) => return refuse("type EV_SEPARATOR", &event.kind.to_string()),
            (false, true) => return refuse("the digest of four bytes of 00 or ff", "another"),
        }
    }
    match count {
        1 => Ok(()),
        0 => refuse("one", "none"),
        _ => refuse("one", "more"),
    }
}

fn separator_digests(bank: HashAlgorithm) -> [Vec<u8>; 2] {
    [bank.digest(&[&[0; 4]]), bank.digest(&[&[0xff; 4]])]
}

const DEBUGGER: &[u8] = b"UEFI Debug Mode";
const UNPROTECTED: &[u8] = b"DMA Protection Disabled";
/// EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c.
const GLOBAL: Guid = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
];
/// EFI_IMAGE_SECURITY_DATABASE_GUID, d719b2cb-3d3a-4596-a3bc-dad00e67656f.
const SECURITY_DATABASE: Guid = [
    0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f,
];
