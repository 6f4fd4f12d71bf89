//! The platform on a host with a TPM: quotes, confirmation and entropy over the quote link. The
//! device at its other end is the host's; what it sends is put into evidence and judged by
//! verifiers, not here.

use crate::clock::{HostClock, Word};
use crate::{QuoteLink, say};
use enclave::{BOOT_CONFIG_PCR, Platform, PlatformError};
use facts::Millis;
use std::sync::{Mutex, PoisonError};
use tpmlink::{RANDOM_BYTES_MAX, Reply, Request};
use wire::Confinement;

/// A TPM at the other end of the quote link.
pub struct Tpm {
    link: QuoteLink,
    clock: HostClock,
    confinement: Vec<Confinement>,
    /// The last problem that was said: it is met again with every try.
    said: Mutex<String>,
}

impl Tpm {
    /// The device behind `link`, for a process that is held by `confinement`, ascending.
    pub fn new(link: QuoteLink, confinement: Vec<Confinement>) -> Self {
        Self { link, clock: HostClock::default(), confinement, said: Mutex::default() }
    }

    /// Asks, and takes what `expected` finds in the reply.
    fn ask<T>(
        &self,
        name: &'static str,
        request: impl FnOnce(u64) -> Request,
        expected: impl FnOnce(Reply) -> Result<T, String>,
    ) -> Result<T, PlatformError> {
        let answer = self.link.ask(request).and_then(|reply| match reply {
            // The device's text: letters only, so that it cannot draw on an operator's terminal.
            Reply::Refused { reason, .. } => Err(reason.replace(char::is_control, " ")),
            reply => expected(reply),
        });
        answer.map_err(|problem| {
            self.say_once(&format!("{name}: {problem}"));
            PlatformError::Refused { request: name, problem }
        })
    }

    fn say_once(&self, problem: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if *said != problem {
            say(problem);
            problem.clone_into(&mut said);
        }
    }
}

impl Platform for Tpm {
    fn attest(
        &self,
        user_data: &[u8],
        public_key: &[u8],
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, PlatformError> {
        let qualifying = tpmlink::binding(nonce, user_data, public_key);
        let evidence = self.ask(
            "quote",
            |id| Request::Quote { id, qualifying },
            |reply| match reply {
                Reply::Quote { quoted, .. } => {
                    let evidence = tpmlink::evidence(&quoted, nonce, user_data, public_key);
                    evidence.map_err(|refused| refused.to_string())
                }
                other => Err(unexpected(&other)),
            },
        )?;
        // What is met after a quote that came is new.
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(evidence)
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        for part in out.chunks_mut(RANDOM_BYTES_MAX) {
            let bytes = part.len();
            self.ask(
                "random",
                |id| Request::Random { id, bytes },
                |reply| match reply {
                    Reply::Random { bytes, .. } if bytes.len() == part.len() => {
                        part.copy_from_slice(&bytes);
                        Ok(())
                    }
                    other => Err(unexpected(&other)),
                },
            )?;
        }
        Ok(())
    }

    /// The register was extended before this process existed: the device says whether with this.
    fn extend_and_lock(&self, index: u16, data: &[u8]) -> Result<(), PlatformError> {
        let name = "boot configuration";
        let extension = data.try_into().ok().filter(|_| index == BOOT_CONFIG_PCR);
        let extension = extension.ok_or_else(|| PlatformError::Refused {
            request: name,
            problem: format!("register {index}, {} bytes: expected 16 and 48", data.len()),
        })?;
        self.ask(
            name,
            |id| Request::Confirm { id, extension },
            |reply| match reply {
                Reply::Confirmed { .. } => Ok(()),
                other => Err(unexpected(&other)),
            },
        )
    }

    fn time_of(&self, _: &[u8]) -> Result<Millis, PlatformError> {
        let (now, word) = self.clock.now();
        match word {
            Some(Word::Back(word)) => say(&word),
            Some(Word::End(word)) => self.link.end(&word),
            None => {}
        }
        Ok(now)
    }

    fn confinement(&self) -> Vec<Confinement> {
        self.confinement.clone()
    }
}

/// The reply's kind without its content, which may be secret.
fn unexpected(reply: &Reply) -> String {
    let kind = match reply {
        Reply::Quote { .. } => "a quote",
        Reply::Confirmed { .. } => "a confirmation",
        Reply::Random { .. } => "another number of random bytes",
        Reply::Refused { .. } => "a refusal",
    };
    format!("the device answered with {kind}")
}
