//! `run`: locks the folder, measures, starts the worker, watches over it with real questions,
//! starts another when it ends or hangs, and gives up on one that ends again and again. It must
//! never start a worker before it was measured, and never leave one behind.

use crate::error::Error;
use crate::files;
use crate::limits::{
    CRASH_LOOP_WINDOW, PROBE_POLL, SOCKET_PATH_BYTES_MAX, START_PROBE_WAIT, START_WAIT,
};
use crate::measured::{self, Boot, Program};
use crate::options::RunOptions;
use crate::owner::{Notice, Owner, Plan, Ready};
use crate::restarts::{Next, Restarts};
use crate::runtime_log::firmware_log;
use crate::status::{Phase, Status};
use crate::worker::{Starter, Worker};
use nix::unistd::User;
use parent::config::EnclaveAddress;
use parent::enclave_command::health;
use parent::signals::Signals;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Name of the worker's socket in the state's folder.
pub const SOCKET: &str = "worker.sock";
const SOCKET_MODE: u32 = 0o600;
/// A failed quote is repeated by the worker: its own deadline is longer than ours.
const WORKER_QUOTE_WAIT_MORE: Duration = Duration::from_secs(5);

/// A line for the operator. One who has gone ends nothing.
macro_rules! say {
    ($($part:tt)*) => {
        writeln!(std::io::stderr(), $($part)*).ok()
    };
}

/// Why a worker's run was over.
enum End {
    Asked,
    Void(Error),
    Worker(String),
}

struct Supervisor {
    folder: PathBuf,
    starter: Starter,
    address: EnclaveAddress,
    hung_wait: Duration,
    status: Status,
    notices: UnboundedReceiver<Notice>,
    signals: Signals,
    /// When the present worker answered first.
    up: Option<Instant>,
    /// When the last one ended.
    missing: Option<Instant>,
}

/// Runs until the operator ends it, or until it cannot go on.
pub fn run(options: &RunOptions) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::system("starting"))?.block_on(supervise(options))
}

async fn supervise(options: &RunOptions) -> Result<(), Error> {
    let signals = Signals::new()?;
    let folder = std::path::absolute(&options.device.state);
    let folder = folder.map_err(Error::file(&options.device.state))?;
    files::folder(&folder)?;
    let Some(_lock) = parent::files::patient_lock(&folder).await? else {
        return Err(Error::InUse { path: folder });
    };
    // What a device that was killed wrote down does not speak of this one.
    Status::forget(&folder)?;
    let socket = folder.join(SOCKET);
    if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        let problem = format!("expected a socket's path of at most {SOCKET_PATH_BYTES_MAX} bytes");
        return Err(Error::content(&socket, problem, "give a shorter --state"));
    }
    let boot = Boot::read(&options.boot)?;
    let program = Program::read(&options.worker)?;
    let arguments = arguments(options)?;
    let plan = plan(options, &folder, &program, &boot)?;
    let (register, selection) = (plan.register, plan.selection.clone());
    let (send, notices) = unbounded_channel();
    let (owner, ready) = Owner::start(plan, send, START_WAIT)?;
    say(&program, &ready, register);
    let listener = listen(&socket)?;
    let address = EnclaveAddress::Unix(socket.clone());
    let registers: Vec<_> = selection.registers.iter().map(u8::to_string).collect();
    let status = Status {
        version: Status::VERSION,
        device: std::process::id(),
        phase: Phase::Starting,
        worker: None,
        address: address.to_string(),
        worker_sha256: crypto::to_hex(&program.sha256),
        register,
        register_value: crypto::to_hex(&ready.register),
        selection: format!("{}:{}", selection.bank, registers.join(",")),
        ak_name: crypto::to_hex(&ready.ak.name),
        certificates: ready.certificates,
        resets: ready.clock.resets,
        sealed: ready.sealed,
        restarts: 0,
        last_recovery_ms: None,
        last_end: None,
        last_alert: None,
    };
    let extension = boot.config.pcr_extension();
    let starter = Starter { program, listener, owner, extension, arguments };
    let hung_wait = Duration::from_secs(options.hung_wait);
    let (up, missing) = (None, None);
    let mut supervisor =
        Supervisor { folder, starter, address, hung_wait, status, notices, signals, up, missing };
    let result = supervisor.watch(options.ends_max).await;
    // Gone already is what is wanted.
    std::fs::remove_file(&socket).ok();
    supervisor.stopped(result.as_ref().err());
    result
}

impl Supervisor {
    async fn watch(&mut self, ends_max: u32) -> Result<(), Error> {
        let mut restarts = Restarts::new(ends_max, CRASH_LOOP_WINDOW);
        loop {
            let how = match self.live().await? {
                End::Asked => {
                    say!("stopped");
                    return Ok(());
                }
                End::Void(error) => return Err(error),
                End::Worker(how) => how,
            };
            let lasted = self.up.take().map_or(Duration::ZERO, |since| since.elapsed());
            self.missing = Some(Instant::now());
            say!("the worker ended after {} ms: {how}", lasted.as_millis());
            self.status.last_end = Some(how.clone());
            self.status.worker = None;
            match restarts.ended(Instant::now(), lasted) {
                Next::After(wait) => {
                    self.phase(Phase::Waiting);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.signals.wait() => return Ok(()),
                    }
                    self.status.restarts += 1;
                }
                Next::Isolate(ends) => return self.isolate(ends, how).await,
            }
        }
    }

    /// One worker's life.
    async fn live(&mut self) -> Result<End, Error> {
        self.phase(Phase::Starting);
        let mut worker = match self.starter.start() {
            Ok(worker) => worker,
            // The first start tells what is wrong with the program; later ones are ends.
            Err(error) if self.status.restarts == 0 => return Err(error),
            Err(error) => return Ok(End::Worker(error.reason())),
        };
        self.status.worker = Some(worker.pid);
        self.phase(Phase::Starting);
        let end = self.attend(&mut worker).await;
        match &end {
            Ok(End::Asked) => worker.end().await,
            _ => worker.kill().await,
        }
        end
    }

    async fn attend(&mut self, worker: &mut Worker) -> Result<End, Error> {
        let start = Instant::now();
        let (mut answered, address) = (start, self.address.clone());
        let mut poll = tokio::time::interval(PROBE_POLL);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let probe = async {
                poll.tick().await;
                health::ask(&address).await
            };
            let probed = tokio::select! {
                how = worker.ended() => return Ok(End::Worker(how)),
                () = self.signals.wait() => return Ok(End::Asked),
                Some(notice) = self.notices.recv() => {
                    match notice {
                        Notice::Void(error) => return Ok(End::Void(error)),
                        Notice::Alert(text) => self.alert(text),
                    }
                    continue;
                }
                probed = probe => probed,
            };
            match probed {
                Err(error) if health::is_silence(&error) => {}
                Err(_) if self.up.is_none() => {}
                // It answers, or others hold all connections that it takes.
                _ => answered = Instant::now(),
            }
            if answered > start && self.up.is_none() {
                self.is_up(answered);
            }
            let silent = answered.elapsed();
            let most = if self.up.is_some() { self.hung_wait } else { START_PROBE_WAIT };
            if silent >= most {
                return Ok(End::Worker(format!("it hangs: no answer for {} s", silent.as_secs())));
            }
        }
    }

    fn is_up(&mut self, since: Instant) {
        self.up = Some(since);
        if let Some(missing) = self.missing.take() {
            let took = since.duration_since(missing).as_millis();
            self.status.last_recovery_ms = u64::try_from(took).ok();
            say!("a worker answers again after {took} ms");
        } else {
            writeln!(std::io::stdout(), "{}", self.address).ok();
        }
        self.phase(Phase::Running);
    }

    /// Nothing is started any more, and callers are told at once instead of waiting.
    async fn isolate(&mut self, ends: u32, last: String) -> Result<(), Error> {
        let error = Error::Isolated { ends, seconds: CRASH_LOOP_WINDOW.as_secs(), last };
        std::fs::remove_file(self.folder.join(SOCKET)).ok();
        self.status.phase = Phase::Isolated;
        self.alert(error.to_string());
        self.signals.wait().await;
        Err(error)
    }

    fn alert(&mut self, text: String) {
        say!("ALERT {text}");
        self.status.last_alert = Some(text);
        self.publish();
    }

    fn phase(&mut self, phase: Phase) {
        self.status.phase = phase;
        self.publish();
    }

    /// A full disk ends no worker: what is written down is for people.
    fn publish(&self) {
        if let Err(error) = self.status.write(&self.folder) {
            say!("status: {error}");
        }
    }

    fn stopped(&mut self, error: Option<&Error>) {
        self.status.worker = None;
        if let Some(error) = error {
            self.status.last_end = Some(error.to_string());
        }
        self.phase(Phase::Stopped);
    }
}

fn plan(
    options: &RunOptions,
    folder: &Path,
    program: &Program,
    boot: &Boot,
) -> Result<Plan, Error> {
    Ok(Plan {
        tcti: options.device.tcti.clone(),
        folder: folder.to_owned(),
        handle: options.device.ak_handle,
        kind: options.device.ak_type,
        selection: options.selection()?,
        register: options.register,
        events: measured::events(program, &options.worker_release, boot),
        firmware: firmware_log(&options.event_log)?,
        latency: Duration::from_millis(options.quote_latency_ms),
        quote_wait: Duration::from_secs(options.quote_wait),
    })
}

/// What every worker is started with.
fn arguments(options: &RunOptions) -> Result<Vec<String>, Error> {
    let wait = Duration::from_secs(options.quote_wait) + WORKER_QUOTE_WAIT_MORE;
    let mut arguments = vec!["--quote-timeout-ms".into(), wait.as_millis().to_string()];
    if options.workers > 0 {
        arguments.extend(["--workers".into(), options.workers.to_string()]);
    }
    if let Some(name) = &options.user {
        let found = User::from_name(name).map_err(|error| error.into());
        let found = found.map_err(Error::system(format!("user {name}")))?;
        let missing = || Error::system(format!("user {name}"))(std::io::ErrorKind::NotFound.into());
        let user = found.ok_or_else(missing)?;
        arguments.extend(["--user".into(), format!("{}:{}", user.uid, user.gid)]);
    }
    Ok(arguments)
}

fn listen(socket: &Path) -> Result<UnixListener, Error> {
    // Left over when the device before was killed; the folder is locked by us.
    std::fs::remove_file(socket).ok();
    let listener = UnixListener::bind(socket).map_err(Error::file(socket))?;
    let mode = std::fs::Permissions::from_mode(SOCKET_MODE);
    std::fs::set_permissions(socket, mode).map_err(Error::file(socket))?;
    Ok(listener)
}

fn say(program: &Program, ready: &Ready, register: u8) {
    let (path, mib) = (program.path.display(), program.size as f64 / f64::from(1 << 20));
    say!("worker {path}: {mib:.1} MiB, SHA-256 {}", crypto::to_hex(&program.sha256));
    let what = match ready.measured {
        0 => "as the start before, nothing measured".into(),
        count => format!("{count} events measured"),
    };
    say!("PCR{register} {}: {what}", crypto::to_hex(&ready.register));
    let certificates = match ready.certificates {
        0 => "no certificate: pin its name, or enrol".into(),
        count => format!("{count} certificates"),
    };
    say!("key {}: {certificates}", crypto::to_hex(&ready.ak.name));
    say!("TPM {}; state key {}", ready.clock, ready.sealed);
}
