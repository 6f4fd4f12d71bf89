//! A cursor over a TPM structure (big-endian). It borrows, checks before it takes, and must never
//! allocate or index from a declared length.

use crate::EnrolError;

/// A cursor; every refusal carries its check and the structure's name.
#[derive(Debug, Clone)]
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
    check: &'static str,
    what: &'static str,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8], check: &'static str, what: &'static str) -> Self {
        Self { rest: bytes, check, what }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], EnrolError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            let (expected, actual) = (format!("{count} more bytes"), self.rest.len().to_string());
            return Err(EnrolError::refuse(self.check, self.what, expected, actual));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EnrolError> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("N bytes because just as many were taken"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, EnrolError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, EnrolError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, EnrolError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A TPM2B of at most `max` bytes.
    pub(crate) fn sized(
        &mut self,
        field: &'static str,
        max: usize,
    ) -> Result<&'a [u8], EnrolError> {
        let length = usize::from(self.u16()?);
        EnrolError::within(self.check, field, length, (0, max))?;
        self.take(length)
    }

    /// Refuses anything after the last field.
    pub(crate) fn end(&self) -> Result<(), EnrolError> {
        match self.rest.len() {
            0 => Ok(()),
            left => {
                let (expected, actual) = ("nothing after the last field", format!("{left} bytes"));
                Err(EnrolError::refuse(self.check, self.what, expected, actual))
            }
        }
    }
}

/// A TPM2B of the bytes.
pub(crate) fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short field because this crate made it");
    let mut out = length.to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}
