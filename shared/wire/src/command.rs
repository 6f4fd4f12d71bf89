//! What the parent asks of the enclave.

use crate::codec::{Checkpoint, open, read_checkpoint, write_checkpoint};
use crate::{
    BODY_BYTES_MAX, CLIENT_REF_BYTES_MAX, FRAME_BYTES_MAX, NONCE_BYTES_MAX, SEALED_BYTES_MAX,
    WireError,
};
use cbor::{Reader, Writer};

/// A command. `id` comes back in the report that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Asks how the enclave stands. Answered by `Report::Status`.
    Hello {
        /// Protocol version of the parent.
        version: u64,
    },
    /// Gives the boot configuration, once a boot. Answered by `Report::Status`.
    Boot {
        /// Request number.
        id: u64,
        /// Boot configuration (FORMAT.md §6).
        config: Vec<u8>,
        /// Last checkpoint of the boot before: boot id, size, root.
        previous: Option<Checkpoint>,
    },
    /// Offers a signed bundle and its freshness statement. Answered by `Report::RulesLoaded`.
    LoadRules {
        /// Request number.
        id: u64,
        /// COSE_Sign of the bundle.
        bundle: Vec<u8>,
        /// COSE_Sign of the freshness statement.
        freshness: Vec<u8>,
    },
    /// Evaluates one request body. Answered by `Report::Entry` and the quote that covers it.
    Evaluate {
        /// Request number.
        id: u64,
        /// Opaque bytes that come back with the entry, also after a reconnect.
        client_ref: Vec<u8>,
        /// The caller's bytes as they came.
        body: Vec<u8>,
    },
    /// Asks for a fresh quote over the log with the caller's nonce. Answered by `Report::Attested`.
    Attest {
        /// Request number.
        id: u64,
        /// The caller's nonce.
        nonce: Vec<u8>,
    },
    /// Says that every entry below this index is durable, so the enclave may forget it.
    Ack {
        /// First index that is not yet durable.
        below: u64,
    },
    /// Asks for every entry from this index on again, with its quotes; after a reconnect.
    Resume {
        /// First index that is wanted.
        from: u64,
    },
    /// Evaluates one sealed request. Answered as `Evaluate` is, with the reply sealed; or by
    /// `Report::SealedRefusal` when the request was opened and then refused.
    EvaluateSealed {
        /// Request number.
        id: u64,
        /// Opaque bytes that come back with the entry, also after a reconnect.
        client_ref: Vec<u8>,
        /// The sealed request (SEALED.md) as it came.
        sealed: Vec<u8>,
    },
    /// Asks how the machine stands, in any state. Answered by `Report::Health`.
    Health {
        /// Request number.
        id: u64,
    },
}

impl Command {
    /// The frame body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        match self {
            Command::Hello { version } => w.array(2).uint(1).uint(*version),
            Command::Boot { id, config, previous } => {
                w.array(4).uint(2).uint(*id).bytes(config);
                write_checkpoint(&mut w, previous.as_ref());
                &mut w
            }
            Command::LoadRules { id, bundle, freshness } => {
                w.array(4).uint(3).uint(*id).bytes(bundle).bytes(freshness)
            }
            Command::Evaluate { id, client_ref, body } => {
                w.array(4).uint(4).uint(*id).bytes(client_ref).bytes(body)
            }
            Command::Attest { id, nonce } => w.array(3).uint(5).uint(*id).bytes(nonce),
            Command::Ack { below } => w.array(2).uint(6).uint(*below),
            Command::Resume { from } => w.array(2).uint(7).uint(*from),
            Command::EvaluateSealed { id, client_ref, sealed } => {
                w.array(4).uint(8).uint(*id).bytes(client_ref).bytes(sealed)
            }
            Command::Health { id } => w.array(2).uint(9).uint(*id),
        };
        w.finish()
    }

    /// Parses a frame body.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(body);
        let command = match open(&mut r)? {
            (1, 1) => Command::Hello { version: r.uint()? },
            (2, 3) => Command::Boot {
                id: r.uint()?,
                config: r.bytes_max("boot configuration", 4096)?.to_vec(),
                previous: read_checkpoint(&mut r)?,
            },
            (3, 3) => Command::LoadRules {
                id: r.uint()?,
                bundle: r.bytes_max("bundle", FRAME_BYTES_MAX)?.to_vec(),
                freshness: r.bytes_max("freshness", 8192)?.to_vec(),
            },
            (4, 3) => Command::Evaluate {
                id: r.uint()?,
                client_ref: r.bytes_max("client reference", CLIENT_REF_BYTES_MAX)?.to_vec(),
                body: r.bytes_max("request body", BODY_BYTES_MAX)?.to_vec(),
            },
            (5, 2) => Command::Attest {
                id: r.uint()?,
                nonce: r.bytes_max("nonce", NONCE_BYTES_MAX)?.to_vec(),
            },
            (6, 1) => Command::Ack { below: r.uint()? },
            (7, 1) => Command::Resume { from: r.uint()? },
            (8, 3) => Command::EvaluateSealed {
                id: r.uint()?,
                client_ref: r.bytes_max("client reference", CLIENT_REF_BYTES_MAX)?.to_vec(),
                sealed: r.bytes_max("sealed request", SEALED_BYTES_MAX)?.to_vec(),
            },
            (9, 1) => Command::Health { id: r.uint()? },
            (kind, _) => return Err(WireError::Kind(kind)),
        };
        r.end()?;
        Ok(command)
    }
}
