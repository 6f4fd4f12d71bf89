//! What a verifier remembers: quotes that verified, signatures of certificates, the last bundle
//! that was compiled. Shared by clones and threads. Memory is bounded, and nothing remembered
//! outlives the moment that it was judged for: an entry answers only for the very same bytes and
//! the very same moment. It must never remember a refusal or stand in for one.

use crate::evidence::Evidence;
use crate::verified::Witnessed;
use attest::{ChainCache, VerificationTime};
use crypto::VerifyingKey;
use policy::Kind;
use proof::LogSignatures;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tlog::Checkpoint;
use vm::Program;

/// Certificates and quotes that are remembered.
const CERTIFICATES_MAX: usize = 4096;
const QUOTES_MAX: usize = 4096;
/// Different event logs that are remembered with quotes: they are large, and one a boot.
const EVENT_LOGS_MAX: usize = 16;

/// A quote that verified.
pub(crate) struct KnownQuote {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) judged: VerificationTime,
    pub(crate) event_log: Option<Arc<[u8]>>,
    pub(crate) evidence: Arc<Evidence>,
    /// The attested signer, decoded, and as statements spell it.
    pub(crate) signer: VerifyingKey,
    pub(crate) agent: String,
    pub(crate) checkpoint: Checkpoint,
    /// Index into the policy's boot configurations.
    pub(crate) boot_config: usize,
    /// The log's signatures over the checkpoint that verified.
    pub(crate) log_signatures: Mutex<Option<LogSignatures>>,
    /// The cosignature lines that verified, and what they say.
    pub(crate) witnessed: Mutex<Option<(Vec<u8>, Arc<Witnessed>)>>,
}

impl KnownQuote {
    fn answers(&self, bytes: &[u8], event_log: Option<&[u8]>) -> bool {
        *self.bytes == *bytes && self.event_log.as_deref() == event_log
    }

    /// The witnesses of these very lines, where they verified before.
    pub(crate) fn witnessed_by(&self, lines: &[u8]) -> Option<Arc<Witnessed>> {
        let known = locked(&self.witnessed);
        known.as_ref().filter(|(known, _)| known == lines).map(|(_, witnessed)| witnessed.clone())
    }
}

/// How much work was done: what a warm verification costs is measured, not promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Proofs that were asked about.
    pub proofs: u64,
    /// Ed25519 signatures of statements that were computed.
    pub statement_signatures: u64,
    /// Quotes and documents whose own signature was computed.
    pub quote_signatures: u64,
    /// Proofs whose quote was known.
    pub quotes_reused: u64,
    /// Certificate signatures that were computed.
    pub certificate_signatures: u64,
    /// Ed25519 signatures of logs and witnesses that were computed.
    pub other_signatures: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) proofs: AtomicU64,
    pub(crate) statement_signatures: AtomicU64,
    pub(crate) quote_signatures: AtomicU64,
    pub(crate) quotes_reused: AtomicU64,
    pub(crate) certificate_signatures: AtomicU64,
    pub(crate) other_signatures: AtomicU64,
}

/// A bundle's bytes, which boot configuration judged them, and what they compiled to.
type KnownProgram = (Box<[u8]>, usize, Arc<Program>);

/// Everything that is remembered.
#[derive(Default)]
pub(crate) struct Memory {
    quotes: RwLock<HashMap<[u8; 32], Arc<KnownQuote>>>,
    /// Those of the quotes, each once.
    event_logs: Mutex<Vec<Arc<[u8]>>>,
    /// One for each thread that is at work; a thread takes one and gives it back.
    chains: Mutex<Vec<ChainCache>>,
    program: Mutex<Option<KnownProgram>>,
    pub(crate) counters: Counters,
}

impl Memory {
    /// The known quote of these bytes, of this kind, judged for this moment.
    pub(crate) fn quote(
        &self,
        kind: Kind,
        bytes: &[u8],
        event_log: Option<&[u8]>,
        judged: Option<VerificationTime>,
    ) -> Option<Arc<KnownQuote>> {
        let quotes = self.quotes.read().unwrap_or_else(PoisonError::into_inner);
        let known = quotes.get(&lookup_key(bytes))?;
        let same_moment = judged.is_none_or(|judged| known.judged == judged);
        let same = same_moment && known.evidence.kind() == kind;
        (same && known.answers(bytes, event_log)).then(|| known.clone())
    }

    pub(crate) fn remember(&self, quote: &Arc<KnownQuote>) {
        let mut quotes = self.quotes.write().unwrap_or_else(PoisonError::into_inner);
        if quotes.len() >= QUOTES_MAX {
            quotes.clear();
        }
        quotes.insert(lookup_key(&quote.bytes), quote.clone());
    }

    /// One copy of an event log for all quotes that came with it.
    pub(crate) fn shared_log(&self, log: &[u8]) -> Arc<[u8]> {
        let mut logs = locked(&self.event_logs);
        if let Some(known) = logs.iter().find(|known| ***known == *log) {
            return known.clone();
        }
        if logs.len() >= EVENT_LOGS_MAX {
            // The quotes hold the logs.
            logs.clear();
            self.forget_quotes();
        }
        let log: Arc<[u8]> = log.into();
        logs.push(log.clone());
        log
    }

    pub(crate) fn forget_quotes(&self) {
        self.quotes.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Runs `work` with a cache of certificate signatures that no other thread holds.
    pub(crate) fn with_chain<T>(&self, work: impl FnOnce(&mut ChainCache) -> T) -> T {
        let taken = locked(&self.chains).pop();
        let mut chain = taken.unwrap_or_else(|| ChainCache::new(CERTIFICATES_MAX));
        let before = chain.entries();
        let done = work(&mut chain);
        let computed = chain.entries().saturating_sub(before) as u64;
        self.counters.certificate_signatures.fetch_add(computed, Relaxed);
        locked(&self.chains).push(chain);
        done
    }

    /// The compiled bundle of these bytes under this boot configuration. Comparing is cheaper than
    /// hashing.
    pub(crate) fn program(&self, bundle: &[u8], boot_config: usize) -> Option<Arc<Program>> {
        let known = locked(&self.program);
        let (bytes, config, program) = known.as_ref()?;
        (*config == boot_config && **bytes == *bundle).then(|| program.clone())
    }

    pub(crate) fn remember_program(
        &self,
        bundle: &[u8],
        boot_config: usize,
        program: &Arc<Program>,
    ) {
        *locked(&self.program) = Some((bundle.into(), boot_config, program.clone()));
    }

    pub(crate) fn work(&self) -> Work {
        let counters = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        Work {
            proofs: read(&counters.proofs),
            statement_signatures: read(&counters.statement_signatures),
            quote_signatures: read(&counters.quote_signatures),
            quotes_reused: read(&counters.quotes_reused),
            certificate_signatures: read(&counters.certificate_signatures),
            other_signatures: read(&counters.other_signatures),
        }
    }
}

/// Where a quote is looked for; the whole bytes are compared then. The last bytes of a document
/// are half of its ECDSA signature, which is a better hash than any and costs nothing; a document
/// that was made to collide costs a comparison. Evidence of kind `tpm` is a map, which ends with
/// what many quotes may share.
fn lookup_key(bytes: &[u8]) -> [u8; 32] {
    /// Major type of a CBOR map (RFC 8949 section 3.1).
    const MAP: u8 = 5;
    match bytes.last_chunk() {
        Some(tail) if bytes[0] >> 5 != MAP => *tail,
        _ => tlog::leaf_hash(bytes),
    }
}

/// A panic of another thread leaves whole values behind: every change is one assignment.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use attestation_fixtures::proofs::RuleWorld;
    use rules::SignedBundle;

    #[test]
    fn an_event_log_is_kept_once_and_only_so_many_are() {
        let memory = Memory::default();
        let count = || locked(&memory.event_logs).len();
        let first = memory.shared_log(&[0]);
        for number in 1..EVENT_LOGS_MAX as u8 {
            memory.shared_log(&[number]);
        }
        assert_eq!(count(), EVENT_LOGS_MAX);
        assert!(Arc::ptr_eq(&first, &memory.shared_log(&[0])));
        assert_eq!(count(), EVENT_LOGS_MAX);
        assert_eq!(*memory.shared_log(&[0xff]), [0xff]);
        assert_eq!(count(), 1);
    }

    #[test]
    fn a_program_is_known_by_its_bytes_and_its_boot_configuration() {
        let world = RuleWorld::new();
        let bundle = SignedBundle::verify(&world.signed_bundle, &world.config).expect("signed");
        let program = Arc::new(Program::load(bundle, world.config.limits).expect("loads"));
        let memory = Memory::default();
        assert!(memory.program(b"bundle", 1).is_none());
        memory.remember_program(b"bundle", 1, &program);
        assert!(memory.program(b"bundle", 1).is_some_and(|known| Arc::ptr_eq(&known, &program)));
        assert!(memory.program(b"bundle", 0).is_none());
        assert!(memory.program(b"another", 1).is_none());
    }

    /// Evidence of a TPM ends with what a boot's quotes have in common; a document with its
    /// signature.
    #[test]
    fn quotes_of_one_end_are_told_apart() {
        let of = |first: u8, middle: u8| [&[first, middle][..], &[7; 40]].concat();
        for map in [0xa0, 0xa9, 0xaa, 0xb8, 0xbf] {
            assert_ne!(lookup_key(&of(map, 1)), lookup_key(&of(map, 2)));
            assert_eq!(lookup_key(&of(map, 1)), tlog::leaf_hash(&of(map, 1)));
        }
        for document in [0x84, 0xd2] {
            assert_eq!(lookup_key(&of(document, 1)), [7; 32]);
        }
        assert_eq!(lookup_key(&[1; 31]), tlog::leaf_hash(&[1; 31]));
        assert_eq!(lookup_key(&[]), tlog::leaf_hash(&[]));
    }
}
