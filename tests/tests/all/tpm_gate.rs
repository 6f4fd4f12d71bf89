//! The host's gate before a TPM host's worker: `probity serve --policy` against an enclave library
//! whose platform forges quotes. What is refused is named by its check; what is accepted evaluates.

use attestation_fixtures::tpm::{AkKey, PublicSpec, QuoteSpec};
use enclave::{Enclave, Platform, PlatformError};
use facts::Millis;
use hyper::Method;
use policy::{Content, Kind, Release, Signers, Tpm};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use tests::sample::BODY;
use tests::stack::{Options, Stack, runtime, wait};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
/// The register that the boot configuration is measured into.
const REGISTER: u8 = 14;

/// What the forged TPM says from now on.
#[derive(Debug, Clone)]
struct Forgery {
    key: AkKey,
    pcr0: u8,
    boot: Vec<u8>,
    is_stale: bool,
}

struct Forged(Arc<Mutex<Forgery>>);

impl Platform for Forged {
    fn attest(
        &self,
        user_data: &[u8],
        public_key: &[u8],
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, PlatformError> {
        let forgery = self.0.lock().expect("whole").clone();
        let boot = Sha256::new().chain_update([0; 32]).chain_update(Sha256::digest(&forgery.boot));
        let pcrs = BTreeMap::from([(0, [forgery.pcr0; 32]), (REGISTER, boot.finalize().into())]);
        let nonce = nonce.map(|nonce| if forgery.is_stale { b"an older one" } else { nonce });
        Ok(QuoteSpec::new(forgery.key, &pcrs, user_data, public_key, nonce).evidence())
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        use std::io::Read as _;
        let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(out));
        read.map_err(|error| PlatformError::Missing(error.to_string()))
    }

    fn extend_and_lock(&self, _index: u16, _data: &[u8]) -> Result<(), PlatformError> {
        Ok(())
    }

    fn time_of(&self, _evidence: &[u8]) -> Result<Millis, PlatformError> {
        Ok(crate::enclave_link::now())
    }
}

/// A policy for quotes by one key, of machines that started with `pcr0`.
fn policy_file(stack: &Stack, version: u64, change: impl FnOnce(&mut Content)) {
    let now = crate::enclave_link::now();
    let key = tests::world::key(9);
    let tpm = Tpm {
        ak_names: vec![PublicSpec::of(AkKey::P256("worker")).name()],
        pcrs: BTreeMap::from([(0, vec![7; 32])]),
        boot_pcr: Some(REGISTER),
        ..Tpm::default()
    };
    let mut content = Content {
        name: "gate".into(),
        version,
        issued_at: Millis(now.0 - 1000),
        expires_at: Millis(now.0 + 86_400_000),
        signers: Signers { keys: vec![key.verifying_key()], threshold: 1 },
        kinds: vec![Kind::Tpm],
        anchors: vec![],
        releases: vec![],
        revoked_releases: vec![],
        required_pcrs: Default::default(),
        boot_configs: vec![std::fs::read(stack.path("boot.cbor")).expect("read")],
        revoked_certificates: vec![],
        revoked_signers: vec![],
        retired_signers: vec![],
        tpm,
        witnesses: Default::default(),
        freshness: Default::default(),
        regions: Default::default(),
        required_checks: vec![],
    };
    change(&mut content);
    let signed = policy::sign(&content, &[key]).expect("a sound policy");
    std::fs::write(stack.path("policy.draft"), signed).expect("written");
    std::fs::rename(stack.path("policy.draft"), stack.path("policy.cose")).expect("moved");
}

/// An enclave of the kind that only other policies accept.
fn nitro_only(content: &mut Content) {
    let pcrs = simulator::image().into_iter().collect();
    let (name, kind, from) = ("simulator".to_owned(), Kind::Nitro, Millis(0));
    content.kinds = vec![Kind::Nitro];
    content.anchors = vec![policy::Anchor::AwsNitroG1];
    content.releases = vec![Release { name, kind, pcrs, from, to: None }];
    content.tpm = Tpm::default();
}

/// What the host says of the policy.
fn standing(stack: &Stack) -> Value {
    let asking = async { stack.client().once(Method::GET, "/health/ready", &[], "").await };
    runtime().block_on(asking).expect("an answer").json()["components"]["policy"].clone()
}

#[test]
fn the_gate_judges_quotes_and_names_the_check() {
    let mut stack = Stack::start(Options::default());
    stack.kill_host();
    stack.kill_simulator();
    std::fs::remove_dir_all(stack.path("data")).expect("another boot's data");
    let boot = std::fs::read(stack.path("boot.cbor")).expect("read");
    let sound = Forgery { key: AkKey::P256("worker"), pcr0: 7, boot, is_stale: false };
    let forgery = Arc::new(Mutex::new(sound.clone()));
    let enclave = Enclave::new(Box::new(Forged(Arc::clone(&forgery))));
    let listener = UnixListener::bind(stack.path("enclave.sock")).expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            let (writer, handle) = (stream.try_clone().expect("a"), stream.try_clone().expect("b"));
            let close = move || drop(handle.shutdown(std::net::Shutdown::Both));
            let enclave = Arc::clone(&enclave);
            std::thread::spawn(move || {
                enclave::serve_connection(&enclave, stream, writer, close, 2);
            });
        }
    });
    let signer = tests::world::key(9).verifying_key().did_key();
    let serve = ["--policy", "policy.cose", "--policy-signer", &signer];
    stack.options_mut().serve = serve.map(str::to_owned).to_vec();
    let mut version = 0;
    let other_key = AkKey::P256("another machine's");
    let other_boot = tests::world::World::small().config.to_bytes();
    type Change = fn(&mut Content);
    let cases: [(&str, Forgery, Change); 7] = [
        ("T8", Forgery { key: other_key, ..sound.clone() }, |_| ()),
        ("T17", Forgery { is_stale: true, ..sound.clone() }, |_| ()),
        ("T24", Forgery { pcr0: 8, ..sound.clone() }, |_| ()),
        ("T24", Forgery { boot: other_boot, ..sound.clone() }, |_| ()),
        ("T25", sound.clone(), |content| content.tpm.event_log_required = true),
        ("T22", sound.clone(), |content| content.required_checks = vec!["T22".into()]),
        ("P6", sound.clone(), nitro_only),
    ];
    for (check, said, change) in cases {
        forgery.lock().expect("whole").clone_from(&said);
        version += 1;
        policy_file(&stack, version, change);
        stack.spawn_host();
        let mut detail = String::new();
        wait(check, || {
            let policy = standing(&stack);
            assert_eq!(policy["ok"], false, "{check}: {policy}");
            detail = policy["detail"].as_str().unwrap_or_default().to_owned();
            detail.contains("nothing is forwarded")
        });
        assert!(detail.contains(check) && detail.contains("do: "), "{check}: {detail}");
        if check == "P6" {
            assert!(detail.contains("nitro") && detail.contains("tpm"), "{detail}");
        }
        let asking =
            async { stack.client().once(Method::POST, "/v1/evaluate", &JSON, BODY.to_vec()).await };
        let refused = runtime().block_on(asking).expect("an answer");
        assert_eq!(refused.status, 503, "{check}");
        stack.kill_host();
    }
    forgery.lock().expect("whole").clone_from(&sound);
    policy_file(&stack, version + 1, |_| ());
    stack.start_host();
    let policy = standing(&stack);
    let detail = policy["detail"].as_str().expect("a detail");
    assert!(
        detail.contains("pinned attestation key") && detail.contains("quoted by its TPM"),
        "{detail}"
    );
    let asking =
        async { stack.client().once(Method::POST, "/v1/evaluate", &JSON, BODY.to_vec()).await };
    let answer = runtime().block_on(asking).expect("an answer");
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}
