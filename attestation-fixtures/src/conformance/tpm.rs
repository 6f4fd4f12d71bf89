//! Cases of TPM evidence. A case must be wrong in one place only, or it does not say which check
//! refused.

mod certificates;
mod kernel;
mod keys;
mod logs;
mod quotes;
mod runtime;
mod structure;

use super::collect::{Corpus, NewCase, hex};
use super::manifest::{At, Clock, Demands, Kind, NonceDemand, TpmDemands};
use crate::corpus::Expected;
use crate::proofs::{BOOT_ID, key};
use crate::tpm::{AkKey, LogSpec, QuoteSpec, good_log};
use tlog::Checkpoint;

/// 2026-09-21; certificates of attestation keys are valid for a day around it.
const NOW_MS: u64 = 1_790_000_000_000;

pub(super) fn collect(corpus: &mut Corpus) {
    let mut build = Builder { corpus };
    build.accepted();
    structure::cases(&mut build);
    quotes::cases(&mut build);
    keys::cases(&mut build);
    certificates::cases(&mut build);
    logs::cases(&mut build);
    runtime::cases(&mut build);
    kernel::cases(&mut build);
}

/// Evidence with its log and demands, each of which a case may change.
struct Draft {
    quote: QuoteSpec,
    demands: Demands,
    log: Option<Vec<u8>>,
    kernel_log: Option<Vec<u8>>,
    file_list: Option<Vec<u8>>,
    note: Option<&'static str>,
}

struct Builder<'c> {
    corpus: &'c mut Corpus,
}

impl Draft {
    /// Good evidence by this key over the registers of this log.
    fn new(key_of: AkKey, log: &LogSpec) -> Self {
        let checkpoint = Checkpoint { boot_id: BOOT_ID, size: 5, root: [0x5a; 32] };
        let key_set = proof::key_set(&key(5).verifying_key());
        let registers = log.registers();
        let user_data = checkpoint.to_bytes();
        let quote = QuoteSpec::new(key_of, &registers, &user_data, &key_set, Some(b"challenge"));
        let demands = Demands {
            at: At::Archival(NOW_MS),
            evidence: "tpm".to_owned(),
            roots: vec![],
            age_ms_max: 300_000,
            clock_skew_ms: 60_000,
            pcrs: registers.iter().map(|(index, value)| (*index, hex(value))).collect(),
            required_pcrs: Default::default(),
            nonce: NonceDemand::Exact(hex(b"challenge")),
            user_data: None,
            public_key: None,
            regions: None,
            revoked: vec![],
            tpm: Some(TpmDemands { ak_names: vec![], ..TpmDemands::default() }),
            proof: None,
            policy: None,
        };
        let mut draft =
            Self { quote, demands, log: None, kernel_log: None, file_list: None, note: None };
        draft.pin();
        draft
    }

    /// Trusts the key as its public area now is.
    fn pin(&mut self) {
        let name = hex(&self.quote.public.name());
        self.tpm().ak_names = vec![name];
    }

    fn tpm(&mut self) -> &mut TpmDemands {
        self.demands.tpm.as_mut().expect("a TPM's demands")
    }
}

impl Builder<'_> {
    fn accepted(&mut self) {
        self.accept("good-p256", |_| ());
        let rsa = Draft::new(AkKey::Rsa2048, &good_log());
        self.add("good-rsa2048", Expected::Accept, rsa);
        self.accept("good-with-event-log", |draft| {
            draft.log = Some(good_log().to_bytes());
            draft.tpm().event_log_required = true;
        });
        self.accept("good-secure-boot", |draft| {
            draft.log = Some(good_log().to_bytes());
            draft.tpm().secure_boot_required = true;
        });
        self.accept("good-without-nonce", |draft| {
            let mut quote = draft.quote.clone();
            quote.nonce = None;
            quote.extra = crate::tpm::binding(None, &quote.user_data, &quote.key_set).to_vec();
            draft.quote = quote;
            draft.demands.nonce = NonceDemand::Absent;
        });
        self.accept("good-clock-moved-on", |draft| {
            draft.tpm().last_clock = Some(LAST_CLOCK);
        });
        self.accept("good-after-reset", |draft| {
            let higher = Clock { clock: u64::MAX, reset_count: 6, ..LAST_CLOCK };
            draft.tpm().last_clock = Some(higher);
        });
        self.accept("good-firmware-known", |draft| {
            let firmware = draft.quote.firmware;
            draft.tpm().firmware = Some(vec![1, firmware]);
        });
        self.accept("good-qualified-signer-known", |draft| {
            let name = hex(&draft.quote.qualified_signer);
            draft.tpm().qualified_signer = Some(name);
        });
    }

    fn accept(&mut self, name: &str, change: impl FnOnce(&mut Draft)) {
        self.case(name, Expected::Accept, change);
    }

    fn refuse(&mut self, name: &str, check: &'static str, change: impl FnOnce(&mut Draft)) {
        self.case(name, Expected::Refuse(check), change);
    }

    fn case(&mut self, name: &str, expected: Expected, change: impl FnOnce(&mut Draft)) {
        let mut draft = Draft::new(AkKey::P256("ak"), &good_log());
        change(&mut draft);
        self.add(name, expected, draft);
    }

    /// The evidence, and beside it the three structures as other tools take them.
    fn add(&mut self, name: &str, expected: Expected, draft: Draft) {
        let files = draft.quote.files();
        let parts =
            [("attest", files.attest), ("signature", files.signature), ("ak_public", files.public)];
        let mut materials = Vec::new();
        for (role, bytes) in parts {
            let path = format!("tpm/parts/{name}.{role}");
            materials.push((role, self.corpus.file(&path, &bytes)));
        }
        if let Some(log) = draft.log {
            materials.push(("event_log", self.corpus.material("event_log", &log, "bin")));
        }
        if let Some(log) = &draft.kernel_log {
            materials.push(("kernel_log", self.corpus.material("kernel_log", log, "bin")));
        }
        let (kind, note) = (Kind::Tpm, draft.note);
        let (bytes, mut demands) = (vec![draft.quote.evidence()], draft.demands);
        if let (Some(list), Some(tpm)) = (draft.file_list, &mut demands.tpm) {
            tpm.file_list = Some(self.corpus.material("file_list", &list, "txt"));
        }
        self.corpus.case(NewCase { kind, name, bytes, expected, demands, materials, note });
    }
}

/// The good quote's clock, a second before.
const LAST_CLOCK: Clock = Clock { clock: 86_399_000, reset_count: 7, restart_count: 2, safe: true };
