//! The one thread that owns the TPM: it prepares key and log, then answers quotes and random bytes
//! until nobody can ask any more. It compares our register with the log and the clock with the last
//! one after every quote, and hands out nothing that does not fit. It must never keep a caller
//! waiting beyond the deadline.

use crate::clock::{Step, Watch};
use crate::error::Error;
use crate::identity::{self, AkRecord, AkType};
use crate::limits::REQUESTS_MAX;
use crate::runtime_log::{RuntimeLog, foreign};
use crate::tpm::{Bank, Clock, Quote, Selection, Tpm};
use attest::cel::RuntimeEvent;
use attest::tpm::AttestationKey;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tpmlink::Quoted;
use zeroize::Zeroizing;

/// Qualifying data of the quote that tells the clock at the start. No binding has its length.
const CLOCK_TAG: &[u8] = b"probity/v1/clock";

/// What the thread needs to begin.
#[derive(Debug)]
pub struct Plan {
    /// Where the TPM is.
    pub tcti: String,
    /// The state's folder, locked by the caller.
    pub folder: PathBuf,
    /// Where the attestation key is.
    pub handle: u32,
    /// Its kind.
    pub kind: AkType,
    /// What is quoted; our register among it.
    pub selection: Selection,
    /// Our register.
    pub register: u8,
    /// What is measured before the worker starts.
    pub events: [RuntimeEvent; 3],
    /// The firmware's log.
    pub firmware: Option<Vec<u8>>,
    /// Added to every quote: the fault injection of `--quote-latency-ms`.
    pub latency: Duration,
    /// How long a quote may take.
    pub quote_wait: Duration,
}

/// What the thread found when it was ready.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The attestation key.
    pub ak: AkRecord,
    /// The clock at the start.
    pub clock: Clock,
    /// Events that were measured now.
    pub measured: usize,
    /// Value of our register in the quoted bank.
    pub register: Vec<u8>,
    /// Certificates that go into the evidence.
    pub certificates: usize,
    /// What became of the sealed state.
    pub sealed: String,
}

/// What the supervisor has to hear of.
#[derive(Debug)]
pub enum Notice {
    /// For the operator; the device goes on.
    Alert(String),
    /// What was measured is gone: the worker has to stop.
    Void(Error),
}

enum Request {
    Quote { qualifying: [u8; 32], reply: SyncSender<Result<Quoted, Error>> },
    Random { count: usize, reply: SyncSender<Result<Zeroizing<Vec<u8>>, Error>> },
}

/// A way to ask the thread.
#[derive(Clone)]
pub struct Owner {
    requests: SyncSender<Request>,
    wait: Duration,
}

impl Owner {
    /// Starts the thread and waits until it is ready.
    pub fn start(
        plan: Plan,
        notices: UnboundedSender<Notice>,
        start_wait: Duration,
    ) -> Result<(Self, Ready), Error> {
        let (requests, inbox) = sync_channel(REQUESTS_MAX);
        let (ready, prepared) = sync_channel(1);
        let wait = plan.quote_wait;
        let farewell = Farewell(notices.clone());
        let run = move || match Thread::prepare(plan, notices) {
            Ok((thread, found)) => {
                let _farewell = farewell;
                // Nobody waits any more when the supervisor gave up: then nobody asks either.
                ready.send(Ok(found)).ok();
                thread.run(&inbox);
            }
            Err(error) => drop(ready.send(Err(error))),
        };
        let spawned = std::thread::Builder::new().name("tpm".into()).spawn(run);
        spawned.map_err(Error::system("starting the TPM's thread"))?;
        let found = prepared.recv_timeout(start_wait);
        let found = found.map_err(|why| match why {
            RecvTimeoutError::Timeout => Error::Slow { seconds: start_wait.as_secs() },
            RecvTimeoutError::Disconnected => ended(),
        })??;
        Ok((Self { requests, wait }, found))
    }

    /// A quote with what belongs to it.
    pub fn quote(&self, qualifying: [u8; 32]) -> Result<Quoted, Error> {
        self.ask(|reply| Request::Quote { qualifying, reply })
    }

    /// Random bytes of the TPM.
    pub fn random(&self, count: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.ask(|reply| Request::Random { count, reply })
    }

    fn ask<T>(
        &self,
        request: impl FnOnce(SyncSender<Result<T, Error>>) -> Request,
    ) -> Result<T, Error> {
        let (reply, answer) = sync_channel(1);
        let slow = || Error::Slow { seconds: self.wait.as_secs() };
        match self.requests.try_send(request(reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(slow()),
            Err(TrySendError::Disconnected(_)) => return Err(ended()),
        }
        match answer.recv_timeout(self.wait) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(slow()),
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
        }
    }
}

fn ended() -> Error {
    Error::Refused { what: "the TPM's thread".into(), response: "it has ended".into() }
}

/// Whether our key signed a quote: the handle may hold another's by now.
fn is_ours(public: &[u8], quote: &Quote) -> bool {
    let key = AttestationKey::parse(public);
    key.is_ok_and(|key| key.verify(&quote.attest, &quote.signature).is_ok())
}

/// Tells the supervisor when the thread ends, also when it panics.
struct Farewell(UnboundedSender<Notice>);

impl Drop for Farewell {
    fn drop(&mut self) {
        // Nobody listens any more where the supervisor has ended.
        self.0.send(Notice::Void(ended())).ok();
    }
}

struct Thread {
    tpm: Tpm,
    plan: Plan,
    ak: AkRecord,
    certificates: Vec<Vec<u8>>,
    log: RuntimeLog,
    watch: Watch,
    notices: UnboundedSender<Notice>,
    /// Whether the operator has heard of the present trouble.
    has_alerted: bool,
}

impl Thread {
    fn prepare(plan: Plan, notices: UnboundedSender<Notice>) -> Result<(Self, Ready), Error> {
        let mut tpm = Tpm::open(&plan.tcti)?;
        let banks = tpm.banks(plan.register)?;
        if !banks.contains(&plan.selection.bank) {
            let found: Vec<_> = banks.iter().map(Bank::to_string).collect();
            let found = if found.is_empty() { "none".into() } else { found.join(", ") };
            return Err(Error::Bank { wanted: plan.selection.bank.to_string(), found });
        }
        let ak = identity::ensure(&mut tpm, &plan.folder, plan.handle, plan.kind)?;
        let clock = tpm.quote(plan.handle, &plan.selection, CLOCK_TAG)?.clock;
        let at = (plan.register, clock.resets);
        let mut log = RuntimeLog::open(&mut tpm, &plan.folder, at, plan.firmware.as_deref())?;
        let measured = log.measure(&mut tpm, &plan.events)?;
        let register = tpm.register(plan.selection.bank, plan.register)?;
        let (sealed, watch) = Watch::begin(&mut tpm, &plan.folder, &plan.selection, clock)?;
        let certificates = crate::certificates::read(&plan.folder, &ak.name)?;
        let ready = Ready {
            ak: ak.clone(),
            clock,
            measured,
            register,
            certificates: certificates.len(),
            sealed,
        };
        let has_alerted = false;
        Ok((Self { tpm, plan, ak, certificates, log, watch, notices, has_alerted }, ready))
    }

    fn run(mut self, inbox: &Receiver<Request>) {
        while let Ok(request) = inbox.recv() {
            // A caller that went away gets no answer.
            match request {
                Request::Quote { qualifying, reply } => drop(reply.send(self.quote(&qualifying))),
                Request::Random { count, reply } => drop(reply.send(self.tpm.random(count))),
            }
        }
    }

    fn quote(&mut self, qualifying: &[u8; 32]) -> Result<Quoted, Error> {
        std::thread::sleep(self.plan.latency);
        let quoted = self.quote_checked(qualifying);
        match &quoted {
            Ok(_) => self.has_alerted = false,
            Err(error @ Error::Reset { problem }) => {
                self.alert(error);
                let problem = problem.clone();
                self.notices.send(Notice::Void(Error::Reset { problem })).ok();
            }
            Err(error) => self.alert(error),
        }
        quoted
    }

    fn quote_checked(&mut self, qualifying: &[u8; 32]) -> Result<Quoted, Error> {
        let plan = &self.plan;
        let quote = self.tpm.quote(plan.handle, &plan.selection, qualifying)?;
        if !is_ours(&self.ak.public, &quote) {
            let found = self.tpm.public_of(plan.handle)?.map(|key| crypto::to_hex(&key.name));
            let found = found.unwrap_or_else(|| "none".into());
            let expected = format!("ours, name {}", crypto::to_hex(&self.ak.name));
            return Err(Error::Occupied { handle: plan.handle, expected, found });
        }
        match self.watch.see(quote.clock) {
            Step::Forward => {}
            Step::Reset { before } => {
                let problem = format!("resetCount was {before}, now {}", quote.clock.resets);
                return Err(Error::Reset { problem });
            }
            Step::Back { before } => {
                let (last, found) = (before.to_string(), quote.clock.to_string());
                return Err(Error::ClockBack { last, found });
            }
        }
        let (bank, register) = (plan.selection.bank, plan.register);
        let expected = self.log.expected(bank)?;
        let found = quote.values.get(&register).cloned().unwrap_or_default();
        if found != expected && self.watch.has_restarted() {
            let problem = format!("it was restarted ({}), as after hibernation", quote.clock);
            return Err(Error::Reset { problem });
        }
        if found != expected {
            return Err(foreign(register, bank, &expected, &found));
        }
        Ok(Quoted {
            attest: quote.attest,
            signature: quote.signature,
            ak_public: self.ak.public.clone(),
            pcrs: quote.values,
            certificates: self.certificates.clone(),
            runtime_log: self.log.bytes().to_vec(),
        })
    }

    /// Tells the operator once of each trouble, until a quote succeeds again.
    fn alert(&mut self, error: &Error) {
        if !self.has_alerted {
            self.has_alerted = true;
            self.notices.send(Notice::Alert(error.to_string())).ok();
        }
    }
}
