//! One complete proof made in memory with fixed keys, salts and times: the same bytes on every
//! machine. It is what the frozen vectors hold and what hostile tests start from.

use crate::world::World;
use attest::{Pcr, ReferenceValues, TrustAnchor, VerificationTime};
use attestation_fixtures::{DocumentSpec, TestPki};
use crypto::{Domain, Salt, SigningKey, digest, sha384};
use facts::Millis;
use logtree::Tree;
use proof::{
    BootRecord, EVIDENCE_NITRO, EngineId, Evidence, Inclusion, Proof, RuleEntry, Rulebook,
    SignedStatement, Statement, Unsigned,
};
use rules::Selection;
use std::collections::BTreeMap;
use tlog::Checkpoint;
use verify::Policy;
use vm::Program;

/// The request, byte for byte.
pub const BODY: &[u8] = br#"{
  "transaction": {
    "id": "txn-cash-1",
    "type": "cash_deposit",
    "amount": 15000,
    "currency": "USD",
    "source": { "account": "acct-001", "country": "US" },
    "destination": { "account": "acct-002", "country": "US" }
  },
  "jurisdictions": ["US"],
  "domains": ["AML"],
  "as_of": "2026-01-01T12:00:00Z",
  "nonce": "6e6f6e6365"
}"#;
/// The salt.
pub const SALT: Salt = Salt([7; 32]);
/// 2026-01-01T12:00:01.500Z, the evaluation.
pub const EVALUATED_AT: Millis = Millis(1_767_268_801_500);
/// 2026-01-01T12:00:02.000Z, the quote.
pub const QUOTED_AT: Millis = Millis(1_767_268_802_000);
/// The boot.
pub const BOOT_ID: [u8; 16] = [0xb0; 16];

/// A complete proof and everything around it.
pub struct Sample {
    /// Keys and rules.
    pub world: World,
    /// The enclave's signer.
    pub signer: SigningKey,
    /// First leaf.
    pub record: BootRecord,
    /// The statement.
    pub statement: Statement,
    /// The whole log: boot record, two strangers, the proof, one stranger.
    pub tree: Tree,
    /// The checkpoint that is quoted.
    pub checkpoint: Checkpoint,
    /// The proof.
    pub proof: Proof,
}

impl Sample {
    /// The one sample.
    pub fn new() -> Self {
        let world = World::small();
        let signer = crate::world::key(5);
        let record = BootRecord {
            boot_id: BOOT_ID,
            boot_config: world.config.hash(),
            agent: signer.verifying_key().did_key(),
            booted_at: Millis(EVALUATED_AT.0 - 60_000),
            previous: None,
            confinement: Vec::new(),
        };
        let statement = statement(&world, &signer);
        let signed = SignedStatement::sign(statement.clone(), &signer).expect("short");
        let tree: Tree =
            [record.hash().0, [0xaa; 32], [0xbb; 32], signed.proof_hash().0, [0xcc; 32]]
                .iter()
                .map(|leaf| tlog::leaf_hash(leaf))
                .collect();
        let checkpoint = Checkpoint { boot_id: BOOT_ID, size: tree.size(), root: tree.root() };
        let path = tree.inclusion(3, tree.size()).expect("index 3 of 5");
        let document = document(&world, &signer, &checkpoint);
        let proof = Proof {
            signed,
            unsigned: Some(Unsigned::new(
                Evidence { kind: EVIDENCE_NITRO.into(), document },
                Inclusion { size: 5, index: 3, path },
            )),
        };
        Self { world, signer, record, statement, tree, checkpoint, proof }
    }

    /// The compiled bundle and the record that it runs over.
    pub fn program(&self) -> (Program, facts::Record) {
        load(&self.world)
    }

    /// The policy that accepts the sample at its own time.
    pub fn policy(&self) -> Policy {
        self.policy_at(VerificationTime::Document)
    }

    /// The same policy at another moment.
    pub fn policy_at(&self, time: VerificationTime) -> Policy {
        let releases = vec![ReferenceValues::new("sample", image()).expect("three registers")];
        Policy::new(vec![test_root()], time, releases, self.world.config.clone()).expect("sound")
    }

    /// The same proof around another statement, signed and logged in the same place.
    pub fn with_statement(&self, change: impl FnOnce(&mut Statement)) -> Proof {
        let mut statement = self.statement.clone();
        change(&mut statement);
        let signed = SignedStatement::sign(statement, &self.signer).expect("short");
        let leaves =
            [self.record.hash().0, [0xaa; 32], [0xbb; 32], signed.proof_hash().0, [0xcc; 32]];
        let tree: Tree = leaves.iter().map(|leaf| tlog::leaf_hash(leaf)).collect();
        let checkpoint = Checkpoint { root: tree.root(), ..self.checkpoint };
        let path = tree.inclusion(3, 5).expect("index 3 of 5");
        let document = document(&self.world, &self.signer, &checkpoint);
        Proof {
            signed,
            unsigned: Some(Unsigned::new(
                Evidence { kind: EVIDENCE_NITRO.into(), document },
                Inclusion { size: 5, index: 3, path },
            )),
        }
    }
}

impl Default for Sample {
    fn default() -> Self {
        Self::new()
    }
}

/// The published test root.
pub fn test_root() -> TrustAnchor {
    TrustAnchor::from_der("test-root", TestPki::published().root_der()).expect("sound root")
}

/// PCR0 to 2 of an image that exists only here.
pub fn image() -> BTreeMap<u8, Pcr> {
    (0..3).map(|index| (index, sha384(&[format!("sample PCR{index}").as_bytes()]))).collect()
}

/// The quote over a checkpoint, signed deterministically under the test root.
pub fn document(world: &World, signer: &SigningKey, checkpoint: &Checkpoint) -> Vec<u8> {
    let chain = TestPki::published().issue(QUOTED_AT.0);
    let mut spec = DocumentSpec::new(&chain, QUOTED_AT.0);
    spec.pcrs = image().into_iter().map(|(index, value)| (index, value.to_vec())).collect();
    spec.pcrs.insert(16, world.config.pcr16().to_vec());
    spec.user_data = Some(checkpoint.to_bytes().to_vec());
    spec.public_key = Some(proof::key_set(&signer.verifying_key()));
    spec.nonce = None;
    spec.sign_deterministic(&chain)
}

fn load(world: &World) -> (Program, facts::Record) {
    let verified = rules::SignedBundle::verify(&world.signed_bundle, &world.config);
    let program = Program::load(verified.expect("signed"), world.config.limits).expect("loads");
    let request = messages::parse_request(BODY).expect("sound request");
    let record = facts::record(&request, request.as_of.expect("given")).expect("sound facts");
    (program, record)
}

fn statement(world: &World, signer: &SigningKey) -> Statement {
    let (program, record) = load(world);
    let request = messages::parse_request(BODY).expect("sound request");
    let as_of = request.as_of.expect("given");
    let bundle = program.bundle().bundle();
    let selection =
        bundle.select(&request.jurisdictions, &request.domains, as_of).expect("one rule");
    let run = program.run(&selection, &record);
    let result = &run.results[0];
    Statement {
        proof_id: [0x1d; 16],
        boot_id: BOOT_ID,
        agent: signer.verifying_key().did_key(),
        evaluated_at: EVALUATED_AT,
        as_of,
        jurisdictions: vec!["US".into()],
        domains: vec!["AML".into()],
        rulebook: Rulebook { name: "us-core".into(), version: 1, hash: bundle.hash() },
        engine: EngineId {
            engine: vm::ENGINE.into(),
            abi: vm::ABI_VERSION,
            compiler: bundle.compiler.clone(),
            facts: facts::FACTS_VERSION,
        },
        rules: vec![RuleEntry {
            id: result.id.clone(),
            version: result.version.clone(),
            jurisdiction: "US".into(),
            domain: "AML".into(),
            module: program.module_hash(0),
            outcome: result.outcome,
            reason: result.reason,
            hits: vec![],
        }],
        lists: program.lists(&selection),
        input_hash: digest(Domain::Input, &[&SALT.0, BODY]),
        facts_hash: digest(Domain::Facts, &[&SALT.0, record.as_bytes()]),
        rule_hash: Selection::hash([program.rule_digest(0)]),
        state_hash: program.state_hash(&selection, &record, &SALT),
        output_hash: run.output_hash(&SALT),
        trace_hash: run.trace_hash(&SALT),
        offline: false,
        rules_age_ms: 3_600_000,
        newest_version: 1,
        nonce: request.nonce,
        not_covered: selection.not_covered.clone(),
    }
}
