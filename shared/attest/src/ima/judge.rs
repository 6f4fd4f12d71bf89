//! The kernel's log against a quoted PCR10 (checks T31, T33, T34). The log goes on while it is
//! read: the part that leads to the quoted value counts, what comes after it is counted and
//! forgotten.

use crate::Check;
use crate::check::Outcome;
use crate::error::AttestError;
use crate::hex;
use crate::ima::entry::{KernelLogEntry, entries};
use crate::tpm::{HashAlgorithm, TpmPolicy};
use std::collections::BTreeMap;

/// The register of the kernel's measurements.
pub(crate) const PCR: u8 = 10;

/// A log whose replay gave the quoted PCR10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedKernelLog {
    pub(crate) files: Vec<(String, String)>,
    pub(crate) violations: usize,
    pub(crate) ahead: usize,
}

impl VerifiedKernelLog {
    /// What was measured up to the quote, in order: path, and hash with digest as `sha256:…`.
    /// `boot_aggregate` is no file.
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// How many of them changed while they were measured.
    pub fn violations(&self) -> usize {
        self.violations
    }

    /// How many entries the log has after the quote; nothing binds them.
    pub fn ahead(&self) -> usize {
        self.ahead
    }
}

/// A log that holds, and what became of its checks.
pub(crate) struct Judged {
    pub(crate) log: VerifiedKernelLog,
    pub(crate) outcomes: Vec<(u8, Outcome)>,
    pub(crate) notes: Vec<String>,
}

/// Judges `log` against registers whose quote was verified, PCR10 among them.
pub(crate) fn judge(
    log: Option<&[u8]>,
    bank: HashAlgorithm,
    quoted: &BTreeMap<u8, Vec<u8>>,
    policy: &TpmPolicy,
) -> Result<Option<Judged>, AttestError> {
    let Some(log) = log else {
        return match &policy.file_list {
            None => Ok(None),
            Some(_) => Err(AttestError::refuse(Check::t(31), "kernel's log", "one", "none")),
        };
    };
    let parsed = entries(log)?;
    let Some(expected) = quoted.get(&PCR) else {
        let selected = quoted.keys().copied().collect();
        return Err(AttestError::NotSelected { index: PCR, selected });
    };
    let count = quoted_entries(&parsed, bank, expected)?;
    let (bound, ahead) = parsed.split_at(count);
    let mut notes = Vec::new();
    let violations = bound.iter().filter(|entry| entry.is_violation).count();
    if violations > 0 {
        notes.push(format!("T31 {violations} files changed while the kernel measured them"));
    }
    if !ahead.is_empty() {
        notes.push(format!("T33 {} entries after the quote were not judged", ahead.len()));
    }
    notes.extend(boot_aggregate(bound, quoted, bank)?);
    let mut listed = Outcome::NotChecked("the policy has no list of files");
    if let Some(list) = &policy.file_list {
        for entry in bound.iter().filter(|entry| !is_boot_aggregate(entry)) {
            list.check(entry)?;
        }
        listed = Outcome::Passed;
    }
    let files = bound.iter().map(|entry| {
        let shown: String = entry.shown_path().escape_debug().collect();
        (shown, format!("{}:{}", entry.algorithm, hex(entry.digest)))
    });
    let outcomes =
        vec![(31, Outcome::Passed), (32, Outcome::Passed), (33, Outcome::Passed), (34, listed)];
    let log = VerifiedKernelLog { files: files.collect(), violations, ahead: ahead.len() };
    Ok(Some(Judged { log, outcomes, notes }))
}

/// T31, T33: how many entries lead to the quoted value.
fn quoted_entries(
    entries: &[KernelLogEntry<'_>],
    bank: HashAlgorithm,
    expected: &[u8],
) -> Result<usize, AttestError> {
    let mut register = vec![0; bank.bytes()];
    for (index, entry) in entries.iter().enumerate() {
        register = bank.digest(&[&register, &entry.extension(bank)]);
        if register == expected {
            return Ok(index + 1);
        }
    }
    let expected = format!("a log that replays to {}", hex(expected));
    let actual = format!("{} entries, none of which it does after", entries.len());
    Err(AttestError::refuse(Check::t(31), "PCR10", expected, actual))
}

/// The kernel's own first entry: the registers as the boot left them.
fn is_boot_aggregate(entry: &KernelLogEntry<'_>) -> bool {
    entry.number == 0 && entry.path == b"boot_aggregate" && !entry.is_violation
}

/// T32: the aggregate is the hash of PCR0 to PCR9, where these are quoted in the bank of its hash.
fn boot_aggregate(
    bound: &[KernelLogEntry<'_>],
    quoted: &BTreeMap<u8, Vec<u8>>,
    bank: HashAlgorithm,
) -> Result<Option<String>, AttestError> {
    let Some(entry) = bound.first().filter(|entry| is_boot_aggregate(entry)) else {
        let (what, expected) = ("entry 0 of the kernel's log", "boot_aggregate");
        let actual = bound.first().map_or(String::new(), KernelLogEntry::shown_path);
        return Err(AttestError::refuse(Check::t(32), what, expected, actual));
    };
    let values: Vec<&[u8]> = (0..=9).filter_map(|index| Some(&quoted.get(&index)?[..])).collect();
    if values.len() != 10 || entry.digest.len() != bank.bytes() {
        return Ok(Some(
            "T32 boot_aggregate was not compared: it needs PCR0 to PCR9 of its own bank".to_owned(),
        ));
    }
    let expected = bank.digest(&values);
    match expected == entry.digest {
        true => Ok(None),
        false => {
            let (expected, actual) = (hex(&expected), hex(entry.digest));
            Err(AttestError::refuse(Check::t(32), "boot_aggregate", expected, actual))
        }
    }
}
