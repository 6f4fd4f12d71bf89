//! The registrar's certificate authority: P-256, self-signed, for attestation keys and nothing
//! else, so that a policy can name it as the root of such keys. It must never certify a key that
//! is not [`Activated`], and never anything but digital signatures by it.

use crate::certificate::Certificate;
use crate::key::PublicKey;
use crate::{Activated, EnrolError, Identity};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm,
};
use time::OffsetDateTime;
use x509_cert::der::Decode;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// The authority with its private key.
#[derive(Debug)]
pub struct Authority {
    name: String,
    key: KeyPair,
    /// Last moment of its own certificate, Unix milliseconds: nothing that it issues lives longer.
    end_ms: u64,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// Now, Unix milliseconds.
    pub now_ms: u64,
    /// For how long, in days.
    pub days: u32,
}

/// A certificate of an attestation key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AkCertificate {
    /// DER.
    pub der: Vec<u8>,
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// Last second in which it is valid, Unix milliseconds.
    pub not_after_ms: u64,
}

impl Authority {
    /// The authority of a key (PKCS #8 in DER, P-256). `name` is its common name, which issued
    /// certificates repeat.
    pub fn new(name: impl Into<String>, pkcs8_der: &[u8]) -> Result<Self, EnrolError> {
        let key = KeyPair::try_from(pkcs8_der).map_err(failed)?;
        if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(EnrolError::Authority("expected a P-256 key, found another".into()));
        }
        Ok(Self { name: name.into(), key, end_ms: u64::MAX })
    }

    /// The authority with its certificate (DER), which must be of this key and name.
    pub fn with_certificate(
        name: impl Into<String>,
        pkcs8_der: &[u8],
        certificate_der: &[u8],
    ) -> Result<Self, EnrolError> {
        let authority = Self::new(name, pkcs8_der)?;
        let certificate = Certificate::parse(certificate_der, "the authority's certificate")?;
        let key = PublicKey::P256(authority.key.der_bytes().to_vec());
        if certificate.key != key {
            return Err(EnrolError::Authority("expected its certificate to be of its key".into()));
        }
        Ok(Self { end_ms: certificate.not_after_ms, ..authority })
    }

    /// A new private key, PKCS #8 in DER.
    pub fn new_key() -> Result<zeroize::Zeroizing<Vec<u8>>, EnrolError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        Ok(zeroize::Zeroizing::new(key.serialize_der()))
    }

    /// Its own certificate, DER.
    pub fn certificate(&self, serial: &[u8; 16], when: Days) -> Result<Vec<u8>, EnrolError> {
        let mut parameters = self.parameters();
        dated(&mut parameters, serial, when)?;
        Ok(parameters.self_signed(&self.key).map_err(failed)?.der().to_vec())
    }

    /// The certificate of an activated attestation key.
    pub fn issue(
        &self,
        activated: &Activated,
        identity: &Identity,
        serial: &[u8; 16],
        when: Days,
    ) -> Result<AkCertificate, EnrolError> {
        let mut parameters = CertificateParams::default();
        if when.now_ms >= self.end_ms {
            let problem = format!("its certificate ended at {} ms", self.end_ms);
            return Err(EnrolError::Authority(problem));
        }
        let left_days = (self.end_ms - when.now_ms) / (DAY_SECONDS * 1000);
        let days = when.days.min(u32::try_from(left_days).unwrap_or(u32::MAX));
        let not_after_ms = dated(&mut parameters, serial, Days { days, ..when })?;
        parameters.distinguished_name = named(identity.as_str());
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let purpose = ExtendedKeyUsagePurpose::Other(AK_CERTIFICATE.to_vec());
        parameters.extended_key_usages = vec![purpose];
        parameters.use_authority_key_identifier_extension = true;
        let own = self.parameters();
        let issuer = Issuer::from_params(&own, &self.key);
        let spki = activated.candidate().ak_spki();
        let subject = Subject::of(spki)?;
        if subject.subject_public_key_info() != spki {
            return Err(EnrolError::Authority("the key would be written in another form".into()));
        }
        let certificate = parameters.signed_by(&subject, &issuer).map_err(failed)?;
        let serial = positive(serial).to_vec();
        Ok(AkCertificate { der: certificate.der().to_vec(), serial, not_after_ms })
    }

    fn parameters(&self) -> CertificateParams {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = named(&self.name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters
    }
}

/// The attestation key as rcgen takes keys.
struct Subject {
    key: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl Subject {
    fn of(spki: &[u8]) -> Result<Self, EnrolError> {
        let wrong = |error: String| EnrolError::Authority(format!("attestation key: {error}"));
        let info = SubjectPublicKeyInfoOwned::from_der(spki).map_err(|e| wrong(e.to_string()))?;
        let algorithm = match PublicKey::of(&info).map_err(wrong)? {
            PublicKey::Rsa { .. } => &PKCS_RSA_SHA256,
            PublicKey::P256(_) => &PKCS_ECDSA_P256_SHA256,
            PublicKey::P384(_) => &PKCS_ECDSA_P384_SHA384,
        };
        let key = info.subject_public_key.raw_bytes().to_vec();
        Ok(Self { key, algorithm })
    }
}

impl PublicKeyData for Subject {
    fn der_bytes(&self) -> &[u8] {
        &self.key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Sets serial number and validity; gives its last moment in Unix milliseconds.
fn dated(
    parameters: &mut CertificateParams,
    serial: &[u8; 16],
    when: Days,
) -> Result<u64, EnrolError> {
    let moment = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        OffsetDateTime::from_unix_timestamp(seconds).map_err(failed)
    };
    let now_s = when.now_ms / 1000;
    let end_s = now_s.saturating_add(u64::from(when.days) * DAY_SECONDS);
    parameters.not_before = moment(now_s.saturating_sub(BACKDATED_SECONDS))?;
    parameters.not_after = moment(end_s)?;
    parameters.serial_number = Some(SerialNumber::from_slice(&positive(serial)));
    Ok(end_s.saturating_mul(1000))
}

/// RFC 5280, 4.1.2.2: positive, and not zero whatever the random bytes.
fn positive(serial: &[u8; 16]) -> [u8; 16] {
    let mut serial = *serial;
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

fn failed(error: impl std::fmt::Display) -> EnrolError {
    EnrolError::Authority(error.to_string())
}

/// tcg-kp-AIKCertificate.
const AK_CERTIFICATE: [u64; 5] = [2, 23, 133, 8, 3];
const DAY_SECONDS: u64 = 86_400;
/// A verifier's clock may be somewhat behind.
const BACKDATED_SECONDS: u64 = 300;
/// How long the authority's own certificate is valid.
pub const CA_DAYS: u32 = 3650;
/// Longest time for which an attestation key's certificate is valid, in days.
pub const AK_DAYS_MAX: u32 = 1825;
