//! `probity-verify receipt`: inclusion in standard encodings, for tools that know nothing of
//! Probity. A receipt says that a leaf is in a log whose key signed; whose key that is, the quote
//! says, so the key is always the reader's and never the receipt's.

use crate::arguments::Format;
use crate::arguments_more::{
    ExportArguments, ExportForm, ReceiptArguments, VerifyArguments, VerifyForm,
};
use crate::output::Verdict;
use crate::table::{Table, short, visible};
use crate::{files, report, signed_policy};
use anyhow::{Context as _, Result, bail};
use crypto::{VerifyingKey, to_hex};
use facts::Millis;
use proof::Proof;
use receipt::cose::ccf::{ServiceKey, TransparentStatement};
use receipt::cose::{Receipt, ReceiptKey, VerifiedReceipt};
use receipt::cosign::{VerifiedCosignatures, WitnessKey, verify_witnesses};
use receipt::note::{Note, TreeHead};
use receipt::tlog_proof::TlogProof;
use receipt::{ReceiptError, VerifiedInclusion, log};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

pub(crate) fn receipt(asked: &ReceiptArguments) -> Result<Verdict> {
    match asked {
        ReceiptArguments::Export(asked) => export(asked),
        ReceiptArguments::Verify(asked) => verify(asked),
    }
}

/// A proof as it came; nothing about it is verified.
fn proof(path: &Path) -> Result<std::result::Result<Proof, Verdict>> {
    let parsed = report::proof_bytes(files::read(path)?)
        .and_then(|bytes| Proof::parse(&bytes).map_err(verify::VerifyError::Proof));
    Ok(parsed.map_err(|rejected| report::refused(&rejected)))
}

fn export(asked: &ExportArguments) -> Result<Verdict> {
    if asked.out.is_none() && asked.output.chosen() != Format::Table {
        bail!("the receipt goes to standard output: name a file with --out to have a verdict too");
    }
    let proof = match proof(&asked.file)? {
        Ok(proof) => proof,
        Err(verdict) => return Ok(verdict),
    };
    let bytes = match export_as(asked.form, &proof) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(refused(&error)),
    };
    match &asked.out {
        Some(path) => files::write(path, &bytes)?,
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush())?;
            // The receipt is the output; a verdict behind it would be part of the file.
            return Ok(Verdict::of(true, Value::Null, String::new()));
        }
    }
    let agent = proof.signed.statement().agent.clone();
    let text = format!(
        "written, not verified: its reader needs the key {}, which `probity-verify proof` finds \
         attested\n",
        visible(&agent)
    );
    let json = json!({"ok": true, "check": null, "bytes": bytes.len(), "key": agent});
    Ok(Verdict::of(true, json, text))
}

fn export_as(form: ExportForm, proof: &Proof) -> Result<Vec<u8>, ReceiptError> {
    Ok(match form {
        ExportForm::Cose => receipt::cose::export(proof)?,
        ExportForm::Transparent => receipt::cose::export_transparent(proof)?,
        ExportForm::Tlog => receipt::tlog_proof::export(proof)?.into_bytes(),
        ExportForm::Checkpoint => {
            // Through the tlog-proof, which exports nothing that its reader must refuse.
            let text = receipt::tlog_proof::export(proof)?;
            TlogProof::parse(text.as_bytes())?.checkpoint().to_text().into_bytes()
        }
    })
}

/// What a receipt turned out to show.
struct Shown {
    what: &'static str,
    rows: Vec<[String; 3]>,
    json: Value,
    closing: &'static str,
}

fn verify(asked: &VerifyArguments) -> Result<Verdict> {
    let bytes = files::read(&asked.file)?;
    let witnesses = match witnesses(asked)? {
        Ok(witnesses) => witnesses,
        Err(verdict) => return Ok(verdict),
    };
    let shown = match asked.form {
        VerifyForm::Ccf => ccf(&bytes, asked)?,
        VerifyForm::Transparent => {
            if witnesses.is_some() {
                bail!("a transparent statement carries no cosignature; use tlog or checkpoint");
            }
            let key = key(asked)?;
            TransparentStatement::parse(&bytes)
                .and_then(|statement| statement.verify_statement(&key))
                .map(|(proof, verified)| statement(&verified, &proof))
        }
        VerifyForm::Checkpoint => checkpoint(&bytes, asked, &witnesses)?,
        VerifyForm::Cose | VerifyForm::Tlog => {
            let path = asked.proof.as_deref();
            let path = path.context("give --proof: the leaf is the hash of a proof")?;
            match proof(path)? {
                Ok(proof) => inclusion(&bytes, asked, &proof, &witnesses)?,
                Err(verdict) => return Ok(verdict),
            }
        }
    };
    Ok(match shown {
        Ok(shown) => {
            let mut table = Table::default();
            for [word, value, remark] in &shown.rows {
                table.row(word, value, remark);
            }
            let mut json = shown.json;
            (json["ok"], json["check"]) = (true.into(), Value::Null);
            json["form"] = shown.what.into();
            Verdict::of(true, json, table.finish(shown.closing))
        }
        Err(error) => refused(&error),
    })
}

fn key(asked: &VerifyArguments) -> Result<VerifyingKey> {
    let did = asked.key.as_deref().context(
        "give --key: the did:key of the log's signer, which `probity-verify proof` finds attested",
    )?;
    VerifyingKey::from_did_key(did).context("--key")
}

/// The witnesses that the reader names, and how many of them must have cosigned.
type Witnesses = Option<(Vec<WitnessKey>, usize)>;

fn witnesses(asked: &VerifyArguments) -> Result<std::result::Result<Witnesses, Verdict>> {
    let (texts, threshold) = match &asked.signed.policy {
        Some(_) if !asked.witness.is_empty() => {
            bail!("--witness and --policy: the policy names the witnesses")
        }
        Some(_) => match signed_policy::load(&asked.signed)? {
            Ok(policy) => {
                let named = &policy.content().witnesses;
                (named.keys.clone(), named.threshold)
            }
            Err(rejected) => return Ok(Err(report::refused(&rejected))),
        },
        None => {
            // Keys of one name are one witness.
            let names = asked.witness.iter().map(|key| key.split('+').next());
            let all = names.collect::<BTreeSet<_>>().len();
            (asked.witness.clone(), asked.witness_threshold.unwrap_or(all))
        }
    };
    if texts.is_empty() {
        return Ok(Ok(None));
    }
    let keys = texts
        .iter()
        .map(|text| WitnessKey::parse(text).map_err(|error| anyhow::anyhow!("{error}")))
        .collect::<Result<Vec<_>>>()?;
    Ok(Ok(Some((keys, threshold))))
}

type Outcome = Result<Shown, ReceiptError>;

fn inclusion(
    bytes: &[u8],
    asked: &VerifyArguments,
    proof: &Proof,
    witnesses: &Witnesses,
) -> Result<Outcome> {
    let key = key(asked)?;
    let leaf = log::leaf(proof);
    if asked.form == VerifyForm::Cose {
        if witnesses.is_some() {
            bail!("a COSE Receipt carries no cosignature; use the forms tlog or checkpoint");
        }
        let verified = Receipt::parse(bytes)
            .and_then(|receipt| receipt.verify_inclusion(leaf, &ReceiptKey::Ed25519(key)));
        return Ok(verified.map(|verified| somewhere(&verified, proof)));
    }
    let log_key = log::log_key(proof.signed.statement().boot_id, key);
    Ok(TlogProof::parse(bytes).and_then(|tlog| {
        let verified = tlog.verify(leaf, &log_key)?;
        let seen = cosigned(tlog.checkpoint(), witnesses)?;
        Ok(included(&verified, proof, seen.as_ref()))
    }))
}

fn cosigned(
    note: &Note,
    witnesses: &Witnesses,
) -> Result<Option<VerifiedCosignatures>, ReceiptError> {
    match witnesses {
        Some((keys, threshold)) => verify_witnesses(note, keys, *threshold).map(Some),
        None => Ok(None),
    }
}

/// A transparent statement: what was decided stands in it, under the same signature.
fn statement(verified: &VerifiedReceipt, proof: &Proof) -> Shown {
    let said = proof.signed.statement();
    let shown = somewhere(verified, proof);
    let decision = said.decision().name().to_owned();
    let mut rows = vec![["decision".to_owned(), decision, format!("as of {}", said.as_of)]];
    rows.extend(shown.rows);
    let mut json = shown.json;
    json["decision"] = said.decision().name().into();
    json["evaluated_at"] = said.evaluated_at.to_string().into();
    Shown { what: "transparent", rows, json, closing: STATED }
}

/// A COSE Receipt signs the root alone: its place is shown as the claim that it is.
fn somewhere(verified: &VerifiedReceipt, proof: &Proof) -> Shown {
    let (index, size) = (verified.claimed_index(), verified.claimed_size());
    let why = "a COSE Receipt does not sign its place; the form tlog does".to_owned();
    let mut rows = vec![
        ["proof".to_owned(), short(proof.signed.proof_hash().as_bytes()), "by its hash".into()],
        ["log".to_owned(), format!("root {}", short(verified.root())), String::new()],
        ["not checked".into(), format!("claimed leaf {index} of {size}"), why],
    ];
    rows.extend(witness_rows(None));
    let json = json!({
        "proof_hash": proof.signed.proof_hash().to_string(),
        "claimed": {"index": index, "size": size},
        "root": to_hex(verified.root()),
        "witnessed": witness_fields(None),
    });
    Shown { what: "cose", rows, json, closing: IN_LOG }
}

fn included(
    verified: &VerifiedInclusion,
    proof: &Proof,
    seen: Option<&VerifiedCosignatures>,
) -> Shown {
    let hash = proof.signed.proof_hash().to_string();
    let place = format!("leaf {} of {}", verified.index(), verified.size());
    let mut rows = vec![
        ["proof".to_owned(), short(proof.signed.proof_hash().as_bytes()), "by its hash".into()],
        ["log".to_owned(), place, format!("root {}", short(verified.root()))],
    ];
    rows.extend(witness_rows(seen));
    let json = json!({
        "proof_hash": hash,
        "index": verified.index(),
        "size": verified.size(),
        "root": to_hex(verified.root()),
        "witnessed": witness_fields(seen),
    });
    Shown { what: "tlog", rows, json, closing: IN_LOG }
}

/// What inclusion alone does not say.
const IN_LOG: &str = "INCLUDED in the log of the key that you named. Whether that key is an \
                      enclave's, and what the proof decides: probity-verify proof.";

/// The same of a statement that brings its receipt along.
const STATED: &str = "SIGNED and INCLUDED in the log, by the key that you named. Whether that key \
                      is an enclave's: probity-verify proof.";

fn checkpoint(bytes: &[u8], asked: &VerifyArguments, witnesses: &Witnesses) -> Result<Outcome> {
    let own = asked.key.is_some().then(|| key(asked)).transpose()?;
    if own.is_none() && witnesses.is_none() {
        bail!("give --key of the log, or --witness, or --policy: else nothing would be verified");
    }
    Ok(Note::parse(bytes).and_then(|note| {
        let head = TreeHead::parse(note.text())?;
        if let Some(signer) = own {
            use receipt::note::{KeyKind, VerifierKey};
            note.verify_log(&VerifierKey::new(&head.origin, KeyKind::Log, signer)?)?;
        }
        let seen = cosigned(&note, witnesses)?;
        let signed = if own.is_some() { "signed by the key that you named" } else { "NOT CHECKED" };
        let mut rows = vec![
            ["log".to_owned(), head.origin.clone(), format!("its signature: {signed}")],
            ["size".into(), head.size.to_string(), format!("root {}", short(&head.root))],
        ];
        rows.extend(witness_rows(seen.as_ref()));
        let json = json!({
            "origin": head.origin,
            "size": head.size,
            "root": to_hex(&head.root),
            "log_signature_checked": own.is_some(),
            "witnessed": witness_fields(seen.as_ref()),
        });
        let closing = "VALID checkpoint. What is in the log: probity-verify proof or log.";
        Ok(Shown { what: "checkpoint", rows, json, closing })
    }))
}

fn witness_rows(seen: Option<&VerifiedCosignatures>) -> Vec<[String; 3]> {
    let Some(seen) = seen else {
        let why = "no witness was named (P20)".to_owned();
        return vec![["not checked".into(), "witnesses".into(), why]];
    };
    let at = |seconds: u64| Millis(seconds.saturating_mul(1000)).to_string();
    let threshold = "by then the number that you ask for had cosigned".to_owned();
    let mut rows = vec![["witnessed".to_owned(), at(seen.witnessed_at_s()), threshold]];
    for (name, time) in seen.witnesses() {
        rows.push([String::new(), at(*time), name.clone()]);
    }
    rows
}

fn witness_fields(seen: Option<&VerifiedCosignatures>) -> Value {
    seen.map_or(Value::Null, |seen| {
        let at = |seconds: u64| Millis(seconds.saturating_mul(1000)).to_string();
        let one = |(name, time): &(String, u64)| json!({"name": name, "at": at(*time)});
        let all: Vec<_> = seen.witnesses().iter().map(one).collect();
        json!({"at": at(seen.witnessed_at_s()), "witnesses": all})
    })
}

fn ccf(bytes: &[u8], asked: &VerifyArguments) -> Result<Outcome> {
    if asked.service.is_empty() {
        bail!("give --service: the certificate of the ledger's service that you trust");
    }
    let mut keys = Vec::new();
    for path in &asked.service {
        let key = ServiceKey::from_certificate(&files::der(path, "CERTIFICATE")?);
        keys.push(key.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?);
    }
    Ok(TransparentStatement::parse(bytes).and_then(|statement| statement.verify(&keys)).map(
        |verified| Shown {
            what: "ccf",
            rows: vec![
                ["statement".into(), short(verified.data_hash()), "by its hash".into()],
                ["ledger".into(), short(verified.service()), "the service that you named".into()],
                ["commit".into(), verified.evidence().to_owned(), String::new()],
            ],
            json: json!({
                "data_hash": to_hex(verified.data_hash()),
                "service": to_hex(verified.service()),
                "root": to_hex(verified.root()),
                "evidence": verified.evidence(),
            }),
            closing: "INCLUDED in the ledger. The statement's own signature and issuer were NOT \
                      CHECKED.",
        },
    ))
}

fn refused(error: &ReceiptError) -> Verdict {
    let (check, remedy, detail) = (error.check(), error.remedy(), error.to_string());
    let text = format!("REJECTED {}\n  do: {remedy}\n", visible(&detail));
    let json = json!({
        "ok": false,
        "verdict": "rejected",
        "check": check,
        "title": report::title(check),
        "detail": detail,
        "remedy": remedy,
    });
    Verdict::of(false, json, text)
}
