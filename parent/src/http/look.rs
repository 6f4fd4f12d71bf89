//! Everything that only shows: proofs, attestation, rules, logs, health, the description of the
//! interface. It must never change anything.

use super::body::{Answer, COSE, JSON, json, respond};
use super::router::query;
use crate::host::Host;
use crate::limits::NONCE_BYTES;
use crate::problem::{Kind, Problem};
use crate::store::Store;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto::{from_hex, from_hex_exact, to_hex};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, HeaderValue, VARY};
use hyper::{HeaderMap, Request, Response, StatusCode};
use serde_json::json as object;

/// The description of the interface.
pub const OPENAPI: &str = include_str!("../../openapi.json");

/// `GET /v1/proofs/{id}`.
pub async fn proof(
    host: &Host,
    request: &Request<Incoming>,
    id: &str,
) -> Result<Response<Answer>, Problem> {
    let id = from_hex_exact(id).map_err(|_| {
        let problem = Problem::new(Kind::BadRequest, "expected 32 lower-case hexadecimal digits");
        problem.field("id")
    })?;
    let found = host.proof(id).await?;
    let proof =
        found.ok_or_else(|| Problem::new(Kind::NotFound, "there is no proof with this id"))?;
    let mut response = match wants_cose(request.headers()) {
        true => respond(StatusCode::OK, COSE, proof.to_bytes()),
        false => json(&verify::to_json(&proof)),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

fn wants_cose(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds = values.flat_map(|value| value.split(','));
    let mut kinds = kinds.map(|kind| kind.split(';').next().unwrap_or(kind).trim());
    kinds.any(|kind| ["application/cose", "application/cbor"].contains(&kind))
}

/// `GET /v1/attestation`.
pub async fn attestation(
    host: &Host,
    request: &Request<Incoming>,
) -> Result<Response<Answer>, Problem> {
    let nonce = query(request, "nonce").and_then(|digits| from_hex(digits).ok());
    let nonce = nonce.filter(|nonce| NONCE_BYTES.contains(&nonce.len())).ok_or_else(|| {
        let detail = "expected nonce=… of 16 to 128 lower-case hexadecimal digits";
        Problem::new(Kind::BadRequest, detail).field("nonce").remedy("send fresh random bytes")
    })?;
    let _place = host.admit()?;
    let wire::Quote { checkpoint: (boot_id, size, root), document, .. } =
        host.attest(nonce).await?;
    Ok(json(&object!({
        "checkpoint": checkpoint(&boot_id, size, &root),
        "document": BASE64.encode(document),
    })))
}

/// `GET /v1/rules`.
pub fn rules(host: &Host) -> Response<Answer> {
    let mut view = host.shelf.given().view();
    let in_force = host.health.standing().rulebook.map(|book| {
        object!({
            "name": book.name, "version": book.version, "hash": to_hex(&book.hash),
            "rules": book.rules,
        })
    });
    view["in_force"] = in_force.unwrap_or_default();
    json(&view)
}

/// `GET /v1/log`.
pub async fn log(host: &Host) -> Result<Response<Answer>, Problem> {
    let boot_ids = host.ledger.boot_ids();
    let boots = host.read(move |store| {
        let ordinals = (0_u32..).zip(boot_ids);
        ordinals
            .map(|(boot, boot_id)| boot_view(store, boot, &boot_id))
            .collect::<Result<Vec<_>, _>>()
    });
    Ok(json(&object!({ "boots": boots.await? })))
}

fn boot_view(
    store: &Store,
    boot: u32,
    boot_id: &[u8; 16],
) -> Result<serde_json::Value, crate::Error> {
    let first = store.quote_covering(crate::store::Location { boot, index: 0 })?;
    let last = store.last_quote(boot)?;
    let view = |quote: crate::store::StoredQuote| checkpoint(boot_id, quote.size, &quote.root);
    Ok(object!({
        "boot_id": to_hex(boot_id),
        "size": last.as_ref().map_or(1, |quote| quote.size),
        "quotes": store.quotes(boot)?,
        "first_checkpoint": first.map(view),
        "last_checkpoint": last.map(view),
    }))
}

fn checkpoint(boot_id: &[u8; 16], size: u64, root: &[u8; 32]) -> serde_json::Value {
    object!({ "boot_id": to_hex(boot_id), "size": size, "root": to_hex(root) })
}

/// `GET /health/live`.
pub fn live() -> Response<Answer> {
    json(&object!({ "live": true }))
}

/// `GET /health/ready`.
pub fn ready(host: &Host) -> Response<Answer> {
    let standing = host.health.standing();
    let in_flight = host.in_flight_max.saturating_sub(host.in_flight.available_permits());
    let queue_ok = in_flight < host.in_flight_max;
    let parts = [&standing.enclave, &standing.policy, &standing.rules, &standing.store];
    // A refused newer version does not stop the older one that is in force.
    let rules_ok = standing.rulebook.is_some();
    let works = standing.enclave.ok && standing.policy.ok && standing.store.ok;
    let ready = works && rules_ok && queue_ok;
    let [enclave, policy, rules, store] = parts.map(|part| object!(part));
    let view = object!({
        "ready": ready && !host.is_stopping(),
        "components": {
            "enclave": enclave,
            "policy": policy,
            "rules": rules,
            "store": store,
            "queue": {
                "ok": queue_ok,
                "detail": format!("{in_flight} of {} in flight", host.in_flight_max),
            },
        },
    });
    let status = match ready && !host.is_stopping() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    respond(status, JSON, view.to_string())
}

/// `GET /openapi.json`.
pub fn openapi() -> Response<Answer> {
    respond(StatusCode::OK, JSON, OPENAPI)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cose_is_sent_to_those_who_ask() {
        for (accept, wanted) in [
            ("application/cose", true),
            ("text/html, application/cbor;q=0.9", true),
            ("application/json", false),
            ("*/*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_cose(&headers), wanted, "{accept}");
        }
        assert!(!wants_cose(&HeaderMap::new()));
    }
}
