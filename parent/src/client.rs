//! `probity evaluate`: posts one request to a server and shows the answer. In clear it checks the
//! server's certificate and nothing else, the proof is checked by `probity-verify`, and it must
//! never call that answer verified. `--sealed` verifies before it sends and before it shows.

mod accepted;
mod sealed;

pub use accepted::AcceptedOptions;

use crate::error::Error;
use crate::http::tls::client_config;
use crate::limits::{BODY_BYTES_MAX, DEADLINE, HANDSHAKE_TIMEOUT};
use crate::problem::TYPE_PREFIX;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Widest padding of a table's column, in characters.
const COLUMN_CHARS_MAX: usize = 48;
/// Outcomes in the order of the table: what stops a transaction, what keeps it from being decided,
/// what people have to do, what is fine.
const ORDER: [&str; 6] = ["block", "missing_data", "error", "review", "report", "pass"];
/// Problems that leave open whether there will be a proof.
const UNANSWERED: [&str; 2] = ["deadline", "enclave-lost"];
/// Port of an address without one.
const HTTPS_PORT: u16 = 443;

/// Options of `probity evaluate`.
#[derive(Debug, clap::Args)]
pub struct EvaluateOptions {
    /// Request as JSON; - is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The server.
    #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:8443")]
    pub url: Uri,
    /// Certificates to trust (PEM); a development server's is DATA/tls/cert.pem.
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Idempotency key to send; not with --sealed, as every run seals a new request.
    #[arg(long, value_name = "KEY", conflicts_with = "sealed")]
    pub key: Option<String>,
    /// Write the complete proof here.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write the salt here, as hexadecimal.
    #[arg(long, value_name = "FILE")]
    pub salt_out: Option<PathBuf>,
    /// Print the server's JSON, which has the citations.
    #[arg(long)]
    pub json: bool,
    /// Seal the request to the attested enclave, so that the server cannot read it; needs
    /// --policy, or --measurements and --boot.
    #[arg(long)]
    pub sealed: bool,
    /// Which enclaves a sealed request may go to.
    #[command(flatten)]
    pub accepted: AcceptedOptions,
}

/// What came back.
#[derive(Debug)]
pub struct Evaluated {
    /// What to print.
    pub text: String,
    /// Whether the decision is compliant.
    pub compliant: bool,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    /// What to do when an answer did not come, where the server's advice does not fit.
    advice: Option<&'static str>,
}

/// Posts the request, writes what was asked for, and returns what to print.
pub async fn evaluate(options: &EvaluateOptions) -> Result<Evaluated, Error> {
    let body = read_input(&options.file)?;
    if options.sealed {
        return sealed::evaluate(options, body).await;
    }
    let mut client = Client::connect(&options.url, &options.ca).await?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/v1/evaluate")
        .header(CONTENT_TYPE, "application/json");
    if let Some(key) = &options.key {
        request = request.header(crate::http::IDEMPOTENCY_KEY, key);
    }
    let bytes = client.send(request, body.into()).await?;
    let answer: Value = serde_json::from_slice(&bytes).map_err(|_| wrong("it is not JSON"))?;
    let member = |name: &str| answer[name].as_str().ok_or_else(|| wrong("a member is missing"));
    let (proof_id, salt) = (member("proof_id")?, member("salt")?);
    if let Some(path) = &options.out {
        let request = Request::builder().uri(format!("/v1/proofs/{proof_id}"));
        let proof = client.send(request.header(ACCEPT, "application/cose"), Bytes::new()).await?;
        fs::write(path, proof).map_err(Error::file(path))?;
    }
    if let Some(path) = &options.salt_out {
        fs::write(path, format!("{salt}\n")).map_err(Error::file(path))?;
    }
    let compliant = answer["compliant"].as_bool().ok_or_else(|| wrong("a member is missing"))?;
    let text = match options.json {
        true => format!("{}\n", String::from_utf8_lossy(&bytes)),
        false => table(&answer),
    };
    Ok(Evaluated { text, compliant })
}

impl Client {
    /// Connects to an https URL and trusts the certificates of one file.
    pub async fn connect(url: &Uri, ca: &Path) -> Result<Self, Error> {
        let authority = url.authority().filter(|_| url.scheme_str() == Some("https"));
        let wrong_url = || Error::Answer(format!("{url}: expected https://HOST:PORT"));
        let authority = authority.ok_or_else(wrong_url)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| wrong_url())?;
        let port = authority.port_u16().unwrap_or(HTTPS_PORT);
        let connector = TlsConnector::from(client_config(ca)?);
        let connecting = async {
            let socket = TcpStream::connect((host.as_str(), port)).await?;
            socket.set_nodelay(true)?;
            connector.connect(name, socket).await
        };
        let late = || std::io::Error::from(std::io::ErrorKind::TimedOut);
        let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, connecting).await;
        let stream = stream.map_err(|_| late()).flatten();
        let stream = stream.map_err(Error::socket(format!("connecting to {authority}")))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| wrong(&e.to_string()))?;
        // The connection's error also ends the request that waits on it.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { sender, authority: authority.to_string(), advice: None })
    }

    /// The same, with advice of its own for answers that did not come.
    pub(crate) fn advise(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Sends a request and returns the body of a good answer.
    async fn send(&mut self, request: Builder, body: Bytes) -> Result<Bytes, Error> {
        let answer = self.exchange(request, body).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            status => Err(Error::Answer(refusal(status, answer.body(), self.advice))),
        }
    }

    /// Sends a request and returns the answer, whatever it says.
    pub async fn exchange(
        &mut self,
        request: Builder,
        body: Bytes,
    ) -> Result<Response<Bytes>, Error> {
        let request = request.header(HOST, &self.authority).body(Full::new(body));
        let request = request.map_err(|e| Error::Answer(format!("request: {e}")))?;
        let sending = async {
            let response = self.sender.send_request(request).await;
            let (parts, body) = response.map_err(|e| wrong(&e.to_string()))?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|e| wrong(&e.to_string()))?.to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        // The server's own deadline comes first, with a better explanation.
        let answer = tokio::time::timeout(DEADLINE * 2, sending).await;
        answer.map_err(|_| wrong("it did not come in time"))?
    }
}

fn read_input(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let limit = BODY_BYTES_MAX as u64 + 1;
    let read = match path == Path::new("-") {
        true => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
        false => fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    read.map_err(Error::file(path))?;
    Ok(bytes)
}

fn wrong(problem: &str) -> Error {
    Error::Answer(format!("the server's answer cannot be used: {problem}"))
}

/// What the enclave refused, in one line.
fn refused(field: &str, detail: &str) -> String {
    match field {
        "" => format!("refused by the enclave: {}", shown(detail)),
        field => format!("refused by the enclave, {}: {}", shown(field), shown(detail)),
    }
}

/// A problem document in one or two lines.
fn refusal(status: StatusCode, body: &[u8], advice: Option<&str>) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |name: &str| problem[name].as_str().map(shown);
    let detail = member("detail").unwrap_or_else(|| "without a problem document".into());
    let mut text = format!("refused with {}: {detail}", status.as_u16());
    let kind = problem["type"].as_str().and_then(|kind| kind.strip_prefix(TYPE_PREFIX));
    let is_open = kind.is_some_and(|kind| UNANSWERED.contains(&kind));
    let advice = advice.filter(|_| is_open).map(str::to_owned);
    if let Some(remedy) = advice.or_else(|| member("remedy")) {
        // Writing to a String does not fail.
        write!(text, "\n  {remedy}").ok();
    }
    text
}

/// Each rule in one line, the gravest first; then the proof and the decision.
fn table(answer: &Value) -> String {
    let text = |value: &Value| value.as_str().map(shown).unwrap_or_default();
    let items = |name: &str| answer[name].as_array().into_iter().flatten();
    let ruled = items("results").map(|result| {
        [text(&result["outcome"]), text(&result["rule_id"]), text(&result["reason"])]
    });
    let uncovered = items("not_covered").map(|pair| {
        let scope = format!("{} × {}", text(&pair["jurisdiction"]), text(&pair["domain"]));
        ["missing_data".into(), scope, "no rule in force".into()]
    });
    let mut rows: Vec<[String; 3]> = ruled.chain(uncovered).collect();
    // An outcome that this program does not know comes first: nobody shall overlook it.
    rows.sort_by_key(|[outcome, ..]| ORDER.iter().position(|known| known == outcome));
    let width = |column: usize, least: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0).clamp(least, COLUMN_CHARS_MAX)
    };
    let (first, second) = (width(0, "compliant".len()), width(1, 0));
    let mut out = String::new();
    for [outcome, rule, reason] in &rows {
        // Writing to a String does not fail.
        writeln!(out, "{outcome:<first$}  {rule:<second$}  {reason}").ok();
    }
    let compliant = if answer["compliant"] == true { "yes" } else { "no" };
    writeln!(out, "{:<first$}  {}", "proof", text(&answer["proof_id"])).ok();
    writeln!(out, "{:<first$}  {}", "hash", text(&answer["proof"]["hash"])).ok();
    writeln!(out, "{:<first$}  {compliant}: {}", "compliant", text(&answer["outcome"])).ok();
    out
}

/// Text of the server without what could move a terminal's cursor.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use clap::error::ErrorKind;

    #[derive(clap::Parser)]
    struct Arguments {
        #[command(flatten)]
        options: EvaluateOptions,
    }

    /// A key promises that asking again is safe; bytes that are sealed anew cannot keep that.
    #[test]
    fn a_sealed_request_takes_no_idempotency_key() {
        let key = |more: &[&str]| {
            let always = ["evaluate", "request.json", "--ca", "cert.pem"];
            let parsed = Arguments::try_parse_from([&always[..], more].concat());
            parsed.map(|parsed| parsed.options.key).map_err(|error| error.kind())
        };
        assert_eq!(key(&["--key", "order-1"]), Ok(Some("order-1".into())));
        assert_eq!(key(&["--sealed"]), Ok(None));
        assert_eq!(key(&["--sealed", "--key", "order-1"]), Err(ErrorKind::ArgumentConflict));
    }

    #[test]
    fn the_table_is_short_and_tame_and_has_the_gravest_first() {
        let line = |outcome: &str, rule: &str, reason: &str| {
            serde_json::json!({"outcome": outcome, "rule_id": rule, "reason": reason,
                "citation": "31 CFR 1010.311"})
        };
        let answer = serde_json::json!({
            "outcome": "block", "proof_id": "ab", "proof": {"hash": "cd"}, "compliant": false,
            "results": [
                line("pass", "us.bsa.ctr", "below"), line("report", "us.sar", "a\u{1b}[2J\nb"),
                line("error", "us.x", "fuel"), line("block", "us.ofac", "listed"),
                line("review", "us.y", "odd"), line("missing_data", "us.z", "no name"),
            ],
            "not_covered": [{"jurisdiction": "US", "domain": "PEP"}],
        });
        let expected = "\
            block         us.ofac     listed\n\
            missing_data  us.z        no name\n\
            missing_data  US × PEP    no rule in force\n\
            error         us.x        fuel\n\
            review        us.y        odd\n\
            report        us.sar      a\u{fffd}[2J\u{fffd}b\n\
            pass          us.bsa.ctr  below\n\
            proof         ab\n\
            hash          cd\n\
            compliant     no: block\n";
        assert_eq!(table(&answer), expected);
        let fine = serde_json::json!({"outcome": "pass", "compliant": true,
            "results": [line("pass", "us.a", "fine")]});
        assert!(table(&fine).starts_with("pass       us.a  fine\n"));
        assert!(table(&fine).ends_with("compliant  yes: pass\n"));
        let strange =
            serde_json::json!({"results": [line("block", "b", ""), line("new", "n", "")]});
        assert!(table(&strange).starts_with("new"));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let body = br#"{"detail":"no","remedy":"yes"}"#;
        let plain = |status, body: &[u8]| refusal(status, body, None);
        assert_eq!(plain(StatusCode::BAD_REQUEST, body), "refused with 400: no\n  yes");
        assert!(plain(StatusCode::BAD_GATEWAY, b"<html>").contains("without a problem"));
        // Where no key can be sent, the advice to send one is replaced; other advice stays.
        let late = br#"{"type":"urn:probity:problem:deadline","detail":"late","remedy":"a key"}"#;
        let text = refusal(StatusCode::GATEWAY_TIMEOUT, late, Some("seal again"));
        assert_eq!(text, "refused with 504: late\n  seal again");
        let text = refusal(StatusCode::BAD_REQUEST, body, Some("seal again"));
        assert!(text.ends_with("yes"), "{text}");
    }
}
