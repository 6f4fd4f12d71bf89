//! The two messages: a sealed request, and the reply that is sealed back to whoever sealed it.
//! The reply's key is exported from the request's context (RFC 9180 §9.8) and mixed with a nonce
//! as RFC 9458 §4.4 does it. It must never parse what did not open.

use crate::gcm::{Cipher, NONCE_BYTES};
use crate::hkdf::{self, Secret};
use crate::hpke::Context;
use crate::keys::{Recipient, RecipientKey, key_set_hash};
use crate::padding::{pad, unpad};
use crate::{
    BODY_BYTES_MAX, REPLY_BYTES_MAX, REQUEST_BYTES_MAX, RESULT_BYTES_MAX, RESULTS_MAX, SealError,
    TEXT_BYTES_MAX, VERSION,
};
use cbor::{CborError, Reader, Writer};
use zeroize::Zeroizing;

/// What the reply's secret is exported under.
const REPLY_LABEL: &[u8] = b"probity/v1/sealed-reply";

/// Most bytes of a reply's content beside its results or texts.
const HEADS_BYTES_MAX: usize = 96;

/// A request that opened. Nothing was judged yet: [`crate::Window`] judges its time.
pub struct Opened {
    /// The ephemeral public key, which names the request.
    pub enc: [u8; 32],
    /// When the request ends, Unix milliseconds.
    pub expires_at_ms: u64,
    /// The request body, wiped when dropped.
    pub body: Zeroizing<Vec<u8>>,
    /// What the reply is sealed with.
    pub reply: ReplyKey,
}

/// What the caller is told. The salt is wiped when dropped, results and texts are not.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// A decision was signed.
    Decided {
        /// Hash of the proof that belongs to this reply.
        proof_hash: [u8; 32],
        /// The proof's salt.
        salt: Zeroizing<[u8; 32]>,
        /// Canonical rule results, in statement order.
        results: Vec<Vec<u8>>,
    },
    /// Nothing was signed.
    Refused {
        /// Why, as a number of SEALED.md.
        code: u64,
        /// Which field of the body, where one is to blame.
        field: String,
        /// Why, for people.
        detail: String,
    },
}

/// Seals and opens the one reply to one request.
pub struct ReplyKey {
    enc: [u8; 32],
    secret: Secret,
}

impl Recipient {
    /// Seals a request. `seed` is 32 random bytes that are used for nothing else. Returns the
    /// message and what opens its reply.
    pub fn seal(
        &self,
        seed: &Zeroizing<[u8; 32]>,
        expires_at_ms: u64,
        body: &[u8],
    ) -> Result<(Vec<u8>, ReplyKey), SealError> {
        at_most(BODY_BYTES_MAX, body.len())?;
        let (enc, context) = self.context(seed)?;
        let mut w = Writer::with_capacity(body.len() + 16);
        w.array(2).uint(expires_at_ms).bytes(body);
        let content = Zeroizing::new(w.finish());
        let sealed =
            context.seal(0, &request_head(3, &self.key_set, &enc).finish(), &pad(&content));
        let mut message = request_head(4, &self.key_set, &enc);
        message.bytes(&sealed);
        Ok((message.finish(), ReplyKey::of(enc, &context)))
    }
}

impl RecipientKey {
    /// Opens a request that was sealed to `key_set`.
    pub fn open(&self, key_set: &[u8], message: &[u8]) -> Result<Opened, SealError> {
        at_most(REQUEST_BYTES_MAX, message.len())?;
        let mut r = Reader::new(message);
        r.array_of("sealed request", 4)?;
        version(&mut r)?;
        let found: [u8; 32] = r.array_bytes("key set hash")?;
        let expected = key_set_hash(key_set);
        if found != expected {
            let (expected, found) = (hex(&expected), hex(&found));
            return Err(SealError::OtherKeySet { expected, found });
        }
        let enc = r.array_bytes("enc")?;
        let sealed = r.bytes()?;
        r.end()?;
        let context = self.context(&expected, &enc)?;
        let head = request_head(3, &expected, &enc).finish();
        let padded = context.open(0, &head, sealed).ok_or(SealError::Unopened)?;
        let (expires_at_ms, body) = read_request(unpad(&padded)?)
            .map_err(|_| SealError::Content { expected: "[expires_at, body]" })?;
        let body = Zeroizing::new(body.to_vec());
        Ok(Opened { enc, expires_at_ms, body, reply: ReplyKey::of(enc, &context) })
    }
}

impl Reply {
    /// A refusal.
    pub fn refused(code: u64, field: &str, detail: &str) -> Self {
        Reply::Refused { code, field: clip(field), detail: clip(detail) }
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let room: usize = match self {
            Reply::Decided { results, .. } => results.iter().map(|result| result.len() + 9).sum(),
            Reply::Refused { .. } => 2 * TEXT_BYTES_MAX,
        };
        // Room for all: a buffer that grows leaves copies behind that nobody wipes.
        let mut w = Writer::with_capacity(room + HEADS_BYTES_MAX);
        match self {
            Reply::Decided { proof_hash, salt, results } => {
                w.array(4).uint(0).bytes(proof_hash).bytes(&**salt).array(results.len());
                for result in results {
                    w.bytes(result);
                }
            }
            Reply::Refused { code, field, detail } => {
                w.array(4).uint(1).uint(*code).text(&clip(field)).text(&clip(detail));
            }
        }
        Zeroizing::new(w.finish())
    }

    fn parse(content: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(content);
        r.array_of("reply", 4)?;
        let reply = match r.uint_max("kind of reply", 1)? {
            0 => Reply::Decided {
                proof_hash: r.array_bytes("proof hash")?,
                salt: Zeroizing::new(r.array_bytes("salt")?),
                results: r.entries("results", RESULTS_MAX, |r| {
                    Ok(r.bytes_max("rule result", RESULT_BYTES_MAX)?.to_vec())
                })?,
            },
            _ => Reply::Refused {
                code: r.uint()?,
                field: r.text_max("field", TEXT_BYTES_MAX)?.to_owned(),
                detail: r.text_max("detail", TEXT_BYTES_MAX)?.to_owned(),
            },
        };
        r.end()?;
        Ok(reply)
    }
}

impl ReplyKey {
    fn of(enc: [u8; 32], context: &Context) -> Self {
        Self { enc, secret: context.export(REPLY_LABEL) }
    }

    /// Seals the reply. `nonce` is 32 random bytes.
    pub fn seal(&self, nonce: &[u8; 32], reply: &Reply) -> Vec<u8> {
        let (cipher, iv) = self.cipher(nonce);
        let sealed = cipher.seal(&iv, &reply_head(2, nonce).finish(), &pad(&reply.to_bytes()));
        let mut message = reply_head(3, nonce);
        message.bytes(&sealed);
        message.finish()
    }

    /// Opens a reply.
    pub fn open(&self, message: &[u8]) -> Result<Reply, SealError> {
        at_most(REPLY_BYTES_MAX, message.len())?;
        let mut r = Reader::new(message);
        r.array_of("sealed reply", 3)?;
        version(&mut r)?;
        let nonce = r.array_bytes("nonce")?;
        let sealed = r.bytes()?;
        r.end()?;
        let (cipher, iv) = self.cipher(&nonce);
        let head = reply_head(2, &nonce).finish();
        let padded = cipher.open(&iv, &head, sealed).ok_or(SealError::Unopened)?;
        let malformed = |_| SealError::Content { expected: "a decision or a refusal" };
        Reply::parse(unpad(&padded)?).map_err(malformed)
    }

    fn cipher(&self, nonce: &[u8; 32]) -> (Cipher, [u8; NONCE_BYTES]) {
        let prk = hkdf::extract(&[self.enc, *nonce].concat(), &[&*self.secret]);
        let key = hkdf::expand(&*prk, &[b"key"]);
        (Cipher::new(&key), *hkdf::expand(&*prk, &[b"nonce"]))
    }
}

redacted!(Opened, Reply, ReplyKey);

/// What of a request is in clear: as associated data an array of its own, in the message the
/// first entries.
fn request_head(entries: usize, key_set: &[u8; 32], enc: &[u8; 32]) -> Writer {
    let mut w = Writer::new();
    w.array(entries).uint(VERSION).bytes(key_set).bytes(enc);
    w
}

fn reply_head(entries: usize, nonce: &[u8; 32]) -> Writer {
    let mut w = Writer::new();
    w.array(entries).uint(VERSION).bytes(nonce);
    w
}

fn read_request(content: &[u8]) -> Result<(u64, &[u8]), CborError> {
    let mut r = Reader::new(content);
    r.array_of("request", 2)?;
    let request = (r.uint()?, r.bytes_max("body", BODY_BYTES_MAX)?);
    r.end()?;
    Ok(request)
}

fn version(r: &mut Reader<'_>) -> Result<(), SealError> {
    match r.uint()? {
        VERSION => Ok(()),
        found => Err(SealError::Version { found }),
    }
}

fn at_most(expected: usize, found: usize) -> Result<(), SealError> {
    if found > expected {
        return Err(SealError::Size { expected, found });
    }
    Ok(())
}

/// Cuts a text to its limit, at a character's edge.
fn clip(text: &str) -> String {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
