//! The routes. The list below is all there is; a test holds it against `openapi.json`.

use super::body::{Answer, respond_problem};
use super::{batch, evaluate, export, look, sealed};
use crate::host::Host;
use crate::problem::{Kind, Problem};
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, Response};
use std::sync::Arc;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Evaluates one request.
    Evaluate,
    /// Evaluates many.
    Batch,
    /// Evaluates one that this host cannot read.
    Sealed,
    /// Shows a proof.
    Proof,
    /// Asks the hardware.
    Attestation,
    /// Shows the rules.
    Rules,
    /// Shows the logs.
    Log,
    /// Streams one log.
    Export,
    /// Says that the process runs.
    Live,
    /// Says whether requests would succeed.
    Ready,
    /// Describes this interface.
    OpenApi,
}

/// Method, path and action of every route; `{id}` stands for one segment.
pub const ROUTES: [(&str, &str, Action); 11] = [
    ("POST", "/v1/evaluate", Action::Evaluate),
    ("POST", "/v1/evaluate/batch", Action::Batch),
    ("POST", "/v1/evaluate/sealed", Action::Sealed),
    ("GET", "/v1/proofs/{id}", Action::Proof),
    ("GET", "/v1/attestation", Action::Attestation),
    ("GET", "/v1/rules", Action::Rules),
    ("GET", "/v1/log", Action::Log),
    ("GET", "/v1/log/{id}", Action::Export),
    ("GET", "/health/live", Action::Live),
    ("GET", "/health/ready", Action::Ready),
    ("GET", "/openapi.json", Action::OpenApi),
];

/// Answers one request.
pub async fn route(host: Arc<Host>, request: Request<Incoming>) -> Response<Answer> {
    let path = request.uri().path();
    let found = ROUTES.iter().find_map(|(method, pattern, action)| {
        segment(pattern, path).map(|segment| (*method, *action, segment.to_owned()))
    });
    let Some((method, action, segment)) = found else {
        let problem = Problem::new(Kind::NotFound, "there is nothing at this path");
        return respond_problem(&problem.remedy("see /openapi.json"));
    };
    // HEAD is answered as GET; hyper leaves the body out.
    let asked = request.method();
    if asked.as_str() != method && !(method == "GET" && asked == Method::HEAD) {
        let detail = format!("this path takes {method}");
        let mut response = respond_problem(&Problem::new(Kind::MethodNotAllowed, detail));
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
        return response;
    }
    let result = match action {
        Action::Evaluate => evaluate::evaluate(&host, request).await,
        Action::Batch => batch::batch(&host, request).await,
        Action::Sealed => sealed::evaluate(&host, request).await,
        Action::Proof => look::proof(&host, &request, &segment).await,
        Action::Attestation => look::attestation(&host, &request).await,
        Action::Rules => Ok(look::rules(&host)),
        Action::Log => look::log(&host).await,
        Action::Export => export::export(&host, &segment).await,
        Action::Live => Ok(look::live()),
        Action::Ready => Ok(look::ready(&host)),
        Action::OpenApi => Ok(look::openapi()),
    };
    result.unwrap_or_else(|problem| respond_problem(&problem))
}

/// What stands for `{id}` when `path` matches `pattern`; empty for a pattern without one.
fn segment<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.strip_suffix("{id}") {
        Some(prefix) => path.strip_prefix(prefix).filter(|id| !id.is_empty() && !id.contains('/')),
        None => (pattern == path).then_some(""),
    }
}

/// One parameter of the query; the values of this interface need no percent-encoding.
pub fn query<'a>(request: &'a Request<Incoming>, name: &str) -> Option<&'a str> {
    let pairs = request.uri().query()?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_their_patterns() {
        assert_eq!(segment("/v1/proofs/{id}", "/v1/proofs/ab"), Some("ab"));
        assert_eq!(segment("/v1/proofs/{id}", "/v1/proofs/"), None);
        assert_eq!(segment("/v1/proofs/{id}", "/v1/proofs/a/b"), None);
        assert_eq!(segment("/v1/rules", "/v1/rules"), Some(""));
        assert_eq!(segment("/v1/rules", "/v1/rules/"), None);
    }

    #[test]
    fn openapi_has_every_route_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(look::OPENAPI).unwrap();
        let mut described = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                described.push((method.to_uppercase(), path.clone()));
            }
        }
        let mut served: Vec<_> =
            ROUTES.iter().map(|(method, path, _)| (method.to_string(), path.to_string())).collect();
        described.sort();
        served.sort();
        assert_eq!(described, served);
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn openapi_names_every_problem_and_resolves_its_references() {
        let document: serde_json::Value = serde_json::from_str(look::OPENAPI).unwrap();
        let known: Vec<_> =
            document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap().to_owned())
                .collect();
        let ours =
            Kind::ALL.map(|kind| format!("{}{}", crate::problem::TYPE_PREFIX, kind.parts().1));
        assert_eq!(known, ours);
        let mut rest = look::OPENAPI;
        while let Some(at) = rest.find("\"$ref\": \"#") {
            rest = &rest[at + 10..];
            let pointer = &rest[..rest.find('"').unwrap()];
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
