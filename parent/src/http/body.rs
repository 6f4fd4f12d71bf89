//! Bodies, both ways: bounded in size, time and memory when they come in; whole or streamed when
//! they go out. It must never read more than its limit.

use crate::limits::{BODIES_KIB_MAX, BODY_TIMEOUT};
use crate::problem::{Kind, Problem};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
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

/// Memory for bodies, counted in KiB.
static BODIES_KIB: Semaphore = Semaphore::const_new(BODIES_KIB_MAX);

/// A body that was read whole, and the memory that is set aside for it.
#[derive(Debug)]
pub struct Whole {
    /// The bytes as they came.
    pub bytes: Bytes,
    _memory: SemaphorePermit<'static>,
}

/// Reads a body of at most `max` bytes.
pub async fn read_whole(body: Incoming, max: usize) -> Result<Whole, Problem> {
    let too_large = || {
        let detail = format!("the body is over the limit of {max} bytes");
        Problem::new(Kind::TooLarge, detail).remedy("send less at once")
    };
    // Without a declared length the whole limit is set aside.
    let bytes = body.size_hint().upper().unwrap_or(max as u64);
    if bytes > max as u64 {
        return Err(too_large());
    }
    let kib = u32::try_from(bytes / 1024 + 1).map_err(|_| too_large())?;
    let memory = BODIES_KIB.try_acquire_many(kib).map_err(|_| {
        Problem::new(Kind::Overloaded, "too many bodies are in memory").remedy("ask again later")
    })?;
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, max).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(Whole { bytes: collected.to_bytes(), _memory: memory }),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Kind::BadRequest, "the body ended early")),
        Err(_) => {
            let detail = format!("the body took more than {} s", BODY_TIMEOUT.as_secs());
            Err(Problem::new(Kind::RequestTimeout, detail))
        }
    }
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
