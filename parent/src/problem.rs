//! RFC 9457 problem documents: what a caller is told when there is no answer. The slugs are
//! frozen. A problem must never be sent in place of a decision that was made.

use crate::limits::RETRY_AFTER_SECONDS;
use hyper::StatusCode;
use serde::Serialize;
use std::borrow::Cow;
use wire::{Refusal, RefusalCode};

/// What every problem type starts with.
pub const TYPE_PREFIX: &str = "urn:probity:problem:";

/// The kinds of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is malformed.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// The resource has other methods.
    MethodNotAllowed,
    /// Too slow in sending.
    RequestTimeout,
    /// The idempotency key is being worked on.
    IdempotencyInFlight,
    /// The idempotency key was used with another body.
    IdempotencyReuse,
    /// The body is over the limit.
    TooLarge,
    /// The content type is not known.
    MediaType,
    /// No rule of the scope is in force.
    NothingInForce,
    /// Too many requests in flight.
    Overloaded,
    /// The host failed.
    Internal,
    /// The enclave answered with something that cannot be used.
    Enclave,
    /// The enclave or its rules are not ready.
    NotReady,
    /// The rules are too old.
    RulesStale,
    /// The attestation device failed.
    Attestation,
    /// The link to the enclave broke while the request was in flight.
    EnclaveLost,
    /// The proof could not be made durable.
    Storage,
    /// The deadline passed.
    Deadline,
    /// A sealed request is not for the key of this boot.
    SealedKey,
    /// A sealed request came after its end, or ends too late.
    SealedExpired,
    /// A sealed request came before.
    SealedReplayed,
    /// Too many sealed requests are remembered.
    SealedFull,
    /// The operator's policy refuses the enclave.
    NotAccepted,
}

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub kind: Kind,
    /// What happened this time.
    pub detail: Cow<'static, str>,
    /// Which part of the request, as a path.
    pub field: Option<String>,
    /// What the caller can do.
    pub remedy: Option<Cow<'static, str>>,
}

#[derive(Serialize)]
struct View<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 23] = [
        Kind::BadRequest,
        Kind::NotFound,
        Kind::MethodNotAllowed,
        Kind::RequestTimeout,
        Kind::IdempotencyInFlight,
        Kind::IdempotencyReuse,
        Kind::TooLarge,
        Kind::MediaType,
        Kind::NothingInForce,
        Kind::Overloaded,
        Kind::Internal,
        Kind::Enclave,
        Kind::NotReady,
        Kind::RulesStale,
        Kind::Attestation,
        Kind::EnclaveLost,
        Kind::Storage,
        Kind::Deadline,
        Kind::SealedKey,
        Kind::SealedExpired,
        Kind::SealedReplayed,
        Kind::SealedFull,
        Kind::NotAccepted,
    ];

    /// Status, slug and title.
    pub fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Kind::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "Bad request"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Kind::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Kind::RequestTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "request-timeout", "Request came too slowly")
            }
            Kind::IdempotencyInFlight => {
                (StatusCode::CONFLICT, "idempotency-in-flight", "Idempotency key is in flight")
            }
            Kind::IdempotencyReuse => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-reuse",
                "Idempotency key was used with another body",
            ),
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Body is too large"),
            Kind::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Unsupported media type")
            }
            Kind::NothingInForce => {
                (StatusCode::UNPROCESSABLE_ENTITY, "nothing-in-force", "No rule is in force")
            }
            Kind::Overloaded => {
                (StatusCode::TOO_MANY_REQUESTS, "overloaded", "Too many requests in flight")
            }
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed"),
            Kind::Enclave => (StatusCode::BAD_GATEWAY, "enclave", "The enclave failed"),
            Kind::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready"),
            Kind::RulesStale => {
                (StatusCode::SERVICE_UNAVAILABLE, "rules-stale", "The rules are too old")
            }
            Kind::Attestation => {
                (StatusCode::SERVICE_UNAVAILABLE, "attestation", "The attestation device failed")
            }
            Kind::EnclaveLost => {
                (StatusCode::SERVICE_UNAVAILABLE, "enclave-lost", "The enclave was lost")
            }
            Kind::Storage => {
                (StatusCode::SERVICE_UNAVAILABLE, "storage", "The proof could not be made durable")
            }
            Kind::Deadline => (StatusCode::GATEWAY_TIMEOUT, "deadline", "The deadline passed"),
            Kind::SealedKey => {
                (StatusCode::MISDIRECTED_REQUEST, "sealed-key", "Sealed to another key")
            }
            Kind::SealedExpired => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "sealed-expired",
                "Not the sealed request's time",
            ),
            Kind::SealedReplayed => {
                (StatusCode::CONFLICT, "sealed-replayed", "The sealed request came before")
            }
            Kind::SealedFull => {
                (StatusCode::SERVICE_UNAVAILABLE, "sealed-full", "Too many sealed requests")
            }
            Kind::NotAccepted => (
                StatusCode::SERVICE_UNAVAILABLE,
                "enclave-not-accepted",
                "The enclave is not accepted",
            ),
        }
    }
}

impl Problem {
    /// A problem without field or remedy.
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), field: None, remedy: None }
    }

    /// The same with a remedy.
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same about one part of the request.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into()).filter(|field: &String| !field.is_empty());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.kind.parts().0
    }

    /// What `Retry-After` should say.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let retry = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        retry.contains(&self.status()).then_some(RETRY_AFTER_SECONDS)
    }

    /// The JSON document; `index` is the position in a batch.
    pub fn to_json(&self, index: Option<usize>) -> Vec<u8> {
        let (status, slug, title) = self.kind.parts();
        let view = View {
            r#type: format!("{TYPE_PREFIX}{slug}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            field: self.field.as_deref(),
            remedy: self.remedy.as_deref(),
            index,
        };
        serde_json::to_vec(&view).expect("texts and numbers always serialize")
    }
}

impl From<facts::FactsError> for Problem {
    fn from(error: facts::FactsError) -> Self {
        let kind = match error.kind() {
            facts::ErrorKind::BodyTooLarge => Kind::TooLarge,
            _ => Kind::BadRequest,
        };
        let problem = Problem::new(kind, error.to_string()).field(error.path());
        match error.remedy() {
            "" => problem,
            remedy => problem.remedy(remedy.to_owned()),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.code {
            RefusalCode::BadRequest => Kind::BadRequest,
            RefusalCode::NothingInForce => Kind::NothingInForce,
            RefusalCode::RulesStale => Kind::RulesStale,
            RefusalCode::NotReady => Kind::NotReady,
            RefusalCode::Busy => Kind::Overloaded,
            RefusalCode::Attestation => Kind::Attestation,
            RefusalCode::BootRefused | RefusalCode::RulesRefused | RefusalCode::Protocol => {
                Kind::Enclave
            }
            RefusalCode::SealedMalformed => Kind::BadRequest,
            RefusalCode::SealedKey => Kind::SealedKey,
            RefusalCode::SealedExpired => Kind::SealedExpired,
            RefusalCode::SealedReplayed => Kind::SealedReplayed,
            RefusalCode::SealedFull => Kind::SealedFull,
        };
        let problem = Problem::new(kind, refusal.detail).field(refusal.field);
        match kind {
            Kind::SealedKey => problem.remedy("fetch /v1/attestation, verify it, and seal again"),
            Kind::SealedExpired => problem.remedy("seal again, to expire within two minutes"),
            Kind::SealedReplayed => {
                problem.remedy("this copy was not evaluated; the first may have been")
            }
            Kind::SealedFull => problem.remedy("ask again later; none is forgotten before its end"),
            _ => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_the_members_of_rfc_9457() {
        let problem = Problem::new(Kind::BadRequest, "no").field("transaction.amount").remedy("x");
        let view: serde_json::Value = serde_json::from_slice(&problem.to_json(Some(3))).unwrap();
        let expected = serde_json::json!({
            "type": "urn:probity:problem:bad-request", "title": "Bad request", "status": 400,
            "detail": "no", "field": "transaction.amount", "remedy": "x", "index": 3,
        });
        assert_eq!(view, expected);
    }

    #[test]
    fn empty_members_are_left_out() {
        let bytes = Problem::new(Kind::Deadline, "late").field("").to_json(None);
        let view: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(view.as_object().unwrap().len(), 4);
        assert_eq!(view["status"], 504);
    }

    #[test]
    fn slugs_are_unique_and_refusals_map_to_statuses() {
        let mut slugs = Kind::ALL.map(|kind| kind.parts().1).to_vec();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Kind::ALL.len());
        for (code, status) in [
            (RefusalCode::BadRequest, 400),
            (RefusalCode::NothingInForce, 422),
            (RefusalCode::RulesStale, 503),
            (RefusalCode::NotReady, 503),
            (RefusalCode::Busy, 429),
            (RefusalCode::Attestation, 503),
            (RefusalCode::Protocol, 502),
            (RefusalCode::BootRefused, 502),
            (RefusalCode::RulesRefused, 502),
            (RefusalCode::SealedMalformed, 400),
            (RefusalCode::SealedKey, 421),
            (RefusalCode::SealedExpired, 422),
            (RefusalCode::SealedReplayed, 409),
            (RefusalCode::SealedFull, 503),
        ] {
            let refusal = Refusal { id: 1, code, field: String::new(), detail: "d".into() };
            assert_eq!(Problem::from(refusal).status().as_u16(), status);
        }
    }
}
