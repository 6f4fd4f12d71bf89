//! Bodies, both ways: bounded in size, time and memory when they come in; whole or streamed when
//! they go out. It must never read more than its limit.

use crate::limits::{BODIES_KIB_MAX, BODY_TIMEOUT, DISCARD_BYTES_MAX, DISCARD_TIMEOUT};
use crate::problem::{Kind, Problem};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

/// JSON.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// One JSON document a line.
pub const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
/// A proof's bytes.
pub const COSE: HeaderValue = HeaderValue::from_static("application/cose");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

const KIB: usize = 1024;

/// Memory for bodies, counted in KiB.
static BODIES_KIB: Semaphore = Semaphore::const_new(BODIES_KIB_MAX);

/// A body that was read whole, and the memory that is set aside for it.
#[derive(Debug)]
pub struct Whole {
    /// The bytes as they came.
    pub bytes: Bytes,
    _memory: Option<SemaphorePermit<'static>>,
}

/// Reads a body of at most `max` bytes.
pub async fn read_whole(mut body: Incoming, max: usize) -> Result<Whole, Problem> {
    let reading = async {
        let mut whole = Gathered::default();
        while let Some(frame) = body.frame().await {
            let ended = |_| Problem::new(Kind::BadRequest, "the body ended early");
            let Ok(part) = frame.map_err(ended)?.into_data() else { continue };
            if let Err(problem) = whole.add(part, max) {
                // A client that still sends would lose the answer if nobody read on.
                discard(&mut body).await;
                return Err(problem);
            }
        }
        whole.finish()
    };
    tokio::time::timeout(BODY_TIMEOUT, reading).await.unwrap_or_else(|_| {
        let detail = format!("the body took more than {} s", BODY_TIMEOUT.as_secs());
        Err(Problem::new(Kind::RequestTimeout, detail))
    })
}

/// Parts of a body. Memory is set aside for what came, not for what was announced.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    /// Everything, once there is a second part.
    all: BytesMut,
    memory: Option<SemaphorePermit<'static>>,
    /// Bytes that `memory` is for.
    paid: usize,
}

impl Gathered {
    fn add(&mut self, part: Bytes, max: usize) -> Result<(), Problem> {
        let length = self.first.len().max(self.all.len()) + part.len();
        if length > max {
            let detail = format!("the body is over the limit of {max} bytes");
            return Err(Problem::new(Kind::TooLarge, detail).remedy("send less at once"));
        }
        self.pay(length)?;
        if self.first.is_empty() {
            self.first = part;
            return Ok(());
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&part);
        Ok(())
    }

    fn pay(&mut self, length: usize) -> Result<(), Problem> {
        let kib = length.saturating_sub(self.paid).div_ceil(KIB);
        let busy = || {
            let problem = Problem::new(Kind::Overloaded, "too many bodies are in memory");
            problem.remedy("ask again later")
        };
        let count = u32::try_from(kib).map_err(|_| busy())?;
        let more = BODIES_KIB.try_acquire_many(count).map_err(|_| busy())?;
        self.paid += kib * KIB;
        match &mut self.memory {
            Some(memory) => memory.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    fn finish(self) -> Result<Whole, Problem> {
        let bytes = if self.all.is_empty() { self.first } else { self.all.freeze() };
        Ok(Whole { bytes, _memory: self.memory })
    }
}

/// Reads on for a while, keeping nothing.
async fn discard(body: &mut Incoming) {
    let reading = async {
        let mut left = DISCARD_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    // Whoever is too slow for this loses the answer.
    tokio::time::timeout(DISCARD_TIMEOUT, reading).await.ok();
}

/// A body that goes out.
#[derive(Debug)]
pub enum Answer {
    /// In one piece.
    Whole(Option<Bytes>),
    /// As parts arrive.
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Answer::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Answer::Stream(parts) => {
                parts.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Answer::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Answer::Stream(_) => SizeHint::default(),
        }
    }
}

/// An answer in one piece.
pub fn respond(status: StatusCode, kind: HeaderValue, bytes: impl Into<Bytes>) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Some(bytes.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A JSON answer with status 200.
pub fn json(value: &serde_json::Value) -> Response<Answer> {
    respond(StatusCode::OK, JSON, value.to_string())
}

/// A problem document.
pub fn respond_problem(problem: &Problem) -> Response<Answer> {
    let mut response = respond(problem.status(), PROBLEM, problem.to_json(None));
    if let Some(seconds) = problem.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
