//! What a policy knows of attestation keys: firmware (T23), qualified name (T16), last clock (T22).

use crate::support::*;
use attestation_fixtures::proofs::{Backing, QUOTED_AT_MS};
use policy::{AttestationKey, Content, TpmClock};
use verify::{Materials, Outcome, Policy, TimeEvidence, Verifier, VerifyError};

/// The policy of every kind, the machine's clock, and what its quote says.
fn machine() -> (Content, AttestationKey, u64) {
    let content = every_kind();
    let quote = at(policy_of(&content)).expect("valid");
    let clock = quote.clock();
    let key = AttestationKey {
        name: content.tpm.ak_names[0].clone(),
        qualified_name: Some(quote.qualified_signer().to_vec()),
        clock: Some(TpmClock {
            ms: clock.clock,
            resets: clock.reset_count,
            restarts: clock.restart_count,
        }),
    };
    (content, key, quote.firmware_version())
}

fn at(policy: Policy) -> Result<attest::tpm::VerifiedQuote, VerifyError> {
    let verifier = Verifier::archival(policy, TimeEvidence::Assumed { ms: QUOTED_AT_MS });
    let verified = verifier.verify(&proof(Backing::Tpm), &Materials::default())?.into_verified();
    Ok(verified.tpm().expect("a quote").clone())
}

fn live(content: &Content) -> Result<verify::Verified, VerifyError> {
    let verifier = Verifier::live(policy_of(content), QUOTED_AT_MS)?;
    Ok(verifier.verify(&proof(Backing::Tpm), &Materials::default())?.into_verified())
}

#[test]
fn what_is_known_of_a_key_is_asked_of_its_quotes() {
    let (mut content, key, firmware) = machine();
    let before = live(&content).expect("valid");
    for check in ["T16", "T22", "T23"] {
        assert!(matches!(outcome(&before, check), Outcome::NotChecked(_)), "{check}");
    }
    content.tpm.firmware = Some(vec![firmware]);
    content.tpm.keys = vec![key.clone()];
    content.required_checks = vec!["T16".into(), "T22".into(), "T23".into()];
    let known = live(&content).expect("valid");
    for check in ["T16", "T22", "T23"] {
        assert_eq!(outcome(&known, check), Outcome::Passed, "{check}");
    }
    let mut other = content.clone();
    other.tpm.firmware = Some(vec![firmware ^ 1]);
    assert_eq!(check(live(&other)), "T23");
    let mut other = content.clone();
    other.tpm.keys[0].qualified_name.as_mut().expect("a name")[7] ^= 1;
    assert_eq!(check(live(&other)), "T16");
    type Ahead = fn(&mut TpmClock);
    let ahead: [Ahead; 3] =
        [|clock| clock.ms += 1, |clock| clock.resets += 1, |clock| clock.restarts += 1];
    for change in ahead {
        let mut other = content.clone();
        change(other.tpm.keys[0].clock.as_mut().expect("a clock"));
        assert_eq!(check(live(&other)), "T22");
        // A proof from before the last quote is good in archival verification, which says so.
        other.required_checks = vec!["T16".into(), "T23".into()];
        assert!(at(policy_of(&other)).is_ok());
    }
}

#[test]
fn what_is_known_of_one_key_is_not_asked_of_another() {
    let (mut content, key, _) = machine();
    let stranger = [&[0, 0x0b], &[0xff; 32][..]].concat();
    content.tpm.ak_names.push(stranger.clone());
    content.tpm.ak_names.sort();
    let qualified_name = Some([&[0, 0x0b], &[0xee; 32][..]].concat());
    let clock = key.clock.map(|clock| TpmClock { resets: clock.resets + 9, ..clock });
    content.tpm.keys = vec![AttestationKey { name: stranger, qualified_name, clock }];
    let verified = live(&content).expect("valid");
    assert!(matches!(outcome(&verified, "T16"), Outcome::NotChecked(_)));
    assert!(matches!(outcome(&verified, "T22"), Outcome::NotChecked(_)));
}
