//! What the enclave tells the parent.

use crate::codec::{Checkpoint, open, read_checkpoint, write_checkpoint};
use crate::{CLIENT_REF_BYTES_MAX, DOCUMENT_BYTES_MAX, Health, SEALED_REPLY_BYTES_MAX, WireError};
use cbor::{CborError, Reader, Writer};

/// Largest signed statement and rule result, most results of an entry, longest texts.
const ENVELOPE_BYTES_MAX: usize = 70_000;
const RESULT_BYTES_MAX: usize = 16_384;
const RESULTS_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 1024;

/// The boot that is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootInfo {
    /// Boot record (FORMAT.md §6), first leaf of the log.
    pub record: Vec<u8>,
    /// Leaves in the log.
    pub log_size: u64,
    /// First index that the enclave still holds.
    pub held_from: u64,
    /// The rulebook in force.
    pub rulebook: Option<RulebookInfo>,
}

/// The rulebook in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulebookInfo {
    /// Name.
    pub name: String,
    /// Version.
    pub version: u64,
    /// Bundle hash.
    pub hash: [u8; 32],
    /// Number of rules.
    pub rules: u64,
}

/// One evaluation, signed and in the log. Durable only when the parent has written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Request number; 0 when the entry is sent again after a reconnect.
    pub id: u64,
    /// Index in the log.
    pub index: u64,
    /// The client reference of the command.
    pub client_ref: Vec<u8>,
    /// Signed statement.
    pub envelope: Vec<u8>,
    /// Salt; zeros when the request was sealed.
    pub salt: [u8; 32],
    /// Canonical rule results, in statement order; none when the request was sealed.
    pub results: Vec<Vec<u8>>,
    /// The sealed reply, which has salt and results inside; empty when the request was not sealed.
    pub sealed: Vec<u8>,
}

/// A quote over a checkpoint: it covers every entry whose index is below `checkpoint`'s size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Boot id, size, root.
    pub checkpoint: Checkpoint,
    /// Attestation document.
    pub document: Vec<u8>,
    /// The log's signatures over the checkpoint (FORMAT.md §5): note, receipt.
    pub log_signatures: [[u8; 64]; 2],
}

closed! {
    /// Why a command was refused. The numbers are frozen.
    pub enum RefusalCode {
        /// The request body is bad; `field` says where.
        BadRequest,
        /// No rule of the scope is in force at `as_of`.
        NothingInForce,
        /// The rules are too old to be used.
        RulesStale,
        /// No boot configuration or no rules yet.
        NotReady,
        /// Too many entries wait to become durable.
        Busy,
        /// The boot configuration was given already, or is bad.
        BootRefused,
        /// The bundle was refused.
        RulesRefused,
        /// The attestation device failed.
        Attestation,
        /// The parent speaks another protocol or asks for what is gone.
        Protocol,
        /// A sealed request is not of the form of SEALED.md.
        SealedMalformed,
        /// A sealed request is for another key set, or does not open under this one's key.
        SealedKey,
        /// A sealed request came after its expiry, or expires too late to be remembered.
        SealedExpired,
        /// A sealed request came before.
        SealedReplayed,
        /// Too many sealed requests are remembered; none is forgotten before its expiry.
        SealedFull,
    }
}

/// A command was refused; nothing was signed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Request number of the command.
    pub id: u64,
    /// Why, as a number.
    pub code: RefusalCode,
    /// Which field of the body, where one is to blame.
    pub field: String,
    /// Why, for people.
    pub detail: String,
}

closed! {
    /// What the enclave says unasked. Closed, without user data.
    pub enum Event {
        /// A frame could not be parsed; the connection is closed after it.
        BadFrame,
        /// Making a quote failed and is tried again.
        QuoteFailed,
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// How the enclave stands.
    Status {
        /// Request number of the command; 0 for hello.
        id: u64,
        /// Protocol version of the enclave.
        version: u64,
        /// The boot, once it has its configuration.
        boot: Option<BootInfo>,
    },
    /// The bundle is in force.
    RulesLoaded {
        /// Request number of the command.
        id: u64,
        /// What is in force now.
        rulebook: RulebookInfo,
    },
    /// One evaluation.
    Entry(Entry),
    /// A quote over the log.
    Quote(Quote),
    /// A quote with the caller's nonce.
    Attested {
        /// Request number of the command.
        id: u64,
        /// The quote.
        quote: Quote,
    },
    /// A command was refused.
    Refused(Refusal),
    /// Something happened.
    Event(Event),
    /// A sealed request was opened and then refused; nothing was signed for it. Why is for the
    /// caller alone.
    SealedRefusal {
        /// Request number of the command.
        id: u64,
        /// The sealed reply.
        sealed: Vec<u8>,
    },
    /// How the machine stands.
    Health {
        /// Request number of the command.
        id: u64,
        /// How it stands; unsigned.
        health: Health,
    },
}

impl Report {
    /// The frame body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        match self {
            Report::Status { id, version, boot } => {
                write_boot(w.array(4).uint(1).uint(*id).uint(*version), boot.as_ref());
            }
            Report::RulesLoaded { id, rulebook } => {
                write_rulebook(w.array(3).uint(2).uint(*id), Some(rulebook));
            }
            Report::Entry(entry) => {
                w.array(if entry.sealed.is_empty() { 7 } else { 8 });
                w.uint(3).uint(entry.id).uint(entry.index).bytes(&entry.client_ref);
                w.bytes(&entry.envelope).bytes(&entry.salt).array(entry.results.len());
                for result in &entry.results {
                    w.bytes(result);
                }
                if !entry.sealed.is_empty() {
                    w.bytes(&entry.sealed);
                }
            }
            Report::Quote(quote) => {
                w.array(5).uint(4);
                write_quote(&mut w, quote);
            }
            Report::Attested { id, quote } => {
                w.array(6).uint(5).uint(*id);
                write_quote(&mut w, quote);
            }
            Report::Refused(refusal) => {
                w.array(5).uint(6).uint(refusal.id).uint(refusal.code as u64);
                w.text(clip(&refusal.field)).text(clip(&refusal.detail));
            }
            Report::Event(event) => {
                w.array(2).uint(7).uint(*event as u64);
            }
            Report::SealedRefusal { id, sealed } => {
                w.array(3).uint(8).uint(*id).bytes(sealed);
            }
            Report::Health { id, health } => health.write(w.array(3).uint(9).uint(*id)),
        }
        w.finish()
    }

    /// Parses a frame body.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(body);
        let report = match open(&mut r)? {
            (1, 3) => {
                let (id, version) = (r.uint()?, r.uint()?);
                let boot = read_boot(&mut r)?;
                Report::Status { id, version, boot }
            }
            (2, 2) => {
                let id = r.uint()?;
                let at = r.position();
                let rulebook = read_rulebook(&mut r)?;
                let missing = CborError::Truncated { at, needed: 1 };
                Report::RulesLoaded { id, rulebook: rulebook.ok_or(missing)? }
            }
            (3, 6) => Report::Entry(read_entry(&mut r)?),
            (3, 7) => Report::Entry(read_sealed_entry(&mut r)?),
            (4, 4) => Report::Quote(read_quote(&mut r)?),
            (5, 5) => Report::Attested { id: r.uint()?, quote: read_quote(&mut r)? },
            (6, 4) => {
                let id = r.uint()?;
                let code = RefusalCode::read(&mut r)?;
                let (field, detail) = (text(&mut r)?, text(&mut r)?);
                Report::Refused(Refusal { id, code, field, detail })
            }
            (7, 1) => Report::Event(Event::read(&mut r)?),
            (8, 2) => Report::SealedRefusal { id: r.uint()?, sealed: read_sealed(&mut r)? },
            (9, 2) => Report::Health { id: r.uint()?, health: Health::read(&mut r)? },
            (kind, _) => return Err(WireError::Kind(kind)),
        };
        r.end()?;
        Ok(report)
    }
}

/// Cuts a text to what a report carries, at a character's edge.
fn clip(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn text(r: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(r.text_max("text", TEXT_BYTES_MAX)?.to_owned())
}

fn write_boot(w: &mut Writer, boot: Option<&BootInfo>) {
    if let Some(boot) = boot {
        w.array(4).bytes(&boot.record).uint(boot.log_size).uint(boot.held_from);
        write_rulebook(w, boot.rulebook.as_ref());
    } else {
        w.null();
    }
}

fn read_boot(r: &mut Reader<'_>) -> Result<Option<BootInfo>, CborError> {
    if r.null()? {
        return Ok(None);
    }
    r.array_of("boot", 4)?;
    let (record, log_size) = (r.bytes_max("boot record", 4096)?.to_vec(), r.uint()?);
    Ok(Some(BootInfo { record, log_size, held_from: r.uint()?, rulebook: read_rulebook(r)? }))
}

fn write_rulebook(w: &mut Writer, rulebook: Option<&RulebookInfo>) {
    match rulebook {
        Some(book) => {
            w.array(4).text(&book.name).uint(book.version).bytes(&book.hash).uint(book.rules)
        }
        None => w.null(),
    };
}

fn read_rulebook(r: &mut Reader<'_>) -> Result<Option<RulebookInfo>, CborError> {
    if r.null()? {
        return Ok(None);
    }
    r.array_of("rulebook", 4)?;
    let (name, version) = (text(r)?, r.uint()?);
    Ok(Some(RulebookInfo { name, version, hash: r.array_bytes("bundle hash")?, rules: r.uint()? }))
}

fn read_entry(r: &mut Reader<'_>) -> Result<Entry, CborError> {
    let (id, index) = (r.uint()?, r.uint()?);
    let client_ref = r.bytes_max("client reference", CLIENT_REF_BYTES_MAX)?.to_vec();
    let envelope = r.bytes_max("signed statement", ENVELOPE_BYTES_MAX)?.to_vec();
    let salt = r.array_bytes("salt")?;
    let results = r.entries("results", RESULTS_MAX, |r| {
        Ok(r.bytes_max("rule result", RESULT_BYTES_MAX)?.to_vec())
    })?;
    Ok(Entry { id, index, client_ref, envelope, salt, results, sealed: Vec::new() })
}

/// An entry of a sealed request: salt and results are inside the reply and nowhere else.
fn read_sealed_entry(r: &mut Reader<'_>) -> Result<Entry, CborError> {
    let entry = read_entry(r)?;
    let at = r.position();
    let found = entry.results.len() as u64;
    if found != 0 || entry.salt != [0; 32] {
        let (what, expected) = ("sealed entry", "neither salt nor results in clear");
        return Err(CborError::Range { at, what, expected, found });
    }
    Ok(Entry { sealed: read_sealed(r)?, ..entry })
}

fn read_sealed(r: &mut Reader<'_>) -> Result<Vec<u8>, CborError> {
    let at = r.position();
    let sealed = r.bytes_max("sealed reply", SEALED_REPLY_BYTES_MAX)?;
    if sealed.is_empty() {
        let (what, expected) = ("sealed reply", "at least one byte");
        return Err(CborError::Range { at, what, expected, found: 0 });
    }
    Ok(sealed.to_vec())
}

fn write_quote(w: &mut Writer, quote: &Quote) {
    write_checkpoint(w, Some(&quote.checkpoint));
    let [note, receipt] = &quote.log_signatures;
    w.bytes(&quote.document).bytes(note).bytes(receipt);
}

fn read_quote(r: &mut Reader<'_>) -> Result<Quote, CborError> {
    let at = r.position();
    let checkpoint = read_checkpoint(r)?.ok_or(CborError::Truncated { at, needed: 1 })?;
    let document = r.bytes_max("document", DOCUMENT_BYTES_MAX)?.to_vec();
    let log_signatures = [r.array_bytes("note signature")?, r.array_bytes("receipt signature")?];
    Ok(Quote { checkpoint, document, log_signatures })
}
