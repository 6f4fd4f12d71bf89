//! The device's library on a software TPM behind the real TSS stack: what it makes is judged by the
//! verifier and by tpm2-tools, and every trouble is a real answer of the TPM or of its door. Each
//! test is left out, with one line, where swtpm is not installed.

#![allow(clippy::unwrap_used)]

mod faults;
mod identity;
mod quotes;
mod runtime_log;
mod sealed;
#[path = "../../../../tests/src/swtpm.rs"]
#[allow(dead_code)]
mod swtpm;

use attest::cel::RuntimeEvent;
use std::time::Duration;
use swtpm::Swtpm;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tpm_host::Error;
use tpm_host::identity::AkType;
use tpm_host::limits::AK_HANDLE;
use tpm_host::owner::{Notice, Owner, Plan, Ready};
use tpm_host::tpm::{Bank, Selection};

/// A state's folder and how its device is started.
struct Device {
    folder: TempDir,
    tcti: String,
    register: u8,
    registers: Vec<u8>,
    bank: Bank,
    kind: AkType,
    handle: u32,
    worker: [u8; 32],
    quote_wait: Duration,
}

impl Device {
    fn new(tpm: &Swtpm) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            tcti: tpm.tcti(),
            register: 14,
            registers: vec![0, 1, 2, 7, 14],
            bank: Bank::Sha256,
            kind: AkType::EcdsaP256,
            handle: AK_HANDLE,
            worker: [7; 32],
            quote_wait: Duration::from_secs(20),
        }
    }

    fn selection(&self) -> Selection {
        Selection { bank: self.bank, registers: self.registers.clone() }
    }

    fn start(&self) -> Result<(Owner, Ready, UnboundedReceiver<Notice>), Error> {
        let (send, notices) = unbounded_channel();
        let plan = Plan {
            tcti: self.tcti.clone(),
            folder: self.folder.path().to_owned(),
            handle: self.handle,
            kind: self.kind,
            selection: self.selection(),
            register: self.register,
            events: events(self.worker),
            firmware: None,
            latency: Duration::ZERO,
            quote_wait: self.quote_wait,
        };
        let (owner, ready) = Owner::start(plan, send, Duration::from_secs(60))?;
        Ok((owner, ready, notices))
    }

    /// The error of a start that has to fail.
    fn refused(&self) -> Error {
        match self.start() {
            Ok(_) => panic!("the device starts"),
            Err(error) => error,
        }
    }
}

fn events(worker: [u8; 32]) -> [RuntimeEvent; 3] {
    [
        RuntimeEvent::Worker { name: "w".into(), version: "1".into(), sha256: worker, size: 9 },
        RuntimeEvent::BootConfig(vec![1, 2, 3]),
        RuntimeEvent::Authorities {
            authorities: vec![[1; 32]],
            threshold: 1,
            freshness_keys: vec![[2; 32]],
            freshness_threshold: 1,
        },
    ]
}

/// Waits for the threads of a device that was dropped: the next one needs the log's file.
fn ended(owner: Owner) {
    drop(owner);
    std::thread::sleep(Duration::from_millis(100));
}
