//! `POST /v1/evaluate/sealed`: carries one sealed request to the enclave and its sealed reply back,
//! with the durable proof beside it. It must never ask for, or be given, what either has inside.

use super::body::{Answer, read_whole, respond};
use super::evaluate::{idempotency_key, media_type, point_to_proof};
use crate::host::{Host, SealedAnswer};
use crate::limits::SEALED_BYTES_MAX;
use crate::problem::{Kind, Problem};
use crate::reference::ClientRef;
use cbor::Writer;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, Response, StatusCode};

/// Media type of a sealed request (SEALED.md).
pub const SEALED_REQUEST: &str = "application/probity-sealed-request+cbor";
/// Media type of the answer to one.
pub const SEALED_REPLY: &str = "application/probity-sealed-reply+cbor";
/// Version of the answer.
const VERSION: u64 = 1;

/// Has the enclave evaluate the body.
pub async fn evaluate(
    host: &Host,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Problem> {
    let key = idempotency_key(request.headers())?;
    if media_type(request.headers()).as_deref() != Some(SEALED_REQUEST) {
        let problem = Problem::new(Kind::MediaType, format!("the body has to be {SEALED_REQUEST}"));
        return Err(problem.field("Content-Type"));
    }
    let body = read_whole(request.into_body(), SEALED_BYTES_MAX).await?;
    // After the body: a client that sends slowly holds no place.
    let place = host.admit()?;
    let reference = key.map(|key| ClientRef::new(&key, &body.bytes));
    let answer = host.evaluate_sealed(reference, &body.bytes).await?;
    drop(place);
    let mut w = Writer::new();
    w.array(3).uint(VERSION);
    let (landed, replayed) = match answer {
        SealedAnswer::Decided { landed, replayed } => (landed, replayed),
        SealedAnswer::Refused(sealed) => {
            w.bytes(&sealed).null();
            return Ok(reply(w));
        }
    };
    w.bytes(&landed.sealed).bytes(&host.complete(&landed).await?.to_bytes());
    let mut response = reply(w);
    let proof_id = crypto::to_hex(&landed.signed.statement().proof_id);
    point_to_proof(&mut response, &proof_id, replayed);
    Ok(response)
}

fn reply(answer: Writer) -> Response<Answer> {
    respond(StatusCode::OK, HeaderValue::from_static(SEALED_REPLY), answer.finish())
}
