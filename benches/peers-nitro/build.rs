//! Builds `src/clock.c`, the clock that is given to peers which ask the system for the time.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src/clock.c");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("clock.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let arguments = ["-shared", "-fPIC", "-O1", "-o"];
    let status = Command::new(compiler).args(arguments).arg(&out).arg("src/clock.c").status();
    assert!(status.is_ok_and(|status| status.success()), "a C compiler is needed");
    println!("cargo:rustc-env=CLOCK_LIBRARY={}", out.display());
}
