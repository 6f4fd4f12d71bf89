//! The attestation key: made once, found again, never taken from another, and activated for a
//! registrar by TPM2_ActivateCredential.

use crate::swtpm::{Fault, Swtpm};
use crate::{Device, ended};
use std::fs;
use tpm_host::Error;
use tpm_host::identity::{self, AkRecord, AkType, ek};
use tpm_host::tpm::Tpm;

const EVICT_CONTROL: u32 = 0x120;
const CERTIFY_CREATION: u32 = 0x14a;
const FAILURE: u32 = 0x101;

#[test]
fn a_handle_with_another_key_is_left_alone() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (owner, ready, _notices) = device.start().unwrap();
    ended(owner);
    // Another state's folder does not know this key.
    let stranger = Device { register: 13, registers: vec![13], ..Device::new(&tpm) };
    let error = stranger.refused();
    let told = error.to_string();
    assert!(matches!(error, Error::Occupied { handle: 0x8100_0001, .. }), "{told}");
    assert!(told.contains(&crypto::to_hex(&ready.ak.name)) && told.contains("--ak-handle"));
    // It can have a key of its own beside.
    let beside = Device { handle: 0x8100_0009, ..stranger };
    let (owner, other, _notices) = beside.start().unwrap();
    assert_ne!(other.ak.name, ready.ak.name);
    ended(owner);
    // Another kind than the one that is there.
    let rsa = Device { kind: AkType::Rsa2048, folder: device.folder, ..Device::new(&tpm) };
    assert!(matches!(rsa.refused(), Error::KeyType { .. }));
}

#[test]
fn a_start_that_was_killed_while_the_key_was_made_is_gone_on_with() {
    let Some(tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    for command in [EVICT_CONTROL, CERTIFY_CREATION] {
        tpm.trouble(Fault::Answer { command, response: FAILURE, times: 1 });
        assert!(matches!(device.refused(), Error::Refused { .. }));
    }
    let (owner, ready, _notices) = device.start().unwrap();
    assert!(!ready.ak.creation_attest.is_empty());
    owner.quote([1; 32]).unwrap();
    ended(owner);
    assert_eq!(AkRecord::read(device.folder.path()).unwrap().unwrap(), ready.ak);
}

#[test]
fn the_credential_of_a_registrar_is_activated() {
    let Some(tpm) = Swtpm::start() else { return };
    let mut alone = Tpm::open(&tpm.tcti()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record =
        identity::ensure(&mut alone, folder.path(), 0x8100_0001, AkType::EcdsaP256).unwrap();
    assert_eq!(record.ek, ek::EkType::Rsa2048);
    let certificates = ek::certificates(&mut alone, record.ek).unwrap();
    assert_eq!(certificates, [fs::read(tpm.ek_certificate()).unwrap()]);
    // Both endorsement keys that have a certificate: the one with a policy, the one that takes a
    // password too. tpm2_makecredential needs no TPM.
    for kind in [ek::EkType::Rsa2048, ek::EkType::EccP384] {
        let public = ek::public(&mut alone, kind).unwrap();
        let size = u16::try_from(public.len()).unwrap().to_be_bytes();
        fs::write(tpm.folder().join("ek.pub"), [&size[..], &public].concat()).unwrap();
        fs::write(tpm.folder().join("secret"), [5; 32]).unwrap();
        let name = crypto::to_hex(&record.name);
        let make = ["-T", "none", "-u", "ek.pub", "-s", "secret", "-n", &name, "-o", "blob"];
        tpm.tool("tpm2_makecredential", &make);
        let blob = fs::read(tpm.folder().join("blob")).unwrap();
        // Magic, version, then two sized parts.
        let first = usize::from(u16::from_be_bytes([blob[8], blob[9]]));
        let (one, rest) = blob[10..].split_at(first);
        let activated = ek::activate(&mut alone, (kind, record.handle), (one, &rest[2..])).unwrap();
        assert_eq!(activated[..], [5; 32]);
        let mut other = rest[2..].to_vec();
        other[9] ^= 1;
        assert!(ek::activate(&mut alone, (kind, record.handle), (one, &other)).is_err());
    }
}
