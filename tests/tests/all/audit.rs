//! A whole log under attack (check P9), and the command line over hostile files: every refusal is
//! a verdict with a number, and nothing that others wrote commands the terminal.

use attest::{ReferenceValues, VerificationTime};
use attestation_fixtures::{DocumentSpec, TestPki};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto::{Digest, to_hex};
use facts::Millis;
use logtree::Tree;
use proof::{BootRecord, EVIDENCE_NITRO, Evidence, Inclusion, Proof, SignedStatement, Unsigned};
use serde_json::Value;
use std::process::Command;
use tempfile::TempDir;
use tests::sample::{QUOTED_AT, Sample, image, test_root};
use tlog::Checkpoint;
use verify::{AuditSummary, LogAudit, Materials, Policy, Verifier, VerifyError};

/// A boot's log whose statements differ in their ids.
struct Log {
    sample: Sample,
    signed: Vec<SignedStatement>,
    tree: Tree,
}

impl Log {
    fn new(ids: &[u8]) -> Self {
        let sample = Sample::new();
        let sign = |id: &u8| {
            let mut statement = sample.statement.clone();
            statement.proof_id = [*id; 16];
            SignedStatement::sign(statement, &sample.signer).expect("short")
        };
        let signed: Vec<_> = ids.iter().map(sign).collect();
        let leaves = signed.iter().map(|one| one.proof_hash().0);
        let leaves = std::iter::once(sample.record.hash().0).chain(leaves);
        let tree = leaves.map(|leaf| tlog::leaf_hash(&leaf)).collect();
        Self { sample, signed, tree }
    }

    /// The proof at `index` under a quote over `size` entries, made at `at`.
    fn proof_by(&self, pki: &TestPki, index: u64, size: u64, at: Millis) -> Vec<u8> {
        let boot_id = self.sample.record.boot_id;
        let root = self.tree.root_at(size).expect("not larger");
        let chain = pki.issue(at.0);
        let mut spec = DocumentSpec::new(&chain, at.0);
        spec.pcrs = image().into_iter().map(|(pcr, value)| (pcr, value.to_vec())).collect();
        spec.pcrs.insert(16, self.sample.world.config.pcr16().to_vec());
        spec.user_data = Some(Checkpoint { boot_id, size, root }.to_bytes().to_vec());
        spec.public_key = Some(proof::key_set(&self.sample.signer.verifying_key()));
        spec.nonce = None;
        let document = spec.sign_deterministic(&chain);
        let evidence = Evidence { kind: EVIDENCE_NITRO.into(), document };
        let path = self.tree.inclusion(index, size).expect("inside");
        let inclusion = Inclusion { size, index, path };
        let signed = self.signed[index as usize - 1].clone();
        Proof { signed, unsigned: Some(Unsigned::new(evidence, inclusion)) }.to_bytes()
    }

    fn proof(&self, index: u64, size: u64) -> Vec<u8> {
        self.proof_by(&TestPki::published(), index, size, Millis(QUOTED_AT.0 + size))
    }

    fn audit(&self, proofs: &[Vec<u8>]) -> Result<AuditSummary, VerifyError> {
        audit(&self.sample, &self.sample.record, proofs)
    }

    /// The log as the host exports it.
    fn export(&self, proofs: &[Vec<u8>]) -> Vec<String> {
        let mut lines = vec![format!("{{\"boot_record\":\"{}\"}}", record_hex(&self.sample))];
        for (index, proof) in (1..).zip(proofs) {
            lines.push(proof_line(index, proof));
        }
        lines.push(format!("{{\"size\":{}}}", proofs.len() + 1));
        lines
    }
}

fn record_hex(sample: &Sample) -> String {
    to_hex(&sample.record.to_bytes())
}

fn proof_line(index: usize, proof: &[u8]) -> String {
    format!("{{\"index\":{index},\"proof\":\"{}\"}}", BASE64.encode(proof))
}

fn other_pki() -> TestPki {
    TestPki::from_seed(b"another root, as good as the 1st")
}

fn audit(
    sample: &Sample,
    record: &BootRecord,
    proofs: &[Vec<u8>],
) -> Result<AuditSummary, VerifyError> {
    let other = attest::TrustAnchor::from_der("other", other_pki().root_der()).expect("sound");
    let releases = vec![ReferenceValues::new("sample", image()).expect("three registers")];
    let (anchors, config) = (vec![test_root(), other], sample.world.config.clone());
    let policy = Policy::new(anchors, VerificationTime::Document, releases, config.clone());
    let mut verifier = Verifier::new(policy.expect("sound"));
    let mut audit = LogAudit::open(record, config.hash())?;
    for proof in proofs {
        audit.push(&verifier.verify(proof, &Materials::default()).expect("a sound proof"))?;
    }
    audit.finish()
}

fn refused(verdict: Result<AuditSummary, VerifyError>, says: &str) {
    let rejected = verdict.expect_err(says);
    assert_eq!(rejected.check(), "P9", "{rejected}");
    assert!(rejected.to_string().contains(says), "expected {says:?}, found {rejected}");
}

#[test]
fn a_whole_log_is_accepted_up_to_its_last_quote() {
    let log = Log::new(&[1, 2, 3, 4]);
    // The first proof carries a later quote than the second: their order is the sizes'.
    let proofs = [log.proof(1, 4), log.proof(2, 3), log.proof(3, 5), log.proof(4, 5)];
    let summary = log.audit(&proofs).expect("sound");
    assert_eq!((summary.proofs, summary.last_index), (4, 4));
    assert_eq!((summary.quotes, summary.consistent_pairs), (3, 2));
    assert_eq!(summary.last_quoted_at, Millis(QUOTED_AT.0 + 5));
    assert_eq!(summary.root, log.tree.root());
}

#[test]
fn a_log_with_anything_missing_or_foreign_is_refused() {
    let log = Log::new(&[1, 2, 3]);
    refused(log.audit(&[]), "no quote covers this log");
    refused(log.audit(&[log.proof(1, 4), log.proof(3, 4)]), "expected index 2, found 3");
    refused(log.audit(&[log.proof(1, 2), log.proof(1, 2)]), "expected index 2, found 1");
    refused(log.audit(&[log.proof(1, 4), log.proof(2, 4)]), "covers 4 entries, the log has 3");
    refused(log.audit(&[log.proof(1, 4), log.proof(2, 3)]), "1 missing");
    let sample = &log.sample;
    let with = |change: fn(&mut BootRecord)| {
        let mut record = sample.record.clone();
        change(&mut record);
        audit(sample, &record, &[log.proof(1, 2)])
    };
    refused(with(|record| record.boot_id = [1; 16]), "another boot");
    refused(with(|record| record.agent.push('x')), "another boot");
    refused(with(|record| record.booted_at = Millis(0)), "quote of size 2 has another root");
    refused(with(|record| record.boot_config = Digest([0; 32])), "boot configuration");
}

#[test]
fn quotes_that_contradict_each_other_are_refused() {
    let log = Log::new(&[1, 2, 3]);
    let fork = Log::new(&[1, 9, 3]);
    let proofs = [fork.proof(1, 3), log.proof(2, 4), log.proof(3, 4)];
    refused(log.audit(&proofs), "the quote of size 3 has another root");
    let proofs = [fork.proof(1, 4), log.proof(2, 4)];
    refused(log.audit(&proofs), "two quotes of size 4 have different roots");
    let pki = TestPki::published();
    let late = log.proof_by(&pki, 1, 2, Millis(QUOTED_AT.0 + 9));
    let proofs = [late, log.proof(2, 4), log.proof(3, 4)];
    refused(log.audit(&proofs), "size 4 was quoted at");
    let stranger = log.proof_by(&other_pki(), 2, 4, QUOTED_AT);
    refused(log.audit(&[log.proof(1, 4), stranger]), "expected evidence under the root");
}

/// Files and our binary over them.
struct Desk {
    folder: TempDir,
}

const POLICY: [&str; 8] = [
    "--root",
    "root.pem",
    "--boot",
    "boot.cbor",
    "--measurements",
    "measurements.json",
    "--at",
    "document",
];

impl Desk {
    fn new(sample: &Sample) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        desk.write("root.pem", TestPki::published().root_pem());
        desk.write("boot.cbor", sample.world.config.to_bytes());
        desk.write("measurements.json", measurements());
        desk
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder.path().join(name), content).expect("written");
    }

    /// Exit status, and what was printed.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(tests::stack::binary("probity-verify"));
        let output = command.args(arguments).current_dir(self.folder.path()).output();
        let output = output.expect("our binary runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
    }

    fn judge(&self, verb: &str, content: impl AsRef<[u8]>) -> (Option<i32>, String) {
        self.write("file", content);
        self.run(&[&[verb, "file"], &POLICY[..]].concat())
    }

    fn judge_json(&self, verb: &str, content: impl AsRef<[u8]>) -> (Option<i32>, Value) {
        self.write("file", content);
        let (code, text) = self.run(&[&[verb, "file", "--json"], &POLICY[..]].concat());
        (code, serde_json::from_str(&text).unwrap_or_else(|_| panic!("no verdict: {text}")))
    }
}

fn measurements() -> String {
    let mut fields = vec!["\"release\":\"sample\"".to_owned()];
    fields.extend(image().iter().map(|(pcr, value)| format!("\"pcr{pcr}\":\"{}\"", to_hex(value))));
    format!("{{{}}}", fields.join(","))
}

#[test]
fn the_verdict_on_a_log_says_which_root_spoke_and_what_it_cannot_see() {
    let log = Log::new(&[1, 2]);
    let desk = Desk::new(&log.sample);
    let export = log.export(&[log.proof(1, 3), log.proof(2, 3)]).join("\n");
    let (code, text) = desk.judge("log", &export);
    assert_eq!(code, Some(0), "{text}");
    let last = text.lines().last().expect("a closing line");
    assert!(last.starts_with("VALID under a test root."), "{last}");
    let at = Millis(QUOTED_AT.0 + 3);
    assert!(last.contains(&format!("No gap up to index 2, quoted at {at};")), "{last}");
    assert!(last.ends_with("cannot be seen from this file."), "{last}");
    for row in ["TEST ROOT root.pem", "release sample", "quoted  ", "archival"] {
        assert!(text.contains(row), "{row}: {text}");
    }
    let (_, verdict) = desk.judge_json("log", &export);
    assert_eq!(verdict["last_index"], 2);
    assert_eq!(verdict["last_quoted_at"], at.to_string());
    assert_eq!(verdict["evidence"]["root"]["built_in"], false);
    desk.write("root.pem", other_pki().root_pem());
    let proof = log.proof_by(&other_pki(), 1, 2, QUOTED_AT);
    let export = log.export(std::slice::from_ref(&proof)).join("\n");
    for (verb, content) in [("proof", &proof[..]), ("log", export.as_bytes())] {
        let (code, text) = desk.judge(verb, content);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("NAMED ROOT root.pem") && !text.contains("TEST ROOT"), "{text}");
        let closing = "VALID under a root that you named; it says nothing about AWS.";
        assert!(text.lines().last().is_some_and(|line| line.starts_with(closing)), "{text}");
    }
}

#[test]
fn a_hostile_log_file_is_rejected_and_not_called_misuse() {
    let log = Log::new(&[1, 2, 3]);
    let desk = Desk::new(&log.sample);
    let lines = log.export(&[log.proof(1, 3), log.proof(2, 3), log.proof(3, 4)]);
    assert_eq!(desk.judge_json("log", lines.join("\n")).0, Some(0));
    let with = |line: usize, text: &str| {
        let mut changed = lines.clone();
        changed[line] = text.to_owned();
        changed.join("\n")
    };
    let without = |line: usize| [&lines[..line], &lines[line + 1..]].concat().join("\n");
    let hidden_tail = [&lines[..2], &["{\"size\":2}".to_owned()]].concat().join("\n");
    let mut version = log.sample.record.to_bytes();
    version[2] = 0;
    let version = format!("{{\"boot_record\":\"{}\"}}", to_hex(&version));
    let cases = [
        ("empty", String::new(), "P9"),
        ("two lines", [lines[0].clone(), "{\"size\":1}".into()].join("\n"), "P9"),
        ("record only", lines[0].clone(), "P9"),
        ("no record", without(0), "P9"),
        ("record of version 0", with(0, &version), "P9"),
        ("record not hexadecimal", with(0, "{\"boot_record\":\"xy\"}"), "P9"),
        ("cut before the size", without(4), "P9"),
        ("cut in a line", lines.join("\n")[..lines[0].len() + 100].to_owned(), "P9"),
        ("hidden tail under a quote", hidden_tail, "P9"),
        ("missing proof", without(2), "P9"),
        ("wrong size", with(4, "{\"size\":9}"), "P9"),
        ("trailing line", lines.join("\n") + "\n{}\n", "P9"),
        ("broken JSON", with(2, "{\"index\":2,"), "P9"),
        ("not an object", with(2, "7"), "P9"),
        ("duplicate key", with(4, "{\"size\":4,\"size\":4}"), "P9"),
        ("overlong line", with(2, &"x".repeat(300_000)), "P9"),
        ("other index", with(2, &proof_line(3, &log.proof(2, 3))), "P9"),
        ("not base64", with(2, "{\"index\":2,\"proof\":\"!\"}"), "P9"),
        ("no proof", with(2, &proof_line(2, b"not a proof")), "P1"),
    ];
    for (name, content, check) in cases {
        let (code, verdict) = desk.judge_json("log", content);
        assert_eq!((code, verdict["check"].as_str()), (Some(1), Some(check)), "{name}: {verdict}");
    }
    let (code, text) = desk.run(&[&["log", "absent"], &POLICY[..]].concat());
    assert_eq!(code, Some(2), "{text}");
}

#[test]
fn a_view_with_a_key_twice_stands_for_no_proof() {
    let sample = Sample::new();
    let desk = Desk::new(&sample);
    let view = verify::to_json(&sample.proof).to_string();
    assert_eq!(verify::parse_view(view.as_bytes()).expect("sound"), sample.proof);
    assert_eq!(desk.judge("proof", &view).0, Some(0));
    let twice = [
        view.replacen('{', "{\"format\":\"probity-proof/2\",", 1),
        view.replacen("\"statement\":{", "\"statement\":{\"agent\":\"did:key:z1\",", 1),
        view.replacen("\"evidence\":{", "\"evidence\":{\"kind\":\"tpm\",", 1),
    ];
    for text in twice {
        assert_ne!(text, view);
        assert_eq!(verify::parse_view(text.as_bytes()).expect_err("twice").check(), "P1");
        let (code, verdict) = desk.judge_json("proof", text);
        assert_eq!((code, verdict["check"].as_str()), (Some(1), Some("P1")), "{verdict}");
    }
    assert_eq!(desk.judge("proof", "{ no JSON").0, Some(1));
}

#[test]
fn what_others_wrote_cannot_command_the_terminal() {
    let sample = Sample::new();
    let desk = Desk::new(&sample);
    let spoof = "did:key:z\u{1b}[2J\r\nVALID\u{9b}1m\u{202e}";
    let spoofed = sample.with_statement(|s| s.agent = spoof.into()).to_bytes();
    // A label of the unprotected map, overwritten by one of the same length.
    let mut label = sample.proof.to_bytes();
    let at = label.windows(8).position(|bytes| bytes == b"evidence").expect("a label");
    label[at..at + 8].copy_from_slice(b"\x1b[2K\r\nOK");
    for (content, check) in [(spoofed, "P5"), (label, "P2")] {
        let (code, text) = desk.judge("proof", &content);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.starts_with(&format!("REJECTED {check}")), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
        let (_, verdict) = desk.judge_json("proof", &content);
        assert_eq!(verdict["check"], check);
        let json = desk.run(&[&["proof", "file", "--json"], &POLICY[..]].concat()).1;
        for printed in [text, json] {
            let commands = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!printed.contains(commands), "{printed:?}");
        }
    }
}

#[test]
fn an_image_is_judged_or_said_not_to_be() {
    let sample = Sample::new();
    let desk = Desk::new(&sample);
    let unsigned = sample.proof.unsigned.as_ref().expect("complete");
    desk.write("document", &unsigned.evidence.document);
    let nitro = |more: &[&str]| {
        let arguments = ["nitro", "document", "--root", "root.pem", "--at", "document", "--json"];
        desk.run(&[&arguments, more].concat())
    };
    let judged = |more: &[&str]| {
        let (code, text) = nitro(more);
        assert_eq!(code, Some(0), "{text}");
        serde_json::from_str::<Value>(&text).expect("JSON")["image_judged"].clone()
    };
    assert_eq!(judged(&[]), false);
    assert_eq!(judged(&["--measurements", "measurements.json"]), true);
    let whole = measurements();
    let pcr0 = to_hex(&image()[&0]);
    let twice = whole.replacen('{', &format!("{{\"pcr0\":\"{pcr0}\","), 1);
    let alias = whole.replacen('{', &format!("{{\"pcr00\":\"{pcr0}\","), 1);
    for list in ["[]", "[[]]", "{}", &twice, &alias] {
        desk.write("list.json", list);
        let (code, text) = nitro(&["--measurements", "list.json"]);
        assert_eq!(code, Some(2), "{list}: {text}");
        // Beside a sound file, too.
        let both = ["--measurements", "measurements.json", "--measurements", "list.json"];
        assert_eq!(nitro(&both).0, Some(2), "{list}");
    }
    for bound in ["--max-age", "--lag"] {
        let code =
            |seconds| desk.run(&[&["proof", "file", bound, seconds], &POLICY[..]].concat()).0;
        desk.write("file", sample.proof.to_bytes());
        assert_eq!((code("86400"), code("86401")), (Some(0), Some(2)), "{bound}");
    }
}
