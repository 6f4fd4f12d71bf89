//! The forge: a good document with declared faults. Each fault is applied **before** the part
//! above it is signed, so that a hostile document is wrong in one place and right elsewhere.

use crate::certificate::{CertificateSpec, Extension, Name};
use crate::der;
use crate::document::{DocumentSpec, PROTECTED, bytes_item, map_bytes, signed_bytes, text_item};
use crate::keys::{is_high, twin};
use crate::pki::{ChainSpec, LeafChain, Level, TestPki};
use cbor::Writer;

/// One fault (or variation) of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tamper {
    /// A tag before the envelope.
    Tag(u64),
    /// Other bytes in place of the head of the array of four.
    EnvelopeHead(Vec<u8>),
    /// Bytes after the envelope.
    EnvelopeTrailing(Vec<u8>),
    /// Other content of the protected header; the signature covers it.
    Protected(Vec<u8>),
    /// Another item in place of the protected header.
    ProtectedItem(Vec<u8>),
    /// Another item in place of the unprotected header.
    UnprotectedItem(Vec<u8>),
    /// Another item in place of the payload.
    PayloadItem(Vec<u8>),
    /// The payload in two chunks of an indefinite byte string.
    PayloadChunked,
    /// Another item in place of the signature.
    SignatureItem(Vec<u8>),
    /// The signature as DER.
    SignatureDer,
    /// Another r.
    SignatureR([u8; 48]),
    /// Another s.
    SignatureS([u8; 48]),
    /// The one of the two signatures whose s is above n/2 (`true`) or below it.
    SignatureHigh(bool),
    /// One byte of the payload changed after signing.
    PayloadAltered(usize),
    /// Signed by a key that no certificate names.
    SignedByStranger,
    /// The payload's map in definite form.
    Definite,
    /// Another encoded value for a field; appends the field where it is unknown.
    Field(&'static str, Vec<u8>),
    /// A field left out.
    RemoveField(&'static str),
    /// A field written a second time, at the end.
    RepeatField(&'static str),
    /// An encoded key and value at the end of the payload's map.
    RawEntry(Vec<u8>, Vec<u8>),
    /// A field under another name.
    RenameField(&'static str, &'static str),
    /// Bytes after the payload's map; the signature covers them.
    PayloadTrailing(Vec<u8>),
    /// Another payload altogether; the signature covers it.
    PayloadWhole(Vec<u8>),
    /// A fault in a certificate.
    Certificate(Level, CertTamper),
    /// Two entries of the cabundle exchanged.
    SwapBundle(usize, usize),
    /// An entry of the cabundle replaced.
    ReplaceBundle(usize, Vec<u8>),
    /// The cabundle cut or repeated to this length.
    BundleLength(usize),
    /// The leaf issues another leaf: it moves into the cabundle, and what it issued signs.
    LeafIssues,
}

/// One fault of a certificate, applied before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertTamper {
    /// Encoded version; 2 is v3.
    Version(u8),
    /// Algorithm in the signed part.
    InnerAlgorithm(Vec<u8>),
    /// Algorithm beside the signature.
    OuterAlgorithm(Vec<u8>),
    /// The key's curve.
    Curve(Vec<u8>),
    /// The key.
    Point(Vec<u8>),
    /// The key's last byte changed: a point off the curve.
    PointOffCurve,
    /// Unused bits claimed for the key.
    UnusedBits(u8),
    /// Unix seconds.
    NotBefore(u64),
    /// Unix seconds.
    NotAfter(u64),
    /// Another issuer.
    Issuer(Name),
    /// An extension left out.
    Remove(Vec<u8>),
    /// An extension in place of the one with its identifier, or added.
    Set(Extension),
    /// An extension added at the end, whether or not it is there already.
    Append(Extension),
    /// Bytes after the certificate.
    Trailing(Vec<u8>),
    /// Signed by a key that is not its issuer's.
    SignedByStranger,
}

/// Makes the document of `now_ms` with these faults. The good document has the user_data
/// `binding`, the nonce `challenge` and the public_key `key`.
pub fn forge(pki: &TestPki, tampers: &[Tamper], now_ms: u64) -> Vec<u8> {
    forge_with_root(pki, tampers, now_ms).0
}

/// As [`forge`], with the root that the document leads to: a fault in the root makes another.
pub(crate) fn forge_with_root(
    pki: &TestPki,
    tampers: &[Tamper],
    now_ms: u64,
) -> (Vec<u8>, Vec<u8>) {
    let mut spec = pki.chain_spec(now_ms);
    for tamper in tampers {
        if let Tamper::Certificate(level, fault) = tamper {
            fault.apply(&mut spec.certificates[*level as usize]);
        }
    }
    let root = spec.certificates[0].sign(&spec.signers[0]);
    let mut chain = sign_chain(spec, &root, tampers.contains(&Tamper::LeafIssues), pki, now_ms);
    for tamper in tampers {
        change_bundle(tamper, &mut chain.cabundle);
    }
    let mut document = DocumentSpec::new(&chain, now_ms);
    document.user_data = Some(b"binding".to_vec());
    document.nonce = Some(b"challenge".to_vec());
    document.public_key = Some(b"key".to_vec());
    document.indefinite = !tampers.contains(&Tamper::Definite);
    let payload = payload(&document, &chain, tampers);
    (envelope(pki, &chain, payload, tampers), root)
}

fn sign_chain(
    spec: ChainSpec,
    root: &[u8],
    leaf_issues: bool,
    pki: &TestPki,
    now_ms: u64,
) -> LeafChain {
    if !leaf_issues {
        return spec.sign(root);
    }
    let next = pki.chain_spec(now_ms + 1000);
    let [_, _, _, _, mut below] = next.certificates;
    below.issuer = spec.certificates[4].subject.clone();
    let chain = spec.sign(root);
    let [_, _, _, _, signer] = next.signers;
    LeafChain {
        certificate: below.sign(&chain.signer),
        cabundle: [chain.cabundle, vec![chain.certificate]].concat(),
        signer,
        ..chain
    }
}

fn change_bundle(tamper: &Tamper, bundle: &mut Vec<Vec<u8>>) {
    match tamper {
        Tamper::SwapBundle(a, b) => bundle.swap(*a, *b),
        Tamper::ReplaceBundle(index, der) => bundle[*index] = der.clone(),
        Tamper::BundleLength(length) => {
            let last = bundle[bundle.len() - 1].clone();
            bundle.resize(*length, last);
        }
        _ => {}
    }
}

fn payload(document: &DocumentSpec, chain: &LeafChain, tampers: &[Tamper]) -> Vec<u8> {
    let mut fields = document.fields(chain);
    for tamper in tampers {
        change_fields(tamper, &mut fields);
    }
    let mut payload = map_bytes(&fields, document.indefinite);
    for tamper in tampers {
        match tamper {
            Tamper::PayloadTrailing(bytes) => payload.extend_from_slice(bytes),
            Tamper::PayloadWhole(bytes) => payload.clone_from(bytes),
            _ => {}
        }
    }
    payload
}

fn change_fields(tamper: &Tamper, fields: &mut Vec<(Vec<u8>, Vec<u8>)>) {
    match tamper {
        Tamper::Field(name, value) => {
            let key = text_item(name);
            match fields.iter_mut().find(|(one, _)| *one == key) {
                Some(field) => field.1.clone_from(value),
                None => fields.push((key, value.clone())),
            }
        }
        Tamper::RemoveField(name) => fields.retain(|(key, _)| *key != text_item(name)),
        Tamper::RepeatField(name) => {
            let again = fields.iter().find(|(key, _)| *key == text_item(name)).cloned();
            fields.extend(again);
        }
        Tamper::RawEntry(key, value) => fields.push((key.clone(), value.clone())),
        Tamper::RenameField(from, to) => {
            for field in fields.iter_mut().filter(|(key, _)| *key == text_item(from)) {
                field.0 = text_item(to);
            }
        }
        _ => {}
    }
}

/// The five items of the envelope, each already encoded.
struct Items {
    tag: Option<u64>,
    head: Vec<u8>,
    protected: Vec<u8>,
    unprotected: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    trailing: Vec<u8>,
}

fn envelope(pki: &TestPki, chain: &LeafChain, payload: Vec<u8>, tampers: &[Tamper]) -> Vec<u8> {
    let protected = tampers.iter().find_map(|tamper| match tamper {
        Tamper::Protected(bytes) => Some(bytes.clone()),
        _ => None,
    });
    let protected = protected.unwrap_or(PROTECTED.to_vec());
    let message = signed_bytes(&protected, &payload);
    let signature = if tampers.contains(&Tamper::SignedByStranger) {
        pki.chain_spec(1).stranger.sign_deterministic(&message)
    } else {
        chain.signer.sign_deterministic(&message)
    };
    let mut items = Items {
        tag: None,
        head: vec![0x84],
        protected: bytes_item(&protected),
        unprotected: vec![0xa0],
        payload: bytes_item(&payload),
        signature: bytes_item(&signature),
        trailing: Vec::new(),
    };
    for tamper in tampers {
        items.change(tamper, &payload, &signature);
    }
    items.write()
}

impl Items {
    fn change(&mut self, tamper: &Tamper, payload: &[u8], signature: &[u8; 96]) {
        let (r, s) = signature.split_at(48);
        match tamper {
            Tamper::Tag(tag) => self.tag = Some(*tag),
            Tamper::EnvelopeHead(head) => self.head.clone_from(head),
            Tamper::EnvelopeTrailing(bytes) => self.trailing.clone_from(bytes),
            Tamper::ProtectedItem(item) => self.protected.clone_from(item),
            Tamper::UnprotectedItem(item) => self.unprotected.clone_from(item),
            Tamper::PayloadItem(item) => self.payload.clone_from(item),
            Tamper::PayloadChunked => {
                let (first, second) = payload.split_at(payload.len() / 2);
                self.payload =
                    [&[0x5f][..], &bytes_item(first), &bytes_item(second), &[0xff]].concat();
            }
            Tamper::PayloadAltered(at) => {
                let mut altered = payload.to_vec();
                altered[*at] ^= 1;
                self.payload = bytes_item(&altered);
            }
            Tamper::SignatureItem(item) => self.signature.clone_from(item),
            Tamper::SignatureDer => {
                let pair = der::sequence(&[der::integer(r), der::integer(s)]);
                self.signature = bytes_item(&pair);
            }
            Tamper::SignatureR(r) => self.signature = bytes_item(&[&r[..], s].concat()),
            Tamper::SignatureS(s) => self.signature = bytes_item(&[r, &s[..]].concat()),
            Tamper::SignatureHigh(high) if is_high(signature) != *high => {
                self.signature = bytes_item(&twin(signature));
            }
            _ => {}
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        if let Some(tag) = self.tag {
            writer.tag(tag);
        }
        let items = [&self.head, &self.protected, &self.unprotected, &self.payload];
        for item in items.into_iter().chain([&self.signature, &self.trailing]) {
            writer.raw(item);
        }
        writer.finish()
    }
}

impl CertTamper {
    fn apply(&self, spec: &mut CertificateSpec) {
        match self {
            CertTamper::Version(version) => spec.version = *version,
            CertTamper::InnerAlgorithm(oid) => spec.inner_algorithm.clone_from(oid),
            CertTamper::OuterAlgorithm(oid) => spec.outer_algorithm.clone_from(oid),
            CertTamper::Curve(oid) => spec.curve.clone_from(oid),
            CertTamper::Point(point) => spec.point.clone_from(point),
            CertTamper::PointOffCurve => spec.point[96] ^= 1,
            CertTamper::UnusedBits(bits) => spec.unused_bits = *bits,
            CertTamper::NotBefore(time_s) => spec.not_before_s = *time_s,
            CertTamper::NotAfter(time_s) => spec.not_after_s = *time_s,
            CertTamper::Issuer(name) => spec.issuer.clone_from(name),
            CertTamper::Remove(oid) => spec.extensions.retain(|one| one.oid != *oid),
            CertTamper::Set(extension) => {
                match spec.extensions.iter_mut().find(|one| one.oid == extension.oid) {
                    Some(one) => one.clone_from(extension),
                    None => spec.extensions.push(extension.clone()),
                }
            }
            CertTamper::Append(extension) => spec.extensions.push(extension.clone()),
            CertTamper::Trailing(bytes) => spec.trailing.clone_from(bytes),
            CertTamper::SignedByStranger => spec.signed_by_stranger = true,
        }
    }
}
