//! What `run` writes down for `stop`, `status`, `console` and the next `run`: one JSON file in a
//! folder that one supervisor locks. A file of a supervisor that was killed must never be taken
//! for the truth: who reads it asks the lock first.

use super::limits::STATE_BYTES_MAX;
use super::options::RunnerKind;
use crate::error::Error;
use crate::files::{lock, publish};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Version of the file's form.
const VERSION: u32 = 1;
/// Name of the file.
const FILE: &str = "state.json";

/// Where the enclave's life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Started, without a sign of life yet.
    Starting,
    /// Gave its heartbeat and has not ended since.
    Running,
    /// Ended; it is started again after a wait.
    Waiting,
    /// Ended so often that starting again seems not to help; it goes on with long waits.
    CrashLoop,
    /// Stopped by its operator, or given up.
    Stopped,
}

/// The image that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageState {
    /// Where it came from.
    pub path: PathBuf,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Measured by this program, hexadecimal.
    pub pcr0: String,
    /// Measured by this program, hexadecimal.
    pub pcr1: String,
    /// Measured by this program, hexadecimal.
    pub pcr2: String,
    /// The release that --expect found it to be.
    pub release: Option<String>,
}

/// A process that the supervisor started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// What it does.
    pub role: String,
    /// Its process id; it leads a process group of its own.
    pub pid: u32,
}

/// Everything that is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Version of this form.
    pub version: u32,
    /// Random name of this supervision; it is in the environment of every process of it.
    pub run: String,
    /// Name of the enclave.
    pub name: String,
    /// What carries it.
    pub runner: RunnerKind,
    /// Process id of the supervisor.
    pub supervisor: u32,
    /// When the supervisor started, in the kernel's ticks: with the id, it names a process.
    pub supervisor_ticks: u64,
    /// Where things stand.
    pub phase: Phase,
    /// The image.
    pub image: ImageState,
    /// Context id.
    pub cid: u32,
    /// What `probity serve --enclave` takes.
    pub address: String,
    /// Sockets to remove at the end.
    pub sockets: Vec<PathBuf>,
    /// Whether the console is attached.
    pub console: bool,
    /// The processes.
    pub members: Vec<Member>,
    /// nitro-cli's name of the enclave.
    pub enclave_id: Option<String>,
    /// Unix milliseconds of the heartbeat of the present run.
    pub up_since_ms: Option<u64>,
    /// Milliseconds from the present run's start to its heartbeat.
    pub heartbeat_ms: Option<u64>,
    /// How often it was started again.
    pub restarts: u32,
    /// How the last run ended.
    pub last_end: Option<String>,
}

/// A folder and what it says.
#[derive(Debug)]
pub struct Found {
    /// What was written down last.
    pub state: State,
    /// The lock, when no supervisor holds it.
    pub orphaned: Option<File>,
}

impl State {
    /// The form's version, for who makes one.
    pub const VERSION: u32 = VERSION;

    /// Writes it down.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(self).expect("texts and numbers always serialize");
        publish(&folder.join(FILE), &bytes)
    }

    /// What is written down in a folder; `None` when nothing is.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(path)(error)),
        };
        is_ours(folder, &fs::metadata(folder).map_err(Error::file(folder))?)?;
        is_ours(&path, &file.metadata().map_err(Error::file(&path))?)?;
        let mut bytes = Vec::new();
        file.take(STATE_BYTES_MAX).read_to_end(&mut bytes).map_err(Error::file(&path))?;
        let wrong = |problem: String| Error::Runner {
            what: path.display().to_string(),
            problem,
            remedy: "end the processes it speaks of by hand, and remove the file",
        };
        let state: Self = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        match state.version {
            VERSION => Ok(Some(state)),
            found => Err(wrong(format!("expected version {VERSION}, found {found}"))),
        }
    }

    /// What a folder says, and whether somebody looks after it.
    pub fn find(folder: &Path) -> Result<Option<Found>, Error> {
        if !fs::exists(folder.join(FILE)).map_err(Error::file(folder))? {
            return Ok(None);
        }
        // In this order: what is read after the lock was free was written by nobody alive.
        let orphaned = lock(folder)?;
        let state = Self::read(folder)?;
        Ok(state.map(|state| Found { state, orphaned }))
    }
}

/// Refuses what another user may have written: it says which files are removed and which
/// processes are ended, with the rights of whoever asks.
pub fn is_ours(path: &Path, found: &Metadata) -> Result<(), Error> {
    let (ours, owner, mode) = (geteuid().as_raw(), found.uid(), found.mode() & 0o7777);
    if owner == ours && mode & 0o022 == 0 {
        return Ok(());
    }
    Err(Error::Runner {
        what: path.display().to_string(),
        problem: format!(
            "expected a file of user {ours} that nobody else may write, found one of user {owner} \
             with mode {mode:04o}"
        ),
        remedy: "run this as the user who started the enclave, with a folder of that user's own",
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn sample() -> State {
        State {
            version: VERSION,
            run: "00ff".into(),
            name: "probity".into(),
            runner: RunnerKind::Qemu,
            supervisor: 1,
            supervisor_ticks: 2,
            phase: Phase::CrashLoop,
            image: ImageState {
                path: "probity.eif".into(),
                sha256: "a".into(),
                pcr0: "b".into(),
                pcr1: "c".into(),
                pcr2: "d".into(),
                release: Some("0.1.0".into()),
            },
            cid: 16,
            address: "hybrid:vsock:5000".into(),
            sockets: vec!["vsock".into()],
            console: false,
            members: vec![Member { role: "qemu".into(), pid: 3 }],
            enclave_id: None,
            up_since_ms: Some(4),
            heartbeat_ms: Some(5),
            restarts: 6,
            last_end: Some("killed".into()),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_the_lock_says_who_looks_after_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(State::find(folder.path()).unwrap().is_none());
        sample().write(folder.path()).unwrap();
        let found = State::find(folder.path()).unwrap().unwrap();
        assert_eq!(found.state, sample());
        assert!(found.orphaned.is_some());
        let again = State::find(folder.path()).unwrap().unwrap();
        assert!(again.orphaned.is_none(), "somebody holds the lock");
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.contains(r#""phase": "crash-loop""#), "{text}");
    }

    #[test]
    fn other_forms_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = serde_json::to_string(&sample()).unwrap();
        for wrong in [
            text.replace(r#""version":1"#, r#""version":2"#),
            text.replace(r#""cid":16"#, r#""cid":16,"more":1"#),
            text.replace(r#""cid":16"#, r#""cid":-1"#),
            text[..text.len() - 1].to_owned(),
        ] {
            fs::write(folder.path().join(FILE), wrong).unwrap();
            assert!(matches!(State::read(folder.path()), Err(Error::Runner { .. })));
        }
    }

    #[test]
    fn what_others_may_write_is_not_believed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        sample().write(folder.path()).unwrap();
        let allow = |path: &Path, mode: u32| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let refused = || matches!(State::read(folder.path()), Err(Error::Runner { .. }));
        assert!(!refused());
        let file = folder.path().join(FILE);
        for (path, wrong, right) in [(folder.path(), 0o777, 0o700), (&*file, 0o664, 0o600)] {
            allow(path, wrong);
            assert!(refused(), "{} {wrong:o}", path.display());
            allow(path, right);
            assert!(!refused());
        }
    }
}
