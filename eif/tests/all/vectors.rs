//! Frozen files: written once by this crate and read for ever. `PROBITY_FREEZE=1` writes them
//! again; the signed one then has another signature (ECDSA is not deterministic in ring).

use crate::small;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

/// A frozen file.
pub(crate) fn file(name: &str) -> Vec<u8> {
    let path = path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn freezing() -> bool {
    std::env::var_os("PROBITY_FREEZE").is_some()
}

/// Registers of the frozen files, as they were computed with sha384sum.
const PCR0: &str = "7eec34f87f6cf1125e4d5de872e124f2f12ac6ed6a1ecc92\
    cfe182361067b135c91cc2009ff94cb5b4cdbb573877185b";
const PCR1: &str = "f025a01625811a050a997b576e4510fb2790222af047b94a\
    9df4f7f653db216d7aeacfb652cdaa94392df0cd93e3504f";
const PCR2: &str = "d481bb7b3ea38f9520857508ebdef575e9e028fc6225c143\
    35f51c0578b40ac4244930b2f41da0244259819465cb2ec8";
const PCR8: &str = "1d39a478710cf3cb3a6485c934d4f809835a4f021362d609\
    a7658002303ada4d6f472607e6b972b1f189c649cf27c97d";

#[test]
fn the_frozen_image_is_still_written_and_measured_the_same() {
    let bytes = small().to_bytes().expect("written");
    if freezing() {
        std::fs::write(path("small.eif"), &bytes).expect("frozen");
    }
    assert!(file("small.eif") == bytes, "small.eif: another file is written now");
    let measured = eif::read(&bytes).expect("read").measurements();
    assert_eq!(crypto::to_hex(&measured.pcr0), PCR0);
    assert_eq!(crypto::to_hex(&measured.pcr1), PCR1);
    assert_eq!(crypto::to_hex(&measured.pcr2), PCR2);
    assert_eq!(measured.pcr8, None);
}

#[test]
fn the_frozen_signed_image_is_still_read_and_measured_the_same() {
    if freezing() {
        let signed = eif::sign(&small(), &file("certificate.pem"), &file("key.pem"));
        let bytes = signed.and_then(|image| image.to_bytes()).expect("signed");
        std::fs::write(path("signed.eif"), bytes).expect("frozen");
    }
    let bytes = file("signed.eif");
    let image = eif::read(&bytes).expect("read");
    assert_eq!(image.to_bytes().expect("written"), bytes);
    let measured = image.measurements();
    assert_eq!(crypto::to_hex(&measured.pcr0), PCR0);
    assert_eq!(crypto::to_hex(&measured.pcr2), PCR2);
    assert_eq!(crypto::to_hex(&measured.pcr8.expect("signed")), PCR8);
}

#[test]
fn metadata_is_still_the_same_bytes() {
    let expected = concat!(
        r#"{"ImageName":"small","ImageVersion":"1","BuildMetadata":{"#,
        r#""BuildTime":"1970-01-01T00:00:00Z","BuildTool":"probity eif","#,
        r#""BuildToolVersion":"0.1.0","OperatingSystem":"none","KernelVersion":"6.12"},"#,
        r#""DockerInfo":null,"CustomMetadata":null}"#,
    );
    let found = eif::fixed_metadata("small", "1", "6.12");
    assert_eq!(String::from_utf8(found).expect("text"), expected);
}
