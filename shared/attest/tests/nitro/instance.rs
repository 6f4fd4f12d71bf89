//! NitroTPM documents: the same envelope and roots, another kind, chosen by the policy alone.

use crate::forged::policy_of;
use attest::{
    AttestError, DocumentKind, NitroPolicy, Outcome, ReferenceValues, TrustAnchor,
    VerificationTime, VerifiedDocument, verify,
};
use attestation_fixtures::{Case, Expected, corpus, nitrotpm_corpus};
use std::collections::BTreeMap;

fn judge(case: &Case) -> Result<VerifiedDocument, AttestError> {
    let release = ReferenceValues::nitrotpm("ami", case.policy.pcrs.clone())?;
    verify(&case.bytes, &policy_of(&case.policy, release), None)
}

fn good() -> Case {
    nitrotpm_corpus().into_iter().find(|case| case.name == "good").unwrap()
}

#[test]
fn every_case_gets_its_verdict() {
    for case in nitrotpm_corpus() {
        let verdict = judge(&case);
        let said = verdict.as_ref().err().map(AttestError::check);
        let expected = match case.expected {
            Expected::Accept => None,
            Expected::Refuse(check) => Some(check),
        };
        assert_eq!(said, expected, "{}: {:?}", case.name, verdict.err());
    }
}

#[test]
fn a_policy_for_one_kind_accepts_none_of_the_other() {
    let instance = good();
    let enclave = corpus().into_iter().find(|case| case.name == "good").unwrap();
    let check = |case: &Case, kind: DocumentKind| {
        let root = TrustAnchor::from_der("TEST ROOT", &case.policy.root_der).unwrap();
        let inspect = NitroPolicy::inspect_any_enclave(vec![root], VerificationTime::Document);
        verify(&case.bytes, &inspect.with_kind(kind), None).err().map(|error| error.check())
    };
    assert_eq!(check(&instance, DocumentKind::NitroTpm), None);
    assert_eq!(check(&instance, DocumentKind::Enclave), Some("N33"));
    assert_eq!(check(&enclave, DocumentKind::Enclave), None);
    assert_eq!(check(&enclave, DocumentKind::NitroTpm), Some("N33"));
    // A release of the other kind matches nothing.
    let pcrs = instance.policy.pcrs.clone();
    let release = ReferenceValues::new("enclave", pcrs).unwrap();
    let policy = policy_of(&instance.policy, release).with_kind(DocumentKind::NitroTpm);
    assert_eq!(verify(&instance.bytes, &policy, None).unwrap_err().check(), "N34");
}

#[test]
fn an_instance_needs_no_register_of_an_enclave() {
    let case = good();
    let mut policy = case.policy.clone();
    policy.pcrs = BTreeMap::from([(7, case.policy.pcrs[&7])]);
    let document = judge(&Case { policy, ..case.clone() }).unwrap();
    assert_eq!(document.release(), Some("ami"));
    let outcome = |number: &str| {
        let found = document.checks().iter().find(|(check, _)| check.as_str() == number);
        found.unwrap().1.clone()
    };
    assert_eq!(outcome("N34"), Outcome::Passed);
    assert!(matches!(outcome("N35"), Outcome::NotChecked(_)));
    assert!(matches!(outcome("N36"), Outcome::NotChecked(_)));
}

#[test]
fn a_register_that_must_be_empty_is() {
    let case = good();
    let release = || ReferenceValues::nitrotpm("ami", case.policy.pcrs.clone()).unwrap();
    let judge = |index: u8| {
        let policy = policy_of(&case.policy, release()).with_unextended_pcr(index).unwrap();
        verify(&case.bytes, &policy, None).map(|_| ()).map_err(|error| error.check())
    };
    // PCR12 takes a unified kernel image's further arguments: zero says there were none.
    assert_eq!(judge(12), Ok(()));
    let policy = policy_of(&case.policy, release());
    assert_eq!(policy.clone().with_unextended_pcr(7).unwrap_err().check(), "N35");
    for index in [16, 23, 24] {
        assert_eq!(policy.clone().with_unextended_pcr(index).unwrap_err().check(), "N35");
    }
    let enclave = corpus().into_iter().find(|case| case.name == "good").unwrap();
    let policy = crate::forged::policy(&enclave.policy).with_unextended_pcr(12).unwrap();
    assert_eq!(verify(&enclave.bytes, &policy, None).unwrap_err().check(), "N35");
}

#[test]
fn a_register_that_a_program_can_reset_says_nothing_of_an_instance() {
    let case = good();
    let refused = |index: u8, value: u8| {
        let mut pcrs = case.policy.pcrs.clone();
        pcrs.insert(index, [value; 48]);
        ReferenceValues::nitrotpm("ami", pcrs).err().map(|error| error.check())
    };
    assert_eq!([refused(16, 1), refused(23, 1)], [Some("N34"); 2]);
    assert_eq!([refused(17, 0xff), refused(22, 0xff), refused(4, 0xff)], [Some("N34"); 3]);
    assert_eq!([refused(17, 1), refused(8, 1)], [None; 2]);
    let release = || ReferenceValues::nitrotpm("ami", case.policy.pcrs.clone()).unwrap();
    let required = |index: u8, value: u8| {
        let policy = policy_of(&case.policy, release());
        let policy = policy.with_required_pcr(index, [value; 48]).unwrap();
        verify(&case.bytes, &policy, None).unwrap_err().to_string()
    };
    for index in [16, 23] {
        let text = required(index, 1);
        assert!(text.starts_with("N35") && text.contains("no program can reset"), "{text}");
    }
    let text = required(17, 0xff);
    assert!(text.starts_with("N35") && text.contains("48 bytes of ff"), "{text}");
    // Of an enclave PCR16 is its own, and locked.
    let pcrs = (0..=2).map(|index| (index, [index + 1; 48])).chain([(16, [9; 48])]).collect();
    assert!(ReferenceValues::new("enclave", pcrs).is_ok());
}

#[test]
fn an_instance_may_say_twice_as_much_as_an_enclave() {
    use attestation_fixtures::{Tamper, TestPki, forge};
    let pki = TestPki::published();
    let (now_ms, rename) = (1_790_000_000_000, Tamper::RenameField("pcrs", "nitrotpm_pcrs"));
    let check = |field: &'static str, bytes: u16, faults: &[Tamper]| {
        let mut item = vec![0x59];
        item.extend(bytes.to_be_bytes());
        item.extend(vec![7; usize::from(bytes)]);
        let faults = [&[Tamper::Field(field, item)], faults].concat();
        let document = forge(&pki, &faults, now_ms);
        attest::UnverifiedDocument::parse(&document).err().map(|error| error.check())
    };
    for (field, number) in [("user_data", "N17"), ("nonce", "N18")] {
        assert_eq!(check(field, 512, &[]), None);
        assert_eq!(check(field, 513, &[]), Some(number));
        assert_eq!(check(field, 1024, std::slice::from_ref(&rename)), None);
        assert_eq!(check(field, 1025, std::slice::from_ref(&rename)), Some(number));
    }
}
