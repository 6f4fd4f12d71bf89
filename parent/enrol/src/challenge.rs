//! A challenge: one random secret, answered once, within its time (T10, T11). Answering consumes
//! it, right or wrong: a second try needs a second challenge. It must never show its secret.

use crate::credential::{Credential, ENTROPY_BYTES, make_credential};
use crate::{Candidate, EnrolError};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

/// Random bytes of one challenge, each drawn for it alone.
#[derive(Debug)]
pub struct ChallengeRandom {
    /// Its name on the wire.
    pub id: [u8; 16],
    /// What the TPM has to give back.
    pub secret: [u8; SECRET_BYTES],
    /// For the credential.
    pub entropy: [u8; ENTROPY_BYTES],
}

impl Drop for ChallengeRandom {
    fn drop(&mut self) {
        self.secret.zeroize();
        self.entropy.zeroize();
    }
}

/// A challenge that waits for its answer.
pub struct Challenge {
    id: [u8; 16],
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    expires_at_ms: u64,
    candidate: Candidate,
}

/// Two keys that one TPM holds: it opened the secret for the one while it held the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    candidate: Candidate,
}

impl Challenge {
    /// A challenge for the candidate, and what its TPM is sent (T9).
    pub fn new(
        candidate: Candidate,
        random: &ChallengeRandom,
        now_ms: u64,
    ) -> Result<(Self, Credential), EnrolError> {
        let (ek, name) = (candidate.ek(), candidate.ak_name());
        let credential = make_credential(ek, name, &random.secret, &random.entropy)?;
        let expires_at_ms = now_ms.saturating_add(CHALLENGE_MS);
        let secret = Zeroizing::new(random.secret);
        Ok((Self { id: random.id, secret, expires_at_ms, candidate }, credential))
    }

    /// Its name on the wire.
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// The first moment at which no answer is taken, Unix milliseconds.
    pub fn expires_at_ms(&self) -> u64 {
        self.expires_at_ms
    }

    /// The two keys.
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// Takes the one answer. A clock that went back ends no challenge later than it was made for.
    pub fn answer(self, secret: &[u8], now_ms: u64) -> Result<Activated, EnrolError> {
        let made_at_ms = self.expires_at_ms.saturating_sub(CHALLENGE_MS);
        if !(made_at_ms..self.expires_at_ms).contains(&now_ms) {
            let expected =
                format!("an answer from {made_at_ms} to before {} ms", self.expires_at_ms);
            return Err(EnrolError::refuse("T10", "challenge", expected, format!("{now_ms} ms")));
        }
        // Lengths are public; the bytes are compared in constant time.
        if !bool::from(secret.ct_eq(self.secret.as_slice())) {
            let expected = "the secret that the TPM opened";
            return Err(EnrolError::refuse("T11", "secret", expected, "another"));
        }
        Ok(Activated { candidate: self.candidate })
    }
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenge").field("id", &crate::hex(&self.id)).finish_non_exhaustive()
    }
}

impl Activated {
    /// The two keys.
    pub fn candidate(&self) -> &Candidate {
        &self.candidate
    }
}

/// Bytes of the secret: a SHA-256 digest's, which every template's TPM takes.
pub const SECRET_BYTES: usize = 32;
/// How long a challenge may be answered, in milliseconds. TPMs take a second or two.
pub const CHALLENGE_MS: u64 = 120_000;
