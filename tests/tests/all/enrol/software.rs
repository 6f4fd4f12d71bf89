//! A software TPM driven by tpm2-tools: it opens what this project makes without one, and enrols.

use super::registrar::Registrar;
use enrol::protocol::{Base64, ChallengeRequest};
use enrol::{EkPublic, make_credential};
use std::fs;
use tests::swtpm::Swtpm;

/// Handle of swtpm's RSA-2048 EK.
const EK_RSA: &str = "0x81010001";
/// Handle of swtpm's P-384 EK.
const EK_P384: &str = "0x81010016";

/// What MakeCredential makes, the real TPM opens: under all three templates, for its own key only.
#[test]
fn a_software_tpm_opens_credentials_of_every_template() {
    let Some(tpm) = Swtpm::start() else { return };
    make_ak(&tpm, "ak");
    make_ak(&tpm, "other");
    tpm.tool("tpm2_createek", &["-Q", "-G", "ecc", "-c", "0x81010099", "-u", "l2.pub"]);
    tpm.tool("tpm2_flushcontext", &["-t"]);
    let file = |name: &str| fs::read(tpm.folder().join(name)).expect("a file");
    let name = file("ak.name");
    for (handle, is_low) in [(EK_RSA, true), ("0x81010099", true), (EK_P384, false)] {
        tpm.tool("tpm2_readpublic", &["-Q", "-c", handle, "-f", "tss", "-o", "ek.pub"]);
        let ek = EkPublic::parse(&file("ek.pub")[2..]).unwrap_or_else(|e| panic!("{handle}: {e}"));
        let secret = [0x5a; 32];
        let made = make_credential(&ek, &name, &secret, &random()).expect("a credential");
        let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
        // The file of tpm2_makecredential: magic, version, and the two structures.
        let head = [0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1];
        let both = [sized(&made.blob), sized(&made.encrypted_secret)].concat();
        let path = tpm.folder().join("credential");
        fs::write(&path, [&head[..], &both].concat()).expect("a file");
        assert_eq!(activate(&tpm, handle, "ak", is_low), Some(secret.to_vec()), "{handle}");
        assert_eq!(activate(&tpm, handle, "other", is_low), None, "{handle}: another key");
    }
}

/// The whole enrolment of a software TPM under its manufacturer's root.
#[test]
fn a_software_tpm_enrols() {
    let Some(tpm) = Swtpm::start() else { return };
    let registrar = Registrar::start(&tpm.issuer());
    make_ak(&tpm, "ak");
    tpm.tool("tpm2_readpublic", &["-Q", "-c", EK_RSA, "-f", "tss", "-o", "ek.pub"]);
    tpm.tool("tpm2_nvread", &["-C", "o", "-o", "ek.der", "0x1c00002"]);
    let file = |name: &str| fs::read(tpm.folder().join(name)).expect("a file");
    let token = registrar.token("swtpm");
    let request = ChallengeRequest {
        identity: "swtpm".into(),
        token: token.clone(),
        ek_certificates: vec![Base64(file("ek.der"))],
        ek_public: Base64(file("ek.pub")[2..].to_vec()),
        ak_public: Base64(file("ak.pub")[2..].to_vec()),
        creation_attest: Base64(file("ak.attest")),
        creation_signature: Base64(file("ak.sig")),
        creation_data: Base64(file("ak.creation")[2..].to_vec()),
    };
    let answer = registrar.challenge(&request).unwrap_or_else(|problem| panic!("{problem}"));
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let head = [0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1];
    let both = [sized(&answer.credential_blob.0), sized(&answer.encrypted_secret.0)].concat();
    fs::write(tpm.folder().join("credential"), [&head[..], &both].concat()).expect("a file");
    let secret = activate(&tpm, EK_RSA, "ak", true).expect("the TPM opens it");
    let enrolled = registrar.activate(&answer.challenge_id, secret).expect("a certificate");
    assert_eq!(enrolled.ak_name, enrol::hex(&file("ak.name")));
    assert!(registrar.run(&["list"]).contains("swtpm"));
    // What verifiers make of the certificate: the key, under the registrar's authority alone.
    let certificate = &enrolled.ak_certificate.0;
    let spki = attest::tpm::AttestationKey::parse(&request.ak_public.0).expect("a key").spki_der();
    let spki = spki.expect("a key");
    assert!(certificate.windows(spki.len()).any(|part| part == spki), "the key is in it");
}

/// An attestation key in the endorsement hierarchy, with what the TPM says of its creation.
fn make_ak(tpm: &Swtpm, name: &str) {
    let at = |ending: &str| format!("{name}.{ending}");
    let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign";
    let (context, data, ticket, hash) = (at("ctx"), at("creation"), at("ticket"), at("hash"));
    let unique = at("unique");
    // Another unique makes another key of the same template.
    let padded = format!("{name:0<64}");
    let two = [&[32, 0][..], &padded.as_bytes()[..32], &[32, 0], &padded.as_bytes()[32..]].concat();
    fs::write(tpm.folder().join(&unique), two).expect("a file");
    tpm.tool(
        "tpm2_createprimary",
        &[
            "-Q",
            "-C",
            "e",
            "-g",
            "sha256",
            "-G",
            "ecc:ecdsa-sha256:null",
            "-a",
            attributes,
            "-u",
            &unique,
            "--creation-data",
            &data,
            "-t",
            &ticket,
            "-d",
            &hash,
            "-c",
            &context,
        ],
    );
    tpm.tool("tpm2_flushcontext", &["-t"]);
    tpm.tool(
        "tpm2_certifycreation",
        &[
            "-Q",
            "-C",
            &context,
            "-c",
            &context,
            "-d",
            &hash,
            "-t",
            &ticket,
            "-g",
            "sha256",
            "-f",
            "tss",
            "-o",
            &at("sig"),
            "--attestation",
            &at("attest"),
        ],
    );
    tpm.tool("tpm2_flushcontext", &["-t"]);
    let (public, named) = (at("pub"), at("name"));
    tpm.tool("tpm2_readpublic", &["-Q", "-c", &context, "-f", "tss", "-o", &public, "-n", &named]);
    tpm.tool("tpm2_flushcontext", &["-t"]);
}

/// What the TPM finds in the file `credential`, where it opens it.
fn activate(tpm: &Swtpm, ek: &str, ak: &str, needs_policy: bool) -> Option<Vec<u8>> {
    let context = format!("{ak}.ctx");
    fs::remove_file(tpm.folder().join("secret")).ok();
    let mut arguments = vec!["-Q", "-c", &context, "-C", ek, "-i", "credential", "-o", "secret"];
    if needs_policy {
        tpm.tool("tpm2_startauthsession", &["--policy-session", "-S", "session"]);
        tpm.tool("tpm2_policysecret", &["-Q", "-S", "session", "-c", "e"]);
        arguments.extend(["-P", "session:session"]);
    }
    let output = tpm.try_tool("tpm2_activatecredential", &arguments);
    if needs_policy {
        tpm.tool("tpm2_flushcontext", &["session"]);
    }
    tpm.tool("tpm2_flushcontext", &["-t"]);
    output.status.success().then(|| fs::read(tpm.folder().join("secret")).expect("a secret"))
}

fn random() -> [u8; 96] {
    use std::io::Read as _;
    let mut bytes = [0; 96];
    let read = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.expect("entropy");
    bytes
}
