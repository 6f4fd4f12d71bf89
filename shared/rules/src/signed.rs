//! COSE_Sign over bundles and freshness statements, by k of n keys. `VerifiedBundle` has one
//! constructor, and it checks the signatures.

use crate::{
    BUNDLE_BYTES_MAX, BootConfig, Bundle, FRESHNESS_BYTES_MAX, Freshness, KEYS_MAX, RulesError,
    malformed,
};
use crypto::cose::{
    CoseSign, body_protected, read_sign, sign_one, sign_protected, signer_key, write_sign,
};
use crypto::{Digest, Domain, SigningKey, VerifyingKey, digest};

const BUNDLE: Kind = Kind {
    what: "rule bundle",
    typ: "application/probity-bundle+cbor",
    bytes_max: BUNDLE_BYTES_MAX,
};
const FRESHNESS: Kind = Kind {
    what: "freshness statement",
    typ: "application/probity-freshness+cbor",
    bytes_max: FRESHNESS_BYTES_MAX,
};

/// What is signed: the type is under the signature, so one cannot stand for the other.
struct Kind {
    what: &'static str,
    typ: &'static str,
    bytes_max: usize,
}

/// A bundle that k of n authorities signed.
#[derive(Debug, Clone)]
pub struct VerifiedBundle {
    bundle: Bundle,
    hash: Digest,
    signers: Vec<VerifyingKey>,
}

impl VerifiedBundle {
    /// The content.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The bundle hash.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The authorities whose signatures verified.
    pub fn signers(&self) -> &[VerifyingKey] {
        &self.signers
    }
}

/// A signed bundle as it travels.
pub struct SignedBundle;

impl SignedBundle {
    /// Checks signatures, then content, then that it is the pinned rulebook (check P12).
    pub fn verify(bytes: &[u8], config: &BootConfig) -> Result<VerifiedBundle, RulesError> {
        let (payload, signers) = verify(&BUNDLE, bytes, &config.authorities, config.threshold)?;
        let bundle = Bundle::parse_unverified(payload)?;
        if bundle.name != config.rulebook {
            let (expected, found) = (config.rulebook.clone(), bundle.name);
            return Err(RulesError::WrongRulebook { expected, found });
        }
        Ok(VerifiedBundle { hash: digest(Domain::Bundle, &[payload]), bundle, signers })
    }

    /// The content without any check of who signed it.
    pub fn parse_unverified(bytes: &[u8]) -> Result<Bundle, RulesError> {
        Bundle::parse_unverified(open(&BUNDLE, bytes)?.payload)
    }
}

/// A signed freshness statement as it travels.
pub struct SignedFreshness;

impl SignedFreshness {
    /// Checks signatures and that the statement speaks of `bundle`.
    pub fn verify(
        bytes: &[u8],
        config: &BootConfig,
        bundle: &VerifiedBundle,
    ) -> Result<Freshness, RulesError> {
        let (payload, _) =
            verify(&FRESHNESS, bytes, &config.freshness_keys, config.freshness_threshold)?;
        let freshness = Freshness::parse_unverified(payload)?;
        if freshness.bundle != bundle.hash || freshness.version != bundle.bundle.version {
            let (expected, found) = (bundle.hash, freshness.bundle);
            return Err(RulesError::FreshnessOfAnother { expected, found });
        }
        Ok(freshness)
    }
}

/// Signs a bundle; the rule authority's tool.
pub fn sign_bundle(bundle: &Bundle, keys: &[SigningKey]) -> Result<Vec<u8>, RulesError> {
    bundle.check()?;
    Ok(sign(&BUNDLE, &bundle.to_bytes(), keys))
}

/// Signs a freshness statement; the rule authority's tool.
pub fn sign_freshness(freshness: &Freshness, keys: &[SigningKey]) -> Vec<u8> {
    sign(&FRESHNESS, &freshness.to_bytes(), keys)
}

fn sign(kind: &Kind, payload: &[u8], keys: &[SigningKey]) -> Vec<u8> {
    let body = body_protected(kind.typ);
    let signatures = keys.iter().map(|key| sign_one(&body, payload, key)).collect();
    write_sign(&body, payload, &signatures)
}

fn open<'a>(kind: &Kind, bytes: &'a [u8]) -> Result<CoseSign<'a>, RulesError> {
    let what = kind.what;
    if bytes.len() > kind.bytes_max {
        return Err(RulesError::TooLarge { what, max: kind.bytes_max, found: bytes.len() });
    }
    let opened = read_sign(bytes, KEYS_MAX).map_err(malformed(what))?;
    // Canonical headers differ in their keys alone: they ascend as the keys do.
    let mut canonical = opened.body == body_protected(kind.typ)
        && opened.signatures.is_sorted_by(|(a, _), (b, _)| a < b);
    for (protected, _) in &opened.signatures {
        let key = signer_key(protected).map_err(malformed(what))?;
        canonical &= *protected == sign_protected(&key);
    }
    if canonical { Ok(opened) } else { Err(RulesError::NotCanonical(what)) }
}

fn verify<'a>(
    kind: &Kind,
    bytes: &'a [u8],
    known: &[VerifyingKey],
    needed: usize,
) -> Result<(&'a [u8], Vec<VerifyingKey>), RulesError> {
    let what = kind.what;
    let opened = open(kind, bytes)?;
    let signers = opened.signers(known).map_err(|source| RulesError::Signature { what, source })?;
    if signers.len() < needed {
        return Err(RulesError::Quorum { what, needed, found: signers.len() });
    }
    Ok((opened.payload, signers))
}
