//! COSE_Sign over bundles and freshness statements, by k of n keys. `VerifiedBundle` has one
//! constructor, and it checks the signatures.

use crate::{
    BUNDLE_BYTES_MAX, BootConfig, Bundle, FRESHNESS_BYTES_MAX, Freshness, KEYS_MAX, RulesError,
    malformed,
};
use cbor::{Reader, Writer};
use crypto::cose::{ALG_EDDSA, LABEL_ALG, LABEL_KID, LABEL_TYP, TAG_SIGN, sign_structure};
use crypto::{Digest, Domain, Signature, SigningKey, VerifyingKey, digest};

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

fn body_protected(kind: &Kind) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(1).uint(LABEL_TYP).text(kind.typ);
    w.finish()
}

fn sign_protected(key: &[u8; 32]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2).uint(LABEL_ALG).int(ALG_EDDSA).uint(LABEL_KID).bytes(key);
    w.finish()
}

fn sign(kind: &Kind, payload: &[u8], keys: &[SigningKey]) -> Vec<u8> {
    let body = body_protected(kind);
    let mut signers: Vec<_> = keys.iter().map(|key| (key.verifying_key(), key)).collect();
    signers.sort_by_key(|(public, _)| *public);
    signers.dedup_by_key(|(public, _)| *public);
    let mut w = Writer::with_capacity(payload.len() + 256);
    w.tag(TAG_SIGN).array(4).bytes(&body).map(0).bytes(payload).array(signers.len());
    for (public, key) in signers {
        let protected = sign_protected(&public.to_bytes());
        let signature = key.sign(&sign_structure(&body, &protected, payload));
        w.array(3).bytes(&protected).map(0).bytes(&signature.0);
    }
    w.finish()
}

struct Opened<'a> {
    payload: &'a [u8],
    /// (protected bytes, key, signature)
    signatures: Vec<(&'a [u8], [u8; 32], Signature)>,
}

fn open<'a>(kind: &Kind, bytes: &'a [u8]) -> Result<Opened<'a>, RulesError> {
    let what = kind.what;
    if bytes.len() > kind.bytes_max {
        return Err(RulesError::TooLarge { what, max: kind.bytes_max, found: bytes.len() });
    }
    let read = || {
        let mut r = Reader::new(bytes);
        let at = r.position();
        let found = r.tag()?;
        if found != TAG_SIGN {
            return Err(cbor::CborError::Range {
                at,
                what: "tag",
                expected: "98 (COSE_Sign)",
                found,
            });
        }
        r.array_of("COSE_Sign", 4)?;
        let body = r.bytes()?;
        r.map_of("unprotected header", 0)?;
        let payload = r.bytes()?;
        let signatures = r.entries("signatures", KEYS_MAX, |r| {
            r.array_of("COSE_Signature", 3)?;
            let protected = r.bytes()?;
            r.map_of("unprotected header", 0)?;
            let signature = Signature(r.array_bytes("signature")?);
            Ok((protected, kid(protected)?, signature))
        })?;
        r.end()?;
        Ok((body, Opened { payload, signatures }))
    };
    let (body, opened) = read().map_err(malformed(what))?;
    let canonical = opened.signatures.is_sorted_by(|a, b| a.1 < b.1)
        && opened.signatures.iter().all(|(protected, key, _)| *protected == sign_protected(key));
    if body != body_protected(kind) || !canonical {
        return Err(RulesError::NotCanonical(what));
    }
    Ok(opened)
}

fn kid(protected: &[u8]) -> Result<[u8; 32], cbor::CborError> {
    let mut r = Reader::new(protected);
    r.map_of("signer's header", 2)?;
    r.key(LABEL_ALG)?;
    r.int()?;
    r.key(LABEL_KID)?;
    r.array_bytes("key")
}

fn verify<'a>(
    kind: &Kind,
    bytes: &'a [u8],
    known: &[VerifyingKey],
    needed: usize,
) -> Result<(&'a [u8], Vec<VerifyingKey>), RulesError> {
    let opened = open(kind, bytes)?;
    let body = body_protected(kind);
    let mut signers = Vec::new();
    for (protected, key, signature) in &opened.signatures {
        // A stranger's signature counts for nothing and harms nothing.
        let Some(key) = known.iter().find(|known| known.to_bytes() == *key) else { continue };
        key.verify_strict(&sign_structure(&body, protected, opened.payload), signature)
            .map_err(|source| RulesError::Signature { what: kind.what, source })?;
        signers.push(*key);
    }
    if signers.len() < needed {
        return Err(RulesError::Quorum { what: kind.what, needed, found: signers.len() });
    }
    Ok((opened.payload, signers))
}
