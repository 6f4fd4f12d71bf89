//! `enrol`: proves to a registrar that the attestation key lives in the TPM of an endorsement
//! certificate, and keeps the certificate that it issues. Two calls; nothing is written before the
//! second was answered, so a run that was killed is simply run again. The token and the activated
//! secret must never be printed or written.

use crate::certificates::Enrolled;
use crate::command::with_key;
use crate::error::Error;
use crate::files;
use crate::identity::{AkRecord, ek};
use crate::limits::{CERTIFICATE_BYTES_MAX, CHAIN_MAX, FILE_BYTES_MAX};
use crate::options::EnrolOptions;
use crate::tpm::Tpm;
use ::enrol::protocol::{
    ActivateAnswer, ActivateRequest, Base64, ChallengeAnswer, ChallengeRequest, Problem,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Uri};
use parent::client::Client;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Largest file of a token, in bytes.
const TOKEN_BYTES_MAX: u64 = 1024;
/// Longest part of a problem that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 400;

/// Enrols, and says what was issued.
pub fn run(options: &EnrolOptions) -> Result<String, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::system("starting"))?;
    with_key(&options.device, |tpm, record| {
        let request = request(options, tpm, &record)?;
        let answer = runtime.block_on(post(options, "/v1/enrol/challenge", &request))?;
        let ChallengeAnswer { challenge_id, credential_blob, encrypted_secret, .. } =
            read(&answer)?;
        let hidden = (&credential_blob.0[..], &encrypted_secret.0[..]);
        let secret = ek::activate(tpm, (record.ek, record.handle), hidden)?;
        let request = ActivateRequest { challenge_id, secret: Base64(secret.to_vec()) };
        let answer = runtime.block_on(post(options, "/v1/enrol/activate", &request))?;
        keep(options, &record, read(&answer)?)
    })
}

fn request(
    options: &EnrolOptions,
    tpm: &mut Tpm,
    record: &AkRecord,
) -> Result<ChallengeRequest, Error> {
    let mut certificates = match &options.ek_certificate {
        Some(path) => vec![files::read_whole(path, CERTIFICATE_BYTES_MAX as u64)?],
        None => ek::certificates(tpm, record.ek)?,
    };
    for path in &options.ek_chain {
        certificates.extend(pem(path)?);
    }
    if certificates.len() > CHAIN_MAX {
        let found = certificates.len();
        return Err(Error::Enrol(format!("{found} EK certificates, at most {CHAIN_MAX}")));
    }
    Ok(ChallengeRequest {
        identity: options.identity.clone(),
        token: token(options)?,
        ek_certificates: certificates.into_iter().map(Base64).collect(),
        ek_public: Base64(ek::public(tpm, record.ek)?),
        ak_public: Base64(record.public.clone()),
        creation_attest: Base64(record.creation_attest.clone()),
        creation_signature: Base64(record.creation_signature.clone()),
        creation_data: Base64(record.creation_data.clone()),
    })
}

/// The token: from a file or standard input, so that no other user sees it.
fn token(options: &EnrolOptions) -> Result<String, Error> {
    if let Some(token) = &options.token {
        return Ok(token.clone());
    }
    let path = options.token_file.as_deref().unwrap_or(Path::new("-"));
    let path = if path == Path::new("-") { Path::new("/dev/stdin") } else { path };
    let bytes = files::read_whole(path, TOKEN_BYTES_MAX)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

fn keep(
    options: &EnrolOptions,
    record: &AkRecord,
    issued: ActivateAnswer,
) -> Result<String, Error> {
    let name = crypto::to_hex(&record.name);
    if issued.ak_name != name {
        let found = issued.ak_name;
        return Err(Error::Enrol(format!(
            "issued for another key: expected {name}, found {found}"
        )));
    }
    let mut chain = vec![issued.ak_certificate.0];
    chain.extend(issued.chain.into_iter().map(|one| one.0));
    let largest = chain.iter().map(Vec::len).max().unwrap_or_default();
    if chain.len() > CHAIN_MAX || largest > CERTIFICATE_BYTES_MAX {
        let count = chain.len();
        return Err(Error::Enrol(format!(
            "expected at most {CHAIN_MAX} certificates of {CERTIFICATE_BYTES_MAX} bytes, found \
             {count} of up to {largest}"
        )));
    }
    let enrolled = Enrolled {
        version: Enrolled::VERSION,
        identity: options.identity.clone(),
        registrar: options.registrar.clone(),
        ak_name: name,
        qualified_name: issued.qualified_name,
        ek_hash: issued.ek_hash,
        chain: chain.iter().map(|one| STANDARD.encode(one)).collect(),
    };
    enrolled.write(&options.device.state)?;
    Ok(format!(
        "identity     {}\nkey          {}\nEK           {}\ncertificates {}\n",
        enrolled.identity,
        enrolled.ak_name,
        enrolled.ek_hash,
        enrolled.chain.len()
    ))
}

async fn post(options: &EnrolOptions, path: &str, body: &impl Serialize) -> Result<Bytes, Error> {
    let wrong_url = |_| {
        let found = &options.registrar;
        Error::Enrol(format!("--registrar: expected https://HOST:PORT, found {found}"))
    };
    let base: Uri = options.registrar.parse().map_err(wrong_url)?;
    let mut client = Client::connect(&base, &options.ca).await?;
    let body = serde_json::to_vec(body).expect("texts always serialize");
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request.header(CONTENT_TYPE, "application/json");
    let answer = client.exchange(request, body.into()).await?;
    match answer.status() {
        status if status.is_success() => Ok(answer.into_body()),
        status => Err(Error::Enrol(refusal(status.as_u16(), answer.body()))),
    }
}

/// A problem document as text: check, detail, what to do.
fn refusal(status: u16, body: &[u8]) -> String {
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return format!("refused with {status}, without a problem document");
    };
    let tame = |text: &str| {
        text.chars().filter(|one| !one.is_control()).take(SHOWN_CHARS_MAX).collect::<String>()
    };
    let detail = tame(&problem.detail);
    let remedy = problem.remedy.as_deref().map_or("see the registrar's log".into(), tame);
    match problem.check.as_deref().map(tame) {
        Some(check) => format!("refused with {status}, check {check}: {detail}\n  do: {remedy}"),
        None => format!("refused with {status}: {detail}\n  do: {remedy}"),
    }
}

fn read<T: for<'de> Deserialize<'de>>(answer: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|error| {
        Error::Enrol(format!("the registrar's answer: {error}; use the same release on both sides"))
    })
}

/// The certificates of a PEM file.
fn pem(path: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let bytes = files::read_whole(path, FILE_BYTES_MAX)?;
    let found = pem_certificates(&String::from_utf8_lossy(&bytes));
    match found.filter(|found| !found.is_empty()) {
        Some(found) => Ok(found),
        None => Err(no_certificate(path)),
    }
}

fn no_certificate(path: &Path) -> Error {
    Error::content(path, "expected certificates in PEM", "convert them: openssl x509 -inform DER")
}

fn pem_certificates(text: &str) -> Option<Vec<Vec<u8>>> {
    let parts = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let body =
        |part: &str| part.split_once("-----END CERTIFICATE-----").map(|(body, _)| compact(body));
    parts.map(|part| STANDARD.decode(body(part)?).ok()).collect()
}

fn compact(text: &str) -> String {
    text.chars().filter(|one| !one.is_ascii_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_check_and_stays_tame() {
        let mut problem = Problem::new(409, "x", "y", "another EK\u{1b}[2J").remedy("revoke it");
        problem.check = Some("T3".into());
        let text = refusal(409, &serde_json::to_vec(&problem).unwrap());
        assert_eq!(text, "refused with 409, check T3: another EK[2J\n  do: revoke it");
        assert!(refusal(502, b"<html>").contains("without a problem document"));
    }

    #[test]
    fn pem_files_may_hold_text_between() {
        let text = "a CA\n-----BEGIN CERTIFICATE-----\nAQ\nID\n-----END CERTIFICATE-----\nmore";
        assert_eq!(pem_certificates(text), Some(vec![vec![1, 2, 3]]));
        assert_eq!(pem_certificates("nothing"), Some(vec![]));
        assert_eq!(pem_certificates("-----BEGIN CERTIFICATE-----\nAQID"), None);
    }
}
