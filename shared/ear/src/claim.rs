//! AR4SI §2.3: a trustworthiness claim is one signed byte, whose range says its tier. A vector has
//! eight of them; 0 is "no claim". It must never hold a value without a tier.

use serde_json::{Map, Value};

/// A tier of trustworthiness (AR4SI §2.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// No assertion.
    None,
    /// The verifier affirms this aspect.
    Affirming,
    /// The verifier warns about this aspect.
    Warning,
    /// The attester is explicitly untrustworthy in this aspect.
    Contraindicated,
}

impl Tier {
    /// The tier's name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Tier::None => "none",
            Tier::Affirming => "affirming",
            Tier::Warning => "warning",
            Tier::Contraindicated => "contraindicated",
        }
    }

    /// The tier of a name in JSON.
    pub fn from_name(name: &str) -> Option<Self> {
        [Tier::None, Tier::Affirming, Tier::Warning, Tier::Contraindicated]
            .into_iter()
            .find(|tier| tier.name() == name)
    }

    /// How little a relying party may trust: affirming, none, warning, contraindicated. "None" is
    /// below affirming, because nothing was asserted.
    pub fn distrust(self) -> u8 {
        match self {
            Tier::Affirming => 0,
            Tier::None => 1,
            Tier::Warning => 2,
            Tier::Contraindicated => 3,
        }
    }
}

/// One value of a trustworthiness vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim(i8);

impl Claim {
    /// No claim is made.
    pub const NONE: Claim = Claim(0);
    /// The evidence holds what this verifier cannot evaluate.
    pub const UNKNOWN: Claim = Claim(1);
    /// Genuine, recognised, approved: the first standard affirming value of every category.
    pub const AFFIRMED: Claim = Claim(2);
    /// Executables: only approved ones were loaded during boot.
    pub const APPROVED_BOOT: Claim = Claim(3);
    /// Hardware, of our own: genuine under a root that the verifier's owner named.
    pub const NAMED_ROOT: Claim = Claim(-2);
    /// Hardware, of our own: genuine under the published test root, whose key anyone has.
    pub const TEST_ROOT: Claim = Claim(-33);
    /// Executables: not recognised.
    pub const UNRECOGNISED_RUNTIME: Claim = Claim(33);
    /// Recognised and contraindicated, in every category.
    pub const CONTRAINDICATED: Claim = Claim(96);
    /// Hardware or instance: not recognised although it should be.
    pub const UNRECOGNISED: Claim = Claim(97);
    /// Cryptographic validation of the evidence failed.
    pub const CRYPTO_FAILED: Claim = Claim(99);

    /// The value on the wire.
    pub fn value(self) -> i8 {
        self.0
    }

    /// A value read from the wire.
    pub fn from_value(value: i8) -> Self {
        Self(value)
    }

    /// The tier in whose range the value lies.
    pub fn tier(self) -> Tier {
        match self.0 {
            -1..=1 => Tier::None,
            2..=31 | -32..=-2 => Tier::Affirming,
            32..=95 | -96..=-33 => Tier::Warning,
            96..=127 | -128..=-97 => Tier::Contraindicated,
        }
    }
}

/// What a claim is about (AR4SI §2.3.4), in the order of the CDDL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// The unique instance is recognised.
    InstanceIdentity,
    /// The configuration is approved.
    Configuration,
    /// What runs is approved.
    Executables,
    /// Files are approved.
    FileSystem,
    /// Hardware and firmware are genuine.
    Hardware,
    /// Memory is opaque from outside.
    RuntimeOpaque,
    /// Stored secrets are encrypted.
    StorageOpaque,
    /// Data from elsewhere is sound.
    SourcedData,
}

impl Category {
    /// Every category, in order.
    pub const ALL: [Category; 8] = [
        Category::InstanceIdentity,
        Category::Configuration,
        Category::Executables,
        Category::FileSystem,
        Category::Hardware,
        Category::RuntimeOpaque,
        Category::StorageOpaque,
        Category::SourcedData,
    ];

    /// The key in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Category::InstanceIdentity => "instance-identity",
            Category::Configuration => "configuration",
            Category::Executables => "executables",
            Category::FileSystem => "file-system",
            Category::Hardware => "hardware",
            Category::RuntimeOpaque => "runtime-opaque",
            Category::StorageOpaque => "storage-opaque",
            Category::SourcedData => "sourced-data",
        }
    }
}

/// A trustworthiness vector. All eight claims are written, so that "no claim" is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vector([Claim; 8]);

impl Vector {
    /// The vector without any claim.
    pub const EMPTY: Vector = Vector([Claim::NONE; 8]);

    pub(crate) fn set(&mut self, category: Category, claim: Claim) {
        self.0[category as usize] = claim;
    }

    /// The claim about a category.
    pub fn claim(&self, category: Category) -> Claim {
        self.0[category as usize]
    }

    /// The tier of the worst claim that is made; none when none is.
    pub fn worst(&self) -> Tier {
        self.0
            .iter()
            .map(|claim| claim.tier())
            .filter(|tier| *tier != Tier::None)
            .max_by_key(|tier| tier.distrust())
            .unwrap_or(Tier::None)
    }

    /// As in JSON.
    pub fn to_json(&self) -> Value {
        let entry = |category: &Category| {
            (category.key().to_owned(), Value::from(self.claim(*category).value()))
        };
        Value::Object(Category::ALL.iter().map(entry).collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_the_tier_of_the_draft() {
        let tiers = |tier| (i8::MIN..=i8::MAX).filter(|v| Claim(*v).tier() == tier).count();
        assert_eq!(tiers(Tier::None), 3);
        assert_eq!(tiers(Tier::Affirming), 30 + 31);
        assert_eq!(tiers(Tier::Warning), 64 + 64);
        assert_eq!(tiers(Tier::Contraindicated), 32 + 32);
        for (value, tier) in [
            (-128, Tier::Contraindicated),
            (-97, Tier::Contraindicated),
            (-96, Tier::Warning),
            (-33, Tier::Warning),
            (-32, Tier::Affirming),
            (-2, Tier::Affirming),
            (-1, Tier::None),
            (1, Tier::None),
            (2, Tier::Affirming),
            (31, Tier::Affirming),
            (32, Tier::Warning),
            (95, Tier::Warning),
            (96, Tier::Contraindicated),
            (127, Tier::Contraindicated),
        ] {
            assert_eq!(Claim(value).tier(), tier, "{value}");
        }
    }

    #[test]
    fn a_vector_is_as_bad_as_its_worst_claim() {
        let mut vector = Vector::EMPTY;
        assert_eq!(vector.worst(), Tier::None);
        vector.set(Category::Hardware, Claim::AFFIRMED);
        assert_eq!(vector.worst(), Tier::Affirming);
        vector.set(Category::Executables, Claim::UNRECOGNISED_RUNTIME);
        assert_eq!(vector.worst(), Tier::Warning);
        vector.set(Category::Configuration, Claim::CRYPTO_FAILED);
        assert_eq!(vector.worst(), Tier::Contraindicated);
        let json = vector.to_json();
        assert_eq!(json.as_object().map(Map::len), Some(8));
        assert_eq!((&json["hardware"], &json["sourced-data"]), (&2.into(), &0.into()));
    }
}
