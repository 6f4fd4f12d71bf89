//! Sealed requests: opened, admitted once, evaluated as every other, and answered so that the
//! caller alone can read the answer. It must never let a byte of an opened request, or the salt of
//! its proof, leave in clear: from the moment that a request was admitted, its refusal is sealed.

use crate::Enclave;
use crate::evaluate::Evaluated;
use proof::SignedStatement;
use seal::{Reply, SealError, Window};
use std::sync::{MutexGuard, PoisonError};
use wire::{Refusal, RefusalCode};
use zeroize::Zeroizing;

/// A signed statement, and the sealed reply that goes to the caller with its proof.
pub(crate) struct Sealed {
    pub(crate) signed: SignedStatement,
    pub(crate) reply: Vec<u8>,
}

/// Why there is none.
pub(crate) enum NotDecided {
    /// The request was not opened or not admitted: the parent may read why.
    Clear(Refusal),
    /// It was admitted and refused: the sealed reply says why.
    Sealed(Vec<u8>),
}

impl From<Refusal> for NotDecided {
    fn from(refusal: Refusal) -> Self {
        NotDecided::Clear(refusal)
    }
}

impl From<SealError> for NotDecided {
    fn from(error: SealError) -> Self {
        let code = match &error {
            SealError::OtherKeySet { .. } | SealError::SmallOrder | SealError::Unopened => {
                RefusalCode::SealedKey
            }
            SealError::Expired { .. } | SealError::TooLong { .. } => RefusalCode::SealedExpired,
            SealError::Replayed => RefusalCode::SealedReplayed,
            SealError::Full { .. } => RefusalCode::SealedFull,
            _ => RefusalCode::SealedMalformed,
        };
        let detail = error.to_string();
        NotDecided::Clear(Refusal { id: 0, code, field: String::new(), detail })
    }
}

impl Enclave {
    /// Evaluates one sealed request.
    pub(crate) fn evaluate_sealed(&self, message: &[u8]) -> Result<Sealed, NotDecided> {
        self.with_room(|boot, active| {
            let evaluator = &boot.evaluator;
            let opened = evaluator.recipient.open(&evaluator.key_set, message)?;
            let now = self.clock.now();
            self.window().admit(&opened.enc, opened.expires_at_ms, now.0)?;
            let nonce = evaluator.random();
            let Evaluated { signed, salt, results } =
                evaluator.evaluate(active, now, &opened.body).map_err(|refusal| {
                    // What no time and no rules change needs no memory: it is refused again.
                    if messages::parse_request(&opened.body).is_err() {
                        self.window().release(&opened.enc, opened.expires_at_ms);
                    }
                    let Refusal { code, field, detail, .. } = refusal;
                    let reply = Reply::refused(code as u64, &field, &detail);
                    NotDecided::Sealed(opened.reply.seal(&nonce, &reply))
                })?;
            let (proof_hash, salt) = (signed.proof_hash().0, Zeroizing::new(salt.0));
            let reply = Reply::Decided { proof_hash, salt, results };
            Ok(Sealed { signed, reply: opened.reply.seal(&nonce, &reply) })
        })
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
