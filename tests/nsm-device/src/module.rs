//! The module: registers, entropy, documents. Bytes in, bytes out, as the real one answers them
//! (aws-nitro-enclaves-nsm-api, `docs/attestation_process.md` and `nsm-check`). It knows nothing of
//! virtio. Registers live as long as this value and can never be unlocked.

use crate::Operation;
use attestation_fixtures::{DocumentSpec, LeafChain, TestPki};
use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode, Request, Response};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What an enclave is measured as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// PCR0, 1 and 2: image, kernel with base, application.
    pub image: [[u8; 48]; 3],
    /// PCR8: the certificate that signed the image.
    pub signer: Option<[u8; 48]>,
    /// PCR3: name (ARN) of the parent's IAM role, where it has one.
    pub role: Option<String>,
}

/// How a module is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The measured image.
    pub identity: Identity,
    /// Debug mode: PCR0, 1 and 2 are zero.
    pub debug_mode: bool,
    /// How long a document takes.
    pub quote_latency: Duration,
    /// Operations that are answered with `InternalError`.
    pub refused: Vec<Operation>,
    /// They are only as long as this file is there.
    pub refused_while: Option<PathBuf>,
}

impl Setup {
    /// A module that answers everything at once, for an enclave that is not in debug mode.
    pub fn new(identity: Identity) -> Self {
        let (debug_mode, quote_latency) = (false, Duration::ZERO);
        let (refused, refused_while) = (Vec::new(), None);
        Self { identity, debug_mode, quote_latency, refused, refused_while }
    }

    fn refuses(&self, operation: Operation) -> bool {
        self.refused.contains(&operation)
            && self.refused_while.as_ref().is_none_or(|file| file.exists())
    }
}

/// What the module says to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub operation: Operation,
    /// `ok`, or the name of the error.
    pub outcome: &'static str,
    /// The response in CBOR; empty when not even an error fits.
    pub bytes: Vec<u8>,
}

/// One module: the registers of one boot.
#[derive(Debug)]
pub struct Module {
    setup: Setup,
    pki: TestPki,
    chain: LeafChain,
    registers: Vec<Register>,
}

#[derive(Debug, Clone)]
struct Register {
    value: [u8; 48],
    locked: bool,
}

impl Module {
    /// A module at power-on: PCR0 to 15 hold the enclave's identity and are locked.
    pub fn new(setup: Setup) -> Self {
        let pki = TestPki::published();
        let chain = pki.issue(now_ms());
        let mut registers = vec![Register { value: [0; 48], locked: false }; REGISTERS];
        for register in &mut registers[..RESERVED] {
            register.locked = true;
        }
        if !setup.debug_mode {
            for (register, value) in registers.iter_mut().zip(setup.identity.image) {
                register.value = value;
            }
        }
        if let Some(role) = &setup.identity.role {
            registers[3].value = extended(&[0; 48], role.as_bytes());
        }
        let instance = chain.module_id.split("-enc").next().unwrap_or_default();
        registers[4].value = extended(&[0; 48], instance.as_bytes());
        registers[8].value = setup.identity.signer.unwrap_or([0; 48]);
        Self { setup, pki, chain, registers }
    }

    /// The answer to the bytes of one request, in at most `room_bytes`.
    pub fn answer(&mut self, request: &[u8], room_bytes: usize) -> Answer {
        let (operation, response) = self.respond(request);
        let room_bytes = room_bytes.min(RESPONSE_BYTES_MAX);
        let (response, bytes) = match encode(&response) {
            bytes if bytes.len() <= room_bytes => (response, bytes),
            _ => {
                let response = Response::Error(ErrorCode::BufferTooSmall);
                let bytes = Some(encode(&response)).filter(|bytes| bytes.len() <= room_bytes);
                (response, bytes.unwrap_or_default())
            }
        };
        Answer { operation, outcome: outcome(&response), bytes }
    }

    fn respond(&mut self, bytes: &[u8]) -> (Operation, Response) {
        if bytes.len() > REQUEST_BYTES_MAX {
            return (Operation::Unknown, Response::Error(ErrorCode::InputTooLarge));
        }
        let Ok(request) = serde_cbor::from_slice::<Request>(bytes) else {
            let operation = named(bytes);
            let code = match operation {
                Operation::Unknown => ErrorCode::InvalidOperation,
                _ => ErrorCode::InvalidArgument,
            };
            return (operation, Response::Error(code));
        };
        let operation = Operation::of(&request);
        if self.setup.refuses(operation) {
            return (operation, Response::Error(ErrorCode::InternalError));
        }
        let answered = self.perform(request);
        (operation, answered.unwrap_or_else(Response::Error))
    }

    fn perform(&mut self, request: Request) -> Result<Response, ErrorCode> {
        match request {
            Request::DescribeNSM => Ok(self.describe()),
            Request::DescribePCR { index } => {
                let register = self.register(index)?;
                Ok(Response::DescribePCR { lock: register.locked, data: register.value.to_vec() })
            }
            Request::ExtendPCR { index, data } => {
                let register = self.unlocked(index)?;
                register.value = extended(&register.value, &data);
                Ok(Response::ExtendPCR { data: register.value.to_vec() })
            }
            Request::LockPCR { index } => {
                self.unlocked(index)?.locked = true;
                Ok(Response::LockPCR)
            }
            Request::LockPCRs { range } => {
                let below = self.registers.get_mut(..usize::from(range));
                for register in below.ok_or(ErrorCode::InvalidIndex)? {
                    register.locked = true;
                }
                Ok(Response::LockPCRs)
            }
            Request::GetRandom => random().map(|random| Response::GetRandom { random }),
            Request::Attestation { user_data, nonce, public_key } => {
                let bytes = |data: Option<_>| data.map(serde_bytes_of);
                self.attest(bytes(user_data), bytes(nonce), bytes(public_key))
            }
            _ => Err(ErrorCode::InvalidOperation),
        }
    }

    fn describe(&self) -> Response {
        let locked = self.locked().map(|(index, _)| u16::from(index)).collect();
        Response::DescribeNSM {
            version_major: 1,
            version_minor: 0,
            version_patch: 0,
            module_id: self.chain.module_id.clone(),
            max_pcrs: REGISTERS as u16,
            locked_pcrs: locked,
            digest: Digest::SHA384,
        }
    }

    fn attest(
        &mut self,
        user_data: Option<Vec<u8>>,
        nonce: Option<Vec<u8>>,
        public_key: Option<Vec<u8>>,
    ) -> Result<Response, ErrorCode> {
        let fits = |data: &Option<Vec<u8>>, most: usize| {
            data.as_ref().is_none_or(|bytes| bytes.len() <= most)
        };
        if !fits(&user_data, USER_DATA_BYTES_MAX)
            || !fits(&nonce, NONCE_BYTES_MAX)
            || !fits(&public_key, PUBLIC_KEY_BYTES_MAX)
        {
            return Err(ErrorCode::InputTooLarge);
        }
        // The document's grammar has no empty key (1 to 1024 bytes).
        if public_key.as_ref().is_some_and(Vec::is_empty) {
            return Err(ErrorCode::InvalidArgument);
        }
        std::thread::sleep(self.setup.quote_latency);
        let now_ms = now_ms();
        if self.chain.not_after_ms < now_ms.saturating_add(RENEW_BEFORE_MS) {
            self.chain = self.pki.issue(now_ms);
        }
        let mut spec = DocumentSpec::new(&self.chain, now_ms);
        spec.pcrs = self.locked().map(|(index, value)| (index, value.to_vec())).collect();
        (spec.user_data, spec.nonce, spec.public_key) = (user_data, nonce, public_key);
        let document = spec.sign(&self.chain).map_err(|_| ErrorCode::InternalError)?;
        Ok(Response::Attestation { document })
    }

    fn locked(&self) -> impl Iterator<Item = (u8, &[u8; 48])> {
        let all = (0..=u8::MAX).zip(&self.registers);
        all.filter(|(_, register)| register.locked)
            .map(|(index, register)| (index, &register.value))
    }

    fn register(&mut self, index: u16) -> Result<&mut Register, ErrorCode> {
        self.registers.get_mut(usize::from(index)).ok_or(ErrorCode::InvalidIndex)
    }

    fn unlocked(&mut self, index: u16) -> Result<&mut Register, ErrorCode> {
        match self.register(index)? {
            register if register.locked => Err(ErrorCode::ReadOnlyIndex),
            register => Ok(register),
        }
    }
}

/// The operation that bytes name which are no whole request.
fn named(bytes: &[u8]) -> Operation {
    use serde_cbor::Value;
    let name = match serde_cbor::from_slice(bytes) {
        Ok(Value::Text(name)) => name,
        Ok(Value::Map(map)) if map.len() == 1 => match map.into_keys().next() {
            Some(Value::Text(name)) => name,
            _ => return Operation::Unknown,
        },
        _ => return Operation::Unknown,
    };
    name.parse().unwrap_or(Operation::Unknown)
}

fn serde_bytes_of(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    bytes.as_ref().to_vec()
}

/// The value of a register after `data` was hashed into it.
fn extended(value: &[u8; 48], data: &[u8]) -> [u8; 48] {
    crypto::sha384(&[value, data])
}

fn random() -> Result<Vec<u8>, ErrorCode> {
    let mut bytes = vec![0; RANDOM_BYTES];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map(|()| bytes).map_err(|_| ErrorCode::InternalError)
}

fn encode(response: &Response) -> Vec<u8> {
    serde_cbor::to_vec(response).unwrap_or_default()
}

fn outcome(response: &Response) -> &'static str {
    let Response::Error(code) = response else { return "ok" };
    match code {
        ErrorCode::Success => "Success",
        ErrorCode::InvalidArgument => "InvalidArgument",
        ErrorCode::InvalidIndex => "InvalidIndex",
        ErrorCode::InvalidResponse => "InvalidResponse",
        ErrorCode::ReadOnlyIndex => "ReadOnlyIndex",
        ErrorCode::InvalidOperation => "InvalidOperation",
        ErrorCode::BufferTooSmall => "BufferTooSmall",
        ErrorCode::InputTooLarge => "InputTooLarge",
        ErrorCode::InternalError => "InternalError",
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Registers of an NSM.
pub(crate) const REGISTERS: usize = 32;
/// The first registers, which the hypervisor fills and locks.
pub(crate) const RESERVED: usize = 16;
/// Longest request, as the driver and the module limit it.
pub(crate) const REQUEST_BYTES_MAX: usize = 0x1000;
/// Longest response, as the driver limits it.
pub(crate) const RESPONSE_BYTES_MAX: usize = 0x3000;
/// Longest user data of a document.
pub(crate) const USER_DATA_BYTES_MAX: usize = 512;
/// Longest nonce of a document.
pub(crate) const NONCE_BYTES_MAX: usize = 512;
/// Longest public key of a document.
pub(crate) const PUBLIC_KEY_BYTES_MAX: usize = 1024;
/// What one request for entropy gives.
const RANDOM_BYTES: usize = 256;
/// A leaf is replaced this long before it ends.
const RENEW_BEFORE_MS: u64 = 15 * 60 * 1000;
