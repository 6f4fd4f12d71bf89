//! The chain of an endorsement key's certificate, leaf first, judged at one moment (T1). What is
//! trusted is the registrar's own list: a root that is sent along counts only for being the same
//! bytes, and an intermediate may be listed in place of its root.

use crate::EnrolError;
use crate::certificate::{Certificate, refused};
use crate::ek::EkPublic;
use crate::key::PublicKey;
use std::collections::BTreeSet;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::KeyUsage;

/// Certificates under which endorsement keys are believed, and those that no longer count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EkRoots {
    roots: Vec<Certificate>,
    /// Issuer's name in DER, and serial number.
    revoked: BTreeSet<(Vec<u8>, Vec<u8>)>,
}

/// What a chain says of the TPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EkIdentity {
    /// Name of the root in the registrar's list.
    pub root: String,
    /// TPM manufacturer (2.23.133.2.1), as in `id:494E5443`.
    pub manufacturer: Option<String>,
    /// TPM model (2.23.133.2.2).
    pub model: Option<String>,
    /// TPM firmware version (2.23.133.2.3).
    pub version: Option<String>,
}

impl EkRoots {
    /// Trusts nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A vendor's root, or an intermediate taken as one, in DER.
    pub fn with_root(mut self, name: impl Into<String>, der: &[u8]) -> Result<Self, EnrolError> {
        EnrolError::within("T1", "EK roots", self.roots.len() + 1, (1, ROOTS_MAX))?;
        let root = Certificate::parse(der, name)?;
        check_authority(&root, 0)?;
        self.roots.push(root);
        Ok(self)
    }

    /// A certificate that no longer counts, an issuer's or an endorsement key's: its issuer's name
    /// in DER and its serial number. Where these come from, a vendor's list or an incident, is the
    /// registrar's affair.
    pub fn with_revoked(mut self, issuer_der: Vec<u8>, serial: &[u8]) -> Self {
        self.revoked.insert((issuer_der, significant(serial).to_vec()));
        self
    }

    /// Whether nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// T1 again for a candidate, before anything is issued: what is trusted may have changed since
    /// it was challenged. The certificates are those that were submitted.
    pub fn check_again(
        &self,
        certificates: &[&[u8]],
        candidate: &crate::Candidate,
        now_ms: u64,
    ) -> Result<(), EnrolError> {
        self.verify(certificates, candidate.ek(), now_ms).map(drop)
    }

    /// T1, and T2 as far as the certificate has to name this very key.
    pub(crate) fn verify(
        &self,
        certificates: &[&[u8]],
        ek: &EkPublic,
        now_ms: u64,
    ) -> Result<EkIdentity, EnrolError> {
        EnrolError::within("T1", "EK certificates", certificates.len(), (1, CERTIFICATES_MAX))?;
        let mut chain = Vec::with_capacity(certificates.len());
        for (index, der) in certificates.iter().enumerate() {
            chain.push(Certificate::parse(der, format!("EK certificate[{index}]"))?);
        }
        // What was sent of a listed certificate and above it is the registrar's own affair.
        let listed = |one: &Certificate| self.roots.iter().find(|root| root.der == one.der);
        let found = chain.iter().enumerate().find_map(|(at, one)| Some((at, listed(one)?)));
        let root = match found {
            Some((at, root)) => {
                chain.truncate(at);
                root
            }
            None => self.root(&chain)?,
        };
        let Some(leaf) = chain.first() else {
            return Err(refused(&root.at, "an EK certificate below it", "itself".into()));
        };
        let issuers = || chain.iter().skip(1).chain([root]);
        for (subject, issuer) in chain.iter().zip(issuers()) {
            if subject.issuer != issuer.subject {
                let expected = "its issuer just after it, leaf first";
                return Err(refused(&subject.at, expected, crate::hex(&subject.issuer)));
            }
            subject.check_signed_by(issuer)?;
        }
        for (below, issuer) in issuers().enumerate() {
            check_authority(issuer, below)?;
        }
        check_leaf(leaf)?;
        for certificate in chain.iter().chain([root]) {
            self.check_standing(certificate, now_ms)?;
        }
        if !leaf.key.is(ek) {
            let (expected, actual) = ("the key that its certificate names", "another key");
            return Err(EnrolError::refuse("T2", "EK public", expected, actual));
        }
        Ok(identity(leaf, root))
    }

    /// The listed certificate that issued the last of the chain.
    fn root(&self, chain: &[Certificate]) -> Result<&Certificate, EnrolError> {
        let last = chain.last();
        let named = |root: &&Certificate| last.is_some_and(|one| one.issuer == root.subject);
        // Two roots may share a name: the one whose key fits is meant, else the first.
        let fits = |root: &&Certificate| last.is_some_and(|one| one.check_signed_by(root).is_ok());
        let issuer = || {
            let issuers = || self.roots.iter().filter(named);
            issuers().find(fits).or_else(|| issuers().next())
        };
        issuer().ok_or_else(|| {
            let at = last.map_or("EK certificate[0]", |one| &one.at);
            let actual = last.map_or(String::new(), |one| crate::hex(&one.issuer));
            refused(at, "an issuer that the registrar trusts", actual)
        })
    }

    fn check_standing(&self, certificate: &Certificate, now_ms: u64) -> Result<(), EnrolError> {
        let Certificate { at, not_before_ms, not_after_ms, issuer, serial, .. } = certificate;
        // Inclusive to the second; EK certificates without an end say 9999-12-31 23:59:59.
        let end = not_after_ms.saturating_add(999);
        if !(*not_before_ms..=end).contains(&now_ms) {
            let actual = format!("{now_ms} ms outside {not_before_ms} to {end} ms");
            return Err(refused(at, "a moment inside its validity", actual));
        }
        let revoked =
            |(name, number): &(Vec<u8>, Vec<u8>)| name == issuer && number == significant(serial);
        match self.revoked.iter().any(revoked) {
            false => Ok(()),
            true => {
                let actual = format!("serial {}", crate::hex(serial));
                Err(refused(at, "a certificate that is not revoked", actual))
            }
        }
    }
}

/// Issuer's name in DER and serial number of a certificate: what revoking it takes.
pub fn revocation_of(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>), EnrolError> {
    let certificate = Certificate::parse(der, "certificate")?;
    Ok((certificate.issuer, certificate.serial))
}

/// Whether this certificate may issue with `below` issuers between it and the leaf.
fn check_authority(issuer: &Certificate, below: usize) -> Result<(), EnrolError> {
    let refuse = |expected: &str, actual: &str| Err(refused(&issuer.at, expected, actual.into()));
    let Some(constraints) = issuer.constraints.as_ref().filter(|constraints| constraints.ca) else {
        return refuse("basicConstraints with CA:true", "another form, or none");
    };
    if constraints.path_len_constraint.is_some_and(|length| below > usize::from(length)) {
        return refuse("no more issuers below than pathLen", &below.to_string());
    }
    if !issuer.key_usage.as_ref().is_some_and(KeyUsage::key_cert_sign) {
        return refuse("keyUsage keyCertSign", "another usage, or none");
    }
    let right = |purpose: &ObjectIdentifier| [EK_CERTIFICATE, ANY_PURPOSE].contains(purpose);
    match &issuer.purposes {
        Some(purposes) if !purposes.iter().any(right) => {
            refuse("extKeyUsage, where there is one, tcg-kp-EKCertificate or any", "other purposes")
        }
        _ => Ok(()),
    }
}

fn check_leaf(leaf: &Certificate) -> Result<(), EnrolError> {
    let refuse = |expected: &str, actual: &str| Err(refused(&leaf.at, expected, actual.into()));
    if leaf.constraints.as_ref().is_some_and(|constraints| constraints.ca) {
        return refuse("CA:false", "CA:true");
    }
    let usage = leaf.key_usage.as_ref();
    let is_right = usage.is_some_and(|usage| match leaf.key {
        PublicKey::Rsa { .. } => usage.key_encipherment(),
        PublicKey::P256(_) | PublicKey::P384(_) => usage.key_agreement(),
    });
    if !is_right {
        return refuse(
            "keyUsage keyEncipherment (RSA) or keyAgreement (EC)",
            "another usage, or none",
        );
    }
    if usage.is_some_and(|usage| usage.key_cert_sign() || usage.crl_sign()) {
        return refuse("no keyCertSign and no cRLSign", "an issuer's key usage");
    }
    match &leaf.purposes {
        Some(purposes) if purposes.contains(&EK_CERTIFICATE) => {}
        _ => {
            return refuse(
                "extKeyUsage tcg-kp-EKCertificate (2.23.133.8.1)",
                "other purposes, or none",
            );
        }
    }
    match &leaf.alternative {
        Some(names) if names.critical && names.attributes.is_none() => {
            refuse("a directory name in a critical subjectAltName", "none")
        }
        _ => Ok(()),
    }
}

fn identity(leaf: &Certificate, root: &Certificate) -> EkIdentity {
    let attributes = leaf.alternative.as_ref().and_then(|names| names.attributes.as_ref());
    let text = |oid: ObjectIdentifier| {
        let mut all = attributes.into_iter().flatten();
        all.find(|(name, _)| *name == oid).map(|(_, text)| text.clone())
    };
    EkIdentity {
        root: root.at.clone(),
        manufacturer: text(TPM_MANUFACTURER),
        model: text(TPM_MODEL),
        version: text(TPM_VERSION),
    }
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

const EK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
/// anyExtendedKeyUsage (RFC 5280, 4.2.1.12).
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const TPM_MANUFACTURER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.1");
const TPM_MODEL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.2");
const TPM_VERSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.3");
const CERTIFICATES_MAX: usize = 8;
const ROOTS_MAX: usize = 256;
