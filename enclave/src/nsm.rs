//! The platform on EC2: the Nitro Secure Module behind `/dev/nsm`. It refuses to exist without
//! the device; there is no other implementation in this crate.

use crate::{Platform, PlatformError};
use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use aws_nitro_enclaves_nsm_api::driver::{nsm_exit, nsm_init, nsm_process_request};
use std::sync::Mutex;

/// An open Nitro Secure Module.
#[derive(Debug)]
pub struct Nsm {
    /// The device answers one request at a time.
    device: Mutex<i32>,
}

impl Nsm {
    /// Opens the device.
    pub fn open() -> Result<Self, PlatformError> {
        let device = nsm_init();
        if device < 0 {
            return Err(PlatformError::Missing("/dev/nsm cannot be opened".into()));
        }
        Ok(Self { device: Mutex::new(device) })
    }

    fn ask(&self, name: &'static str, request: Request) -> Result<Response, PlatformError> {
        let device = self.device.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match nsm_process_request(*device, request) {
            Response::Error(code) => Err(refused(name, code)),
            response => Ok(response),
        }
    }
}

impl Drop for Nsm {
    fn drop(&mut self) {
        nsm_exit(*self.device.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }
}

impl Platform for Nsm {
    fn attest(
        &self,
        user_data: &[u8],
        public_key: &[u8],
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, PlatformError> {
        let request = Request::Attestation {
            user_data: Some(user_data.to_vec().into()),
            nonce: nonce.map(|nonce| nonce.to_vec().into()),
            public_key: Some(public_key.to_vec().into()),
        };
        match self.ask("Attestation", request)? {
            Response::Attestation { document } => Ok(document),
            other => Err(unexpected("Attestation", &other)),
        }
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        let mut filled = 0;
        while filled < out.len() {
            match self.ask("GetRandom", Request::GetRandom)? {
                Response::GetRandom { random } if !random.is_empty() => {
                    let random = zeroize::Zeroizing::new(random);
                    let count = random.len().min(out.len() - filled);
                    out[filled..filled + count].copy_from_slice(&random[..count]);
                    filled += count;
                }
                other => return Err(unexpected("GetRandom", &other)),
            }
        }
        Ok(())
    }

    fn extend_and_lock(&self, index: u16, data: &[u8]) -> Result<(), PlatformError> {
        match self.ask("DescribePCR", Request::DescribePCR { index })? {
            Response::DescribePCR { lock: false, data } if data.iter().all(|byte| *byte == 0) => {}
            Response::DescribePCR { .. } => return Err(PlatformError::RegisterLocked),
            other => return Err(unexpected("DescribePCR", &other)),
        }
        self.ask("ExtendPCR", Request::ExtendPCR { index, data: data.to_vec() })?;
        self.ask("LockPCR", Request::LockPCR { index })?;
        Ok(())
    }
}

fn refused(request: &'static str, code: ErrorCode) -> PlatformError {
    PlatformError::Refused { request, problem: format!("{code:?}") }
}

/// The answer's kind without its content, which may be secret.
fn unexpected(request: &'static str, response: &Response) -> PlatformError {
    let kind = match response {
        Response::Attestation { .. } => "an attestation",
        Response::GetRandom { .. } => "random bytes",
        Response::DescribePCR { .. } => "a register",
        _ => "another answer",
    };
    PlatformError::Refused { request, problem: format!("it answered with {kind}") }
}
