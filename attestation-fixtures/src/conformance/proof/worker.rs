//! Proofs of a measured host whose runtime log holds the worker and the boot configuration: T24,
//! T25. What such a log may look like is shown by the cases of kind `tpm`.

use super::{Builder, Draft, demanded, registers};
use crate::conformance::{WorkerDemand, WorkerDemands, hex};
use crate::corpus::Expected;
use crate::proofs::Backing;
use crate::tpm::{
    RuntimeSpec, authorities_event, boot_config_event, good_log_without_14, worker_event,
};
use rules::BootConfig;

const PROGRAM: [u8; 32] = [0x77; 32];

pub(super) fn cases(build: &mut Builder<'_>) {
    let good = build.world.config.clone();
    let mut laxer = good.clone();
    laxer.threshold = 1;
    let other = build.corpus.material("boot-config", &laxer.to_bytes(), "cbor");
    let log = |config: &BootConfig, authorities: &BootConfig| start(config, authorities);
    let mut case = |name, expected, log: Option<RuntimeSpec>, change: &dyn Fn(&mut Draft)| {
        let mut draft = draft(build, log);
        change(&mut draft);
        build.add(name, expected, draft);
    };
    let nothing: &dyn Fn(&mut Draft) = &|_| ();
    let refuse = Expected::Refuse;
    case("good-tpm-worker", Expected::Accept, Some(log(&good, &good)), nothing);
    let later = RuntimeSpec::new([events(&laxer, &laxer), events(&good, &good)].concat());
    case("tpm-worker-earlier-boot-configuration", refuse("T24"), Some(later), nothing);
    let twice = RuntimeSpec::new([events(&good, &good), events(&good, &good)].concat());
    case("good-tpm-worker-second-start", Expected::Accept, Some(twice), nothing);
    let earlier = RuntimeSpec::new([events(&good, &good), events(&laxer, &laxer)].concat());
    case("tpm-worker-left-boot-configuration", refuse("T24"), Some(earlier), nothing);
    case("tpm-worker-boot-configuration", refuse("T24"), Some(log(&laxer, &laxer)), nothing);
    case(
        "tpm-worker-boot-configuration-demanded",
        refuse("T24"),
        Some(log(&good, &good)),
        &|one| {
            demanded(one).boot_config = other.clone();
        },
    );
    let differs = Some(log(&good, &laxer));
    case("tpm-worker-authorities-differ", refuse("T24"), differs, nothing);
    case("tpm-worker-unknown", refuse("T24"), Some(log(&good, &good)), &|one| {
        let workers = one.demands.tpm.as_mut().and_then(|tpm| tpm.workers.as_mut());
        workers.expect("workers").releases[0].sha256 = hex(&[0x55; 32]);
    });
    case("tpm-worker-evidence-1", refuse("T25"), None, nothing);
}

fn events(config: &BootConfig, authorities: &BootConfig) -> Vec<Vec<u8>> {
    let worker = worker_event("1.2.3", &PROGRAM);
    vec![worker, boot_config_event(&config.to_bytes()), authorities_event(authorities)]
}

fn start(config: &BootConfig, authorities: &BootConfig) -> RuntimeSpec {
    RuntimeSpec::new(events(config, authorities))
}

fn draft(build: &mut Builder<'_>, log: Option<RuntimeSpec>) -> Draft {
    let mut draft = build.draft(Backing::Tpm);
    draft.spec.runtime = log;
    draft.event_log = Some(good_log_without_14().to_bytes());
    draft.demands.pcrs = registers(good_log_without_14().registers());
    let name = "1.2.3".to_owned();
    let release = WorkerDemand { name, sha256: hex(&PROGRAM), from_ms: 0, to_ms: None };
    if let Some(tpm) = &mut draft.demands.tpm {
        tpm.workers = Some(WorkerDemands { register: 14, releases: vec![release] });
    }
    draft
}
