//! Signed images: what is signed, what PCR8 is, and every way in which a signature is not one.

use crate::vectors::file;
use crate::*;
use cbor::Writer;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
};
use sha2::{Digest, Sha384};
use x509_cert::der::Document;

fn signed() -> Image {
    eif::sign(&small(), &file("certificate.pem"), &file("key.pem")).expect("signed")
}

fn der(name: &str) -> Vec<u8> {
    let text = String::from_utf8(file(name)).expect("text");
    Document::from_pem(&text).expect("PEM").1.into_vec()
}

/// A section of our own making: any certificate, headers, payload and key.
struct Forged {
    pem: Vec<u8>,
    protected: Vec<u8>,
    payload: Vec<u8>,
    key: &'static str,
}

fn numbers(w: &mut Writer, bytes: &[u8]) {
    w.array(bytes.len());
    for byte in bytes {
        w.uint(u64::from(*byte));
    }
}

fn payload(index: u64, value: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2).text("register_index").uint(index).text("register_value");
    numbers(&mut w, value);
    w.finish()
}

impl Forged {
    fn good() -> Self {
        Self {
            pem: file("certificate.pem"),
            protected: vec![0xa1, 0x01, 0x38, 0x22],
            payload: payload(0, &small().measurements().pcr0),
            key: "key-pkcs8.pem",
        }
    }

    fn cose(&self) -> Vec<u8> {
        let algorithm = match self.key {
            "key-p256.pem" => &ECDSA_P256_SHA256_FIXED_SIGNING,
            _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
        };
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, &der(self.key), &random).expect("key");
        let mut w = Writer::new();
        w.array(4).text("Signature1").bytes(&self.protected).bytes(&[]).bytes(&self.payload);
        let value = key.sign(&random, &w.finish()).expect("signature");
        let mut w = Writer::new();
        w.array(4).bytes(&self.protected).map(0).bytes(&self.payload).bytes(value.as_ref());
        w.finish()
    }

    fn section(&self) -> Vec<u8> {
        section(&self.pem, &self.cose())
    }
}

fn section(pem: &[u8], cose: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(1).map(2).text("signing_certificate");
    numbers(&mut w, pem);
    w.text("signature");
    numbers(&mut w, cose);
    w.finish()
}

/// The check that refuses the small image with this section, or 0.
fn verdict(section: Vec<u8>) -> u8 {
    let image = small();
    let disks = &image.ramdisks;
    let laid = laid_out(&[
        (KERNEL, &image.kernel),
        (CMDLINE, image.cmdline.as_bytes()),
        (METADATA, &image.metadata),
        (RAMDISK, &disks[0]),
        (RAMDISK, &disks[1]),
        (RAMDISK, &disks[2]),
        (SIGNATURE, &section),
    ]);
    if eif::read(&laid).is_ok() { 0 } else { refused(&laid) }
}

#[test]
fn a_signed_image_has_the_same_registers_and_pcr8() {
    let image = signed();
    let bytes = image.to_bytes().expect("written");
    assert_eq!(eif::read(&bytes).expect("read"), image);
    let (plain, measured) = (small().measurements(), image.measurements());
    assert_eq!((plain.pcr0, plain.pcr1, plain.pcr2), (measured.pcr0, measured.pcr1, measured.pcr2));
    let mut extend = vec![0; 48];
    extend.extend(Sha384::digest(der("certificate.pem")));
    let expected: [u8; 48] = Sha384::digest(extend).into();
    assert_eq!(measured.pcr8, Some(expected));
    let description = eif::describe(&bytes);
    let certificate = description.certificate.as_ref().expect("certificate");
    assert_eq!(certificate.subject, "CN=probity eif test\\, published key");
    assert!(certificate.not_before_s < certificate.not_after_s);
    assert!(description.to_string().contains("PCR8"));
    assert_eq!(description.to_json()["measurements"]["pcr8"], crypto::to_hex(&expected));
}

#[test]
fn both_forms_of_key_file_sign_and_signing_again_replaces() {
    let (certificate, pkcs8) = (file("certificate.pem"), file("key-pkcs8.pem"));
    let first = signed();
    let again = eif::sign(&first, &certificate, &pkcs8).expect("signed again");
    assert_eq!(again.measurements(), first.measurements());
    assert_ne!(again.signature, first.signature, "ECDSA with fresh randomness");
    assert!(eif::read(&again.to_bytes().expect("written")).is_ok());
    // openssl writes the curve in a block of its own before the key.
    let mut with_parameters =
        b"-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n".to_vec();
    with_parameters.extend(file("key.pem"));
    assert!(eif::sign(&small(), &certificate, &with_parameters).is_ok());
}

#[test]
fn a_signature_of_our_own_making_is_accepted_when_it_is_right() {
    assert_eq!(verdict(Forged::good().section()), 0);
    let p256 = Forged {
        pem: file("certificate-p256.pem"),
        protected: vec![0xa1, 0x01, 0x26],
        key: "key-p256.pem",
        ..Forged::good()
    };
    assert_eq!(verdict(p256.section()), 0);
    // AWS's tools read the first certificate of the file and skip text around it.
    let mut pem = b"comment\n".to_vec();
    pem.extend(file("certificate.pem"));
    pem.extend(file("certificate-p256.pem"));
    assert_eq!(verdict(Forged { pem, ..Forged::good() }.section()), 0);
}

#[test]
fn a_signature_over_something_else_is_refused() {
    let pcr0 = small().measurements().pcr0;
    let with_payload = |payload| verdict(Forged { payload, ..Forged::good() }.section());
    assert_eq!(with_payload(payload(0, &[0; 48])), 16);
    assert_eq!(with_payload(payload(1, &pcr0)), 16);
    assert_eq!(with_payload(payload(0, &pcr0[..47])), 16);
    let mut trailing = payload(0, &pcr0);
    trailing.push(0);
    assert_eq!(with_payload(trailing), 16);
    assert_eq!(with_payload(Vec::new()), 16);
}

#[test]
fn a_signature_by_another_key_or_algorithm_is_refused() {
    let other = Forged { pem: file("certificate-p256.pem"), ..Forged::good() };
    assert_eq!(verdict(other.section()), 16);
    let protected: [&[u8]; 5] = [
        &[0xa1, 0x01, 0x26],
        &[],
        &[0xa0],
        &[0xa2, 0x01, 0x38, 0x22, 0x04, 0x40],
        &[0xa1, 0x01, 0x39, 0x00, 0x22],
    ];
    for protected in protected {
        let forged = Forged { protected: protected.to_vec(), ..Forged::good() };
        assert_eq!(verdict(forged.section()), 16, "{protected:02x?}");
    }
    let mut cose = Forged::good().cose();
    *cose.last_mut().expect("a byte") ^= 1;
    assert_eq!(verdict(section(&file("certificate.pem"), &cose)), 16);
}

#[test]
fn every_other_form_is_refused() {
    let (pem, cose) = (file("certificate.pem"), Forged::good().cose());
    let refused = |section: Vec<u8>| assert_eq!(verdict(section), 15);
    let good = section(&pem, &cose);
    for length in 1..good.len() {
        refused(good[..length].to_vec());
    }
    refused([good.as_slice(), &[0]].concat());
    refused([&[0x82], &good[1..], &good[1..]].concat());
    refused([&[0x9f], &good[1..], &[0xff]].concat());
    refused(section(&pem, &[&[0xd2], cose.as_slice()].concat()));
    refused(section(&pem, &[cose.as_slice(), &[0]].concat()));
    refused(section(&pem, &[&[0x83], &cose[1..]].concat()));
    refused(section(&pem, &[0; 1025]));
    refused(section(&[b'x'; (16 << 10) + 1], &cose));
    refused(section(b"no certificate", &cose));
    refused(section(&[0xff, 0xfe], &cose));
    refused(section(&file("key.pem"), &cose));
    refused(section(&pem[..pem.len() - 40], &cose));
    // An unprotected header.
    let at = 1 + 5;
    assert_eq!(cose[at], 0xa0);
    refused(section(&pem, &[&cose[..at], &[0xa1, 0x01, 0x26], &cose[at + 1..]].concat()));
    // Byte strings, a number above 255, keys the other way round, another key.
    let mut w = Writer::new();
    w.array(1).map(2).text("signing_certificate").bytes(&pem).text("signature").bytes(&cose);
    refused(w.finish());
    let mut w = Writer::new();
    w.array(1).map(2).text("signing_certificate").array(1).uint(256).text("signature").array(0);
    refused(w.finish());
    let mut w = Writer::new();
    w.array(1).map(2).text("signature");
    numbers(&mut w, &cose);
    w.text("signing_certificate");
    numbers(&mut w, &pem);
    refused(w.finish());
}

#[test]
fn keys_and_certificates_that_cannot_sign_are_refused_with_advice() {
    let refused = |certificate: &[u8], key: &[u8]| match eif::sign(&small(), certificate, key) {
        Err(EifError::Key { file, found, advice, .. }) => {
            assert!(!advice.is_empty());
            (file, found)
        }
        other => panic!("expected a refusal, found {other:?}"),
    };
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    assert_eq!(refused(&file("certificate-p256.pem"), &key).0, "certificate");
    assert_eq!(refused(b"", &key).0, "certificate");
    assert_eq!(refused(&key, &key).0, "certificate");
    assert_eq!(refused(&certificate, b"").0, "private key");
    assert_eq!(refused(&certificate, &certificate).0, "private key");
    assert_eq!(refused(&certificate, &file("key-p256.pem")).0, "private key");
    assert_eq!(refused(&certificate, &[b' '; (16 << 10) + 1]).0, "private key");
    let random = SystemRandom::new();
    let other = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random);
    let other = other.expect("another key");
    let pem = x509_cert::der::pem::encode_string(
        "PRIVATE KEY",
        x509_cert::der::pem::LineEnding::LF,
        other.as_ref(),
    );
    let found = refused(&certificate, pem.expect("PEM").as_bytes());
    assert_eq!(found, ("private key", "another key".into()));
}

#[test]
fn a_section_that_cannot_be_read_gives_no_pcr8() {
    let mut image = signed();
    image.signature = Some(b"junk".to_vec());
    assert_eq!(image.measurements().pcr8, None);
}
