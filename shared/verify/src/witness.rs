//! Signatures that stand beside a proof: the log's own over its checkpoint (P8) and the witnesses'
//! (P20), which are also evidence of time for the archive. What is present counts for nothing
//! until it verified.

use crate::VerifyError;
use crate::cache::{KnownQuote, locked};
use crate::engine::{Engine, Moment};
use crate::ledger::Ledger;
use crate::replay::Materials;
use crate::steps::{NO_WITNESS, lines_of};
use crate::verified::Witnessed;
use attest::VerificationTime;
use crypto::VerifyingKey;
use facts::Millis;
use proof::{Proof, Unsigned};
use receipt::ReceiptError;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tlog::Checkpoint;

/// A moment, and the witnesses where they gave it.
type MomentFor = (VerificationTime, Option<Arc<Witnessed>>);

impl Engine {
    /// The moment that a proof is judged for. Witnesses are asked first where they give it; else
    /// once there is a quote to hold them to.
    pub(crate) fn moment_for(
        &self,
        proof: &Proof,
        materials: &Materials<'_>,
        known: Option<&KnownQuote>,
        signer: &VerifyingKey,
    ) -> Result<MomentFor, VerifyError> {
        match self.moment {
            Moment::Fixed(time) => Ok((time, None)),
            Moment::Witnessed => {
                let witnessed = self.early_witnesses(proof, materials, known, signer)?;
                Ok((VerificationTime::At { ms: witnessed.at.0 }, Some(witnessed)))
            }
        }
    }

    /// P8: the log's own signatures over the checkpoint, where a proof carries them.
    pub(crate) fn check_log_signatures(
        &self,
        quote: &KnownQuote,
        unsigned: &Unsigned,
    ) -> Result<(), VerifyError> {
        let Some(signatures) = &unsigned.log_signatures else { return Ok(()) };
        if locked(&quote.log_signatures).as_ref() == Some(signatures) {
            return Ok(());
        }
        self.memory.counters.other_signatures.fetch_add(2, Relaxed);
        receipt::log::verify_log_signatures(&quote.checkpoint, signatures, &quote.signer)
            .map_err(VerifyError::Witness)?;
        *locked(&quote.log_signatures) = Some(*signatures);
        Ok(())
    }

    /// The witnesses' word before the quote was judged: over the checkpoint that the path leads
    /// to, which the quote has to be over too (P7, P8) before anything is given out.
    fn early_witnesses(
        &self,
        proof: &Proof,
        materials: &Materials<'_>,
        known: Option<&KnownQuote>,
        signer: &VerifyingKey,
    ) -> Result<Arc<Witnessed>, VerifyError> {
        let Some(unsigned) = &proof.unsigned else { return Err(VerifyError::NoEvidence) };
        let lines = lines_of(unsigned, materials);
        if lines.is_empty() || self.policy.witnesses.is_empty() {
            return Err(NO_WITNESS);
        }
        let checkpoint = receipt::log::checkpoint_of(proof).map_err(VerifyError::Witness)?;
        let known = known.filter(|known| known.checkpoint == checkpoint);
        if let Some(witnessed) = known.and_then(|known| known.witnessed_by(&lines.join(&b'\n'))) {
            return Ok(witnessed);
        }
        self.ask_witnesses(&checkpoint, signer, &lines)
    }

    /// P20.
    pub(crate) fn witnesses(
        &self,
        quote: &KnownQuote,
        unsigned: &Unsigned,
        materials: &Materials<'_>,
        early: Option<Arc<Witnessed>>,
        ledger: &mut Ledger,
    ) -> Result<Option<Arc<Witnessed>>, VerifyError> {
        if self.policy.witnesses.is_empty() {
            ledger.not_checked(&[20], "the policy names no witness");
            return Ok(None);
        }
        let lines = lines_of(unsigned, materials);
        if lines.is_empty() {
            ledger.not_checked(&[20], "the proof carries no cosignature");
            return Ok(None);
        }
        let joined = lines.join(&b'\n');
        if let Some(witnessed) = early {
            *locked(&quote.witnessed) = Some((joined, witnessed.clone()));
            return Ok(Some(witnessed));
        }
        if let Some(witnessed) = quote.witnessed_by(&joined) {
            return Ok(Some(witnessed));
        }
        match self.ask_witnesses(&quote.checkpoint, &quote.signer, &lines) {
            Ok(witnessed) => {
                *locked(&quote.witnessed) = Some((joined, witnessed.clone()));
                Ok(Some(witnessed))
            }
            Err(VerifyError::Witness(ReceiptError::Threshold { .. })) => {
                ledger.not_checked(
                    &[20],
                    "fewer of the policy's witnesses cosigned than it asks for",
                );
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    fn ask_witnesses(
        &self,
        checkpoint: &Checkpoint,
        signer: &VerifyingKey,
        lines: &[&[u8]],
    ) -> Result<Arc<Witnessed>, VerifyError> {
        let (witnesses, needed) = (&self.policy.witnesses, self.policy.witnesses_needed);
        let note = receipt::log::checkpoint_note(checkpoint, signer, None, lines);
        let note = note.map_err(VerifyError::Witness)?;
        let verified = receipt::cosign::verify_witnesses(&note, witnesses, needed);
        let verified = verified.map_err(VerifyError::Witness)?;
        let count = verified.witnesses().len() as u64;
        self.memory.counters.other_signatures.fetch_add(count, Relaxed);
        let names = verified.witnesses().iter().map(|(name, _)| name.clone()).collect();
        let at = Millis(verified.witnessed_at_s().saturating_mul(1000));
        if at > Millis::MAX {
            let expected = format!("before {}", Millis::MAX);
            return Err(VerifyError::WitnessTime { expected, found: at });
        }
        Ok(Arc::new(Witnessed { names, at }))
    }

    /// P20: nobody saw the checkpoint before the hardware quoted it, or later than now.
    pub(crate) fn check_witnessed_time(
        &self,
        quote: &KnownQuote,
        witnessed: Option<&Witnessed>,
        time: VerificationTime,
        ledger: &mut Ledger,
    ) -> Result<(), VerifyError> {
        let Some(Witnessed { at, .. }) = witnessed else { return Ok(()) };
        let skew = self.policy.skew_ms;
        let quoted_at = quote.evidence.quoted_at();
        if let Some(quoted_at) = quoted_at.filter(|quoted| at.0.saturating_add(skew) < quoted.0) {
            let expected = format!("not before the quote's, {quoted_at}");
            return Err(VerifyError::WitnessTime { expected, found: *at });
        }
        if let VerificationTime::Live { now_ms } = time
            && at.0 > now_ms.saturating_add(skew)
        {
            let expected = format!("not after now, {}", Millis(now_ms));
            return Err(VerifyError::WitnessTime { expected, found: *at });
        }
        ledger.passed(&[20]);
        Ok(())
    }
}
