//! A proof that is durable: what every answer is made of, fresh from the journal or out of the
//! store. It must never exist for an entry that is not on the disk.

use crate::error::Error;
use crate::store::{Location, StoredEntry, StoredQuote};
use crypto::Digest;
use policy::Kind;
use proof::{Evidence, Inclusion, Proof, SignedStatement, Unsigned};
use tlog::Hash;

/// CBOR's major type of a map (RFC 8949 §3.1): a document is an array, tagged or not.
const CBOR_MAP: u8 = 5;

/// What form evidence has: a TPM's map, or a document. A verifier's policy says what it takes.
pub fn form_of(evidence: &[u8]) -> Kind {
    match evidence.first().is_some_and(|head| head >> 5 == CBOR_MAP) {
        true => Kind::Tpm,
        false => Kind::Nitro,
    }
}

/// One durable proof.
#[derive(Debug)]
pub struct Landed {
    /// Where it stands.
    pub at: Location,
    /// The signed statement.
    pub signed: SignedStatement,
    /// Its proof hash.
    pub hash: Digest,
    /// Its salt; zeros when the request was sealed.
    pub salt: [u8; 32],
    /// Canonical rule results; none when the request was sealed.
    pub results: Vec<Vec<u8>>,
    /// The sealed reply; empty when the request was not sealed.
    pub sealed: Vec<u8>,
    /// Size of the first quoted checkpoint that covers it.
    pub checkpoint_size: u64,
}

impl Landed {
    /// What the store has.
    pub fn from_stored(
        at: Location,
        entry: StoredEntry,
        quote: &StoredQuote,
    ) -> Result<Self, Error> {
        let damaged = |e: proof::ProofError| Error::Damaged(format!("entry {}: {e}", at.index));
        let signed = Proof::parse(&entry.envelope).map_err(damaged)?.signed;
        let StoredEntry { salt, results, sealed, .. } = entry;
        let hash = signed.proof_hash();
        Ok(Self { at, signed, hash, salt, results, sealed, checkpoint_size: quote.size })
    }

    /// The complete proof: statement, document, and path to the checkpoint that it quotes.
    pub fn complete(&self, quote: StoredQuote, path: Vec<Hash>) -> Proof {
        let kind = form_of(&quote.document).name().into();
        let evidence = Evidence { kind, document: quote.document };
        let inclusion = Inclusion { size: quote.size, index: self.at.index, path };
        let mut unsigned = Unsigned::new(evidence, inclusion);
        unsigned.log_signatures = quote.log_signatures;
        Proof { signed: self.signed.clone(), unsigned: Some(unsigned) }
    }
}
