//! The checks on a proof, P1 to P22, by number. The checks on its evidence (N1 to N42, T1 to T34)
//! are in `attest`, those on a policy (Y1 to Y7) in `policy`. A number must never be reused.

use std::fmt;

/// One check of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Check(u8);

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was made and held.
    Passed,
    /// It could not be made, and why. Never the same as passed.
    NotChecked(&'static str),
}

const TITLES: [(&str, &str); 22] = [
    ("P1", "envelope is one COSE_Sign1"),
    ("P2", "headers are the format's"),
    ("P3", "statement is canonical"),
    ("P4", "proof hash covers every signed field"),
    ("P5", "Ed25519 signature, strict"),
    ("P6", "signer is the attested key, not revoked or retired"),
    ("P7", "proof is in the quoted log"),
    ("P8", "quote is over that checkpoint"),
    ("P9", "log is gapless, consistent and never forked"),
    ("P10", "evaluated within the quote's time"),
    ("P11", "nonce is the verifier's"),
    ("P12", "rules are the authorities'"),
    ("P13", "modules are in that bundle"),
    ("P14", "lists are in that bundle"),
    ("P15", "input is the one given"),
    ("P16", "facts follow from the input"),
    ("P17", "replay gives the same bytes"),
    ("P18", "decision follows from the rules"),
    ("P19", "single result is in the output"),
    ("P20", "enough witnesses cosigned the checkpoint"),
    ("P21", "modules follow from their sources"),
    ("P22", "the interpreter agrees"),
];

impl Check {
    /// How many checks there are.
    pub const COUNT: usize = TITLES.len();

    /// Every check, in order.
    pub fn all() -> impl Iterator<Item = Check> {
        (1..=22).map(Check)
    }

    /// `P1` to `P22`.
    pub fn name(self) -> &'static str {
        TITLES[usize::from(self.0) - 1].0
    }

    /// What it asks, in a few words.
    pub fn title(self) -> &'static str {
        TITLES[usize::from(self.0) - 1].1
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
