//! The state key: unsealed under the registers that it was sealed to, and under no others.

use crate::Device;
use crate::swtpm::Swtpm;
use tpm_host::Error;
use tpm_host::sealed::StateKey;
use tpm_host::tpm::Tpm;

#[test]
fn wrong_registers_cannot_unseal() {
    let Some(mut tpm) = Swtpm::start() else { return };
    let device = Device::new(&tpm);
    let (folder, selection) = (device.folder.path(), device.selection());
    let path = folder.join("kept");
    let mut alone = Tpm::open(&tpm.tcti()).unwrap();
    let (key, said) = StateKey::open_or_make(&mut alone, folder, &selection).unwrap();
    assert_eq!(said, "made");
    key.write(&mut alone, &path, b"kept").unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(4).any(|part| part == b"kept"), "it is encrypted");
    let (again, said) = StateKey::open_or_make(&mut alone, folder, &selection).unwrap();
    assert_eq!(said, "unsealed");
    assert_eq!(again.read(&path).unwrap().unwrap()[..], *b"kept");
    // One of the selected registers is another.
    tpm.extend(7, b"another secure boot state");
    let error = StateKey::unseal(&mut alone, folder, &selection).err().unwrap();
    assert!(matches!(error, Error::Sealed { .. }), "{error}");
    // As it was at the machine's start, it is ours again.
    tpm.reset();
    let unsealed = StateKey::unseal(&mut alone, folder, &selection).unwrap().unwrap();
    assert_eq!(unsealed.read(&path).unwrap().unwrap()[..], *b"kept");
    // A new key is made where the old one is lost, and does not read what that one kept.
    tpm.extend(14, b"another worker");
    let (other, said) = StateKey::open_or_make(&mut alone, folder, &selection).unwrap();
    assert!(said.starts_with("made anew"), "{said}");
    assert!(other.read(&path).unwrap().is_none());
    let mut wrong = bytes.clone();
    wrong[20] ^= 1;
    std::fs::write(&path, wrong).unwrap();
    assert!(unsealed.read(&path).unwrap().is_none(), "an altered file is not read");
}
