//! Cases of the measured-boot log: T25 to T30. Where a log is hostile in what it says rather than
//! in what it hides, the quote is over the very registers that it leads to.

use super::{Builder, Draft};
use crate::corpus::Expected;
use crate::tpm::{
    AkKey, DATABASE, Event, GLOBAL, LogSpec, SignatureList, alg, event_type as kind, good_log,
    uefi_variable,
};

pub(super) fn cases(build: &mut Builder<'_>) {
    accepted(build);
    replay(build);
    structure(build);
    claims(build);
    lists(build);
    order(build);
    ended(build);
}

/// The quote and the policy know the registers of `honest`; `shown` is the log that comes.
fn pair(build: &mut Builder<'_>, name: &str, expected: Expected, honest: &LogSpec, shown: Vec<u8>) {
    let mut draft = Draft::new(AkKey::P256("ak"), honest);
    draft.log = Some(shown);
    draft.tpm().event_log_required = true;
    build.add(name, expected, draft);
}

/// A log that differs from the one that was measured.
fn shown(build: &mut Builder<'_>, name: &str, check: &'static str, change: fn(&mut LogSpec)) {
    let mut log = good_log();
    change(&mut log);
    pair(build, name, Expected::Refuse(check), &good_log(), log.to_bytes());
}

/// A log that is what was measured.
fn measured(build: &mut Builder<'_>, name: &str, expected: Expected, change: fn(&mut LogSpec)) {
    let mut log = good_log();
    change(&mut log);
    pair(build, name, expected, &log, log.to_bytes());
}

fn accepted(build: &mut Builder<'_>) {
    let accept = Expected::Accept;
    measured(build, "good-log-vendor-info", accept, |log| log.vendor = vec![1; 8]);
    measured(build, "good-log-two-banks", accept, |log| {
        log.algorithms.push((alg::SHA1, 20));
        log.events.iter_mut().for_each(|event| event.digests.push((alg::SHA1, vec![1; 20])));
    });
    measured(build, "good-log-unknown-bank", accept, |log| {
        log.algorithms.push((alg::SM3_256, 32));
        log.events.iter_mut().for_each(|event| event.digests.push((alg::SM3_256, vec![1; 32])));
    });
    measured(build, "good-log-startup-locality-3", accept, |log| {
        *log.events[0].data.last_mut().expect("the locality") = 3;
    });
    measured(build, "good-log-no-action-in-the-middle", accept, |log| {
        log.events.insert(6, no_action(b"something to read"));
    });
    measured(build, "good-log-secure-boot-off", accept, |log| secure_boot(log, &[0]));
    measured(build, "good-log-forged-data-of-image", accept, |log| {
        // What an image's event says is not what was hashed; it decides nothing.
        let image = find(log, |e| e.kind == kind::EFI_BOOT_SERVICES_APPLICATION);
        log.events[image].data = b"a more trusted loader".to_vec();
    });
}

fn replay(build: &mut Builder<'_>) {
    let mut draft = Draft::new(AkKey::P256("ak"), &good_log());
    draft.tpm().event_log_required = true;
    build.add("log-missing", Expected::Refuse("T25"), draft);
    shown(build, "log-without-events", "T25", |log| log.events.clear());
    shown(build, "log-event-left-out", "T25", |log| {
        let worker = find(log, |e| e.pcr == 14);
        log.events.remove(worker);
    });
    shown(build, "log-register-left-out", "T25", |log| log.events.retain(|e| e.pcr != 4));
    shown(build, "log-event-added", "T25", |log| {
        log.events.push(Event::new(14, kind::IPL, b"more"));
    });
    shown(build, "log-events-swapped", "T25", |log| {
        let image = find(log, |e| e.kind == kind::EFI_BOOT_SERVICES_APPLICATION);
        let action = find(log, |e| e.pcr == 4);
        log.events.swap(image, action);
    });
    shown(build, "log-digest-changed", "T25", |log| {
        let worker = find(log, |e| e.pcr == 14);
        log.events[worker].digests[0].1[0] ^= 1;
    });
    shown(build, "log-event-in-other-register", "T25", |log| {
        let worker = find(log, |e| e.pcr == 14);
        log.events[worker].pcr = 13;
    });
    shown(build, "log-other-startup-locality", "T25", |log| {
        *log.events[0].data.last_mut().expect("the locality") = 3;
    });
    shown(build, "log-event-as-no-action", "T25", |log| {
        let worker = find(log, |e| e.pcr == 14);
        log.events[worker].kind = kind::NO_ACTION;
    });
}

fn structure(build: &mut Builder<'_>) {
    shown(build, "log-header-missing", "T26", |log| log.header = false);
    shown(build, "log-header-old", "T26", |log| log.signature = *b"Spec ID Event02\0");
    shown(build, "log-header-other-type", "T26", |log| log.header_kind = kind::SEPARATOR);
    shown(build, "log-no-algorithms", "T26", |log| {
        log.algorithms.clear();
        log.events.clear();
    });
    shown(build, "log-algorithms-huge", "T26", |log| log.algorithm_count = Some(u32::MAX));
    shown(build, "log-algorithm-twice", "T26", |log| {
        log.algorithms.push((alg::SHA256, 32));
        log.events.iter_mut().for_each(|event| event.digests.push(event.digests[0].clone()));
    });
    shown(build, "log-digest-size-lies", "T26", |log| log.algorithms[0].1 = 48);
    shown(build, "log-digest-size-zero", "T26", |log| log.algorithms.push((alg::SM3_256, 0)));
    shown(build, "log-digest-missing", "T26", |log| log.events[3].digests.clear());
    shown(build, "log-digest-of-undeclared-bank", "T26", |log| {
        log.events[3].digests[0].0 = alg::SHA384;
    });
    shown(build, "log-digest-twice", "T26", |log| {
        let again = log.events[3].digests[0].clone();
        log.events[3].digests.push(again);
    });
    shown(build, "log-event-size-huge", "T26", |log| log.events[3].declared = Some(u32::MAX));
    shown(build, "log-event-size-beyond-end", "T26", |log| {
        let last = log.events.last_mut().expect("an event");
        last.declared = Some(last.data.len() as u32 + 1);
    });
    shown(build, "log-truncated", "T26", |log| {
        // Half an event: a register, a type, and no more.
        log.trailing = vec![14, 0, 0, 0, 13, 0, 0, 0];
    });
    shown(build, "log-register-24", "T26", |log| {
        log.events.push(Event::new(24, kind::IPL, b"beyond"));
    });
    pair(build, "log-empty", Expected::Refuse("T26"), &good_log(), vec![]);
    pair(build, "log-garbage", Expected::Refuse("T26"), &good_log(), vec![0x5a; 300]);
}

/// What is not hashed must not decide.
fn claims(build: &mut Builder<'_>) {
    let refuse = Expected::Refuse("T27");
    measured(build, "log-unknown-type", refuse, |log| {
        log.events.push(Event::new(14, 0x0000_abcd, b"what is this"));
    });
    measured(build, "log-unknown-efi-type", refuse, |log| {
        log.events.push(Event::new(9, 0x8000_7777, b"what is this"));
    });
    measured(build, "log-secure-boot-forged", refuse, |log| {
        // Measured as off, written as on.
        let place = find(log, |e| e.data.windows(8).any(|w| w == b"S\0e\0c\0u\0"));
        let off = uefi_variable(&GLOBAL, "SecureBoot", &[0]);
        let on = uefi_variable(&GLOBAL, "SecureBoot", &[1]);
        log.events[place] = Event::measured(7, kind::EFI_VARIABLE_DRIVER_CONFIG, &on, &off);
    });
    measured(build, "log-key-list-forged", refuse, |log| {
        let place = find(log, |e| e.data.windows(4).any(|w| w == b"d\0b\0") && e.pcr == 7);
        let honest = log.events[place].data.clone();
        let more = SignatureList::hashes(5).to_bytes();
        let forged = uefi_variable(&DATABASE, "db", &more);
        log.events[place] = Event::measured(7, kind::EFI_VARIABLE_DRIVER_CONFIG, &forged, &honest);
    });
}

/// EFI_SIGNATURE_LIST with a header that some readers take for entries (GHSA-9r4w-jg96-92mv).
fn lists(build: &mut Builder<'_>) {
    let refuse = Expected::Refuse("T28");
    measured(build, "log-list-header-beyond-list", refuse, |log| {
        database(log, |list| list.header_size = 4096);
    });
    measured(build, "log-list-header-huge", refuse, |log| {
        database(log, |list| list.header_size = u32::MAX);
    });
    measured(build, "log-list-header-of-hashes", refuse, |log| {
        database(log, |list| (list.header, list.header_size) = (vec![0xee; 48], 48));
    });
    measured(build, "log-list-header-not-declared", refuse, |log| {
        database(log, |list| (list.header, list.header_size) = (vec![0xee; 20], 0));
    });
    measured(build, "log-list-size-zero", refuse, |log| {
        database(log, |list| list.list_size = Some(0));
    });
    measured(build, "log-list-size-beyond-data", refuse, |log| {
        database(log, |list| list.list_size = Some(28 + 48 * 9));
    });
    measured(build, "log-list-signature-size-zero", refuse, |log| {
        database(log, |list| list.signature_size = 0);
    });
    measured(build, "log-list-signature-size-odd", refuse, |log| {
        database(log, |list| list.signature_size = 47);
    });
}

fn order(build: &mut Builder<'_>) {
    let refuse = Expected::Refuse("T29");
    measured(build, "log-separator-missing", refuse, |log| {
        log.events.retain(|e| !(e.kind == kind::SEPARATOR && e.pcr == 4));
    });
    measured(build, "log-separator-twice", refuse, |log| {
        log.events.push(Event::new(7, kind::SEPARATOR, &[0; 4]));
    });
    measured(build, "log-separator-other-value", refuse, |log| {
        let place = find(log, |e| e.kind == kind::SEPARATOR && e.pcr == 2);
        log.events[place] = Event::new(2, kind::SEPARATOR, &[1, 0, 0, 0]);
    });
    measured(build, "log-separator-digest-lies", refuse, |log| {
        let place = find(log, |e| e.kind == kind::SEPARATOR && e.pcr == 2);
        log.events[place] = Event::measured(2, kind::SEPARATOR, &[0; 4], b"something else");
    });
    measured(build, "log-separator-under-another-type", refuse, |log| {
        let place = find(log, |e| e.kind == kind::SEPARATOR && e.pcr == 7);
        log.events[place].kind = kind::IPL;
    });
    measured(build, "log-secure-boot-after-separator", refuse, |log| {
        let place = find(log, |e| e.data.windows(8).any(|w| w == b"S\0e\0c\0u\0"));
        let variable = log.events.remove(place);
        log.events.push(variable);
    });
    measured(build, "log-secure-boot-twice", refuse, |log| {
        let on = uefi_variable(&GLOBAL, "SecureBoot", &[1]);
        log.events.insert(5, Event::new(7, kind::EFI_VARIABLE_DRIVER_CONFIG, &on));
    });
    measured(build, "log-secure-boot-is-two", refuse, |log| secure_boot(log, &[2]));
    measured(build, "log-startup-locality-twice", refuse, |log| {
        log.events.insert(0, log.events[0].clone());
    });
    measured(build, "log-startup-locality-late", refuse, |log| log.events.swap(0, 1));
    for (name, value) in
        [("log-secure-boot-required-off", Some(0)), ("log-secure-boot-unsaid", None)]
    {
        let mut log = good_log();
        match value {
            Some(value) => secure_boot(&mut log, &[value]),
            None => {
                let place = find(&log, |e| e.data.windows(8).any(|w| w == b"S\0e\0c\0u\0"));
                // The variable stands in a register that does not decide.
                log.events[place].pcr = 1;
            }
        }
        let mut draft = Draft::new(AkKey::P256("ak"), &log);
        draft.log = Some(log.to_bytes());
        draft.tpm().secure_boot_required = true;
        build.add(name, refuse, draft);
    }
}

fn ended(build: &mut Builder<'_>) {
    let refuse = Expected::Refuse("T30");
    measured(build, "log-boot-services-running", refuse, |log| {
        log.events.retain(|e| !e.data.starts_with(b"Exit Boot Services"));
    });
    measured(build, "log-boot-services-asked-only", refuse, |log| {
        log.events.retain(|e| !e.data.ends_with(b"Returned with Success"));
    });
    measured(build, "log-boot-services-failed", refuse, |log| {
        let last = log.events.len() - 1;
        let text = b"Exit Boot Services Returned with Failure";
        log.events[last] = Event::new(5, kind::EFI_ACTION, text);
    });
    measured(build, "log-boot-services-forged", refuse, |log| {
        let last = log.events.len() - 1;
        let text = b"Exit Boot Services Returned with Success";
        log.events[last] = Event::measured(5, kind::EFI_ACTION, text, b"something else");
    });
}

fn no_action(data: &[u8]) -> Event {
    let mut event = Event::new(0, kind::NO_ACTION, data);
    event.digests[0].1.fill(0);
    event
}

fn find(log: &LogSpec, is: impl Fn(&Event) -> bool) -> usize {
    log.events.iter().position(is).expect("the event stands in the good log")
}

fn secure_boot(log: &mut LogSpec, value: &[u8]) {
    let place = find(log, |e| e.data.windows(8).any(|w| w == b"S\0e\0c\0u\0"));
    let data = uefi_variable(&GLOBAL, "SecureBoot", value);
    log.events[place] = Event::new(7, kind::EFI_VARIABLE_DRIVER_CONFIG, &data);
}

/// Another db, measured as it is.
fn database(log: &mut LogSpec, change: impl FnOnce(&mut SignatureList)) {
    let place = find(log, |e| e.pcr == 7 && e.data.windows(4).any(|w| w == b"d\0b\0"));
    let mut list = SignatureList::hashes(2);
    change(&mut list);
    let data = uefi_variable(&DATABASE, "db", &list.to_bytes());
    log.events[place] = Event::new(7, kind::EFI_VARIABLE_DRIVER_CONFIG, &data);
}
