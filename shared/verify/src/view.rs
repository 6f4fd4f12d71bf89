//! The JSON view of FORMAT.md §8: for people and the HTTP API, loss-free both ways, never what is
//! signed. `from_json` rebuilds the bytes and so refuses a view that stands for no proof.

use crate::{VerifyError, parse_json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto::{Digest, Signature, to_hex};
use facts::Millis;
use proof::{
    EngineId, Evidence, Hit, Inclusion, LogSignatures, Proof, RuleEntry, Rulebook, SignedStatement,
    Statement, Unsigned,
};
use rules::Outcome;
use serde_json::{Map, Value, json};

/// Longest text of a view that is read, in bytes: the largest proof and generous white space.
const VIEW_BYTES_MAX: usize = 4 << 20;

/// The view of a proof.
pub fn to_json(proof: &Proof) -> Value {
    let statement = statement_to_json(proof.signed.statement());
    let mut view = json!({
        "format": "probity-proof/2",
        "proof_hash": proof.signed.proof_hash().to_string(),
        "statement": statement,
        "signature": to_hex(&proof.signed.signature().0),
    });
    if let Some(Unsigned { evidence, inclusion, log_signatures, cosignatures }) = &proof.unsigned {
        view["unsigned"] = json!({
            "evidence": { "kind": evidence.kind, "document": BASE64.encode(&evidence.document) },
            "inclusion": {
                "size": inclusion.size,
                "index": inclusion.index,
                "path": inclusion.path.iter().map(|node| to_hex(node)).collect::<Vec<_>>(),
            },
        });
        if let Some(both) = log_signatures {
            let (note, receipt) = (to_hex(&both.note.0), to_hex(&both.receipt.0));
            view["unsigned"]["log_signatures"] = json!({ "note": note, "receipt": receipt });
        }
        if !cosignatures.is_empty() {
            let lines = cosignatures.iter().map(|line| String::from_utf8_lossy(line));
            view["unsigned"]["cosignatures"] = lines.collect();
        }
    }
    view
}

fn statement_to_json(s: &Statement) -> Value {
    let rules: Vec<_> = s.rules.iter().map(rule_to_json).collect();
    let lists: Vec<_> =
        s.lists.iter().map(|(id, root)| json!({"id": id, "root": root.to_string()})).collect();
    let not_covered: Vec<_> = s
        .not_covered
        .iter()
        .map(|(jurisdiction, domain)| json!({"jurisdiction": jurisdiction, "domain": domain}))
        .collect();
    let decision = s.decision();
    json!({
        "version": 2,
        "proof_id": to_hex(&s.proof_id),
        "boot_id": to_hex(&s.boot_id),
        "agent": s.agent,
        "evaluated_at": s.evaluated_at.to_string(),
        "time_source": proof::TIME_SOURCE_NSM,
        "as_of": s.as_of.to_string(),
        "jurisdictions": s.jurisdictions,
        "domains": s.domains,
        "rulebook": {
            "name": s.rulebook.name,
            "version": s.rulebook.version,
            "hash": s.rulebook.hash.to_string(),
        },
        "engine": {
            "engine": s.engine.engine,
            "abi": s.engine.abi,
            "compiler": s.engine.compiler,
            "facts": s.engine.facts,
        },
        "rules": rules,
        "lists": lists,
        "input_hash": s.input_hash.to_string(),
        "facts_hash": s.facts_hash.to_string(),
        "rule_hash": s.rule_hash.to_string(),
        "state_hash": s.state_hash.to_string(),
        "output_hash": s.output_hash.to_string(),
        "trace_hash": s.trace_hash.to_string(),
        "decision": { "compliant": decision.is_compliant(), "outcome": decision.name() },
        "freshness": {
            "offline": s.offline,
            "age_ms": s.rules_age_ms,
            "newest_version": s.newest_version,
        },
        "nonce": s.nonce.as_ref().map(|nonce| to_hex(nonce)),
        "not_covered": not_covered,
    })
}

fn rule_to_json(rule: &RuleEntry) -> Value {
    json!({
        "id": rule.id,
        "version": rule.version,
        "jurisdiction": rule.jurisdiction,
        "domain": rule.domain,
        "module": rule.module.to_string(),
        "outcome": rule.outcome.name(),
        "reason": rule.reason,
        "hits": rule.hits.iter().map(hit_to_json).collect::<Vec<_>>(),
    })
}

fn hit_to_json(hit: &Hit) -> Value {
    json!({ "list": hit.list, "entry": hit.entry, "score": hit.score })
}

/// The proof that a view's text stands for. A key that stands twice is refused at every level.
pub fn parse_view(bytes: &[u8]) -> Result<Proof, VerifyError> {
    if bytes.len() > VIEW_BYTES_MAX {
        return Err(problem("text", "expected at most 4 MiB"));
    }
    let view = parse_json(bytes).map_err(|e| problem("text", &e.to_string()))?;
    from_json(&view)
}

/// The proof that a view stands for. The result went through `Proof::parse` and is canonical; the
/// view's derived fields (`proof_hash`, `decision`) have to agree with it.
pub fn from_json(view: &Value) -> Result<Proof, VerifyError> {
    Ok(Proof::parse(&view_to_bytes(view)?)?)
}

/// The bytes that a view stands for, which no other view does: what a verifier takes. Nothing was
/// parsed or judged yet, and they may be no proof: verification finds out, once.
pub fn view_to_bytes(view: &Value) -> Result<Vec<u8>, VerifyError> {
    let root = object("", view)?;
    let statement = statement_from_json(object("statement", &view["statement"])?)?;
    let signature = hex::<64>("signature", root.get("signature"))?;
    let signed = SignedStatement::from_parts_unverified(statement, Signature(signature));
    let unsigned = root.get("unsigned").map(unsigned_from_json).transpose()?;
    let proof = Proof { signed, unsigned };
    if to_json(&proof) != *view {
        return Err(problem("", "holds unknown, derived or differently written fields"));
    }
    Ok(proof.to_bytes())
}

fn unsigned_from_json(view: &Value) -> Result<Unsigned, VerifyError> {
    let (evidence, inclusion) = (&view["evidence"], &view["inclusion"]);
    let document = text("unsigned.evidence.document", &evidence["document"])?;
    let document = BASE64
        .decode(document)
        .map_err(|e| problem("unsigned.evidence.document", &format!("not base64: {e}")))?;
    let path = array("unsigned.inclusion.path", &inclusion["path"])?
        .iter()
        .map(|node| hex::<32>("unsigned.inclusion.path", Some(node)))
        .collect::<Result<_, _>>()?;
    let evidence = Evidence { kind: text("unsigned.evidence.kind", &evidence["kind"])?, document };
    let inclusion = Inclusion {
        size: number("unsigned.inclusion.size", &inclusion["size"])?,
        index: number("unsigned.inclusion.index", &inclusion["index"])?,
        path,
    };
    let mut unsigned = Unsigned::new(evidence, inclusion);
    if let Some(both) = view.get("log_signatures") {
        let signature = |field, key| hex::<64>(field, both.get(key)).map(Signature);
        let note = signature("unsigned.log_signatures.note", "note")?;
        let receipt = signature("unsigned.log_signatures.receipt", "receipt")?;
        unsigned.log_signatures = Some(LogSignatures { note, receipt });
    }
    if let Some(lines) = view.get("cosignatures") {
        let lines = texts("unsigned.cosignatures", lines)?;
        unsigned.cosignatures = lines.into_iter().map(String::into_bytes).collect();
    }
    Ok(unsigned)
}

fn statement_from_json(view: &Map<String, Value>) -> Result<Statement, VerifyError> {
    let at = |key: &str| view.get(key).unwrap_or(&Value::Null);
    let hash = |key: &str| hex::<32>(key, view.get(key)).map(Digest);
    let rules =
        array("rules", at("rules"))?.iter().map(rule_from_json).collect::<Result<_, _>>()?;
    let lists = array("lists", at("lists"))?
        .iter()
        .map(|list| {
            Ok((text("lists.id", &list["id"])?, Digest(hex("lists.root", list.get("root"))?)))
        })
        .collect::<Result<_, VerifyError>>()?;
    let (book, engine) = (at("rulebook"), at("engine"));
    Ok(Statement {
        proof_id: hex("proof_id", view.get("proof_id"))?,
        boot_id: hex("boot_id", view.get("boot_id"))?,
        agent: text("agent", at("agent"))?,
        evaluated_at: time("evaluated_at", at("evaluated_at"))?,
        as_of: time("as_of", at("as_of"))?,
        jurisdictions: texts("jurisdictions", at("jurisdictions"))?,
        domains: texts("domains", at("domains"))?,
        rulebook: Rulebook {
            name: text("rulebook.name", &book["name"])?,
            version: number("rulebook.version", &book["version"])?,
            hash: Digest(hex("rulebook.hash", book.get("hash"))?),
        },
        engine: EngineId {
            engine: text("engine.engine", &engine["engine"])?,
            abi: number("engine.abi", &engine["abi"])?,
            compiler: text("engine.compiler", &engine["compiler"])?,
            facts: number("engine.facts", &engine["facts"])?,
        },
        rules,
        lists,
        input_hash: hash("input_hash")?,
        facts_hash: hash("facts_hash")?,
        rule_hash: hash("rule_hash")?,
        state_hash: hash("state_hash")?,
        output_hash: hash("output_hash")?,
        trace_hash: hash("trace_hash")?,
        offline: at("freshness")["offline"]
            .as_bool()
            .ok_or_else(|| problem("freshness.offline", "expected a boolean"))?,
        rules_age_ms: number("freshness.age_ms", &at("freshness")["age_ms"])?,
        newest_version: number("freshness.newest_version", &at("freshness")["newest_version"])?,
        nonce: match at("nonce") {
            Value::Null => None,
            nonce => Some(
                crypto::from_hex(&text("nonce", nonce)?)
                    .map_err(|e| problem("nonce", &e.to_string()))?,
            ),
        },
        not_covered: array("not_covered", at("not_covered"))?
            .iter()
            .map(pair_from_json)
            .collect::<Result<_, _>>()?,
    })
}

fn pair_from_json(view: &Value) -> Result<(String, String), VerifyError> {
    let field = |key: &str| text(&format!("not_covered.{key}"), &view[key]);
    Ok((field("jurisdiction")?, field("domain")?))
}

fn rule_from_json(view: &Value) -> Result<RuleEntry, VerifyError> {
    let outcome = text("rules.outcome", &view["outcome"])?;
    Ok(RuleEntry {
        id: text("rules.id", &view["id"])?,
        version: text("rules.version", &view["version"])?,
        jurisdiction: text("rules.jurisdiction", &view["jurisdiction"])?,
        domain: text("rules.domain", &view["domain"])?,
        module: Digest(hex("rules.module", view.get("module"))?),
        outcome: Outcome::from_name(&outcome)
            .ok_or_else(|| problem("rules.outcome", "expected the name of an outcome"))?,
        reason: u16::try_from(number("rules.reason", &view["reason"])?)
            .map_err(|_| problem("rules.reason", "expected at most 65,535"))?,
        hits: array("rules.hits", &view["hits"])?
            .iter()
            .map(hit_from_json)
            .collect::<Result<_, _>>()?,
    })
}

fn hit_from_json(view: &Value) -> Result<Hit, VerifyError> {
    Ok(Hit {
        list: text("hits.list", &view["list"])?,
        entry: text("hits.entry", &view["entry"])?,
        score: u16::try_from(number("hits.score", &view["score"])?)
            .map_err(|_| problem("hits.score", "expected at most 10,000"))?,
    })
}

fn problem(field: &str, problem: &str) -> VerifyError {
    VerifyError::View { field: field.into(), problem: problem.into() }
}

fn object<'a>(field: &str, value: &'a Value) -> Result<&'a Map<String, Value>, VerifyError> {
    value.as_object().ok_or_else(|| problem(field, "expected an object"))
}

fn array<'a>(field: &str, value: &'a Value) -> Result<&'a [Value], VerifyError> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| problem(field, "expected an array"))
}

fn text(field: &str, value: &Value) -> Result<String, VerifyError> {
    value.as_str().map(str::to_owned).ok_or_else(|| problem(field, "expected a text"))
}

fn texts(field: &str, value: &Value) -> Result<Vec<String>, VerifyError> {
    array(field, value)?.iter().map(|entry| text(field, entry)).collect()
}

fn number(field: &str, value: &Value) -> Result<u64, VerifyError> {
    value.as_u64().ok_or_else(|| problem(field, "expected a whole number"))
}

fn time(field: &str, value: &Value) -> Result<Millis, VerifyError> {
    Millis::parse(&text(field, value)?).map_err(|e| problem(field, &e.to_string()))
}

fn hex<const N: usize>(field: &str, value: Option<&Value>) -> Result<[u8; N], VerifyError> {
    let digits = text(field, value.unwrap_or(&Value::Null))?;
    crypto::from_hex_exact(&digits).map_err(|e| problem(field, &e.to_string()))
}
