//! What a verifier demands: roots, time, reference values, bindings. Every rule has a safe start
//! value, and a policy that would accept any enclave has a name that says so.

use crate::certificate::{Certificate, fingerprint};
use crate::error::{AttestError, DocumentKind, Position};
use crate::reference::{ReferenceValues, is_zero};
use crate::{Pcr, document};
use std::collections::{BTreeMap, BTreeSet};

/// A root certificate that the verifier's owner decided to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustAnchor {
    name: String,
    der: Vec<u8>,
    built_in: bool,
}

impl TrustAnchor {
    /// AWS's root G1, valid 2019-10-28 to 2049-10-28, built in.
    pub fn aws_nitro_g1() -> Self {
        Self { name: "aws-nitro-g1".to_owned(), der: AWS_NITRO_G1.to_vec(), built_in: true }
    }

    /// Another root: a test PKI, or a partition of AWS with its own. A copy of AWS's root given
    /// this way is not called built in.
    pub fn from_der(name: impl Into<String>, der: &[u8]) -> Result<Self, AttestError> {
        Certificate::parse(der, Position::Anchor)?;
        Ok(Self { name: name.into(), der: der.to_vec(), built_in: false })
    }

    /// The name that verdicts show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the certificate.
    pub fn sha256(&self) -> [u8; 32] {
        fingerprint(&self.der)
    }

    /// Whether this is AWS's root as compiled in.
    pub fn is_built_in(&self) -> bool {
        self.built_in
    }
}

/// The moment for which a document is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerificationTime {
    /// Now: the chain is valid and the document is fresh.
    Live {
        /// The verifier's clock, Unix milliseconds.
        now_ms: u64,
    },
    /// Archival, at a moment that independent evidence of time gives. Says nothing about now.
    At {
        /// That moment, Unix milliseconds.
        ms: u64,
    },
    /// Archival, at the document's own timestamp. Says nothing about now.
    Document,
}

/// What the document's nonce must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NonceRule {
    /// Exactly these bytes: the caller's own challenge.
    Exact(Vec<u8>),
    /// No nonce at all.
    Absent,
    /// Not looked at; N39 is reported as not checked.
    Any,
}

/// Everything a verifier demands of a Nitro document, of an enclave or of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NitroPolicy {
    kind: DocumentKind,
    anchors: Vec<TrustAnchor>,
    time: VerificationTime,
    /// `None` inspects; the constructors keep an empty list out.
    releases: Option<Vec<ReferenceValues>>,
    required_pcrs: BTreeMap<u8, Pcr>,
    unextended: BTreeSet<u8>,
    clock_skew_ms: u64,
    age_ms_max: u64,
    nonce: NonceRule,
    user_data: Option<Vec<u8>>,
    public_key: Option<Vec<u8>>,
    regions: Option<BTreeSet<String>>,
    revoked: BTreeSet<(Vec<u8>, Vec<u8>)>,
}

impl NitroPolicy {
    /// Accepts documents under `anchors` whose registers are, whole, one of `releases`.
    pub fn new(
        anchors: Vec<TrustAnchor>,
        time: VerificationTime,
        releases: Vec<ReferenceValues>,
    ) -> Result<Self, AttestError> {
        if releases.is_empty() {
            return Err(AttestError::value(34, "policy", "at least one release", "none"));
        }
        Ok(Self { releases: Some(releases), ..Self::inspect_any_enclave(anchors, time) })
    }

    /// Accepts **any** enclave of these roots that is not in debug mode, or with
    /// [`NitroPolicy::with_kind`] any instance, to look at a document. N34 is then reported as
    /// not checked, and nothing may rest on the verdict.
    pub fn inspect_any_enclave(anchors: Vec<TrustAnchor>, time: VerificationTime) -> Self {
        Self {
            kind: DocumentKind::Enclave,
            anchors,
            time,
            releases: None,
            required_pcrs: BTreeMap::new(),
            unextended: BTreeSet::new(),
            clock_skew_ms: CLOCK_SKEW_MS_MAX,
            age_ms_max: AGE_MS_MAX_DEFAULT,
            nonce: NonceRule::Any,
            user_data: None,
            public_key: None,
            regions: None,
            revoked: BTreeSet::new(),
        }
    }

    /// Leeway for the verifier's clock being behind; at most 60 s.
    pub fn with_clock_skew_ms(mut self, skew_ms: u64) -> Result<Self, AttestError> {
        document::bounds(28, "clock skew in ms", skew_ms, 0, CLOCK_SKEW_MS_MAX)?;
        self.clock_skew_ms = skew_ms;
        Ok(self)
    }

    /// The one kind of document that is accepted (N33); an enclave's unless set. Releases of
    /// another kind match nothing. An instance's document says what it booted, not that nobody
    /// can log in to it: the two kinds are never alternatives of one policy.
    pub fn with_kind(mut self, kind: DocumentKind) -> Self {
        self.kind = kind;
        self
    }

    /// Demands that a register was never extended (N35), as PCR12 of an instance whose unified
    /// kernel image was given no further arguments. Index 8 to 15, for any program can empty 16
    /// and 23; NitroTPM only, because an enclave's document leaves such registers out.
    pub fn with_unextended_pcr(mut self, index: u8) -> Result<Self, AttestError> {
        if !(8..=15).contains(&index) {
            let (what, actual) = ("unextended PCR", index.to_string());
            return Err(AttestError::value(35, what, "index 8 to 15", actual));
        }
        self.unextended.insert(index);
        Ok(self)
    }

    /// Judges for another moment.
    pub fn with_time(mut self, time: VerificationTime) -> Self {
        self.time = time;
        self
    }

    /// Oldest acceptable document in live verification (N40); 5 minutes unless set.
    pub fn with_age_ms_max(mut self, age_ms_max: u64) -> Self {
        self.age_ms_max = age_ms_max;
        self
    }

    /// The nonce's rule (N39).
    pub fn with_nonce(mut self, nonce: NonceRule) -> Self {
        self.nonce = nonce;
        self
    }

    /// Exact `user_data` (N37).
    pub fn with_user_data(mut self, user_data: Vec<u8>) -> Self {
        self.user_data = Some(user_data);
        self
    }

    /// Exact `public_key` (N38).
    pub fn with_public_key(mut self, public_key: Vec<u8>) -> Self {
        self.public_key = Some(public_key);
        self
    }

    /// Regions whose enclaves are accepted (N31). An empty list accepts none.
    pub fn with_regions(mut self, regions: impl IntoIterator<Item = String>) -> Self {
        self.regions = Some(regions.into_iter().collect());
        self
    }

    /// A register that must have this value whatever the release (N35). Of an enclave: the
    /// parent's role (3), instance (4), the signing certificate (8) or an application's own (16
    /// to 31). Of an instance: any from 3 on, 4 (boot), 7 (secure boot), 8 to 15 (system), but
    /// not 16 and 23, which any program can reset: a document under such a policy is refused.
    pub fn with_required_pcr(mut self, index: u8, value: Pcr) -> Result<Self, AttestError> {
        if !(3..=31).contains(&index) {
            let what = "required PCR";
            return Err(AttestError::value(35, what, "index 3 to 31", index.to_string()));
        }
        if is_zero(&value) {
            let what = format!("required PCR{index}");
            return Err(AttestError::value(35, what, "a measurement", "48 zero bytes"));
        }
        self.required_pcrs.insert(index, value);
        Ok(self)
    }

    /// A revoked certificate (N30): its issuer's name in DER, and its serial number's bytes.
    /// Leading zeros of the serial are not significant.
    pub fn with_revoked(mut self, issuer_der: Vec<u8>, serial: &[u8]) -> Self {
        self.revoked.insert((issuer_der, significant(serial).to_vec()));
        self
    }

    /// The kind of document that is accepted.
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The moment for which documents are judged.
    pub fn time(&self) -> VerificationTime {
        self.time
    }

    /// The roots.
    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.anchors
    }

    pub(crate) fn time_ms(&self, document_ms: u64) -> u64 {
        match self.time {
            VerificationTime::Live { now_ms } => now_ms,
            VerificationTime::At { ms } => ms,
            VerificationTime::Document => document_ms,
        }
    }

    pub(crate) fn clock_skew_ms(&self) -> u64 {
        self.clock_skew_ms
    }

    pub(crate) fn age_ms_max(&self) -> u64 {
        self.age_ms_max
    }

    pub(crate) fn releases(&self) -> Option<&[ReferenceValues]> {
        self.releases.as_deref()
    }

    pub(crate) fn required_pcrs(&self) -> &BTreeMap<u8, Pcr> {
        &self.required_pcrs
    }

    pub(crate) fn unextended(&self) -> &BTreeSet<u8> {
        &self.unextended
    }

    pub(crate) fn nonce(&self) -> &NonceRule {
        &self.nonce
    }

    pub(crate) fn user_data(&self) -> Option<&[u8]> {
        self.user_data.as_deref()
    }

    pub(crate) fn public_key(&self) -> Option<&[u8]> {
        self.public_key.as_deref()
    }

    pub(crate) fn regions(&self) -> Option<&BTreeSet<String>> {
        self.regions.as_ref()
    }

    pub(crate) fn names_revoked(&self) -> bool {
        !self.revoked.is_empty()
    }

    pub(crate) fn is_revoked(&self, issuer_der: &[u8], serial: &[u8]) -> bool {
        let serial = significant(serial);
        self.revoked.iter().any(|(issuer, number)| issuer == issuer_der && number == serial)
    }
}

/// A serial number without its leading zeros, which DER adds to keep it positive.
pub(crate) fn significant(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros..]
}

const AWS_NITRO_G1: &[u8] = include_bytes!("../data/aws-nitro-root-g1.der");
const CLOCK_SKEW_MS_MAX: u64 = 60_000;
const AGE_MS_MAX_DEFAULT: u64 = 300_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_root_is_aws_g1() {
        let anchor = TrustAnchor::aws_nitro_g1();
        let expected = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
        assert_eq!(crate::hex(&anchor.sha256()), expected);
        assert!(anchor.is_built_in());
        let copy = TrustAnchor::from_der("copy", anchor.der()).unwrap();
        assert!(!copy.is_built_in());
    }

    #[test]
    fn a_policy_that_accepts_anything_is_refused() {
        let time = VerificationTime::Document;
        let error = NitroPolicy::new(vec![], time, vec![]).unwrap_err();
        assert_eq!(error.check(), "N34");
        let inspect = NitroPolicy::inspect_any_enclave(vec![], time);
        assert_eq!(inspect.clone().with_clock_skew_ms(60_001).unwrap_err().check(), "N28");
        assert_eq!(inspect.clone().with_required_pcr(2, [1; 48]).unwrap_err().check(), "N35");
        assert_eq!(inspect.with_required_pcr(16, [0; 48]).unwrap_err().check(), "N35");
    }
}
