//! The numbered checks, what each one is about, and what to do when it refuses.
//! A number must never be reused for another meaning: users and logs quote them.

mod tpm;

/// One check of the lists N1 to N42 (Nitro documents) and T1 to T34 (TPM 2.0).
/// All of N come before all of T.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Check(u8);

/// What became of one check of a document that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The check was made and held.
    Passed,
    /// The check was not made; never to be read as passed.
    NotChecked(&'static str),
}

impl Check {
    /// How many checks there are.
    pub const COUNT: u8 = NITRO_COUNT + TPM_COUNT;

    pub(crate) const fn n(number: u8) -> Self {
        assert!(number >= 1 && number <= NITRO_COUNT);
        Self(number - 1)
    }

    pub(crate) const fn t(number: u8) -> Self {
        assert!(number >= 1 && number <= TPM_COUNT);
        Self(NITRO_COUNT + number - 1)
    }

    /// Every check, in order: N1 to N42, then T1 to T34.
    pub fn all() -> impl Iterator<Item = Check> {
        (0..Self::COUNT).map(Check)
    }

    /// The checks of a Nitro document, N1 to N42, in order.
    pub fn nitro() -> impl Iterator<Item = Check> {
        (1..=NITRO_COUNT).map(Check::n)
    }

    /// The checks of TPM evidence, T1 to T34, in order. Registering a key (T1 to T3, T7, T9 to
    /// T12) belongs to another part.
    pub fn tpm() -> impl Iterator<Item = Check> {
        (1..=TPM_COUNT).map(Check::t)
    }

    /// The check of that name, as in `N34` or `T17`.
    pub fn parse(name: &str) -> Option<Check> {
        Check::all().find(|check| check.as_str() == name)
    }

    fn entry(self) -> &'static Entry {
        match self.0.checked_sub(NITRO_COUNT) {
            None => &CHECKS[usize::from(self.0)],
            Some(tpm) => &tpm::CHECKS[usize::from(tpm)],
        }
    }

    /// The check's number, as in `N34`.
    pub fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// What the check is about, in a few words.
    pub fn title(self) -> &'static str {
        self.entry().1
    }

    /// What the user should do when this check refuses a document.
    pub fn remedy(self) -> &'static str {
        self.entry().2
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Number, title, remedy.
type Entry = (&'static str, &'static str, &'static str);

const NITRO_COUNT: u8 = CHECKS.len() as u8;
const TPM_COUNT: u8 = tpm::CHECKS.len() as u8;
const RAW: &str = "pass the document's bytes exactly as the NSM returned them, without base64, \
                   length prefix or re-encoding";
const FIELD: &str = "this is not what the NSM produces; ask the sender for the untouched document";
const CHAIN: &str = "do not trust this document: its certificate chain is not one that AWS issues";

const CHECKS: [Entry; 42] = [
    ("N1", "document size", RAW),
    ("N2", "untagged or tag 18", RAW),
    ("N3", "an array of four and nothing after it", RAW),
    ("N4", "protected header is exactly {1: -35}", FIELD),
    ("N5", "unprotected header is empty", FIELD),
    ("N6", "payload is one byte string of 1 to 16384 bytes", FIELD),
    ("N7", "signature is 96 bytes, r and s in range", FIELD),
    ("N8", "nesting and number of items", FIELD),
    ("N9", "payload is one map with distinct text keys", FIELD),
    ("N10", "module_id", FIELD),
    ("N11", "digest", FIELD),
    ("N12", "timestamp", FIELD),
    ("N13", "pcrs", FIELD),
    ("N14", "certificate", FIELD),
    ("N15", "cabundle entries", FIELD),
    ("N16", "public_key", FIELD),
    ("N17", "user_data", FIELD),
    ("N18", "nonce", FIELD),
    ("N19", "PCR length equals the digest's", FIELD),
    ("N20", "cabundle has 1 to 8 certificates", FIELD),
    ("N21", "timestamp can be computed with", FIELD),
    (
        "N22",
        "root is a trust anchor",
        "if this is a test or simulator document, name its root in the policy; otherwise refuse it",
    ),
    ("N23", "certificates are strict, P-384, in order", CHAIN),
    ("N24", "each certificate is signed by the one before", CHAIN),
    ("N25", "every issuer may issue", CHAIN),
    ("N26", "leaf may sign documents and nothing else", CHAIN),
    ("N27", "extensions are known where critical, none repeated", CHAIN),
    (
        "N28",
        "all certificates are valid at the time asked for",
        "for a stored document verify at its own time (--at document) or at a time you can vouch \
         for; for a live one ask for a new document and compare this machine's clock",
    ),
    ("N29", "lifetimes are AWS's", CHAIN),
    (
        "N30",
        "no certificate is revoked",
        "treat every document under this certificate as forged; ask for one from another instance",
    ),
    (
        "N31",
        "leaf names the module and its region",
        "allow the region in the policy if the enclave is meant to run there",
    ),
    (
        "N32",
        "document signature",
        "the document was altered after signing, or signed by another key: ask for it again",
    ),
    (
        "N33",
        "document kind",
        "the policy names one kind of document: ask an enclave for its NSM's document, an \
         instance for its NitroTPM's, and never let the sender choose",
    ),
    (
        "N34",
        "the image's PCRs are a known release",
        "compare the PCRs with the published measurements of the release you expect; if a new \
         release was rolled out, add its values to the policy after reproducing them",
    ),
    (
        "N35",
        "PCR3 and above are as the policy says",
        "check the parent's role, instance, signing certificate and boot configuration against \
         the policy",
    ),
    (
        "N36",
        "not in debug mode",
        "restart the enclave without --debug-mode; a debug enclave's memory and console are open",
    ),
    (
        "N37",
        "user_data is the expected binding",
        "the document speaks for other data: fetch the one that belongs to this proof",
    ),
    (
        "N38",
        "public_key is the expected key",
        "the document speaks for another key: the enclave may have restarted since",
    ),
    (
        "N39",
        "nonce",
        "ask for a new document with your own fresh nonce; an old one may have been replayed",
    ),
    (
        "N40",
        "age",
        "for a stored document verify at its own time (--at document) or at a time you can vouch \
         for; for a live one ask for a new document and compare this machine's clock",
    ),
    (
        "N41",
        "timestamp lies inside the leaf's validity",
        "do not trust this document: the hypervisor's clock and its certificate disagree",
    ),
    (
        "N42",
        "replay key",
        "record VerifiedDocument::replay_key after acceptance and refuse it a second time",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_list() {
        for (index, check) in Check::nitro().enumerate() {
            assert_eq!(check.as_str(), format!("N{}", index + 1));
        }
        for (index, check) in Check::tpm().enumerate() {
            assert_eq!(check.as_str(), format!("T{}", index + 1));
        }
        let both: Vec<Check> = Check::nitro().chain(Check::tpm()).collect();
        assert_eq!(Check::all().collect::<Vec<_>>(), both);
        assert!(both.is_sorted());
        for check in both {
            assert!(!check.title().is_empty() && !check.remedy().is_empty());
            assert_eq!(Check::parse(check.as_str()), Some(check));
        }
        assert_eq!(Check::parse("T35"), None);
    }
}
