//! The whole enclave library under the image's confinement, in a process of its own: everything
//! that serving does is on the list of system calls, and what came before is enough.

use crate::enclave_link::now;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use tests::link::Link;
use tests::sample::BODY;
use tests::stack::{binary, wait};
use tests::world::World;
use wire::{Command, Confinement, Health, Report};

/// Evaluations over the confined enclave: enough for several groups and all threads.
const EVALUATIONS: u64 = 300;

struct Confined(Child);

impl Confined {
    fn start(folder: &Path) -> Self {
        let mut command = Process::new(binary("probity-simulator"));
        command.args(["run", "--confined", "--workers", "3", "--quote-latency-ms", "5"]);
        command.args(["--socket", "enclave.sock"]).current_dir(folder);
        let own = Self(command.stderr(Stdio::inherit()).spawn().expect("the simulator starts"));
        wait("the simulator's socket", || UnixStream::connect(folder.join("enclave.sock")).is_ok());
        own
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn health(link: &mut Link) -> Health {
    match link.ask(&Command::Health { id: 77 }) {
        Report::Health { id: 77, health } => health,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_enclave_serves_under_its_confinement() {
    let folder = tempfile::tempdir().expect("folder");
    let mut enclave = Confined::start(folder.path());
    let connect = || UnixStream::connect(folder.path().join("enclave.sock")).expect("socket");
    let (world, mut link) = (World::small(), Link::over(connect()));

    // Before the boot configuration: what holds the process is known, nothing else has happened.
    let cold = health(&mut link);
    for by in [Confinement::NoCoreDumps, Confinement::MemoryLimit, Confinement::SyscallFilter] {
        assert!(cold.confinement.contains(&by), "{:?}", cold.confinement);
    }
    assert!(!cold.confinement.contains(&Confinement::ReadOnlyRoot), "this is not the image");
    assert_eq!(
        (cold.pid1, cold.booted_ms, cold.first_quote_ms, cold.evaluations),
        (false, 0, 0, 0)
    );

    let config = world.config.to_bytes();
    let booted = link.ask(&Command::Boot { id: 1, config, previous: None });
    assert!(matches!(booted, Report::Status { id: 1, boot: Some(_), .. }), "{booted:?}");
    let (bundle, freshness) = (world.signed_bundle.clone(), world.freshness(now()));
    let loaded = link.ask(&Command::LoadRules { id: 2, bundle, freshness });
    assert!(matches!(loaded, Report::RulesLoaded { id: 2, .. }), "{loaded:?}");
    link.send(&Command::Resume { from: 1 });
    for id in 0..EVALUATIONS {
        link.send(&Command::Evaluate { id: id + 10, client_ref: vec![], body: BODY.to_vec() });
    }
    let (mut entries, mut quoted) = (0, 0);
    while quoted < EVALUATIONS + 1 {
        match link.report().expect("the enclave lives") {
            Report::Entry(_) => entries += 1,
            Report::Quote(quote) => quoted = quote.checkpoint.1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(entries, EVALUATIONS);
    let attested = link.ask(&Command::Attest { id: 5, nonce: vec![7; 32] });
    assert!(matches!(attested, Report::Attested { id: 5, .. }), "{attested:?}");

    // A frame that cannot be parsed, a connection that ends, another that takes over.
    let mut hostile = Link::over(connect());
    hostile.send_raw(&[0xff; 64]);
    while hostile.report().is_some() {}
    drop(link);
    let mut link = Link::over(connect());
    link.send(&Command::Resume { from: EVALUATIONS });
    assert!(matches!(link.report(), Some(Report::Entry(_) | Report::Quote(_))));
    let mut link = Link::over(connect());
    let warm = health(&mut link);
    assert_eq!((warm.evaluations, warm.confinement), (EVALUATIONS, cold.confinement));
    assert!(cold.serving_ms <= warm.booted_ms && warm.booted_ms <= warm.first_quote_ms);
    assert!(warm.first_quote_ms <= warm.uptime_ms);
    assert_eq!(enclave.0.try_wait().expect("status"), None, "it still runs");
}
