//! `POST /v1/evaluate`: one request, one decision, one durable proof.

use super::body::{Answer, JSON, read_whole, respond};
use super::router::query;
use crate::answer::answer;
use crate::host::Host;
use crate::landed::Landed;
use crate::limits::{BODY_BYTES_MAX, IDEMPOTENCY_KEY_CHARS_MAX};
use crate::problem::{Kind, Problem};
use crate::reference::ClientRef;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{HeaderMap, Request, Response, StatusCode};
use messages::parse_request;

/// The caller's key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Evaluates the body.
pub async fn evaluate(
    host: &Host,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Problem> {
    let key = idempotency_key(request.headers())?;
    if media_type(request.headers()).is_some_and(|kind| kind != "application/json") {
        let problem = Problem::new(Kind::MediaType, "the body has to be application/json");
        return Err(problem.field("Content-Type"));
    }
    let full = match query(&request, "proof") {
        None => false,
        Some("full") => true,
        Some(_) => {
            let problem = Problem::new(Kind::BadRequest, "the only value of proof is full");
            return Err(problem.field("proof"));
        }
    };
    let body = read_whole(request.into_body(), BODY_BYTES_MAX).await?;
    let id = parse_request(&body.bytes)?.transaction.id;
    // After the body: a client that sends slowly holds no place.
    let place = host.admit()?;
    let (landed, replayed) = match key {
        None => (host.evaluate(&body.bytes).await?, false),
        Some(key) => {
            let reference = ClientRef::new(&key, &body.bytes);
            host.evaluate_once(reference, &body.bytes).await?
        }
    };
    drop(place);
    let (bytes, proof_id) = render(host, landed, &id, full).await?;
    let mut response = respond(StatusCode::OK, JSON, bytes);
    point_to_proof(&mut response, &proof_id, replayed);
    Ok(response)
}

/// Says where the proof of a decision is, and whether the decision was made for an earlier request.
pub(super) fn point_to_proof(response: &mut Response<Answer>, proof_id: &str, replayed: bool) {
    let headers = response.headers_mut();
    if let Ok(href) = HeaderValue::from_str(&format!("/v1/proofs/{proof_id}")) {
        headers.insert(LOCATION, href);
    }
    if replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
}

async fn render(
    host: &Host,
    landed: Landed,
    transaction_id: &str,
    full: bool,
) -> Result<(Vec<u8>, String), Problem> {
    let proof_id = crypto::to_hex(&landed.signed.statement().proof_id);
    let proof = match full {
        true => Some(host.complete(&landed).await?.to_bytes()),
        false => None,
    };
    let (bytes, _) = show(host, &landed, transaction_id, proof.as_deref())?;
    Ok((bytes, proof_id))
}

/// Evaluates one item of a batch: its answer and whether it is compliant, or its problem.
pub async fn evaluate_item(host: &Host, body: &[u8]) -> Result<(Vec<u8>, bool), Problem> {
    if body.len() > BODY_BYTES_MAX {
        let detail = format!("the item is over the limit of {BODY_BYTES_MAX} bytes");
        return Err(Problem::new(Kind::TooLarge, detail));
    }
    let id = parse_request(body)?.transaction.id;
    let landed = host.evaluate(body).await?;
    show(host, &landed, &id, None)
}

/// The answer with the texts of the bundle that the statement names.
fn show(
    host: &Host,
    landed: &Landed,
    transaction_id: &str,
    proof: Option<&[u8]>,
) -> Result<(Vec<u8>, bool), Problem> {
    let book = host.shelf.find(&landed.signed.statement().rulebook.hash);
    answer(landed, transaction_id, book.as_deref(), proof).map_err(|_| unreadable())
}

/// The media type in lower case, without its parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or(value).trim().to_ascii_lowercase())
}

/// The one idempotency key of a request.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let visible = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_graphic);
    let length = 1..=IDEMPOTENCY_KEY_CHARS_MAX;
    match value.to_str() {
        Ok(key)
            if values.next().is_none()
                && length.contains(&key.len())
                && visible(key.as_bytes()) =>
        {
            Ok(Some(key.to_owned()))
        }
        _ => {
            let detail = "expected one key of 1 to 255 visible ASCII characters";
            Err(Problem::new(Kind::BadRequest, detail).field("Idempotency-Key"))
        }
    }
}

fn unreadable() -> Problem {
    Problem::new(Kind::Enclave, "a rule result cannot be read; the proof is stored")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        idempotency_key(&headers)
    }

    #[test]
    fn keys_are_short_visible_and_alone() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["order-7"]), Ok(Some("order-7".into())));
        assert!(key(&[&"k".repeat(255)]).is_ok());
        for wrong in [&[""][..], &["a b"], &[&"k".repeat(256)], &["é"], &["a", "b"]] {
            assert!(key(wrong).is_err(), "{wrong:?}");
        }
    }
}
