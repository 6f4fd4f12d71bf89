//! The true image in QEMU, for tests: what is needed and whether it is here, one machine by hand
//! ([`Machine`]), one under `probity enclave run` ([`Supervised`]), and the host in front of it
//! ([`Host`]). It must never contain a test's expectation.

mod host;
mod machine;
mod supervised;

pub use host::Host;
pub use machine::{Link, Machine};
pub use supervised::Supervised;

use attest::ReferenceValues;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};

/// Machines that run at once: each takes a processor under software emulation.
const MACHINES_MAX: usize = 2;

/// Folder of the image and the programs that boot it.
#[derive(Debug, Clone)]
pub struct Tools {
    folder: PathBuf,
    qemu: PathBuf,
    vsock_device: PathBuf,
    nsm_device: PathBuf,
}

impl Tools {
    /// What the environment names, as `tests/image/run` sets it; otherwise says why the test that
    /// asks is ignored. Where the tests are what was asked for (`PROBITY_IMAGE_REQUIRED`), nothing
    /// is ignored.
    pub fn find() -> Option<Self> {
        let named = |name: &str| match std::env::var_os(name).map(PathBuf::from) {
            Some(path) if path.exists() => Ok(path),
            Some(path) => Err(format!("{name} names {}, which is not there", path.display())),
            None => Err(format!("{name} is not set")),
        };
        let find = || {
            Ok(Self {
                folder: named("PROBITY_IMAGE")?,
                qemu: named("PROBITY_QEMU")?,
                vsock_device: named("PROBITY_VSOCK_DEVICE")?,
                nsm_device: named("PROBITY_NSM_DEVICE")?,
            })
        };
        find()
            .map_err(|reason: String| {
                let required = std::env::var_os("PROBITY_IMAGE_REQUIRED").is_some();
                assert!(!required, "the image tests were asked for, and {reason}");
                eprintln!("ignored: {reason}; `make test-image` builds the image and sets it");
            })
            .ok()
    }

    /// A file that `eif/build` left.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The released image.
    pub fn eif(&self) -> PathBuf {
        self.path("probity.eif")
    }
}

/// The registers of an image file, measured here.
pub fn release(name: &str, eif: &Path) -> ReferenceValues {
    let measured = read(eif).measurements();
    let pcrs = [(0, measured.pcr0), (1, measured.pcr1), (2, measured.pcr2)];
    ReferenceValues::new(name, pcrs.into()).expect("three registers")
}

/// An image file, read strictly.
pub fn read(eif: &Path) -> eif::Image {
    let bytes = std::fs::read(eif).unwrap_or_else(|error| panic!("{}: {error}", eif.display()));
    eif::read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", eif.display()))
}

/// The right to run one machine.
#[derive(Debug)]
struct Slot;

static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

impl Slot {
    fn take() -> Self {
        let running = RUNNING.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let full = |running: &mut usize| *running >= MACHINES_MAX;
        let mut running =
            RUNNING.1.wait_while(running, full).unwrap_or_else(|poisoned| poisoned.into_inner());
        *running += 1;
        Self
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *RUNNING.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) -= 1;
        RUNNING.1.notify_one();
    }
}
