//! What is measured before a worker starts: its program, the boot configuration, the authorities.
//! The program is read once into memory that nobody can change any more; what was hashed there is
//! what is executed. It must never execute anything else.

use crate::error::Error;
use crate::files;
use crate::limits::{BOOT_BYTES_MAX, WORKER_BYTES_MAX};
use attest::cel::RuntimeEvent;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use ring::digest;
use rules::BootConfig;
use std::fs::{File, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Parts in which the program is hashed, in bytes.
const PART_BYTES: usize = 64 << 10;

/// A worker's program in sealed memory.
#[derive(Debug)]
pub struct Program {
    /// Where it came from.
    pub path: PathBuf,
    /// SHA-256 of what is sealed.
    pub sha256: [u8; 32],
    /// Its size in bytes.
    pub size: u64,
    memory: File,
}

/// A boot configuration.
#[derive(Debug, Clone)]
pub struct Boot {
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// What they say.
    pub config: BootConfig,
}

/// For others to execute, for its owner alone to read.
const EXECUTABLE_MODE: u32 = 0o711;

impl Program {
    /// Reads it, seals it, then hashes what is sealed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = files::read_whole(path, WORKER_BYTES_MAX)?;
        if !bytes.starts_with(b"\x7fELF") {
            let remedy = "name the probity-worker program with --worker";
            return Err(Error::content(path, "expected an ELF program", remedy));
        }
        let sealing = |what: &'static str| {
            move |error: nix::Error| Error::System { what: what.into(), source: error.into() }
        };
        // Handed on to `hold`, which closes it.
        let flags = MFdFlags::MFD_ALLOW_SEALING;
        let memory = memfd_create(c"probity-worker", flags).map_err(sealing("memfd_create"))?;
        let mut memory = File::from(memory);
        memory.write_all(&bytes).map_err(Error::system("the program's memory"))?;
        // Whoever may execute but not read it is not dumpable from its first instruction on: no
        // process of the worker's user can look into it before it closes itself.
        let permissions = Permissions::from_mode(EXECUTABLE_MODE);
        memory.set_permissions(permissions).map_err(Error::system("the program's memory"))?;
        let seals = SealFlag::F_SEAL_WRITE
            | SealFlag::F_SEAL_SHRINK
            | SealFlag::F_SEAL_GROW
            | SealFlag::F_SEAL_SEAL;
        fcntl(&memory, FcntlArg::F_ADD_SEALS(seals)).map_err(sealing("sealing the program"))?;
        let (sha256, size) = hash(&mut memory).map_err(Error::system("the program's memory"))?;
        Ok(Self { path: path.to_owned(), sha256, size, memory })
    }

    /// What a child of this process executes.
    pub fn executable(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.descriptor()))
    }

    /// Number of the sealed memory's descriptor, which children inherit.
    pub fn descriptor(&self) -> RawFd {
        self.memory.as_raw_fd()
    }

    /// The file's name.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let tame: String = name.chars().filter(|one| !one.is_control()).take(64).collect();
        if tame.is_empty() { "worker".into() } else { tame }
    }
}

impl Boot {
    /// Reads and checks it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = files::read_whole(path, BOOT_BYTES_MAX)?;
        let remedy = "make one with `probity boot new`";
        let config = BootConfig::parse(&bytes)
            .map_err(|error| Error::content(path, error.to_string(), remedy))?;
        Ok(Self { bytes, config })
    }
}

/// The three events of a start, in their order.
pub fn events(program: &Program, release: &str, boot: &Boot) -> [RuntimeEvent; 3] {
    let config = &boot.config;
    let keys = |keys: &[crypto::VerifyingKey]| keys.iter().map(|key| key.to_bytes()).collect();
    [
        RuntimeEvent::Worker {
            name: program.name(),
            version: release.to_owned(),
            sha256: program.sha256,
            size: program.size,
        },
        RuntimeEvent::BootConfig(boot.bytes.clone()),
        RuntimeEvent::Authorities {
            authorities: keys(&config.authorities),
            threshold: config.threshold as u64,
            freshness_keys: keys(&config.freshness_keys),
            freshness_threshold: config.freshness_threshold as u64,
        },
    ]
}

fn hash(memory: &mut File) -> std::io::Result<([u8; 32], u64)> {
    memory.seek(SeekFrom::Start(0))?;
    let (mut hash, mut size) = (digest::Context::new(&digest::SHA256), 0);
    let mut part = vec![0; PART_BYTES];
    loop {
        let length = memory.read(&mut part)?;
        if length == 0 {
            break;
        }
        size += length as u64;
        hash.update(&part[..length]);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(hash.finish().as_ref());
    Ok((sha256, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_what_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        std::fs::copy("/bin/true", &path).unwrap();
        let program = Program::read(&path).unwrap();
        // The file is exchanged after the measurement.
        std::fs::copy("/bin/false", &path).unwrap();
        let ran = std::process::Command::new(program.executable()).arg0_of("true");
        assert!(ran);
        let again = Program::read(&path).unwrap();
        assert_ne!(program.sha256, again.sha256);
        assert_eq!(program.name(), "program");
        // Nobody can write into it.
        let open = File::options().write(true).open(program.executable());
        assert!(open.and_then(|mut file| file.write_all(b"x")).is_err());
    }

    trait Succeeds {
        fn arg0_of(&mut self, name: &str) -> bool;
    }

    impl Succeeds for std::process::Command {
        fn arg0_of(&mut self, name: &str) -> bool {
            use std::os::unix::process::CommandExt as _;
            self.arg0(name).status().unwrap().success()
        }
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        assert!(matches!(Program::read(&path), Err(Error::Content { .. })));
        assert!(matches!(Program::read(&folder.path().join("no")), Err(Error::File { .. })));
        assert!(matches!(Boot::read(&path), Err(Error::Content { .. })));
    }
}
