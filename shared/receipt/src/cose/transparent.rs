//! Transparent statements of Probity: a signed statement with the receipt of its own log (vds 1)
//! under label 394, as [`super::export_transparent`] writes them. One key signed both: the boot's.
//! It must never take that key from the statement.

use super::ccf::TransparentStatement;
use super::{ReceiptKey, VerifiedReceipt};
use crate::{ReceiptError, log};
use crypto::VerifyingKey;
use proof::Proof;

impl TransparentStatement {
    /// Accepts if `signer` signed the statement (P5), and a root under which the statement's hash
    /// stands (P7). The proof that it gives has no evidence: whose key it is, is not shown by it.
    pub fn verify_statement(
        &self,
        signer: &VerifyingKey,
    ) -> Result<(Proof, VerifiedReceipt), ReceiptError> {
        let proof = Proof::parse(&self.bare)
            .map_err(|error| ReceiptError::header("statement", "one of Probity", error))?;
        let (message, signature) = (proof.signed.sig_structure(), proof.signed.signature());
        signer.verify_strict(&message, signature).map_err(ReceiptError::StatementSignature)?;
        let (leaf, key) = (log::leaf(&proof), ReceiptKey::Ed25519(*signer));
        let verified = self.first(|receipt| receipt.verify_inclusion(leaf, &key))?;
        Ok((proof, verified))
    }
}
