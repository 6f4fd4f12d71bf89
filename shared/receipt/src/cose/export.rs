//! Writing receipts of Probity's logs. What is written was verified first, under the key that the
//! statement names.

use super::{LABEL_RECEIPTS, LABEL_VDP, PROOF_CONSISTENCY, PROOF_INCLUSION, Receipt, ReceiptKey};
use crate::log::{signed, unsigned, verify_log_signatures};
use crate::{Part, ReceiptError};
use cbor::Writer;
use crypto::cose::TAG_SIGN1;
use crypto::{Signature, VerifyingKey};
use proof::{LogSignatures, Proof, receipt_protected_header};
use tlog::{Checkpoint, Hash};

/// The COSE Receipt of inclusion of a complete proof whose log signed its checkpoint. Its entry is
/// the proof hash.
pub fn export(proof: &Proof) -> Result<Vec<u8>, ReceiptError> {
    let (_, signatures, _) = signed(proof)?;
    let inclusion = &unsigned(proof)?.inclusion;
    let mut value = Writer::new();
    value.array(3).uint(inclusion.size).uint(inclusion.index);
    write_path(&mut value, &inclusion.path);
    Ok(write(PROOF_INCLUSION, &value.finish(), &signatures.receipt))
}

/// The signed statement with its receipt under label 394: a transparent statement. Who reads the
/// statement's envelope without knowing the label reads a COSE_Sign1 as before.
pub fn export_transparent(proof: &Proof) -> Result<Vec<u8>, ReceiptError> {
    let receipt = export(proof)?;
    let bare = proof.signed.to_bytes();
    // The empty unprotected header stands behind tag, array head and protected header.
    let (front, back) = split_at_header(&bare)?;
    let mut w = Writer::with_capacity(bare.len() + receipt.len() + 16);
    w.raw(front).map(1).uint(LABEL_RECEIPTS).array(1).bytes(&receipt).raw(back);
    Ok(w.finish())
}

fn split_at_header(bare: &[u8]) -> Result<(&[u8], &[u8]), ReceiptError> {
    let mut r = cbor::Reader::new(bare);
    r.tag()?;
    r.array_of("COSE_Sign1", 4)?;
    r.bytes()?;
    let front = r.position();
    r.map_of("unprotected header", 0)?;
    Ok((&bare[..front], &bare[r.position()..]))
}

/// The COSE Receipt of consistency from an older tree of a log to a checkpoint that it signed.
/// `path` is that of RFC 9162 §2.1.4.1. Sizes must differ: RFC 9942 has no empty path.
pub fn export_consistency(
    old: (u64, Hash),
    path: &[Hash],
    checkpoint: &Checkpoint,
    signatures: &LogSignatures,
    signer: &VerifyingKey,
) -> Result<Vec<u8>, ReceiptError> {
    verify_log_signatures(checkpoint, signatures, signer)?;
    let (old_size, old_root) = old;
    let mut value = Writer::new();
    value.array(3).uint(old_size).uint(checkpoint.size);
    write_path(&mut value, path);
    let bytes = write(PROOF_CONSISTENCY, &value.finish(), &signatures.receipt);
    if path.is_empty() {
        return Err(ReceiptError::syntax(Part::Cose, 1, "trees of different sizes", "equal ones"));
    }
    let key = ReceiptKey::Ed25519(*signer);
    Receipt::parse(&bytes)?.verify_consistency(old_size, old_root, &key)?;
    Ok(bytes)
}

fn write_path(w: &mut Writer, path: &[Hash]) {
    w.array(path.len());
    for node in path {
        w.bytes(node);
    }
}

fn write(proof_type: i64, value: &[u8], signature: &Signature) -> Vec<u8> {
    let mut w = Writer::with_capacity(value.len() + 128);
    w.tag(TAG_SIGN1).array(4).bytes(&receipt_protected_header());
    w.map(1).uint(LABEL_VDP).map(1).int(proof_type).array(1).bytes(value);
    w.null().bytes(&signature.0);
    w.finish()
}
