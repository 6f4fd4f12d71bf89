//! A log against quoted registers (checks T25 to T30). Nothing that the log says is used before
//! its replay has given every quoted register.

use crate::check::{Check, Outcome};
use crate::error::AttestError;
use crate::eventlog::kind::EventKind;
use crate::eventlog::record::UnverifiedEventLog;
use crate::eventlog::replay::{extending, initial, startup_locality};
use crate::eventlog::secure::{check_separator, weaknesses};
use crate::eventlog::verdict::{MeasuredEvent, SecureBoot, SecureBootState, VerifiedEventLog};
use crate::tpm::{HashAlgorithm, TpmPolicy};
use std::collections::{BTreeMap, BTreeSet};

/// A log that holds, and what became of its checks.
pub(crate) struct Judged {
    pub(crate) log: VerifiedEventLog,
    pub(crate) outcomes: Vec<(u8, Outcome)>,
    pub(crate) notes: Vec<String>,
}

/// Judges a log against the registers of a quote whose signature was verified. Registers that
/// the policy gives to the running system are left out, and so are those `replayed` from
/// logs of their own, of which this log must know nothing: the firmware closed its log before.
pub(crate) fn verify(
    parsed: &UnverifiedEventLog<'_>,
    bank: HashAlgorithm,
    quoted: &BTreeMap<u8, Vec<u8>>,
    replayed: &BTreeSet<u8>,
    policy: &TpmPolicy,
) -> Result<Judged, AttestError> {
    let mut runtime = policy.runtime_registers();
    let held = quoted.keys().filter(|index| runtime.contains(*index));
    let held: Vec<String> = held
        .map(|index| format!("T25 PCR{index} is the running system's: held to the policy's value"))
        .collect();
    if let Some((event, index, _)) =
        extending(parsed.events(), bank).find(|(_, index, _)| replayed.contains(index))
    {
        let what = format!("PCR{index} of the event log");
        let expected = "no event: its own log begins at zeros";
        let actual = format!("{} at byte {}", event.kind, event.offset);
        return Err(AttestError::refuse(Check::t(25), what, expected, actual));
    }
    runtime.extend(replayed);
    let mut notes = check_kinds(parsed, &(&policy.reads() - &runtime))?;
    notes.extend(held);
    let quoted = &quoted
        .iter()
        .filter(|(index, _)| !runtime.contains(*index))
        .map(|(index, value)| (*index, value.clone()))
        .collect::<BTreeMap<_, _>>();
    if parsed.padding_bytes() > 0 {
        notes.push(format!("T26 {} bytes of padding after the log", parsed.padding_bytes()));
    }
    let unextended = check_replay(parsed, bank, quoted)?;
    for index in unextended {
        notes.push(format!("T25 PCR{index} is quoted at its reset value; the log has no event"));
    }
    let events: Vec<MeasuredEvent> = extending(parsed.events(), bank)
        .filter(|(_, index, _)| quoted.contains_key(index))
        .map(|(event, pcr, digest)| MeasuredEvent {
            pcr,
            kind: event.kind,
            digest: digest.to_vec(),
            data: event.data.to_vec(),
            data_is_measured: bank.digest(&[event.data]) == digest,
        })
        .collect();
    let of = |index: u8| -> Vec<&MeasuredEvent> {
        events.iter().filter(|event| event.pcr == index).collect()
    };
    let (with_events, without): (Vec<u8>, Vec<u8>) = FIRMWARE_PCRS
        .filter(|index| quoted.contains_key(index))
        .partition(|index| !of(*index).is_empty());
    for index in &with_events {
        check_separator(*index, &of(*index), bank)?;
    }
    if !without.is_empty() {
        notes.push(format!("T29 no event and so no separator in PCR {}", list(&without)));
    }
    let secure_boot = match quoted.contains_key(&7) {
        true => SecureBoot::of(&of(7), bank)?,
        false => SecureBoot::not_known(),
    };
    notes.extend(weaknesses(&of(7), bank));
    let boot_services_ended = quoted.contains_key(&5) && boot_services_ended(&of(5), bank);
    if quoted.contains_key(&5) && !boot_services_ended {
        return Err(boot_services_running());
    }
    let outcomes = outcomes(quoted, !with_events.is_empty(), secure_boot.state);
    let startup_locality = match quoted.contains_key(&0) {
        true => startup_locality(parsed.events())?,
        false => None,
    };
    let pcrs = quoted.keys().copied().collect();
    let log =
        VerifiedEventLog { bank, pcrs, events, startup_locality, secure_boot, boot_services_ended };
    Ok(Judged { log, outcomes, notes })
}

fn outcomes(
    quoted: &BTreeMap<u8, Vec<u8>>,
    separators: bool,
    secure_boot: SecureBootState,
) -> Vec<(u8, Outcome)> {
    let or = |made: bool, reason| if made { Outcome::Passed } else { Outcome::NotChecked(reason) };
    vec![
        (25, Outcome::Passed),
        (26, Outcome::Passed),
        (27, Outcome::Passed),
        (28, or(secure_boot != SecureBootState::NotKnown, "PCR7 does not show secure boot")),
        (29, or(separators, "no quoted register of the firmware has an event")),
        (30, or(quoted.contains_key(&5), "PCR5 is not quoted")),
    ]
}

/// T27: a type that nobody knows, in a register that the policy decides by.
fn check_kinds(
    log: &UnverifiedEventLog<'_>,
    reads: &BTreeSet<u8>,
) -> Result<Vec<String>, AttestError> {
    let mut notes = Vec::new();
    for event in log.events().iter().filter(|event| event.kind.name().is_none()) {
        if reads.iter().any(|index| u32::from(*index) == event.pcr) {
            let what = format!("event of PCR{}", event.pcr);
            let actual = format!("{} at byte {}", event.kind, event.offset);
            return Err(AttestError::refuse(Check::t(27), what, "a known type", actual));
        }
        if notes.len() < NOTES_MAX {
            notes.push(format!("T27 PCR{}: unknown {}", event.pcr, event.kind));
        }
    }
    Ok(notes)
}

/// T25: every quoted register comes out. Gives those that were never extended.
fn check_replay(
    log: &UnverifiedEventLog<'_>,
    bank: HashAlgorithm,
    quoted: &BTreeMap<u8, Vec<u8>>,
) -> Result<Vec<u8>, AttestError> {
    let replayed = log.replay(bank)?;
    let locality = startup_locality(log.events())?.unwrap_or(0);
    if !quoted.keys().any(|index| replayed.contains_key(index)) {
        let (expected, actual) = ("events for the quoted registers", "none");
        return Err(AttestError::refuse(Check::t(25), "event log", expected, actual));
    }
    let mut unextended = Vec::new();
    for (index, expected) in quoted {
        let actual = match replayed.get(index) {
            Some(actual) => actual.clone(),
            None => {
                unextended.push(*index);
                initial(*index, bank, locality)
            }
        };
        if actual == *expected {
            continue;
        }
        if *index == 5 && ended(&actual, bank) == *expected {
            return Err(boot_services_running());
        }
        return Err(AttestError::Replay { index: *index, expected: expected.clone(), actual });
    }
    Ok(unextended)
}

/// PCR5 after the two events that end boot services: a log that was read too early lacks them.
fn ended(register: &[u8], bank: HashAlgorithm) -> Vec<u8> {
    let extend = |register: &[u8], text: &[u8]| bank.digest(&[register, &bank.digest(&[text])]);
    extend(&extend(register, EXIT_INVOCATION), EXIT_SUCCESS)
}

/// T30: the firmware was asked to end boot services, and afterwards reported success.
fn boot_services_ended(events: &[&MeasuredEvent], bank: HashAlgorithm) -> bool {
    let marked = |text: &[u8]| {
        let digest = bank.digest(&[text]);
        let right =
            |event: &&MeasuredEvent| event.kind == EventKind::EFI_ACTION && event.digest == digest;
        events.iter().rposition(right)
    };
    match (marked(EXIT_INVOCATION), marked(EXIT_SUCCESS)) {
        (Some(asked), Some(done)) => asked < done,
        _ => false,
    }
}

fn list(registers: &[u8]) -> String {
    registers.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

fn boot_services_running() -> AttestError {
    let (what, expected) = ("PCR5", "the log's marker that boot services ended");
    AttestError::refuse(Check::t(30), what, expected, "none")
}

const FIRMWARE_PCRS: std::ops::RangeInclusive<u8> = 0..=7;
const NOTES_MAX: usize = 16;
const EXIT_INVOCATION: &[u8] = b"Exit Boot Services Invocation";
const EXIT_SUCCESS: &[u8] = b"Exit Boot Services Returned with Success";
