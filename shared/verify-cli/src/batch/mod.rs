//! `probity-verify batch`: many proofs on all cores. They are read, verified and counted in chunks,
//! in the order in which they came, so that the verdict is the same for any number of threads and
//! memory does not grow with the input; beside the counts only the set checks keep a few hashes of
//! each proof. What is wrong with a line is a refusal with a number, never misuse.

mod progress;
mod source;
mod summary;

use crate::arguments_more::BatchArguments;
use crate::judge::{Judge, Judged};
use crate::output::Verdict;
use crate::{files, report};
use anyhow::{Result, bail};
use progress::Progress;
use source::{Item, Parsed, Source};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use summary::Summary;
use verify::{Materials, VerifyError};

/// What became of one line or file.
enum Outcome {
    Accepted(Box<Judged>),
    Rejected(VerifyError),
    /// A line of a log's export that is no proof.
    Skipped,
}

pub(crate) fn batch(asked: &BatchArguments) -> Result<Verdict> {
    let judge = match Judge::new(&asked.accepted, &asked.common)? {
        Ok(judge) => judge,
        Err(rejected) => return Ok(report::refused(&rejected)),
    };
    let bundle = asked.rules.as_deref().map(files::read).transpose()?;
    let materials = Materials { bundle: bundle.as_deref(), ..Materials::default() };
    let threads = match asked.threads {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let mut source = Source::open(&asked.paths)?;
    let mut summary = Summary::new(asked.rejects.as_deref())?;
    let mut progress = Progress::new(source.bytes_total());
    let begun = Instant::now();
    let mut chunk = source.next_chunk()?;
    let mut before = Vec::new();
    while !chunk.is_empty() {
        // The next chunk is read and the one before is counted while this one is verified.
        let meanwhile = || {
            count(&mut summary, &mut progress, std::mem::take(&mut before))?;
            source.next_chunk()
        };
        let (outcomes, next) = verified(&judge, &materials, &chunk, threads, meanwhile);
        before = chunk.into_iter().zip(outcomes).collect();
        chunk = next?;
    }
    count(&mut summary, &mut progress, before)?;
    progress.finish();
    if summary.proofs() == 0 {
        bail!("no proof was found: expected one a line, or .cbor, .cose and .json files");
    }
    summary.finish(&judge, source.ignored(), asked.no_gaps, threads, begun.elapsed())
}

/// Counts a chunk that was verified, in the order in which it came.
fn count(summary: &mut Summary, progress: &mut Progress, done: Vec<(Item, Outcome)>) -> Result<()> {
    for (item, outcome) in done {
        progress.add(item.bytes());
        summary.add(item.place(), outcome)?;
    }
    Ok(())
}

/// Verifies a chunk on so many threads; what this thread does meanwhile gives the next one.
fn verified(
    judge: &Judge,
    materials: &Materials<'_>,
    chunk: &[Item],
    threads: usize,
    meanwhile: impl FnOnce() -> Result<Vec<Item>>,
) -> (Vec<Outcome>, Result<Vec<Item>>) {
    let next_item = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next_item.fetch_add(1, Ordering::Relaxed);
            let Some(item) = chunk.get(index) else {
                return done;
            };
            done.push((index, one(judge, materials, item)));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(chunk.len())).map(|_| scope.spawn(work)).collect();
        let next = meanwhile();
        let mut outcomes: Vec<_> = workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker returns, because nothing panics"))
            .collect();
        outcomes.sort_by_key(|(index, _)| *index);
        (outcomes.into_iter().map(|(_, outcome)| outcome).collect(), next)
    })
}

fn one(judge: &Judge, materials: &Materials<'_>, item: &Item) -> Outcome {
    let judged = match item.parse() {
        Ok(Parsed::Proof(bytes)) => judge.verify(&bytes, materials),
        Ok(Parsed::Other) => return Outcome::Skipped,
        Err(rejected) => Err(rejected),
    };
    match judged {
        Ok(judged) => Outcome::Accepted(Box::new(judged)),
        Err(rejected) => Outcome::Rejected(rejected),
    }
}
