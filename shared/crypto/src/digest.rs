//! SHA3-256 under versioned domain tags. `digest(domain, parts)` hashes
//! `tag || 0x00 || parts…`: at most one part has a variable length and it comes last, so the
//! concatenation has one reading. A new layout gets a new tag, never a new meaning.

use sha3::Digest as _;
use std::fmt;

/// What is being hashed. The tag strings are frozen in `shared/proof/FORMAT.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Domain {
    /// The caller's bytes, salted.
    Input,
    /// The canonical typed record, salted.
    Facts,
    /// One rule result with its compared values, salted.
    OutputLeaf,
    /// The salt of one output leaf, from the proof's salt and the leaf's index.
    LeafSalt,
    /// The ordered trace of a run, salted.
    Trace,
    /// What else decides a result: engine, ABI, limits, lists, history window; salted.
    State,
    /// A rule's metadata as it stands in the bundle.
    Rule,
    /// The ordered rules that were selected.
    RuleSet,
    /// A whole rule bundle.
    Bundle,
    /// A Wasm module.
    Module,
    /// A list snapshot.
    List,
    /// The measured boot configuration.
    BootConfig,
    /// The first leaf of a boot's log.
    BootRecord,
    /// A proof: its whole `Sig_structure`.
    Proof,
    /// An idempotency key, before it leaves the parent.
    ClientRef,
    /// A signing key's derivation from mixed entropy.
    KeySeed,
    /// The enclave's stream of salts and identifiers.
    Random,
}

impl Domain {
    /// The ASCII tag that starts every hash of this kind.
    pub const fn tag(self) -> &'static str {
        match self {
            Domain::Input => "probity/v1/input",
            Domain::Facts => "probity/v1/facts",
            Domain::OutputLeaf => "probity/v1/output-leaf",
            Domain::LeafSalt => "probity/v1/leaf-salt",
            Domain::Trace => "probity/v1/trace",
            Domain::State => "probity/v1/state",
            Domain::Rule => "probity/v1/rule",
            Domain::RuleSet => "probity/v1/rule-set",
            Domain::Bundle => "probity/v1/bundle",
            Domain::Module => "probity/v1/module",
            Domain::List => "probity/v1/list",
            Domain::BootConfig => "probity/v1/boot-config",
            Domain::BootRecord => "probity/v1/boot-record",
            Domain::Proof => "probity/v1/proof",
            Domain::ClientRef => "probity/v1/client-ref",
            Domain::KeySeed => "probity/v1/key-seed",
            Domain::Random => "probity/v1/random",
        }
    }
}

/// A 32-byte digest. Shown as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA3-256 over `tag || 0x00 || parts…`.
pub fn digest(domain: Domain, parts: &[&[u8]]) -> Digest {
    let mut hash = sha3::Sha3_256::new();
    hash.update(domain.tag().as_bytes());
    hash.update([0]);
    for part in parts {
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

/// Plain SHA-384, as the Nitro Secure Module extends its registers with it.
pub fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    let mut hash = sha2::Sha384::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
