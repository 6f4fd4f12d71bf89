//! What a policy names, what a verdict and a refusal say, and to whom a leaf's name belongs
//! (N8, N13, N30, N31, N34, N35, N37 to N39).

use crate::edges::{made, policy};
use attest::{
    AttestError, Check, DocumentKind, NitroPolicy, NonceRule, Outcome, ReferenceValues,
    TrustAnchor, VerificationTime, VerifiedDocument, verify,
};
use attestation_fixtures::{
    Case, CertificateSpec, DocumentSpec, Extension, LeafChain, Name, Signer, Tamper, TestPki,
    corpus, nitrotpm_corpus, oid,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NOW_S: u64 = 1_767_272_400;
const OWN: VerificationTime = VerificationTime::Document;

fn good() -> Case {
    corpus().into_iter().find(|case| case.name == "good").unwrap()
}

fn outcome(document: &VerifiedDocument, number: &str) -> Outcome {
    let mut checks = document.checks().iter();
    checks.find(|(check, _)| check.as_str() == number).unwrap().1.clone()
}

/// A chain of two of our own: the root issues the leaf, whose common name can be anything.
fn under_own_root(common_name: &str, module_id: &str) -> (TrustAnchor, Vec<u8>) {
    let (root, leaf) = (Signer::derive(&[7; 32], "root"), Signer::derive(&[7; 32], "leaf"));
    let name = |text: &str| Name(vec![(3, text.to_owned())]);
    let spec = |signer: &Signer, subject: Name, seconds: u64, extensions| CertificateSpec {
        version: 2,
        serial: vec![1],
        inner_algorithm: oid::ECDSA_SHA384.to_vec(),
        outer_algorithm: oid::ECDSA_SHA384.to_vec(),
        issuer: name("own root"),
        not_before_s: NOW_S - 60,
        not_after_s: NOW_S - 60 + seconds,
        subject,
        curve: oid::SECP384R1.to_vec(),
        point: signer.point(),
        rsa: false,
        unused_bits: 0,
        extensions,
        trailing: Vec::new(),
        signed_by_stranger: false,
    };
    let authority = vec![Extension::basic_constraints(true, None), Extension::key_usage(true, 6)];
    let signing = vec![Extension::key_usage(true, 0x80)];
    let root_der = spec(&root, name("own root"), 86_400, authority).sign(&root);
    let leaf_der = spec(&leaf, name(common_name), 3 * 3600, signing).sign(&root);
    let chain = LeafChain {
        module_id: module_id.to_owned(),
        certificate: leaf_der,
        cabundle: vec![root_der.clone()],
        not_before_ms: (NOW_S - 60) * 1000,
        not_after_ms: (NOW_S - 60 + 3 * 3600) * 1000,
        signer: Arc::new(leaf),
    };
    let document = DocumentSpec::new(&chain, NOW_S * 1000).sign_deterministic(&chain);
    (TrustAnchor::from_der("own", &root_der).unwrap(), document)
}

#[test]
fn a_region_is_one_word_between_the_module_and_aws() {
    for (common_name, region) in [
        ("i-1-enc2.xx-test-1.aws", Some("xx-test-1")),
        ("i-1-enc2..aws", None),
        ("i-1-enc2.xx.test-1.aws", None),
        ("i-1-enc2.aws", None),
        ("i-1-enc2.xx-test-1.azure", None),
        ("i-1-enc3.xx-test-1.aws", None),
        ("i-1-enc2xx-test-1.aws", None),
    ] {
        let (root, bytes) = under_own_root(common_name, "i-1-enc2");
        let inspect = NitroPolicy::inspect_any_enclave(vec![root], OWN);
        let document = verify(&bytes, &inspect, None).unwrap();
        assert_eq!(document.region(), region, "{common_name}");
        assert_eq!(outcome(&document, "N31") == Outcome::Passed, region.is_some());
        let noted = document.notes().iter().any(|note| note.contains("does not name the module"));
        assert_eq!(noted, region.is_none(), "{common_name}");
        let here = inspect.with_regions(["xx-test-1".to_owned()]);
        let verdict = verify(&bytes, &here, None).map_err(|error| error.check());
        assert_eq!(verdict.is_ok(), region.is_some(), "{common_name}: {verdict:?}");
    }
}

#[test]
fn a_revocation_is_of_one_serial_of_one_issuer() {
    let case = corpus().into_iter().find(|case| case.name == "revoked-leaf").unwrap();
    let (issuer, serial) = case.policy.revoked[0].clone();
    let judge = |serial: &[u8]| {
        let mut policy = case.policy.clone();
        policy.revoked = vec![(issuer.clone(), serial.to_vec())];
        let verdict = verify(&case.bytes, &crate::forged::policy(&policy), None);
        verdict.map_or_else(|error| error.check(), |_| "accepted")
    };
    assert_eq!(judge(&serial), "N30");
    assert_eq!(judge(&[&[0, 0], &serial[..]].concat()), "N30");
    let mut other = serial.clone();
    other[serial.len() - 1] ^= 1;
    assert_eq!(judge(&other), "accepted");
    assert_eq!(judge(&serial[1..]), "accepted");
    assert_eq!(judge(&[]), "accepted");
}

/// Three registers are an image; a fourth in the release is what N35 asks.
#[test]
fn registers_above_the_image_are_checked_where_the_release_or_the_policy_names_them() {
    let case = good();
    let document = |index: u8| -> [u8; 48] {
        let inspect = policy(OWN);
        verify(&case.bytes, &inspect, None).unwrap().pcrs()[&index]
    };
    let judge = |extra: &[u8], required: &[u8]| {
        let mut pcrs = case.policy.pcrs.clone();
        pcrs.retain(|index, _| *index < 3);
        pcrs.extend(extra.iter().map(|index| (*index, document(*index))));
        let release = ReferenceValues::new("1.0.0", pcrs.clone()).unwrap();
        assert_eq!(release.pcrs(), &pcrs);
        let mut policy = crate::forged::policy_of(&case.policy, release);
        for index in required {
            policy = policy.with_required_pcr(*index, document(*index)).unwrap();
        }
        outcome(&verify(&case.bytes, &policy, None).unwrap(), "N35")
    };
    assert!(matches!(judge(&[], &[]), Outcome::NotChecked(_)));
    assert_eq!(judge(&[4], &[]), Outcome::Passed);
    assert_eq!(judge(&[], &[4]), Outcome::Passed);
    assert_eq!(judge(&[4], &[4]), Outcome::Passed);
}

#[test]
fn an_instances_registers_are_checked_where_the_policy_names_one_of_either_kind() {
    let case = nitrotpm_corpus().into_iter().find(|case| case.name == "good").unwrap();
    let root = TrustAnchor::from_der("TEST ROOT", &case.policy.root_der).unwrap();
    let inspect = NitroPolicy::inspect_any_enclave(vec![root], OWN);
    let inspect = inspect.with_kind(DocumentKind::NitroTpm);
    let judge = |policy: &NitroPolicy| outcome(&verify(&case.bytes, policy, None).unwrap(), "N35");
    assert!(matches!(judge(&inspect), Outcome::NotChecked(_)));
    let found = verify(&case.bytes, &inspect, None).unwrap();
    let (set, value) = found.pcrs().iter().find(|(_, value)| **value != [0; 48]).unwrap();
    let set = (*set).max(3);
    let value = found.pcrs().get(&set).filter(|value| **value != [0; 48]).unwrap_or(value);
    let required = inspect.clone().with_required_pcr(set, *value).unwrap();
    assert_eq!(judge(&required), Outcome::Passed);
    let zero = found.pcrs().iter().find(|(i, value)| (8..=15).contains(*i) && **value == [0; 48]);
    let unextended = inspect.with_unextended_pcr(*zero.unwrap().0).unwrap();
    assert_eq!(judge(&unextended), Outcome::Passed);
}

fn release(name: &str, fills: [u8; 3]) -> ReferenceValues {
    let pcrs = (0..).zip(fills).map(|(index, fill)| (index, [fill; 48])).collect();
    ReferenceValues::new(name, pcrs).unwrap()
}

/// The register that no release has is the one that is named; of a mixture, the first.
#[test]
fn a_mismatch_names_the_register_and_both_values() {
    let bytes = good().bytes;
    let refusal = |releases: Vec<ReferenceValues>| {
        let root = TrustAnchor::from_der("TEST ROOT", &good().policy.root_der).unwrap();
        let policy = NitroPolicy::new(vec![root], OWN, releases).unwrap();
        let refusal = verify(&bytes, &policy, None).unwrap_err();
        let text = refusal.to_string();
        let AttestError::PcrMismatch { check, index, expected, actual } = refusal else {
            panic!("{text}");
        };
        assert_eq!((check.as_str(), text.contains(&actual)), ("N34", true));
        (index, expected, actual)
    };
    let (a0, a1, a2) = (0xa0, 0xa1, 0xa2);
    let (index, expected, actual) = refusal(vec![release("1", [a0, 0x11, a2])]);
    assert_eq!((index, actual), (1, "a1".repeat(48)));
    assert_eq!(expected, format!("{} (1)", "11".repeat(48)));
    let (index, expected, _) =
        refusal(vec![release("1", [a0, 0x11, 0x22]), release("2", [0x33, a1, 0x44])]);
    assert_eq!(index, 2);
    assert_eq!(expected, format!("{} (1) or {} (2)", "22".repeat(48), "44".repeat(48)));
    let (index, ..) = refusal(vec![release("1", [a0, 0x11, a2]), release("2", [0x33, a1, a2])]);
    assert_eq!(index, 0);
}

#[test]
fn a_release_of_an_enclave_has_registers_to_31_and_of_an_instance_to_23() {
    let with = |index: u8| {
        let mut pcrs = BTreeMap::from([(0, [1; 48]), (1, [1; 48]), (2, [1; 48]), (4, [1; 48])]);
        pcrs.insert(index, [9; 48]);
        pcrs
    };
    assert!(ReferenceValues::new("r", with(31)).is_ok());
    let check = |made: Result<ReferenceValues, AttestError>| made.unwrap_err().check();
    assert_eq!(check(ReferenceValues::new("r", with(32))), "N35");
    assert_eq!(check(ReferenceValues::new("r", with(200))), "N35");
    assert!(ReferenceValues::nitrotpm("r", with(22)).is_ok());
    assert_eq!(check(ReferenceValues::nitrotpm("r", with(24))), "N35");
    assert_eq!(check(ReferenceValues::nitrotpm("r", with(31))), "N35");
}

#[test]
fn a_refused_binding_says_what_was_wanted_and_what_came() {
    let case = good();
    let refusal = |change: &dyn Fn(NitroPolicy) -> NitroPolicy| {
        let root = TrustAnchor::from_der("TEST ROOT", &case.policy.root_der).unwrap();
        let policy = change(NitroPolicy::inspect_any_enclave(vec![root], OWN));
        verify(&case.bytes, &policy, None).unwrap_err().to_string()
    };
    let text = refusal(&|policy| policy.with_user_data(b"other".to_vec()));
    assert!(text.starts_with("N37") && text.contains("6f74686572"), "{text}");
    let text = refusal(&|policy| policy.with_public_key(Vec::new()));
    assert!(text.starts_with("N38") && text.contains("empty"), "{text}");
    let text = refusal(&|policy| policy.with_nonce(NonceRule::Absent));
    assert!(text.starts_with("N39") && text.contains("none"), "{text}");
    let text = refusal(&|policy| policy.with_kind(DocumentKind::NitroTpm));
    assert!(text.contains("NitroTPM document") && text.contains("Nitro Enclave document"));
}

#[test]
fn all_32_registers_and_32_fields_are_read_and_a_33rd_field_is_not() {
    let chain = TestPki::published().issue(NOW_S * 1000);
    let mut spec = DocumentSpec::new(&chain, NOW_S * 1000);
    spec.pcrs = (0..32).map(|index| (index, vec![0xa0; 48])).collect();
    let document = verify(&spec.sign_deterministic(&chain), &policy(OWN), None).unwrap();
    assert_eq!(document.pcrs().len(), 32);
    // Nine fields are known; the others are noted.
    let with = |fields: usize| {
        let entry = |number: usize| {
            let (mut key, mut value) = (cbor::Writer::new(), cbor::Writer::new());
            key.text(&format!("later{number}"));
            value.null();
            Tamper::RawEntry(key.finish(), value.finish())
        };
        made(&(9..fields).map(entry).collect::<Vec<_>>())
    };
    let document = verify(&with(32), &policy(OWN), None).unwrap();
    assert_eq!(document.unknown_keys().len(), 32 - 9);
    assert_eq!(verify(&with(33), &policy(OWN), None).unwrap_err().check(), "N8");
}

#[test]
fn remedies_are_sentences_and_fit_their_checks() {
    let remedies: BTreeSet<&str> = Check::all().map(Check::remedy).collect();
    assert!(remedies.len() > 10);
    assert!(remedies.iter().all(|remedy| remedy.contains(' ')), "{remedies:?}");
    let late = verify(&good().bytes, &policy(VerificationTime::Live { now_ms: 0 }), None);
    let late = late.unwrap_err();
    let check = Check::parse(late.check()).unwrap();
    assert_eq!(late.remedy(), check.remedy());
}

#[test]
fn the_verdict_repeats_what_the_document_says() {
    let bytes = good().bytes;
    let parsed = attest::UnverifiedDocument::parse(&bytes).unwrap();
    let verified = verify(&bytes, &policy(OWN), None).unwrap();
    assert_eq!(parsed.digest(), "SHA384");
    assert!(parsed.payload().len() > 1000);
    assert!(bytes.windows(parsed.payload().len()).any(|part| part == parsed.payload()));
    assert_eq!(verified.timestamp_ms(), parsed.timestamp_ms());
    assert_eq!(verified.user_data(), Some(&b"binding"[..]));
    assert_eq!(verified.nonce(), Some(&b"challenge"[..]));
    assert_eq!(verified.public_key(), Some(&b"key"[..]));
    let root = TrustAnchor::from_der("x", TestPki::published().root_der()).unwrap();
    assert_eq!(verified.anchor().sha256(), root.sha256());
    let titles: BTreeSet<&str> = Check::all().map(Check::title).collect();
    assert!(titles.len() > 70 && !titles.contains(""), "{titles:?}");
}
