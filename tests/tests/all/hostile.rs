//! A proof under attack: every field, every byte, every part swapped. Each refusal names the
//! check that the verifier's list gives it.

use attest::VerificationTime;
use crypto::{Digest, Salt};
use facts::Millis;
use proof::{Proof, Statement};
use rules::Outcome;
use tests::sample::{BODY, QUOTED_AT, SALT, Sample};
use verify::{Materials, Policy, Verified, Verifier, VerifyError};

fn judge(policy: Policy, proof: &[u8], materials: &Materials<'_>) -> Result<Verified, VerifyError> {
    Verifier::new(policy).verify(proof, materials)
}

fn all<'a>(sample: &'a Sample) -> Materials<'a> {
    Materials {
        bundle: Some(&sample.world.signed_bundle),
        input: Some(BODY),
        salt: Some(SALT),
        ..Materials::default()
    }
}

fn refused(sample: &Sample, proof: &Proof, check: &str) {
    match judge(sample.policy(), &proof.to_bytes(), &all(sample)) {
        Ok(_) => panic!("accepted, {check} expected"),
        Err(rejected) => {
            assert_eq!(rejected.check(), check, "{rejected}");
            assert!(!rejected.remedy().is_empty());
        }
    }
}

#[test]
fn the_sample_is_valid_and_says_what_was_not_checked() {
    let sample = Sample::new();
    let verified = judge(sample.policy(), &sample.proof.to_bytes(), &all(&sample)).expect("valid");
    assert_eq!(verified.statement().decision(), Outcome::Report);
    let open = |verified: &Verified| -> Vec<&str> {
        verified
            .checks()
            .iter()
            .filter(|(_, outcome)| *outcome != verify::Outcome::Passed)
            .map(|(check, _)| check.name())
            .collect()
    };
    assert_eq!(open(&verified), ["P9", "P11", "P19", "P20", "P21", "P22"]);
    let bare = judge(sample.policy(), &sample.proof.to_bytes(), &Materials::default());
    let bare = bare.expect("valid without materials");
    assert_eq!(
        open(&bare),
        ["P9", "P11", "P12", "P13", "P14", "P15", "P16", "P17", "P19", "P20", "P21", "P22"]
    );
    assert!(!verified.nitro().expect("nitro evidence").anchor().is_built_in());
}

#[test]
fn no_byte_of_a_proof_can_change() {
    let sample = Sample::new();
    let bytes = sample.proof.to_bytes();
    let mut verifier = Verifier::new(sample.policy());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        // The signature of the document has one harmless twin, and a bit flip does not find it.
        let verdict = verifier.verify(&changed, &Materials::default());
        assert!(verdict.is_err(), "byte {at} may change");
    }
    for end in 0..bytes.len() {
        assert!(Proof::parse(&bytes[..end]).is_err(), "{end}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(judge(sample.policy(), &longer, &all(&sample)).expect_err("longer").check(), "P1");
    let huge = vec![0; proof::PROOF_BYTES_MAX + 1];
    assert_eq!(judge(sample.policy(), &huge, &all(&sample)).expect_err("huge").check(), "P1");
}

type Change = fn(&mut Statement);

/// A statement that is false, yet signed by the attested key and logged: what only materials and
/// replay can show.
#[test]
fn a_lying_enclave_is_caught_by_recomputation() {
    let sample = Sample::new();
    let lies: [(&str, Change); 21] = [
        ("P15", |s| s.input_hash = Digest([0; 32])),
        ("P16", |s| s.facts_hash = Digest([0; 32])),
        ("P12", |s| s.rule_hash = Digest([0; 32])),
        ("P17", |s| s.state_hash = Digest([0; 32])),
        ("P17", |s| s.output_hash = Digest([0; 32])),
        ("P17", |s| s.trace_hash = Digest([0; 32])),
        ("P17", |s| s.rules[0].outcome = Outcome::Pass),
        ("P12", |s| s.not_covered = vec![("UK".into(), "AML".into())]),
        ("P12", |s| s.rules_age_ms = 48 * 3_600_000),
        ("P12", |s| s.rules_age_ms = 12 * 3_600_000 + 1),
        ("P16", |s| s.engine.facts = 3),
        ("P17", |s| s.rules[0].reason = 0),
        ("P13", |s| s.rules[0].module = Digest([0; 32])),
        ("P13", |s| s.rules[0].version = "1.0.1".into()),
        ("P12", |s| s.rulebook.hash = Digest([0; 32])),
        ("P12", |s| (s.rulebook.version, s.newest_version) = (2, 2)),
        ("P15", |s| s.newest_version = 2),
        ("P14", |s| s.lists = vec![("x".into(), Digest([0; 32]))]),
        ("P17", |s| s.engine.engine = "wasmi/1.1.0".into()),
        ("P15", |s| s.as_of = Millis(s.as_of.0 + 1)),
        ("P15", |s| s.nonce = None),
    ];
    for (check, change) in lies {
        refused(&sample, &sample.with_statement(change), check);
    }
    refused(
        &sample,
        &sample.with_statement(|s| s.evaluated_at = Millis(QUOTED_AT.0 + 1_001)),
        "P10",
    );
    refused(
        &sample,
        &sample.with_statement(|s| s.evaluated_at = Millis(QUOTED_AT.0 - 120_001)),
        "P10",
    );
    refused(&sample, &sample.with_statement(|s| s.boot_id = [1; 16]), "P8");
    let other = tests::world::key(6).verifying_key().did_key();
    refused(&sample, &sample.with_statement(|s| s.agent = other), "P5");
}

#[test]
fn parts_of_other_proofs_do_not_fit() {
    let sample = Sample::new();
    let other = sample.with_statement(|s| s.proof_id = [9; 16]);
    let mut bare = sample.proof.clone();
    bare.unsigned = None;
    refused(&sample, &bare, "P6");
    let swapped = Proof { signed: sample.proof.signed.clone(), unsigned: other.unsigned.clone() };
    refused(&sample, &swapped, "P7");
    let change = |change: fn(&mut proof::Unsigned)| {
        let mut proof = sample.proof.clone();
        change(proof.unsigned.as_mut().expect("complete"));
        proof
    };
    refused(&sample, &change(|u| u.inclusion.index = 2), "P7");
    refused(&sample, &change(|u| u.inclusion.index = 5), "P7");
    refused(&sample, &change(|u| u.inclusion.index = 0), "P7");
    refused(&sample, &change(|u| u.inclusion.size = 4), "P8");
    refused(&sample, &change(|u| u.inclusion.path.push([0; 32])), "P7");
    refused(&sample, &change(|u| u.inclusion.path.truncate(1)), "P7");
    refused(&sample, &change(|u| u.inclusion.path.reverse()), "P7");
    refused(&sample, &change(|u| u.evidence.kind = "tpm".into()), "P6");
    // Another enclave's key under a genuine quote.
    let stranger = tests::world::key(6);
    let mut statement = sample.statement.clone();
    statement.agent = stranger.verifying_key().did_key();
    let signed = proof::SignedStatement::sign(statement, &stranger).expect("short");
    refused(&sample, &Proof { signed, unsigned: sample.proof.unsigned.clone() }, "P6");
}

#[test]
fn the_policy_is_the_verifiers() {
    let sample = Sample::new();
    let bytes = sample.proof.to_bytes();
    let verdict = |policy| judge(policy, &bytes, &Materials::default());
    let check = |policy| verdict(policy).expect_err("refused").check();
    assert!(verdict(sample.policy().with_nonce(b"nonce".to_vec())).is_ok());
    assert_eq!(check(sample.policy().with_nonce(b"other".to_vec())), "P11");
    let live = |now_ms| sample.policy_at(VerificationTime::Live { now_ms });
    assert!(verdict(live(QUOTED_AT.0 + 60_000)).is_ok());
    assert_eq!(check(live(QUOTED_AT.0 + 301_000)), "N40");
    assert_eq!(check(live(QUOTED_AT.0 + 86_400_000)), "N28");
    assert_eq!(check(sample.policy().with_lag_ms_max(499)), "P10");
    let built_in = attest::TrustAnchor::aws_nitro_g1();
    let releases =
        || vec![attest::ReferenceValues::new("r", tests::sample::image()).expect("sound")];
    let aws = Policy::new(
        vec![built_in],
        VerificationTime::Document,
        releases(),
        sample.world.config.clone(),
    );
    assert_eq!(check(aws.expect("sound")), "N22");
    let mut config = sample.world.config.clone();
    config.threshold = 1;
    let anchors = vec![tests::sample::test_root()];
    let laxer = Policy::new(anchors.clone(), VerificationTime::Document, releases(), config);
    assert_eq!(check(laxer.expect("sound")), "N35");
    let mut pcrs = tests::sample::image();
    pcrs.insert(0, [1; 48]);
    let other_image = vec![attest::ReferenceValues::new("r", pcrs).expect("sound")];
    let policy =
        Policy::new(anchors, VerificationTime::Document, other_image, sample.world.config.clone());
    assert_eq!(check(policy.expect("sound")), "N34");
}

#[test]
fn preimages_have_to_be_the_right_ones() {
    let sample = Sample::new();
    let bytes = sample.proof.to_bytes();
    let check = |materials: Materials<'_>| {
        judge(sample.policy(), &bytes, &materials).expect_err("refused").check()
    };
    let reordered = String::from_utf8_lossy(BODY).replace("15000", "15000.00");
    let bundle = Some(&sample.world.signed_bundle[..]);
    let with = |input, salt| Materials { bundle, input: Some(input), salt, ..Materials::default() };
    assert_eq!(check(with(reordered.as_bytes(), Some(SALT))), "P15");
    assert_eq!(check(with(BODY, Some(Salt([8; 32])))), "P15");
    assert_eq!(check(with(BODY, None)), "P15");
    let unsigned =
        rules::sign_bundle(&sample.world.bundle, &[tests::world::key(1)]).expect("sound");
    let materials = Materials { bundle: Some(&unsigned), ..Materials::default() };
    assert_eq!(check(materials), "P12");
}

/// One result shown alone (P19), with a salt that opens nothing else.
#[test]
fn a_single_result_is_in_the_output() {
    let sample = Sample::new();
    let verified = judge(sample.policy(), &sample.proof.to_bytes(), &all(&sample)).expect("valid");
    let result = &verified.results().expect("replayed")[0];
    let salt = rules::leaf_salt(&SALT, 0);
    let check = |result: &rules::RuleResult, salt: &Salt, index| {
        verify::verify_single_result(&verified, result, salt, index, &[]).map_err(|e| e.check())
    };
    assert_eq!(check(result, &salt, 0), Ok(()));
    assert_eq!(check(result, &SALT, 0), Err("P19"), "the proof's own salt is not the leaf's");
    assert_eq!(check(result, &salt, 1), Err("P19"));
    let mut other = result.clone();
    other.outcome = Outcome::Pass;
    assert_eq!(check(&other, &salt, 0), Err("P19"));
    let mut other = result.clone();
    other.values.clear();
    assert_eq!(check(&other, &salt, 0), Err("P19"));
}

/// A statement whose decision does not follow from its outcomes cannot be made by our encoder; its
/// bytes are changed and signed again.
#[test]
fn a_decision_that_does_not_follow_is_refused_by_name() {
    let sample = Sample::new();
    let bytes = sample.statement.to_bytes();
    let at = bytes.windows(4).position(|w| w == [0x14, 0x82, 0xf5, 0x01]).expect("decision");
    let mut changed = bytes.clone();
    changed[at + 3] = 0x00;
    let refused = Statement::parse(&changed).expect_err("false decision");
    assert_eq!(refused.check(), "P18");
}
