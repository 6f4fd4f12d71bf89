//! What firmware measures into PCR7 before it hands over, and registers without a separator.

use attest::eventlog::SecureBootState;
use attest::tpm::{AkTrust, TpmPolicy, VerifiedQuote, verify_evidence};
use attest::{AttestError, Outcome};
use attestation_fixtures::tpm::{
    AkKey, Event, LogSpec, PublicSpec, QuoteSpec, event_type as kind, good_log, uefi_variable,
};

const KEY: AkKey = AkKey::P256("ak");

/// A quote over the registers that the log leads to, only those that `quoted` keeps.
pub fn judge(log: &LogSpec, quoted: impl Fn(u8) -> bool) -> Result<VerifiedQuote, AttestError> {
    let mut registers = log.registers();
    registers.retain(|index, _| quoted(*index));
    let policy = TpmPolicy::new(AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap());
    let evidence = QuoteSpec::new(KEY, &registers, b"words", b"keys", None).evidence();
    verify_evidence(&evidence, Some(&log.to_bytes()), &policy.require_event_log(true))
}

fn whole(log: &LogSpec) -> Result<VerifiedQuote, &'static str> {
    judge(log, |_| true).map_err(|error| error.check())
}

fn outcome(quote: &VerifiedQuote, number: &str) -> Outcome {
    let found = quote.checks().iter().find(|(check, _)| check.as_str() == number);
    found.unwrap().1.clone()
}

fn utf16(name: &str) -> Vec<u8> {
    name.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Where PCR7's variable of this name stands.
fn place(log: &LogSpec, name: &str) -> usize {
    let name = utf16(name);
    let is = |event: &Event| {
        event.kind == kind::EFI_VARIABLE_DRIVER_CONFIG
            && event.data.get(32..32 + name.len()) == Some(name.as_slice())
            && event.data[16] == (name.len() / 2) as u8
    };
    log.events.iter().position(is).unwrap()
}

fn separator(log: &LogSpec) -> usize {
    log.events.iter().position(|one| one.pcr == 7 && one.kind == kind::SEPARATOR).unwrap()
}

/// The entry of db that allowed a card's image, as its data.
fn allowed(log: &LogSpec) -> Vec<u8> {
    let vendor: [u8; 16] = log.events[place(log, "db")].data[..16].try_into().unwrap();
    uefi_variable(&vendor, "db", &[[5; 16].as_slice(), &[1; 32]].concat())
}

#[test]
fn firmware_may_start_signed_images_before_it_hands_over() {
    let mut log = good_log();
    let data = allowed(&log);
    let event = Event::new(7, kind::EFI_VARIABLE_AUTHORITY, &data);
    log.events.insert(separator(&log), event);
    let quote = whole(&log).unwrap();
    let found = quote.event_log().unwrap().secure_boot();
    assert_eq!(found.state(), SecureBootState::Enabled);
    assert_eq!((found.allowed().len(), found.authorities().len()), (2, 2));
    assert_eq!(found.authorities()[0], data);
}

#[test]
fn an_authority_hides_no_list_of_keys() {
    // Before db, in its place, and as db under the other type.
    let mut before = good_log();
    let event = Event::new(7, kind::EFI_VARIABLE_AUTHORITY, &allowed(&before));
    before.events.insert(place(&before, "db"), event.clone());
    assert_eq!(whole(&before).unwrap_err(), "T27");
    let mut renamed = good_log();
    let db = place(&renamed, "db");
    renamed.events[db].kind = kind::EFI_VARIABLE_AUTHORITY;
    assert_eq!(whole(&renamed).unwrap_err(), "T27");
    // Only db names authorities: another list under this type is hidden from nobody.
    for name in ["SecureBoot", "PK", "KEK", "dbx"] {
        let mut log = good_log();
        let at = place(&log, name);
        log.events[at].kind = kind::EFI_VARIABLE_AUTHORITY;
        assert_eq!(whole(&log).unwrap_err(), "T27", "{name}");
    }
}

#[test]
fn each_deciding_variable_is_measured_once() {
    for name in ["SecureBoot", "PK", "KEK", "db", "dbx"] {
        let mut log = good_log();
        let again = log.events[place(&log, name)].clone();
        log.events.insert(separator(&log), again);
        let error = judge(&log, |_| true).unwrap_err();
        assert_eq!(error.check(), "T29", "{name}");
        assert!(error.to_string().contains("twice"), "{error}");
    }
}

#[test]
fn a_debugger_refuses_whatever_its_event_is_called() {
    for (kind, shown) in [
        (kind::EFI_ACTION, "UEFI Debug Mode"),
        (kind::IPL, "UEFI Debug Mode"),
        (kind::EFI_ACTION, "UEFI Debug Mode\0"),
    ] {
        let mut log = good_log();
        log.events.insert(separator(&log), Event::new(7, kind, shown.as_bytes()));
        let error = judge(&log, |_| true).unwrap_err();
        assert_eq!(error.check(), "T29", "{shown}");
        assert!(error.to_string().contains("UEFI Debug Mode"), "{error}");
    }
    // After the separator its data may be anything: the digest decides.
    let mut hidden = good_log();
    hidden.events.push(Event::measured(7, kind::IPL, b"harmless", b"UEFI Debug Mode"));
    assert_eq!(whole(&hidden).unwrap_err(), "T29");
    // What was not measured decides nothing.
    let mut claimed = good_log();
    claimed.events.push(Event::measured(7, kind::EFI_ACTION, b"UEFI Debug Mode", b"else"));
    assert!(whole(&claimed).is_ok());
    let mut elsewhere = good_log();
    elsewhere.events.push(Event::new(9, kind::EFI_ACTION, b"UEFI Debug Mode"));
    assert!(whole(&elsewhere).is_ok());
}

#[test]
fn memory_open_to_devices_is_noted() {
    let noted = |log: &LogSpec| {
        whole(log).unwrap().notes().iter().any(|note| note.starts_with("T29 PCR7 says"))
    };
    assert!(!noted(&good_log()));
    let mut log = good_log();
    let event = Event::new(7, kind::EFI_ACTION, b"DMA Protection Disabled");
    log.events.insert(separator(&log), event);
    assert!(noted(&log));
}

#[test]
fn no_separator_looked_at_is_not_a_separator_found() {
    let all = whole(&good_log()).unwrap();
    assert_eq!(outcome(&all, "T29"), Outcome::Passed);
    assert!(!all.notes().iter().any(|note| note.starts_with("T29")));
    // Registers of the firmware are quoted at zero, and only others have events.
    let log = |kept: &[u32]| {
        let mut log = good_log();
        log.events.retain(|event| kept.contains(&event.pcr));
        log
    };
    let judge = |log: &LogSpec| {
        let mut registers = log.registers();
        registers.extend([(2, [0; 32]), (6, [0; 32])]);
        let trust = AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap();
        let evidence = QuoteSpec::new(KEY, &registers, b"words", b"keys", None).evidence();
        verify_evidence(&evidence, Some(&log.to_bytes()), &TpmPolicy::new(trust)).unwrap()
    };
    let none = judge(&log(&[8, 9, 14]));
    assert!(matches!(outcome(&none, "T29"), Outcome::NotChecked(_)));
    let says = |quote: &VerifiedQuote| {
        quote.notes().iter().any(|note| note.starts_with("T29") && note.ends_with("PCR 2, 6"))
    };
    assert!(says(&none), "{:?}", none.notes());
    let some = judge(&log(&[4, 8]));
    assert_eq!(outcome(&some, "T29"), Outcome::Passed);
    assert!(says(&some), "{:?}", some.notes());
}
