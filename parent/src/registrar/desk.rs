//! The two calls of an enrolment, on what is on disk and the challenges in memory. A challenge is
//! taken out before its answer is looked at; a record is on disk before the caller hears of it.

use super::book::Book;
use super::random;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto::from_hex_exact;
use enrol::protocol::{ActivateAnswer, ActivateRequest, Base64, ChallengeAnswer, ChallengeRequest};
use enrol::{Candidate, Challenge, ChallengeRandom, EnrolError, Identity, Record, Token, Used};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most challenges a second, all machines together; each costs some milliseconds.
const CALLS_PER_SECOND_MAX: u32 = 50;
/// Most challenges that wait for their answers.
const CHALLENGES_MAX: usize = 1024;
/// Most of them for one token.
const CHALLENGES_PER_TOKEN_MAX: usize = 4;

/// Book and challenges.
#[derive(Debug)]
pub(super) struct Desk {
    book: Book,
    pace: Pace,
    open: Mutex<BTreeMap<[u8; 16], Pending>>,
}

/// Calls of machines with a token, counted by the second.
#[derive(Debug)]
struct Pace(Mutex<(Instant, u32)>);

impl Pace {
    fn new() -> Self {
        Self(Mutex::new((Instant::now(), 0)))
    }

    fn is_free(&self) -> bool {
        // A poisoned pair is still a pair.
        let mut pace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.0.elapsed() >= Duration::from_secs(1) {
            *pace = (Instant::now(), 0);
        }
        pace.1 = pace.1.saturating_add(1);
        pace.1 <= CALLS_PER_SECOND_MAX
    }
}

#[derive(Debug)]
struct Pending {
    challenge: Challenge,
    token_key: String,
    identity: Identity,
    ek_certificates: Vec<Base64>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A check refused.
    Check(EnrolError),
    /// Too many challenges are asked for, or open.
    Busy,
    /// The registrar failed.
    Failed(Error),
}

impl From<EnrolError> for Refusal {
    fn from(error: EnrolError) -> Self {
        Refusal::Check(error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Enrol(error) => Refusal::Check(*error),
            error => Refusal::Failed(error),
        }
    }
}

impl Desk {
    pub(super) fn new(book: Book) -> Self {
        Self { book, pace: Pace::new(), open: Mutex::default() }
    }

    /// T12 first, which costs a file; then the keys, then T3, then a challenge (T9).
    pub(super) fn challenge(
        &self,
        request: &ChallengeRequest,
        now_ms: u64,
    ) -> Result<ChallengeAnswer, Refusal> {
        let identity: Identity = request.identity.parse()?;
        let token_key = Token::key(&request.token)?;
        let token = self.book.token(&token_key)?.ok_or_else(Token::unknown)?;
        token.admit(&identity, now_ms)?;
        // Only now: nobody without a token can use up what all machines share.
        if !self.pace.is_free() {
            return Err(Refusal::Busy);
        }
        self.make_room(&token_key, now_ms)?;
        let roots = self.book.roots()?;
        let candidate = enrol::judge(&request.submission(), &roots, now_ms)?;
        let record = self.check_registry(&identity, &candidate)?;
        token.check_use(record.as_ref(), &candidate, now_ms)?;
        let drawn = ChallengeRandom { id: random()?, secret: random()?, entropy: random()? };
        let (challenge, credential) = Challenge::new(candidate, &drawn, now_ms)?;
        let answer = ChallengeAnswer {
            challenge_id: enrol::hex(challenge.id()),
            credential_blob: Base64(credential.blob),
            encrypted_secret: Base64(credential.encrypted_secret),
            expires_at: challenge.expires_at_ms(),
        };
        let ek_certificates = request.ek_certificates.clone();
        let pending = Pending { challenge, token_key, identity, ek_certificates };
        self.open().insert(drawn.id, pending);
        Ok(answer)
    }

    /// T10 and T11; then T1, T3 and T12 again, for the registry may have changed meanwhile.
    pub(super) fn activate(
        &self,
        request: &ActivateRequest,
        now_ms: u64,
    ) -> Result<ActivateAnswer, Refusal> {
        let unknown = || {
            let expected = "a challenge that waits for its answer".to_owned();
            let (what, actual) = ("challenge_id".to_owned(), "another, or one answered".to_owned());
            EnrolError::Refused { check: "T10", what, expected, actual }
        };
        let id = from_hex_exact::<16>(&request.challenge_id).map_err(|_| unknown())?;
        let pending = self.open().remove(&id).ok_or_else(unknown)?;
        let Pending { challenge, token_key, identity, ek_certificates } = pending;
        let activated = challenge.answer(&request.secret.0, now_ms)?;
        let candidate = activated.candidate();

        let _held = self.book.hold()?;
        let token = self.book.token(&token_key)?.ok_or_else(Token::unknown)?;
        token.admit(&identity, now_ms)?;
        let sent: Vec<&[u8]> = ek_certificates.iter().map(|one| one.0.as_slice()).collect();
        self.book.roots()?.check_again(&sent, candidate, now_ms)?;
        let before = self.check_registry(&identity, candidate)?;
        let is_again = token.check_use(before.as_ref(), candidate, now_ms)?;
        if let Some(record) = before.as_ref().filter(|_| is_again) {
            // The answer to the same enrolment was lost: the same again.
            return self.answer(record);
        }
        let (authority, _) = self.book.authority();
        let days = self.book.days(now_ms);
        let certificate = authority.issue(&activated, &identity, &random()?, days)?;
        let text = BASE64.encode(&certificate.der);
        let record = Record::after(before, identity, candidate, (&certificate, text), now_ms);
        self.book.write_record(&record)?;
        let used = Some(Used::by(candidate, &record, now_ms));
        self.book.write_token(&token_key, &Token { used, ..token })?;
        let (identity, ak) = (&record.identity, &record.ak_name);
        tracing::info!(%identity, %ak, "enrolled");
        self.answer(&record)
    }

    /// T3 and T12 against all records; the identity's own.
    fn check_registry(
        &self,
        identity: &Identity,
        candidate: &Candidate,
    ) -> Result<Option<Record>, Refusal> {
        let own = self.book.record(identity)?;
        if let Some(own) = &own {
            own.admit(candidate)?;
        }
        for record in self.book.records()? {
            record.admit_other(identity, candidate)?;
        }
        Ok(own)
    }

    fn answer(&self, record: &Record) -> Result<ActivateAnswer, Refusal> {
        let damaged = |_| Error::Damaged(format!("{}: its certificate", record.identity));
        let certificate = BASE64.decode(&record.certificate).map_err(damaged)?;
        Ok(ActivateAnswer {
            ak_certificate: Base64(certificate),
            chain: vec![Base64(self.book.authority().1.to_vec())],
            ak_name: record.ak_name.clone(),
            qualified_name: record.qualified_name.clone(),
            ek_hash: record.ek_hash.clone(),
        })
    }

    /// Forgets what expired, and the oldest of a token that asks again and again.
    fn make_room(&self, token_key: &str, now_ms: u64) -> Result<(), Refusal> {
        let mut open = self.open();
        open.retain(|_, pending| now_ms < pending.challenge.expires_at_ms());
        let own = open.iter().filter(|(_, pending)| pending.token_key == token_key);
        let mut own: Vec<_> =
            own.map(|(id, pending)| (pending.challenge.expires_at_ms(), *id)).collect();
        own.sort_unstable();
        let excess = (own.len() + 1).saturating_sub(CHALLENGES_PER_TOKEN_MAX);
        for (_, id) in own.iter().take(excess) {
            open.remove(id);
        }
        match open.len() < CHALLENGES_MAX {
            true => Ok(()),
            false => Err(Refusal::Busy),
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<[u8; 16], Pending>> {
        // A poisoned table is still right: entries are whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
