//! Kinds of evidence and what the policy says of each: releases, windows, boot configurations,
//! required checks.

use crate::support::*;
use attestation_fixtures::proofs::{Backing, QUOTED_AT_MS};
use facts::Millis;
use policy::{Kind, RevokedRelease};
use verify::{Materials, Outcome, TimeEvidence, Verdict, Verifier};

#[test]
fn each_kind_is_accepted_where_the_policy_names_it() {
    let every = policy_of(&every_kind());
    for (backing, kind) in [(Backing::Nitro, Kind::Nitro), (Backing::NitroTpm, Kind::NitroTpm)] {
        let verified = archival(every.clone(), &proof(backing)).expect("valid");
        assert_eq!(verified.kind(), kind);
        assert_eq!(verified.quoted_at(), Some(Millis(QUOTED_AT_MS)));
        assert_eq!(outcome(&verified, "P10"), Outcome::Passed);
        assert!(verified.nitro().is_some() && verified.tpm().is_none());
    }
    assert_eq!(check(archival(policy_of(&nitro()), &proof(Backing::NitroTpm))), "P6");
    assert_eq!(check(archival(policy_of(&nitro()), &proof(Backing::Tpm))), "P6");
}

/// An enclave's document under the label of an instance's, and the other way round.
#[test]
fn the_label_does_not_make_the_kind() {
    let every = policy_of(&every_kind());
    let mut spec = spec(Backing::Nitro);
    spec.kind = "nitrotpm";
    assert_eq!(check(archival(every.clone(), &spec.to_bytes())), "N33");
    let mut spec = crate::support::spec(Backing::NitroTpm);
    spec.kind = "nitro";
    assert_eq!(check(archival(every.clone(), &spec.to_bytes())), "N33");
    spec.kind = "tpm";
    assert_eq!(check(archival(every.clone(), &spec.to_bytes())), "T13");
    let at = Verifier::archival(every, TimeEvidence::Assumed { ms: QUOTED_AT_MS });
    assert_eq!(check(at.verify(&spec.to_bytes(), &Materials::default())), "T13");
    spec.kind = "sgx";
    assert_eq!(check(at.verify(&spec.to_bytes(), &Materials::default())), "P6");
}

#[test]
fn a_tpms_quote_is_judged_and_has_no_time() {
    let every = policy_of(&every_kind());
    let bytes = proof(Backing::Tpm);
    let assumed = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
    let verifier = Verifier::archival(every.clone(), assumed);
    let archival = verifier.verify(&bytes, &Materials::default()).expect("valid");
    assert_eq!((archival.kind(), archival.quoted_at()), (Kind::Tpm, None));
    assert!(archival.assumption().contains("ASSUMING"));
    assert!(matches!(outcome(&archival, "P10"), Outcome::NotChecked(why) if why.contains("clock")));
    assert_eq!(outcome(&archival, "T17"), Outcome::Passed);
    assert_eq!(outcome(&archival, "T24"), Outcome::Passed);
    assert!(matches!(outcome(&archival, "T25"), Outcome::NotChecked(_)));
    // With the log of the measured boot, T25 to T30 are made.
    let log = event_log();
    let materials = Materials { event_log: Some(&log), ..Materials::default() };
    let archival = verifier.verify(&bytes, &materials).expect("the log replays");
    assert_eq!(outcome(&archival, "T25"), Outcome::Passed);
    let broken = Materials { event_log: Some(&log[..log.len() - 1]), ..Materials::default() };
    assert!(check(verifier.verify(&bytes, &broken)).starts_with('T'));
    // Its own time does not exist.
    let own = Verifier::archival(every.clone(), TimeEvidence::DocumentOwn);
    assert_eq!(check(own.verify(&bytes, &Materials::default())), "P10");
    let live = Verifier::live(every, QUOTED_AT_MS).expect("in force");
    assert!(live.verify(&bytes, &Materials::default()).is_ok());
}

#[test]
fn a_tpms_registers_keys_and_log_are_the_policys() {
    let judge = |change: &dyn Fn(&mut policy::Content)| {
        let mut content = every_kind();
        change(&mut content);
        let time = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
        let verifier = Verifier::archival(policy_of(&content), time);
        check(verifier.verify(&proof(Backing::Tpm), &Materials::default()))
    };
    assert_eq!(judge(&|_| ()), "accepted");
    assert_eq!(judge(&|c| c.tpm.event_log_required = true), "T25");
    assert_eq!(judge(&|c| c.tpm.ak_names = vec![[&[0, 0x0b], &[1; 32][..]].concat()]), "T8");
    let first = *every_kind().tpm.pcrs.keys().next().expect("one");
    assert_eq!(judge(&|c| drop(c.tpm.pcrs.insert(first, vec![1; 32]))), "T24");
    assert_eq!(judge(&|c| drop(c.tpm.pcrs.insert(15, vec![1; 32]))), "T19");
    assert_eq!(judge(&|c| c.tpm.boot_pcr = Some(13)), "T19");
    assert_eq!(judge(&other_config), "T24");
    assert_eq!(judge(&|c| c.required_checks = vec!["P10".into()]), "P10");
    assert_eq!(judge(&|c| c.required_checks = vec!["T25".into()]), "T25");
    assert_eq!(judge(&|c| c.required_checks = vec!["N40".into()]), "accepted");
}

/// Another authority's rules.
fn other_config(content: &mut policy::Content) {
    let mut config = world().config.clone();
    config.threshold = 1;
    content.boot_configs = vec![config.to_bytes()];
}

#[test]
fn the_boot_configuration_is_one_of_the_policys() {
    let nitro_only = |change: &dyn Fn(&mut policy::Content)| {
        check(archival(changed(|content| change(content)), &proof(Backing::Nitro)))
    };
    assert_eq!(nitro_only(&other_config), "N35");
    let both = |content: &mut policy::Content| {
        let ours = content.boot_configs.clone();
        other_config(content);
        content.boot_configs.extend(ours);
        content.boot_configs.sort_unstable();
    };
    assert_eq!(nitro_only(&both), "accepted");
    // An instance's register identifies it together with the image.
    let mut content = every_kind();
    other_config(&mut content);
    assert_eq!(check(archival(policy_of(&content), &proof(Backing::NitroTpm))), "N34");
}

#[test]
fn a_release_is_accepted_in_its_window_and_never_when_revoked() {
    let window = |from: u64, to: Option<u64>| {
        changed(|content| {
            content.releases[0].from = Millis(from);
            content.releases[0].to = to.map(Millis);
        })
    };
    let bytes = proof(Backing::Nitro);
    let own = |policy| check(archival(policy, &bytes));
    assert_eq!(own(window(QUOTED_AT_MS, Some(QUOTED_AT_MS + 1))), "accepted");
    assert_eq!(own(window(QUOTED_AT_MS + 1, None)), "N34");
    assert_eq!(own(window(0, Some(QUOTED_AT_MS))), "N34");
    // The judged moment counts: the same window refuses half a minute later.
    let live = |ms| {
        let verifier = Verifier::live(window(0, Some(QUOTED_AT_MS + 10_000)), ms);
        check(verifier.expect("in force").verify(&bytes, &Materials::default()))
    };
    assert_eq!(live(QUOTED_AT_MS + 9_999), "accepted");
    assert_eq!(live(QUOTED_AT_MS + 10_000), "N34");
    let revoked = changed(|content| {
        content.revoked_releases = vec![RevokedRelease { name: "1.0".into(), reason: "x".into() }];
    });
    let error = archival(revoked, &bytes).expect_err("revoked");
    assert_eq!((error.check(), error.verdict()), ("N34", Verdict::Revoked));
    let other = changed(|content| content.releases[0].pcrs.get_mut(&0).expect("PCR0")[5] ^= 1);
    assert_eq!(own(other), "N34");
}

#[test]
fn registers_regions_and_certificates_are_the_policys() {
    let bytes = proof(Backing::Nitro);
    let judge = |change: &dyn Fn(&mut policy::Content)| {
        check(archival(changed(|content| change(content)), &bytes))
    };
    assert_eq!(judge(&|c| c.required_pcrs = [(8, [1; 48])].into()), "N35");
    assert_eq!(judge(&|c| c.regions = Some(vec!["mars-1".into()])), "N31");
    assert_eq!(judge(&|c| c.anchors = vec![policy::Anchor::AwsNitroG1]), "N22");
    assert_eq!(judge(&|c| c.freshness.lag_ms_max = 499), "P10");
}

#[test]
fn what_is_required_has_to_be_checked() {
    let bytes = proof(Backing::Nitro);
    let judge = |name: &str, materials: &Materials<'_>| {
        let policy = changed(|content| content.required_checks = vec![name.into()]);
        let verifier = Verifier::archival(policy, TimeEvidence::DocumentOwn);
        check(verifier.verify(&bytes, materials))
    };
    let nothing = Materials::default();
    for made in ["P1", "P8", "P10", "N34", "N35", "T25"] {
        assert_eq!(judge(made, &nothing), "accepted", "{made}");
    }
    for missing in ["P11", "P12", "P15", "P17", "P19", "P21", "N30", "N40", "N42"] {
        assert_eq!(judge(missing, &nothing), missing);
    }
    let world = world();
    let salt = crypto::Salt(attestation_fixtures::proofs::SALT);
    let all = Materials {
        bundle: Some(&world.signed_bundle),
        input: Some(attestation_fixtures::proofs::BODY),
        salt: Some(salt),
        second_opinion: true,
        ..Materials::default()
    };
    for made in ["P12", "P15", "P16", "P17", "P21", "P22"] {
        assert_eq!(judge(made, &all), "accepted", "{made}");
    }
    let policy = policy_of(&nitro());
    assert_eq!(check(policy.clone().with_required_check("P23")), "Y3");
    let policy = policy.with_required_check("P11").expect("a check");
    assert_eq!(check(archival(policy.clone(), &bytes)), "P11");
    assert_eq!(check(archival(policy.clone().with_nonce(b"nonce".to_vec()), &bytes)), "accepted");
    assert_eq!(check(archival(policy.with_nonce(b"other".to_vec()), &bytes)), "P11");
}

/// P19 with the materials of a verification.
#[test]
fn a_single_result_can_be_shown() {
    let (world, bytes) = (world(), proof(Backing::Nitro));
    let salt = crypto::Salt(attestation_fixtures::proofs::SALT);
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let shown = |index: u32, leaf_salt| {
        let result = &world.results[0];
        let shown = verify::SingleResult { result, leaf_salt, index, path: &[] };
        verifier.verify(&bytes, &Materials { shown: Some(shown), ..Materials::default() })
    };
    let verified = shown(0, rules::leaf_salt(&salt, 0)).expect("it is in the output");
    assert_eq!(outcome(&verified, "P19"), Outcome::Passed);
    assert_eq!(check(shown(0, salt.clone())), "P19");
    assert_eq!(check(shown(1, rules::leaf_salt(&salt, 1))), "P19");
}
