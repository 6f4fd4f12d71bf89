//! Cases of proofs. A case must be wrong in one place only, or it does not say which check refused.

mod envelope;
mod log;
mod quote;
mod rules;
mod single;
mod statement;
mod witness;
mod worker;

use super::collect::{Corpus, NewCase, hex};
use super::manifest::{At, Demands, Kind, NonceDemand, ProofDemands};
use crate::corpus::Expected;
use crate::pki::TestPki;
use crate::proofs::{
    BODY, Backing, ProofSpec, QUOTED_AT_MS, RuleWorld, SALT, boot_pcr, nitro_registers,
    tpm_registers,
};
use crate::tpm::{AkKey, PublicSpec, good_log};
use std::sync::Arc;

pub(super) fn collect(corpus: &mut Corpus) {
    let world = Arc::new(RuleWorld::new());
    let mut build = Builder { corpus, world };
    build.accepted();
    envelope::cases(&mut build);
    statement::cases(&mut build);
    log::cases(&mut build);
    quote::cases(&mut build);
    rules::cases(&mut build);
    single::cases(&mut build);
    witness::cases(&mut build);
    worker::cases(&mut build);
}

/// Makes proofs under one world.
pub(super) struct Builder<'c> {
    pub(super) corpus: &'c mut Corpus,
    pub(super) world: Arc<RuleWorld>,
}

/// A proof with its materials and demands, each of which a case may change.
pub(super) struct Draft {
    pub(super) spec: ProofSpec,
    pub(super) demands: Demands,
    pub(super) bundle: Option<Vec<u8>>,
    pub(super) input: Option<Vec<u8>>,
    pub(super) salt: Option<Vec<u8>>,
    pub(super) event_log: Option<Vec<u8>>,
    /// One result shown alone: see CONFORMANCE.md.
    pub(super) single: Option<Vec<u8>>,
    /// Lines of witnesses, given beside the proof.
    pub(super) cosignatures: Option<Vec<u8>>,
    /// Bytes in place of the proof.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Builder<'_> {
    /// The good proof under a backing, with every material.
    pub(super) fn draft(&mut self, backing: Backing) -> Draft {
        let (world, corpus) = (&self.world, &mut *self.corpus);
        Draft {
            spec: ProofSpec::new(world, backing),
            demands: demands(corpus, world, backing),
            bundle: Some(world.signed_bundle.clone()),
            input: Some(BODY.to_vec()),
            salt: Some(SALT.to_vec()),
            event_log: (backing == Backing::Tpm).then(|| good_log().to_bytes()),
            single: None,
            cosignatures: None,
            bytes: None,
        }
    }

    fn accepted(&mut self) {
        self.accept("good", Backing::Nitro, |_| ());
        self.accept("good-nitrotpm", Backing::NitroTpm, |_| ());
        self.accept("good-tpm", Backing::Tpm, |_| ());
        self.accept("good-without-materials", Backing::Nitro, |draft| {
            (draft.bundle, draft.input, draft.salt) = (None, None, None);
            demanded(draft).second_opinion = false;
        });
        self.accept("good-live", Backing::Nitro, |draft| {
            draft.demands.at = At::Live(QUOTED_AT_MS + 60_000);
        });
    }

    pub(super) fn accept(&mut self, name: &str, backing: Backing, change: impl FnOnce(&mut Draft)) {
        let mut draft = self.draft(backing);
        change(&mut draft);
        self.add(name, Expected::Accept, draft);
    }

    /// A hostile proof under a Nitro document.
    pub(super) fn refuse(
        &mut self,
        name: &str,
        check: &'static str,
        change: impl FnOnce(&mut Draft),
    ) {
        let mut draft = self.draft(Backing::Nitro);
        change(&mut draft);
        self.add(name, Expected::Refuse(check), draft);
    }

    pub(super) fn add(&mut self, name: &str, expected: Expected, draft: Draft) {
        let parts = [
            ("bundle", draft.bundle, "cose"),
            ("input", draft.input, "json"),
            ("salt", draft.salt, "bin"),
            ("event_log", draft.event_log, "bin"),
            ("single", draft.single, "cbor"),
            ("cosignatures", draft.cosignatures, "txt"),
        ];
        let mut materials = Vec::new();
        for (role, bytes, extension) in parts {
            if let Some(bytes) = bytes {
                materials.push((role, self.corpus.material(role, &bytes, extension)));
            }
        }
        let bytes = vec![draft.bytes.unwrap_or_else(|| draft.spec.to_bytes())];
        let (kind, demands) = (Kind::Proof, draft.demands);
        self.corpus.case(NewCase { kind, name, bytes, expected, demands, materials, note: None });
    }
}

/// What a proof must be beside its evidence.
pub(super) fn demanded(draft: &mut Draft) -> &mut ProofDemands {
    draft.demands.proof.as_mut().expect("a proof's demands")
}

/// The demands that the good proof meets.
pub(super) fn demands(corpus: &mut Corpus, world: &RuleWorld, backing: Backing) -> Demands {
    let root = corpus.material("root", TestPki::shared().root_der(), "der");
    let boot_config = corpus.material("boot-config", &world.config.to_bytes(), "cbor");
    let (evidence, pcrs) = match backing {
        Backing::Nitro => ("nitro", registers(nitro_registers(backing))),
        Backing::NitroTpm => ("nitrotpm", registers(nitro_registers(backing))),
        Backing::Tpm => {
            let mut pcrs = tpm_registers(world);
            pcrs.remove(&boot_pcr(backing));
            ("tpm", registers(pcrs))
        }
    };
    let tpm = (backing == Backing::Tpm).then(|| super::TpmDemands {
        ak_names: vec![hex(&PublicSpec::of(AkKey::P256("ak")).name())],
        event_log_required: true,
        ..super::TpmDemands::default()
    });
    // A TPM's quote has no time of its own.
    let at = match backing {
        Backing::Tpm => At::Archival(QUOTED_AT_MS + 60_000),
        _ => At::Document,
    };
    Demands {
        at,
        evidence: evidence.to_owned(),
        roots: vec![root],
        age_ms_max: 300_000,
        clock_skew_ms: 60_000,
        pcrs,
        required_pcrs: Default::default(),
        nonce: NonceDemand::Absent,
        user_data: None,
        public_key: None,
        regions: None,
        revoked: vec![],
        tpm,
        proof: Some(ProofDemands {
            boot_config,
            boot_pcr: boot_pcr(backing),
            lag_ms_max: 120_000,
            second_opinion: true,
            ..ProofDemands::default()
        }),
        policy: None,
    }
}

fn registers<const N: usize>(
    pcrs: std::collections::BTreeMap<u8, [u8; N]>,
) -> std::collections::BTreeMap<u8, String> {
    pcrs.into_iter().map(|(index, value)| (index, hex(&value))).collect()
}
