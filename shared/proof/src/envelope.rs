//! The COSE_Sign1 of FORMAT.md §5: the signed statement, and the proof with its unsigned parts.
//! The received bytes of header and payload are kept: hashes and signatures are over them.

use crate::unprotected;
use crate::{
    CLAIM_EAT_PROFILE, LogSignatures, PROFILE, PROOF_BYTES_MAX, ProofError, STATEMENT_BYTES_MAX,
    Statement, TYP,
};
use cbor::{CborError, Reader, Writer};
use crypto::cose::{ALG_EDDSA, LABEL_ALG, LABEL_CWT_CLAIMS, LABEL_TYP, TAG_SIGN1, sign1_structure};
use crypto::{Digest, Domain, Signature, SigningKey, digest};
use tlog::Hash;

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
    /// The log's signatures over the checkpoint, for readers of standard receipts.
    pub log_signatures: Option<LogSignatures>,
    /// Cosignature lines of witnesses (C2SP tlog-cosignature) without their newline, as they came:
    /// sorted, unique, at most [`crate::COSIGNATURES_MAX`].
    pub cosignatures: Vec<Vec<u8>>,
}

/// A proof as it travels: parsed, canonical, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The signed statement.
    pub signed: SignedStatement,
    /// Evidence and inclusion, when they are there.
    pub unsigned: Option<Unsigned>,
}

impl Unsigned {
    /// Evidence and inclusion, without any signature of the log or a witness.
    pub fn new(evidence: Evidence, inclusion: Inclusion) -> Self {
        Self { evidence, inclusion, log_signatures: None, cosignatures: Vec::new() }
    }

    /// Adds a cosignature line in its place; one that is there already stays once.
    pub fn add_cosignature(&mut self, line: Vec<u8>) {
        if let Err(place) = self.cosignatures.binary_search(&line) {
            self.cosignatures.insert(place, line);
        }
    }
}

impl SignedStatement {
    /// Signs a statement. The enclave's key is used for this and for
    /// [`crate::LogSignatures::sign`], nothing else. A statement that no verifier would read,
    /// because it is too long, is not signed.
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
        let extra = unsigned.map_or(0, unprotected::bytes_of);
        let mut w = Writer::with_capacity(self.payload.len() + extra + 384);
        w.tag(TAG_SIGN1).array(4).bytes(&self.protected);
        unprotected::write(&mut w, unsigned);
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
        let unsigned = unprotected::read(header)?;
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
