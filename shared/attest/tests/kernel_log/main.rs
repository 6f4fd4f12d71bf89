//! The kernel's log: a real one of a machine, in the binary form that its kernel wrote, and bytes
//! of no form.
#![allow(clippy::unwrap_used)]

use attest::AttestError;
use attest::ima::FileList;
use attest::tpm::{AkTrust, TpmPolicy, VerifiedQuote, ak_name, verify_evidence_with};
use attestation_fixtures::conformance::unhex;
use attestation_fixtures::tpm::{
    AkKey, KernelEntry, QuoteSpec, kernel_field, kernel_log, kernel_register,
};
use std::collections::BTreeMap;
use std::path::Path;

const REAL: &str = "../../../shared/corpora/eventlogs/keylime_ima_ascii_runtime_measurements";

/// The entries of a log as `ascii_runtime_measurements` shows it, with their template digests.
fn real() -> Option<Vec<KernelEntry>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REAL);
    let text = std::fs::read_to_string(path).ok()?;
    let entry = |line: &str| {
        let [_, template_digest, template, hashed, path] =
            line.splitn(5, ' ').collect::<Vec<_>>()[..]
        else {
            panic!("{line}");
        };
        assert_eq!(template, "ima-ng");
        let (algorithm, digest) = hashed.split_once(':').unwrap();
        let hashed = [algorithm.as_bytes(), b":\0", &unhex(digest).unwrap()].concat();
        let path = [path.as_bytes(), &[0]].concat();
        KernelEntry {
            pcr: 10,
            template_digest: Some(unhex(template_digest).unwrap().try_into().unwrap()),
            template: "ima-ng",
            data: [kernel_field(&hashed), kernel_field(&path)].concat(),
        }
    };
    Some(text.lines().map(entry).collect())
}

fn judge(
    register: [u8; 32],
    log: &[u8],
    list: Option<&[u8]>,
) -> Result<VerifiedQuote, AttestError> {
    let pcrs = BTreeMap::from([(10, register)]);
    let quote = QuoteSpec::new(AkKey::P256("ak"), &pcrs, b"user data", b"key set", None);
    let name = ak_name(&quote.public.to_bytes()).unwrap();
    let mut policy = TpmPolicy::new(AkTrust::new().with_name(name).unwrap());
    if let Some(list) = list {
        policy = policy.with_file_list(FileList::parse(list)?);
    }
    verify_evidence_with(&quote.evidence(), None, Some(log), &policy)
}

#[test]
fn a_real_log_follows_from_its_templates_and_replays() {
    let Some(entries) = real() else {
        println!("ignored: the corpus is not here");
        return;
    };
    assert!(entries.len() > 500, "{}", entries.len());
    let log = kernel_log(&entries);
    let quote = judge(kernel_register(&entries), &log, None).unwrap();
    let verified = quote.kernel_log().unwrap();
    assert_eq!((verified.files().len(), verified.ahead()), (entries.len(), 0));
    assert_eq!(verified.files()[1].0, "/init");
    // The quote was made while the log went on.
    let half = entries.len() / 2;
    let quote = judge(kernel_register(&entries[..half]), &log, None).unwrap();
    let verified = quote.kernel_log().unwrap();
    assert_eq!((verified.files().len(), verified.ahead()), (half, entries.len() - half));
    // The other way round the log is too short.
    let short = kernel_log(&entries[..half]);
    assert_eq!(judge(kernel_register(&entries), &short, None).unwrap_err().check(), "T31");
    // Its files are SHA-1, which no list can name.
    let list = format!("{}  /init\n", "11".repeat(32));
    let refused = judge(kernel_register(&entries), &log, Some(list.as_bytes())).unwrap_err();
    assert_eq!(refused.check(), "T34");
    assert!(refused.to_string().contains("/init"), "{refused}");
}

#[test]
fn no_cut_and_no_changed_byte_is_taken() {
    let entries = [
        KernelEntry::file("boot_aggregate", b"registers"),
        KernelEntry::file("/usr/bin/true", b"true"),
    ];
    let (register, log) = (kernel_register(&entries), kernel_log(&entries));
    assert!(judge(register, &log, None).is_ok());
    for length in 0..log.len() {
        let refused = judge(register, &log[..length], None).unwrap_err();
        assert!(["T31", "T32"].contains(&refused.check()), "{length}: {refused}");
    }
    for at in 0..log.len() {
        let mut changed = log.clone();
        changed[at] ^= 1;
        let refused = judge(register, &changed, None).unwrap_err();
        assert!(["T31", "T32"].contains(&refused.check()), "{at}: {refused}");
    }
}

#[test]
fn a_list_accepts_several_contents_of_a_path() {
    let line = |fill: &str, path: &str| format!("{}  {path}\n", fill.repeat(32));
    let text = [line("11", "/a"), line("22", "/a"), line("11", "/a b")].concat();
    let list = FileList::parse(text.as_bytes()).unwrap();
    assert_eq!((list.len(), list.is_empty()), (3, false));
    for wrong in ["\n", "11  /a\n", &line("11", "a"), &text.replace("  ", " "), &text[..10]] {
        assert_eq!(FileList::parse(wrong.as_bytes()).unwrap_err().check(), "T34", "{wrong:?}");
    }
}
