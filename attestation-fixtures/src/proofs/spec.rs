//! A proof as a list of parts: the statement's bytes, its headers, its place in the log, the quote.

use super::world::{BOOT_ID, BOOTED_AT_MS, QUOTED_AT_MS, RuleWorld, key};
use crate::document::{DocumentSpec, bytes_item};
use crate::pki::TestPki;
use crate::tpm::{AkKey, Event, QuoteSpec, RuntimeSpec, event_type, good_log};
use cbor::Writer;
use crypto::{Digest, Domain, SigningKey, cose, digest};
use facts::Millis;
use logtree::Tree;
use proof::{BootRecord, Statement};
use std::collections::BTreeMap;
use std::sync::Arc;
use tlog::{Checkpoint, Hash};

/// What quotes the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// A Nitro enclave.
    Nitro,
    /// An EC2 instance's NitroTPM.
    NitroTpm,
    /// A TPM 2.0.
    Tpm,
}

/// Changes user_data and key set before they are quoted.
pub type QuoteChange = fn(&mut Vec<u8>, &mut Option<Vec<u8>>);

/// Everything that a proof is made of. Each field may be wrong; what stands above it in the chain
/// of signatures is made from it.
#[derive(Clone)]
pub struct ProofSpec {
    world: Arc<RuleWorld>,
    /// What quotes.
    pub backing: Backing,
    /// Signs the statement.
    pub signer: Arc<SigningKey>,
    /// The key that the quote attests.
    pub attested: Arc<SigningKey>,
    /// Statement, encoded.
    pub payload: Vec<u8>,
    /// Protected header, encoded.
    pub protected: Vec<u8>,
    /// Changes the signature.
    pub signature: Option<fn(&mut [u8; 64])>,
    /// Leaves before the proof's, after the boot record.
    pub before: Vec<Hash>,
    /// Leaves after it.
    pub after: Vec<Hash>,
    /// Changes (size, index, path) as shown.
    pub inclusion: Option<fn(&mut u64, &mut u64, &mut Vec<Hash>)>,
    /// Changes what the quote says: user_data and key set.
    pub quoted: Option<QuoteChange>,
    /// The runtime log of a TPM's host, which holds the boot configuration in place of a register
    /// of its own.
    pub runtime: Option<RuntimeSpec>,
    /// Name of the evidence's kind as shown.
    pub kind: &'static str,
    /// Changes the evidence as shown.
    pub evidence: Option<fn(&mut Vec<u8>)>,
    /// Another unprotected header, encoded.
    pub unprotected: Option<Vec<u8>>,
    /// Changes the whole.
    pub whole: Option<fn(&mut Vec<u8>)>,
}

impl ProofSpec {
    /// The good proof of this world.
    pub fn new(world: &Arc<RuleWorld>, backing: Backing) -> Self {
        let signer = Arc::new(key(5));
        let statement = &world.statement;
        Self {
            world: Arc::clone(world),
            backing,
            attested: Arc::clone(&signer),
            signer,
            payload: statement.to_bytes(),
            protected: protected_header(statement),
            signature: None,
            before: [[0xaa; 32], [0xbb; 32]].iter().map(|leaf| tlog::leaf_hash(leaf)).collect(),
            after: vec![tlog::leaf_hash(&[0xcc; 32])],
            inclusion: None,
            quoted: None,
            runtime: None,
            kind: match backing {
                Backing::Nitro => "nitro",
                Backing::NitroTpm => "nitrotpm",
                Backing::Tpm => "tpm",
            },
            evidence: None,
            unprotected: None,
            whole: None,
        }
    }

    /// Another statement, with the header that goes with it.
    pub fn statement(&mut self, change: impl FnOnce(&mut Statement)) {
        let mut statement = self.world.statement.clone();
        change(&mut statement);
        self.payload = statement.to_bytes();
        self.protected = protected_header(&statement);
    }

    /// What is signed and hashed.
    fn message(&self) -> Vec<u8> {
        cose::sign1_structure(&self.protected, &self.payload)
    }

    /// Hash of the proof's leaf.
    pub fn leaf(&self) -> Hash {
        tlog::leaf_hash(digest(Domain::Proof, &[&self.message()]).as_bytes())
    }

    /// The log's first leaf.
    pub fn boot_record(&self) -> BootRecord {
        BootRecord {
            boot_id: BOOT_ID,
            boot_config: self.world.config.hash(),
            agent: self.attested.verifying_key().did_key(),
            booted_at: Millis(BOOTED_AT_MS),
            previous: None,
            confinement: Vec::new(),
        }
    }

    /// The log as it was quoted.
    pub fn tree(&self) -> Tree {
        let record: Digest = self.boot_record().hash();
        let first = tlog::leaf_hash(record.as_bytes());
        let leaves = self.before.iter().chain([&self.leaf()]).chain(&self.after).copied().collect();
        [vec![first], leaves].concat().into_iter().collect()
    }

    /// The checkpoint over that log.
    pub fn checkpoint(&self) -> Checkpoint {
        let tree = self.tree();
        Checkpoint { boot_id: BOOT_ID, size: tree.size(), root: tree.root() }
    }

    /// The unprotected header.
    pub fn header(&self) -> Vec<u8> {
        let tree = self.tree();
        let (mut size, mut index) = (tree.size(), 1 + self.before.len() as u64);
        let mut path = tree.inclusion(index, size).expect("a path because the leaf is there");
        let mut user_data = self.checkpoint().to_bytes().to_vec();
        let mut key_set = Some(proof::key_set(&self.attested.verifying_key()));
        if let Some(change) = self.quoted {
            change(&mut user_data, &mut key_set);
        }
        let mut evidence = match &self.runtime {
            Some(log) => with_runtime_log(log, &user_data, key_set.as_deref()),
            None => quote(self.backing, &self.world, &user_data, key_set.as_deref()),
        };
        if let Some(change) = self.evidence {
            change(&mut evidence);
        }
        if let Some(change) = self.inclusion {
            change(&mut size, &mut index, &mut path);
        }
        let mut header = Writer::new();
        header.map(2).text("evidence").array(2).text(self.kind).bytes(&evidence);
        header.text("inclusion").array(3).uint(size).uint(index).array(path.len());
        for node in &path {
            header.bytes(node);
        }
        header.finish()
    }

    /// The proof.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = self.unprotected.clone().unwrap_or_else(|| self.header());
        let mut signature = self.signer.sign(&self.message()).0;
        if let Some(change) = self.signature {
            change(&mut signature);
        }
        let mut out = envelope(&self.protected, &header, &self.payload, &signature);
        if let Some(change) = self.whole {
            change(&mut out);
        }
        out
    }
}

/// A COSE_Sign1, tagged 18.
pub fn envelope(protected: &[u8], header: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = vec![0xd2, 0x84];
    out.extend(bytes_item(protected));
    out.extend_from_slice(header);
    out.extend(bytes_item(payload));
    out.extend(bytes_item(signature));
    out
}

/// The protected header of FORMAT.md, section 5.
pub fn protected_header(statement: &Statement) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(3).uint(1).int(-8).uint(15).map(3).uint(1).text(&statement.agent);
    w.uint(6).uint(statement.evaluated_at.0 / 1000);
    w.uint(265).text("tag:probity.example,2026:eat/statement/2");
    w.uint(16).text("application/probity-statement+cbor");
    w.finish()
}

/// The quote over a checkpoint.
fn quote(backing: Backing, world: &RuleWorld, user_data: &[u8], key_set: Option<&[u8]>) -> Vec<u8> {
    if backing == Backing::Tpm {
        let pcrs = tpm_registers(world);
        let key_set = key_set.unwrap_or_default();
        return QuoteSpec::new(AkKey::P256("ak"), &pcrs, user_data, key_set, None).evidence();
    }
    let chain = TestPki::shared().issue(QUOTED_AT_MS);
    let mut document = DocumentSpec::new(&chain, QUOTED_AT_MS);
    let registers = nitro_registers(backing);
    document.nitrotpm = backing == Backing::NitroTpm;
    document.pcrs = registers.into_iter().map(|(index, value)| (index, value.to_vec())).collect();
    document.pcrs.insert(boot_pcr(backing), world.config.pcr16().to_vec());
    document.user_data = Some(user_data.to_vec());
    document.public_key = key_set.map(<[u8]>::to_vec);
    document.sign_deterministic(&chain)
}

/// The quote of a host with a runtime log in PCR14.
fn with_runtime_log(log: &RuntimeSpec, user_data: &[u8], key_set: Option<&[u8]>) -> Vec<u8> {
    let mut pcrs = good_log().registers();
    pcrs.insert(14, log.register([0; 32]));
    let key_set = key_set.unwrap_or_default();
    let mut quote = QuoteSpec::new(AkKey::P256("ak"), &pcrs, user_data, key_set, None);
    quote.runtime_log = Some(log.to_bytes());
    quote.evidence()
}

/// Registers of the enclave's image or of the instance, without the boot configuration's.
pub(crate) fn nitro_registers(backing: Backing) -> BTreeMap<u8, [u8; 48]> {
    let image = match backing {
        Backing::Nitro => vec![0, 1, 2],
        _ => vec![0, 1, 2, 4, 7],
    };
    image.into_iter().map(|index| (index, [0xa0 + index; 48])).collect()
}

/// The registers of the machine: its firmware's log, and the boot configuration that the running
/// system extends. Firmware closed its log before that, so the event is in no log.
pub(crate) fn tpm_registers(world: &RuleWorld) -> BTreeMap<u8, [u8; 32]> {
    let mut log = good_log();
    let register = u32::from(boot_pcr(Backing::Tpm));
    log.events.push(Event::new(register, event_type::IPL, &world.config.to_bytes()));
    log.registers()
}

/// The register that the boot configuration is extended into. A program can reset a TPM's PCR16.
pub(crate) fn boot_pcr(backing: Backing) -> u8 {
    match backing {
        Backing::Nitro => 16,
        Backing::NitroTpm | Backing::Tpm => 12,
    }
}
