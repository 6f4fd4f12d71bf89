//! The COSE_Sign1 of FORMAT.md §5: the signed statement, and the proof with its unsigned parts.
//! The received bytes of header and payload are kept: hashes and signatures are over them.

use crate::{
    CLAIM_EAT_PROFILE, EVIDENCE_BYTES_MAX, PROFILE, PROOF_BYTES_MAX, ProofError,
    STATEMENT_BYTES_MAX, Statement, TYP,
};
use cbor::{CborError, Reader, Writer};
use crypto::cose::{ALG_EDDSA, LABEL_ALG, LABEL_CWT_CLAIMS, LABEL_TYP, TAG_SIGN1, sign1_structure};
use crypto::{Digest, Domain, Signature, SigningKey, digest};
use tlog::{Hash, PATH_NODES_MAX};

/// CWT claim `iss` and `iat`.
const CLAIM_ISS: u64 = 1;
const CLAIM_IAT: u64 = 6;

/// A statement with its signature, parsed and canonical. Whether the signature verifies, and
/// whose key it is, has not been asked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStatement {
    statement: Statement,
    protected: Vec<u8>,
    payload: Vec<u8>,
    signature: Signature,
}

/// What the hardware says, as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Kind: [`crate::EVIDENCE_NITRO`].
    pub kind: String,
    /// The document.
    pub document: Vec<u8>,
}

/// Where the proof stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Size of the tree at the checkpoint.
    pub size: u64,
    /// Index of the proof's leaf.
    pub index: u64,
    /// Path from the leaf to the root.
    pub path: Vec<Hash>,
}

/// The parts that the statement's signature does not cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// What the hardware says.
    pub evidence: Evidence,
    /// Where the proof stands.
    pub inclusion: Inclusion,
}

/// A proof as it travels: parsed, canonical, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The signed statement.
    pub signed: SignedStatement,
    /// Evidence and inclusion, when they are there.
    pub unsigned: Option<Unsigned>,
}

impl SignedStatement {
    /// Signs a statement: the only thing that the enclave's key is used for. One that no verifier
    /// would read, because it is too long, is not signed.
    pub fn sign(statement: Statement, key: &SigningKey) -> Result<Self, ProofError> {
        let (protected, payload) = (protected_header(&statement), statement.to_bytes());
        if payload.len() > STATEMENT_BYTES_MAX {
            return Err(ProofError::NotCanonical("longer than 65,536 bytes"));
        }
        let signature = key.sign(&sign1_structure(&protected, &payload));
        Ok(Self { statement, protected, payload, signature })
    }

    /// A statement with a signature from elsewhere, such as the JSON view. Nobody has checked it.
    pub fn from_parts_unverified(statement: Statement, signature: Signature) -> Self {
        let (protected, payload) = (protected_header(&statement), statement.to_bytes());
        Self { statement, protected, payload, signature }
    }

    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What is signed and hashed.
    pub fn sig_structure(&self) -> Vec<u8> {
        sign1_structure(&self.protected, &self.payload)
    }

    /// The proof hash (check P4): every signed field is under it.
    pub fn proof_hash(&self) -> Digest {
        digest(Domain::Proof, &[&self.sig_structure()])
    }

    /// The envelope with an empty unprotected header.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode(None)
    }

    fn encode(&self, unsigned: Option<&Unsigned>) -> Vec<u8> {
        let extra = unsigned.map_or(0, |u| u.evidence.document.len() + 34 * u.inclusion.path.len());
        let mut w = Writer::with_capacity(self.payload.len() + extra + 384);
        w.tag(TAG_SIGN1).array(4).bytes(&self.protected);
        match unsigned {
            None => w.map(0),
            Some(Unsigned { evidence, inclusion }) => {
                // Bytewise key order: both heads say text, and the shorter text sorts first.
                w.map(2).text("evidence").array(2).text(&evidence.kind).bytes(&evidence.document);
                w.text("inclusion").array(3).uint(inclusion.size).uint(inclusion.index);
                w.array(inclusion.path.len());
                for node in &inclusion.path {
                    w.bytes(node);
                }
                &mut w
            }
        };
        w.bytes(&self.payload).bytes(&self.signature.0);
        w.finish()
    }
}

impl Proof {
    /// Parses a proof or a bare signed statement (checks P1, P2, P3).
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(ProofError::TooLarge { found: bytes.len() });
        }
        let mut r = Reader::new(bytes);
        let (protected, header, payload, signature) = open(&mut r).map_err(ProofError::Envelope)?;
        let unsigned = read_unprotected(header)?;
        let statement = Statement::parse(payload)?;
        let expected = protected_header(&statement);
        if protected != expected {
            return Err(ProofError::Header {
                expected: format!("protected {}", crypto::to_hex(&expected)),
                found: crypto::to_hex(&protected[..protected.len().min(256)]),
            });
        }
        let (protected, payload) = (expected, payload.to_vec());
        let signed = SignedStatement { statement, protected, payload, signature };
        Ok(Self { signed, unsigned })
    }

    /// Canonical bytes: what `parse` accepts and nothing else.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.signed.encode(self.unsigned.as_ref())
    }
}

type Opened<'a> = (&'a [u8], &'a [u8], &'a [u8], Signature);

fn open<'a>(r: &mut Reader<'a>) -> Result<Opened<'a>, CborError> {
    let at = r.position();
    let found = r.tag()?;
    if found != TAG_SIGN1 {
        return Err(CborError::Range { at, what: "tag", expected: "18 (COSE_Sign1)", found });
    }
    r.array_of("COSE_Sign1", 4)?;
    let protected = r.bytes_max("protected header", 1024)?;
    let header = r.raw()?;
    let payload = r.bytes_max("payload", STATEMENT_BYTES_MAX)?;
    let signature = Signature(r.array_bytes("signature")?);
    r.end()?;
    Ok((protected, header, payload, signature))
}

fn protected_header(statement: &Statement) -> Vec<u8> {
    let mut w = Writer::with_capacity(224);
    w.map(3).uint(LABEL_ALG).int(ALG_EDDSA).uint(LABEL_CWT_CLAIMS).map(3);
    w.uint(CLAIM_ISS).text(&statement.agent).uint(CLAIM_IAT).uint(statement.evaluated_at.0 / 1000);
    w.uint(CLAIM_EAT_PROFILE).text(PROFILE).uint(LABEL_TYP).text(TYP);
    w.finish()
}

fn read_unprotected(header: &[u8]) -> Result<Option<Unsigned>, ProofError> {
    let mut r = Reader::new(header);
    let mut read = || {
        let mut map = r.map()?;
        if map.left() == Some(0) {
            return Ok(None);
        }
        r.more(&mut map)?;
        let at = r.position();
        let first = r.text_max("label", 16)?;
        if first != "evidence" {
            return Err(label(at, "evidence", first));
        }
        r.array_of("evidence", 2)?;
        let kind = r.text_max("evidence kind", 16)?.to_owned();
        let document = r.bytes_max("evidence", EVIDENCE_BYTES_MAX)?.to_vec();
        let at = r.position();
        if !r.more(&mut map)? {
            return Err(label(at, "inclusion", "nothing"));
        }
        let second = r.text_max("label", 16)?;
        if second != "inclusion" {
            return Err(label(at, "inclusion", second));
        }
        let inclusion = read_inclusion(&mut r)?;
        let at = r.position();
        if r.more(&mut map)? {
            return Err(label(at, "the end of the header", "another label"));
        }
        r.end()?;
        Ok(Some(Unsigned { evidence: Evidence { kind, document }, inclusion }))
    };
    read().map_err(|problem| ProofError::Header {
        expected: "an empty unprotected header, or evidence and inclusion".into(),
        found: problem.to_string(),
    })
}

fn read_inclusion(r: &mut Reader<'_>) -> Result<Inclusion, CborError> {
    r.array_of("inclusion", 3)?;
    let (size, index) = (r.uint()?, r.uint()?);
    let path = r.entries("path", PATH_NODES_MAX, |r| r.array_bytes("path node"))?;
    Ok(Inclusion { size, index, path })
}

fn label(at: usize, expected: &str, found: &str) -> CborError {
    CborError::Key { at, expected: expected.into(), found: found.into() }
}
