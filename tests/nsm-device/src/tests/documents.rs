//! Documents as our verifier judges them: the same checks that a relying party makes.

use super::*;
use attest::{NitroPolicy, ReferenceValues, TrustAnchor, VerificationTime};
use attestation_fixtures::TestPki;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

fn document(module: &mut Module) -> Vec<u8> {
    let request = Request::Attestation {
        user_data: Some(b"what is bound".to_vec().into()),
        nonce: None,
        public_key: Some(vec![5; 32].into()),
    };
    match ask(module, &request) {
        Response::Attestation { document } => document,
        other => panic!("{other:?}"),
    }
}

fn policy(image: [[u8; 48]; 3]) -> NitroPolicy {
    let root = TrustAnchor::from_der("test", TestPki::published().root_der()).unwrap();
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let pcrs = (0..).zip(image).collect::<BTreeMap<u8, _>>();
    let release = ReferenceValues::new("test", pcrs).unwrap();
    NitroPolicy::new(vec![root], VerificationTime::Live { now_ms }, vec![release]).unwrap()
}

#[test]
fn a_document_verifies_under_the_test_root_for_its_image_only() {
    let image = identity().image;
    let bytes = document(&mut module());
    let verified = attest::verify(&bytes, &policy(image), None).unwrap();
    assert_eq!(verified.user_data(), Some(&b"what is bound"[..]));
    assert_eq!(verified.pcrs().len(), 16);
    let [zero, one, two] = image;
    let other = attest::verify(&bytes, &policy([zero, one, [0x13; 48]]), None).unwrap_err();
    assert_eq!(other.check(), "N34", "{other}");
    assert!(attest::verify(&bytes, &policy([[9; 48], one, two]), None).is_err());
}

#[test]
fn only_locked_registers_are_in_a_document() {
    let mut module = module();
    ask(&mut module, &Request::ExtendPCR { index: 16, data: vec![1] });
    ask(&mut module, &Request::ExtendPCR { index: 17, data: vec![2] });
    ask(&mut module, &Request::LockPCR { index: 17 });
    let policy = policy(identity().image);
    let verified = attest::verify(&document(&mut module), &policy, None).unwrap();
    assert!(!verified.pcrs().contains_key(&16));
    assert_eq!(verified.pcrs()[&17], crypto::sha384(&[&[0; 48], &[2]]));
}

#[test]
fn debug_mode_is_refused_by_the_verifier() {
    let setup = Setup { debug_mode: true, ..Setup::new(identity()) };
    let bytes = document(&mut Module::new(setup));
    let refused = attest::verify(&bytes, &policy(identity().image), None).unwrap_err();
    assert_eq!(refused.check(), "N36", "{refused}");
}
