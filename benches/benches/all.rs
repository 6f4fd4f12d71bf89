//! `make bench`: criterion for what one core does, load runs for what the service does, both in
//! one table with the physical floors of the same run. Writes `target/bench/summary.json`.
//! `BENCH_QUICK=1` shortens the load runs.

use benches::load::{Load, run};
use benches::table::Figures;
use criterion::{BatchSize, Criterion};
use crypto::{Salt, SigningKey};
use proof::SignedStatement;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::sample::{BODY, SALT, Sample};
use tests::stack::{Options, Stack};
use verify::{Materials, Verifier};
use vm::Program;

fn main() {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or(tests::root().join("target"), PathBuf::from);
    let folder = target.join("bench");
    let mut criterion = Criterion::default()
        .output_directory(&folder.join("criterion"))
        .sample_size(40)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    // BENCH_ONLY=load measures the service again and keeps the last figures of one core.
    if std::env::var("BENCH_ONLY").as_deref() != Ok("load") {
        floors(&mut criterion);
        evaluation(&mut criterion);
        proof_and_log(&mut criterion);
        verification(&mut criterion);
    }
    let mut figures = Figures::default();
    collect(&folder.join("criterion"), &mut figures);
    loads(&mut figures);
    let machine = benches::machine();
    let summary = folder.join("summary.json");
    std::fs::write(&summary, format!("{:#}\n", figures.json(&machine))).expect("summary written");
    println!("\n{machine}\n\n{}\nwritten to {}", figures.table(), summary.display());
}

fn floors(c: &mut Criterion) {
    let key = tests::world::key(9);
    let message = [7; 900];
    c.bench_function("floor ed25519 sign 900 B", |b| b.iter(|| key.sign(black_box(&message))));
    let signature = key.sign(&message);
    let public = key.verifying_key();
    c.bench_function("floor ed25519 verify", |b| {
        b.iter(|| public.verify_strict(black_box(&message), &signature))
    });
    let random = ring::rand::SystemRandom::new();
    let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
    let quote = pair.sign(&random, &message).expect("signed");
    let p384 = &ring::signature::ECDSA_P384_SHA384_FIXED;
    let public = UnparsedPublicKey::new(p384, pair.public_key().as_ref().to_vec());
    c.bench_function("floor p384 verify", |b| {
        b.iter(|| public.verify(black_box(&message), quote.as_ref()))
    });
    let mut file = tempfile::tempfile().expect("a file");
    c.bench_function("floor append 4 KiB and fsync", |b| {
        b.iter(|| file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("written"));
    });
}

/// The rule pack of the README, built by the product's own tool.
fn pack() -> (Program, rules::BootConfig) {
    let stack = Stack::start(Options::default());
    let config = std::fs::read(stack.path("boot.cbor")).expect("boot configuration");
    let config = rules::BootConfig::parse(&config).expect("sound");
    let bundle = std::fs::read(stack.path("bundle.cose")).expect("bundle");
    let verified = rules::SignedBundle::verify(&bundle, &config).expect("signed");
    (Program::load(verified, config.limits).expect("loads"), config)
}

/// A cash deposit with `rows` earlier ones in its history.
fn request(rows: usize) -> String {
    let body = benches::load::body(1);
    let history: Vec<_> = (0..rows)
        .map(|n| {
            format!(
                "{{\"timestamp\":\"2026-01-01T{:02}:{:02}:00Z\",\"type\":\"cash_deposit\",\
                 \"amount\":\"{}.00\",\"currency\":\"USD\",\"direction\":\"in\"}}",
                n / 60 % 24,
                n % 60,
                9000 + n
            )
        })
        .collect();
    let as_of = "\"as_of\":\"2026-01-02T00:00:00Z\"";
    let tail = format!(",{as_of},\"history\":[{}]}}", history.join(","));
    format!("{}{tail}", &body[..body.len() - 1])
}

fn evaluation(c: &mut Criterion) {
    let (program, _) = pack();
    for rows in [0, 50] {
        let body = request(rows);
        c.bench_function(&format!("request to record, {rows} history rows"), |b| {
            b.iter(|| {
                let request = facts::parse_request(black_box(body.as_bytes())).expect("sound");
                facts::record(&request, request.as_of.expect("given")).expect("sound")
            });
        });
        let request = facts::parse_request(body.as_bytes()).expect("sound");
        let record = facts::record(&request, request.as_of.expect("given")).expect("sound");
        let bundle = program.bundle().bundle();
        let as_of = request.as_of.expect("given");
        let selection = bundle.select(&request.jurisdictions, &request.domains, as_of);
        let selection = selection.expect("rules");
        let rules = selection.rules.len();
        c.bench_function(&format!("run {rows} rows"), |b| {
            b.iter(|| program.run(black_box(&selection), &record))
        });
        assert_eq!(rules, 4);
    }
}

fn proof_and_log(c: &mut Criterion) {
    let sample = Sample::new();
    let key: SigningKey = tests::world::key(5);
    c.bench_function("statement: encode, sign, hash", |b| {
        b.iter_batched(
            || sample.statement.clone(),
            |statement| SignedStatement::sign(statement, &key).map(|signed| signed.proof_hash()),
            BatchSize::SmallInput,
        );
    });
    let mut frontier = tlog::Frontier::new();
    c.bench_function("log: append one leaf", |b| {
        b.iter(|| frontier.append(tlog::leaf_hash(black_box(&[7; 32]))))
    });
}

fn verification(c: &mut Criterion) {
    let sample = Sample::new();
    let bytes = sample.proof.to_bytes();
    let nothing = Materials::default();
    c.bench_function("verify proof, cold", |b| {
        b.iter_batched(
            || Verifier::new(sample.policy()),
            |mut verifier| verifier.verify(black_box(&bytes), &nothing).expect("valid"),
            BatchSize::SmallInput,
        );
    });
    let mut warm = Verifier::new(sample.policy());
    c.bench_function("verify proof, quote seen before", |b| {
        b.iter(|| warm.verify(black_box(&bytes), &nothing).expect("valid"))
    });
    let document = &sample.proof.unsigned.as_ref().expect("complete").evidence.document;
    let anchors = vec![tests::sample::test_root()];
    let policy =
        attest::NitroPolicy::inspect_any_enclave(anchors, attest::VerificationTime::Document);
    c.bench_function("verify nitro document, cold", |b| {
        b.iter(|| attest::verify(black_box(document), &policy, None).expect("valid"))
    });
    let mut cache = attest::ChainCache::new(16);
    c.bench_function("verify nitro document, chain seen before", |b| {
        b.iter(|| attest::verify(black_box(document), &policy, Some(&mut cache)).expect("valid"))
    });
    let bundle = &sample.world.signed_bundle;
    let salt: Option<Salt> = Some(SALT);
    let all = Materials { bundle: Some(bundle), input: Some(BODY), salt, second_opinion: false };
    c.bench_function("verify proof with replay, bundle seen before", |b| {
        b.iter(|| warm.verify(black_box(&bytes), &all).expect("valid"))
    });
}

/// Medians that criterion wrote, in microseconds, in the order of the table.
fn collect(folder: &Path, figures: &mut Figures) {
    let median = |name: &str| {
        // Criterion writes a colon as an underscore.
        let file = folder.join(name.replace(':', "_")).join("new/estimates.json");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        json["median"]["point_estimate"].as_f64().unwrap_or(f64::NAN) / 1000.0
    };
    let sign = ("ed25519 sign", median("floor ed25519 sign 900 B"));
    let verify = ("ed25519 verify", median("floor ed25519 verify"));
    let p384 = ("p384 verify", median("floor p384 verify"));
    let fsync = median("floor append 4 KiB and fsync");
    figures.add("fsync of 4 KiB", fsync, "µs", None);
    for rows in [0, 50] {
        let name = format!("request to record, {rows} history rows");
        figures.add(&name, median(&name), "µs", None);
        let run = median(&format!("run {rows} rows"));
        figures.add(&format!("run 4 rules, {rows} history rows"), run, "µs", None);
    }
    let statement = "statement: encode, sign, hash";
    figures.add(statement, median(statement), "µs", Some(sign));
    figures.add("log: append one leaf", median("log: append one leaf"), "µs", None);
    for (name, floor) in [
        ("verify nitro document, cold", p384),
        ("verify nitro document, chain seen before", p384),
        ("verify proof, cold", p384),
        ("verify proof, quote seen before", verify),
        ("verify proof with replay, bundle seen before", verify),
    ] {
        figures.add(name, median(name), "µs", Some(floor));
    }
}

fn loads(figures: &mut Figures) {
    let quick = std::env::var_os("BENCH_QUICK").is_some();
    let window = Duration::from_secs(if quick { 4 } else { 10 });
    let warm_up = Duration::from_secs(if quick { 3 } else { 5 });
    // Enough connections that 200 ms quotes leave none of them idle, the same for every latency.
    for quote_ms in [0, 1, 20, 200] {
        eprintln!("load: single requests, {quote_ms} ms a quote");
        let seen = run(Load { quote_ms, connections: 4000, batch: 1, warm_up, window });
        add(figures, &format!("single, 4000 connections, quote {quote_ms} ms"), &seen, quote_ms);
    }
    eprintln!("load: single requests below saturation, 20 ms a quote");
    let seen = run(Load { quote_ms: 20, connections: 256, batch: 1, warm_up, window });
    add(figures, "single, 256 connections, quote 20 ms", &seen, 20);
    for quote_ms in [0, 20, 200] {
        eprintln!("load: batches, {quote_ms} ms a quote");
        let seen = run(Load { quote_ms, connections: 8, batch: 1000, warm_up, window });
        add(figures, &format!("batch of 1000, quote {quote_ms} ms"), &seen, quote_ms);
    }
}

fn add(figures: &mut Figures, name: &str, seen: &benches::load::Seen, quote_ms: u64) {
    let quote = (quote_ms > 0).then_some(("one quote", quote_ms as f64));
    figures.add(&format!("{name}: proofs"), seen.proofs_per_second, "1/s", None);
    figures.add(&format!("{name}: p50"), seen.p50_ms, "ms", quote);
    figures.add(&format!("{name}: p99"), seen.p99_ms, "ms", quote);
    figures.add(&format!("{name}: proofs under one quote"), seen.group, "", None);
}
