//! What is written, byte by byte, and what it measures to.

use crate::*;
use eif::{Architecture, IMAGE_BYTES_MAX};
use sha2::{Digest, Sha384};

#[test]
fn the_file_is_laid_out_as_format_md_says() {
    let image = small();
    let disks = &image.ramdisks;
    let expected = laid_out(&[
        (KERNEL, b"kernel"),
        (CMDLINE, b"quiet panic=1"),
        (METADATA, &image.metadata),
        (RAMDISK, &disks[0]),
        (RAMDISK, &disks[1]),
        (RAMDISK, &disks[2]),
    ]);
    let bytes = image.to_bytes().expect("written");
    assert_eq!(bytes, expected);
    assert_eq!(bytes, image.to_bytes().expect("written again"));
    let again = eif::read(&bytes).expect("read");
    assert_eq!(again, image);
    assert_eq!(again.measurements(), image.measurements());
}

fn register(content: &[u8]) -> [u8; 48] {
    let mut extend = vec![0; 48];
    extend.extend(Sha384::digest(content));
    Sha384::digest(extend).into()
}

#[test]
fn registers_cover_kernel_command_line_and_ramdisks() {
    let measured = small().measurements();
    assert_eq!(measured.pcr0, register(b"kernelquiet panic=1first ramdisksecondthird"));
    assert_eq!(measured.pcr1, register(b"kernelquiet panic=1first ramdisk"));
    assert_eq!(measured.pcr2, register(b"secondthird"));
    assert_eq!(measured.pcr8, None);
}

/// FORMAT.md section 2: why nothing that matters may rest on the command line alone.
#[test]
fn boundaries_inside_a_register_are_not_measured() {
    let image = small();
    let mut other = image.clone();
    other.kernel.extend(b"quiet ");
    other.cmdline = "panic=1".into();
    assert_eq!(other.measurements(), image.measurements());
    let mut other = image.clone();
    other.cmdline = "quiet".into();
    other.ramdisks[0] = b" panic=1first ramdisk".to_vec();
    assert_eq!(other.measurements(), image.measurements());
    let mut other = image.clone();
    other.ramdisks[0] = b"first".to_vec();
    other.ramdisks[1] = b" ramdisksecond".to_vec();
    assert_eq!(other.measurements().pcr0, image.measurements().pcr0);
    assert_ne!(other.measurements().pcr1, image.measurements().pcr1);
    assert_ne!(other.measurements().pcr2, image.measurements().pcr2);
}

#[test]
fn an_image_of_one_ramdisk_has_a_pcr2_of_nothing() {
    let mut image = small();
    image.ramdisks.truncate(1);
    let read = eif::read(&image.to_bytes().expect("written")).expect("read");
    assert_eq!(read.measurements().pcr2, register(b""));
    assert_eq!(read.measurements().pcr0, read.measurements().pcr1);
}

#[test]
fn what_is_not_measured_changes_the_file_and_no_register() {
    let image = small();
    let mut other = image.clone();
    other.metadata = b"{}".to_vec();
    other.default_cpus = 4;
    other.default_memory_bytes = 1;
    other.architecture = Architecture::Aarch64;
    assert_eq!(other.measurements(), image.measurements());
    let bytes = other.to_bytes().expect("written");
    assert_ne!(bytes, image.to_bytes().expect("written"));
    assert_eq!(eif::read(&bytes).expect("read"), other);
}

#[test]
fn metadata_has_the_keys_without_which_nitro_cli_ends_an_enclave() {
    let metadata: serde_json::Value =
        serde_json::from_slice(&eif::fixed_metadata("a \"name\"", "1.2", "6.12")).expect("JSON");
    let keys = |value: &serde_json::Value| {
        value.as_object().expect("object").keys().cloned().collect::<Vec<_>>()
    };
    let mut top = keys(&metadata);
    top.sort();
    let expected = ["BuildMetadata", "CustomMetadata", "DockerInfo", "ImageName", "ImageVersion"];
    assert_eq!(top, expected);
    assert_eq!(metadata["ImageName"], "a \"name\"");
    assert_eq!(metadata["ImageVersion"], "1.2");
    let build = &metadata["BuildMetadata"];
    let names = ["BuildTime", "BuildTool", "BuildToolVersion", "KernelVersion", "OperatingSystem"];
    let mut found = keys(build);
    found.sort();
    assert_eq!(found, names);
    assert!(names.iter().all(|name| build[name].is_string()), "{build}");
}

#[test]
fn what_cannot_be_read_cannot_be_written() {
    let with = |change: &dyn Fn(&mut Image)| {
        let mut image = small();
        change(&mut image);
        check_of(&image.to_bytes().expect_err("an image that cannot be written"))
    };
    assert_eq!(with(&|image| image.ramdisks.clear()), 6);
    assert_eq!(with(&|image| image.ramdisks = vec![vec![1]; 29]), 6);
    assert_eq!(with(&|image| image.kernel.clear()), 11);
    assert_eq!(with(&|image| image.ramdisks[1].clear()), 11);
    assert_eq!(with(&|image| image.metadata.clear()), 11);
    assert_eq!(with(&|image| image.metadata = vec![b' '; (1 << 20) + 1]), 11);
    assert_eq!(with(&|image| image.cmdline = "x".repeat(2048)), 11);
    assert_eq!(with(&|image| image.cmdline = "quiet\n".into()), 14);
    assert_eq!(with(&|image| image.cmdline = "caf\u{e9}".into()), 14);
    assert_eq!(with(&|image| image.signature = Some(vec![0x80])), 15);
    assert_eq!(with(&|image| image.kernel = vec![0; IMAGE_BYTES_MAX]), 1);
    let mut most = small();
    most.ramdisks = vec![vec![1]; 28];
    most.cmdline = "x".repeat(2047);
    let bytes = most.to_bytes().expect("as much as there may be");
    assert_eq!(eif::read(&bytes).expect("read"), most);
}

#[test]
fn a_description_shows_what_is_measured_and_what_is_not() {
    let mut image = small();
    image.metadata = b"{\"ImageName\":\"\x1b[2J\"}".to_vec();
    let bytes = image.to_bytes().expect("written");
    let description = eif::describe(&bytes);
    assert_eq!(description.refused, None);
    assert_eq!(description.file_bytes, bytes.len() as u64);
    assert_eq!(description.measurements, Some(image.measurements()));
    let kinds: Vec<_> = description.sections.iter().map(|s| (s.kind, s.measured)).collect();
    let expected = [
        (Some("kernel"), true),
        (Some("cmdline"), true),
        (Some("metadata"), false),
        (Some("ramdisk"), true),
        (Some("ramdisk"), true),
        (Some("ramdisk"), true),
    ];
    assert_eq!(kinds, expected);
    let text = description.to_string();
    assert!(text.contains("\\u{1b}[2J") && !text.contains('\x1b'), "{text}");
    assert!(text.contains(&crypto::to_hex(&image.measurements().pcr2)), "{text}");
    let json = description.to_json();
    assert_eq!(json["measurements"]["pcr0"], crypto::to_hex(&image.measurements().pcr0));
    assert_eq!(json["accepted"], true);
    assert_eq!(json["sections"][2]["measured"], false);
}
