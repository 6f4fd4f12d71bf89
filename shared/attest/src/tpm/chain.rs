//! The chain of an attestation key's certificate, leaf first, judged at one moment (check T8).
//! The root comes from the policy; one that stands in the evidence is trusted only for being the
//! same bytes. Extended key usage is looked at because a vendor's root also issues other things.

use crate::error::{AttestError, Position};
use crate::hex;
use crate::tpm::certificate::{AkCertificate, refuse};
use crate::tpm::key::PublicKey;
use crate::tpm::policy::TpmPolicy;
use x509_cert::der::asn1::ObjectIdentifier;

/// A certificate that the policy trusts to issue attestation keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AkRoot {
    name: String,
    der: Vec<u8>,
    certificate: AkCertificate,
    /// Whether it certifies attestation keys alone, so that a leaf need not name its purpose.
    dedicated: bool,
}

impl AkRoot {
    pub(crate) fn from_der(name: String, der: &[u8], dedicated: bool) -> Result<Self, AttestError> {
        let certificate = AkCertificate::parse(der, Position::Anchor)?;
        check_authority(&certificate, 0)?;
        Ok(Self { name, der: der.to_vec(), certificate, dedicated })
    }
}

/// Which root vouches for the first certificate's key, and what is worth a look.
pub(crate) struct Certified<'p> {
    pub(crate) root: &'p str,
    pub(crate) notes: Vec<String>,
}

/// The key in the first certificate, without judging anything about it.
pub(crate) fn leaf_key(certificates: &[&[u8]]) -> Result<Option<PublicKey>, AttestError> {
    let leaf = certificates.first();
    leaf.map(|der| Ok(AkCertificate::parse(der, Position::AkChain(0))?.key)).transpose()
}

pub(crate) fn verify<'p>(
    certificates: &[&[u8]],
    policy: &'p TpmPolicy,
) -> Result<Certified<'p>, AttestError> {
    let mut chain = Vec::with_capacity(certificates.len());
    for (index, der) in certificates.iter().enumerate() {
        chain.push(AkCertificate::parse(der, Position::AkChain(index))?);
    }
    let root = root(certificates, &chain, policy)?;
    // A root that was sent along is the policy's own: one copy of it is judged.
    if certificates.last().is_some_and(|der| *der == root.der) {
        chain.pop();
    }
    let Some(leaf) = chain.first() else {
        let expected = "a certificate below the root";
        return Err(refuse(Position::AkChain(0), expected, "the root itself".to_owned()));
    };
    let issuers = || chain.iter().skip(1).chain([&root.certificate]);
    for (subject, issuer) in chain.iter().zip(issuers()) {
        if subject.issuer != issuer.subject {
            let expected = "its issuer just after it, leaf first";
            return Err(refuse(subject.at, expected, hex(&subject.issuer)));
        }
        if !subject.is_signed_by(issuer) {
            let expected = "a signature by its issuer";
            return Err(refuse(subject.at, expected, "one that does not verify".to_owned()));
        }
    }
    for (below, issuer) in issuers().enumerate() {
        check_authority(issuer, below)?;
    }
    let notes = check_leaf(leaf, root)?;
    let Some(time_ms) = policy.time_ms() else {
        let expected = "a moment in the policy at which certificates must be valid";
        return Err(refuse(leaf.at, expected, "none".to_owned()));
    };
    for certificate in chain.iter().chain([&root.certificate]) {
        check_validity(certificate, time_ms)?;
        if policy.is_revoked(&certificate.issuer, &certificate.serial) {
            let actual = format!("serial {}", hex(&certificate.serial));
            return Err(refuse(certificate.at, "a certificate that is not revoked", actual));
        }
    }
    Ok(Certified { root: &root.name, notes })
}

/// The root of the policy that the chain ends in, or that issued its last certificate.
fn root<'p>(
    certificates: &[&[u8]],
    chain: &[AkCertificate],
    policy: &'p TpmPolicy,
) -> Result<&'p AkRoot, AttestError> {
    let roots = &policy.trust.roots;
    let sent = certificates.last().and_then(|der| roots.iter().find(|root| root.der == *der));
    let last = chain.last();
    let issuer = || {
        let named = |root: &&AkRoot| last.is_some_and(|one| one.issuer == root.certificate.subject);
        // Two roots may share a name: the one whose key fits is meant, else the first.
        let fits = |root: &&AkRoot| last.is_some_and(|one| one.is_signed_by(&root.certificate));
        roots.iter().filter(named).find(fits).or_else(|| roots.iter().find(named))
    };
    sent.or_else(issuer).ok_or_else(|| {
        let at = last.map_or(Position::AkChain(0), |one| one.at);
        let actual = last.map_or("none".to_owned(), |one| hex(&one.issuer));
        refuse(at, "an issuer that is a root of the policy", actual)
    })
}

/// Whether this certificate may issue with `below` issuers between it and the leaf.
fn check_authority(issuer: &AkCertificate, below: usize) -> Result<(), AttestError> {
    let refuse = |expected, actual: &str| Err(refuse(issuer.at, expected, actual.to_owned()));
    let Some((critical, constraints)) = &issuer.constraints else {
        return refuse("basicConstraints", "none");
    };
    if !critical || !constraints.ca {
        return refuse("critical basicConstraints with CA:true", "another form");
    }
    if constraints.path_len_constraint.is_some_and(|length| below > usize::from(length)) {
        return refuse("no more issuers below than pathLen", &below.to_string());
    }
    match &issuer.key_usage {
        Some(usage) if usage.key_cert_sign() => {}
        Some(_) => return refuse("keyUsage keyCertSign", "another usage"),
        None => return refuse("keyUsage", "none"),
    }
    // On an issuer the purposes limit what is below it; one without them is not limited.
    let right = |purpose: &ObjectIdentifier| [AK_CERTIFICATE, ANY_PURPOSE].contains(purpose);
    match &issuer.purposes {
        Some(purposes) if !purposes.iter().any(right) => {
            let expected = "extKeyUsage, where there is one, tcg-kp-AIKCertificate or any";
            refuse(expected, "other purposes")
        }
        _ => Ok(()),
    }
}

fn check_leaf(leaf: &AkCertificate, root: &AkRoot) -> Result<Vec<String>, AttestError> {
    let refuse = |expected, actual: &str| Err(refuse(leaf.at, expected, actual.to_owned()));
    if leaf.constraints.as_ref().is_some_and(|(_, constraints)| constraints.ca) {
        return refuse("CA:false", "CA:true");
    }
    match &leaf.key_usage {
        None => return refuse("keyUsage", "none"),
        Some(usage) if !usage.digital_signature() => {
            return refuse("keyUsage digitalSignature", "another usage");
        }
        Some(usage) if usage.key_cert_sign() || usage.crl_sign() => {
            return refuse("no keyCertSign and no cRLSign", "an issuer's key usage");
        }
        Some(_) => {}
    }
    match &leaf.purposes {
        Some(purposes) if !purposes.contains(&AK_CERTIFICATE) => {
            refuse("extKeyUsage tcg-kp-AIKCertificate (2.23.133.8.3)", "other purposes")
        }
        Some(_) => Ok(Vec::new()),
        None if root.dedicated => Ok(vec![
            "T8 the AK certificate names no purpose; the policy says its root has no other"
                .to_owned(),
        ]),
        None => refuse("extKeyUsage tcg-kp-AIKCertificate (2.23.133.8.3)", "none"),
    }
}

fn check_validity(certificate: &AkCertificate, time_ms: u64) -> Result<(), AttestError> {
    let (from, to) = (certificate.not_before_ms, certificate.not_after_ms.saturating_add(999));
    if (from..=to).contains(&time_ms) {
        return Ok(());
    }
    let actual = format!("{time_ms} ms outside {from} to {to} ms");
    Err(refuse(certificate.at, "a moment inside its validity", actual))
}

const AK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.3");
/// anyExtendedKeyUsage (RFC 5280, 4.2.1.12).
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
