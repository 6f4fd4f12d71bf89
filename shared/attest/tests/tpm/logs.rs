//! Logs of real machines, each with the verdict it must get under a quote over its registers. The
//! registers and the secure-boot state in the table were computed by other code (Python).

use attest::eventlog::{SecureBootState, UnverifiedEventLog};
use attest::tpm::{
    AkParts, AkTrust, HashAlgorithm, QuoteParts, TpmPolicy, VerifiedQuote, ak_name, verify_quote,
};
use attest::{AttestError, Outcome};
use attestation_fixtures::tpm::{AkKey, QuoteSpec};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// What must become of a log.
enum Verdict {
    /// It replays: SHA-256 over the extended registers (index, value), and secure boot.
    Replays(&'static str, SecureBootState),
    /// It replays, but this check refuses a quote over all registers; without those named here a
    /// quote is accepted.
    Partly(&'static str, SecureBootState, &'static str, &'static [u8]),
    /// It cannot be read, by T26, and the reason.
    Unreadable(&'static str),
}

use SecureBootState::{Disabled, Enabled};
use Verdict::{Partly, Replays, Unreadable};

const SHA1_ONLY: &str = "SHA-1 only";
const OTHER_FILE: &str = "another kind of file";
/// These were read before boot services ended: PCR5 lacks the marker.
const EARLY: &str = "T30";
/// These were cut by their publisher: no separators but PCR7's.
const CUT: &str = "T29";

const VERDICTS: [(&str, Verdict); 27] = [
    (
        "dstack_tpm_eventlog.bin",
        Replays("d51c20890a83f3d112563763ef68f17a391e7d1d8e4b4b4c0731bcdbf0d28e0b", Disabled),
    ),
    (
        "go-attestation_coreos_36_shielded_vm_no_secure_boot_eventlog",
        Replays("8939b2baa9007a33dae2014cb16e70defd6757fb5df42a6daaf0ecb885f3506e", Disabled),
    ),
    (
        "go-attestation_crypto_agile_eventlog",
        Partly(
            "eb9ff4fdce1f51d649793e7c6d661d2a2a0f6058b8a0cf33fab0ee8161a2e387",
            Disabled,
            EARLY,
            &[5],
        ),
    ),
    ("go-attestation_ebs_event_missing_eventlog", Unreadable(SHA1_ONLY)),
    ("go-attestation_option_rom_eventlog", Unreadable(SHA1_ONLY)),
    (
        "go-attestation_sb_cert_eventlog",
        Partly(
            "65eb0b7761c5fd36c800dfa0a631102c2be4567087310419605d6fd81555f08e",
            Enabled,
            CUT,
            &[0, 4, 5],
        ),
    ),
    ("go-attestation_short_no_action_eventlog", Unreadable(SHA1_ONLY)),
    (
        "go-attestation_ubuntu_2104_shielded_vm_no_secure_boot_eventlog",
        Replays("e29e74acb4a4ea225bdd1f2e2fdddcfdf0f95e3d8708b704566fa1ed5974a4f8", Disabled),
    ),
    (
        "go-tpm-tools_arch-linux-workstation.bin",
        Partly(
            "0c69dd3f4fba448189317cbfdda3f351b74317154571ba8612fa5280b0a4acb2",
            Disabled,
            EARLY,
            &[5],
        ),
    ),
    ("go-tpm-tools_cel.b64", Unreadable(OTHER_FILE)),
    (
        "go-tpm-tools_confidential-gke-debug-251000_eventlog.bin",
        Replays("73f7746e9eff0e00e19a8e44007e933a7e6eb29a3fb028cac59e22aa5d516767", Enabled),
    ),
    (
        "go-tpm-tools_cos-101-amd-sev.bin",
        Replays("d6b51e6d8dcb0845655c14b3910e1f3c552d1a766dac88ea3c005e34af7efe4f", Enabled),
    ),
    (
        "go-tpm-tools_cos-85-amd-sev.bin",
        Replays("02718befb0182c0c598d010c2ba52d96c2b34dd38727424b341c90c3ef53913f", Enabled),
    ),
    (
        "go-tpm-tools_cos-93-amd-sev.bin",
        Replays("c00e760b1e12712f1448a763b4a04c059265df4b7c1ec61580aaf79e682bc66d", Enabled),
    ),
    ("go-tpm-tools_debian-10.bin", Unreadable(SHA1_ONLY)),
    (
        "go-tpm-tools_eventlogwithsp800155.bin",
        Replays("f7e204516c0e8c5ea9a12e19bacd7e2061036cfbe6e30cd9da5a2720b548353b", Enabled),
    ),
    (
        "go-tpm-tools_gdc-host.bin",
        Replays("0407920b8c59f3a935771f10558431eaf1e3aa6fb2e4a0f91bfe54de33e6b6e5", Disabled),
    ),
    (
        "go-tpm-tools_glinux-alex.bin",
        Partly(
            "06a22ca370b8bbc9052bec0b626d83728b036a380121a902dfb16d63ac94551e",
            Disabled,
            EARLY,
            &[5],
        ),
    ),
    (
        "go-tpm-tools_rhel8-uefi.bin",
        Replays("64a93f788b86034e4f8d5eb63b43dd41ece5c37007342bbb01d2381093387ef1", Enabled),
    ),
    (
        "go-tpm-tools_ubuntu-1804-amd-sev.bin",
        Replays("d10d2e011cec3250a44bc22b5e30e56288f05e579a972bc3ea311af9987f126c", Disabled),
    ),
    (
        "go-tpm-tools_ubuntu-2104-no-dbx.bin",
        Replays("a3a2e3b735d9a5aab4b985f7baccc6d3fb184a2b4e5fdf032428c22bef6effb8", Disabled),
    ),
    (
        "go-tpm-tools_ubuntu-2104-no-secure-boot.bin",
        Replays("e29e74acb4a4ea225bdd1f2e2fdddcfdf0f95e3d8708b704566fa1ed5974a4f8", Disabled),
    ),
    (
        "go-tpm-tools_ubuntu-2404-amd-sevsnp.bin",
        Replays("d8546b7aaf0e1134bf820601de20ab680d765f3802cbaeae860a68cd8869ec7e", Disabled),
    ),
    ("keylime_ima_ascii_runtime_measurements", Unreadable(OTHER_FILE)),
    ("keylime_ima_log.txt", Unreadable(OTHER_FILE)),
    ("keylime_invalid_ima_log.txt", Unreadable("")),
    (
        // With an event of an unknown type (0x8401) in PCR2.
        "keylime_uefi_log.bin",
        Replays("f2b8fcacffac11470875f61b1c182acd58c2b6c582737665082d46f5f18f11ca", Disabled),
    ),
];

fn logs() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/eventlogs");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("ignored: corpus absent ({})", folder.display());
        return Vec::new();
    };
    let mut logs: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    logs.sort();
    logs
}

type Registers = BTreeMap<u8, Vec<u8>>;

/// A quote over `registers` with this log; `reads` are the registers with reference values.
fn judge(log: &[u8], registers: &Registers, reads: &[u8]) -> Result<VerifiedQuote, AttestError> {
    let fixed = registers.iter().map(|(index, value)| (*index, value[..].try_into().unwrap()));
    let spec = QuoteSpec::new(AkKey::P256("ak"), &fixed.collect(), b"words", b"keys", None);
    let files = spec.files();
    let trust = AkTrust::new().with_name(ak_name(&files.public).unwrap()).unwrap();
    let mut policy = TpmPolicy::new(trust).require_event_log(true);
    for index in reads {
        policy = policy.with_pcr(*index, registers[index].clone()).unwrap();
    }
    let parts = QuoteParts {
        attest: &files.attest,
        signature: &files.signature,
        ak: AkParts { public: Some(&files.public), ..AkParts::default() },
        pcrs: registers.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: Some(&spec.extra),
        event_log: Some(log),
    };
    verify_quote(&parts, &policy)
}

fn digest(registers: &Registers) -> String {
    let mut hash = Sha256::new();
    for (index, value) in registers {
        hash.update([*index]);
        hash.update(value);
    }
    attestation_fixtures::conformance::hex(&hash.finalize())
}

fn replayed(log: &[u8]) -> Registers {
    UnverifiedEventLog::parse(log).unwrap().replay(HashAlgorithm::Sha256).unwrap()
}

#[test]
fn each_log_gets_its_verdict() {
    for (name, log) in logs() {
        let Some((_, verdict)) = VERDICTS.iter().find(|(one, _)| *one == name) else {
            panic!("{name} has no pinned verdict: look at it, then pin one");
        };
        let (expected, state) = match verdict {
            Unreadable(reason) => {
                let error = UnverifiedEventLog::parse(&log).unwrap_err();
                assert_eq!(error.check(), "T26", "{name}: {error}");
                assert!(error.to_string().contains(reason), "{name}: {error}");
                continue;
            }
            Replays(expected, state) | Partly(expected, state, ..) => (expected, state),
        };
        let registers = replayed(&log);
        assert_eq!(digest(&registers), *expected, "{name}");
        let quoted = match verdict {
            Partly(_, _, check, left_out) => {
                let error = judge(&log, &registers, &[]).unwrap_err();
                assert_eq!(error.check(), *check, "{name}: {error}");
                let mut fewer = registers.clone();
                fewer.retain(|index, _| !left_out.contains(index));
                fewer
            }
            _ => registers.clone(),
        };
        let quote = judge(&log, &quoted, &[7]).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = quote.event_log().unwrap();
        assert_eq!(found.secure_boot().state(), *state, "{name}");
        let ended = quote.checks().iter().find(|(check, _)| check.as_str() == "T30").unwrap();
        assert_eq!(ended.1 == Outcome::Passed, quoted.contains_key(&5), "{name}");
        assert!(found.events().iter().any(|event| event.measured_data().is_some()), "{name}");
        println!("{name}: {} events, {} notes", found.events().len(), quote.notes().len());
    }
}

#[test]
fn the_other_bank_replays_too() {
    const NAME: &str = "go-tpm-tools_ubuntu-2404-amd-sevsnp.bin";
    const EXPECTED: &str = "8e09abf42a80a9107dcccece344aa4e946495292e68f0c6961dbf63187745050";
    for (_, log) in logs().into_iter().filter(|(name, _)| name == NAME) {
        let log = UnverifiedEventLog::parse(&log).unwrap();
        assert_eq!(log.banks().collect::<Vec<_>>(), [0x4, 0xb, 0xc]);
        // The table's hash is SHA-256 over index and value, whatever the bank.
        assert_eq!(digest(&log.replay(HashAlgorithm::Sha384).unwrap()), EXPECTED);
    }
}

#[test]
fn another_value_in_any_register_is_refused() {
    for (name, log) in logs() {
        if UnverifiedEventLog::parse(&log).is_err() {
            continue;
        }
        let registers = replayed(&log);
        for index in registers.keys() {
            let mut other = registers.clone();
            other.get_mut(index).unwrap()[0] ^= 1;
            let check = judge(&log, &other, &[]).unwrap_err().check();
            assert_eq!(check, "T25", "{name}: PCR{index}");
        }
        // A register that nobody logged has a value only if something measured into it.
        let mut more = registers.clone();
        more.insert(23, vec![1; 32]);
        assert_eq!(judge(&log, &more, &[]).unwrap_err().check(), "T25", "{name}");
    }
}

#[test]
fn a_log_read_too_early_is_told_from_an_altered_one() {
    for (name, log) in logs() {
        let early = matches!(
            VERDICTS.iter().find(|(one, _)| *one == name),
            Some((_, Partly(_, _, EARLY, _)))
        );
        if !early {
            continue;
        }
        // What the machine's PCR5 became when boot went on.
        let mut registers = replayed(&log);
        let texts = ["Exit Boot Services Invocation", "Exit Boot Services Returned with Success"];
        for text in texts {
            let value = registers.get_mut(&5).unwrap();
            let extended = [value.as_slice(), &Sha256::digest(text)].concat();
            *value = Sha256::digest(extended).to_vec();
        }
        assert_eq!(judge(&log, &registers, &[]).unwrap_err().check(), "T30", "{name}");
    }
}

#[test]
fn an_unknown_type_refuses_where_the_policy_reads_it() {
    for (name, log) in logs() {
        if name != "keylime_uefi_log.bin" {
            continue;
        }
        let registers = replayed(&log);
        let quote = judge(&log, &registers, &[0, 4, 7]).unwrap();
        assert!(quote.notes().iter().any(|note| note.starts_with("T27 PCR2")));
        assert_eq!(judge(&log, &registers, &[0, 2, 4, 7]).unwrap_err().check(), "T27");
    }
}

#[test]
fn real_logs_cut_anywhere_are_refused_and_never_panic() {
    for (name, log) in logs() {
        if UnverifiedEventLog::parse(&log).is_err() {
            continue;
        }
        let registers = replayed(&log);
        for length in (0..log.len()).step_by(97) {
            let check = judge(&log[..length], &registers, &[]).unwrap_err().check();
            assert!(["T25", "T26", "T29", "T30"].contains(&check), "{name}: {length}: {check}");
        }
    }
}
