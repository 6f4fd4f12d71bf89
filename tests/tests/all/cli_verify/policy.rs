//! One command, three files: what was decided, by which rules, on which hardware, when, what was
//! not checked, and under whose policy.

use super::desk::{Desk, content, policy_keys};
use crypto::{SigningKey, to_hex};
use facts::Millis;
use tests::sample::QUOTED_AT;

#[test]
fn proof_and_policy_say_everything_in_one_command() {
    let desk = Desk::new();
    let run = desk.judge(&["proof", "proof.cbor"]);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let statement = &desk.sample.statement;
    let has = |words: &[&str]| {
        let found = run.out.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(found, "{words:?} in one line of\n{}", run.out);
    };
    has(&["decision", statement.decision().name(), "compliant", &statement.as_of.to_string()]);
    has(&["rules", "us-core version 1", "bundle"]);
    has(&["evaluated", &statement.evaluated_at.to_string()]);
    has(&["enclave", "nitro", "TEST ROOT test-root", "release sample"]);
    has(&["quoted", &QUOTED_AT.to_string(), "archival", "nothing else confirms"]);
    has(&["policy", "field version 7", "in force until"]);
    // The sample's day is long over: the past may be judged, and the reader is told.
    has(&["policy", "EXPIRED", "not in force now"]);
    let [one, two, three] = policy_keys().map(|key| key.verifying_key().did_key());
    has(&["signed by", &one]);
    has(&["signed by", &two]);
    assert!(!run.out.contains(&three), "{}", run.out);
    has(&["NOT PINNED", "--policy-signer"]);
    // Every check that was not made is there in words, with its reason.
    has(&["not checked", "P17", "replay gives the same bytes: ", "was not given"]);
    has(&["not checked", "P20", "witness"]);
    has(&["not checked", "N40", "age"]);
    let open = run.out.lines().filter(|line| line.starts_with("not checked")).count();
    let json = desk.judge(&["proof", "proof.cbor", "--json"]).json();
    let lists = [&json["checks"], &json["evidence"]["checks"]];
    let checks: Vec<_> = lists.iter().flat_map(|list| list.as_array().expect("a list")).collect();
    assert_eq!(checks.len(), 22 + 42);
    assert_eq!(open, checks.iter().filter(|check| check["passed"].is_null()).count());
    assert!(run.out.trim_end().lines().last().is_some_and(|l| l.starts_with("VALID under a test")));

    assert_eq!(json["policy"]["name"], "field");
    assert_eq!(json["policy"]["version"], 7);
    assert_eq!(json["policy"]["pinned"], false);
    assert_eq!(json["policy"]["in_force"], false);
    assert_eq!(json["policy"]["signers"].as_array().map(Vec::len), Some(2));
    let bytes = std::fs::read(desk.path("policy.cbor")).expect("policy");
    let verified = ::policy::SignedPolicy::verify(&bytes, None).expect("sound");
    assert_eq!(json["policy"]["hash"], to_hex(&verified.hash()));
    assert_eq!(json["evidence"]["time"]["mode"], "archival");
    assert_eq!(json["evidence"]["time"]["assumed"], true);
}

#[test]
fn with_bundle_and_input_the_same_command_replays() {
    let desk = Desk::new();
    let materials = ["--rules", "bundle.cose", "--input", "input.json", "--salt", "salt"];
    let run = desk.judge(&[&["proof", "proof.cbor"], &materials[..]].concat());
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    assert!(run.out.contains("same outcome") && run.out.contains("15000"), "{}", run.out);
    assert!(!run.out.contains("P17"), "{}", run.out);
}

#[test]
fn a_policy_counts_by_who_signed_it() {
    let desk = Desk::new();
    let [one, two, three] = policy_keys().map(|key| key.verifying_key().did_key());
    let stranger = tests::world::key(99).verifying_key().did_key();
    let judge = |more: &[&str]| desk.judge(&[&["proof", "proof.cbor", "--json"], more].concat());
    let pinned = judge(&["--policy-signer", &one, "--policy-signer", &two]);
    assert_eq!(pinned.code, Some(0), "{}", pinned.out);
    assert_eq!(pinned.json()["policy"]["pinned"], true);
    desk.write("one.did", format!("{one}\n"));
    assert_eq!(judge(&["--policy-signer", "one.did"]).code, Some(0));
    let any_of = ["--policy-signer", &one, "--policy-signer", &three, "--policy-threshold", "1"];
    assert_eq!(judge(&any_of).code, Some(0));
    for wrong in [
        &["--policy-signer", &stranger][..],
        // It is one of the policy's own, and has not signed this one.
        &["--policy-signer", &three],
        &["--policy-signer", &one, "--policy-signer", &three],
    ] {
        let run = judge(wrong);
        assert_eq!((run.code, &run.json()["check"]), (Some(1), &"Y5".into()), "{}", run.out);
    }
    for misuse in [
        &["--policy-signer", "did:key:zzz"][..],
        &["--policy-signer", &one, "--policy-signer", &one],
        &["--policy-signer", &one, "--policy-threshold", "2"],
        &["--policy-signer", &one, "--policy-threshold", "0"],
        &["--policy-threshold", "1"],
        &["--measurements", "measurements.json"],
        &["--root", "root.der"],
        &["--boot", "boot.cbor"],
        &["--max-age", "5"],
        &["--lag", "5"],
    ] {
        let run = judge(misuse);
        assert_eq!(run.code, Some(2), "{misuse:?}: {}", run.out);
    }
    let run = desk.run(&["proof", "proof.cbor"]);
    assert_eq!(run.code, Some(2), "neither policy nor files: {}", run.out);
    let pin_alone = desk.run(&["proof", "proof.cbor", "--policy-signer", &one]);
    assert_eq!(pin_alone.code, Some(2));
}

#[test]
fn what_is_wrong_with_a_policy_is_a_verdict_with_a_number() {
    let desk = Desk::new();
    let sound = std::fs::read(desk.path("policy.cbor")).expect("policy");
    let check = |bytes: &[u8], at: &str| {
        desk.write("policy.cbor", bytes);
        let run =
            desk.run(&["proof", "proof.cbor", "--policy", "policy.cbor", "--at", at, "--json"]);
        (run.code, run.json()["check"].as_str().map(str::to_owned))
    };
    let refused = |number: &str| (Some(1), Some(number.to_owned()));
    assert_eq!(check(b"no policy", "document"), refused("Y1"));
    let mut altered = sound.clone();
    let at = altered.windows(5).position(|bytes| bytes == b"field").expect("the name");
    altered[at] = b'F';
    assert_eq!(check(&altered, "document"), refused("Y4"));
    let [one, _, _] = policy_keys();
    let alone = ::policy::sign(&content(&desk.sample), &[one]).expect("sound");
    assert_eq!(check(&alone, "document"), refused("Y4"));
    // It expired long ago: for a live verdict that is a refusal.
    assert_eq!(check(&sound, "now"), refused("Y6"));
    assert_eq!(check(&sound, "document").0, Some(0));
    let run = desk.run(&["proof", "proof.cbor", "--policy", "policy.cbor", "--at", "now"]);
    assert!(run.out.starts_with("REJECTED Y6"), "{}", run.out);
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
}

#[test]
fn revoked_retired_and_required_are_told_apart() {
    let desk = Desk::new();
    let signer = desk.sample.signer.verifying_key();
    let judged = |change: &dyn Fn(&mut ::policy::Content)| {
        let mut changed = content(&desk.sample);
        change(&mut changed);
        desk.sign_policy(&changed);
        let run = desk.judge(&["proof", "proof.cbor"]);
        let json = desk.judge(&["proof", "proof.cbor", "--json"]).json();
        (run, json)
    };
    let (run, json) = judged(&|content| {
        content.revoked_signers =
            vec![::policy::RevokedSigner { key: signer, reason: "key was stolen".into() }];
    });
    assert_eq!((run.code, &json["verdict"]), (Some(1), &"revoked".into()), "{}", run.out);
    assert!(run.out.starts_with("REVOKED P6") && run.out.contains("stolen"), "{}", run.out);
    let (run, json) = judged(&|content| {
        let from = Millis(QUOTED_AT.0 - 5000);
        let reason = "rolled over".into();
        content.retired_signers = vec![::policy::RetiredSigner { key: signer, from, reason }];
    });
    assert_eq!((run.code, &json["verdict"]), (Some(1), &"retired".into()), "{}", run.out);
    let (run, json) = judged(&|content| content.required_checks = vec!["P15".into()]);
    assert_eq!((run.code, &json["check"]), (Some(1), &"P15".into()), "{}", run.out);
    let (run, json) = judged(&|content| {
        content.releases[0].to = Some(Millis(QUOTED_AT.0 - 1));
    });
    assert_eq!((run.code, &json["check"]), (Some(1), &"N34".into()), "{}", run.out);
}

#[test]
fn a_document_alone_is_judged_under_the_policy_too() {
    let desk = Desk::new();
    let unsigned = desk.sample.proof.unsigned.as_ref().expect("complete");
    desk.write("document", &unsigned.evidence.document);
    let run = desk.judge(&["nitro", "document"]);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    assert!(
        run.out.contains("release sample") && run.out.contains("field version 7"),
        "{}",
        run.out
    );
    // Its kind is never guessed.
    let other = desk.judge(&["nitro", "document", "--kind", "nitrotpm", "--json"]);
    assert_eq!(other.code, Some(1), "{}", other.out);
    let flags = ["nitro", "document", "--root", "root.der", "--at", "document", "--json"];
    let other = desk.run(&[&flags[..], &["--kind", "nitrotpm"]].concat());
    assert_eq!((other.code, &other.json()["check"]), (Some(1), &"N33".into()), "{}", other.out);
}

#[test]
fn a_log_is_audited_under_the_policy() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    let desk = Desk::new();
    let proofs = super::desk::many(&desk.sample, 3);
    let record = to_hex(&desk.sample.record.to_bytes());
    let mut lines = vec![format!("{{\"boot_record\":\"{record}\"}}")];
    for (index, proof) in (1..).zip(&proofs) {
        let proof = BASE64.encode(proof.to_bytes());
        lines.push(format!("{{\"index\":{index},\"proof\":\"{proof}\"}}"));
    }
    lines.push("{\"size\":4}".into());
    desk.write("log.ndjson", lines.join("\n"));
    let run = desk.judge(&["log", "log.ndjson"]);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    assert!(run.out.contains("field version 7"), "{}", run.out);
    let keys: Vec<SigningKey> = policy_keys().into();
    assert_eq!(keys.len(), 3);
    // Another policy's boot configuration is not this log's.
    let mut other = content(&desk.sample);
    let mut config = desk.sample.world.config.clone();
    config.rulebook.push('x');
    other.boot_configs = vec![config.to_bytes()];
    desk.sign_policy(&other);
    let run = desk.judge(&["log", "log.ndjson", "--json"]);
    assert_eq!((run.code, &run.json()["check"]), (Some(1), &"P9".into()), "{}", run.out);
}
