//! Witnesses: cosignature/v1 of C2SP tlog-cosignature (Ed25519). A witness says that at a time it
//! had seen this checkpoint and nothing that contradicts it. A cosignature that is there is not
//! yet one that was verified, and a witness counts once however often it signed and under however
//! many keys: the only way to a `VerifiedCosignatures` is `verify_witnesses`.

use crate::note::{KeyKind, Note, SignatureLine, TreeHead, VerifierKey};
use crate::{Part, ReceiptError};
use crypto::{Signature, SigningKey, VerifyingKey};
use std::collections::BTreeSet;
use std::fmt;

/// The key of a witness that a verifier trusts to have looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey(VerifierKey);

impl WitnessKey {
    /// A witness's key under its name.
    pub fn new(name: &str, key: VerifyingKey) -> Result<Self, ReceiptError> {
        Ok(Self(VerifierKey::new(name, KeyKind::Witness, key)?))
    }

    /// Reads a verifier key of signature type 0x04; a log's key is not a witness's.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let key = VerifierKey::parse(text)?;
        if key.kind() != KeyKind::Witness {
            return Err(ReceiptError::syntax(Part::VerifierKey, 1, "signature type 0x04", text));
        }
        Ok(Self(key))
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Enough known witnesses cosigned, and each of their cosignatures verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCosignatures {
    head: TreeHead,
    witnesses: Vec<(String, u64)>,
    witnessed_at_s: u64,
}

impl VerifiedCosignatures {
    /// The checkpoint that was witnessed.
    pub fn head(&self) -> &TreeHead {
        &self.head
    }

    /// Each witness once, with the earliest time that it stated, in seconds since 1970; sorted by
    /// time.
    pub fn witnesses(&self) -> &[(String, u64)] {
        &self.witnesses
    }

    /// When the checkpoint existed at the latest, in seconds since 1970: the k-th earliest time of
    /// k needed witnesses. It holds if at least one of any k witnesses is honest. The caller
    /// compares it with its own clock and with the quote's time: this crate has no clock.
    pub fn witnessed_at_s(&self) -> u64 {
        self.witnessed_at_s
    }
}

/// Accepts if at least `threshold` witnesses of `witnesses` cosigned the note's checkpoint (P20).
/// Keys of one name are one witness. Lines of unknown keys are ignored; a line of a known key that
/// does not verify refuses the note.
pub fn verify_witnesses(
    note: &Note,
    witnesses: &[WitnessKey],
    threshold: usize,
) -> Result<VerifiedCosignatures, ReceiptError> {
    check_set(witnesses, threshold)?;
    let head = TreeHead::parse(note.text())?;
    let mut seen: Vec<(String, u64)> = Vec::new();
    for WitnessKey(key) in witnesses {
        let lines = note.signatures().iter().filter(|line| line.is_of(key));
        let times = lines.map(|line| verify_line(note.text(), line, key));
        // Every line is verified before the earliest time is taken.
        if let Some(time) = times.collect::<Result<Vec<_>, _>>()?.into_iter().min() {
            match seen.iter_mut().find(|(name, _)| name == key.name()) {
                Some((_, earliest)) => *earliest = time.min(*earliest),
                None => seen.push((key.name().to_owned(), time)),
            }
        }
    }
    seen.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    match seen.get(threshold - 1) {
        Some((_, time)) => {
            let witnessed_at_s = *time;
            Ok(VerifiedCosignatures { head, witnesses: seen, witnessed_at_s })
        }
        None => Err(ReceiptError::Threshold { needed: threshold, found: seen.len() }),
    }
}

/// What a witness does once it has checked that the log only grew: its line under a checkpoint.
/// It signs the checkpoint's whole text, extension lines with it. A head whose text would not read
/// back as this head is refused: nobody signs what has two meanings.
pub fn cosign(
    head: &TreeHead,
    name: &str,
    key: &SigningKey,
    time_s: u64,
) -> Result<SignatureLine, ReceiptError> {
    let WitnessKey(public) = WitnessKey::new(name, key.verifying_key())?;
    if time_s > TIME_S_MAX {
        let problem = format!("expected a time below 2^63, found {time_s}");
        return Err(ReceiptError::WitnessSet { problem });
    }
    let text = head.to_text();
    if TreeHead::parse(&text)? != *head {
        return Err(ReceiptError::syntax(Part::Note, 1, "a head that its text gives back", &text));
    }
    let signature = key.sign(message(&text, time_s).as_bytes());
    let bytes = [&time_s.to_be_bytes()[..], &signature.0].concat();
    Ok(SignatureLine::by(&public, bytes))
}

/// One key is one witness, under whatever names: the signed message does not hold the name. One
/// name is one witness too, under whatever keys, and a threshold counts witnesses.
fn check_set(witnesses: &[WitnessKey], threshold: usize) -> Result<(), ReceiptError> {
    let refuse = |problem: String| Err(ReceiptError::WitnessSet { problem });
    if witnesses.len() > WITNESSES_MAX {
        return refuse(format!("expected at most {WITNESSES_MAX}, found {}", witnesses.len()));
    }
    let names = witnesses.iter().map(WitnessKey::name).collect::<BTreeSet<_>>().len();
    if threshold == 0 || threshold > names {
        return refuse(format!(
            "expected a threshold of 1 to the number of names, {names}, found {threshold}"
        ));
    }
    for (at, WitnessKey(one)) in witnesses.iter().enumerate() {
        let earlier = &witnesses[..at];
        if let Some(twin) = earlier.iter().find(|WitnessKey(other)| other.key() == one.key()) {
            return refuse(format!("{} and {} have one key", twin.name(), one.name()));
        }
    }
    Ok(())
}

/// The time that a known witness's line states, once its signature verified.
fn verify_line(text: &str, line: &SignatureLine, key: &VerifierKey) -> Result<u64, ReceiptError> {
    let wrong = || ReceiptError::Cosignature { witness: key.name().into() };
    let (time, signature) = line.signature().split_first_chunk().ok_or_else(wrong)?;
    let time_s = u64::from_be_bytes(*time);
    let signature = Signature(signature.try_into().map_err(|_| wrong())?);
    // Zero is how other kinds of cosignature say that they state no time.
    if time_s == 0 || time_s > TIME_S_MAX {
        return Err(wrong());
    }
    let message = message(text, time_s);
    key.key().verify_strict(message.as_bytes(), &signature).map_err(|_| wrong())?;
    Ok(time_s)
}

/// What is signed: its first line is nobody's origin by accident, and no COSE structure.
fn message(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

/// Most witnesses that one verifier is configured with.
pub const WITNESSES_MAX: usize = 64;
/// Largest time of a cosignature, in seconds (C2SP tlog-cosignature).
const TIME_S_MAX: u64 = i64::MAX as u64;
