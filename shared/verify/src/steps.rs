//! Steps of a verification that need nothing but their arguments: the attested key (P6), the place
//! in the log (P7, P8), the moment, and how the signer stands at it.

use crate::VerifyError;
use crate::cache::KnownQuote;
use crate::evidence::Evidence;
use crate::policy::EndedSigner;
use crate::replay::Materials;
use crate::verified::Standing;
use attest::VerificationTime;
use crypto::{Digest, VerifyingKey, to_hex};
use facts::Millis;
use proof::{Inclusion, Statement, Unsigned};
use tlog::{Checkpoint, TlogError};

/// Archival verification by witnesses, and there is none.
pub(crate) const NO_WITNESS: VerifyError = VerifyError::NoTime {
    check: "P20",
    expected: "cosignatures by the policy's witnesses",
    found: "none",
};

/// P6.
pub(crate) fn check_signer(quote: &KnownQuote, signer: &VerifyingKey) -> Result<(), VerifyError> {
    if quote.signer != *signer {
        let attested = to_hex(&quote.signer.to_bytes());
        return Err(VerifyError::Signer { attested, found: to_hex(&signer.to_bytes()) });
    }
    Ok(())
}

/// P7 and P8.
pub(crate) fn check_log(
    checkpoint: &Checkpoint,
    statement: &Statement,
    inclusion: &Inclusion,
    proof_hash: Digest,
) -> Result<(), VerifyError> {
    let differs = |expected: String, found: String| VerifyError::Checkpoint { expected, found };
    if checkpoint.boot_id != statement.boot_id {
        let (stated, quoted) = (to_hex(&statement.boot_id), to_hex(&checkpoint.boot_id));
        return Err(differs(format!("boot {stated}"), format!("boot {quoted}")));
    }
    if checkpoint.size != inclusion.size {
        let (stated, quoted) = (inclusion.size, checkpoint.size);
        return Err(differs(format!("size {stated}"), format!("size {quoted}")));
    }
    // Index 0 is the boot record's place.
    if inclusion.index == 0 {
        let (index, size) = (0, inclusion.size);
        return Err(VerifyError::Inclusion(TlogError::IndexOutOfRange { index, size }));
    }
    let leaf = tlog::leaf_hash(proof_hash.as_bytes());
    let Inclusion { index, size, path } = inclusion;
    logtree::verify_inclusion(leaf, *index, *size, path, checkpoint.root)
        .map_err(VerifyError::Inclusion)
}

/// Cosignature lines of the proof and of the materials, each once, sorted.
pub(crate) fn lines_of<'a>(unsigned: &'a Unsigned, materials: &Materials<'a>) -> Vec<&'a [u8]> {
    let own = unsigned.cosignatures.iter().map(Vec::as_slice);
    let mut lines: Vec<&[u8]> = own.chain(materials.cosignatures.iter().copied()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// The moment that everything was judged for.
pub(crate) fn moment_of(
    evidence: &Evidence,
    time: VerificationTime,
) -> Result<Millis, VerifyError> {
    match (time, evidence.quoted_at()) {
        (VerificationTime::Live { now_ms }, _) => Ok(Millis(now_ms)),
        (VerificationTime::At { ms }, _) => Ok(Millis(ms)),
        (VerificationTime::Document, Some(quoted_at)) => Ok(quoted_at),
        (VerificationTime::Document, None) => Err(VerifyError::NoTime {
            check: "P10",
            expected: "evidence with a time of its own",
            found: "a TPM's quote, which has none",
        }),
    }
}

/// P6: how the signer stands. Whether a proof is older than a retirement is for the hardware's
/// clock to say; a TPM has none, so the judged moment does.
pub(crate) fn standing(
    ended: Option<&EndedSigner>,
    signer: &VerifyingKey,
    evidence: &Evidence,
    time: VerificationTime,
    at: Millis,
) -> Result<Standing, VerifyError> {
    let Some(EndedSigner::Retired { from, reason }) = ended else { return Ok(Standing::Current) };
    let (from, reason) = (*from, reason.clone());
    let made_at = evidence.quoted_at().unwrap_or(at);
    let refuse = |expected: String| {
        let (signer, reason) = (signer.did_key(), reason.clone());
        Err(VerifyError::SignerRetired { expected, signer, from, reason })
    };
    if matches!(time, VerificationTime::Live { .. }) {
        return refuse("a signer that is not retired, judged live".into());
    }
    if made_at >= from {
        return refuse(format!("a proof from before the retirement, not of {made_at}"));
    }
    Ok(Standing::Retired { from, reason })
}
