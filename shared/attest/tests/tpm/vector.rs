//! The frozen vector of TPM.md: the same bytes must be read the same way for ever. The signature
//! was made once; making it again gives other bytes that verify too.

use attest::tpm::{AkTrust, TpmEvidence, TpmPolicy, ak_name, extra_data, verify_evidence};
use attest::{NonceRule, Outcome};
use attestation_fixtures::conformance::{hex, unhex};

const EVIDENCE: &[u8] = include_bytes!("../../data/tpm-evidence-v1.cbor");
const EVENT_LOG: &[u8] = include_bytes!("../../data/tpm-event-log.bin");
const AK_NAME: &str = "000be7e7e0a66bda9650d9bf58c6df07e285889df887ebac914cbe982889c301951c";
const EXTRA_DATA: &str = "ace5f0ca11a5c2a591508e0993cfc0a4229406dc5c4e68189a7ee88887e244c4";
/// SHA-256 of no nonce, no user_data and no key_set under the tag.
const EXTRA_DATA_EMPTY: &str = "f0e76edbfb83dafbbf134de70d6c98076446320c50afc7a6ebb922359fd9d390";

#[test]
fn the_vector_verifies() {
    let evidence = TpmEvidence::parse(EVIDENCE).unwrap();
    assert_eq!(evidence.to_bytes(), EVIDENCE);
    assert_eq!(hex(&ak_name(evidence.ak_public).unwrap()), AK_NAME);
    assert_eq!(hex(&evidence.extra_data()), EXTRA_DATA);
    assert_eq!(hex(&extra_data(None, &[], &[])), EXTRA_DATA_EMPTY);
    let trust = AkTrust::new().with_name(unhex(AK_NAME).unwrap()).unwrap();
    let mut policy = TpmPolicy::new(trust)
        .with_nonce(NonceRule::Exact(b"challenge".to_vec()))
        .require_secure_boot(true);
    for (index, value) in &evidence.pcrs {
        policy = policy.with_pcr(*index, value.to_vec()).unwrap();
    }
    let quote = verify_evidence(EVIDENCE, Some(EVENT_LOG), &policy).unwrap();
    assert_eq!(hex(quote.extra_data()), EXTRA_DATA);
    assert_eq!(quote.user_data(), Some(evidence.user_data));
    assert_eq!(quote.key_set(), Some(evidence.key_set));
    assert_eq!(quote.nonce(), Some(b"challenge".as_slice()));
    assert_eq!(quote.user_data().unwrap().len(), 78);
    for number in [4, 5, 6, 8, 13, 14, 15, 17, 18, 19, 20, 21, 24, 25, 26, 27, 28, 29, 30] {
        let name = format!("T{number}");
        let found = quote.checks().iter().find(|(check, _)| check.as_str() == name).unwrap();
        assert_eq!(found.1, Outcome::Passed, "{name}");
    }
}
