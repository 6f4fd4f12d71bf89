//! Judges a quote against a policy: structure first, then why its key is believed, its signature,
//! what it says, and last the log of the measured boot. Each stage enters into the ledger what it
//! did; a check that is not entered stays "not checked" and is never read as passed.

use crate::check::Check;
use crate::error::AttestError;
use crate::eventlog::{self, SecureBootState, UnverifiedEventLog};
use crate::hex;
use crate::ima;
use crate::policy::NonceRule;
use crate::tpm::HashAlgorithm;
use crate::tpm::attest::{Attest, Selection};
use crate::tpm::evidence::TpmEvidence;
use crate::tpm::ledger::Ledger;
use crate::tpm::policy::TpmPolicy;
use crate::tpm::public::AkPublic;
use crate::tpm::runtime::{self, VerifiedRuntimeLog};
use crate::tpm::signature::Signature;
use crate::tpm::trust::{AkParts, JudgedKey, judge_key};
use crate::tpm::verdict::VerifiedQuote;
use std::collections::BTreeMap;

/// A quote as others publish it, outside the evidence of kind `tpm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteParts<'a> {
    /// TPMS_ATTEST.
    pub attest: &'a [u8],
    /// TPMT_SIGNATURE.
    pub signature: &'a [u8],
    /// The attestation key.
    pub ak: AkParts<'a>,
    /// The quoted registers, exactly the selection.
    pub pcrs: BTreeMap<u8, &'a [u8]>,
    /// What extraData must be, whole; `None` leaves T17 not checked.
    pub extra_data: Option<&'a [u8]>,
    /// The log of the measured boot.
    pub event_log: Option<&'a [u8]>,
}

/// Verifies evidence of kind `tpm` (TPM.md), with the event log where there is one.
pub fn verify_evidence(
    bytes: &[u8],
    event_log: Option<&[u8]>,
    policy: &TpmPolicy,
) -> Result<VerifiedQuote, AttestError> {
    verify_evidence_with(bytes, event_log, None, policy)
}

/// As [`verify_evidence`], with the kernel's log ([`crate::ima`]) where there is one.
pub fn verify_evidence_with(
    bytes: &[u8],
    event_log: Option<&[u8]>,
    kernel_log: Option<&[u8]>,
    policy: &TpmPolicy,
) -> Result<VerifiedQuote, AttestError> {
    let evidence = TpmEvidence::parse(bytes)?;
    let extra_data = evidence.extra_data();
    let certificates = evidence.certificates.clone();
    let parts = QuoteParts {
        attest: evidence.attest,
        signature: evidence.signature,
        ak: AkParts { public: Some(evidence.ak_public), spki: None, certificates },
        pcrs: evidence.pcrs.clone(),
        extra_data: Some(&extra_data),
        event_log,
    };
    let nonce_judged = check_nonce(policy.nonce.clone(), evidence.nonce)?;
    let mut verified = judge(&parts, evidence.runtime_log, kernel_log, policy)?;
    if !nonce_judged {
        verified.notes.push("T17 binds the nonce; the policy does not say which".to_owned());
    }
    verified.user_data = Some(evidence.user_data.to_vec());
    verified.key_set = Some(evidence.key_set.to_vec());
    verified.nonce = evidence.nonce.map(<[u8]>::to_vec);
    Ok(verified)
}

/// Verifies a bare quote. It carries no nonce of its own, so that a policy with a rule for one
/// refuses it (T17): what it must answer to is given as its whole `extra_data`.
pub fn verify_quote(
    parts: &QuoteParts<'_>,
    policy: &TpmPolicy,
) -> Result<VerifiedQuote, AttestError> {
    verify_quote_with(parts, None, policy)
}

/// As [`verify_quote`], with the kernel's log ([`crate::ima`]) where there is one.
pub fn verify_quote_with(
    parts: &QuoteParts<'_>,
    kernel_log: Option<&[u8]>,
    policy: &TpmPolicy,
) -> Result<VerifiedQuote, AttestError> {
    if policy.nonce != NonceRule::Any {
        let expected = "evidence of kind tpm, which carries one";
        let actual = "a bare quote: give its whole extraData instead";
        return Err(AttestError::refuse(Check::t(17), "nonce", expected, actual));
    }
    judge(parts, None, kernel_log, policy)
}

/// Everything but the nonce.
fn judge(
    parts: &QuoteParts<'_>,
    runtime_log: Option<&[u8]>,
    kernel_log: Option<&[u8]>,
    policy: &TpmPolicy,
) -> Result<VerifiedQuote, AttestError> {
    let mut ledger = Ledger::new();
    let attest = Attest::parse(parts.attest)?;
    let signature = Signature::parse(parts.signature)?;
    let (bank, selection) = one_bank(&attest.selections)?;
    ledger.passed([13, 14, 15, 20]);
    let key = judge_key(&parts.ak, policy, &mut ledger)?;
    check_signer(attest.qualified_signer, policy, &mut ledger)?;
    check_extra_data(attest.extra_data, parts.extra_data, &mut ledger)?;
    check_signature(parts.attest, &signature, &key)?;
    ledger.passed([18]);
    check_selected(selection, policy)?;
    ledger.passed([19]);
    let pcrs = check_values(parts, selection, bank, &attest, &signature)?;
    ledger.passed([21]);
    check_clock(&attest, policy, &mut ledger)?;
    check_firmware(attest.firmware_version, policy, &mut ledger)?;
    check_reference(&pcrs, policy, &mut ledger)?;
    let firmware = parts.event_log.map(UnverifiedEventLog::parse).transpose()?;
    let runtime_log = runtime::judge(runtime_log, bank, &pcrs, policy)?;
    let mut notes = key.notes;
    notes.extend(runtime_log.as_ref().map(|log| runtime::note(log, policy)));
    let mut kernel = ima::judge(kernel_log, bank, &pcrs, policy)?;
    if let Some(judged) = &mut kernel {
        ledger.enter(std::mem::take(&mut judged.outcomes));
        notes.append(&mut judged.notes);
    }
    let event_log = match &firmware {
        Some(log) => {
            let runtime = runtime_log.as_ref().map(VerifiedRuntimeLog::register);
            let replayed = runtime.into_iter().chain(kernel.as_ref().map(|_| ima::PCR)).collect();
            let judged = eventlog::verify(log, bank, &pcrs, &replayed, policy)?;
            ledger.enter(judged.outcomes);
            notes.extend(judged.notes);
            Some(judged.log)
        }
        None => None,
    };
    check_log_policy(event_log.as_ref(), policy)?;
    Ok(VerifiedQuote {
        ak_spki: key.key.spki_der()?,
        ak_name: key.name,
        ak_basis: key.basis,
        hash_algorithm: bank,
        pcrs,
        clock: attest.clock,
        firmware_version: attest.firmware_version,
        qualified_signer: attest.qualified_signer.to_vec(),
        extra_data: attest.extra_data.to_vec(),
        user_data: None,
        key_set: None,
        nonce: None,
        event_log,
        runtime_log: runtime_log.map(Box::new),
        kernel_log: kernel.map(|judged| Box::new(judged.log)),
        judged_at_ms: policy.time_ms(),
        checks: ledger.finish(),
        notes,
    })
}

/// The TPM name of an attestation key: what a policy pins. The public area must pass T4 to T6.
pub fn ak_name(public: &[u8]) -> Result<Vec<u8>, AttestError> {
    Ok(AkPublic::parse(public)?.name)
}

/// T19, as far as it needs no policy: SHA-1 banks and mixtures are refused before a signature is
/// computed.
fn one_bank(selections: &[Selection]) -> Result<(HashAlgorithm, &[u8]), AttestError> {
    let refuse = |what: &str, expected: &str, actual: String| {
        Err(AttestError::refuse(Check::t(19), what, expected, actual))
    };
    let [selection] = selections else {
        return refuse("banks selected", "exactly one", selections.len().to_string());
    };
    let bank = HashAlgorithm::of(selection.bank, Check::t(19), "bank")?;
    if bank == HashAlgorithm::Sha512 {
        return refuse("bank", "SHA-256 or SHA-384", bank.to_string());
    }
    if selection.pcrs.is_empty() {
        return refuse("registers selected", "at least one", "none".to_owned());
    }
    Ok((bank, &selection.pcrs))
}

/// T16.
fn check_signer(actual: &[u8], policy: &TpmPolicy, ledger: &mut Ledger) -> Result<(), AttestError> {
    match &policy.qualified_signer {
        None => ledger.not_checked(16, "the policy gives no qualified name"),
        Some(expected) if expected == actual => ledger.passed([16]),
        Some(expected) => {
            let check = Check::t(16);
            return Err(AttestError::refuse(check, "qualifiedSigner", hex(expected), hex(actual)));
        }
    }
    Ok(())
}

/// T17: the whole field, neither a prefix nor a padded form.
fn check_extra_data(
    actual: &[u8],
    expected: Option<&[u8]>,
    ledger: &mut Ledger,
) -> Result<(), AttestError> {
    match expected {
        None => ledger.not_checked(17, "no expected extraData was given"),
        Some(expected) if expected == actual => ledger.passed([17]),
        Some(expected) => {
            let check = Check::t(17);
            return Err(AttestError::refuse(check, "extraData", hex(expected), hex(actual)));
        }
    }
    Ok(())
}

/// T17, the nonce inside the binding; whether the policy says anything about it.
fn check_nonce(rule: NonceRule, actual: Option<&[u8]>) -> Result<bool, AttestError> {
    let shown = |nonce: Option<&[u8]>| nonce.map_or("none".to_owned(), hex);
    let expected = match &rule {
        NonceRule::Any => return Ok(false),
        NonceRule::Absent => None,
        NonceRule::Exact(expected) => Some(expected.as_slice()),
    };
    if expected == actual {
        return Ok(true);
    }
    Err(AttestError::refuse(Check::t(17), "nonce", shown(expected), shown(actual)))
}

/// T18.
fn check_signature(
    message: &[u8],
    signature: &Signature<'_>,
    key: &JudgedKey,
) -> Result<(), AttestError> {
    if let Some(scheme) = key.scheme
        && scheme != signature.scheme
    {
        let (expected, actual) = (scheme.to_string(), signature.scheme.to_string());
        return Err(AttestError::refuse(Check::t(18), "signature scheme", expected, actual));
    }
    match key.key.signed(message, signature) {
        true => Ok(()),
        false => Err(AttestError::QuoteSignature),
    }
}

/// T19: what the policy reads must be signed (CVE-2022-0317).
fn check_selected(selection: &[u8], policy: &TpmPolicy) -> Result<(), AttestError> {
    match policy.reads().into_iter().find(|index| !selection.contains(index)) {
        None => Ok(()),
        Some(index) => Err(AttestError::NotSelected { index, selected: selection.to_vec() }),
    }
}

/// T21, and T24 for the values' lengths. The digest is by the signature's hash (TPM 2.0 Part 3,
/// 18.4), over the values in the order of the selection.
fn check_values(
    parts: &QuoteParts<'_>,
    selection: &[u8],
    bank: HashAlgorithm,
    attest: &Attest<'_>,
    signature: &Signature<'_>,
) -> Result<BTreeMap<u8, Vec<u8>>, AttestError> {
    let given: Vec<u8> = parts.pcrs.keys().copied().collect();
    if given != selection {
        let (expected, actual) = (format!("{selection:?}"), format!("{given:?}"));
        return Err(AttestError::refuse(Check::t(21), "registers given", expected, actual));
    }
    for value in parts.pcrs.values() {
        let bytes = bank.bytes() as u64;
        AttestError::within(Check::t(24), "PCR bytes", value.len() as u64, bytes, bytes)?;
    }
    let values: Vec<&[u8]> = parts.pcrs.values().copied().collect();
    let expected = signature.scheme.hash.digest(&values);
    if expected != attest.pcr_digest {
        let actual = hex(attest.pcr_digest);
        return Err(AttestError::refuse(Check::t(21), "pcrDigest", hex(&expected), actual));
    }
    Ok(parts.pcrs.iter().map(|(index, value)| (*index, value.to_vec())).collect())
}

/// T22.
fn check_clock(
    attest: &Attest<'_>,
    policy: &TpmPolicy,
    ledger: &mut Ledger,
) -> Result<(), AttestError> {
    let refuse = |what: &str, expected: String, actual: String| {
        Err(AttestError::refuse(Check::t(22), what, expected, actual))
    };
    let now = attest.clock;
    if !now.safe {
        return refuse("clockInfo", "safe".to_owned(), "not safe".to_owned());
    }
    let Some(last) = policy.clock else {
        ledger.not_checked(22, "safe, but the policy knows no earlier quote to compare with");
        return Ok(());
    };
    // Lexicographic: each counter starts again when the one before it moves on.
    let order = |clock: crate::tpm::ClockInfo| (clock.reset_count, clock.restart_count);
    if order(now) < order(last) {
        let expected = format!("not before {:?}", order(last));
        return refuse("resetCount, restartCount", expected, format!("{:?}", order(now)));
    }
    if now.reset_count == last.reset_count && now.clock < last.clock {
        let expected = format!("at least {} ms", last.clock);
        return refuse("clock", expected, format!("{} ms", now.clock));
    }
    ledger.passed([22]);
    Ok(())
}

/// T23.
fn check_firmware(actual: u64, policy: &TpmPolicy, ledger: &mut Ledger) -> Result<(), AttestError> {
    match &policy.firmware {
        None => ledger.not_checked(23, "the policy names no firmware version"),
        Some(versions) if versions.contains(&actual) => ledger.passed([23]),
        Some(versions) => {
            let shown: Vec<String> = versions.iter().map(|one| format!("{one:#018x}")).collect();
            let (expected, actual) = (shown.join(" or "), format!("{actual:#018x}"));
            return Err(AttestError::refuse(Check::t(23), "firmwareVersion", expected, actual));
        }
    }
    Ok(())
}

/// T24.
fn check_reference(
    pcrs: &BTreeMap<u8, Vec<u8>>,
    policy: &TpmPolicy,
    ledger: &mut Ledger,
) -> Result<(), AttestError> {
    let check = Check::t(24);
    let mismatch = |index: u8, expected: String, actual: &[u8]| {
        Err(AttestError::PcrMismatch { check, index, expected, actual: hex(actual) })
    };
    for (index, expected) in &policy.pcrs {
        let actual = pcrs.get(index).ok_or(AttestError::PcrMissing { check, index: *index })?;
        if !crate::reference::same(expected, actual) {
            return mismatch(*index, format!("{} (policy)", hex(expected)), actual);
        }
    }
    for (index, accepted) in &policy.runtime {
        let actual = pcrs.get(index).ok_or(AttestError::PcrMissing { check, index: *index })?;
        if !accepted.iter().any(|expected| crate::reference::same(expected, actual)) {
            let shown: Vec<String> = accepted.iter().map(|one| hex(one)).collect();
            return mismatch(*index, format!("{} (policy)", shown.join(" or ")), actual);
        }
    }
    for index in &policy.unextended {
        let actual = pcrs.get(index).ok_or(AttestError::PcrMissing { check, index: *index })?;
        if actual.iter().any(|byte| *byte != 0) {
            return mismatch(*index, "zero: never extended (policy)".to_owned(), actual);
        }
    }
    match policy.pcrs.is_empty() {
        true => ledger.not_checked(24, "the policy gives no reference values of the boot"),
        false => ledger.passed([24]),
    }
    Ok(())
}

/// T25 and T29, as far as the policy asks for a log or for what it says.
fn check_log_policy(
    log: Option<&eventlog::VerifiedEventLog>,
    policy: &TpmPolicy,
) -> Result<(), AttestError> {
    let required = policy.event_log_required || policy.secure_boot_required;
    let Some(log) = log else {
        return match required {
            true => Err(AttestError::refuse(Check::t(25), "event log", "one", "none")),
            false => Ok(()),
        };
    };
    if policy.secure_boot_required && log.secure_boot().state() != SecureBootState::Enabled {
        let actual = log.secure_boot().state().to_string();
        return Err(AttestError::refuse(Check::t(29), "secure boot", "enabled", actual));
    }
    Ok(())
}
