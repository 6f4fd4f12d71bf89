//! Processes of a supervision: started through `hold`, so that they die with the supervisor, each
//! in a process group of its own, and marked in their environment, so that what a killed
//! supervisor left is known for certain. It must never signal a process that bears another mark.

use super::limits::{END_WAIT, LAST_WORDS_BYTES_MAX, LAST_WORDS_LINES};
use super::options::HoldOptions;
use super::state::Member;
use crate::error::Error;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getppid};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, ChildStdout, Command};

/// Variable that names the supervision.
const MARK: &str = "PROBITY_ENCLAVE_RUN";
/// This program, also when its file has been replaced since.
const OURSELVES: &str = "/proc/self/exe";

/// A process that runs.
#[derive(Debug)]
pub struct Process {
    role: &'static str,
    pid: u32,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program. What it says goes to `ROLE.log` of the folder, all but its standard output
    /// when that is `piped`; the log before is kept under `ROLE.log.1`.
    pub fn start(
        role: &'static str,
        (program, arguments): (&Path, Vec<OsString>),
        (folder, run): (&Path, &str),
        piped: bool,
    ) -> Result<Self, Error> {
        let log = folder.join(format!("{role}.log"));
        // There is none before the first start.
        fs::rename(&log, folder.join(format!("{role}.log.1"))).ok();
        let file = File::create(&log).map_err(Error::file(&log))?;
        let failed = |problem: std::io::Error| Error::Runner {
            what: role.into(),
            problem: format!("{}: {problem}", program.display()),
            remedy: "name a program that is there and may be run",
        };
        let mut command = Command::new(OURSELVES);
        command.args(["enclave", "hold", "--parent", &std::process::id().to_string(), "--"]);
        command.arg(find(program).map_err(failed)?).args(arguments).env(MARK, run);
        command.process_group(0).kill_on_drop(true);
        let output = if piped { Ok(Stdio::piped()) } else { file.try_clone().map(Stdio::from) };
        command.stdin(Stdio::null()).stdout(output.map_err(Error::file(&log))?).stderr(file);
        let child = command.spawn().map_err(failed)?;
        let pid = child.id().ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        Ok(Self { role, pid, child, log })
    }

    /// For the state.
    pub fn member(&self) -> Member {
        Member { role: self.role.into(), pid: self.pid }
    }

    /// Its standard output, once.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits until it ends, and says how.
    pub async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        let how = status.map_or_else(|error| error.to_string(), describe);
        match last_words(&self.log) {
            words if words.is_empty() => format!("{} {how}", self.role),
            words => format!("{} {how}: {words}", self.role),
        }
    }

    /// Asks it and its group to end, waits, and kills them when they do not. What outlives the
    /// leader of the group is found by [`clean`]: once the leader was waited for, its number may
    /// be another's.
    pub async fn end(mut self) {
        if self.child.id().is_none() {
            return;
        }
        let group = group(self.pid);
        // Gone already is what is wanted.
        killpg(group, Signal::SIGTERM).ok();
        if tokio::time::timeout(END_WAIT, self.child.wait()).await.is_err() {
            killpg(group, Signal::SIGKILL).ok();
            self.child.wait().await.ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // As long as it was not waited for, its number is its own.
        if self.child.id().is_some() {
            killpg(group(self.pid), Signal::SIGKILL).ok();
        }
    }
}

/// `hold`: becomes the program, which the kernel kills when `parent` dies. The order matters: a
/// parent that died before the request is seen after it.
pub fn hold(options: &HoldOptions) -> Error {
    let failed = |problem: String| Error::Runner {
        what: "hold".into(),
        problem,
        remedy: "`hold` is for `probity enclave run` alone",
    };
    if let Err(error) = prctl::set_pdeathsig(Signal::SIGKILL) {
        return failed(error.to_string());
    }
    if getppid() != Pid::from_raw(options.parent) {
        return failed("the supervisor has gone".into());
    }
    let (program, arguments) = options.program.split_first().expect("clap requires one");
    let problem = std::process::Command::new(program).args(arguments).exec();
    failed(format!("{}: {problem}", program.display()))
}

/// Kills every process that bears the mark of a supervision, and says how many there were.
pub fn clean(run: &str) -> usize {
    let mut killed = 0;
    let start = Instant::now();
    // Who is killed while starting another: look again until nobody is found.
    while start.elapsed() < END_WAIT {
        let marked = marked(run);
        if marked.is_empty() {
            return killed;
        }
        for pid in marked {
            killed += usize::from(kill(pid, Signal::SIGKILL).is_ok());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    killed
}

/// Living processes whose environment has the mark.
fn marked(run: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={run}");
    let ours = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != ours)
        .filter(|pid| {
            // Another user's, or gone by now: not ours. A zombie's is empty.
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes())
        })
        .filter_map(|pid| i32::try_from(pid).ok().map(Pid::from_raw))
        .collect()
}

/// When a process started, in the kernel's ticks since boot: field 22 of its `stat`.
pub fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything, also blanks and brackets.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Sends a signal to a process that is the one that started at `ticks`.
pub fn signal(pid: u32, ticks: u64, signal: Signal) -> bool {
    let Ok(raw) = i32::try_from(pid) else { return false };
    start_ticks(pid) == Some(ticks) && kill(Pid::from_raw(raw), signal).is_ok()
}

/// The last lines of a log, as one.
pub fn last_words(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(LAST_WORDS_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_WORDS_LINES)..];
    last.join("; ").chars().filter(|c| !c.is_control()).collect()
}

/// The program's file: as it is when it has a folder, else from PATH.
fn find(program: &Path) -> std::io::Result<PathBuf> {
    let usable = |path: &Path| path.is_file();
    if program.components().count() > 1 {
        return usable(program).then(|| program.to_owned()).ok_or_else(missing);
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(program));
    places.find(|path| usable(path)).ok_or_else(missing)
}

fn missing() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such program")
}

fn group(pid: u32) -> Pid {
    // 0 would be our own group; ids of processes that were started are never that large.
    Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX))
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (_, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("was ended by {signal}"),
            Err(_) => format!("was ended by signal {number}"),
        },
        _ => "ended".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_mark_and_its_start() {
        let mut sleeper = std::process::Command::new("sleep");
        let mut sleeper = sleeper.arg("600").env(MARK, "mark-of-a-test").spawn().unwrap();
        let ticks = start_ticks(sleeper.id()).unwrap();
        assert!(!signal(sleeper.id(), ticks + 1, Signal::SIGKILL), "another process of that id");
        assert_eq!(clean("mark-of-another-test"), 0);
        let reaper = std::thread::spawn(move || sleeper.wait().unwrap());
        assert_eq!(clean("mark-of-a-test"), 1);
        assert_eq!(describe(reaper.join().unwrap()), "was ended by SIGKILL");
        assert_eq!(start_ticks(u32::MAX), None);
    }

    #[test]
    fn last_words_are_few_and_tame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(last_words(&path), "");
        let text = (0..5000).map(|n| format!("line {n}\u{1b}[2J\n\n")).collect::<String>();
        fs::write(&path, text).unwrap();
        let words = last_words(&path);
        assert!(words.starts_with("line 4995[2J; line 4996"), "{words}");
        assert!(words.ends_with("line 4999[2J"), "{words}");
    }

    #[test]
    fn programs_are_looked_for_where_a_shell_would() {
        assert!(find(Path::new("sh")).unwrap().is_absolute());
        assert!(find(Path::new("no-such-program-anywhere")).is_err());
        assert!(find(Path::new("/no/such/program")).is_err());
    }
}
