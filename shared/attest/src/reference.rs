//! Reference values: the measurements of a release that a policy accepts (check N34), and the
//! comparison of registers. An enclave's release without PCR0, 1 and 2, or with a zero among them,
//! must never exist as a value: it would match debug enclaves. An instance's needs PCR4 or PCR7,
//! no reset value anywhere, and no register that a program can reset: AWS gives PCR0 to 3 the same
//! values on every instance.

use crate::error::{AttestError, DocumentKind};
use crate::tpm::RESETTABLE;
use crate::{Check, PCR_BYTES, Pcr, hex};
use std::collections::{BTreeMap, BTreeSet};

/// The registers that identify an enclave image.
pub(crate) const IMAGE_PCRS: [u8; 3] = [0, 1, 2];

/// The registers of an instance of which a release names at least one: the boot manager's code,
/// or the secure-boot policy under which it was started.
const INSTANCE_PCRS: [u8; 2] = [4, 7];

/// The measurements of one release, of an enclave or of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceValues {
    kind: DocumentKind,
    release: String,
    pcrs: BTreeMap<u8, Pcr>,
    /// The registers that tell this release from others.
    identity: Vec<u8>,
}

impl ReferenceValues {
    /// An enclave's release with at least PCR0, PCR1 and PCR2, none of them zero.
    pub fn new(release: impl Into<String>, pcrs: BTreeMap<u8, Pcr>) -> Result<Self, AttestError> {
        let release = release.into();
        for index in IMAGE_PCRS {
            let what = format!("reference value PCR{index} of release {release:?}");
            match pcrs.get(&index) {
                None => return Err(AttestError::value(34, what, "48 bytes", "none")),
                Some(value) if is_zero(value) => {
                    return Err(AttestError::value(34, what, "a measurement", "48 zero bytes"));
                }
                Some(_) => {}
            }
        }
        check_indexes(&release, &pcrs, 31)?;
        Ok(Self { kind: DocumentKind::Enclave, release, pcrs, identity: IMAGE_PCRS.to_vec() })
    }

    /// An instance's release (NitroTPM) with at least PCR4 or PCR7, none of its values zeros or ff
    /// only, without PCR16 and 23, which any program can reset. All registers named here identify
    /// it.
    pub fn nitrotpm(
        release: impl Into<String>,
        pcrs: BTreeMap<u8, Pcr>,
    ) -> Result<Self, AttestError> {
        let release = release.into();
        if !INSTANCE_PCRS.iter().any(|index| pcrs.contains_key(index)) {
            let what = format!("reference values of release {release:?}");
            return Err(AttestError::value(34, what, "PCR4 or PCR7", "neither"));
        }
        for (index, value) in &pcrs {
            check_instance_value(34, *index, value, &format!("release {release:?}"))?;
        }
        check_indexes(&release, &pcrs, 23)?;
        let identity = pcrs.keys().copied().collect();
        Ok(Self { kind: DocumentKind::NitroTpm, release, pcrs, identity })
    }

    /// Whose release it is.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The release's name.
    pub fn release(&self) -> &str {
        &self.release
    }

    /// Its registers.
    pub fn pcrs(&self) -> &BTreeMap<u8, Pcr> {
        &self.pcrs
    }

    fn image_matches(&self, actual: &BTreeMap<u8, Pcr>) -> bool {
        // All are compared whatever the first says.
        self.identity
            .iter()
            .map(|index| match (self.pcrs.get(index), actual.get(index)) {
                (Some(expected), Some(actual)) => equal(expected, actual),
                _ => false,
            })
            .fold(true, |all, one| all & one)
    }
}

/// Finds the release that the registers are, whole.
pub(crate) fn matching_release<'r>(
    releases: &'r [ReferenceValues],
    kind: DocumentKind,
    actual: &BTreeMap<u8, Pcr>,
) -> Result<&'r ReferenceValues, AttestError> {
    let releases: Vec<&ReferenceValues> =
        releases.iter().filter(|release| release.kind == kind).collect();
    if releases.is_empty() {
        let expected = format!("a release of a {kind}");
        return Err(AttestError::value(34, "policy", expected, "none of that kind"));
    }
    let mut other_registers_differ = None;
    for release in &releases {
        if !release.image_matches(actual) {
            continue;
        }
        let others = release.pcrs.iter().filter(|(index, _)| !release.identity.contains(index));
        match require(35, others, actual, &release.release) {
            Ok(()) => return Ok(release),
            Err(error) => other_registers_differ = Some(error),
        }
    }
    Err(other_registers_differ.unwrap_or_else(|| image_mismatch(&releases, actual)))
}

/// Compares every register of `expected` with the document's.
pub(crate) fn require<'v>(
    number: u8,
    expected: impl Iterator<Item = (&'v u8, &'v Pcr)>,
    actual: &BTreeMap<u8, Pcr>,
    source: &str,
) -> Result<(), AttestError> {
    let check = Check::n(number);
    for (index, expected) in expected {
        let found = actual.get(index).ok_or(AttestError::PcrMissing { check, index: *index })?;
        if !equal(expected, found) {
            return Err(AttestError::PcrMismatch {
                check,
                index: *index,
                expected: format!("{} ({source})", hex(expected)),
                actual: hex(found),
            });
        }
    }
    Ok(())
}

/// Names the first register whose value no release has; with a mixture of releases, the first.
fn image_mismatch(releases: &[&ReferenceValues], actual: &BTreeMap<u8, Pcr>) -> AttestError {
    let check = Check::n(34);
    let named: BTreeSet<u8> = releases.iter().flat_map(|one| one.identity.clone()).collect();
    let unknown = |index: &&u8| {
        let found = actual.get(index);
        let mut naming = releases.iter().filter(|one| one.pcrs.contains_key(index)).peekable();
        naming.peek().is_some() && !naming.any(|one| one.pcrs.get(index) == found)
    };
    let index = named.iter().find(unknown).or(named.first()).copied().unwrap_or(0);
    let Some(found) = actual.get(&index) else {
        return AttestError::PcrMissing { check, index };
    };
    let accepted: Vec<String> = releases
        .iter()
        .filter_map(|one| one.pcrs.get(&index).map(|pcr| format!("{} ({})", hex(pcr), one.release)))
        .collect();
    AttestError::PcrMismatch { check, index, expected: accepted.join(" or "), actual: hex(found) }
}

/// Whether a register's value can say something of an instance: not a value after a reset, and
/// not of a register that a program can give any value.
pub(crate) fn check_instance_value(
    number: u8,
    index: u8,
    value: &Pcr,
    source: &str,
) -> Result<(), AttestError> {
    let what = || format!("reference value PCR{index} of {source}");
    let reset = [(0, "48 zero bytes"), (0xff, "48 bytes of ff")];
    if let Some((_, name)) = reset.iter().find(|(byte, _)| equal(value, &[*byte; PCR_BYTES])) {
        return Err(AttestError::value(number, what(), "a measurement", *name));
    }
    if RESETTABLE.contains(&index) {
        let expected = "a register that no program can reset";
        return Err(AttestError::value(number, what(), expected, "one that any program can"));
    }
    Ok(())
}

fn check_indexes(release: &str, pcrs: &BTreeMap<u8, Pcr>, max: u8) -> Result<(), AttestError> {
    match pcrs.keys().find(|index| **index > max) {
        None => Ok(()),
        Some(index) => {
            let what = format!("PCR index of release {release:?}");
            Err(AttestError::value(35, what, format!("0 to {max}"), index.to_string()))
        }
    }
}

fn equal(a: &Pcr, b: &Pcr) -> bool {
    same(a, b)
}

/// Equality in a time that depends on the lengths alone.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y));
    a.len() == b.len() && std::hint::black_box(difference) == 0
}

pub(crate) fn is_zero(value: &Pcr) -> bool {
    equal(value, &[0; PCR_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_needs_three_measurements() {
        let full: BTreeMap<u8, Pcr> = (0..3).map(|index| (index, [index + 1; 48])).collect();
        assert!(ReferenceValues::new("1.0", full.clone()).is_ok());
        for index in 0..3 {
            let mut missing = full.clone();
            missing.remove(&index);
            let error = ReferenceValues::new("1.0", missing).unwrap_err();
            assert_eq!(error.check(), "N34");
            let mut zero = full.clone();
            zero.insert(index, [0; 48]);
            assert_eq!(ReferenceValues::new("1.0", zero).unwrap_err().check(), "N34");
        }
    }

    #[test]
    fn a_mixture_of_two_releases_is_none() {
        let release = |name: &str, base: u8| {
            let pcrs = (0..3).map(|index| (index, [base + index; 48])).collect();
            ReferenceValues::new(name, pcrs).unwrap()
        };
        let releases = [release("a", 10), release("b", 20)];
        let mixed = BTreeMap::from([(0, [10; 48]), (1, [21; 48]), (2, [12; 48])]);
        let error = matching_release(&releases, DocumentKind::Enclave, &mixed).unwrap_err();
        assert_eq!(error.check(), "N34");
        let whole = BTreeMap::from([(0, [20; 48]), (1, [21; 48]), (2, [22; 48])]);
        let found = matching_release(&releases, DocumentKind::Enclave, &whole).unwrap();
        assert_eq!(found.release(), "b");
        let other_kind = matching_release(&releases, DocumentKind::NitroTpm, &whole).unwrap_err();
        assert_eq!(other_kind.check(), "N34");
    }

    #[test]
    fn an_instance_needs_its_boot_measured() {
        let refused =
            |pcrs: BTreeMap<u8, Pcr>| ReferenceValues::nitrotpm("ami", pcrs).unwrap_err().check();
        assert_eq!(refused(BTreeMap::new()), "N34");
        assert_eq!(refused(BTreeMap::from([(0, [1; 48]), (1, [2; 48]), (2, [3; 48])])), "N34");
        assert_eq!(refused(BTreeMap::from([(4, [4; 48]), (12, [0; 48])])), "N34");
        assert_eq!(refused(BTreeMap::from([(4, [4; 48]), (24, [5; 48])])), "N35");
        let boot = ReferenceValues::nitrotpm("ami", BTreeMap::from([(4, [4; 48])])).unwrap();
        let signed = ReferenceValues::nitrotpm("db", BTreeMap::from([(7, [7; 48])])).unwrap();
        let both = [boot, signed];
        let find = |pcrs: BTreeMap<u8, Pcr>| {
            matching_release(&both, DocumentKind::NitroTpm, &pcrs)
                .map(|one| one.release().to_owned())
        };
        let registers = |four: u8, seven: u8| BTreeMap::from([(4, [four; 48]), (7, [seven; 48])]);
        assert_eq!(find(registers(4, 9)).unwrap(), "ami");
        assert_eq!(find(registers(9, 7)).unwrap(), "db");
        assert_eq!(find(registers(9, 9)).unwrap_err().check(), "N34");
        assert_eq!(find(BTreeMap::from([(0, [1; 48])])).unwrap_err().check(), "N34");
    }
}
