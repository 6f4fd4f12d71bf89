//! `run`: measures, refuses what was not expected, starts, waits for the sign of life, watches,
//! and starts again after a wait. It stays in the foreground and is the parent of everything that
//! it starts. It must never start anything before the image was measured, and never end without
//! ending what it started.

use super::image::Measured;
use super::nitro;
use super::options::{FolderOptions, RunOptions};
use super::processes::start_ticks;
use super::restarts::{Next, Restarts};
use super::runner::{Runner, Running};
use super::state::{Phase, State, is_ours};
use super::stop::clean_up;
use crate::error::Error;
use crate::files::patient_lock;
use crate::signals::Signals;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Only its owner enters the state's folder: who reaches the enclave's socket can take its link.
const FOLDER_MODE: u32 = 0o700;

/// Why a run was over.
enum End {
    /// The operator asked for it.
    Asked,
    /// The enclave ended; in words.
    Enclave(String),
}

/// One supervision.
struct Supervisor<'a> {
    options: &'a RunOptions,
    folder: &'a Path,
    runner: Runner,
    state: State,
    /// Since when the present run has been up.
    up: Option<Instant>,
    /// Whether nothing can be left of a start that failed.
    is_clean: bool,
}

/// Runs until the operator ends it; an enclave that never came up is an error.
pub async fn run(options: &RunOptions) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let start = Instant::now();
    let folder = folder(&options.folder)?;
    let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder);
    made.map_err(Error::file(&folder))?;
    let Some(_lock) = patient_lock(&folder).await? else {
        return Err(Error::Runner {
            what: folder.display().to_string(),
            problem: "another `probity enclave run` looks after this folder".into(),
            remedy: "stop it, or give each enclave a folder of its own with --state",
        });
    };
    is_ours(&folder, &fs::metadata(&folder).map_err(Error::file(&folder))?)?;
    if let Some(state) = State::read(&folder)? {
        clean_up(&folder, state, &nitro::program(options.nitro_cli.as_deref())).await?;
    }
    let mut image = Measured::read(&options.eif)?;
    if let Some(file) = &options.expect {
        image = image.expect(file)?;
    }
    if options.debug_console && !image.has_console() {
        return Err(super::no_console(&image.image().cmdline));
    }
    image.copy(&folder)?;
    say_measured(&image, start.elapsed());
    let run = format!("{:016x}", crate::serve::random()?);
    let runner = Runner::prepare(options, &folder, &image, &run)?;
    let state = first_state(options, &runner, &image, run);
    let folder = folder.as_path();
    let mut supervisor = Supervisor { options, folder, runner, state, up: None, is_clean: true };
    let result = supervisor.watch(&mut signals).await;
    supervisor.close(result.as_ref().err().map(ToString::to_string))?;
    result
}

impl Supervisor<'_> {
    async fn watch(&mut self, signals: &mut Signals) -> Result<(), Error> {
        let mut restarts = Restarts::new();
        loop {
            let start = Instant::now();
            let how = match self.live(signals, start).await? {
                End::Asked => {
                    eprintln!("stopped after {}", spoken(start.elapsed()));
                    return Ok(());
                }
                End::Enclave(how) => how,
            };
            // An image that hangs until its heartbeat is given up has not lasted at all.
            let up = self.up.take().map_or(Duration::ZERO, |since| since.elapsed());
            let Next { wait, is_crash_loop } = restarts.ended(Instant::now(), up);
            let lasted = spoken(start.elapsed());
            eprintln!("the enclave ended after {lasted}: {how}");
            if self.options.no_restart {
                return Err(ended(how, "--no-restart was given"));
            }
            if self.state.up_since_ms.is_none() && self.state.restarts == 0 {
                return Err(ended(how, "it never came up: correct that, and run it again"));
            }
            self.state.phase = if is_crash_loop { Phase::CrashLoop } else { Phase::Waiting };
            self.state.up_since_ms = None;
            self.state.last_end = Some(format!("after {lasted}: {how}"));
            self.state.members.clear();
            self.state.enclave_id = None;
            self.write()?;
            if is_crash_loop {
                eprintln!("crash loop: it ends again and again; `probity enclave stop` ends this");
            }
            eprintln!("starting again in {} s", wait.as_secs());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = signals.wait() => return Ok(()),
            }
            self.state.restarts += 1;
        }
    }

    /// One run, from start to end. A start that fails is an error the first time, and an end of
    /// the enclave later.
    async fn live(&mut self, signals: &mut Signals, start: Instant) -> Result<End, Error> {
        self.state.phase = Phase::Starting;
        self.state.heartbeat_ms = None;
        self.write()?;
        let started = tokio::select! {
            started = self.runner.start(&self.state.run) => started,
            // Dropping the start kills the processes that it has started.
            () = signals.wait() => {
                self.abandon().await;
                return Ok(End::Asked);
            }
        };
        let mut running = match started {
            Ok(running) => running,
            Err(error) => {
                self.abandon().await;
                return match self.state.restarts {
                    0 => Err(error),
                    _ => Ok(End::Enclave(error.to_string())),
                };
            }
        };
        let end = self.attend(&mut running, signals, start).await;
        // Whatever became of it, nothing of it stays.
        let left = running.end().await;
        let end = end?;
        match (&end, left) {
            (End::Asked, Err(error)) => Err(error),
            (End::Enclave(_), Err(error)) => {
                eprintln!("cleaning up: {error}");
                Ok(end)
            }
            _ => Ok(end),
        }
    }

    /// Ends what a start that was cut short or failed may have left. When that fails, the state
    /// says so to the next who looks.
    async fn abandon(&mut self) {
        if let Err(error) = self.runner.abandon(self.state.cid).await {
            self.is_clean = false;
            eprintln!("cleaning up: {error}");
        }
    }

    async fn attend(
        &mut self,
        running: &mut Running,
        signals: &mut Signals,
        start: Instant,
    ) -> Result<End, Error> {
        self.state.members = running.members();
        self.state.enclave_id = running.enclave_id();
        self.write()?;
        eprintln!("started {} after {}", self.names(), spoken(start.elapsed()));
        tokio::select! {
            alive = running.alive(self.options.heartbeat_wait) => if let Err(how) = alive {
                return Ok(End::Enclave(how));
            },
            () = signals.wait() => return Ok(End::Asked),
        }
        let heartbeat = start.elapsed();
        self.state.phase = Phase::Running;
        self.state.heartbeat_ms = Some(millis(heartbeat));
        self.state.up_since_ms = Some(now_ms());
        self.up = Some(Instant::now());
        self.write()?;
        eprintln!("heartbeat after {}", spoken(heartbeat));
        if self.state.restarts == 0 {
            println!("{}", self.state.address);
        }
        let address = self.state.address.parse().map_err(Error::Accepted)?;
        tokio::select! {
            how = running.ended(&address, self.options.boot_wait) => Ok(End::Enclave(how)),
            () = signals.wait() => Ok(End::Asked),
        }
    }

    fn names(&self) -> String {
        match &self.state.enclave_id {
            Some(id) => id.clone(),
            None => {
                let member = |one: &super::state::Member| format!("{} {}", one.role, one.pid);
                self.state.members.iter().map(member).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Writes down that nothing runs any more.
    fn close(&mut self, problem: Option<String>) -> Result<(), Error> {
        for path in &self.state.sockets {
            // Gone already is what is wanted.
            fs::remove_file(path).ok();
        }
        if self.is_clean {
            self.state.phase = Phase::Stopped;
        }
        self.state.up_since_ms = None;
        self.state.members.clear();
        self.state.enclave_id = None;
        self.state.last_end = problem.or(self.state.last_end.take());
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        self.state.write(self.folder)
    }
}

/// The state's folder, absolute: other commands are run from elsewhere.
pub fn folder(options: &FolderOptions) -> Result<PathBuf, Error> {
    let path = options.path().ok_or_else(|| Error::Runner {
        what: "state".into(),
        problem: "neither --state nor a home folder says where it is".into(),
        remedy: "name a folder with --state",
    })?;
    std::path::absolute(&path).map_err(Error::file(path))
}

fn first_state(options: &RunOptions, runner: &Runner, image: &Measured, run: String) -> State {
    let pid = std::process::id();
    State {
        version: State::VERSION,
        run,
        name: options.name.clone(),
        runner: options.runner,
        supervisor: pid,
        supervisor_ticks: start_ticks(pid).unwrap_or_default(),
        phase: Phase::Starting,
        image: image.state(),
        cid: options.cid,
        address: runner.address(),
        sockets: runner.sockets(),
        console: options.debug_console,
        members: Vec::new(),
        enclave_id: None,
        up_since_ms: None,
        heartbeat_ms: None,
        restarts: 0,
        last_end: None,
    }
}

fn say_measured(image: &Measured, elapsed: Duration) {
    let state = image.state();
    let release = match image.release() {
        Some(release) => format!("release {release}"),
        None => "compared with nothing: give --expect measurements.json".into(),
    };
    let mib = image.size() as f64 / f64::from(1 << 20);
    let path = state.path.display();
    eprintln!("measured {path}: {mib:.1} MiB, {release}, after {}", spoken(elapsed));
    eprintln!("  PCR0 {}\n  PCR1 {}\n  PCR2 {}", state.pcr0, state.pcr1, state.pcr2);
}

fn ended(how: String, remedy: &'static str) -> Error {
    Error::Runner { what: "the enclave ended".into(), problem: how, remedy }
}

/// A time as people say it.
pub fn spoken(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Unix milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(millis).unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
