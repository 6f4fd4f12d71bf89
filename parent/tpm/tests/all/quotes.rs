//! Quotes: ours before the verifier and tpm2_checkquote, those of tpm2-tools before the verifier.

use crate::swtpm::{Fault, Swtpm};
use crate::{Device, ended};
use attest::tpm::{AkParts, AkTrust, QuoteParts, TpmPolicy, WorkerRelease, verify_evidence};
use std::collections::BTreeMap;
use std::fs;
use tpm_host::Error;
use tpm_host::identity::AkType;
use tpm_host::tpm::{Bank, Quote, Tpm};
use tpmlink::Quoted;

const QUOTE: u32 = 0x158;

fn policy(name: &[u8], worker: [u8; 32]) -> TpmPolicy {
    let trust = AkTrust::new().with_name(name.to_vec()).unwrap();
    let release = WorkerRelease { name: "r1".into(), sha256: worker, from_ms: 0, to_ms: None };
    TpmPolicy::new(trust).with_workers(14, [release]).unwrap()
}

fn evidence(quoted: &Quoted) -> Vec<u8> {
    tpmlink::evidence(quoted, Some(b"nonce"), b"checkpoint", b"keys").unwrap()
}

fn qualifying() -> [u8; 32] {
    tpmlink::binding(Some(b"nonce"), b"checkpoint", b"keys")
}

#[test]
fn the_verifier_accepts_what_the_device_quotes() {
    let Some(tpm) = Swtpm::start() else { return };
    for (kind, bank, handle) in [
        (AkType::EcdsaP256, Bank::Sha256, 0x8100_0001),
        (AkType::Rsa2048, Bank::Sha384, 0x8100_0002),
    ] {
        let mut device = Device { kind, bank, handle, ..Device::new(&tpm) };
        // Both devices of this test share a machine, and each has a register of its own.
        device.register = if kind == AkType::Rsa2048 { 13 } else { 14 };
        device.registers = vec![0, 1, 2, 7, device.register];
        let (owner, ready, _notices) = device.start().unwrap();
        assert_eq!(ready.measured, 3);
        let quoted = owner.quote(qualifying()).unwrap();
        assert_eq!(quoted.pcrs.keys().copied().collect::<Vec<_>>(), device.registers);
        let trust = AkTrust::new().with_name(ready.ak.name.clone()).unwrap();
        let release =
            WorkerRelease { name: "r1".into(), sha256: device.worker, from_ms: 0, to_ms: None };
        let policy = TpmPolicy::new(trust).with_workers(device.register, [release]).unwrap();
        let time = attest::VerificationTime::At { ms: 1_767_225_600_000 };
        let policy = policy.with_time(time);
        let verified = verify_evidence(&evidence(&quoted), None, &policy).unwrap();
        assert_eq!(verified.ak_name().unwrap(), ready.ak.name);
        let log = verified.runtime_log().unwrap();
        assert_eq!((log.worker().release(), log.boot_config()), (Some("r1"), &[1, 2, 3][..]));
        assert_eq!(owner.random(64).unwrap().len(), 64);
        ended(owner);
    }
}

#[test]
fn another_worker_is_another_value_and_another_key_is_refused() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, ready, _notices) = device.start().unwrap();
    let quoted = owner.quote(qualifying()).unwrap();
    let bytes = evidence(&quoted);
    let time = attest::VerificationTime::At { ms: 1_767_225_600_000 };
    let good = policy(&ready.ak.name, device.worker).with_time(time);
    verify_evidence(&bytes, None, &good).unwrap();
    let other_worker = policy(&ready.ak.name, [8; 32]).with_time(time);
    let error = verify_evidence(&bytes, None, &other_worker).unwrap_err();
    assert!(error.to_string().contains("T24"), "{error}");
    let mut name = ready.ak.name.clone();
    name[5] ^= 1;
    let error =
        verify_evidence(&bytes, None, &policy(&name, device.worker).with_time(time)).unwrap_err();
    assert!(error.to_string().contains("T8"), "{error}");
}

#[test]
fn tpm2_tools_and_the_verifier_agree() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, ready, _notices) = device.start().unwrap();
    let quoted = owner.quote(qualifying()).unwrap();
    ended(owner);
    // Ours, before theirs.
    let at = |name: &str| tpm.folder().join(name);
    fs::write(at("our.attest"), &quoted.attest).unwrap();
    fs::write(at("our.signature"), &quoted.signature).unwrap();
    fs::write(at("our.values"), quoted.pcrs.values().flatten().copied().collect::<Vec<_>>())
        .unwrap();
    tpm.tool("tpm2_readpublic", &["-c", "0x81000001", "-f", "pem", "-o", "ak.pem"]);
    let qualification = crypto::to_hex(&qualifying());
    let check = ["-u", "ak.pem", "-m", "our.attest", "-s", "our.signature", "-g", "sha256"];
    let values = ["-f", "our.values", "-l", "sha256:0,1,2,7,14"];
    let check = [&check[..], &values, &["-q", &qualification]].concat();
    tpm.tool("tpm2_checkquote", &check);
    let wrong = crypto::to_hex(&[0; 32]);
    let wrong = [&check[..check.len() - 1], &[wrong.as_str()]].concat();
    assert!(!tpm.try_tool("tpm2_checkquote", &wrong).status.success());
    // Theirs, before ours.
    let selection = "sha256:0,1,2,7,14";
    let quote = ["-c", "0x81000001", "-l", selection, "-q", &qualification, "-g", "sha256"];
    let auth = format!("hex:{}", crypto::to_hex(&ready.ak.auth));
    let bare = [&quote[..], &["-m", "x.attest", "-s", "x.signature"]].concat();
    let refused = tpm.try_tool("tpm2_quote", &bare);
    assert!(!refused.status.success(), "nobody quotes without the key's password");
    let quote = [&quote[..], &["-p", &auth]].concat();
    let files = ["-m", "their.attest", "-s", "their.signature", "-o", "their.values"];
    tpm.tool("tpm2_quote", &[&quote[..], &files, &["-F", "values"]].concat());
    let (attest, signature) = (fs::read(at("their.attest")), fs::read(at("their.signature")));
    let (attest, signature) = (attest.unwrap(), signature.unwrap());
    let values = fs::read(at("their.values")).unwrap();
    let indices = device.registers.iter().copied();
    let pcrs: BTreeMap<u8, &[u8]> = indices.zip(values.chunks(32)).collect();
    let parts = QuoteParts {
        attest: &attest,
        signature: &signature,
        ak: AkParts { public: Some(&ready.ak.public), spki: None, certificates: vec![] },
        pcrs,
        extra_data: Some(&qualifying()),
        event_log: None,
    };
    let trust = AkTrust::new().with_name(ready.ak.name.clone()).unwrap();
    attest::tpm::verify_quote(&parts, &TpmPolicy::new(trust)).unwrap();
}

#[test]
fn a_register_that_changes_meanwhile_is_quoted_as_it_then_is() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device { registers: vec![7, 11, 14], ..Device::new(&tpm) };
    let (owner, ready, _notices) = device.start().unwrap();
    tpm.trouble(Fault::ExtendBefore { command: QUOTE, register: 11, times: 2 });
    let before = tpm.commands(QUOTE);
    let quoted = owner.quote(qualifying()).unwrap();
    assert_eq!(tpm.commands(QUOTE), before + 3, "two readings were of other values");
    assert_ne!(quoted.pcrs[&11], [0; 32]);
    ended(owner);
    // What never settles is told, and not quoted with other values.
    tpm.trouble(Fault::ExtendBefore { command: QUOTE, register: 11, times: 1000 });
    let mut alone = Tpm::open(&tpm.tcti()).unwrap();
    alone.set_auth(device.handle, &ready.ak.auth);
    let result: Result<Quote, Error> = alone.quote(device.handle, &device.selection(), b"x");
    assert!(matches!(result, Err(Error::Unsteady { .. })));
}
