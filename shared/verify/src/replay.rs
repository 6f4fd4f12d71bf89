//! Rules, input and replay: checks P12 to P17, and one result shown alone (P19).

use crate::cache::KnownQuote;
use crate::engine::Engine;
use crate::ledger::Ledger;
use crate::{Verified, VerifyError, recompile};
use crypto::{Digest, Domain, Salt, digest};
use facts::Millis;
use proof::{Hit, Statement};
use rules::{FreshnessPolicy, RuleResult, Selection};
use tlog::Hash;
use vm::Program;

/// What a verifier may have beside the proof.
#[derive(Debug, Clone, Default)]
pub struct Materials<'a> {
    /// The signed rule bundle.
    pub bundle: Option<&'a [u8]>,
    /// The request body, exactly as it was sent.
    pub input: Option<&'a [u8]>,
    /// The salt that came with the proof.
    pub salt: Option<Salt>,
    /// Whether to compile the rules again from their sources and to ask the reference interpreter
    /// too (checks P21 and P22).
    pub second_opinion: bool,
    /// The log of the measured boot, for evidence of kind `tpm` (checks T25 to T30).
    pub event_log: Option<&'a [u8]>,
    /// The kernel's log of files that it measured, for evidence of kind `tpm` (T31 to T34).
    pub kernel_log: Option<&'a [u8]>,
    /// The list of files whose hash the policy has (T34).
    pub file_list: Option<&'a [u8]>,
    /// Cosignature lines of witnesses (C2SP), beside those that the proof carries (check P20).
    pub cosignatures: &'a [&'a [u8]],
    /// One rule result that was shown alone (check P19).
    pub shown: Option<SingleResult<'a>>,
}

/// One rule result, shown with what places it under the statement's `output_hash`.
#[derive(Debug, Clone)]
pub struct SingleResult<'a> {
    /// The result.
    pub result: &'a RuleResult,
    /// Its leaf's own salt, which opens nothing else.
    pub leaf_salt: Salt,
    /// Its place among the statement's rules.
    pub index: u32,
    /// Path from its leaf to `output_hash`.
    pub path: &'a [Hash],
}

/// Makes every check that `materials` allow and returns the replayed results.
pub(crate) fn check(
    engine: &Engine,
    quote: &KnownQuote,
    statement: &Statement,
    materials: &Materials<'_>,
    ledger: &mut Ledger,
) -> Result<Option<Vec<RuleResult>>, VerifyError> {
    let program = match materials.bundle {
        Some(bundle) => Some(engine.program(bundle, quote)?),
        None => {
            ledger.not_checked(&[12, 13, 14, 21, 22], "the rule bundle was not given");
            None
        }
    };
    if let Some(program) = &program {
        check_rules(program, statement)?;
        ledger.passed(&[12, 13, 14]);
    }
    check_age(statement, &engine.boot_config(quote).freshness)?;
    if let Some(SingleResult { result, leaf_salt, index, path }) = &materials.shown {
        check_single_result(statement, result, leaf_salt, *index, path)?;
        ledger.passed(&[19]);
    }
    let Some(body) = materials.input else {
        ledger.not_checked(&[15, 16, 17], "the input was not given");
        if let Some(program) = &program {
            let selection = select(program, statement)?;
            recompile::check(program, &selection, materials, None, ledger)?;
        }
        return Ok(None);
    };
    let salt = materials.salt.as_ref().ok_or(VerifyError::SaltMissing)?;
    let request = check_input(statement, body, salt)?;
    ledger.passed(&[15]);
    if statement.engine.facts != facts::FACTS_VERSION {
        let (stated, ours) = (statement.engine.facts, facts::FACTS_VERSION);
        return Err(VerifyError::differs("P16", "facts version", stated, ours));
    }
    let record = facts::record(&request, statement.as_of).map_err(VerifyError::Input)?;
    let facts_hash = digest(Domain::Facts, &[&salt.0, record.as_bytes()]);
    VerifyError::equal("P16", "facts_hash", statement.facts_hash, facts_hash)?;
    ledger.passed(&[16]);
    let Some(program) = &program else {
        ledger.not_checked(&[17], "the rule bundle was not given");
        return Ok(None);
    };
    let results = replay(program, statement, &record, salt)?;
    ledger.passed(&[17]);
    let selection = select(program, statement)?;
    recompile::check(program, &selection, materials, Some((&record, &results)), ledger)?;
    Ok(Some(results))
}

/// P12: the age of the rules is one that the boot configuration lets an enclave evaluate with, and
/// the word "offline" is said where that configuration asks for it.
fn check_age(statement: &Statement, ages: &FreshnessPolicy) -> Result<(), VerifyError> {
    let age = statement.rules_age_ms;
    if age >= ages.refuse_ms {
        let limit = format!("less than {} ms", ages.refuse_ms);
        return Err(VerifyError::differs("P12", "age of the rules", age, limit));
    }
    if age > ages.warn_ms && !statement.offline {
        return Err(VerifyError::differs("P12", "offline", statement.offline, true));
    }
    Ok(())
}

/// P12 to P14: bundle, selection, modules and lists are the ones the statement names.
fn check_rules(program: &Program, statement: &Statement) -> Result<(), VerifyError> {
    let bundle = program.bundle();
    let (book, content) = (&statement.rulebook, bundle.bundle());
    VerifyError::equal("P12", "bundle hash", book.hash, bundle.hash())?;
    let named = (book.name.as_str(), book.version, statement.engine.compiler.as_str());
    if named != (content.name.as_str(), content.version, content.compiler.as_str()) {
        let recomputed = format!("{} {} ({})", content.name, content.version, content.compiler);
        let stated = format!("{} {} ({})", named.0, named.1, named.2);
        return Err(VerifyError::differs("P12", "rulebook", stated, recomputed));
    }
    let selection = select(program, statement)?;
    let digests = selection.rules.iter().map(|(index, _)| program.rule_digest(*index));
    VerifyError::equal("P12", "rule_hash", statement.rule_hash, Selection::hash(digests))?;
    let stated: Vec<_> = statement
        .rules
        .iter()
        .map(|r| (&*r.id, &*r.version, &*r.jurisdiction, &*r.domain, r.module))
        .collect();
    let selected: Vec<_> = selection
        .rules
        .iter()
        .map(|(index, r)| {
            (&*r.id, &*r.version, &*r.jurisdiction, &*r.domain, program.module_hash(*index))
        })
        .collect();
    if stated != selected {
        let (stated, recomputed) = (format!("{stated:?}"), format!("{selected:?}"));
        return Err(VerifyError::differs("P13", "rules that ran", stated, recomputed));
    }
    if statement.not_covered != selection.not_covered {
        let (stated, recomputed) =
            (format!("{:?}", statement.not_covered), format!("{:?}", selection.not_covered));
        return Err(VerifyError::differs("P12", "pairs not covered", stated, recomputed));
    }
    let lists = program.lists(&selection);
    if statement.lists != lists {
        let (stated, recomputed) = (format!("{:?}", statement.lists), format!("{lists:?}"));
        return Err(VerifyError::differs("P14", "lists", stated, recomputed));
    }
    Ok(())
}

fn select<'a>(program: &'a Program, statement: &Statement) -> Result<Selection<'a>, VerifyError> {
    let jurisdictions: Result<Vec<_>, _> =
        statement.jurisdictions.iter().map(|name| facts::Jurisdiction::parse(name)).collect();
    let domains: Result<Vec<_>, _> =
        statement.domains.iter().map(|name| facts::Domain::parse(name)).collect();
    let (jurisdictions, domains) =
        (jurisdictions.map_err(VerifyError::Input)?, domains.map_err(VerifyError::Input)?);
    let bundle = program.bundle().bundle();
    bundle.select(&jurisdictions, &domains, statement.as_of).map_err(VerifyError::Rules)
}

/// P15: the bytes are the ones that were hashed, and ask for what the statement answers.
fn check_input(
    statement: &Statement,
    body: &[u8],
    salt: &Salt,
) -> Result<facts::Request, VerifyError> {
    let input_hash = digest(Domain::Input, &[&salt.0, body]);
    VerifyError::equal("P15", "input_hash", statement.input_hash, input_hash)?;
    let request = messages::parse_request(body).map_err(VerifyError::Input)?;
    let jurisdictions: Vec<_> = request.jurisdictions.iter().map(|j| j.as_str()).collect();
    let domains: Vec<_> = request.domains.iter().map(|d| d.as_str()).collect();
    for (what, stated, asked) in [
        ("jurisdictions", &statement.jurisdictions, jurisdictions),
        ("domains", &statement.domains, domains),
    ] {
        if *stated != asked {
            let (stated, asked) = (format!("{stated:?}"), format!("{asked:?}"));
            return Err(VerifyError::differs("P15", what, stated, asked));
        }
    }
    // What the caller asked for; else the newest that the enclave held.
    let version = request.rulebook_version.unwrap_or(statement.newest_version);
    let stated = statement.rulebook.version;
    if stated != version {
        return Err(VerifyError::differs("P15", "rulebook version", stated, version));
    }
    let as_of: Millis = request.as_of.unwrap_or(statement.evaluated_at);
    if as_of != statement.as_of {
        return Err(VerifyError::differs("P15", "as_of", statement.as_of, as_of));
    }
    if request.nonce != statement.nonce {
        let hex = |nonce: &Option<Vec<u8>>| nonce.as_ref().map(|n| crypto::to_hex(n));
        let (stated, asked) = (hex(&statement.nonce), hex(&request.nonce));
        let text = |nonce: Option<String>| nonce.unwrap_or_else(|| "none".into());
        return Err(VerifyError::differs("P15", "nonce", text(stated), text(asked)));
    }
    Ok(request)
}

/// P17: the same rules over the same facts give the same bytes.
fn replay(
    program: &Program,
    statement: &Statement,
    record: &facts::Record,
    salt: &Salt,
) -> Result<Vec<RuleResult>, VerifyError> {
    let engine = &statement.engine;
    if (engine.engine.as_str(), engine.abi) != (vm::ENGINE, vm::ABI_VERSION) {
        let stated = format!("{} ABI {}", engine.engine, engine.abi);
        let ours = format!("{} ABI {}", vm::ENGINE, vm::ABI_VERSION);
        return Err(VerifyError::differs("P17", "engine", stated, ours));
    }
    let selection = select(program, statement)?;
    let run = program.run(&selection, record);
    for (stated, result) in statement.rules.iter().zip(&run.results) {
        let said = (stated.outcome, stated.reason);
        let found = (result.outcome, result.reason);
        if said != found {
            let text = |(outcome, reason)| format!("{outcome} reason {reason}");
            return Err(VerifyError::differs("P17", "rule result", text(said), text(found)));
        }
    }
    for (stated, ((_, rule), trace)) in
        statement.rules.iter().zip(selection.rules.iter().zip(&run.traces))
    {
        let found = entries(program.hits(rule, trace));
        if stated.hits != found {
            let (said, found) = (format!("{:?}", stated.hits), format!("{found:?}"));
            return Err(VerifyError::differs("P17", "hits", said, found));
        }
    }
    let state_hash = program.state_hash(&selection, record, salt);
    VerifyError::equal("P17", "state_hash", statement.state_hash, state_hash)?;
    VerifyError::equal("P17", "output_hash", statement.output_hash, run.output_hash(salt))?;
    VerifyError::equal("P17", "trace_hash", statement.trace_hash, run.trace_hash(salt))?;
    Ok(run.results)
}

/// Hits as a statement holds them.
fn entries(hits: Vec<(String, String, u16)>) -> Vec<Hit> {
    let hits = hits.into_iter().take(proof::HITS_MAX);
    hits.map(|(list, entry, score)| Hit { list, entry, score }).collect()
}

/// P19: one rule result, shown alone with its leaf's salt and path, is what the verified statement
/// says of that rule and stands in its `output_hash`. The leaf's salt opens nothing else.
pub fn verify_single_result(
    verified: &Verified,
    result: &RuleResult,
    leaf_salt: &Salt,
    index: u32,
    path: &[Hash],
) -> Result<(), VerifyError> {
    check_single_result(verified.statement(), result, leaf_salt, index, path)
}

fn check_single_result(
    statement: &Statement,
    result: &RuleResult,
    leaf_salt: &Salt,
    index: u32,
    path: &[Hash],
) -> Result<(), VerifyError> {
    let text = |id: &str, version: &str, outcome: rules::Outcome, reason: u16| {
        format!("{id} {version}: {outcome} reason {reason}")
    };
    let shown = text(&result.id, &result.version, result.outcome, result.reason);
    let stated = statement.rules.get(index as usize);
    let stated = stated.map(|r| text(&r.id, &r.version, r.outcome, r.reason)).unwrap_or_default();
    if stated != shown {
        return Err(VerifyError::differs("P19", "rule result", stated, shown));
    }
    let leaf = tlog::leaf_hash(result.leaf(leaf_salt).as_bytes());
    let (Digest(root), size) = (statement.output_hash, statement.rules.len() as u64);
    logtree::verify_inclusion(leaf, index.into(), size, path, root)
        .map_err(|error| VerifyError::differs("P19", "output_hash", statement.output_hash, error))
}
