//! A certificate as a list of parts, written to DER as they are, right or wrong.

use crate::der;
use crate::keys::Signer;

/// Object identifiers, as content octets.
pub mod oid {
    /// basicConstraints, 2.5.29.19.
    pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
    /// keyUsage, 2.5.29.15.
    pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
    /// subjectKeyIdentifier, 2.5.29.14.
    pub const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
    /// authorityKeyIdentifier, 2.5.29.35.
    pub const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
    /// nameConstraints, 2.5.29.30: nothing here understands it.
    pub const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x1e];
    /// ecdsa-with-SHA384.
    pub const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
    /// ecdsa-with-SHA256.
    pub const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    /// extKeyUsage, 2.5.29.37.
    pub const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
    /// tcg-kp-AIKCertificate, 2.23.133.8.3.
    pub const AK_CERTIFICATE: &[u8] = &[0x67, 0x81, 0x05, 0x08, 0x03];
    /// tcg-kp-EKCertificate, 2.23.133.8.1.
    pub const EK_CERTIFICATE: &[u8] = &[0x67, 0x81, 0x05, 0x08, 0x01];
    /// rsaEncryption.
    pub const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    /// id-ecPublicKey.
    pub const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    /// secp384r1.
    pub const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    /// prime256v1.
    pub const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
}

/// A distinguished name: attribute type (last octet of 2.5.4.x) and value, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub Vec<(u8, String)>);

impl Name {
    /// The name's DER.
    pub fn der(&self) -> Vec<u8> {
        let parts: Vec<Vec<u8>> = self
            .0
            .iter()
            .map(|(kind, value)| {
                // countryName is a PrintableString, everything else UTF-8, as AWS writes them.
                let tag = if *kind == 6 { 0x13 } else { 0x0c };
                let pair = [der::object(&[0x55, 0x04, *kind]), der::tlv(tag, value.as_bytes())];
                der::tlv(0x31, &der::sequence(&pair))
            })
            .collect();
        der::sequence(&parts)
    }
}

/// An extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Content octets of its identifier.
    pub oid: Vec<u8>,
    /// Whether a reader must understand it.
    pub critical: bool,
    /// DER of its value.
    pub value: Vec<u8>,
}

/// All parts of a certificate but its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSpec {
    /// Encoded version: 2 is v3.
    pub version: u8,
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// Algorithm inside the signed part.
    pub inner_algorithm: Vec<u8>,
    /// Algorithm beside the signature.
    pub outer_algorithm: Vec<u8>,
    /// Who issues.
    pub issuer: Name,
    /// Unix seconds.
    pub not_before_s: u64,
    /// Unix seconds.
    pub not_after_s: u64,
    /// Who is meant.
    pub subject: Name,
    /// The key's curve.
    pub curve: Vec<u8>,
    /// The key: a point, or with [`CertificateSpec::rsa`] a modulus.
    pub point: Vec<u8>,
    /// Whether the key is RSA with the exponent 65537.
    pub rsa: bool,
    /// Unused bits that the key's bit string claims.
    pub unused_bits: u8,
    /// In order.
    pub extensions: Vec<Extension>,
    /// Bytes after the certificate.
    pub trailing: Vec<u8>,
    /// Whether another key signs it than its issuer's.
    pub signed_by_stranger: bool,
}

impl CertificateSpec {
    /// Writes and signs, with RFC 6979.
    pub fn sign(&self, issuer: &Signer) -> Vec<u8> {
        let signed = self.to_be_signed();
        let signature = issuer.sign_deterministic(&signed);
        let pair = [der::integer(&signature[..48]), der::integer(&signature[48..])];
        let mut out = der::sequence(&[
            signed,
            der::sequence(&[der::object(&self.outer_algorithm)]),
            der::bit_string(0, &der::sequence(&pair)),
        ]);
        out.extend_from_slice(&self.trailing);
        out
    }

    /// SubjectPublicKeyInfo.
    fn public_key(&self) -> Vec<u8> {
        if self.rsa {
            let key = der::sequence(&[der::integer(&self.point), der::integer(&[1, 0, 1])]);
            let algorithm = der::sequence(&[der::object(oid::RSA_ENCRYPTION), vec![0x05, 0x00]]);
            return der::sequence(&[algorithm, der::bit_string(0, &key)]);
        }
        der::sequence(&[
            der::sequence(&[der::object(oid::EC_PUBLIC_KEY), der::object(&self.curve)]),
            der::bit_string(self.unused_bits, &self.point),
        ])
    }

    fn to_be_signed(&self) -> Vec<u8> {
        let mut parts = vec![
            der::integer(&self.serial),
            der::sequence(&[der::object(&self.inner_algorithm)]),
            self.issuer.der(),
            der::sequence(&[der::utc_time(self.not_before_s), der::utc_time(self.not_after_s)]),
            self.subject.der(),
            self.public_key(),
        ];
        // Version 1 is the default: DER leaves it out.
        if self.version > 0 {
            parts.insert(0, der::tlv(0xa0, &der::integer(&[self.version])));
        }
        if !self.extensions.is_empty() {
            let all: Vec<Vec<u8>> = self.extensions.iter().map(Extension::der).collect();
            parts.push(der::tlv(0xa3, &der::sequence(&all)));
        }
        der::sequence(&parts)
    }
}

impl Extension {
    fn der(&self) -> Vec<u8> {
        let mut parts = vec![der::object(&self.oid)];
        if self.critical {
            parts.push(der::boolean_true());
        }
        parts.push(der::octet_string(&self.value));
        der::sequence(&parts)
    }

    /// basicConstraints, critical.
    pub fn basic_constraints(authority: bool, path_length: Option<u8>) -> Self {
        let mut parts = Vec::new();
        if authority {
            parts.push(der::boolean_true());
        }
        parts.extend(path_length.map(|length| der::integer(&[length])));
        let (oid, value) = (oid::BASIC_CONSTRAINTS.to_vec(), der::sequence(&parts));
        Self { oid, critical: true, value }
    }

    /// keyUsage from its first octet, bit 0 being 0x80: 0x80 digitalSignature, 0x40
    /// nonRepudiation, 0x04 keyCertSign, 0x02 cRLSign.
    pub fn key_usage(critical: bool, bits: u8) -> Self {
        let value = der::bit_string(bits.trailing_zeros() as u8 & 7, &[bits]);
        Self { oid: oid::KEY_USAGE.to_vec(), critical, value }
    }

    /// extKeyUsage with one purpose.
    pub fn ext_key_usage(purpose: &[u8]) -> Self {
        let value = der::sequence(&[der::object(purpose)]);
        Self { oid: oid::EXT_KEY_USAGE.to_vec(), critical: false, value }
    }

    /// subjectKeyIdentifier.
    pub fn subject_key_id(id: &[u8]) -> Self {
        let (oid, value) = (oid::SUBJECT_KEY_ID.to_vec(), der::octet_string(id));
        Self { oid, critical: false, value }
    }

    /// authorityKeyIdentifier.
    pub fn authority_key_id(id: &[u8]) -> Self {
        let (oid, value) = (oid::AUTHORITY_KEY_ID.to_vec(), der::sequence(&[der::tlv(0x80, id)]));
        Self { oid, critical: false, value }
    }
}
