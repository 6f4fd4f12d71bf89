//! The certificate chain, root first, judged at one moment (checks N22 to N30).
//! The root comes from the policy: the one in the document must equal it byte for byte and is
//! never trusted for being there.

use crate::cache::ChainCache;
use crate::certificate::{Certificate, fingerprint, refuse};
use crate::document::UnverifiedDocument;
use crate::error::{AttestError, Position};
use crate::policy::{NitroPolicy, TrustAnchor};
use crate::{Check, hex};

/// A chain that holds at the moment it was judged for.
pub(crate) struct Chain<'a, 'p> {
    pub(crate) anchor: &'p TrustAnchor,
    pub(crate) leaf: Certificate<'a>,
    pub(crate) notes: Vec<String>,
}

pub(crate) fn verify<'a, 'p>(
    document: &UnverifiedDocument<'a>,
    policy: &'p NitroPolicy,
    cache: Option<&mut ChainCache>,
) -> Result<Chain<'a, 'p>, AttestError> {
    let bundle = document.cabundle();
    let anchor = anchor(bundle[0], policy)?;
    let mut chain = Vec::with_capacity(bundle.len() + 1);
    for (index, der) in bundle.iter().enumerate() {
        chain.push(Certificate::parse(der, Position::Bundle(index))?);
    }
    chain.push(Certificate::parse(document.certificate(), Position::Leaf)?);
    check_order(&chain)?;
    check_signatures(&chain, cache)?;
    let leaf_index = chain.len() - 1;
    for (index, issuer) in chain[..leaf_index].iter().enumerate() {
        check_authority(issuer, leaf_index - 1 - index)?;
    }
    let leaf = chain.pop().expect("a leaf because it was just pushed");
    check_leaf(&leaf)?;
    let time_ms = policy.time_ms(document.timestamp_ms());
    for certificate in chain.iter().chain([&leaf]) {
        check_validity(certificate, time_ms, policy.clock_skew_ms())?;
    }
    let notes = check_lifetimes(&chain, &leaf)?;
    for certificate in chain.iter().chain([&leaf]) {
        if policy.is_revoked(&certificate.issuer, &certificate.serial) {
            let serial = hex(&certificate.serial);
            return Err(AttestError::Revoked { at: certificate.at, serial });
        }
    }
    Ok(Chain { anchor, leaf, notes })
}

fn anchor<'p>(root: &[u8], policy: &'p NitroPolicy) -> Result<&'p TrustAnchor, AttestError> {
    let anchors = policy.anchors();
    anchors.iter().find(|anchor| anchor.der() == root).ok_or_else(|| AttestError::UntrustedRoot {
        expected: anchors
            .iter()
            .map(|anchor| format!("{} {}", anchor.name(), hex(&anchor.sha256())))
            .collect(),
        actual: fingerprint(root),
    })
}

/// N23 for certificates that belong elsewhere in the chain, N24 for those that do not belong.
fn check_order(chain: &[Certificate<'_>]) -> Result<(), AttestError> {
    for pair in chain.windows(2) {
        let (issuer, subject) = (&pair[0], &pair[1]);
        if subject.issuer == subject.subject {
            let expected = "only the root to be issued by itself";
            return Err(refuse(23, subject.at, expected, hex(&subject.subject)));
        }
        if subject.issuer == issuer.subject {
            continue;
        }
        let elsewhere = chain.iter().find(|other| other.subject == subject.issuer);
        return Err(match elsewhere {
            Some(other) => {
                let actual = format!("its issuer at {}", other.at);
                refuse(23, subject.at, "its issuer just before it, root first", actual)
            }
            None => {
                let actual = hex(&subject.issuer);
                refuse(24, subject.at, "the subject of the one before as issuer", actual)
            }
        });
    }
    Ok(())
}

fn check_signatures(
    chain: &[Certificate<'_>],
    mut cache: Option<&mut ChainCache>,
) -> Result<(), AttestError> {
    for pair in chain.windows(2) {
        let (issuer, subject) = (&pair[0], &pair[1]);
        let verified = match cache.as_deref_mut() {
            Some(cache) => cache.is_signed_by(subject, issuer),
            None => subject.is_signed_by(issuer),
        };
        if !verified {
            return Err(AttestError::CertificateSignature { at: subject.at, issuer: issuer.at });
        }
    }
    Ok(())
}

/// N25: whether this certificate may issue with `below` issuers between it and the leaf.
fn check_authority(issuer: &Certificate<'_>, below: usize) -> Result<(), AttestError> {
    let refuse = |expected, actual: &str| Err(refuse(25, issuer.at, expected, actual.to_owned()));
    let Some((critical, constraints)) = &issuer.constraints else {
        return refuse("basicConstraints", "none");
    };
    if !critical {
        return refuse("critical basicConstraints", "one that is not critical");
    }
    if !constraints.ca {
        return refuse("CA:true", "CA:false");
    }
    if let Some(length) = constraints.path_len_constraint
        && below > usize::from(length)
    {
        let actual = format!("{below} below pathLen {length}");
        return refuse("no more issuers below than pathLen", &actual);
    }
    match &issuer.key_usage {
        None => refuse("keyUsage", "none"),
        Some(usage) if !usage.key_cert_sign() => refuse("keyUsage keyCertSign", "another usage"),
        Some(_) => Ok(()),
    }
}

/// N26: the leaf signs documents and must not be able to issue.
fn check_leaf(leaf: &Certificate<'_>) -> Result<(), AttestError> {
    let refuse = |expected, actual: &str| Err(refuse(26, leaf.at, expected, actual.to_owned()));
    if let Some((_, constraints)) = &leaf.constraints {
        if constraints.ca {
            return refuse("CA:false", "CA:true");
        }
        if constraints.path_len_constraint.is_some() {
            return refuse("no pathLen", "one");
        }
    }
    match &leaf.key_usage {
        None => refuse("keyUsage", "none"),
        Some(usage) if !usage.digital_signature() => {
            refuse("keyUsage digitalSignature", "another usage")
        }
        Some(usage) if usage.key_cert_sign() || usage.crl_sign() => {
            refuse("no keyCertSign and no cRLSign", "an issuer's key usage")
        }
        Some(_) => Ok(()),
    }
}

/// N28: the leeway is for a verifier's clock that is behind AWS's, so for `notBefore` only.
fn check_validity(
    certificate: &Certificate<'_>,
    time_ms: u64,
    skew_ms: u64,
) -> Result<(), AttestError> {
    let (at, not_before_ms) = (certificate.at, certificate.not_before_ms);
    if time_ms.saturating_add(skew_ms) < not_before_ms {
        return Err(AttestError::NotYetValid { at, not_before_ms, time_ms });
    }
    // RFC 5280 counts the whole second of notAfter in.
    let not_after_ms = certificate.not_after_ms.saturating_add(999);
    if time_ms > not_after_ms {
        return Err(AttestError::Expired { at, not_after_ms, time_ms });
    }
    Ok(())
}

/// N29: a long-lived leaf is refused, an unusual issuer is noted.
fn check_lifetimes(
    chain: &[Certificate<'_>],
    leaf: &Certificate<'_>,
) -> Result<Vec<String>, AttestError> {
    let lifetime = |one: &Certificate<'_>| one.not_after_ms.saturating_sub(one.not_before_ms);
    let actual = lifetime(leaf);
    if actual > LEAF_LIFETIME_MS_MAX || actual == 0 {
        return Err(AttestError::Bounds {
            check: Check::n(29),
            what: "leaf lifetime in ms",
            min: 1,
            max: LEAF_LIFETIME_MS_MAX,
            actual,
        });
    }
    let unusual = chain.iter().skip(1).filter(|one| lifetime(one) > ISSUER_LIFETIME_MS_USUAL);
    Ok(unusual
        .map(|one| {
            let days = lifetime(one) / DAY_MS;
            format!("N29 {}: a lifetime of {days} days is longer than AWS's 20", one.at)
        })
        .collect())
}

const DAY_MS: u64 = 86_400_000;
/// AWS's leaves live 3 h 3 s.
const LEAF_LIFETIME_MS_MAX: u64 = 3 * 3_600_000 + 300_000;
/// AWS's regional certificates live 20 d 1 h.
const ISSUER_LIFETIME_MS_USUAL: u64 = 21 * DAY_MS;
