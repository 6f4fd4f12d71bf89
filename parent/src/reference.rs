//! The client reference: what an idempotency key becomes before it leaves the host. The enclave
//! gives it back with the entry, so that a key survives a crash of the host. It must never hold
//! the key itself.

use crypto::{Domain, digest};

/// Hash of an idempotency key, and of the body that came with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientRef {
    /// Hash of the key.
    pub key: [u8; 32],
    /// Hash of the body.
    pub body: [u8; 32],
}

impl ClientRef {
    /// The reference of a key and a body.
    pub fn new(key: &str, body: &[u8]) -> Self {
        Self {
            key: digest(Domain::ClientRef, &[key.as_bytes()]).0,
            body: digest(Domain::ClientRef, &[body]).0,
        }
    }

    /// 64 bytes for the enclave.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.key, self.body].concat()
    }

    /// Reads what came back; anything but 64 bytes is no reference of ours.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (key, body) = bytes.split_at_checked(32)?;
        Some(Self { key: key.try_into().ok()?, body: body.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_go_both_ways_and_fit_the_wire() {
        let reference = ClientRef::new("order-7", b"{}");
        let bytes = reference.to_bytes();
        assert_eq!(bytes.len(), wire::CLIENT_REF_BYTES_MAX);
        assert_eq!(ClientRef::parse(&bytes), Some(reference));
        assert_eq!(ClientRef::parse(&bytes[..63]), None);
        assert_eq!(ClientRef::parse(&[]), None);
    }

    #[test]
    fn key_and_body_are_apart() {
        let (a, b) = (ClientRef::new("k", b"1"), ClientRef::new("k", b"2"));
        assert_eq!(a.key, b.key);
        assert_ne!(a.body, b.body);
        assert_ne!(ClientRef::new("l", b"1").key, a.key);
    }
}
