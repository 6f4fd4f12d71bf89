//! What a verifier of the field does all day: proofs with and without what it already knows, in
//! batches, and the other kinds of evidence and receipts.

use benches::measure::Bench;
use proof::{EVIDENCE_NITRO, Evidence, Inclusion, Proof, SignedStatement, Unsigned};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tests::sample::Sample;
use tlog::Checkpoint;
use verify::{ArchivalVerifier, Materials, TimeEvidence, Verifier};

const VERIFY: &str = "floor: ed25519 verify";
const P384: &str = "floor: p384 verify";
/// A batch as an auditor has it: a log's proofs in order, group after group under one quote.
const BATCH: usize = 10_000;
const QUOTES: usize = 20;
/// Proofs under quotes of their own, for what is measured a proof at a time.
const SINGLE: usize = 32;

/// Proofs, then quotes of a TPM, receipts and sealed requests.
pub fn verification(bench: &mut Bench, sample: &Sample) {
    warm(bench, sample);
    batches(bench, sample);
    crate::receipts::receipts(bench);
}

fn verifier(sample: &Sample) -> ArchivalVerifier {
    Verifier::archival(sample.policy(), TimeEvidence::DocumentOwn)
}

fn check(verifier: &ArchivalVerifier, bytes: &[u8]) {
    verifier.verify(black_box(bytes), &Materials::default()).expect("valid");
}

/// One proof under a quote that is new, its certificates known or not.
fn warm(bench: &mut Bench, sample: &Sample) {
    let p384 = Some(("p384 verify", bench.figures.median(P384)));
    let ed25519 = Some(("ed25519 verify", bench.figures.median(VERIFY)));
    let bytes = sample.proof.to_bytes();
    bench.row("verify proof: nothing known", p384, |b| {
        b.iter_custom(|runs| {
            (0..runs).map(|_| timed(&verifier(sample), |one| check(one, &bytes))).sum()
        });
    });
    let singles = log(sample, SINGLE, SINGLE);
    bench.row("verify proof: certificates known, quote new", p384, |b| {
        b.iter_custom(|runs| {
            let mut left = runs as usize;
            let mut spent = Duration::ZERO;
            while left > 0 {
                let taken = left.min(SINGLE - 1);
                let known = verifier(sample);
                check(&known, &singles[SINGLE - 1]);
                spent += timed(&known, |known| {
                    singles[..taken].iter().for_each(|bytes| check(known, bytes));
                });
                left -= taken;
            }
            spent
        });
    });
    let known = verifier(sample);
    check(&known, &bytes);
    bench.row("verify proof: quote known", ed25519, |b| b.iter(|| check(&known, &bytes)));
}

fn timed(verifier: &ArchivalVerifier, run: impl FnOnce(&ArchivalVerifier)) -> Duration {
    let start = Instant::now();
    run(verifier);
    start.elapsed()
}

/// Whole logs, on one thread and on two.
fn batches(bench: &mut Bench, sample: &Sample) {
    let proofs = log(sample, BATCH, QUOTES);
    for threads in [1, 2] {
        let runs = if benches::is_quick() { 2 } else { 5 };
        let mut floors: Vec<f64> = (0..runs).map(|_| signatures(sample, threads)).collect();
        let mut seconds: Vec<f64> = (0..runs).map(|_| batch(sample, &proofs, threads)).collect();
        floors.sort_by(f64::total_cmp);
        seconds.sort_by(f64::total_cmp);
        let rate = |seconds: f64| BATCH as f64 / seconds;
        let name = format!("batch of {BATCH} proofs, {QUOTES} quotes: {threads} thread(s)");
        let floor = Some(("their ed25519 alone, as many threads", rate(floors[runs / 2])));
        let values = (rate(seconds[runs / 2]), Some(rate(seconds[0])));
        bench.figures.add_sampled(&name, values, "1/s", floor);
    }
}

/// Seconds for all of them, with nothing known at the start.
fn batch(sample: &Sample, proofs: &[Vec<u8>], threads: usize) -> f64 {
    let verifier = verifier(sample);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for part in proofs.chunks(proofs.len().div_ceil(threads)) {
            let verifier = &verifier;
            scope.spawn(move || part.iter().for_each(|bytes| check(verifier, bytes)));
        }
    });
    start.elapsed().as_secs_f64()
}

/// Seconds for as many Ed25519 signatures and nothing else. Two threads may share one core: what
/// they reach together is measured, not doubled.
fn signatures(sample: &Sample, threads: usize) -> f64 {
    let key = sample.signer.verifying_key();
    let (message, signature) =
        (sample.proof.signed.sig_structure(), sample.proof.signed.signature());
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..BATCH / threads {
                    key.verify_strict(black_box(&message), signature).expect("valid");
                }
            });
        }
    });
    start.elapsed().as_secs_f64()
}

/// A boot's log of so many proofs, each group under a quote of its own.
pub fn log(sample: &Sample, count: usize, quotes: usize) -> Vec<Vec<u8>> {
    let sign = |n: usize| {
        let mut statement = sample.statement.clone();
        statement.proof_id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        SignedStatement::sign(statement, &sample.signer).expect("short")
    };
    let signed: Vec<_> = (0..count).map(sign).collect();
    let mut tree: logtree::Tree = [tlog::leaf_hash(&sample.record.hash().0)].into_iter().collect();
    let mut proofs = Vec::with_capacity(count);
    for group in signed.chunks(count.div_ceil(quotes)) {
        let first = tree.size();
        group.iter().for_each(|one| tree.append(tlog::leaf_hash(&one.proof_hash().0)));
        let (boot_id, size) = (tests::sample::BOOT_ID, tree.size());
        let checkpoint = Checkpoint { boot_id, size, root: tree.root() };
        let document = tests::sample::document(&sample.world, &sample.signer, &checkpoint);
        for (index, signed) in (first..).zip(group) {
            let path = tree.inclusion(index, size).expect("it is in the tree");
            let kind = EVIDENCE_NITRO.into();
            let evidence = Evidence { kind, document: document.clone() };
            let unsigned = Unsigned::new(evidence, Inclusion { size, index, path });
            let proof = Proof { signed: signed.clone(), unsigned: Some(unsigned) };
            proofs.push(proof.to_bytes());
        }
    }
    proofs
}
