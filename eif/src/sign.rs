//! Signing: a P-384 key and a certificate from PEM files, and a section over PCR0. The key never
//! leaves this module, and what was signed is verified before it is returned.

use crate::KEY_PEM_BYTES_MAX;
use crate::error::EifError;
use crate::image::Image;
use crate::pem::first_block;
use crate::signature::{self, Certificate, ES384, Signature};
use cbor::Writer;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

/// PKCS#8 around an ECPrivateKey (RFC 5915) of P-384: version, algorithm, octet string. The two
/// lengths that depend on the key are filled in.
const PKCS8_ALGORITHM: [u8; 21] = [
    0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
    0x2b, 0x81, 0x04, 0x00, 0x22,
];

/// The image with a signature section by this key in the place of any it had. The certificate is
/// stored as it was given. ECDSA takes randomness, so the section differs each time; PCR0 to 2 and
/// PCR8 do not.
pub fn sign(image: &Image, certificate_pem: &[u8], key_pem: &[u8]) -> Result<Image, EifError> {
    let certificate = certificate(certificate_pem)?;
    let random = SystemRandom::new();
    let key = private_key(key_pem, &random)?;
    if key.public_key().as_ref() != certificate.point {
        return Err(EifError::Key {
            file: "private key",
            expected: "the key of the certificate",
            found: "another key".into(),
            advice: "give the two files that belong together",
        });
    }
    let pcr0 = image.measurements().pcr0;
    let (protected, payload) = (signature::protected(ES384), signature::payload(&pcr0));
    let signed = crypto::cose::sign1_structure(&protected, &payload);
    let value = key.sign(&random, &signed).map_err(|_| EifError::Key {
        file: "private key",
        expected: "a signature",
        found: "none: the system gave no randomness".into(),
        advice: "try again",
    })?;
    let mut w = Writer::new();
    w.array(4).bytes(&protected).map(0).bytes(&payload).bytes(value.as_ref());
    let section = signature::section(certificate_pem, &w.finish());
    Signature::parse(&section)?.verify(&pcr0)?;
    Ok(Image { signature: Some(section), ..image.clone() })
}

fn certificate(pem: &[u8]) -> Result<Certificate, EifError> {
    let refuse = |found| EifError::Key {
        file: "certificate",
        expected: "a PEM certificate of a P-384 key",
        found,
        advice: "make one: openssl req -x509 -new -key key.pem -sha384 -days 365 -out cert.pem",
    };
    let certificate = Certificate::from_pem(pem).map_err(refuse)?;
    if certificate.algorithm != ES384 {
        return Err(refuse("a P-256 key".into()));
    }
    Ok(certificate)
}

fn private_key(pem: &[u8], random: &SystemRandom) -> Result<EcdsaKeyPair, EifError> {
    let refuse = |found: String| EifError::Key {
        file: "private key",
        expected: "an unencrypted P-384 key in PEM",
        found,
        advice: "make one: openssl ecparam -name secp384r1 -genkey -noout -out key.pem",
    };
    if pem.len() > KEY_PEM_BYTES_MAX {
        return Err(refuse(format!("{} bytes", pem.len())));
    }
    let pkcs8 = match first_block(pem, "PRIVATE KEY") {
        Ok(der) => der,
        Err(_) => pkcs8(&first_block(pem, "EC PRIVATE KEY").map_err(refuse)?),
    };
    EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &pkcs8, random)
        .map_err(|rejected| refuse(format!("a key that is refused: {rejected}")))
}

/// Wraps what `openssl ecparam -genkey` writes into what ring reads.
fn pkcs8(key: &[u8]) -> Vec<u8> {
    let octets = tagged(0x04, key);
    tagged(0x30, &[&PKCS8_ALGORITHM, octets.as_slice()].concat())
}

/// A DER element (X.690 §8.1.3): tag, length, content.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut element = vec![tag];
    match content.len() {
        0..=0x7f => element.push(content.len() as u8),
        _ => {
            element.push(0x80 | digits.len() as u8);
            element.extend_from_slice(digits);
        }
    }
    element.extend_from_slice(content);
    element
}
