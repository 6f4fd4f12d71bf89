//! Reference values: the measurements of a release that a policy accepts (check N34), and the
//! comparison of registers. A release without PCR0, 1 and 2, or with a zero among them, must
//! never exist as a value: it would match debug enclaves.

use crate::error::AttestError;
use crate::{Check, Pcr, hex};
use std::collections::BTreeMap;

/// The registers that identify an enclave image.
pub(crate) const IMAGE_PCRS: [u8; 3] = [0, 1, 2];

/// The measurements of one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceValues {
    release: String,
    pcrs: BTreeMap<u8, Pcr>,
}

impl ReferenceValues {
    /// A release with at least PCR0, PCR1 and PCR2, none of them zero.
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
        if let Some(index) = pcrs.keys().find(|index| **index > 31) {
            let what = format!("PCR index of release {release:?}");
            return Err(AttestError::value(35, what, "0 to 31", index.to_string()));
        }
        Ok(Self { release, pcrs })
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
        // All three are compared whatever the first says.
        IMAGE_PCRS
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
    actual: &BTreeMap<u8, Pcr>,
) -> Result<&'r ReferenceValues, AttestError> {
    let mut other_registers_differ = None;
    for release in releases {
        if !release.image_matches(actual) {
            continue;
        }
        let others = release.pcrs.iter().filter(|(index, _)| !IMAGE_PCRS.contains(index));
        match require(35, others, actual, &release.release) {
            Ok(()) => return Ok(release),
            Err(error) => other_registers_differ = Some(error),
        }
    }
    Err(other_registers_differ.unwrap_or_else(|| image_mismatch(releases, actual)))
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

/// Names the first register whose value no release has; with a mixture of releases, PCR0.
fn image_mismatch(releases: &[ReferenceValues], actual: &BTreeMap<u8, Pcr>) -> AttestError {
    let check = Check::n(34);
    let unknown = |index: &&u8| {
        let found = actual.get(index);
        !releases.iter().any(|release| release.pcrs.get(index) == found)
    };
    let index = IMAGE_PCRS.iter().find(unknown).copied().unwrap_or(0);
    let Some(found) = actual.get(&index) else {
        return AttestError::PcrMissing { check, index };
    };
    let accepted: Vec<String> = releases
        .iter()
        .filter_map(|one| one.pcrs.get(&index).map(|pcr| format!("{} ({})", hex(pcr), one.release)))
        .collect();
    AttestError::PcrMismatch { check, index, expected: accepted.join(" or "), actual: hex(found) }
}

/// Constant-time equality.
fn equal(a: &Pcr, b: &Pcr) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y))) == 0
}

pub(crate) fn is_zero(value: &Pcr) -> bool {
    equal(value, &[0; crate::PCR_BYTES])
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
        let error = matching_release(&releases, &mixed).unwrap_err();
        assert_eq!(error.check(), "N34");
        let whole = BTreeMap::from([(0, [20; 48]), (1, [21; 48]), (2, [22; 48])]);
        assert_eq!(matching_release(&releases, &whole).unwrap().release(), "b");
    }
}
