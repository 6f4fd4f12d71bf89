//! Receipts of CCF ledgers (draft-ietf-scitt-receipts-ccf-profile-01, vds 2) and the transparent
//! statements that carry them. What is verified: that the ledger's service key signed a root under
//! which this very statement stands. The statement's own signature, its issuer and what the
//! ledger's operator attests are not looked at, and nothing here may suggest that they were.

use super::read::{self, Labels};
use super::{LABEL_RECEIPTS, Proofs, RECEIPT_BYTES_MAX, Receipt, ReceiptKey};
use crate::ReceiptError;
use cbor::{CborError, Reader, Writer};
use crypto::cose::TAG_SIGN1;
use sha2::{Digest as _, Sha256};
use tlog::{Hash, PATH_NODES_MAX};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::spki::SubjectPublicKeyInfoOwned as PublicKeyInfo;

/// A leaf of a ledger and the way up from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CcfProof {
    transaction_hash: Hash,
    evidence: String,
    data_hash: Hash,
    /// Whether the sibling stands on the left, and its hash; lowest first.
    path: Vec<(bool, Hash)>,
}

impl CcfProof {
    /// `{1: [transaction hash, evidence, data hash], 2: [[left, hash]…]}`.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map_of("CCF inclusion proof", 2)?;
        r.key(1)?;
        r.array_of("CCF leaf", 3)?;
        let transaction_hash = r.array_bytes("internal transaction hash")?;
        let at = r.position();
        let evidence = r.text_max("internal evidence", EVIDENCE_BYTES_MAX)?.to_owned();
        if evidence.is_empty() {
            let (what, expected) = ("internal evidence", "a text");
            return Err(CborError::Range { at, what, expected, found: 0 });
        }
        let data_hash = r.array_bytes("data hash")?;
        r.key(2)?;
        let at = r.position();
        let path = r.entries("path", PATH_NODES_MAX, |r| {
            r.array_of("path node", 2)?;
            Ok((r.bool()?, r.array_bytes("path node")?))
        })?;
        if path.is_empty() {
            return Err(CborError::Range { at, what: "path", expected: "a node", found: 0 });
        }
        Ok(Self { transaction_hash, evidence, data_hash, path })
    }

    /// The root: nodes are hashed without a prefix, unlike RFC 9162's.
    fn root(&self) -> Hash {
        let evidence: Hash = Sha256::digest(self.evidence.as_bytes()).into();
        let leaf = hash(&[&self.transaction_hash, &evidence, &self.data_hash]);
        self.path.iter().fold(leaf, |below, (left, sibling)| match left {
            true => hash(&[sibling, &below]),
            false => hash(&[&below, sibling]),
        })
    }
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The key of a ledger's service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceKey {
    id: Hash,
    key: ReceiptKey,
}

impl ServiceKey {
    /// The key in a service certificate (DER). The certificate is only its envelope: the caller
    /// trusts the key, so neither dates nor signature of the certificate are looked at.
    pub fn from_certificate(der: &[u8]) -> Result<Self, ReceiptError> {
        let wrong = |problem| ReceiptError::ServiceKey { problem };
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(wrong("expected a certificate of at most 8,192 bytes"));
        }
        let certificate = Certificate::from_der(der);
        let certificate =
            certificate.map_err(|_| wrong("expected one X.509 certificate in DER"))?;
        let info = certificate.tbs_certificate().subject_public_key_info();
        Self::new(info)
    }

    /// The key as it is published without a certificate: a SubjectPublicKeyInfo (DER).
    pub fn from_public_key_info(der: &[u8]) -> Result<Self, ReceiptError> {
        let info = (der.len() <= CERTIFICATE_BYTES_MAX).then(|| PublicKeyInfo::from_der(der).ok());
        let problem = "expected one SubjectPublicKeyInfo in DER";
        Self::new(&info.flatten().ok_or(ReceiptError::ServiceKey { problem })?)
    }

    fn new(info: &PublicKeyInfo) -> Result<Self, ReceiptError> {
        let wrong = |problem| ReceiptError::ServiceKey { problem };
        let bytes = info.to_der().map_err(|_| wrong("its public key cannot be encoded"))?;
        let point = info.subject_public_key.as_bytes();
        let point = point.ok_or(wrong("its public key is not whole bytes"))?;
        let key = ReceiptKey::from_point(point)?;
        // Other curves have points of the same lengths: the name counts, and both have to agree.
        let parameters = info.algorithm.parameters.as_ref();
        let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
        let named = match key {
            ReceiptKey::P256(_) => curve == Some(SECP256R1),
            ReceiptKey::P384(_) => curve == Some(SECP384R1),
            ReceiptKey::Ed25519(_) => false,
        };
        if info.algorithm.oid != EC_PUBLIC_KEY || !named {
            return Err(wrong("expected id-ecPublicKey with the curve of its point"));
        }
        Ok(Self { id: Sha256::digest(&bytes).into(), key })
    }

    /// SHA-256 of the SubjectPublicKeyInfo: what a receipt's `kid` holds in hexadecimal.
    pub fn id(&self) -> &Hash {
        &self.id
    }
}

/// A statement with its receipts: nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransparentStatement {
    /// The statement without its unprotected header: what the ledger took in.
    pub(super) bare: Vec<u8>,
    pub(super) receipts: Vec<Receipt>,
}

/// The ledger of a service key holds this statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCcfReceipt {
    data_hash: Hash,
    root: Hash,
    service: Hash,
    evidence: String,
}

impl VerifiedCcfReceipt {
    /// SHA-256 of the statement without its unprotected header.
    pub fn data_hash(&self) -> &Hash {
        &self.data_hash
    }

    /// The ledger's root, which the service key signed.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// [`ServiceKey::id`] of the key.
    pub fn service(&self) -> &Hash {
        &self.service
    }

    /// The ledger's commit evidence; it is under the root and says `ce:` and a transaction number.
    pub fn evidence(&self) -> &str {
        &self.evidence
    }
}

impl TransparentStatement {
    /// Reads a COSE_Sign1, tagged 18, with `{394: [receipt…]}` among its unprotected labels. Other
    /// unprotected labels are passed over: the ledger did not take them in either. The protected
    /// header has to be a map with each label once; what it says is not used.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let mut r = read::sign1(bytes, STATEMENT_BYTES_MAX)?;
        let protected = r.bytes()?;
        read::check_header(protected)?;
        let mut receipts = None;
        let (mut labels, mut map) = (Labels::default(), r.map()?);
        while r.more(&mut map)? {
            match labels.next(&mut r)? {
                Some(label) if label == LABEL_RECEIPTS as i64 => {
                    let read = |r: &mut Reader<'_>| {
                        Ok(r.bytes_max("receipt", RECEIPT_BYTES_MAX)?.to_vec())
                    };
                    receipts = Some(r.entries("receipts", RECEIPTS_MAX, read)?);
                }
                _ => {
                    r.raw()?;
                }
            }
        }
        let (payload, signature) = (r.bytes()?, r.bytes()?);
        r.end()?;
        let receipts = receipts.ok_or(ReceiptError::Absent { expected: "receipts, label 394" })?;
        let receipts =
            receipts.iter().map(|receipt| Receipt::parse(receipt)).collect::<Result<_, _>>()?;
        let mut w = Writer::with_capacity(bytes.len());
        w.tag(TAG_SIGN1).array(4).bytes(protected).map(0).bytes(payload).bytes(signature);
        Ok(Self { bare: w.finish(), receipts })
    }

    /// Accepts if one of the receipts is for this statement and by one of the keys.
    pub fn verify(&self, keys: &[ServiceKey]) -> Result<VerifiedCcfReceipt, ReceiptError> {
        let claims = Sha256::digest(&self.bare).into();
        self.first(|receipt| receipt.verify_ccf(&claims, keys))
    }

    /// The first receipt that holds, or what was wrong with the first.
    pub(super) fn first<T>(
        &self,
        verify: impl Fn(&Receipt) -> Result<T, ReceiptError>,
    ) -> Result<T, ReceiptError> {
        let mut refusal = None;
        for receipt in &self.receipts {
            match verify(receipt) {
                Ok(verified) => return Ok(verified),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or(ReceiptError::Absent { expected: "a receipt" }))
    }
}

impl Receipt {
    /// Accepts if the key that the receipt names is among `keys` and signed a root under which
    /// `data_hash` stands.
    pub fn verify_ccf(
        &self,
        data_hash: &Hash,
        keys: &[ServiceKey],
    ) -> Result<VerifiedCcfReceipt, ReceiptError> {
        let Proofs::Ccf(proofs) = &self.proofs else {
            return Err(ReceiptError::Absent { expected: "an inclusion proof of vds 2" });
        };
        let kid = self.header.kid.as_deref().unwrap_or_default();
        let key = keys.iter().find(|key| crypto::to_hex(&key.id).as_bytes() == kid);
        let key = key.ok_or_else(|| {
            ReceiptError::header("kid", "one of the given service keys", crypto::to_hex(kid))
        })?;
        self.first(proofs, |proof| {
            if proof.data_hash != *data_hash {
                let (expected, found) = (*data_hash, proof.data_hash);
                return Err(ReceiptError::Data { expected, found });
            }
            let root = proof.root();
            self.verify_root(&root, &key.key)?;
            let (service, evidence) = (key.id, proof.evidence.clone());
            Ok(VerifiedCcfReceipt { data_hash: *data_hash, root, service, evidence })
        })
    }
}

/// Names of keys and curves (RFC 5480 section 2.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// Largest transparent statement that is read, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 1 << 20;
/// Most receipts of a statement.
pub const RECEIPTS_MAX: usize = 16;
/// Longest commit evidence, in bytes (the draft's own limit).
const EVIDENCE_BYTES_MAX: usize = 1024;
/// Largest service certificate, in bytes.
const CERTIFICATE_BYTES_MAX: usize = 8192;
