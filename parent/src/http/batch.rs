//! `POST /v1/evaluate/batch`: many requests, each on its own, answered in order. Items share
//! nothing but the connection: one that fails is a problem document in its place. The bytes of
//! each item go on as they came.

use super::body::{Answer, JSON, NDJSON, Whole, read_whole, respond};
use super::evaluate::{IDEMPOTENCY_KEY, evaluate_item, media_type};
use crate::host::Host;
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_IN_FLIGHT_MAX, BATCH_ITEMS_MAX, BATCHES_MAX, STREAM_CHUNK_BYTES,
    STREAM_CHUNKS_MAX, WRITE_TIMEOUT,
};
use crate::problem::{Kind, Problem};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::task::JoinHandle;

/// Batches that run.
static BATCHES: Semaphore = Semaphore::const_new(BATCHES_MAX);

type Item = Result<(Vec<u8>, bool), Problem>;

#[derive(Debug, Default)]
struct Tally {
    total: usize,
    compliant: usize,
    failed: usize,
}

/// A batch that was read, with the memory and the place that it holds until it is answered.
struct Batch {
    items: Vec<Bytes>,
    started: Instant,
    _body: Whole,
    _place: SemaphorePermit<'static>,
}

/// Evaluates every item.
pub async fn batch(
    host: &Arc<Host>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Problem> {
    let started = Instant::now();
    if request.headers().contains_key(IDEMPOTENCY_KEY) {
        let detail = "a batch takes no Idempotency-Key; give one to each single request";
        return Err(Problem::new(Kind::BadRequest, detail).field("Idempotency-Key"));
    }
    let split = match media_type(request.headers()).as_deref() {
        None | Some("application/json") => split_array,
        Some("application/x-ndjson") => split_lines,
        Some(_) => {
            let detail = "the body has to be application/json or application/x-ndjson";
            return Err(Problem::new(Kind::MediaType, detail).field("Content-Type"));
        }
    };
    let lines = media_type(request.headers()).as_deref() == Some("application/x-ndjson");
    let body = read_whole(request.into_body(), BATCH_BYTES_MAX).await?;
    let items = split(&body.bytes)?;
    if items.len() > BATCH_ITEMS_MAX {
        let detail = format!("more than {BATCH_ITEMS_MAX} items");
        return Err(Problem::new(Kind::TooLarge, detail).remedy("send several batches"));
    }
    let place = BATCHES.try_acquire().map_err(|_| {
        Problem::new(Kind::Overloaded, "too many batches are running").remedy("ask again later")
    })?;
    let batch = Batch { items, started, _body: body, _place: place };
    if lines {
        return Ok(stream(host, batch));
    }
    Ok(respond(StatusCode::OK, JSON, collect(host, batch).await))
}

/// The elements of a JSON array as slices of it.
fn split_array(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let Elements(elements) = serde_json::from_slice(body).map_err(|error| {
        let detail = format!("expected a JSON array of requests: {error}");
        Problem::new(Kind::BadRequest, detail)
    })?;
    Ok(elements.into_iter().map(|raw| body.slice_ref(raw.get().as_bytes())).collect())
}

/// The first elements of an array: one more than may be, so that too many are seen to be.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() <= BATCH_ITEMS_MAX
            && let Some(element) = array.next_element()?
        {
            elements.push(element);
        }
        // What is beyond is only looked at for being JSON.
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Elements(elements))
    }
}

/// The lines of the body as slices of it; empty ones are left out.
fn split_lines(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty()).take(BATCH_ITEMS_MAX + 1);
    Ok(lines.map(|line| body.slice_ref(line)).collect())
}

/// Starts the items in order, as many at once as there are places; their handles come out in the
/// same order.
fn start(host: &Arc<Host>, items: Vec<Bytes>) -> mpsc::Receiver<JoinHandle<Item>> {
    let at_once = BATCH_IN_FLIGHT_MAX.min(host.in_flight_max);
    let (started, handles) = mpsc::channel(at_once);
    let host = Arc::clone(host);
    tokio::spawn(async move {
        for item in items {
            // A full channel is the batch's own limit, a missing place is the host's.
            let Ok(slot) = started.reserve().await else { return };
            let runner = Arc::clone(&host);
            if host.admit_later().await.map(SemaphorePermit::forget).is_err() {
                return;
            }
            slot.send(tokio::spawn(async move {
                let _place = Returned(&runner);
                evaluate_item(&runner, &item).await
            }));
        }
    });
    handles
}

/// Gives a place among the requests in flight back, also when the task ends early.
struct Returned<'a>(&'a Host);

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        self.0.in_flight.add_permits(1);
    }
}

impl Tally {
    /// Counts one item and appends its document.
    fn take(&mut self, item: Result<Item, tokio::task::JoinError>, out: &mut Vec<u8>) {
        let failed = |_| Err(Problem::new(Kind::Internal, "the item's task ended"));
        match item.unwrap_or_else(failed) {
            Ok((document, compliant)) => {
                self.compliant += usize::from(compliant);
                out.extend_from_slice(&document);
            }
            Err(problem) => {
                self.failed += 1;
                out.extend_from_slice(&problem.to_json(Some(self.total)));
            }
        }
        self.total += 1;
    }

    /// The members of the summary, without braces.
    fn summary(&self, started: Instant) -> String {
        let Tally { total, compliant, failed } = self;
        let non_compliant = total - compliant - failed;
        format!(
            "\"total\":{total},\"compliant_count\":{compliant},\
             \"non_compliant_count\":{non_compliant},\"failed_count\":{failed},\
             \"duration_ms\":{}",
            started.elapsed().as_millis()
        )
    }
}

async fn collect(host: &Arc<Host>, mut batch: Batch) -> Vec<u8> {
    let mut handles = start(host, std::mem::take(&mut batch.items));
    let (mut tally, mut results) = (Tally::default(), Vec::new());
    while let Some(handle) = handles.recv().await {
        if tally.total > 0 {
            results.push(b',');
        }
        tally.take(handle.await, &mut results);
    }
    let head = format!("{{{},\"results\":[", tally.summary(batch.started));
    let mut out = Vec::with_capacity(head.len() + results.len() + 2);
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(&results);
    out.extend_from_slice(b"]}");
    out
}

fn stream(host: &Arc<Host>, mut batch: Batch) -> Response<Answer> {
    let (parts, receiver) = mpsc::channel(STREAM_CHUNKS_MAX);
    let mut handles = start(host, std::mem::take(&mut batch.items));
    tokio::spawn(async move {
        // Whole, so that its memory and its place are given back at the end and not before.
        let batch = batch;
        let (mut tally, mut part) = (Tally::default(), Vec::new());
        while let Some(handle) = handles.recv().await {
            // Whoever waits for the next item gets what is finished before it.
            if !part.is_empty() && !handle.is_finished() && send(&parts, &mut part).await.is_err() {
                return;
            }
            tally.take(handle.await, &mut part);
            part.push(b'\n');
            if part.len() >= STREAM_CHUNK_BYTES && send(&parts, &mut part).await.is_err() {
                return;
            }
        }
        let summary = tally.summary(batch.started);
        part.extend_from_slice(format!("{{\"summary\":{{{summary}}}}}\n").as_bytes());
        // A reader that is gone does not want the summary either.
        send(&parts, &mut part).await.ok();
    });
    let mut response = respond(StatusCode::OK, NDJSON, Bytes::new());
    *response.body_mut() = Answer::Stream(receiver);
    response
}

/// Sends a part; an error means that nobody reads, or not fast enough to be waited for.
pub(super) async fn send(parts: &mpsc::Sender<Bytes>, part: &mut Vec<u8>) -> Result<(), ()> {
    let bytes = Bytes::from(std::mem::take(part));
    parts.send_timeout(bytes, WRITE_TIMEOUT).await.map_err(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_lines_are_slices_of_the_body() {
        let body = Bytes::from_static(b" [ {\"a\": 1} , 2,\n\"x\" ] ");
        assert_eq!(split_array(&body).unwrap(), ["{\"a\": 1}", "2", "\"x\""]);
        assert!(split_array(&Bytes::from_static(b"{}")).is_err());
        assert!(split_array(&Bytes::from_static(b"[1")).is_err());
        let body = Bytes::from_static(b"{\"a\":1}\r\n\n {} \n[]");
        assert_eq!(split_lines(&body).unwrap(), ["{\"a\":1}", "{}", "[]"]);
        assert!(split_lines(&Bytes::new()).unwrap().is_empty());
    }

    #[test]
    fn a_tally_counts_and_names_the_place_of_a_failure() {
        let (mut tally, mut out) = (Tally::default(), Vec::new());
        tally.take(Ok(Ok((b"{}".to_vec(), true))), &mut out);
        tally.take(Ok(Ok((b"{}".to_vec(), false))), &mut out);
        out.clear();
        tally.take(Ok(Err(Problem::new(Kind::Deadline, "late"))), &mut out);
        let problem: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(problem["index"], 2);
        let summary = format!("{{{}}}", tally.summary(Instant::now()));
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        let count = |name: &str| summary[name].as_u64().unwrap();
        assert_eq!((count("total"), count("compliant_count")), (3, 1));
        assert_eq!((count("non_compliant_count"), count("failed_count")), (1, 1));
    }
}
