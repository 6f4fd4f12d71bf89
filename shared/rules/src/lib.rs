//! Signed rule bundles: what the rules are, who said so, which of them apply. Parsing, hashing,
//! k-of-n signatures, scope and effective dates, freshness. No clock: times come in. It must
//! never hand out a rule from a bundle whose signatures it did not check.

mod boot;
mod bundle;
mod codec;
mod freshness;
mod list;
mod result;
mod rule;
mod select;
mod signed;

pub use boot::{BootConfig, FreshnessPolicy, Limits};
pub use bundle::{Bundle, module_hash};
pub use freshness::{Freshness, Standing};
pub use list::ListSnapshot;
pub use result::{Fault, Outcome, RuleResult, Value, leaf_salt};
pub use rule::{Reason, Rule, Severity};
pub use select::Selection;
pub use signed::{SignedBundle, SignedFreshness, VerifiedBundle, sign_bundle, sign_freshness};

use crypto::Digest;
use facts::Millis;

/// Largest signed bundle, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 16 << 20;
/// Largest freshness statement, in bytes.
pub const FRESHNESS_BYTES_MAX: usize = 8 << 10;
/// Most modules in a bundle.
pub const MODULES_MAX: usize = 1024;
/// Most rules in a bundle.
pub const RULES_MAX: usize = 4096;
/// Most rules that one evaluation may select.
pub const RULES_SELECTED_MAX: usize = 256;
/// Most lists in a bundle, and most that one rule names.
pub const LISTS_MAX: usize = 64;
/// Most entries of one list.
pub const LIST_ENTRIES_MAX: usize = 65_536;
/// Most reason templates of one rule.
pub const REASONS_MAX: usize = 32;
/// Most authority or freshness keys.
pub const KEYS_MAX: usize = 16;
/// Longest identifier, version or name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest title, citation, source, template or list entry, in bytes.
pub const PROSE_BYTES_MAX: usize = 1024;
/// Longest source of a rule, in bytes.
pub const SOURCE_BYTES_MAX: usize = 65_536;
/// Largest module, in bytes.
pub const MODULE_BYTES_MAX: usize = 65_536;
/// Highest fuel limit a rule may ask for.
pub const FUEL_MAX: u64 = 10_000_000;
/// Highest memory limit, in pages of 64 KiB.
pub const MEMORY_PAGES_MAX: u32 = 64;

/// Why rules were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// The bytes are not the CBOR of the format.
    #[error("{what} is malformed: {source}")]
    Malformed {
        /// Which object.
        what: &'static str,
        /// What the reader found.
        source: cbor::CborError,
    },
    /// An object is larger than its limit.
    #[error("{what} has {found} bytes, at most {max} are allowed")]
    TooLarge {
        /// Which object.
        what: &'static str,
        /// The limit.
        max: usize,
        /// What came.
        found: usize,
    },
    /// The bytes parse but are not the one encoding of their content.
    #[error("{0} is not in canonical form")]
    NotCanonical(&'static str),
    /// A field's content breaks a rule of the format.
    #[error("{field}: {problem}")]
    Content {
        /// The field, with the rule's or list's name.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A list of names was refused.
    #[error(transparent)]
    Names(#[from] screen::ScreenError),
    /// Fewer authorities signed than the boot configuration asks for (check P12).
    #[error("{what} carries {found} valid signatures of known keys, {needed} are needed")]
    Quorum {
        /// Bundle or freshness statement.
        what: &'static str,
        /// The threshold.
        needed: usize,
        /// Valid signatures by known keys.
        found: usize,
    },
    /// A signature by a known key does not verify.
    #[error("{what}: {source}")]
    Signature {
        /// Bundle or freshness statement.
        what: &'static str,
        /// Which key.
        source: crypto::CryptoError,
    },
    /// The bundle is not the rulebook that the boot configuration names.
    #[error("rulebook is {found:?}, the boot configuration names {expected:?}")]
    WrongRulebook {
        /// The pinned name.
        expected: String,
        /// The bundle's name.
        found: String,
    },
    /// A version that is not above the one in force.
    #[error("bundle version {offered} is not above version {current}, which is in force")]
    Rollback {
        /// In force.
        current: u64,
        /// Offered.
        offered: u64,
    },
    /// A caller asked for a version that is not held.
    #[error("rulebook version {wanted} is not held; held are {held:?}, newest first")]
    NotHeld {
        /// Asked for.
        wanted: u64,
        /// Held.
        held: Vec<u64>,
    },
    /// The freshness statement speaks of another bundle.
    #[error("freshness statement names bundle {found}, the bundle's hash is {expected}")]
    FreshnessOfAnother {
        /// Hash of the bundle.
        expected: Digest,
        /// Hash in the statement.
        found: Digest,
    },
    /// The rules are too old, or not yet in force, to be used at all.
    #[error("freshness statement of {issued_at} is refused at {now}: {problem}")]
    Stale {
        /// When the authority spoke.
        issued_at: Millis,
        /// The time it is judged against.
        now: Millis,
        /// Which limit it breaks.
        problem: &'static str,
    },
    /// No rule of the wanted scope is in force at `as_of`.
    #[error("no rule for {scope} is in force at {as_of}{hint}")]
    NothingInForce {
        /// Jurisdictions and domains that were asked for.
        scope: String,
        /// The time that chooses versions.
        as_of: Millis,
        /// The earliest effective date of the scope, if there is one.
        hint: String,
    },
    /// More rules than one evaluation may run.
    #[error("scope selects {found} rules, at most {RULES_SELECTED_MAX} may run at once")]
    TooManySelected {
        /// How many were selected.
        found: usize,
    },
}

pub(crate) fn malformed(what: &'static str) -> impl Fn(cbor::CborError) -> RulesError {
    move |source| RulesError::Malformed { what, source }
}
