//! A Probity log seen as a log of these formats: its name, its key, its checkpoints. It must never
//! take the signer that a statement names for an attested one; that is the caller's to establish.

use crate::ReceiptError;
use crate::note::{KeyKind, Note, SignatureLine, VerifierKey};
use crypto::VerifyingKey;
use logtree::inclusion_root;
use proof::{LogSignatures, Proof, Unsigned, receipt_sig_structure};
use tlog::{BOOT_ID_BYTES, Checkpoint, Hash, leaf_hash};

/// The verifier key of a boot's log: the boot's signer under [`Checkpoint::origin`].
pub fn log_key(boot_id: [u8; BOOT_ID_BYTES], signer: VerifyingKey) -> VerifierKey {
    let origin = Checkpoint { boot_id, size: 0, root: [0; 32] }.origin();
    VerifierKey::new(&origin, KeyKind::Log, signer)
        .expect("an origin is a key name because it is a prefix and hexadecimal")
}

/// The signer that a statement names. Nobody has attested it yet.
pub fn agent(proof: &Proof) -> Result<VerifyingKey, ReceiptError> {
    VerifyingKey::from_did_key(&proof.signed.statement().agent).map_err(ReceiptError::Key)
}

/// The leaf of a proof.
pub fn leaf(proof: &Proof) -> Hash {
    leaf_hash(proof.signed.proof_hash().as_bytes())
}

/// The checkpoint that a proof's path leads to (P7). Nothing says yet that it was quoted.
pub fn checkpoint_of(proof: &Proof) -> Result<Checkpoint, ReceiptError> {
    let inclusion = &unsigned(proof)?.inclusion;
    let (index, size) = (inclusion.index, inclusion.size);
    let root = inclusion_root(leaf(proof), index, size, &inclusion.path);
    let root = root.map_err(ReceiptError::Inclusion)?;
    Ok(Checkpoint { boot_id: proof.signed.statement().boot_id, size, root })
}

/// Accepts if `signer` made both signatures over this checkpoint (P8).
pub fn verify_log_signatures(
    checkpoint: &Checkpoint,
    signatures: &LogSignatures,
    signer: &VerifyingKey,
) -> Result<(), ReceiptError> {
    let wrong = |_| ReceiptError::LogSignature { key: checkpoint.origin() };
    let text = checkpoint.note_text();
    signer.verify_strict(text.as_bytes(), &signatures.note).map_err(wrong)?;
    let structure = receipt_sig_structure(&checkpoint.root);
    signer.verify_strict(&structure, &signatures.receipt).map_err(wrong)
}

/// A checkpoint as a note with its log's signature and the lines of witnesses, as a proof carries
/// them; nothing is verified. The log's own line is made of `signatures` alone: one under its name
/// and key id among the carried lines is left out, since whoever kept the proof may have put it
/// there and a false one would refuse the whole note.
pub fn checkpoint_note(
    checkpoint: &Checkpoint,
    signer: &VerifyingKey,
    signatures: Option<&LogSignatures>,
    cosignatures: &[impl AsRef<[u8]>],
) -> Result<Note, ReceiptError> {
    let key = log_key(checkpoint.boot_id, *signer);
    let own = signatures.map(|both| SignatureLine::by(&key, both.note.0.to_vec()));
    let lines = cosignatures.iter().map(|line| {
        let line = std::str::from_utf8(line.as_ref()).map_err(|_| {
            ReceiptError::syntax(crate::Part::Cosignature, 1, "UTF-8", "other bytes")
        })?;
        SignatureLine::parse(line)
    });
    let lines = lines.filter(|line| !line.as_ref().is_ok_and(|line| line.is_of(&key)));
    let lines = own.into_iter().map(Ok).chain(lines).collect::<Result<Vec<_>, _>>()?;
    Ok(Note::new(checkpoint.note_text(), lines))
}

/// What an export needs: the checkpoint and the log's signatures over it, verified under the
/// signer that the statement names, so that nothing is exported that its reader must refuse.
pub(crate) fn signed(
    proof: &Proof,
) -> Result<(Checkpoint, LogSignatures, VerifyingKey), ReceiptError> {
    let checkpoint = checkpoint_of(proof)?;
    let signatures = unsigned(proof)?.log_signatures;
    let signatures =
        signatures.ok_or_else(|| ReceiptError::Unsigned { key: checkpoint.origin() })?;
    let signer = agent(proof)?;
    verify_log_signatures(&checkpoint, &signatures, &signer)?;
    Ok((checkpoint, signatures, signer))
}

pub(crate) fn unsigned(proof: &Proof) -> Result<&Unsigned, ReceiptError> {
    let expected = "a complete proof, with its place in the log";
    proof.unsigned.as_ref().ok_or(ReceiptError::Absent { expected })
}
