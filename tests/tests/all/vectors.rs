//! Frozen vectors: `shared/proof/vectors/proof-2.json` holds every format of FORMAT.md once, and
//! this test makes each value again. To freeze a new version, run with PROBITY_FREEZE=1 and give
//! the file a new number; a changed byte in an old file is a broken promise.

use crypto::to_hex;
use rules::SignedBundle;
use serde_json::{Value, json};
use tests::sample::{BODY, QUOTED_AT, SALT, Sample, image, test_root};
use verify::{Materials, Verifier};

fn computed() -> Value {
    let sample = Sample::new();
    let world = &sample.world;
    let signed = &sample.proof.signed;
    let unsigned = sample.proof.unsigned.as_ref().expect("complete");
    let request = messages::parse_request(BODY).expect("sound");
    let record = facts::record(&request, request.as_of.expect("given")).expect("sound");
    let single = &SignedBundle::parse_unverified(&world.signed_bundle).expect("parses");
    let verified = Verifier::new(sample.policy())
        .verify(&sample.proof.to_bytes(), &materials(&world.signed_bundle))
        .expect("the sample verifies");
    let result = &verified.results().expect("replayed")[0];
    let pcrs: serde_json::Map<_, _> =
        image().iter().map(|(index, pcr)| (format!("pcr{index}"), to_hex(pcr).into())).collect();
    json!({
        "about": "One proof of FORMAT.md, made with published keys; bytes in hexadecimal",
        "input": String::from_utf8_lossy(BODY),
        "salt": to_hex(&SALT.0),
        "record": to_hex(record.as_bytes()),
        "signer_seed": to_hex(&[5; 32]),
        "agent": sample.statement.agent,
        "authority_seeds": [to_hex(&[1; 32]), to_hex(&[2; 32]), to_hex(&[3; 32])],
        "freshness_seed": to_hex(&[4; 32]),
        "bundle": to_hex(&world.signed_bundle),
        "bundle_hash": single.hash().to_string(),
        "rule_digest": single.rules[0].digest().to_string(),
        "module_hash": rules::module_hash(&single.modules[0]).to_string(),
        "freshness": to_hex(&world.freshness(tests::world::ISSUED_AT)),
        "boot_config": to_hex(&world.config.to_bytes()),
        "boot_config_hash": world.config.hash().to_string(),
        "pcr16": to_hex(&world.config.pcr16()),
        "boot_record": to_hex(&sample.record.to_bytes()),
        "boot_record_hash": sample.record.hash().to_string(),
        "key_set": to_hex(&proof::key_set(&sample.signer.verifying_key())),
        "rule_result": to_hex(&result.to_bytes()),
        "wide_result": to_hex(&wide_result().to_bytes()),
        "fuel": fuel(&sample),
        "leaf_salt": to_hex(&rules::leaf_salt(&SALT, 0).0),
        "output_leaf": result.leaf(&rules::leaf_salt(&SALT, 0)).to_string(),
        "statement": to_hex(&sample.statement.to_bytes()),
        "sig_structure": to_hex(&signed.sig_structure()),
        "proof_hash": signed.proof_hash().to_string(),
        "signed_statement": to_hex(&signed.to_bytes()),
        "leaves_before": [sample.record.hash().to_string(), "aa".repeat(32), "bb".repeat(32)],
        "leaves_after": ["cc".repeat(32)],
        "checkpoint": to_hex(&sample.checkpoint.to_bytes()),
        "document": to_hex(&unsigned.evidence.document),
        "document_time_ms": QUOTED_AT.0,
        "test_root": to_hex(test_root().der()),
        "measurements": pcrs,
        "proof": to_hex(&sample.proof.to_bytes()),
        "view": verify::to_json(&sample.proof),
    })
}

/// A result with the values that the sample's rule does not have.
fn wide_result() -> rules::RuleResult {
    let money = |mantissa, scale, currency: &str| rules::Value::Money {
        mantissa,
        scale,
        currency: currency.into(),
    };
    rules::RuleResult {
        id: "wide".into(),
        version: "1".into(),
        outcome: rules::Outcome::Pass,
        reason: 0,
        values: vec![
            money(-(10_i128.pow(36)), 18, "ETH"),
            money(i64::MAX.into(), 2, ""),
            rules::Value::Duration(86_400_000),
        ],
    }
}

/// The fuel of the one rule: under `trace_hash`, not in the statement.
fn fuel(sample: &Sample) -> u64 {
    let (program, record) = sample.program();
    let request = messages::parse_request(BODY).expect("sound");
    let as_of = request.as_of.expect("given");
    let bundle = program.bundle().bundle();
    let rules = bundle.select(&request.jurisdictions, &request.domains, as_of).expect("one rule");
    program.run(&rules, &record).traces[0].fuel
}

fn materials(bundle: &[u8]) -> Materials<'_> {
    Materials { bundle: Some(bundle), input: Some(BODY), salt: Some(SALT), ..Materials::default() }
}

#[test]
fn wide_results_are_read_back() {
    let result = wide_result();
    assert_eq!(rules::RuleResult::from_bytes(&result.to_bytes()), Ok(result));
}

#[test]
fn every_format_is_frozen() {
    let path = tests::root().join("shared/proof/vectors/proof-2.json");
    let computed = computed();
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        std::fs::write(&path, format!("{computed:#}\n")).expect("vectors written");
    }
    let text = std::fs::read_to_string(&path).expect("vectors");
    let frozen: Value = serde_json::from_str(&text).expect("JSON");
    let keys = |value: &Value| value.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>());
    assert_eq!(keys(&frozen), keys(&computed));
    for (key, value) in frozen.as_object().expect("object") {
        assert_eq!(*value, computed[key], "{key} changed");
    }
}

#[test]
fn the_json_view_is_loss_free() {
    let sample = Sample::new();
    let view = verify::to_json(&sample.proof);
    let back = verify::from_json(&view).expect("a view of a proof");
    assert_eq!(back.to_bytes(), sample.proof.to_bytes());
    let mut bare = sample.proof.clone();
    bare.unsigned = None;
    assert_eq!(verify::from_json(&verify::to_json(&bare)).expect("bare"), bare);
    for (pointer, value) in [
        ("/statement/decision/compliant", json!(false)),
        ("/proof_hash", json!("00".repeat(32))),
        ("/statement/as_of", json!("2026-01-01T12:00:00Z")),
        ("/statement/rules/0/reason", json!(-1)),
        ("/unsigned/inclusion/index", json!("3")),
    ] {
        let mut changed = view.clone();
        *changed.pointer_mut(pointer).expect(pointer) = value;
        assert!(verify::from_json(&changed).is_err(), "{pointer}");
    }
    let mut extra = view.clone();
    extra["statement"]["extra"] = json!(1);
    assert!(verify::from_json(&extra).is_err());
}

/// An independent COSE library reads and verifies the envelope.
#[test]
fn coset_agrees() {
    use coset::{CborSerializable, TaggedCborSerializable};
    let sample = Sample::new();
    let envelope = coset::CoseSign1::from_tagged_slice(&sample.proof.to_bytes()).expect("COSE");
    assert_eq!(
        envelope.protected.header.alg,
        Some(coset::Algorithm::Assigned(coset::iana::Algorithm::EdDSA))
    );
    envelope
        .verify_signature(&[], |signature, message| {
            let signature = crypto::Signature(signature.try_into().expect("64 bytes"));
            sample.signer.verifying_key().verify_strict(message, &signature)
        })
        .expect("verifies");
    let document = &sample.proof.unsigned.as_ref().expect("complete").evidence.document;
    assert!(coset::CoseSign1::from_slice(document).is_ok());
}

/// rs_merkle's roots are ours, for every size that an output tree or a small log has.
#[test]
fn rs_merkle_agrees_on_roots() {
    #[derive(Clone)]
    struct Rfc9162;
    impl rs_merkle::Hasher for Rfc9162 {
        type Hash = [u8; 32];
        fn hash(data: &[u8]) -> [u8; 32] {
            tlog::leaf_hash(data)
        }
        fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
            right.map_or(*left, |right| tlog::node_hash(left, right))
        }
    }
    for size in 1..200_u32 {
        let leaves: Vec<_> = (0..size).map(|n| tlog::leaf_hash(&n.to_be_bytes())).collect();
        let theirs = rs_merkle::MerkleTree::<Rfc9162>::from_leaves(&leaves).root();
        assert_eq!(theirs, Some(tlog::merkle_root(&leaves)), "{size}");
    }
}
