//! `probity evaluate --sealed`: asks the enclave to attest itself, verifies that, seals the request
//! to the attested key, and opens and verifies what comes back. It must never send a request
//! before the attestation was verified, and never show an answer whose proof was not.

use super::accepted::Accepted;
use super::{Client, EvaluateOptions, Evaluated, refused, shown, table, wrong};
use crate::accepted::now_ms;
use crate::answer::answer;
use crate::error::Error;
use crate::http::{SEALED_REPLY, SEALED_REQUEST};
use crate::landed::Landed;
use crate::rulebook::Rulebook;
use crate::store::Location;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use crypto::{Salt, to_hex};
use hyper::Request;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use proof::Proof;
use ring::rand::SecureRandom as _;
use rules::{RuleResult, leaf_salt};
use seal::{Recipient, Reply};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use verify::{Attested, Live, Materials};
use zeroize::Zeroizing;

/// How long after the attestation the request is good, in milliseconds.
const VALIDITY_MS: u64 = 60_000;

/// There is no key that would make this copy's answer come later: no other run has its secret.
const UNANSWERED: &str = "run the command again: it seals the request anew and has it decided \
                          anew; this copy is taken at most once, and if it was decided, its proof \
                          stands in the log without being shown to anyone";

/// A decision that the enclave sealed for this caller.
struct Decision {
    proof_hash: [u8; 32],
    salt: Zeroizing<[u8; 32]>,
    results: Vec<Vec<u8>>,
}

/// Seals the request, posts it, and returns what to print.
pub(super) async fn evaluate(options: &EvaluateOptions, body: Vec<u8>) -> Result<Evaluated, Error> {
    let accepted = Accepted::read(&options.accepted)?;
    let body = Zeroizing::new(body);
    let transaction_id = messages::parse_request(&body)
        .map_err(|error| Error::Answer(format!("the request is refused unsent: {error}")))?
        .transaction
        .id;
    let mut client = Client::connect(&options.url, &options.ca).await?.advise(UNANSWERED);
    let nonce: [u8; 32] = random()?;
    let document = attestation(&mut client, &nonce).await?;
    let attested = accepted.attested(&document, &nonce)?;
    let keys =
        attested.evidence.key_set().ok_or_else(|| wrong("the attestation has no key set"))?;
    let recipient = Recipient::of_key_set(keys).map_err(Error::Seal)?;
    // A TPM has no calendar: there this machine's clock says until when.
    let from_ms = attested.evidence.quoted_at().map_or_else(now_ms, |quoted| Ok(quoted.0))?;
    let expires_at_ms = from_ms.saturating_add(VALIDITY_MS);
    let seed = Zeroizing::new(random()?);
    let (message, reply_key) = recipient.seal(&seed, expires_at_ms, &body).map_err(Error::Seal)?;

    let request = Request::post("/v1/evaluate/sealed").header(CONTENT_TYPE, SEALED_REQUEST);
    let request = request.header(ACCEPT, SEALED_REPLY);
    let bytes = client.send(request, message.into()).await?;
    let (sealed, proof) =
        read_answer(&bytes).map_err(|_| wrong("it is not [1, sealed reply, proof or null]"))?;
    let decision = match reply_key.open(sealed).map_err(Error::Seal)? {
        Reply::Refused { field, detail, .. } => {
            return Err(Error::Answer(refused(&field, &detail)));
        }
        Reply::Decided { proof_hash, salt, results } => Decision { proof_hash, salt, results },
    };
    let proof = proof.ok_or_else(|| wrong("the enclave decided, and the proof is withheld"))?;
    let (landed, verified) = check(&accepted, &body, proof, &decision)?;
    keep(options, proof, &decision.salt)?;
    show(options, &accepted, &landed, &transaction_id, (&attested, &verified))
}

/// Asks for a document that answers `nonce`.
async fn attestation(client: &mut Client, nonce: &[u8]) -> Result<Vec<u8>, Error> {
    let request = Request::get(format!("/v1/attestation?nonce={}", to_hex(nonce)));
    let answer = client.send(request, Bytes::new()).await?;
    let answer: Value = serde_json::from_slice(&answer).map_err(|_| wrong("it is not JSON"))?;
    let document = answer["document"].as_str().ok_or_else(|| wrong("a member is missing"))?;
    BASE64.decode(document).map_err(|_| wrong("the document is not base64"))
}

/// `[1, sealed reply, proof or null]`.
fn read_answer(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), cbor::CborError> {
    let mut r = cbor::Reader::new(bytes);
    r.array_of("answer", 3)?;
    r.uint_max("version", 1)?;
    let sealed = r.bytes_max("sealed reply", seal::REPLY_BYTES_MAX)?;
    let proof = if r.null()? { None } else { Some(r.bytes()?) };
    r.end()?;
    Ok((sealed, proof))
}

/// The proof verifies over this body, it is the one that the enclave meant, and the results are
/// the ones that it signed.
fn check(
    accepted: &Accepted,
    body: &[u8],
    proof: &[u8],
    decision: &Decision,
) -> Result<(Landed, Live), Error> {
    let salt = Salt(*decision.salt);
    let materials = Materials {
        bundle: accepted.rules.as_deref(),
        input: Some(body),
        salt: Some(salt.clone()),
        event_log: accepted.event_log.as_deref(),
        ..Materials::default()
    };
    let verified = accepted.proven(proof, &materials)?;
    let hash = verified.proof_hash();
    if hash.0 != decision.proof_hash {
        return Err(wrong(&format!(
            "expected the proof {}, found {hash}",
            to_hex(&decision.proof_hash)
        )));
    }
    let leaf = |(index, bytes): (u32, &Vec<u8>)| {
        let result = RuleResult::from_bytes(bytes)?;
        Ok(tlog::leaf_hash(result.leaf(&leaf_salt(&salt, index)).as_bytes()))
    };
    let leaves: Result<Vec<_>, cbor::CborError> = (0..).zip(&decision.results).map(leaf).collect();
    let leaves = leaves.map_err(|_| wrong("a rule result cannot be read"))?;
    if tlog::merkle_root(&leaves) != verified.statement().output_hash.0 {
        return Err(wrong("the rule results are not the ones that were signed"));
    }
    let signed = Proof::parse(proof).map_err(|_| wrong("the proof cannot be read"))?.signed;
    let inclusion = verified.inclusion();
    let landed = Landed {
        at: Location { boot: 0, index: inclusion.index },
        signed,
        hash,
        salt: *decision.salt,
        results: decision.results.clone(),
        sealed: Vec::new(),
        checkpoint_size: inclusion.size,
    };
    Ok((landed, verified))
}

/// Writes what was asked for.
fn keep(options: &EvaluateOptions, proof: &[u8], salt: &[u8; 32]) -> Result<(), Error> {
    if let Some(path) = &options.out {
        fs::write(path, proof).map_err(Error::file(path))?;
    }
    if let Some(path) = &options.salt_out {
        fs::write(path, format!("{}\n", to_hex(salt))).map_err(Error::file(path))?;
    }
    Ok(())
}

fn show(
    options: &EvaluateOptions,
    accepted: &Accepted,
    landed: &Landed,
    transaction_id: &str,
    (attested, verified): (&Attested, &Live),
) -> Result<Evaluated, Error> {
    let book = accepted.rules.as_deref().map(Rulebook::parse).transpose()?;
    let (bytes, compliant) = answer(landed, transaction_id, book.as_ref(), None)
        .map_err(|_| wrong("a rule result cannot be read"))?;
    let mut view: Value = serde_json::from_slice(&bytes).map_err(|_| wrong("it is not JSON"))?;
    let evidence = &attested.evidence;
    let release = evidence.release_name().unwrap_or_default();
    let root = evidence.anchor_name();
    let built_in = evidence.document().is_some_and(|document| document.anchor().is_built_in());
    let quoted = evidence.quoted_at().map(|at| at.to_string());
    let replayed = verified.results().is_some();
    view["sealed"] = serde_json::json!({
        "kind": evidence.kind().name(),
        "release": release,
        "root": root,
        "built_in_root": built_in,
        "attested_at": quoted,
        "proof_verified": true,
        "replayed": replayed,
    });
    if options.json {
        return Ok(Evaluated { text: format!("{view}\n"), compliant });
    }
    let mut text = table(&view);
    let root = if built_in { "AWS's root".into() } else { format!("the root {}", shown(root)) };
    let checked = if replayed { "verified and replayed" } else { "verified" };
    // Writing to a String does not fail.
    let quoted = quoted.unwrap_or_else(|| "just now by a TPM, which has no calendar".into());
    writeln!(text, "sealed to release {} under {root}, attested {quoted}", shown(release)).ok();
    writeln!(text, "the proof was {checked} here; the server saw neither request nor salt").ok();
    Ok(Evaluated { text, compliant })
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let failed = |_| Error::Tls("the system gives no random bytes".into());
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
