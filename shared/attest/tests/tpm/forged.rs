//! Every case of TPM evidence in the conformance corpus gets its verdict, by the check that must
//! give it.

use attest::ima::FileList;
use attest::tpm::{
    AkTrust, ClockInfo, TpmPolicy, VerifiedQuote, WorkerRelease, verify_evidence_with,
};
use attest::{AttestError, Check, NonceRule, Outcome, VerificationTime};
use attestation_fixtures::conformance::{
    At, Corpus, Entry, Expectation, Kind, NonceDemand, conformance, unhex,
};
use std::collections::BTreeSet;

/// The policy that a case's demands describe; a policy may itself be refused.
pub fn policy(corpus: &Corpus, entry: &Entry) -> Result<TpmPolicy, AttestError> {
    let demands = corpus.demands(entry);
    let tpm = demands.tpm.as_ref().unwrap();
    let mut trust = AkTrust::new();
    for name in &tpm.ak_names {
        trust = trust.with_name(unhex(name).unwrap())?;
    }
    for path in &demands.roots {
        // A root of another PKI has another algorithm; any strict certificate may be named.
        trust = trust.with_root(path.as_str(), corpus.bytes(path))?;
    }
    let time = match demands.at {
        At::Live(now_ms) => VerificationTime::Live { now_ms },
        At::Archival(ms) => VerificationTime::At { ms },
        At::Document => VerificationTime::Document,
    };
    let nonce = match &demands.nonce {
        NonceDemand::Any => NonceRule::Any,
        NonceDemand::Absent => NonceRule::Absent,
        NonceDemand::Exact(nonce) => NonceRule::Exact(unhex(nonce).unwrap()),
    };
    let mut policy = TpmPolicy::new(trust)
        .with_time(time)
        .with_nonce(nonce)
        .require_event_log(tpm.event_log_required)
        .require_secure_boot(tpm.secure_boot_required);
    for (index, value) in demands.pcrs.iter().chain(&demands.required_pcrs) {
        policy = policy.with_pcr(*index, unhex(value).unwrap())?;
    }
    if let Some(name) = &tpm.qualified_signer {
        policy = policy.with_qualified_signer(unhex(name).unwrap());
    }
    if let Some(versions) = &tpm.firmware {
        policy = policy.with_firmware(versions.iter().copied());
    }
    if let Some(last) = tpm.last_clock {
        policy = policy.with_clock(ClockInfo {
            clock: last.clock,
            reset_count: last.reset_count,
            restart_count: last.restart_count,
            safe: last.safe,
        });
    }
    if let Some(workers) = &tpm.workers {
        let releases = workers.releases.iter().map(|one| WorkerRelease {
            name: one.name.clone(),
            sha256: unhex(&one.sha256).unwrap().try_into().unwrap(),
            from_ms: one.from_ms,
            to_ms: one.to_ms,
        });
        policy = policy.with_workers(workers.register, releases)?;
    }
    if let Some(path) = &tpm.file_list {
        policy = policy.with_file_list(FileList::parse(corpus.bytes(path))?);
    }
    for one in &demands.revoked {
        policy = policy.with_revoked(unhex(&one.issuer).unwrap(), &unhex(&one.serial).unwrap());
    }
    Ok(policy)
}

pub fn cases() -> impl Iterator<Item = &'static Entry> {
    conformance().entries().iter().filter(|entry| entry.kind == Kind::Tpm)
}

pub fn judge(entry: &Entry) -> Result<VerifiedQuote, AttestError> {
    let corpus = conformance();
    let material = |role: &str| entry.materials.get(role).map(|path| corpus.bytes(path));
    let (log, kernel_log) = (material("event_log"), material("kernel_log"));
    verify_evidence_with(corpus.bytes(&entry.file), log, kernel_log, &policy(corpus, entry)?)
}

#[test]
fn every_case_gets_its_verdict() {
    let mut wrong = Vec::new();
    let mut refused_by = BTreeSet::new();
    let mut count = 0;
    for entry in cases() {
        count += 1;
        let verdict = judge(entry);
        let said = verdict.as_ref().err().map(AttestError::check);
        refused_by.extend(said);
        if said != entry.check.as_deref()
            || verdict.is_ok() != (entry.expected == Expectation::Accept)
        {
            let said = verdict.err().map_or("accepted".to_owned(), |error| error.to_string());
            wrong.push(format!("{}: expected {:?}, but {said}", entry.name, entry.check));
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    let here = (4..=6).chain([8]).chain(13..=32).chain([34]).map(|number| format!("T{number}"));
    let never: Vec<String> = here.filter(|one| !refused_by.contains(one.as_str())).collect();
    assert!(never.is_empty(), "no case shows {never:?} refusing");
    println!("{count} cases, {} checks refuse something", refused_by.len());
}

#[test]
fn every_refusal_says_its_number_and_a_remedy() {
    for entry in cases() {
        let Err(error) = judge(entry) else { continue };
        let text = error.to_string();
        assert!(text.starts_with(error.check()), "{}: {text}", entry.name);
        assert!(!error.remedy().is_empty());
    }
}

#[test]
fn the_verdict_lists_all_checks_once() {
    for entry in cases() {
        let Ok(quote) = judge(entry) else { continue };
        let made: Vec<Check> = quote.checks().iter().map(|(check, _)| *check).collect();
        assert_eq!(made, Check::tpm().collect::<Vec<_>>(), "{}", entry.name);
    }
}

fn outcome(quote: &VerifiedQuote, number: &str) -> Outcome {
    let found = quote.checks().iter().find(|(check, _)| check.as_str() == number);
    found.unwrap().1.clone()
}

#[test]
fn what_was_not_looked_at_is_not_passed() {
    let case = |name: &str| judge(cases().find(|entry| entry.name == name).unwrap()).unwrap();
    let without_log = case("tpm/good-p256");
    for number in ["T4", "T5", "T6", "T8", "T13", "T14", "T15", "T17", "T18", "T19", "T20", "T21"] {
        assert_eq!(outcome(&without_log, number), Outcome::Passed, "{number}");
    }
    assert_eq!(outcome(&without_log, "T24"), Outcome::Passed);
    let absent = ["T1", "T3", "T7", "T12", "T16", "T22", "T23", "T25", "T26", "T27", "T28", "T29"];
    for number in absent.into_iter().chain(["T30", "T31", "T34"]) {
        let found = outcome(&without_log, number);
        assert!(matches!(found, Outcome::NotChecked(_)), "{number}: {found:?}");
    }
    let with_log = case("tpm/good-with-event-log");
    for number in ["T25", "T26", "T27", "T28", "T29", "T30"] {
        assert_eq!(outcome(&with_log, number), Outcome::Passed, "{number}");
    }
    assert_eq!(outcome(&case("tpm/good-clock-moved-on"), "T22"), Outcome::Passed);
    assert_eq!(outcome(&case("tpm/good-firmware-known"), "T23"), Outcome::Passed);
    assert_eq!(outcome(&case("tpm/good-qualified-signer-known"), "T16"), Outcome::Passed);
}

#[test]
fn the_log_tells_measured_data_from_claims() {
    use attest::eventlog::SecureBootState;
    let entry = cases().find(|one| one.name == "tpm/good-log-forged-data-of-image").unwrap();
    let quote = judge(entry).unwrap();
    let log = quote.event_log().unwrap();
    let forged = b"a more trusted loader".as_slice();
    let image = log.events().iter().find(|event| event.claimed_data() == forged).unwrap();
    assert_eq!(image.measured_data(), None);
    let command_line = b"kernel command line\0".as_slice();
    assert!(log.events().iter().any(|event| event.measured_data() == Some(command_line)));
    assert_eq!(log.secure_boot().state(), SecureBootState::Enabled);
    assert_eq!(log.secure_boot().forbidden().len(), 3);
    assert_eq!(log.secure_boot().allowed().len(), 2);
    assert_eq!(log.secure_boot().authorities().len(), 1);
    assert_eq!(log.startup_locality(), Some(0));
    assert!(log.boot_services_ended());
}
