//! Checks to claims, as EAR.md says. A claim is affirmed when every check it rests on was made and
//! held; a status when, beyond that, every check of the subject's core was. A refusal blames the
//! category that the failed check is about, and claims nothing else.

use crate::claim::{Category, Claim, Tier, Vector};
use crate::findings::Findings;
use crate::result::{Appraisal, not_checked};
use serde_json::{Map, Value};

/// What is appraised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A Nitro Enclave, or an instance with NitroTPM, by its document.
    Enclave,
    /// A TPM, by its quote.
    Tpm,
    /// What the enclave decided: statement, log, rules, replay.
    Decision,
}

/// Who vouches for the hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// A root built into the verifier.
    BuiltIn,
    /// A root or key that the verifier's owner named.
    Named,
    /// The published test root, whose private key is public.
    Test,
}

/// One affirming claim and the checks it rests on. The first row of a category that holds wins.
struct Row(Category, Claim, &'static [&'static str]);

const ENCLAVE: [Row; 3] = [
    Row(Category::Hardware, Claim::AFFIRMED, CHAIN),
    Row(Category::Executables, Claim::APPROVED_BOOT, &["N34", "N36"]),
    Row(Category::Configuration, Claim::AFFIRMED, &["N35", "N36"]),
];
const CHAIN: &[&str] =
    &["N22", "N23", "N24", "N25", "N26", "N27", "N28", "N29", "N32", "N33", "N41"];
const ENCLAVE_CORE: &[&str] = &[
    "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9", "N10", "N11", "N12", "N13", "N14", "N15",
    "N16", "N17", "N18", "N19", "N20", "N21", "N22", "N23", "N24", "N25", "N26", "N27", "N28",
    "N29", "N32", "N33", "N34", "N36", "N41",
];

const TPM: [Row; 3] = [
    Row(Category::Hardware, Claim::AFFIRMED, &["T4", "T5", "T6", "T8", "T14", "T15", "T18"]),
    Row(Category::Executables, Claim::APPROVED_BOOT, &["T19", "T20", "T21", "T24"]),
    Row(Category::InstanceIdentity, Claim::AFFIRMED, &["T4", "T8", "T18"]),
];
const TPM_CORE: &[&str] =
    &["T4", "T5", "T6", "T8", "T13", "T14", "T15", "T17", "T18", "T19", "T20", "T21", "T24"];

const DECISION: [Row; 3] = [
    Row(Category::InstanceIdentity, Claim::AFFIRMED, &["P4", "P5", "P6", "P7", "P8"]),
    Row(Category::Configuration, Claim::AFFIRMED, &["P12", "P14"]),
    Row(Category::Executables, Claim::AFFIRMED, &["P12", "P13", "P17"]),
];
const DECISION_CORE: &[&str] = &["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P10", "P18"];

/// The appraisal of an accepted object.
pub fn appraise(subject: Subject, findings: &Findings, root: Root) -> Appraisal {
    let (rows, core): (&[Row], _) = match subject {
        Subject::Enclave => (&ENCLAVE, ENCLAVE_CORE),
        Subject::Tpm => (&TPM, TPM_CORE),
        Subject::Decision => (&DECISION, DECISION_CORE),
    };
    let mut vector = Vector::EMPTY;
    for Row(category, claim, needs) in rows {
        let is_open = vector.claim(*category) == Claim::NONE;
        if is_open && findings.all_passed(needs) {
            vector.set(*category, by_root(*category, *claim, root));
        }
    }
    let status = match vector.worst() {
        // Something of the core was not checked: nothing is asserted of the whole.
        Tier::Affirming if !findings.all_passed(core) => Tier::None,
        worst => worst,
    };
    let mut verifier = Map::new();
    verifier.insert("not_checked".into(), not_checked(findings));
    Appraisal::of(status, vector, verifier)
}

/// Hardware is as genuine as the root that vouches for it.
fn by_root(category: Category, claim: Claim, root: Root) -> Claim {
    match (category, root) {
        (Category::Hardware, Root::Named) => Claim::NAMED_ROOT,
        (Category::Hardware, Root::Test) => Claim::TEST_ROOT,
        _ => claim,
    }
}

/// The appraisal of an object that was refused: contraindicated, whatever the check. `check` is the
/// number that refused, as in `N34`.
pub fn contraindicate(subject: Subject, check: &str, detail: &str, remedy: &str) -> Appraisal {
    let mut vector = Vector::EMPTY;
    for (category, claim) in blame(subject, check) {
        vector.set(category, claim);
    }
    let mut verifier = Map::new();
    for (name, text) in [("refused_by", check), ("detail", detail), ("remedy", remedy)] {
        verifier.insert(name.into(), Value::from(text));
    }
    Appraisal::of(Tier::Contraindicated, vector, verifier)
}

/// What a failed check says about which category. Empty where it is about none: freshness, binding.
fn blame(subject: Subject, check: &str) -> Vec<(Category, Claim)> {
    let number = check.get(1..).and_then(|digits| digits.parse::<u8>().ok()).unwrap_or(0);
    let of = |category, claim| vec![(category, claim)];
    match (subject, check.as_bytes().first(), number) {
        (Subject::Enclave | Subject::Tpm, Some(b'N'), number) => blame_document(number),
        (Subject::Enclave | Subject::Tpm, Some(b'T'), number) => blame_quote(number),
        (Subject::Decision, Some(b'P'), 4..=8) => {
            of(Category::InstanceIdentity, Claim::CRYPTO_FAILED)
        }
        (Subject::Decision, Some(b'P'), 12) => of(Category::Configuration, Claim::CONTRAINDICATED),
        (Subject::Decision, Some(b'P'), 13 | 17 | 18 | 21 | 22) => {
            of(Category::Executables, Claim::CONTRAINDICATED)
        }
        (Subject::Decision, Some(b'P'), 14..=16) => {
            of(Category::SourcedData, Claim::CONTRAINDICATED)
        }
        // The decision stands on evidence that was refused.
        (Subject::Decision, Some(b'N' | b'T'), _) => {
            of(Category::InstanceIdentity, Claim::UNRECOGNISED)
        }
        _ => Vec::new(),
    }
}

fn blame_document(number: u8) -> Vec<(Category, Claim)> {
    match number {
        1..=21 => vec![(Category::Hardware, Claim::UNKNOWN)],
        22 => vec![(Category::Hardware, Claim::UNRECOGNISED)],
        23..=29 | 32 | 41 => vec![(Category::Hardware, Claim::CRYPTO_FAILED)],
        30 => vec![
            (Category::Hardware, Claim::CONTRAINDICATED),
            (Category::InstanceIdentity, Claim::CONTRAINDICATED),
        ],
        31 => vec![(Category::InstanceIdentity, Claim::UNRECOGNISED)],
        33 => vec![(Category::Executables, Claim::UNKNOWN)],
        34 => vec![(Category::Executables, Claim::UNRECOGNISED_RUNTIME)],
        35 => vec![(Category::Configuration, Claim::CONTRAINDICATED)],
        36 => vec![
            (Category::Configuration, Claim::CONTRAINDICATED),
            (Category::RuntimeOpaque, Claim::CONTRAINDICATED),
        ],
        _ => Vec::new(),
    }
}

fn blame_quote(number: u8) -> Vec<(Category, Claim)> {
    match number {
        13 => vec![(Category::Hardware, Claim::UNKNOWN)],
        4..=6 | 14 | 15 | 18 => vec![(Category::Hardware, Claim::CRYPTO_FAILED)],
        8 | 16 => vec![(Category::InstanceIdentity, Claim::UNRECOGNISED)],
        19..=21 => vec![(Category::Executables, Claim::CRYPTO_FAILED)],
        23 => vec![(Category::Hardware, Claim::UNRECOGNISED)],
        24 => vec![(Category::Executables, Claim::UNRECOGNISED_RUNTIME)],
        25..=28 | 30 => vec![(Category::Executables, Claim::CRYPTO_FAILED)],
        29 => vec![(Category::Configuration, Claim::CONTRAINDICATED)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(passed: &[&str], open: &[&str]) -> Findings {
        let mut findings = Findings::default();
        passed.iter().for_each(|check| findings.passed(check));
        open.iter().for_each(|check| findings.not_checked(check, "title", "why"));
        findings
    }

    fn all(letter: char, last: u8) -> Vec<String> {
        (1..=last).map(|number| format!("{letter}{number}")).collect()
    }

    fn every(subject: Subject) -> Vec<String> {
        match subject {
            Subject::Enclave => all('N', 42),
            Subject::Tpm => all('T', 34),
            Subject::Decision => all('P', 22),
        }
    }

    const SUBJECTS: [Subject; 3] = [Subject::Enclave, Subject::Tpm, Subject::Decision];

    #[test]
    fn everything_passed_affirms_what_the_table_names() {
        for (subject, expected) in [
            (Subject::Enclave, [0, 2, 3, 0, 2, 0, 0, 0]),
            (Subject::Tpm, [2, 0, 3, 0, 2, 0, 0, 0]),
            (Subject::Decision, [2, 2, 2, 0, 0, 0, 0, 0]),
        ] {
            let every = every(subject);
            let passed: Vec<_> = every.iter().map(String::as_str).collect();
            let appraisal = appraise(subject, &findings(&passed, &[]), Root::BuiltIn);
            assert_eq!(appraisal.status(), Tier::Affirming);
            let values: Vec<_> =
                Category::ALL.iter().map(|c| appraisal.vector().claim(*c).value()).collect();
            assert_eq!(values, expected, "{subject:?}");
        }
    }

    #[test]
    fn no_check_that_was_not_made_is_affirmed() {
        for subject in SUBJECTS {
            let every = every(subject);
            let (rows, core): (&[Row], _) = match subject {
                Subject::Enclave => (&ENCLAVE, ENCLAVE_CORE),
                Subject::Tpm => (&TPM, TPM_CORE),
                Subject::Decision => (&DECISION, DECISION_CORE),
            };
            for check in &every {
                let passed: Vec<_> =
                    every.iter().filter(|c| *c != check).map(String::as_str).collect();
                let open = findings(&passed, &[check]);
                let appraisal = appraise(subject, &open, Root::BuiltIn);
                for Row(category, _, needs) in rows {
                    let rests = needs.contains(&check.as_str());
                    let claim = appraisal.vector().claim(*category);
                    assert_eq!(claim == Claim::NONE, rests, "{subject:?} {check} {category:?}");
                }
                let is_core = core.contains(&check.as_str());
                let expected = if is_core { Tier::None } else { Tier::Affirming };
                assert_eq!(appraisal.status(), expected, "{subject:?} {check}");
            }
            let nothing = appraise(subject, &Findings::default(), Root::BuiltIn);
            assert_eq!(*nothing.vector(), Vector::EMPTY);
            assert_eq!(nothing.status(), Tier::None);
        }
    }

    #[test]
    fn a_root_that_is_not_built_in_is_said_and_the_test_root_warned_of() {
        let every = every(Subject::Enclave);
        let passed: Vec<_> = every.iter().map(String::as_str).collect();
        let of = |root| {
            let appraisal = appraise(Subject::Enclave, &findings(&passed, &[]), root);
            (appraisal.vector().claim(Category::Hardware).value(), appraisal.status())
        };
        assert_eq!(of(Root::BuiltIn), (2, Tier::Affirming));
        assert_eq!(of(Root::Named), (-2, Tier::Affirming));
        assert_eq!(of(Root::Test), (-33, Tier::Warning));
    }

    #[test]
    fn a_refusal_is_contraindicated_and_affirms_nothing() {
        for subject in SUBJECTS {
            for check in ['N', 'T', 'P', 'Y'].into_iter().flat_map(|letter| all(letter, 42)) {
                let appraisal = contraindicate(subject, &check, "detail", "remedy");
                assert_eq!(appraisal.status(), Tier::Contraindicated, "{check}");
                let affirmed =
                    |c: &Category| appraisal.vector().claim(*c).tier() == Tier::Affirming;
                assert!(!Category::ALL.iter().any(affirmed), "{check}");
            }
        }
        for (subject, check, category, value) in [
            (Subject::Enclave, "N22", Category::Hardware, 97),
            (Subject::Enclave, "N32", Category::Hardware, 99),
            (Subject::Enclave, "N34", Category::Executables, 33),
            (Subject::Enclave, "N35", Category::Configuration, 96),
            (Subject::Enclave, "N36", Category::RuntimeOpaque, 96),
            (Subject::Tpm, "T18", Category::Hardware, 99),
            (Subject::Tpm, "T24", Category::Executables, 33),
            (Subject::Decision, "P5", Category::InstanceIdentity, 99),
            (Subject::Decision, "P17", Category::Executables, 96),
            (Subject::Decision, "N36", Category::InstanceIdentity, 97),
        ] {
            let appraisal = contraindicate(subject, check, "", "");
            assert_eq!(appraisal.vector().claim(category).value(), value, "{check}");
        }
    }
}
