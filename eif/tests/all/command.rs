//! The program `eif`, run as its users run it.

use crate::small;
use crate::vectors::file;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("eif-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("folder");
        Self(path)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("written");
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Exit status, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_eif")).args(arguments).output().expect("run");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (done.status.code().expect("ended"), text(done.stdout), text(done.stderr))
}

fn built(folder: &Folder, list: &str, cmdline: &str, out: &str) -> String {
    let kernel = folder.put("bzImage", b"kernel");
    let list = folder.put("list", list.as_bytes());
    let cmdline = folder.put("cmdline", cmdline.as_bytes());
    let binary = format!("probity-enclave={}", folder.put("binary", b"an enclave"));
    for part in ["base", "app"] {
        let (out, file) = (folder.path(part), binary.as_str());
        let verb = ["archive", "--list", &list, "--part", part, "--file", file, "--out", &out];
        assert_eq!(run(&verb), (0, String::new(), String::new()));
    }
    let (base, app, out) = (folder.path("base"), folder.path("app"), folder.path(out));
    let done = run(&[
        "build",
        "--kernel",
        &kernel,
        "--kernel-version",
        "6.12",
        "--cmdline",
        &cmdline,
        "--ramdisk",
        &base,
        "--ramdisk",
        &app,
        "--out",
        &out,
    ]);
    assert_eq!(done, (0, String::new(), String::new()));
    out
}

const LIST: &str = "base dir /dev 0755 0 0\napp file /init probity-enclave 0755 0 0\n";

#[test]
fn an_image_is_built_described_signed_and_compared() {
    let folder = Folder::new("whole");
    let one = built(&folder, LIST, "quiet\n", "one.eif");
    let again = built(&folder, LIST, "quiet\n", "again.eif");
    assert_eq!(std::fs::read(&one).expect("one"), std::fs::read(&again).expect("again"));
    let image = eif::read(&std::fs::read(&one).expect("one")).expect("read");
    assert_eq!((image.cmdline.as_str(), image.ramdisks.len()), ("quiet", 2));
    let pcr0 = crypto::to_hex(&image.measurements().pcr0);

    let (status, text, _) = run(&["describe", &one]);
    assert_eq!(status, 0);
    assert!(text.contains(&pcr0) && text.contains("ACCEPTED"), "{text}");
    let (status, json, _) = run(&["describe", &one, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((status, &json["measurements"]["pcr0"]), (0, &pcr0.into()));

    let certificate = folder.put("certificate.pem", &file("certificate.pem"));
    let key = folder.put("key.pem", &file("key.pem"));
    let signed = folder.path("signed.eif");
    let verb = ["sign", &one, "--certificate", &certificate, "--key", &key, "--out", &signed];
    let (status, text, _) = run(&verb);
    let read = eif::read(&std::fs::read(&signed).expect("signed")).expect("read");
    let pcr8 = crypto::to_hex(&read.measurements().pcr8.expect("PCR8"));
    assert_eq!((status, text), (0, format!("PCR8 {pcr8}\n")));

    assert_eq!(run(&["compare", &one, &again]).0, 0);
    let (status, text, _) = run(&["compare", &one, &signed]);
    assert_eq!(status, 1);
    let differs: Vec<_> = text.lines().filter(|line| line.ends_with("DIFFERS")).collect();
    assert_eq!(differs, ["signature  DIFFERS", "file       DIFFERS", "PCR8       DIFFERS"]);
    let other = built(&folder, LIST, "quiet debug\n", "other.eif");
    let (status, text, _) = run(&["compare", &one, &other]);
    assert_eq!(status, 1);
    assert!(text.contains("PCR0       DIFFERS") && text.contains("PCR2       same"), "{text}");
}

#[test]
fn a_release_is_written_and_checked() {
    let folder = Folder::new("release");
    let one = built(&folder, LIST, "quiet\n", "one.eif");
    let (sources, inputs) = (folder.put("sources", b"s\n"), folder.put("inputs", b"i\n"));
    let out = folder.path("measurements.json");
    let write = |image: &str, version: &str| {
        run(&[
            "release",
            image,
            "--version",
            version,
            "--sources",
            &sources,
            "--inputs",
            &inputs,
            "--into",
            &out,
            "--out",
            &out,
        ])
    };
    assert_eq!(write(&one, "0.1.0"), (0, String::new(), String::new()));
    let check = |image: &str| run(&["check", image, "--measurements", &out]);
    assert_eq!(check(&one), (0, String::new(), String::new()));
    let other = built(&folder, LIST, "quiet debug\n", "other.eif");
    let (status, text, _) = check(&other);
    assert_eq!(status, 1);
    assert!(text.contains("PCR0 of 0.1.0") && !text.contains("PCR2"), "{text}");
    assert_eq!(write(&other, "0.2.0").0, 0);
    assert_eq!((check(&one).0, check(&other).0), (1, 0));
    let text = std::fs::read(&out).expect("written");
    let releases = eif::release::Releases::parse(&text).expect("read").releases;
    let versions: Vec<_> = releases.iter().map(|release| release.version.as_str()).collect();
    assert_eq!(versions, ["0.1.0", "0.2.0"]);
    let (status, _, error) = run(&["check", &one, "--measurements", &out, "--variant", "debug"]);
    assert_eq!(status, 2);
    assert!(error.contains("no release of this variant"), "{error}");
}

#[test]
fn files_that_are_no_images_end_in_words() {
    let folder = Folder::new("refused");
    let mut bytes = small().to_bytes().expect("written");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let damaged = folder.put("damaged.eif", &bytes);
    let (status, text, error) = run(&["describe", &damaged]);
    assert_eq!((status, error.as_str()), (1, ""));
    assert!(text.contains("REFUSED    I13 CRC-32") && !text.contains("PCR0"), "{text}");
    let (status, _, error) = run(&["compare", &damaged, &damaged]);
    assert_eq!(status, 2);
    assert!(error.starts_with("eif: ") && error.contains("I13"), "{error}");
    let absent = folder.path("absent.eif");
    let (status, _, error) = run(&["describe", &absent]);
    assert_eq!(status, 2);
    assert!(error.contains("absent.eif"), "{error}");
    let empty = folder.put("empty", b"");
    let (status, text, _) = run(&["describe", &empty]);
    assert_eq!(status, 1);
    assert!(text.contains("I1 image"), "{text}");
    let out = folder.path("out.eif");
    let kernel = folder.put("kernel", b"k");
    let line = folder.put("cmdline", b"two\nlines\n");
    let disk = folder.put("disk", b"d");
    let (status, _, error) =
        run(&["build", "--kernel", &kernel, "--cmdline", &line, "--ramdisk", &disk, "--out", &out]);
    assert_eq!(status, 2);
    assert!(error.contains("I14") && !Path::new(&out).exists(), "{error}");
}
