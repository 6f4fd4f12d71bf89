//! What the worker asks of the device.

use crate::{EXTENSION_BYTES, LinkError, QUALIFYING_BYTES, RANDOM_BYTES_MAX, open};
use cbor::{CborError, Reader, Writer};

/// A request. `id` comes back in the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A quote over `qualifying`. Answered by `Reply::Quote`.
    Quote {
        /// Request number.
        id: u64,
        /// What the TPM is to sign as extraData: [`crate::binding`].
        qualifying: [u8; QUALIFYING_BYTES],
    },
    /// Whether this is the boot configuration that was measured. Answered by `Reply::Confirmed`.
    Confirm {
        /// Request number.
        id: u64,
        /// SHA-384 of the boot configuration: what an enclave extends into PCR16.
        extension: [u8; EXTENSION_BYTES],
    },
    /// The TPM's entropy. Answered by `Reply::Random`.
    Random {
        /// Request number.
        id: u64,
        /// How many bytes, 1 to [`RANDOM_BYTES_MAX`].
        bytes: usize,
    },
}

impl Request {
    /// The request number.
    pub fn id(&self) -> u64 {
        match self {
            Request::Quote { id, .. }
            | Request::Confirm { id, .. }
            | Request::Random { id, .. } => *id,
        }
    }

    /// The frame body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        match self {
            Request::Quote { id, qualifying } => w.array(3).uint(1).uint(*id).bytes(qualifying),
            Request::Confirm { id, extension } => w.array(3).uint(2).uint(*id).bytes(extension),
            Request::Random { id, bytes } => w.array(3).uint(4).uint(*id).uint(*bytes as u64),
        };
        w.finish()
    }

    /// Parses a frame body.
    pub fn parse(body: &[u8]) -> Result<Self, LinkError> {
        let mut r = Reader::new(body);
        let request = match open(&mut r)? {
            (1, 2) => {
                Request::Quote { id: r.uint()?, qualifying: r.array_bytes("qualifying data")? }
            }
            (2, 2) => Request::Confirm { id: r.uint()?, extension: r.array_bytes("extension")? },
            (4, 2) => Request::Random { id: r.uint()?, bytes: count(&mut r)? },
            (kind, _) => return Err(LinkError::Kind(kind)),
        };
        r.end()?;
        Ok(request)
    }
}

fn count(r: &mut Reader<'_>) -> Result<usize, CborError> {
    let at = r.position();
    let found = r.uint_max("random bytes", RANDOM_BYTES_MAX as u64)?;
    if found == 0 {
        return Err(CborError::Range { at, what: "random bytes", expected: "at least 1", found });
    }
    Ok(found as usize)
}
