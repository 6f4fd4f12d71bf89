//! The enclave's life: cold, then booted with a measured configuration (once), then with rules in
//! force. The configuration is extended into PCR16 and locked before a key exists.

use crate::attestor::{Attestor, Work};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::evaluate::Evaluated;
use crate::{
    ActiveRules, BOOT_CONFIG_PCR, EnclaveError, Evaluator, HELD_BYTES_MAX, HELD_ENTRIES_MAX,
    Platform, SEALED_REMEMBERED_MAX,
};
use facts::Millis;
use proof::BootRecord;
use rules::BootConfig;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use wire::{BootInfo, Refusal, RefusalCode, RulebookInfo};

/// The enclave.
pub struct Enclave {
    pub(crate) platform: Box<dyn Platform>,
    pub(crate) clock: Clock,
    boot: OnceLock<Booted>,
    /// Held while booting and while rules are taken, so that a second one waits and then sees
    /// the first. Evaluations do not wait for it. Inside: the configuration that was measured.
    changing: Mutex<Option<Vec<u8>>>,
    /// Connections that are served.
    pub(crate) served: AtomicUsize,
    rules: RwLock<Option<Arc<ActiveRules>>>,
    connections: AtomicU64,
    /// Bytes of request bodies that wait for a worker.
    pub(crate) job_bytes: AtomicUsize,
    /// The connection that entries are sent to; a newer one closes it.
    pub(crate) current: Mutex<Option<Close>>,
    /// The sealed requests that did not expire yet.
    pub(crate) window: Mutex<seal::Window>,
}

/// Closes a connection, so that whoever reads or writes on it stops.
pub(crate) type Close = Arc<dyn Fn() + Send + Sync>;

/// What exists from the boot configuration on.
pub(crate) struct Booted {
    pub(crate) evaluator: Evaluator,
    pub(crate) record: Vec<u8>,
    pub(crate) work: SyncSender<Work>,
    pub(crate) progress: Arc<Progress>,
}

/// Where the log stands, for those who only look.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Leaves in the log.
    pub(crate) size: AtomicU64,
    /// First index that is still held.
    pub(crate) held_from: AtomicU64,
    /// Evaluations that are signed or about to be, and not yet known to be durable.
    pub(crate) held: AtomicUsize,
    /// Bytes of what is signed and not yet known to be durable.
    pub(crate) held_bytes: AtomicUsize,
    /// When the keys were born and when the log was quoted first: the kernel's milliseconds.
    booted_ms: u64,
    pub(crate) first_quote_ms: OnceLock<u64>,
}

impl Progress {
    /// Counts an evaluation in, unless too many are held.
    fn enter(&self) -> bool {
        let full = self.held_bytes.load(Ordering::Relaxed) >= HELD_BYTES_MAX;
        let entered = self.held.fetch_add(1, Ordering::Relaxed) < HELD_ENTRIES_MAX && !full;
        if !entered {
            self.held.fetch_sub(1, Ordering::Relaxed);
        }
        entered
    }
}

impl Enclave {
    /// A cold enclave on a platform.
    pub fn new(platform: Box<dyn Platform>) -> Arc<Self> {
        Self::with_sealed_max(platform, SEALED_REMEMBERED_MAX)
    }

    /// The same with room for another number of sealed requests that did not expire yet.
    pub fn with_sealed_max(platform: Box<dyn Platform>, sealed_max: usize) -> Arc<Self> {
        Arc::new(Self {
            platform,
            clock: Clock::default(),
            boot: OnceLock::new(),
            changing: Mutex::new(None),
            served: AtomicUsize::new(0),
            rules: RwLock::new(None),
            connections: AtomicU64::new(1),
            job_bytes: AtomicUsize::new(0),
            current: Mutex::new(None),
            window: Mutex::new(seal::Window::new(sealed_max)),
        })
    }

    /// Takes the boot configuration: measures it, makes the key, opens the log.
    pub(crate) fn boot(
        self: &Arc<Self>,
        config: &[u8],
        previous: Option<tlog::Checkpoint>,
    ) -> Result<(), EnclaveError> {
        let mut measured = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if self.boot.get().is_some() {
            return Err(EnclaveError::BootedAlready);
        }
        let config = BootConfig::parse(config)?;
        // First what can be tried again when it is refused: a locked register stays locked. No key
        // is made of the entropy before that.
        let entropy = Entropy::gather(&*self.platform)?;
        let extension = config.pcr_extension().to_vec();
        if measured.as_ref() != Some(&extension) {
            self.platform.extend_and_lock(BOOT_CONFIG_PCR, &extension)?;
            *measured = Some(extension);
        }
        let evaluator = Evaluator::new(config, entropy);
        let key_set = evaluator.key_set.clone();
        let document = self.platform.attest(&[], &key_set, None)?;
        self.clock.set(self.platform.time_of(&document)?);
        let record = BootRecord {
            boot_id: evaluator.boot_id,
            boot_config: evaluator.config.hash(),
            agent: evaluator.agent.clone(),
            booted_at: self.clock.now(),
            previous,
            confinement: self.platform.confinement().iter().map(|by| *by as u64).collect(),
        };
        let (work, inbox) = sync_channel(HELD_ENTRIES_MAX);
        let booted_ms = self.platform.health().uptime_ms;
        let progress = Arc::new(Progress { booted_ms, ..Progress::default() });
        let attestor = Attestor::new(self.clone(), key_set, &record, inbox, progress.clone());
        let booted = Booted { evaluator, record: record.to_bytes(), work, progress };
        // Cannot fail: the lock is held and the cell was empty.
        let _ = self.boot.set(booted);
        std::thread::spawn(move || attestor.run());
        Ok(())
    }

    /// Takes a signed bundle into force.
    pub(crate) fn load_rules(
        &self,
        bundle: &[u8],
        freshness: &[u8],
    ) -> Result<RulebookInfo, EnclaveError> {
        let boot = self.boot.get().ok_or(EnclaveError::NotBooted)?;
        let _one = self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (current, config) = (self.active_rules(), &boot.evaluator.config);
        let now = self.clock.now();
        let new = ActiveRules::load(bundle, freshness, config, now, current.as_deref())?;
        let info = rulebook_info(&new);
        *self.rules.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Arc::new(new));
        Ok(info)
    }

    /// Evaluates one body. A refusal means that nothing was signed.
    pub(crate) fn evaluate(&self, body: &[u8]) -> Result<Evaluated, Refusal> {
        self.with_room(|boot, active| boot.evaluator.evaluate(active, self.clock.now(), body))
    }

    /// Runs `evaluate` with a place among the proofs that are held. The place is given back when
    /// nothing was signed.
    pub(crate) fn with_room<T, E: From<Refusal>>(
        &self,
        evaluate: impl FnOnce(&Booted, &ActiveRules) -> Result<T, E>,
    ) -> Result<T, E> {
        let refuse = |code, detail: &str| {
            Err(Refusal { id: 0, code, field: String::new(), detail: detail.into() }.into())
        };
        let (Some(boot), Some(active)) = (self.boot.get(), self.active_rules()) else {
            return refuse(RefusalCode::NotReady, "no boot configuration or no rules yet");
        };
        if !boot.progress.enter() {
            return refuse(RefusalCode::Busy, "too many proofs wait to become durable");
        }
        let answer = evaluate(boot, &active);
        if answer.is_err() {
            boot.progress.held.fetch_sub(1, Ordering::Relaxed);
        }
        answer
    }

    /// The boot that is running.
    pub(crate) fn booted(&self) -> Option<&Booted> {
        self.boot.get()
    }

    /// How the boot stands, for `Report::Status`.
    pub(crate) fn boot_info(&self) -> Option<BootInfo> {
        let boot = self.boot.get()?;
        Some(BootInfo {
            record: boot.record.clone(),
            log_size: boot.progress.size.load(Ordering::Acquire),
            held_from: boot.progress.held_from.load(Ordering::Acquire),
            rulebook: self.active_rules().map(|active| rulebook_info(&active)),
        })
    }

    /// How the machine stands, in any state. For operators; nothing here is signed.
    pub(crate) fn health(&self) -> wire::Health {
        let mut health = self.platform.health();
        if let Some(Booted { progress, .. }) = self.boot.get() {
            health.booted_ms = progress.booted_ms;
            health.first_quote_ms = progress.first_quote_ms.get().copied().unwrap_or(0);
            // Leaf 0 is the boot record.
            health.evaluations = progress.size.load(Ordering::Acquire) - 1;
        }
        health
    }

    /// A number that tells connections apart.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    fn active_rules(&self) -> Option<Arc<ActiveRules>> {
        self.rules.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The enclave's time.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }
}

fn rulebook_info(active: &ActiveRules) -> RulebookInfo {
    let bundle = active.program.bundle();
    RulebookInfo {
        name: bundle.bundle().name.clone(),
        version: bundle.bundle().version,
        hash: bundle.hash().0,
        rules: bundle.bundle().rules.len() as u64,
    }
}
