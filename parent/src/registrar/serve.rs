//! `probity registrar serve`: the two calls over HTTPS. Sizes, times, connections and
//! calls at once are bounded, challenges a second at the desk; a token or a secret is never logged.

use super::book::Book;
use super::desk::{Desk, Refusal};
use super::options::ServeOptions;
use crate::accepted::now_ms;
use crate::error::Error;
use crate::files::{lock, publish};
use crate::http::body::{Answer, JSON, read_whole, respond, respond_problem};
use crate::http::{self, tls};
use crate::limits::RETRY_AFTER_SECONDS;
use crate::signals::Signals;
use enrol::protocol::{Problem, REQUEST_BYTES_MAX};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Most connections.
const CONNECTIONS_MAX: u32 = 256;
/// Most calls that are worked on at once: each computes for milliseconds and waits for the disk.
const CALLS_AT_ONCE_MAX: usize = 4;
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What all connections share.
struct Counter {
    desk: Desk,
    places: Semaphore,
}

/// Serves until a signal.
pub(super) async fn serve(options: &ServeOptions) -> Result<(), Error> {
    let level = std::env::var("PROBITY_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let mut signals = Signals::new()?;
    let (stop, stops) = watch::channel(false);
    let server = start(options, stops).await?;
    eprintln!("listening https://{}", server.address);
    signals.wait().await;
    stop.send_replace(true);
    // A server that panicked has nothing left to finish.
    server.task.await.ok();
    fs::remove_file(options.data.join("listen")).ok();
    Ok(())
}

/// A registrar that serves.
pub(super) struct Server {
    pub(super) address: std::net::SocketAddr,
    pub(super) task: tokio::task::JoinHandle<()>,
    _lock: fs::File,
}

pub(super) async fn start(
    options: &ServeOptions,
    stops: watch::Receiver<bool>,
) -> Result<Server, Error> {
    let data = &options.data;
    let book = Book::open(data)?;
    if book.roots()?.is_empty() {
        return Err(Error::Registrar {
            problem: "expected a vendor's EK root, found none: no machine could enrol".into(),
            remedy: "add one with `probity registrar init --data DIR --ek-root FILE`",
        });
    }
    // Challenges are in one process's memory.
    let lock = lock(data)?.ok_or_else(|| Error::DataInUse { path: data.clone() })?;
    let (certificate, key) = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => tls::development_files(book.folder())?,
    };
    let config = tls::server_config(&certificate, &key)?;
    let failed = Error::socket(format!("listening on {}", options.listen));
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(Error::socket("listening"))?;
    let counter =
        Arc::new(Counter { desk: Desk::new(book), places: Semaphore::new(CALLS_AT_ONCE_MAX) });
    let answer = move |request| route(Arc::clone(&counter), request);
    let task = tokio::spawn(http::serve_with(listener, config, answer, CONNECTIONS_MAX, stops));
    publish(&data.join("listen"), format!("{address}\n").as_bytes())?;
    Ok(Server { address, task, _lock: lock })
}

async fn route(counter: Arc<Counter>, request: Request<Incoming>) -> Response<Answer> {
    let path = request.uri().path();
    if path != CHALLENGE && path != ACTIVATE {
        let detail = "there is nothing at this path";
        let problem = Problem::new(404, "not-found", "Not found", detail);
        return refuse(&problem.remedy(format!("POST {CHALLENGE} or {ACTIVATE}")));
    }
    if request.method() != Method::POST {
        let detail = "this path takes POST";
        let problem = Problem::new(405, "method-not-allowed", "Method not allowed", detail);
        let mut response = refuse(&problem);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.and_then(|kind| kind.split(';').next()).map(str::trim) != Some("application/json") {
        let detail = "expected application/json";
        return refuse(&Problem::new(415, "media-type", "Unsupported media type", detail));
    }
    let is_challenge = path == CHALLENGE;
    let body = match read_whole(request.into_body(), REQUEST_BYTES_MAX).await {
        Ok(body) => body,
        Err(problem) => return respond_problem(&problem),
    };
    // Nobody closes it.
    let Ok(_place) = counter.places.acquire().await else { return busy("stopping") };
    let work = Arc::clone(&counter);
    let working = tokio::task::spawn_blocking(move || match is_challenge {
        true => call(&body.bytes, |request, now_ms| work.desk.challenge(&request, now_ms)),
        false => call(&body.bytes, |request, now_ms| work.desk.activate(&request, now_ms)),
    });
    working.await.unwrap_or_else(|_| failed())
}

/// Reads the request, asks the desk, writes the answer.
fn call<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    desk: impl FnOnce(Q, u64) -> Result<A, Refusal>,
) -> Response<Answer> {
    let request = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => {
            let detail = format!("the request cannot be read: {error}");
            let problem = Problem::new(400, "bad-request", "Bad request", detail);
            return refuse(&problem.remedy("see parent/enrol/ENROL.md, section 3"));
        }
    };
    let answer = now_ms().map_err(Refusal::Failed).and_then(|now_ms| desk(request, now_ms));
    match answer {
        Ok(answer) => match serde_json::to_vec(&answer) {
            Ok(bytes) => respond(StatusCode::OK, JSON, bytes),
            Err(_) => failed(),
        },
        Err(Refusal::Check(error)) => {
            tracing::warn!(check = error.check(), "an enrolment was refused");
            refuse(&Problem::from(&error))
        }
        Err(Refusal::Busy) => busy("too many challenges are asked for, or wait for their answers"),
        Err(Refusal::Failed(error)) => {
            tracing::error!(%error, "an enrolment failed");
            failed()
        }
    }
}

fn busy(detail: &str) -> Response<Answer> {
    let problem = Problem::new(429, "overloaded", "Too many requests", detail);
    let mut response = refuse(&problem.remedy("ask again later"));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    response
}

fn failed() -> Response<Answer> {
    let detail = "the registrar failed; its log says why";
    refuse(&Problem::new(500, "internal", "The registrar failed", detail).remedy("ask again later"))
}

fn refuse(problem: &Problem) -> Response<Answer> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bytes = serde_json::to_vec(problem).expect("texts and numbers always serialize");
    respond(status, PROBLEM, bytes)
}

const CHALLENGE: &str = "/v1/enrol/challenge";
const ACTIVATE: &str = "/v1/enrol/activate";
