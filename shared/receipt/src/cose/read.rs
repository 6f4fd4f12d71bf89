//! Reading receipts. Labels of the protected header that are not looked at are passed over, as
//! RFC 9942 lets makers add some, but never `crit`, and no label twice.

use super::ccf::CcfProof;
use super::{
    Consistency, Header, Inclusion, LABEL_VDP, LABEL_VDS, PROOF_BYTES_MAX, PROOF_CONSISTENCY,
    PROOF_INCLUSION, PROOFS_MAX, PROTECTED_BYTES_MAX, Proofs, RECEIPT_BYTES_MAX, Receipt,
    VDS_CCF_LEDGER_SHA256, VDS_RFC9162_SHA256,
};
use crate::{Part, ReceiptError};
use cbor::{CborError, Kind, Reader};
use crypto::cose::{LABEL_ALG, LABEL_KID, TAG_SIGN1};
use tlog::{Hash, PATH_NODES_MAX};

/// Header label `crit` (RFC 9052): it would change how the rest has to be read.
const LABEL_CRIT: i64 = 2;
/// Longest key id and signature, in bytes.
const KID_BYTES_MAX: usize = 128;
const SIGNATURE_BYTES_MAX: usize = 132;
/// Most labels of a header.
const LABELS_MAX: usize = 32;

/// The head of a COSE_Sign1, tagged 18, of at most `max` bytes; what stands in its array of four
/// is for the caller to read.
pub(super) fn sign1(bytes: &[u8], max: usize) -> Result<Reader<'_>, ReceiptError> {
    if bytes.len() > max {
        return Err(ReceiptError::TooLarge { part: Part::Cose, max, found: bytes.len() });
    }
    let mut r = Reader::new(bytes);
    let found = r.tag()?;
    if found != TAG_SIGN1 {
        return Err(ReceiptError::header("tag", "18 (COSE_Sign1)", found));
    }
    r.array_of("COSE_Sign1", 4)?;
    Ok(r)
}

/// A whole receipt.
pub(super) fn receipt(bytes: &[u8]) -> Result<Receipt, ReceiptError> {
    let mut r = sign1(bytes, RECEIPT_BYTES_MAX)?;
    let protected = r.bytes_max("protected header", PROTECTED_BYTES_MAX)?;
    let header = header(protected)?;
    let proofs = unprotected(&mut r, header.vds)?;
    let payload = if r.null()? { None } else { Some(r.array_bytes("payload")?) };
    let signature = r.bytes_max("signature", SIGNATURE_BYTES_MAX)?.to_vec();
    r.end()?;
    Ok(Receipt { protected: protected.into(), header, proofs, payload, signature })
}

fn header(protected: &[u8]) -> Result<Header, ReceiptError> {
    let mut r = Reader::new(protected);
    let (mut alg, mut kid, mut vds) = (None, None, None);
    let mut labels = Labels::default();
    let mut map = r.map()?;
    while r.more(&mut map)? {
        match labels.next(&mut r)? {
            Some(label) if label == LABEL_ALG as i64 => alg = Some(r.int()?),
            Some(label) if label == LABEL_KID as i64 => {
                kid = Some(r.bytes_max("kid", KID_BYTES_MAX)?.to_vec());
            }
            Some(label) if label == LABEL_VDS as i64 => vds = Some(r.uint()?),
            Some(LABEL_CRIT) => return Err(ReceiptError::header("crit", "none", "crit")),
            _ => {
                r.raw()?;
            }
        }
    }
    r.end()?;
    let absent = |what| ReceiptError::header(what, "a protected label", "none");
    let (alg, vds) = (alg.ok_or_else(|| absent("alg"))?, vds.ok_or_else(|| absent("vds"))?);
    if ![VDS_RFC9162_SHA256, VDS_CCF_LEDGER_SHA256].contains(&vds) {
        return Err(ReceiptError::header("vds", "1 (RFC 9162) or 2 (CCF)", vds));
    }
    Ok(Header { alg, kid, vds })
}

/// Accepts a statement's protected header that is a map, each label once. `crit` may stand there,
/// as published statements have it: it is for whoever verifies the statement's own signature.
pub(super) fn check_header(protected: &[u8]) -> Result<(), ReceiptError> {
    let mut r = Reader::new(protected);
    let (mut labels, mut map) = (Labels::default(), r.map()?);
    while r.more(&mut map)? {
        labels.next(&mut r)?;
        r.raw()?;
    }
    Ok(r.end()?)
}

/// The labels of one map, each once.
#[derive(Default)]
pub(super) struct Labels<'a> {
    seen: Vec<&'a [u8]>,
}

impl<'a> Labels<'a> {
    /// The next label: `None` for a text, which names nothing that is looked at.
    pub(super) fn next(&mut self, r: &mut Reader<'a>) -> Result<Option<i64>, ReceiptError> {
        let peeked = r.peek()?;
        let raw = r.raw()?;
        if self.seen.contains(&raw) {
            return Err(ReceiptError::header("label", "each once", crypto::to_hex(head(raw))));
        }
        if self.seen.len() == LABELS_MAX {
            return Err(ReceiptError::header("labels", "at most 32", "more"));
        }
        self.seen.push(raw);
        match peeked {
            Kind::Uint | Kind::Negative => Ok(Some(Reader::new(raw).int()?)),
            Kind::Text => Ok(None),
            found => Err(ReceiptError::header("label", "an integer or a text", found)),
        }
    }
}

fn head(raw: &[u8]) -> &[u8] {
    &raw[..raw.len().min(16)]
}

/// `{396: {type: [proof…]}}`, and nothing else: no other unsigned content has a meaning here.
fn unprotected(r: &mut Reader<'_>, vds: u64) -> Result<Proofs, ReceiptError> {
    r.map_of("unprotected header", 1)?;
    r.key(LABEL_VDP)?;
    r.map_of("proofs", 1)?;
    let kind = r.int()?;
    let wrong = |expected| Err(ReceiptError::header("proof type", expected, kind));
    let proofs = match (vds, kind) {
        (VDS_RFC9162_SHA256, PROOF_INCLUSION) => Proofs::Inclusion(entries(r, inclusion)?),
        (VDS_RFC9162_SHA256, PROOF_CONSISTENCY) => Proofs::Consistency(entries(r, consistency)?),
        (VDS_CCF_LEDGER_SHA256, PROOF_INCLUSION) => Proofs::Ccf(entries(r, CcfProof::read)?),
        (VDS_CCF_LEDGER_SHA256, _) => return wrong("-1 (inclusion)"),
        _ => return wrong("-1 (inclusion) or -2 (consistency)"),
    };
    Ok(proofs)
}

/// The proofs of one type: each in a byte string of its own.
fn entries<T>(
    r: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<Vec<T>, ReceiptError> {
    let proofs = r.entries("proofs", PROOFS_MAX, |r| {
        let mut inner = Reader::new(r.bytes_max("proof", PROOF_BYTES_MAX)?);
        let proof = read(&mut inner)?;
        inner.end()?;
        Ok(proof)
    })?;
    if proofs.is_empty() {
        return Err(ReceiptError::Absent { expected: "at least one proof" });
    }
    Ok(proofs)
}

fn inclusion(r: &mut Reader<'_>) -> Result<Inclusion, CborError> {
    r.array_of("inclusion proof", 3)?;
    Ok(Inclusion { size: r.uint()?, index: r.uint()?, path: path(r)? })
}

fn consistency(r: &mut Reader<'_>) -> Result<Consistency, CborError> {
    r.array_of("consistency proof", 3)?;
    Ok(Consistency { old_size: r.uint()?, new_size: r.uint()?, path: path(r)? })
}

fn path(r: &mut Reader<'_>) -> Result<Vec<Hash>, CborError> {
    r.entries("path", PATH_NODES_MAX, |r| r.array_bytes("path node"))
}
