//! The order of a verification: envelope → signature → evidence → attested key → log → time →
//! witnesses → rules → replay. Cheap refusals first. It must never give out a [`Verified`] for
//! which a check that the policy requires was not made.

use crate::cache::{KnownQuote, Memory};
use crate::evidence::Logs;
use crate::ledger::Ledger;
use crate::policy::LEAD_MS_MAX;
use crate::replay::{self, Materials};
use crate::steps::{check_log, check_signer, moment_of, standing};
use crate::verified::Verified;
use crate::{Policy, VerifyError};
use attest::VerificationTime;
use crypto::{Digest, Domain, VerifyingKey, to_hex};
use facts::Millis;
use policy::Kind;
use proof::{Proof, Statement, signer_of_key_set};
use rules::BootConfig;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tlog::Checkpoint;
use vm::Program;

/// For which moment proofs are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// One for all of them, or each document's own.
    Fixed(VerificationTime),
    /// The one that the policy's witnesses state of each.
    Witnessed,
}

/// Policy, moment and memory; verifies from many threads at once.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) policy: Arc<Policy>,
    pub(crate) moment: Moment,
    pub(crate) memory: Arc<Memory>,
}

/// A verified proof and the moment that it was judged for.
pub(crate) struct Judged {
    pub(crate) verified: Verified,
    pub(crate) at: Millis,
}

impl Engine {
    pub(crate) fn new(policy: Policy, moment: Moment) -> Self {
        Self { policy: Arc::new(policy), moment, memory: Arc::default() }
    }

    pub(crate) fn verify(
        &self,
        bytes: &[u8],
        materials: &Materials<'_>,
    ) -> Result<Judged, VerifyError> {
        self.memory.counters.proofs.fetch_add(1, Relaxed);
        let mut ledger = Ledger::new();
        let proof = Proof::parse(bytes)?;
        let unsigned = proof.unsigned.as_ref().ok_or(VerifyError::NoEvidence)?;
        let kind = Kind::from_name(&unsigned.evidence.kind);
        let kind = kind.filter(|kind| self.policy.accepts(*kind));
        let kind = kind.ok_or_else(|| self.policy.other_kind(&unsigned.evidence.kind))?;
        ledger.passed(&[1, 2, 3, 18]);
        let logs = match kind {
            Kind::Tpm => Logs {
                event_log: materials.event_log,
                kernel_log: materials.kernel_log,
                file_list: materials.file_list,
            },
            Kind::Nitro | Kind::NitroTpm => Logs::default(),
        };
        if let Moment::Fixed(VerificationTime::Live { now_ms }) = self.moment {
            self.policy.require_in_force(Millis(now_ms))?;
        }
        let judged = match self.moment {
            Moment::Fixed(time) => Some(time),
            Moment::Witnessed => None,
        };
        let known = self.memory.quote(kind, &unsigned.evidence.document, logs.event_log, judged);
        let known = known.filter(|_| self.remembers(logs));
        let statement = proof.signed.statement();
        let (signer, proof_hash) = self.check_signature(&proof, known.as_deref())?;
        ledger.passed(&[4, 5]);
        let ended = self.policy.check_revoked(&signer)?;
        let (time, early) = self.moment_for(&proof, materials, known.as_deref(), &signer)?;
        let known = known.filter(|known| known.judged == time);
        let quote = match known {
            Some(known) => {
                self.memory.counters.quotes_reused.fetch_add(1, Relaxed);
                known
            }
            None => self.judge_quote(kind, &unsigned.evidence.document, logs, time)?,
        };
        check_signer(&quote, &signer)?;
        check_log(&quote.checkpoint, statement, &unsigned.inclusion, proof_hash)?;
        self.check_log_signatures(&quote, unsigned)?;
        ledger.passed(&[6, 7, 8]);
        let witnessed = self.witnesses(&quote, unsigned, materials, early, &mut ledger)?;
        self.check_witnessed_time(&quote, witnessed.as_deref(), time, &mut ledger)?;
        self.check_time(statement, &quote, &mut ledger)?;
        let at = moment_of(&quote.evidence, time)?;
        let standing = standing(ended, &signer, &quote.evidence, time, at)?;
        self.check_nonce(statement, &mut ledger)?;
        let results = replay::check(self, &quote, statement, materials, &mut ledger)?;
        let verified = Verified {
            evidence: quote.evidence.clone(),
            proof_hash,
            checkpoint: quote.checkpoint,
            checks: ledger.finish(),
            results,
            proof,
            standing,
            witnessed,
        };
        self.check_required(&verified)?;
        Ok(Judged { verified, at })
    }

    /// P4 and P5. Decoding a key costs a tenth of using it, so a quote's key is kept decoded.
    fn check_signature(
        &self,
        proof: &Proof,
        known: Option<&KnownQuote>,
    ) -> Result<(VerifyingKey, Digest), VerifyError> {
        let message = proof.signed.sig_structure();
        let proof_hash = crypto::digest(Domain::Proof, &[&message]);
        let agent = &proof.signed.statement().agent;
        let signer = match known.filter(|known| known.agent == *agent) {
            Some(known) => known.signer,
            None => VerifyingKey::from_did_key(agent).map_err(VerifyError::Signature)?,
        };
        self.memory.counters.statement_signatures.fetch_add(1, Relaxed);
        signer.verify_strict(&message, proof.signed.signature()).map_err(VerifyError::Signature)?;
        Ok((signer, proof_hash))
    }

    fn judge_quote(
        &self,
        kind: Kind,
        bytes: &[u8],
        logs: Logs<'_>,
        time: VerificationTime,
    ) -> Result<Arc<KnownQuote>, VerifyError> {
        self.memory.counters.quote_signatures.fetch_add(1, Relaxed);
        let policy = &self.policy;
        let evidence =
            self.memory.with_chain(|chain| policy.evidence(kind, bytes, logs, time, chain))?;
        let keys = evidence.key_set().ok_or(VerifyError::KeySet("the quote has none".into()))?;
        let key_set = |error: &dyn std::fmt::Display| VerifyError::KeySet(error.to_string());
        let attested = signer_of_key_set(keys).map_err(|error| key_set(&error))?;
        let signer = VerifyingKey::from_bytes(&attested).map_err(|error| key_set(&error))?;
        let quoted = evidence.user_data().unwrap_or_default();
        let checkpoint = Checkpoint::parse(quoted).map_err(|error| VerifyError::Checkpoint {
            expected: "a checkpoint as user data".into(),
            found: error.to_string(),
        })?;
        let config = policy.boot_config_of(&evidence)?;
        let mut configs = policy.boot_configs.iter();
        let boot_config = configs.position(|one| one == config).unwrap_or_default();
        let quote = Arc::new(KnownQuote {
            bytes: bytes.into(),
            judged: time,
            event_log: logs.event_log.map(|log| self.memory.shared_log(log)),
            evidence: Arc::new(evidence),
            signer,
            agent: signer.did_key(),
            checkpoint,
            boot_config,
            log_signatures: None.into(),
            witnessed: None.into(),
        });
        if self.remembers(logs) {
            self.memory.remember(&quote);
        }
        Ok(quote)
    }

    /// What is remembered of a quote does not say which kernel's log it was judged with, and a
    /// judged one is large: with such a log, or where the policy wants one, each is judged anew.
    fn remembers(&self, logs: Logs<'_>) -> bool {
        logs.kernel_log.is_none() && self.policy.file_list.is_none()
    }

    /// P10.
    fn check_time(
        &self,
        statement: &Statement,
        quote: &KnownQuote,
        ledger: &mut Ledger,
    ) -> Result<(), VerifyError> {
        let Some(quoted_at) = quote.evidence.quoted_at() else {
            ledger.not_checked(&[10], "a TPM's quote has no trusted clock to compare with");
            return Ok(());
        };
        let (evaluated_at, lag_ms_max) = (statement.evaluated_at, self.policy.lag_ms_max);
        let refuse = |problem| Err(VerifyError::Time { evaluated_at, quoted_at, problem });
        if evaluated_at.0 > quoted_at.0.saturating_add(LEAD_MS_MAX) {
            return refuse(format!("expected at most {LEAD_MS_MAX} ms after the quote"));
        }
        if quoted_at.0.saturating_sub(evaluated_at.0) > lag_ms_max {
            return refuse(format!("expected at most {lag_ms_max} ms before the quote"));
        }
        ledger.passed(&[10]);
        Ok(())
    }

    /// P11.
    fn check_nonce(&self, statement: &Statement, ledger: &mut Ledger) -> Result<(), VerifyError> {
        let Some(expected) = &self.policy.nonce else {
            ledger.not_checked(&[11], "the verifier asked for no nonce");
            return Ok(());
        };
        if statement.nonce.as_ref() != Some(expected) {
            let found = statement.nonce.as_ref().map_or("none".into(), |nonce| to_hex(nonce));
            return Err(VerifyError::Nonce { expected: to_hex(expected), found });
        }
        ledger.passed(&[11]);
        Ok(())
    }

    /// What the policy requires was made, or this is no verdict.
    fn check_required(&self, verified: &Verified) -> Result<(), VerifyError> {
        for required in &self.policy.required {
            let mut all = verified.all_checks();
            if let Some((check, _, crate::Outcome::NotChecked(why))) =
                all.find(|(name, ..)| name == required)
            {
                return Err(VerifyError::Required { check, why: why.to_owned() });
            }
        }
        Ok(())
    }

    /// The boot configuration of a quote.
    pub(crate) fn boot_config(&self, quote: &KnownQuote) -> &BootConfig {
        &self.policy.boot_configs[quote.boot_config]
    }

    /// The compiled bundle, from memory when the same bytes were given before.
    pub(crate) fn program(
        &self,
        signed: &[u8],
        quote: &KnownQuote,
    ) -> Result<Arc<Program>, VerifyError> {
        if let Some(program) = self.memory.program(signed, quote.boot_config) {
            return Ok(program);
        }
        let config = self.boot_config(quote);
        let bundle = rules::SignedBundle::verify(signed, config).map_err(VerifyError::Rules)?;
        let program = Program::load(bundle, config.limits)
            .map_err(|error| VerifyError::Engine(error.to_string()))?;
        let program = Arc::new(program);
        self.memory.remember_program(signed, quote.boot_config, &program);
        Ok(program)
    }
}
