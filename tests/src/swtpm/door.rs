//! The door in front of a software TPM: two TCP ports in a row, as the TSS expects them, for any
//! number of programs; their commands go to the one TPM one after the other, as a resource manager
//! would send them. It can answer in the TPM's place. Commands themselves are never changed.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Bytes of a command's and an answer's head: tag, size, code.
const HEAD_BYTES: usize = 10;
/// Largest command or answer, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Tries to find two free ports in a row.
const PORT_TRIES: u32 = 200;

/// A trouble of the TPM.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The next commands of this code get this response code and are not carried out.
    Answer {
        /// Command code, such as 0x158 for TPM2_Quote.
        command: u32,
        /// Response code, such as 0x922 for TPM_RC_RETRY.
        response: u32,
        /// How many commands.
        times: u32,
    },
    /// Commands of this code take this much longer.
    Slow {
        /// Command code.
        command: u32,
        /// How much longer.
        by: Duration,
    },
    /// Just before the next command of this code, another program extends a register (SHA-256
    /// and SHA-384 banks, with ones).
    ExtendBefore {
        /// Command code.
        command: u32,
        /// Which register.
        register: u8,
        /// Before how many commands.
        times: u32,
    },
}

/// The door.
pub(super) struct Door {
    port: u16,
    tpm: Arc<Mutex<Tpm>>,
}

#[derive(Default)]
struct Tpm {
    stream: Option<UnixStream>,
    faults: Vec<Fault>,
    commands: BTreeMap<u32, u64>,
}

impl Door {
    /// Opens it, with nothing behind; `control` is where the TPM takes commands about itself.
    pub(super) fn open(control: PathBuf) -> Self {
        let (data, about, port) = two_ports();
        let tpm = Arc::new(Mutex::new(Tpm::default()));
        let behind = tpm.clone();
        std::thread::spawn(move || {
            for stream in data.incoming().flatten() {
                let tpm = behind.clone();
                std::thread::spawn(move || serve(stream, &tpm));
            }
        });
        std::thread::spawn(move || {
            for stream in about.incoming().flatten() {
                let control = control.clone();
                std::thread::spawn(move || pass(stream, &control));
            }
        });
        Self { port, tpm }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Puts the TPM behind that listens at `path`; false when it does not yet.
    pub(super) fn attach(&self, path: &Path) -> bool {
        let stream = UnixStream::connect(path).ok();
        lock(&self.tpm).stream = stream;
        lock(&self.tpm).stream.is_some()
    }

    pub(super) fn detach(&self) {
        lock(&self.tpm).stream = None;
    }

    pub(super) fn transact(&self, command: &[u8]) -> Option<Vec<u8>> {
        lock(&self.tpm).transact(command)
    }

    pub(super) fn trouble(&self, fault: Fault) {
        lock(&self.tpm).faults.push(fault);
    }

    pub(super) fn relieve(&self) {
        lock(&self.tpm).faults.clear();
    }

    pub(super) fn commands(&self, code: u32) -> u64 {
        lock(&self.tpm).commands.get(&code).copied().unwrap_or_default()
    }
}

impl Tpm {
    fn transact(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        let stream = self.stream.as_mut()?;
        stream.write_all(command).ok()?;
        message(stream)
    }

    /// What is told instead of asking the TPM, and how long that takes.
    fn troubled(&mut self, code: u32) -> (Option<u32>, Duration) {
        let (mut answer, mut wait, mut extend) = (None, Duration::ZERO, None);
        for fault in &mut self.faults {
            match fault {
                Fault::Slow { command, by } if *command == code => wait += *by,
                Fault::Answer { command, response, times } if *command == code && *times > 0 => {
                    *times -= 1;
                    answer = Some(*response);
                    break;
                }
                Fault::ExtendBefore { command, register, times }
                    if *command == code && *times > 0 =>
                {
                    *times -= 1;
                    extend = Some(*register);
                }
                _ => {}
            }
        }
        if let Some(register) = extend {
            self.transact(&extension(register));
        }
        (answer, wait)
    }
}

fn serve(mut client: TcpStream, tpm: &Mutex<Tpm>) {
    client.set_nodelay(true).ok();
    while let Some(command) = message(&mut client) {
        let code = u32::from_be_bytes([command[6], command[7], command[8], command[9]]);
        let mut tpm = lock(tpm);
        *tpm.commands.entry(code).or_default() += 1;
        let (answer, wait) = tpm.troubled(code);
        // A slow TPM serves nobody else meanwhile.
        std::thread::sleep(wait);
        let answer = match answer {
            Some(response) => Some(refusal(response)),
            None => tpm.transact(&command),
        };
        drop(tpm);
        let Some(answer) = answer else { return };
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}

/// One whole command or answer.
fn message(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = vec![0; HEAD_BYTES];
    stream.read_exact(&mut bytes).ok()?;
    let size = u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]) as usize;
    if !(HEAD_BYTES..=MESSAGE_BYTES_MAX).contains(&size) {
        return None;
    }
    bytes.resize(size, 0);
    stream.read_exact(&mut bytes[HEAD_BYTES..]).ok()?;
    Some(bytes)
}

/// An answer without anything but its code.
fn refusal(response: u32) -> Vec<u8> {
    let mut bytes = vec![0x80, 0x01, 0, 0, 0, 10];
    bytes.extend(response.to_be_bytes());
    bytes
}

/// TPM2_PCR_Extend with an empty password.
fn extension(register: u8) -> Vec<u8> {
    let mut body = vec![0, 0, 0, register, 0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 1, 0, 0];
    body.extend([0, 0, 0, 2, 0x00, 0x0b]);
    body.extend([1; 32]);
    body.extend([0x00, 0x0c]);
    body.extend([1; 48]);
    let mut bytes = vec![0x80, 0x02];
    bytes.extend(u32::try_from(HEAD_BYTES + body.len()).unwrap_or_default().to_be_bytes());
    bytes.extend(0x182_u32.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// Hands the control port's bytes on, both ways.
fn pass(client: TcpStream, control: &Path) {
    let Ok(tpm) = UnixStream::connect(control) else { return };
    let (Ok(mut from), Ok(mut to)) = (client.try_clone(), tpm.try_clone()) else { return };
    std::thread::spawn(move || {
        std::io::copy(&mut from, &mut to).ok();
        to.shutdown(std::net::Shutdown::Both).ok();
    });
    let (mut from, mut to) = (tpm, client);
    std::io::copy(&mut from, &mut to).ok();
    to.shutdown(std::net::Shutdown::Both).ok();
}

/// The control port is the one after the data port: the TSS takes no other.
fn two_ports() -> (TcpListener, TcpListener, u16) {
    for _ in 0..PORT_TRIES {
        let data = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = data.local_addr().expect("an address").port();
        let Some(next) = port.checked_add(1) else { continue };
        if let Ok(about) = TcpListener::bind(("127.0.0.1", next)) {
            return (data, about, port);
        }
    }
    panic!("no two free ports in a row")
}

fn lock(tpm: &Mutex<Tpm>) -> MutexGuard<'_, Tpm> {
    tpm.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
