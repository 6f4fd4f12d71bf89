//! Bytes changed at random: nothing panics, and nothing that is decided changes unnoticed.

use crate::forged::{cases, policy};
use attest::eventlog::{UnverifiedEventLog, parse_signature_lists};
use attest::tpm::{
    AkParts, AkTrust, HashAlgorithm, QuoteParts, TpmEvidence, ak_name, verify_evidence,
    verify_quote,
};
use attestation_fixtures::conformance::{Entry, conformance};

/// A small generator: the same changes on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// One to four changes: flips, overwritten runs, cuts, insertions.
    fn change(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(out.len());
            match self.below(6) {
                0 | 1 if !out.is_empty() => out[at] ^= 1 << self.below(8),
                2 => out.truncate(at),
                3 => out.insert(at, self.below(256) as u8),
                4 => {
                    let end = out.len().min(at + 1 + self.below(8));
                    let fill = [0, 0xff, 0x7f, 0x80][self.below(4)];
                    out[at..end].fill(fill);
                }
                _ => {
                    let end = out.len().min(at + self.below(64));
                    let run = out[at..end].to_vec();
                    let to = self.below(out.len());
                    out.splice(to..to, run);
                }
            }
        }
        out
    }
}

fn case(name: &str) -> &'static Entry {
    cases().find(|entry| entry.name == name).unwrap()
}

#[test]
fn every_flipped_byte_of_evidence_is_refused() {
    for name in ["tpm/good-p256", "tpm/good-rsa2048", "tpm/good-certified-p256"] {
        let entry = case(name);
        let policy = policy(conformance(), entry).unwrap();
        let mut bytes = conformance().bytes(&entry.file).to_vec();
        assert!(verify_evidence(&bytes, None, &policy).is_ok());
        let public = TpmEvidence::parse(&bytes).unwrap().ak_public.to_vec();
        let public_at = bytes.windows(public.len()).position(|one| one == public).unwrap();
        let mut accepted = Vec::new();
        for at in 0..bytes.len() {
            let mask = 1 << (at % 8);
            bytes[at] ^= mask;
            if let Ok(quote) = verify_evidence(&bytes, None, &policy) {
                // A certificate binds the key, not the attributes beside it: no name, no T5.
                assert_eq!(quote.ak_name(), None);
                let five = quote.checks().iter().find(|(check, _)| check.as_str() == "T5");
                assert!(matches!(five.unwrap().1, attest::Outcome::NotChecked(_)));
                accepted.push(at);
            }
            bytes[at] ^= mask;
        }
        let inside = public_at..public_at + public.len();
        let unbound = name == "tpm/good-certified-p256";
        assert_eq!(accepted.is_empty(), !unbound, "{name}: {accepted:?}");
        assert!(accepted.iter().all(|at| inside.contains(at)), "{name}: {accepted:?}");
        for length in 0..bytes.len() {
            assert!(verify_evidence(&bytes[..length], None, &policy).is_err(), "{name}: {length}");
        }
    }
}

#[test]
fn changed_evidence_never_panics() {
    let mut random = Random(0x5eed_0001);
    for name in ["tpm/good-rsa2048", "tpm/good-certified-p256", "tpm/good-with-event-log"] {
        let entry = case(name);
        let corpus = conformance();
        let policy = policy(corpus, entry).unwrap();
        let log = entry.materials.get("event_log").map(|path| corpus.bytes(path));
        let bytes = corpus.bytes(&entry.file);
        for _ in 0..2000 {
            let changed = random.change(bytes);
            let accepted = verify_evidence(&changed, log, &policy).is_ok();
            // Only in the public area of a certified key may a change go unnoticed.
            let unbound = name == "tpm/good-certified-p256";
            assert!(!accepted || changed == bytes || unbound, "{name}");
        }
    }
}

#[test]
fn changed_structures_never_panic() {
    let mut random = Random(0x5eed_0002);
    let entry = case("tpm/good-certified-rsa2048");
    let bytes = conformance().bytes(&entry.file);
    // A bare quote carries no nonce of its own; its extraData is given whole.
    let policy = policy(conformance(), entry).unwrap().with_nonce(attest::NonceRule::Any);
    let evidence = TpmEvidence::parse(bytes).unwrap();
    let extra_data = evidence.extra_data();
    for round in 0..4000 {
        let (mut attest, mut signature) = (evidence.attest.to_vec(), evidence.signature.to_vec());
        let mut public = evidence.ak_public.to_vec();
        let mut leaf = evidence.certificates[0].to_vec();
        let part = [&mut attest, &mut signature, &mut public, &mut leaf][round % 4].clone();
        let changed = random.change(&part);
        match round % 4 {
            0 => attest.clone_from(&changed),
            1 => signature.clone_from(&changed),
            2 => public.clone_from(&changed),
            _ => leaf.clone_from(&changed),
        }
        let mut certificates = evidence.certificates.clone();
        certificates[0] = &leaf;
        let parts = QuoteParts {
            attest: &attest,
            signature: &signature,
            ak: AkParts { public: Some(&public), spki: Some(&changed), certificates },
            pcrs: evidence.pcrs.clone(),
            extra_data: Some(&extra_data),
            event_log: None,
        };
        assert!(verify_quote(&parts, &policy).is_err());
        let parts = QuoteParts { ak: AkParts { spki: None, ..parts.ak.clone() }, ..parts };
        let accepted = verify_quote(&parts, &policy).is_ok();
        // The public area's name is not under the certificate: only the key in it is.
        assert!(!accepted || changed == part || round % 4 == 2, "round {round}");
        let _ = ak_name(&changed);
        let _ = AkTrust::new().with_key(&changed);
        let _ = AkTrust::new().with_root("r", &changed);
    }
}

#[test]
fn a_changed_log_never_changes_what_it_decides() {
    let entry = case("tpm/good-with-event-log");
    let corpus = conformance();
    let policy = policy(corpus, entry).unwrap();
    let evidence = corpus.bytes(&entry.file);
    let log = corpus.bytes(&entry.materials["event_log"]);
    let honest = verify_evidence(evidence, Some(log), &policy).unwrap();
    let honest = honest.event_log().unwrap();
    let mut random = Random(0x5eed_0003);
    let mut accepted = 0;
    let flips = (0..log.len()).map(|at| {
        let mut changed = log.to_vec();
        changed[at] ^= 1 << (at % 8);
        changed
    });
    let random_changes = (0..6000).map(|_| random.change(log));
    for changed in flips.chain(random_changes) {
        let _ = UnverifiedEventLog::parse(&changed).map(|one| one.replay(HashAlgorithm::Sha256));
        let Ok(verdict) = verify_evidence(evidence, Some(&changed), &policy) else { continue };
        accepted += 1;
        let found = verdict.event_log().unwrap();
        let (seen, known) = (found.secure_boot(), honest.secure_boot());
        assert_eq!(seen.state(), known.state());
        assert_eq!(seen.platform_keys(), known.platform_keys());
        assert_eq!(seen.exchange_keys(), known.exchange_keys());
        assert_eq!(seen.allowed(), known.allowed());
        assert_eq!(seen.forbidden(), known.forbidden());
        assert!(seen.authorities().iter().all(|one| known.authorities().contains(one)));
        assert_eq!(found.boot_services_ended(), honest.boot_services_ended());
        let digests = |log: &attest::eventlog::VerifiedEventLog| {
            log.events().iter().map(|one| (one.pcr(), one.digest().to_vec())).collect::<Vec<_>>()
        };
        // Order between registers means nothing; within one it is what replay binds.
        let (mut left, mut right) = (digests(found), digests(honest));
        left.sort_by_key(|(pcr, _)| *pcr);
        right.sort_by_key(|(pcr, _)| *pcr);
        assert_eq!(left, right);
        for event in found.events() {
            if let Some(data) = event.measured_data() {
                assert!(honest.events().iter().any(|one| one.measured_data() == Some(data)));
            }
        }
    }
    assert!(accepted > 0, "some changes touch only what nobody believes");
}

#[test]
fn every_truncation_of_a_log_is_refused() {
    let entry = case("tpm/good-with-event-log");
    let corpus = conformance();
    let policy = policy(corpus, entry).unwrap();
    let log = corpus.bytes(&entry.materials["event_log"]);
    for length in 0..log.len() {
        let verdict = verify_evidence(corpus.bytes(&entry.file), Some(&log[..length]), &policy);
        assert!(verdict.is_err(), "{length}");
    }
}

#[test]
fn padding_after_a_log_is_noted_and_nothing_else() {
    let entry = case("tpm/good-with-event-log");
    let corpus = conformance();
    let policy = policy(corpus, entry).unwrap();
    let log = corpus.bytes(&entry.materials["event_log"]);
    for fill in [0, 0xff] {
        let padded = [log, &[fill; 300]].concat();
        let verdict = verify_evidence(corpus.bytes(&entry.file), Some(&padded), &policy).unwrap();
        assert!(verdict.notes().iter().any(|note| note.starts_with("T26 300 bytes")));
        let mixed = [log, &[fill; 300], &[1]].concat();
        let verdict = verify_evidence(corpus.bytes(&entry.file), Some(&mixed), &policy);
        assert_eq!(verdict.unwrap_err().check(), "T26");
    }
}

#[test]
fn changed_key_lists_never_panic_and_never_grow() {
    let entry = |fill: u8| [[0x11; 16].as_slice(), &[fill; 32]].concat();
    let kind = [
        0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43,
        0x28,
    ];
    let list = |kind: [u8; 16], header: &[u8], entries: &[Vec<u8>]| {
        let body = entries.concat();
        let size = 28 + header.len() + body.len();
        let numbers = [size as u32, header.len() as u32, 48].map(u32::to_le_bytes).concat();
        [&kind[..], &numbers, header, &body].concat()
    };
    let good = list(kind, &[], &[entry(1), entry(2)]);
    assert_eq!(parse_signature_lists(&good).unwrap().len(), 2);
    // A kind of its own may have a header: it is skipped, and never taken for an entry.
    let headed = list([9; 16], &[0xee; 48], &[entry(3)]);
    let found = parse_signature_lists(&[good.clone(), headed].concat()).unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|one| !one.data.contains(&0xee)));
    assert_eq!(
        parse_signature_lists(&list(kind, &[0xee; 48], &[entry(3)])).unwrap_err().check(),
        "T28"
    );
    let mut random = Random(0x5eed_0004);
    for _ in 0..5000 {
        let changed = random.change(&good);
        if let Ok(entries) = parse_signature_lists(&changed) {
            assert!(entries.iter().map(|one| 16 + one.data.len()).sum::<usize>() <= changed.len());
        }
    }
}
