//! One evaluation, from the caller's bytes to the signed statement. The heart of the product, and
//! the only place that uses the signing key.

use crate::ActiveRules;
use crate::entropy::Entropy;
use crypto::{Domain, Salt, SigningKey, digest};
use facts::{Millis, Record, Request};
use proof::{
    EngineId, HITS_MAX, Hit, LogSignatures, RuleEntry, Rulebook, SignedStatement, Statement,
};
use rules::{BootConfig, RulesError, Selection, Standing};
use seal::RecipientKey;
use tlog::Checkpoint;
use vm::{Program, Run};
use wire::{Refusal, RefusalCode, RefusalCode::NothingInForce, RefusalCode::RulesStale};

/// What signs statements: the boot's key, its name, and the configuration it booted with.
pub struct Evaluator {
    pub(crate) config: BootConfig,
    pub(crate) boot_id: [u8; 16],
    pub(crate) agent: String,
    /// The key set that quotes carry.
    pub(crate) key_set: Vec<u8>,
    /// Opens sealed requests; signs nothing.
    pub(crate) recipient: RecipientKey,
    key: SigningKey,
    entropy: Entropy,
}

/// A signed statement and what goes to the caller beside it.
pub(crate) struct Evaluated {
    pub(crate) signed: SignedStatement,
    pub(crate) salt: Salt,
    pub(crate) results: Vec<Vec<u8>>,
}

impl Evaluator {
    pub(crate) fn new(config: BootConfig, mut entropy: Entropy) -> Self {
        let key = entropy.signing_key();
        let recipient = entropy.recipient_key();
        let agent = key.verifying_key().did_key();
        let key_set = seal::key_set(&key.verifying_key().to_bytes(), &recipient.public());
        Self { config, boot_id: entropy.identifier(), agent, key_set, recipient, key, entropy }
    }

    /// 32 random bytes.
    pub(crate) fn random(&self) -> [u8; 32] {
        self.entropy.next()
    }

    /// Signs a quoted checkpoint of the boot's log, for readers of the log's standard formats.
    pub(crate) fn sign_checkpoint(&self, checkpoint: &Checkpoint) -> LogSignatures {
        LogSignatures::sign(checkpoint, &self.key)
    }

    /// Evaluates one request body at `now`. A refusal means that nothing was signed.
    pub(crate) fn evaluate(
        &self,
        active: &ActiveRules,
        now: Millis,
        body: &[u8],
    ) -> Result<Evaluated, Refusal> {
        let request = messages::parse_request(body).map_err(bad_request)?;
        let as_of = request.as_of.unwrap_or(now);
        let record = facts::record(&request, as_of).map_err(bad_request)?;
        let standing = active.standing(now, &self.config).map_err(not_in_force(RulesStale, ""))?;
        let salt = request.salt.clone().unwrap_or_else(|| Salt(self.entropy.next()));

        let program = active
            .version(request.rulebook_version)
            .map_err(not_in_force(NothingInForce, "rulebook_version"))?;
        let rules = program
            .bundle()
            .bundle()
            .select(&request.jurisdictions, &request.domains, as_of)
            .map_err(not_in_force(NothingInForce, "as_of"))?;
        let run = program.run(&rules, &record);
        let newest = active.program.bundle().bundle().version;
        let hashed = Hashed { request: &request, body, record: &record, rules: &rules, run: &run };
        let statement = self.statement((program, newest), &hashed, &salt, (now, as_of), standing);
        let signed = SignedStatement::sign(statement, &self.key).map_err(too_long)?;
        let results = run.results.iter().map(|result| result.to_bytes()).collect();
        Ok(Evaluated { signed, salt, results })
    }

    fn statement(
        &self,
        (program, newest_version): (&Program, u64),
        hashed: &Hashed<'_>,
        salt: &Salt,
        (evaluated_at, as_of): (Millis, Millis),
        standing: Standing,
    ) -> Statement {
        let Hashed { request, body, record, rules, run } = hashed;
        let bundle = program.bundle();
        let digests = rules.rules.iter().map(|(index, _)| program.rule_digest(*index));
        Statement {
            proof_id: self.entropy.identifier(),
            boot_id: self.boot_id,
            agent: self.agent.clone(),
            evaluated_at,
            as_of,
            jurisdictions: request.jurisdictions.iter().map(|j| j.as_str().into()).collect(),
            domains: request.domains.iter().map(|d| d.as_str().into()).collect(),
            rulebook: Rulebook {
                name: bundle.bundle().name.clone(),
                version: bundle.bundle().version,
                hash: bundle.hash(),
            },
            engine: EngineId {
                engine: vm::ENGINE.into(),
                abi: vm::ABI_VERSION,
                compiler: bundle.bundle().compiler.clone(),
                facts: facts::FACTS_VERSION,
            },
            rules: rule_entries(program, rules, run),
            lists: program.lists(rules),
            input_hash: digest(Domain::Input, &[&salt.0, body]),
            facts_hash: digest(Domain::Facts, &[&salt.0, record.as_bytes()]),
            rule_hash: Selection::hash(digests),
            state_hash: program.state_hash(rules, record, salt),
            output_hash: run.output_hash(salt),
            trace_hash: run.trace_hash(salt),
            offline: standing.offline,
            rules_age_ms: standing.age_ms,
            newest_version,
            nonce: request.nonce.clone(),
            not_covered: rules.not_covered.clone(),
        }
    }
}

/// What the statement's hashes are over.
struct Hashed<'a> {
    request: &'a Request,
    body: &'a [u8],
    record: &'a Record,
    rules: &'a Selection<'a>,
    run: &'a Run,
}

fn rule_entries(program: &Program, rules: &Selection<'_>, run: &Run) -> Vec<RuleEntry> {
    let ran = rules.rules.iter().zip(run.results.iter().zip(&run.traces));
    let hit = |(list, entry, score)| Hit { list, entry, score };
    ran.map(|((index, rule), (result, trace))| RuleEntry {
        id: rule.id.clone(),
        version: rule.version.clone(),
        jurisdiction: rule.jurisdiction.clone(),
        domain: rule.domain.clone(),
        module: program.module_hash(*index),
        outcome: result.outcome,
        reason: result.reason,
        hits: program.hits(rule, trace).into_iter().take(HITS_MAX).map(hit).collect(),
    })
    .collect()
}

fn refusal(code: RefusalCode, field: &str, detail: String) -> Refusal {
    Refusal { id: 0, code, field: field.into(), detail }
}

fn bad_request(error: facts::FactsError) -> Refusal {
    refusal(RefusalCode::BadRequest, error.path(), error.to_string())
}

fn too_long(error: proof::ProofError) -> Refusal {
    refusal(NothingInForce, "", format!("too many rules for one statement: {error}"))
}

fn not_in_force(code: RefusalCode, field: &str) -> impl FnOnce(RulesError) -> Refusal {
    move |error| refusal(code, field, error.to_string())
}
