//! Enrolment over HTTPS with the real registrar: forged enrolments, sound and hostile, and one of
//! a software TPM by tpm2-tools. The device's own client is tested in `tpm_host`.

mod registrar;
mod software;

use attestation_fixtures::tpm::{AkKey, EkKey, EnrolmentSpec, PublicSpec};
use enrol::protocol::{Base64, ChallengeAnswer, ChallengeRequest};
use hyper::Method;
use registrar::{ACTIVATE, CHALLENGE, Registrar, now_ms};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use tests::https::Client;
use tests::stack::{binary, runtime};

fn sound(ek: EkKey, ak: AkKey) -> EnrolmentSpec {
    EnrolmentSpec::new(ek, ak, now_ms())
}

fn request(token: &str, identity: &str, spec: &EnrolmentSpec) -> ChallengeRequest {
    let files = spec.files();
    ChallengeRequest {
        identity: identity.into(),
        token: token.into(),
        ek_certificates: files.ek_certificates.into_iter().map(Base64).collect(),
        ek_public: Base64(files.ek_public),
        ak_public: Base64(files.ak_public),
        creation_attest: Base64(files.creation_attest),
        creation_signature: Base64(files.creation_signature),
        creation_data: Base64(files.creation_data),
    }
}

fn check<T: std::fmt::Debug>(result: Result<T, Value>) -> String {
    let problem = result.expect_err("a refusal");
    assert!(problem["remedy"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    problem["check"].as_str().unwrap_or_default().to_owned()
}

fn forged() -> (Registrar, [EnrolmentSpec; 3]) {
    let specs = [
        sound(EkKey::Rsa2048, AkKey::P256("first")),
        sound(EkKey::P256("ek"), AkKey::P256("ak")),
        sound(EkKey::P384("ek"), AkKey::P256("third")),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root.der");
    fs::write(&root, specs[0].chain.root_der()).expect("a file");
    (Registrar::start(&root), specs)
}

#[test]
fn machines_enrol_once_and_are_known_ever_after() {
    let (mut registrar, specs) = forged();
    let mut answers = Vec::new();
    for (name, spec) in ["rsa", "p256", "p384"].into_iter().zip(&specs) {
        let token = registrar.token(name);
        let answer = registrar.enrol(&token, name, spec).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(answer.ak_name, enrol::hex(&spec.ak_public.name()));
        let certificate = fs::read(registrar.data().join("authority/certificate.der"));
        assert_eq!(answer.chain, [Base64(certificate.expect("a certificate"))]);
        answers.push((token, answer));
    }
    // T3: the same identity with another endorsement key; the same key under another identity.
    let token = registrar.token("rsa");
    assert_eq!(check(registrar.enrol(&token, "rsa", &specs[1])), "T3");
    let token = registrar.token("fresh");
    assert_eq!(check(registrar.enrol(&token, "fresh", &specs[0])), "T3");
    // T12: a used token enrols no other key, and gives the same answer to the same.
    let (token, before) = &answers[1];
    let other = sound(EkKey::P256("ek"), AkKey::P256("other"));
    assert_eq!(check(registrar.enrol(token, "p256", &other)), "T12");
    registrar.kill();
    registrar.serve();
    assert_eq!(registrar.enrol(token, "p256", &specs[1]).as_ref(), Ok(before), "after a restart");
    // A new token renews: another key, and the old certificate stays on record.
    let token = registrar.token("p256");
    let renewed = registrar.enrol(&token, "p256", &other).expect("a new key");
    assert_ne!(renewed.ak_certificate, before.ak_certificate);
    // The token before brings back nothing (its certificate is no longer the identity's).
    assert_eq!(check(registrar.enrol(&answers[1].0, "p256", &specs[1])), "T12");
    let list: Value = serde_json::from_str(&registrar.run(&["list", "--json"])).expect("JSON");
    assert_eq!(list.as_array().expect("records").len(), 3);
    assert_eq!(list[0]["identity"], "p256");
    assert_eq!(list[0]["superseded"][0]["ak_name"], before.ak_name);
    // Revoked for good, with the tokens that wait.
    let token = registrar.token("p256");
    let text = registrar.run(&["revoke", "--identity", "p256", "--reason", "sold"]);
    assert!(
        text.contains("1 unused tokens removed") && text.matches("serial").count() == 2,
        "{text}"
    );
    assert_eq!(check(registrar.enrol(&token, "p256", &specs[1])), "T12");
    let refused = registrar.try_run(&["token", "--identity", "p256"]);
    assert!(!refused.status.success());
    assert!(registrar.run(&["list"]).contains("revoked"));
}

#[test]
fn every_hostile_call_is_refused_by_its_check() {
    type Change = fn(&mut ChallengeRequest, &mut EnrolmentSpec);
    let (registrar, _) = forged();
    let token = registrar.token("till");
    let cases: [(&str, u16, &str, Change); 10] = [
        ("T1", 422, "no certificate", |request, _| request.ek_certificates.clear()),
        ("T1", 422, "another chain", |request, _| drop(request.ek_certificates.pop())),
        ("T2", 422, "another endorsement key", |request, _| {
            request.ek_public = request_of(EkKey::P256("other")).ek_public;
        }),
        ("T4", 422, "half an attestation key", |request, _| request.ak_public.0.truncate(50)),
        ("T7", 422, "another key's creation", |request, _| {
            let other = sound(EkKey::P256("ek"), AkKey::P256("other")).files();
            request.creation_attest = Base64(other.creation_attest);
            request.creation_signature = Base64(other.creation_signature);
        }),
        ("T7", 422, "no creation data", |request, _| request.creation_data.0.clear()),
        ("T12", 403, "an unknown token", |request, _| request.token = "00".repeat(32)),
        ("T12", 403, "no token", |request, _| request.token.clear()),
        ("T12", 403, "another identity's token", |request, _| request.identity = "other".into()),
        ("T12", 403, "a path for a name", |request, _| request.identity = "../till".into()),
    ];
    for (expected, status, what, change) in cases {
        let mut spec = sound(EkKey::P256("ek"), AkKey::P256("ak"));
        let mut request = request(&token, "till", &spec);
        change(&mut request, &mut spec);
        let problem = registrar.challenge(&request).expect_err(what);
        assert_eq!(
            (&problem["check"], &problem["status"]),
            (&expected.into(), &status.into()),
            "{what}"
        );
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("expected"), "{what}: {detail}");
    }
    // T9: whoever holds another key than the one that was named cannot open the credential, and
    // T11, T10: what is not the secret ends the challenge.
    let spec = sound(EkKey::P256("ek"), AkKey::P256("ak"));
    let answer = registrar.challenge(&request(&token, "till", &spec)).expect("a challenge");
    let (blob, secret) = (&answer.credential_blob.0, &answer.encrypted_secret.0);
    let stranger = PublicSpec::of(AkKey::P256("other")).name();
    assert!(spec.ek.activate(&stranger, blob, secret).is_err());
    let opened = spec.ek.activate(&spec.ak_public.name(), blob, secret).expect("it opens");
    assert_eq!(check(registrar.activate(&answer.challenge_id, vec![0; 32])), "T11");
    assert_eq!(check(registrar.activate(&answer.challenge_id, opened)), "T10");
    for unknown in ["", "00", &"0".repeat(32), &"../".repeat(8)] {
        assert_eq!(check(registrar.activate(unknown, vec![0; 32])), "T10");
    }
    // The fifth open challenge of a token ends its first.
    let open: Vec<_> = (0..5)
        .map(|_| registrar.challenge(&request(&token, "till", &spec)).expect("a challenge"))
        .collect();
    let solve = |answer: &ChallengeAnswer| {
        let (blob, secret) = (&answer.credential_blob.0, &answer.encrypted_secret.0);
        let opened = spec.ek.activate(&spec.ak_public.name(), blob, secret).expect("it opens");
        registrar.activate(&answer.challenge_id, opened)
    };
    assert_eq!(check(solve(&open[0])), "T10");
    solve(&open[4]).expect("the last is open");
}

fn request_of(ek: EkKey) -> ChallengeRequest {
    request("", "", &sound(ek, AkKey::P256("ak")))
}

#[test]
fn what_is_no_call_is_refused_before_any_check() {
    let (registrar, _) = forged();
    let status = |path: &str, body: String| registrar.post(path, body).status.as_u16();
    assert_eq!(status("/v1/enrol", "{}".into()), 404);
    assert_eq!(status(CHALLENGE, "{}".into()), 400);
    assert_eq!(status(CHALLENGE, "x".repeat(70_000)), 413);
    assert_eq!(status(ACTIVATE, r#"{"challenge_id":"","secret":"","more":1}"#.into()), 400);
    let address = fs::read_to_string(registrar.data().join("listen")).expect("an address");
    let address = address.trim().replace("127.0.0.1", "localhost");
    let client = Client::new(&address, &registrar.data().join("tls/cert.pem"));
    let (got, plain) = runtime().block_on(async {
        let got = client.once(Method::GET, CHALLENGE, &[], "").await.expect("an answer");
        let plain = client.once(Method::POST, CHALLENGE, &[], "{}").await;
        (got.status.as_u16(), plain.expect("an answer").status.as_u16())
    });
    assert_eq!((got, plain), (405, 415));
    // A second process would not know the first one's challenges.
    let second = registrar.try_run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use"));
    // What is on disk says nothing that a token could be made of.
    let token = registrar.token("till");
    for entry in fs::read_dir(registrar.data().join("tokens")).expect("tokens") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a record");
        assert!(!text.contains(&token) && !path.display().to_string().contains(&token));
    }
}

#[test]
fn a_folder_that_is_none_and_roots_that_are_none_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    let probity = |arguments: &[&str]| {
        let output = Command::new(binary("probity")).arg("registrar").args(arguments).output();
        let output = output.expect("probity runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(probity(&["list", "--data", &data]).contains("registrar init"));
    let leaf = folder.path().join("leaf.der");
    let spec = sound(EkKey::Rsa2048, AkKey::P256("ak"));
    fs::write(&leaf, &spec.files().ek_certificates[0]).expect("a file");
    let leaf = leaf.display().to_string();
    let said = probity(&["init", "--data", &data, "--ek-root", &leaf]);
    assert!(said.contains("T1") && said.contains("CA:true"), "{said}");
    assert!(!Path::new(&data).exists(), "nothing is made of it");
    assert!(probity(&["token", "--data", &data, "--identity", "a/b"]).contains("identity"));
}

/// `probity tpm` becomes the program beside it, and says what to build where there is none.
#[test]
fn the_device_is_the_program_beside() {
    let folder = tempfile::tempdir().expect("a folder");
    let probity = folder.path().join("probity");
    fs::copy(binary("probity"), &probity).expect("copied");
    let run = || Command::new(&probity).args(["tpm", "--help", "-x"]).output().expect("it runs");
    let lonely = run();
    let said = String::from_utf8_lossy(&lonely.stderr).into_owned();
    assert_eq!(lonely.status.code(), Some(2), "{said}");
    assert!(said.contains("cargo build -p tpm-host"), "{said}");
    let script = folder.path().join("probity-tpm");
    fs::write(&script, "#!/bin/sh\necho \"$@\"\nexit 7\n").expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&script, mode).expect("executable");
    let beside = run();
    assert_eq!(beside.status.code(), Some(7));
    assert_eq!(beside.stdout, b"--help -x\n", "every argument is handed on");
}
