//! One face for both runners: start, watch, end. What is particular to either must stay in its own
//! module.

use super::health;
use super::heartbeat::Heartbeat;
use super::image::{COPY, Measured};
use super::nitro::{self, Nitro, NitroEnclave};
use super::options::{RunOptions, RunnerKind};
use super::qemu::{Machine, Qemu};
use super::state::Member;
use crate::config::EnclaveAddress;
use crate::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How to start an enclave.
#[derive(Debug)]
pub enum Runner {
    /// On EC2.
    Nitro(Nitro),
    /// Under emulation.
    Qemu(Qemu),
}

/// An enclave that was started.
#[derive(Debug)]
pub enum Running {
    /// On EC2; its heartbeat was heard by nitro-cli.
    Nitro(NitroEnclave),
    /// Under emulation.
    Qemu(Box<Machine>, Heartbeat),
}

impl Runner {
    /// Checks and writes what a start needs.
    pub fn prepare(
        options: &RunOptions,
        folder: &Path,
        image: &Measured,
        run: &str,
    ) -> Result<Self, Error> {
        let copy = folder.join(COPY);
        match options.runner {
            RunnerKind::Nitro => Ok(Runner::Nitro(Nitro::prepare(options, image, &copy, run)?)),
            RunnerKind::Qemu => Ok(Runner::Qemu(Qemu::prepare(options, folder, image)?)),
        }
    }

    /// What `probity serve --enclave` takes.
    pub fn address(&self) -> String {
        match self {
            Runner::Nitro(nitro) => nitro.address(),
            Runner::Qemu(qemu) => qemu.address(),
        }
    }

    /// Sockets to remove at the end.
    pub fn sockets(&self) -> Vec<PathBuf> {
        match self {
            Runner::Nitro(_) => Vec::new(),
            Runner::Qemu(qemu) => qemu.sockets(),
        }
    }

    /// Ends what a start that was cut short may have left.
    pub async fn abandon(&self, cid: u32) -> Result<(), Error> {
        match self {
            Runner::Nitro(nitro) => {
                nitro::abandon(nitro.program(), nitro.name(), cid).await.map(drop)
            }
            // Its processes ended with the start.
            Runner::Qemu(_) => Ok(()),
        }
    }

    /// Starts it. Every process of it bears `run` in its environment.
    pub async fn start(&self, run: &str) -> Result<Running, Error> {
        match self {
            Runner::Nitro(nitro) => Ok(Running::Nitro(nitro.start().await?)),
            Runner::Qemu(qemu) => {
                let (machine, heartbeat) = qemu.start(run).await?;
                Ok(Running::Qemu(Box::new(machine), heartbeat))
            }
        }
    }
}

impl Running {
    /// Processes that are ours.
    pub fn members(&self) -> Vec<Member> {
        match self {
            Running::Nitro(_) => Vec::new(),
            Running::Qemu(machine, _) => machine.members(),
        }
    }

    /// nitro-cli's name of it.
    pub fn enclave_id(&self) -> Option<String> {
        match self {
            Running::Nitro(enclave) => Some(enclave.id.clone()),
            Running::Qemu(..) => None,
        }
    }

    /// Waits for the sign of life; an end before it, or none in time, is told as an end.
    pub async fn alive(&mut self, wait: Duration) -> Result<(), String> {
        match self {
            Running::Nitro(_) => Ok(()),
            Running::Qemu(machine, heartbeat) => tokio::select! {
                how = machine.ended() => Err(how),
                () = heartbeat.heard() => Ok(()),
                () = tokio::time::sleep(wait) => {
                    Err(format!("it gave no heartbeat in {} s", wait.as_secs()))
                }
            },
        }
    }

    /// Waits until it has ended, hangs, or has had no keys for `boot_wait`, and says how.
    pub async fn ended(&mut self, address: &EnclaveAddress, boot_wait: Duration) -> String {
        let ended = async {
            match self {
                Running::Nitro(enclave) => enclave.ended(address).await,
                Running::Qemu(machine, _) => machine.ended().await,
            }
        };
        tokio::select! {
            how = ended => how,
            how = health::failed(address, boot_wait) => how,
        }
    }

    /// Ends it with all that belongs to it.
    pub async fn end(self) -> Result<(), Error> {
        match self {
            Running::Nitro(enclave) => match enclave.described().await? {
                Some(_) => enclave.end().await,
                None => Ok(()),
            },
            Running::Qemu(machine, heartbeat) => {
                machine.end().await;
                drop(heartbeat);
                Ok(())
            }
        }
    }
}
