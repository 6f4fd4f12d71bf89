//! Registers that the running system extends, registers that any program can reset, and the nonce
//! of a bare quote: what a policy may and may not ask for.

use attest::eventlog::VerifiedEventLog;
use attest::tpm::{
    AkParts, AkTrust, QuoteParts, TpmPolicy, VerifiedQuote, verify_evidence, verify_quote,
};
use attest::{AttestError, NonceRule, Outcome};
use attestation_fixtures::tpm::{AkKey, Event, LogSpec, PublicSpec, QuoteSpec, good_log};
use std::collections::BTreeMap;

const KEY: AkKey = AkKey::P256("ak");
const BOOT_CONFIG: u8 = 12;

fn policy() -> TpmPolicy {
    TpmPolicy::new(AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap())
}

/// The good log's registers, and one that the started system extended after it was closed.
fn registers() -> BTreeMap<u8, [u8; 32]> {
    let config = Event::new(u32::from(BOOT_CONFIG), 0x0d, b"boot configuration");
    let mut registers = good_log().registers();
    registers.extend(LogSpec::new(vec![config]).registers());
    registers
}

fn judge(
    registers: &BTreeMap<u8, [u8; 32]>,
    log: &LogSpec,
    policy: &TpmPolicy,
) -> Result<VerifiedQuote, AttestError> {
    let evidence = QuoteSpec::new(KEY, registers, b"words", b"keys", None).evidence();
    verify_evidence(&evidence, Some(&log.to_bytes()), policy)
}

fn outcome(quote: &VerifiedQuote, number: &str) -> Outcome {
    let found = quote.checks().iter().find(|(check, _)| check.as_str() == number);
    found.unwrap().1.clone()
}

#[test]
fn a_register_of_the_running_system_is_held_to_its_value_and_not_to_the_log() {
    let registers = registers();
    let value = registers[&BOOT_CONFIG].to_vec();
    // The log cannot know it: without a rule of its own the genuine quote is refused.
    assert_eq!(judge(&registers, &good_log(), &policy()).unwrap_err().check(), "T25");
    let reference = policy().with_pcr(BOOT_CONFIG, value.clone()).unwrap();
    assert_eq!(judge(&registers, &good_log(), &reference).unwrap_err().check(), "T25");

    let policy = policy().with_runtime_pcr(BOOT_CONFIG, value.clone()).unwrap();
    let policy = policy.require_event_log(true).require_secure_boot(true);
    let quote = judge(&registers, &good_log(), &policy).unwrap();
    for number in ["T19", "T25", "T26", "T27", "T28", "T29", "T30"] {
        assert_eq!(outcome(&quote, number), Outcome::Passed, "{number}");
    }
    // It says nothing of what was booted.
    assert!(matches!(outcome(&quote, "T24"), Outcome::NotChecked(_)));
    assert!(quote.notes().iter().any(|note| note.starts_with("T25 PCR12")), "{:?}", quote.notes());
    assert!(!quote.event_log().unwrap().pcrs().contains(&BOOT_CONFIG));
    assert_eq!(quote.pcrs()[&BOOT_CONFIG], value);
    let booted = policy.clone().with_pcr(4, registers[&4].to_vec()).unwrap();
    let quote = judge(&registers, &good_log(), &booted).unwrap();
    assert_eq!(outcome(&quote, "T24"), Outcome::Passed);

    // Another value, or the register not quoted at all.
    let mut other = registers.clone();
    other.insert(BOOT_CONFIG, [9; 32]);
    assert_eq!(judge(&other, &good_log(), &policy).unwrap_err().check(), "T24");
    other.insert(BOOT_CONFIG, [0; 32]);
    assert_eq!(judge(&other, &good_log(), &policy).unwrap_err().check(), "T24");
    other.remove(&BOOT_CONFIG);
    assert_eq!(judge(&other, &good_log(), &policy).unwrap_err().check(), "T19");
    // All other registers are still replayed.
    let mut other = registers.clone();
    other.insert(14, [9; 32]);
    assert_eq!(judge(&other, &good_log(), &policy).unwrap_err().check(), "T25");
    let mut only = registers;
    only.retain(|index, _| *index == BOOT_CONFIG);
    let bare = self::policy().with_runtime_pcr(BOOT_CONFIG, value).unwrap();
    assert_eq!(judge(&only, &good_log(), &bare).unwrap_err().check(), "T25");
}

#[test]
fn what_a_log_says_of_such_a_register_is_passed_over() {
    let registers = registers();
    let mut log = good_log();
    log.events.push(Event::new(u32::from(BOOT_CONFIG), 0xabcd, b"a story"));
    let value = registers[&BOOT_CONFIG].to_vec();
    let policy = policy().with_runtime_pcr(BOOT_CONFIG, value).unwrap();
    let quote = judge(&registers, &log, &policy).unwrap();
    let told = |log: &VerifiedEventLog| log.events().iter().any(|one| one.pcr() == BOOT_CONFIG);
    assert!(!told(quote.event_log().unwrap()));
}

#[test]
fn one_register_has_one_rule_and_may_have_several_runtime_values() {
    let registers = registers();
    let value = registers[&BOOT_CONFIG].to_vec();
    let check = |policy: TpmPolicy| {
        judge(&registers, &good_log(), &policy).err().map(|error| error.check())
    };
    let runtime = |policy: TpmPolicy, value: &[u8]| {
        policy.with_runtime_pcr(BOOT_CONFIG, value.to_vec()).unwrap()
    };
    // Another configuration's value, and the same one's in the other bank.
    let other = runtime(runtime(policy(), &[7; 32]), &[8; 48]);
    assert_eq!(check(other.clone()), Some("T24"));
    assert_eq!(check(runtime(other.clone(), &value)), None);
    // The last rule replaces another kind of rule.
    assert_eq!(check(other.with_pcr(BOOT_CONFIG, value.clone()).unwrap()), Some("T25"));
    let empty = policy().with_unextended_pcr(BOOT_CONFIG).unwrap();
    assert_eq!(check(empty.clone()), Some("T24"));
    assert_eq!(check(runtime(empty, &value)), None);
}

#[test]
fn a_policy_rests_on_no_register_that_a_program_can_reset() {
    let refused = |policy: Result<TpmPolicy, AttestError>| policy.unwrap_err().check();
    for index in [16, 23] {
        assert_eq!(refused(policy().with_pcr(index, vec![1; 32])), "T24");
    }
    for index in (0..8).chain(16..=24) {
        assert_eq!(refused(policy().with_runtime_pcr(index, vec![1; 32])), "T24");
        assert_eq!(refused(policy().with_unextended_pcr(index)), "T24");
    }
    for index in 8..=15 {
        assert!(policy().with_runtime_pcr(index, vec![1; 48]).is_ok());
        assert!(policy().with_unextended_pcr(index).is_ok());
    }
    for value in [vec![0; 32], vec![0xff; 48], vec![1; 20], vec![]] {
        assert_eq!(refused(policy().with_runtime_pcr(12, value)), "T24");
    }
}

#[test]
fn a_bare_quote_answers_no_nonce() {
    let registers = good_log().registers();
    let spec = QuoteSpec::new(KEY, &registers, b"words", b"keys", None);
    let files = spec.files();
    let judge = |nonce: NonceRule, extra_data: Option<&[u8]>| {
        let parts = QuoteParts {
            attest: &files.attest,
            signature: &files.signature,
            ak: AkParts { public: Some(&files.public), ..AkParts::default() },
            pcrs: registers.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
            extra_data,
            event_log: None,
        };
        verify_quote(&parts, &policy().with_nonce(nonce)).map_err(|error| error.check())
    };
    // An old quote does not pass for an answer, with its extraData given or not.
    for extra_data in [None, Some(spec.extra.as_slice())] {
        let asked = NonceRule::Exact(b"today's".to_vec());
        assert_eq!(judge(asked, extra_data).unwrap_err(), "T17");
        assert_eq!(judge(NonceRule::Absent, extra_data).unwrap_err(), "T17");
        let quote = judge(NonceRule::Any, extra_data).unwrap();
        assert_eq!(quote.nonce(), None);
        assert_eq!(outcome(&quote, "T17") == Outcome::Passed, extra_data.is_some());
    }
}
