//! Cases of witnesses: P20. Lines of C2SP cosignature/v1 over the quoted checkpoint's note.

use super::{Builder, demanded};
use crate::base64;
use crate::conformance::manifest::Witnesses;
use crate::corpus::Expected;
use crate::proofs::{BOOT_ID, Backing, QUOTED_AT_MS, key};
use crypto::SigningKey;
use sha2::{Digest, Sha256};
use tlog::Checkpoint;

/// One line, right or wrong.
struct Line {
    name: &'static str,
    key: u8,
    time_s: u64,
    /// Seed of the key that really signs.
    signs: u8,
    note: fn(String) -> String,
    /// Algorithm byte of the key id.
    kind: u8,
}

impl Line {
    fn of(index: usize) -> Self {
        let time_s = QUOTED_AT_MS / 1000 + 10 + index as u64;
        let (name, key) = WITNESSES[index];
        Self { name, key, time_s, signs: key, note: |note| note, kind: COSIGNATURE_V1 }
    }

    fn text(&self, checkpoint: &Checkpoint) -> String {
        let note = (self.note)(note(checkpoint));
        let message = format!("cosignature/v1\ntime {}\n{note}", self.time_s);
        let signature = key(self.signs).sign(message.as_bytes());
        let id = key_id(self.name, self.kind, &key(self.key));
        let blob = [&id[..], &self.time_s.to_be_bytes(), &signature.0].concat();
        format!("\u{2014} {} {}", self.name, base64(&blob))
    }
}

pub(super) fn cases(build: &mut Builder<'_>) {
    let two = || vec![Line::of(0), Line::of(1)];
    let accept = Expected::Accept;
    case(build, "good-witnessed", accept, two());
    case(build, "good-three-witnesses", accept, vec![Line::of(0), Line::of(1), Line::of(2)]);
    let refuse = Expected::Refuse("P20");
    case(build, "witnesses-none", refuse, vec![]);
    case(build, "witnesses-too-few", refuse, vec![Line::of(0)]);
    case(build, "witness-twice", refuse, vec![Line::of(0), Line::of(0)]);
    let later = Line { time_s: QUOTED_AT_MS / 1000 + 99, ..Line::of(0) };
    case(build, "witness-twice-at-two-times", refuse, vec![Line::of(0), later]);
    let second = |line: Line| vec![Line::of(0), line];
    let stranger = Line { name: "stranger.example", key: 24, signs: 24, ..Line::of(1) };
    case(build, "witness-unknown", refuse, second(stranger));
    case(build, "witness-forged", refuse, second(Line { signs: 24, ..Line::of(1) }));
    let forged = Line { signs: 24, ..Line::of(2) };
    let line = vec![Line::of(0), Line::of(1), forged];
    case(build, "witness-forged-beside-enough", refuse, line);
    let other_note: fn(String) -> String = |note| note.replacen("\n5\n", "\n6\n", 1);
    case(
        build,
        "witness-of-another-size",
        refuse,
        second(Line { note: other_note, ..Line::of(1) }),
    );
    let other_log: fn(String) -> String = |note| note.replacen("/log/b0", "/log/b1", 1);
    case(build, "witness-of-another-log", refuse, second(Line { note: other_log, ..Line::of(1) }));
    case(build, "witness-as-log-key", refuse, second(Line { kind: 1, ..Line::of(1) }));
    let early = |index| Line { time_s: QUOTED_AT_MS / 1000 - 3600, ..Line::of(index) };
    case(build, "witnessed-before-the-quote", refuse, vec![early(0), early(1)]);
}

fn case(build: &mut Builder<'_>, name: &str, expected: Expected, lines: Vec<Line>) {
    let mut draft = build.draft(Backing::Nitro);
    let checkpoint = draft.spec.checkpoint();
    let text: String = lines.iter().map(|line| line.text(&checkpoint) + "\n").collect();
    if !lines.is_empty() {
        draft.cosignatures = Some(text.into_bytes());
    }
    demanded(&mut draft).witnesses = Some(Witnesses {
        keys: WITNESSES.iter().map(|(name, fill)| verifier_key(name, &key(*fill))).collect(),
        threshold: 2,
    });
    build.add(name, expected, draft);
}

/// The note's text (C2SP tlog-checkpoint).
pub(super) fn note(checkpoint: &Checkpoint) -> String {
    let boot: String = BOOT_ID.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("probity.example/log/{boot}\n{}\n{}\n", checkpoint.size, base64(&checkpoint.root))
}

fn key_id(name: &str, kind: u8, key: &SigningKey) -> [u8; 4] {
    let public = key.verifying_key().to_bytes();
    let hash = Sha256::digest([name.as_bytes(), b"\n", &[kind], &public].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

fn verifier_key(name: &str, key: &SigningKey) -> String {
    let id = super::hex(&key_id(name, COSIGNATURE_V1, key));
    let public = [&[COSIGNATURE_V1][..], &key.verifying_key().to_bytes()].concat();
    format!("{name}+{id}+{}", base64(&public))
}

const WITNESSES: [(&str, u8); 3] =
    [("one.witness.example", 21), ("two.witness.example", 22), ("three.witness.example", 23)];
const COSIGNATURE_V1: u8 = 0x04;
