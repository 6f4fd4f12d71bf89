//! A folder with everything that a verifier brings along, and our binary over it.

use ::policy::{Anchor, Content, Freshness, Kind, NamedDer, Release, Signers};
use crypto::{SigningKey, to_hex};
use facts::Millis;
use proof::{EVIDENCE_NITRO, Evidence, Inclusion, LogSignatures, Proof, SignedStatement, Unsigned};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;
use tests::sample::{BODY, QUOTED_AT, SALT, Sample, document, image, test_root};
use tests::world::key;
use tlog::Checkpoint;

/// Our binary, built once: the other binaries of the product are not needed here.
pub(super) fn binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("verify-cli", "probity-verify")).clone()
}

/// The authority's binary, built once.
pub(super) fn authority() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("parent", "probity")).clone()
}

/// Builds one binary of a package in the profile of this test.
fn build(package: &str, name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("own path");
    let folder = exe.ancestors().find(|path| !path.ends_with("deps") && path.is_dir());
    let folder = folder.expect("target folder").to_owned();
    let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    build.args(["build", "-q", "-p", package, "--bin", name]).current_dir(tests::root());
    if folder.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "{name} does not build");
    folder.join(name)
}

/// Files and the binary.
pub(super) struct Desk {
    folder: TempDir,
    pub(super) sample: Sample,
}

/// What one run came to.
pub(super) struct Run {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) errors: String,
}

impl Run {
    pub(super) fn json(&self) -> Value {
        let problem = |_| panic!("no JSON: {} {}", self.out, self.errors);
        serde_json::from_str(&self.out).unwrap_or_else(problem)
    }
}

/// The policy's three signers; two must sign.
pub(super) fn policy_keys() -> [SigningKey; 3] {
    [key(21), key(22), key(23)]
}

/// A policy that accepts the sample.
pub(super) fn content(sample: &Sample) -> Content {
    let mut keys: Vec<_> = policy_keys().iter().map(SigningKey::verifying_key).collect();
    keys.sort();
    let der = test_root().der().to_vec();
    Content {
        name: "field".into(),
        version: 7,
        issued_at: Millis(QUOTED_AT.0 - 1000),
        expires_at: Millis(QUOTED_AT.0 + 86_400_000),
        signers: Signers { keys, threshold: 2 },
        kinds: vec![Kind::Nitro],
        anchors: vec![Anchor::Der(NamedDer { name: "test-root".into(), der })],
        releases: vec![Release {
            name: "sample".into(),
            kind: Kind::Nitro,
            pcrs: image(),
            from: Millis(0),
            to: None,
        }],
        revoked_releases: vec![],
        required_pcrs: BTreeMap::new(),
        boot_configs: vec![sample.world.config.to_bytes()],
        revoked_certificates: vec![],
        revoked_signers: vec![],
        retired_signers: vec![],
        tpm: ::policy::Tpm::default(),
        witnesses: ::policy::Witnesses::default(),
        freshness: Freshness::default(),
        regions: None,
        required_checks: vec![],
    }
}

/// The sample's proof, also with the log's own signatures.
pub(super) fn signed_log(sample: &Sample) -> Proof {
    let mut proof = sample.proof.clone();
    if let Some(unsigned) = &mut proof.unsigned {
        let signatures = LogSignatures::sign(&sample.checkpoint, &sample.signer);
        unsigned.log_signatures = Some(signatures);
    }
    proof
}

impl Desk {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Self { folder, sample: Sample::new() };
        desk.write("root.der", test_root().der());
        desk.write("boot.cbor", desk.sample.world.config.to_bytes());
        desk.write("measurements.json", measurements());
        desk.write("proof.cbor", desk.sample.proof.to_bytes());
        desk.write("bundle.cose", &desk.sample.world.signed_bundle);
        desk.write("input.json", BODY);
        desk.write("salt", to_hex(&SALT.0));
        let seed = format!("probity-ed25519-seed:{}\n", to_hex(&[0x2a; 32]));
        desk.write("ear.key", seed);
        desk.sign_policy(&content(&desk.sample));
        desk
    }

    /// Writes `policy.cbor`, signed by two of its three.
    pub(super) fn sign_policy(&self, content: &Content) {
        let [one, two, _] = policy_keys();
        self.write("policy.cbor", ::policy::sign(content, &[one, two]).expect("sound"));
    }

    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("written");
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, b"")
    }

    /// With something on standard input.
    pub(super) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Run {
        self.start(binary(), arguments, input)
    }

    /// `probity`, the authority's tool.
    pub(super) fn probity(&self, arguments: &[&str]) -> Run {
        self.start(authority(), arguments, b"")
    }

    fn start(&self, binary: PathBuf, arguments: &[&str], input: &[u8]) -> Run {
        let mut command = Command::new(binary);
        command.args(arguments).current_dir(self.folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("our binary starts");
        // A command that reads no input may close it before everything is written.
        let _ = child.stdin.take().expect("piped").write_all(input);
        let output = child.wait_with_output().expect("our binary ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Run { code: output.status.code(), out: text(output.stdout), errors: text(output.stderr) }
    }

    /// Under the signed policy, at the document's own time.
    pub(super) fn judge(&self, arguments: &[&str]) -> Run {
        let policy = ["--policy", "policy.cbor", "--at", "document"];
        self.run(&[arguments, &policy].concat())
    }
}

/// Reference values of the sample.
pub(super) fn measurements() -> String {
    let mut fields = vec!["\"release\":\"sample\"".to_owned()];
    fields.extend(image().iter().map(|(pcr, value)| format!("\"pcr{pcr}\":\"{}\"", to_hex(value))));
    format!("{{{}}}", fields.join(","))
}

/// So many proofs of one boot under one quote.
pub(super) fn many(sample: &Sample, count: u64) -> Vec<Proof> {
    log_of(sample, &(0..count).collect::<Vec<_>>())
}

/// Proofs of one boot whose statements differ in these numbers, under one quote over all of them.
pub(super) fn log_of(sample: &Sample, ids: &[u64]) -> Vec<Proof> {
    let sign = |id: &u64| {
        let mut statement = sample.statement.clone();
        statement.proof_id[..8].copy_from_slice(&id.to_be_bytes());
        SignedStatement::sign(statement, &sample.signer).expect("short")
    };
    let signed: Vec<_> = ids.iter().map(sign).collect();
    let leaves = signed.iter().map(|one| one.proof_hash().0);
    let leaves = std::iter::once(sample.record.hash().0).chain(leaves);
    let tree: logtree::Tree = leaves.map(|leaf| tlog::leaf_hash(&leaf)).collect();
    let (size, root) = (tree.size(), tree.root());
    let checkpoint = Checkpoint { boot_id: sample.record.boot_id, size, root };
    let quote = document(&sample.world, &sample.signer, &checkpoint);
    (1..)
        .zip(signed)
        .map(|(index, signed)| {
            let path = tree.inclusion(index, size).expect("inside");
            let evidence = Evidence { kind: EVIDENCE_NITRO.into(), document: quote.clone() };
            let inclusion = Inclusion { size, index, path };
            Proof { signed, unsigned: Some(Unsigned::new(evidence, inclusion)) }
        })
        .collect()
}
