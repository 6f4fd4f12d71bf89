//! Cases of the runtime log: T13, T19, T24 to T27. Where a log is hostile in what it says rather
//! than in what it hides, the quote is over the very register that it leads to.

use super::{Builder, Draft, NOW_MS, hex};
use crate::conformance::{WorkerDemand, WorkerDemands};
use crate::corpus::Expected;
use crate::proofs::RuleWorld;
use crate::tpm::{
    AkKey, Event, MapTamper, RuntimeRecord, RuntimeSpec, Selection, alg, authorities_event,
    boot_config_event, event_type, good_log, good_log_without_14, sha256, worker_event,
};

/// A program that nobody runs.
const PROGRAM: [u8; 32] = [0x77; 32];
const OLDER: [u8; 32] = [0x66; 32];

pub(super) fn cases(build: &mut Builder<'_>) {
    accepted(build);
    policy(build);
    form(build);
    contents(build);
    order(build);
    evidence(build);
}

/// The events of one start.
fn start(program: &[u8; 32]) -> Vec<Vec<u8>> {
    let config = RuleWorld::new().config;
    vec![
        worker_event("1.2.3", program),
        boot_config_event(&config.to_bytes()),
        authorities_event(&config),
    ]
}

fn release(name: &str, program: &[u8; 32], from_ms: u64, to_ms: Option<u64>) -> WorkerDemand {
    WorkerDemand { name: name.to_owned(), sha256: hex(program), from_ms, to_ms }
}

/// Evidence of version 2 whose quote is over the register that this log leads to.
fn draft(log: &RuntimeSpec) -> Draft {
    let mut draft = Draft::new(AkKey::P256("ak"), &good_log());
    set(&mut draft, log.register([0; 32]));
    draft.quote.runtime_log = Some(log.to_bytes());
    draft.log = Some(good_log_without_14().to_bytes());
    draft.demands.pcrs.remove(&14);
    let releases = vec![
        release("1.2.2", &OLDER, 0, Some(NOW_MS + 1)),
        release("1.2.3", &PROGRAM, NOW_MS, None),
    ];
    draft.tpm().workers = Some(WorkerDemands { register: 14, releases });
    draft
}

fn set(draft: &mut Draft, value: [u8; 32]) {
    let register = draft.quote.pcrs.iter_mut().find(|(index, _)| *index == 14);
    register.expect("PCR14").1 = value.to_vec();
}

/// A log that is what was measured.
fn measured(
    build: &mut Builder<'_>,
    name: &str,
    expected: Expected,
    change: impl FnOnce(&mut RuntimeSpec),
) {
    let mut log = RuntimeSpec::new(start(&PROGRAM));
    change(&mut log);
    build.add(name, expected, draft(&log));
}

/// A log that differs from the one that was measured.
fn shown(
    build: &mut Builder<'_>,
    name: &str,
    check: &'static str,
    change: impl FnOnce(&mut RuntimeSpec),
) {
    let mut log = RuntimeSpec::new(start(&PROGRAM));
    let mut draft = draft(&log);
    change(&mut log);
    draft.quote.runtime_log = Some(log.to_bytes());
    build.add(name, Expected::Refuse(check), draft);
}

/// A good log under changed demands or in a changed quote.
fn refuse(
    build: &mut Builder<'_>,
    name: &str,
    check: &'static str,
    change: impl FnOnce(&mut Draft),
) {
    let mut draft = draft(&RuntimeSpec::new(start(&PROGRAM)));
    change(&mut draft);
    build.add(name, Expected::Refuse(check), draft);
}

fn events(log: &mut RuntimeSpec, events: Vec<Vec<u8>>) {
    *log = RuntimeSpec::new(events);
}

fn accepted(build: &mut Builder<'_>) {
    let accept = Expected::Accept;
    measured(build, "good-runtime-log", accept, |_| ());
    measured(build, "good-runtime-two-starts", accept, |log| {
        events(log, [start(&OLDER), start(&PROGRAM)].concat());
    });
    measured(build, "good-runtime-start-broken-off", accept, |log| {
        let two = start(&PROGRAM)[..2].to_vec();
        events(log, [two, start(&PROGRAM)].concat());
    });
    measured(build, "good-runtime-sixty-three", accept, |log| {
        events(log, (0..21).flat_map(|_| short(&PROGRAM)).collect());
    });
    let mut unnamed = draft(&RuntimeSpec::new(start(&PROGRAM)));
    unnamed.tpm().workers = None;
    build.add("good-runtime-no-workers-demanded", accept, unnamed);
    let mut alone = draft(&RuntimeSpec::new(start(&PROGRAM)));
    alone.log = None;
    build.add("good-runtime-without-event-log", accept, alone);
}

/// A start that takes few bytes.
fn short(program: &[u8; 32]) -> Vec<Vec<u8>> {
    let config = RuleWorld::new().config;
    let mut small = config;
    small.authorities.truncate(1);
    small.threshold = 1;
    small.freshness_keys.truncate(1);
    small.freshness_threshold = 1;
    vec![worker_event("1", program), boot_config_event(&[1]), authorities_event(&small)]
}

fn policy(build: &mut Builder<'_>) {
    refuse(build, "runtime-worker-unknown", "T24", |draft| {
        workers(draft).releases.truncate(1);
    });
    measured(build, "runtime-earlier-worker-unknown", Expected::Refuse("T24"), |log| {
        events(log, [start(&[0x55; 32]), start(&PROGRAM)].concat());
    });
    refuse(build, "runtime-worker-not-yet", "T24", |draft| {
        workers(draft).releases[1].from_ms = NOW_MS + 1;
    });
    refuse(build, "runtime-worker-ended", "T24", |draft| {
        (workers(draft).releases[1].from_ms, workers(draft).releases[1].to_ms) = (0, Some(NOW_MS));
    });
    refuse(build, "runtime-earlier-worker-ended", "T24", |draft| {
        let log = RuntimeSpec::new([start(&OLDER), start(&PROGRAM)].concat());
        set(draft, log.register([0; 32]));
        draft.quote.runtime_log = Some(log.to_bytes());
        workers(draft).releases[0].to_ms = Some(NOW_MS);
    });
    refuse(build, "runtime-window-without-moment", "T24", |draft| {
        draft.demands.at = crate::conformance::At::Document;
    });
    refuse(build, "runtime-other-register-demanded", "T25", |draft| {
        workers(draft).register = 9;
        draft.demands.pcrs.remove(&9);
    });
    refuse(build, "runtime-register-in-event-log", "T25", |draft| {
        draft.log = Some(good_log().to_bytes());
    });
    refuse(build, "runtime-prefix-in-event-log", "T25", |draft| {
        // An unknown worker ran first. Its events are hidden in the firmware's log, which nobody
        // signed: from the value that they lead to, the shown log gives the quoted register.
        let mut firmware = good_log_without_14();
        let hidden = start(&[0x55; 32]);
        firmware.events.extend(hidden.iter().map(|event| Event::new(14, event_type::IPL, event)));
        let whole = RuntimeSpec::new([hidden, start(&PROGRAM)].concat());
        set(draft, whole.register([0; 32]));
        draft.log = Some(firmware.to_bytes());
    });
    refuse(build, "runtime-log-demanded", "T25", |draft| {
        draft.quote.runtime_log = None;
    });
}

fn workers(draft: &mut Draft) -> &mut WorkerDemands {
    draft.tpm().workers.as_mut().expect("workers")
}

fn form(build: &mut Builder<'_>) {
    shown(build, "runtime-log-cut", "T26", |log| {
        let record = log.records.pop().expect("three");
        let bytes = RuntimeSpec { records: vec![record], trailing: vec![] }.to_bytes();
        log.trailing = bytes[..bytes.len() - 1].to_vec();
    });
    shown(build, "runtime-event-put-before", "T25", |log| {
        events(log, [short(&PROGRAM)[..1].to_vec(), start(&PROGRAM)].concat());
    });
    shown(build, "runtime-event-left-out", "T25", |log| {
        events(log, vec![start(&PROGRAM)[0].clone(), start(&PROGRAM)[2].clone()]);
    });
    shown(build, "runtime-last-event-left-out", "T25", |log| {
        log.records.pop();
    });
    shown(build, "runtime-event-changed", "T25", |log| {
        events(
            log,
            [vec![worker_event("1.2.4", &PROGRAM)], start(&PROGRAM)[1..].to_vec()].concat(),
        );
    });
    shown(build, "runtime-event-added", "T25", |log| {
        events(log, [start(&PROGRAM), start(&PROGRAM)].concat());
    });
    shown(build, "runtime-number-left-out", "T26", |log| log.records[1].number = 2);
    shown(build, "runtime-number-twice", "T26", |log| log.records[2].number = 1);
    shown(build, "runtime-two-registers", "T26", |log| log.records[1].register = 15);
    shown(build, "runtime-resettable-register", "T26", |log| {
        log.records.iter_mut().for_each(|record| record.register = 16);
    });
    shown(build, "runtime-firmware-register", "T26", |log| {
        log.records.iter_mut().for_each(|record| record.register = 7);
    });
    shown(build, "runtime-trailing-byte", "T26", |log| log.trailing = vec![0]);
    shown(build, "runtime-foreign-content", "T26", |log| log.records[0].kind = 5);
    shown(build, "runtime-no-digest", "T26", |log| log.records[0].digests.clear());
    shown(build, "runtime-digest-twice", "T26", |log| {
        let digest = log.records[0].digests[0].clone();
        log.records[0].digests.push(digest);
    });
    shown(build, "runtime-sha1", "T26", |log| {
        log.records[0].digests.insert(0, (alg::SHA1 as u8, vec![1; 20]));
    });
    shown(build, "runtime-bank-missing", "T26", |log| {
        for record in &mut log.records {
            record.digests = vec![(alg::SHA384 as u8, sha384(&record.data))];
        }
    });
    shown(build, "runtime-log-empty", "T26", |log| log.records.clear());
    measured(build, "runtime-sixty-five-events", Expected::Refuse("T26"), |log| {
        let all = (0..22).flat_map(|_| short(&PROGRAM)).take(65);
        events(log, all.collect());
    });
}

fn contents(build: &mut Builder<'_>) {
    shown(build, "runtime-digest-of-other-data", "T27", |log| {
        // The register holds the digest; the data beside it is another's.
        log.records[0].data = worker_event("1.2.4", &PROGRAM);
    });
    shown(build, "runtime-second-bank-wrong", "T27", |log| {
        log.records[0].digests.push((alg::SHA384 as u8, vec![1; 48]));
    });
    let mut event = |name, data: Vec<u8>| {
        measured(build, name, Expected::Refuse("T27"), |log| {
            log.records[0] = RuntimeRecord {
                digests: vec![(alg::SHA256 as u8, sha256(&[&data]).to_vec())],
                data,
                ..log.records[0].clone()
            };
        });
    };
    let mut w = cbor::Writer::new();
    w.array(2).text("module").bytes(&PROGRAM);
    event("runtime-unknown-kind", w.finish());
    let worker = worker_event("1.2.3", &PROGRAM);
    event("runtime-event-trailing", [&worker[..], &[0]].concat());
    event("runtime-event-indefinite", [&[0x9f], &worker[1..], &[0xff]].concat());
    event("runtime-event-counts-six", [&[0x86], &worker[1..], &[0xf6]].concat());
    event("runtime-version-control-character", worker_event("1\u{1b}", &PROGRAM));
    event("runtime-version-empty", worker_event("", &PROGRAM));
    let mut config = RuleWorld::new().config;
    config.threshold = config.authorities.len() + 1;
    event("runtime-threshold-too-high", authorities_event(&config));
    event("runtime-boot-config-empty", boot_config_event(&[]));
}

fn order(build: &mut Builder<'_>) {
    let mut ordered = |name, of: &[usize]| {
        let all = start(&PROGRAM);
        let chosen = of.iter().map(|at| all[*at].clone()).collect();
        measured(build, name, Expected::Refuse("T27"), |log| events(log, chosen));
    };
    ordered("runtime-without-worker", &[1, 2]);
    ordered("runtime-without-boot-config", &[0, 2]);
    ordered("runtime-without-authorities", &[0, 1]);
    ordered("runtime-worker-last", &[1, 2, 0]);
    ordered("runtime-boot-config-twice", &[0, 1, 1, 2]);
    ordered("runtime-boot-config-afterwards", &[0, 1, 2, 1]);
    ordered("runtime-last-start-broken-off", &[0, 1, 2, 0, 1]);
}

fn evidence(build: &mut Builder<'_>) {
    refuse(build, "runtime-register-not-selected", "T19", |draft| {
        draft.tpm().workers = None;
        draft.quote.pcrs.retain(|(index, _)| *index != 14);
        let signed: Vec<u8> = draft.quote.pcrs.iter().map(|(index, _)| *index as u8).collect();
        draft.quote.selections = vec![Selection::of(alg::SHA256, signed)];
    });
    refuse(build, "evidence-2-called-1", "T13", |draft| {
        draft.quote.map = vec![MapTamper::Value(1, vec![0x01])];
    });
    refuse(build, "evidence-2-without-log", "T13", |draft| {
        draft.quote.map = vec![MapTamper::Remove(10), MapTamper::Head(vec![0xa9])];
    });
    refuse(build, "evidence-1-called-2", "T13", |draft| {
        draft.quote.runtime_log = None;
        draft.quote.map = vec![MapTamper::Value(1, vec![0x02])];
    });
    refuse(build, "evidence-3", "T13", |draft| {
        draft.quote.map = vec![MapTamper::Value(1, vec![0x03])];
    });
    refuse(build, "evidence-2-log-null", "T13", |draft| {
        draft.quote.map = vec![MapTamper::Value(10, vec![0xf6])];
    });
    refuse(build, "evidence-2-log-too-long", "T13", |draft| {
        draft.quote.runtime_log = Some(vec![0; 8_193]);
    });
}

fn sha384(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    sha2::Sha384::digest(bytes).to_vec()
}
