//! Separators and variables that only look right (T28, T29), keys of another form (T6), the
//! header of a log (T26), and what a verdict repeats.

use crate::maker::Key;
use attest::AttestError;
use attest::eventlog::{UnverifiedEventLog, parse_signature_lists};
use attest::tpm::{AkTrust, TpmPolicy, VerifiedQuote, verify_evidence};
use attestation_fixtures::tpm::{
    AkKey, Event, LogSpec, PublicSpec, QuoteSpec, event_type as kind, good_log,
};

const KEY: AkKey = AkKey::P256("ak");

fn judge(log: &LogSpec) -> Result<VerifiedQuote, AttestError> {
    let policy = TpmPolicy::new(AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap());
    let evidence = QuoteSpec::new(KEY, &log.registers(), b"words", b"keys", None).evidence();
    verify_evidence(&evidence, Some(&log.to_bytes()), &policy.require_event_log(true))
}

fn separator(log: &LogSpec) -> usize {
    log.events.iter().position(|one| one.pcr == 7 && one.kind == kind::SEPARATOR).unwrap()
}

fn refused(log: &LogSpec, says: &str) {
    let refusal = judge(log).unwrap_err();
    assert_eq!(refusal.check(), "T29", "{refusal}");
    assert!(refusal.to_string().contains(says), "{refusal} without {says:?}");
}

#[test]
fn the_separator_of_pcr7_has_one_name_one_content_and_one_place() {
    let log = good_log();
    assert!(judge(&log).is_ok());
    let at = separator(&log);
    // A second one under another type, beside the true one.
    let mut twin = log.clone();
    twin.events.insert(at + 1, Event::new(7, kind::EFI_ACTION, &[0; 4]));
    refused(&twin, "type EV_SEPARATOR");
    let mut claimed = log.clone();
    claimed.events[at] = Event::measured(7, kind::SEPARATOR, b"four", &[0; 4]);
    refused(&claimed, "other data");
    let mut none = log.clone();
    none.events.remove(at);
    refused(&none, "none");
    let mut two = log.clone();
    two.events.insert(at, two.events[at].clone());
    refused(&two, "more");
}

#[test]
fn a_variable_before_the_separator_can_be_read() {
    let mut log = good_log();
    let at = separator(&log);
    log.events.insert(at, Event::new(7, kind::EFI_VARIABLE_DRIVER_CONFIG, b"short"));
    assert_eq!(judge(&log).unwrap_err().check(), "T29");
}

#[test]
fn a_signature_list_is_whole_entries_of_an_owner_and_more() {
    // EFI_CERT_X509_GUID as it lies in memory.
    let x509: [u8; 16] = [
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0,
        0x72,
    ];
    let list = |entry_bytes: u32, body: usize| {
        let words = [28 + body as u32, 0, entry_bytes];
        let head = words.iter().flat_map(|word| word.to_le_bytes());
        let bytes: Vec<u8> = x509.into_iter().chain(head).chain(vec![7; body]).collect();
        parse_signature_lists(&bytes).map(|entries| entries.len())
    };
    assert_eq!(list(20, 40), Ok(2));
    assert_eq!(list(17, 17), Ok(1));
    for (entry_bytes, body) in [(20, 41), (20, 39), (16, 32), (0, 0), (1, 20)] {
        assert_eq!(list(entry_bytes, body).unwrap_err().check(), "T28", "{entry_bytes}, {body}");
    }
}

#[test]
fn a_key_has_the_parameters_and_the_length_of_its_kind() {
    let check = |der: &[u8]| AkTrust::new().with_key(der).map_or_else(|e| e.check(), |_| "taken");
    let ec = Key::p256().spki();
    assert_eq!((check(&ec), ec.len(), ec[24]), ("taken", 91, 0x42));
    let resized = |more: bool| {
        let mut der = ec.clone();
        match more {
            true => der.push(0),
            false => drop(der.pop()),
        }
        (der[1], der[24]) = ((der.len() - 2) as u8, (der.len() - 25) as u8);
        der
    };
    assert_eq!((check(&resized(true)), check(&resized(false))), ("T6", "T6"));
    let rsa = Key::rsa().spki();
    assert_eq!((check(&rsa), &rsa[4..6], &rsa[17..19]), ("taken", &[0x30, 13][..], &[5, 0][..]));
    let mut bare = [&rsa[..17], &rsa[19..]].concat();
    bare[5] = 11;
    let length = u16::try_from(bare.len() - 4).unwrap();
    bare[2..4].copy_from_slice(&length.to_be_bytes());
    assert_eq!(check(&bare), "T6");
}

#[test]
fn the_header_of_a_log_is_of_pcr0_and_measures_nothing() {
    let bytes = good_log().to_bytes();
    assert!(UnverifiedEventLog::parse(&bytes).is_ok());
    // The register, and the first byte of the SHA-1 digest.
    for at in [0, 8] {
        let mut other = bytes.clone();
        other[at] = 1;
        let refusal = UnverifiedEventLog::parse(&other).unwrap_err().to_string();
        assert!(refusal.contains("PCR0 and a digest of zeros"), "{refusal}");
    }
}

#[test]
fn the_verdict_on_a_log_repeats_what_the_log_measured() {
    let log = good_log();
    let quote = judge(&log).unwrap();
    let found = quote.event_log().unwrap();
    let registers: Vec<u8> = log.registers().keys().copied().collect();
    assert!(found.pcrs().iter().all(|index| registers.contains(index)));
    assert!(found.pcrs().contains(&7) && found.pcrs().len() > 2);
    assert!(found.boot_services_ended());
    let measured: Vec<_> = log.events.iter().filter(|one| one.kind != kind::NO_ACTION).collect();
    assert_eq!(found.events().len(), measured.len());
    for (said, made) in found.events().iter().zip(measured) {
        assert_eq!((u32::from(said.pcr()), said.claimed_kind().0), (made.pcr, made.kind));
        assert!(made.digests.iter().any(|(_, digest)| digest == said.digest()));
    }
    let secure = found.secure_boot();
    assert!(!secure.platform_keys().is_empty() && !secure.exchange_keys().is_empty());
    assert_eq!(quote.qualified_signer().len(), 34);
    assert!(!secure.state().to_string().is_empty() && !found.bank().to_string().is_empty());
}

#[test]
fn a_known_bank_has_the_length_of_its_hash() {
    let with = |bytes: u16| {
        let mut log = LogSpec::new(vec![]);
        log.algorithms = vec![(0x000b, bytes)];
        let bytes = log.to_bytes();
        UnverifiedEventLog::parse(&bytes).map(|_| ()).map_err(|error| error.check())
    };
    assert!(with(32).is_ok());
    assert_eq!(with(20).unwrap_err(), "T26");
    assert_eq!(with(48).unwrap_err(), "T26");
}

#[test]
fn what_the_policy_and_the_verdict_say_of_themselves() {
    let trust = AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap();
    let mut log = good_log();
    log.events.retain(|event| event.pcr != 5 && event.kind != kind::NO_ACTION);
    let registers = log.registers();
    let value = registers[&7].to_vec();
    let policy = TpmPolicy::new(trust).with_pcr(7, value.clone()).unwrap();
    assert_eq!(policy.pcrs().iter().collect::<Vec<_>>(), [(&7, &value)]);
    let evidence = QuoteSpec::new(KEY, &registers, b"words", b"keys", None).evidence();
    let quote = verify_evidence(&evidence, Some(&log.to_bytes()), &policy).unwrap();
    assert_eq!(quote.judged_at_ms(), None);
    let found = quote.event_log().unwrap();
    assert_eq!((found.boot_services_ended(), found.startup_locality()), (false, None));
    let at = policy.with_time(attest::VerificationTime::At { ms: 1_790_000_000_000 });
    let quote = verify_evidence(&evidence, Some(&log.to_bytes()), &at).unwrap();
    assert_eq!(quote.judged_at_ms(), Some(1_790_000_000_000));
}
