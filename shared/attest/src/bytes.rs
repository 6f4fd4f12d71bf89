//! A cursor over fixed-layout bytes: TPM structures (big-endian) and event logs (little-endian).
//! It borrows, checks before it takes, and must never allocate or index from a declared length.

use crate::Check;
use crate::error::AttestError;

/// A cursor; every refusal carries its check and the structure's name.
#[derive(Debug, Clone)]
pub(crate) struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
    check: Check,
    what: &'static str,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8], check: Check, what: &'static str) -> Self {
        Self { bytes, at: 0, check, what }
    }

    /// Offset of the next field.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// What has not been taken yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn take(&mut self, count: u64) -> Result<&'a [u8], AttestError> {
        let left = self.rest();
        match usize::try_from(count).ok().and_then(|count| left.split_at_checked(count)) {
            Some((taken, _)) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => Err(AttestError::Truncated {
                check: self.check,
                what: self.what,
                at: self.at,
                needed: count,
                left: left.len() as u64,
            }),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AttestError> {
        let taken = self.take(N as u64)?;
        Ok(taken.try_into().expect("N bytes because just as many were taken"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, AttestError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn be16(&mut self) -> Result<u16, AttestError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn be32(&mut self) -> Result<u32, AttestError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn be64(&mut self) -> Result<u64, AttestError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn le16(&mut self) -> Result<u16, AttestError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn le32(&mut self) -> Result<u32, AttestError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn le64(&mut self) -> Result<u64, AttestError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A TPM2B: a length of 16 bits, at most `max`, and that many bytes.
    pub(crate) fn sized(&mut self, field: &'static str, max: u64) -> Result<&'a [u8], AttestError> {
        let length = u64::from(self.be16()?);
        AttestError::within(self.check, field, length, 0, max)?;
        self.take(length)
    }

    /// Refuses anything after the last field.
    pub(crate) fn end(&self) -> Result<(), AttestError> {
        match self.rest().len() {
            0 => Ok(()),
            left => {
                let actual = format!("{left} more bytes");
                Err(AttestError::refuse(
                    self.check,
                    self.what,
                    "nothing after the last field",
                    actual,
                ))
            }
        }
    }
}
