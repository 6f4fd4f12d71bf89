//! The operations of the NSM by name.

use crate::DeviceError;
use aws_nitro_enclaves_nsm_api::api::Request;
use std::str::FromStr;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Version, name, locked registers.
    DescribeNsm,
    /// One register.
    DescribePcr,
    /// Hashes data into a register.
    ExtendPcr,
    /// Makes a register read-only.
    LockPcr,
    /// Makes the registers below an index read-only.
    LockPcrs,
    /// 256 random bytes.
    GetRandom,
    /// A signed document.
    Attestation,
    /// Bytes that are no request.
    Unknown,
}

impl Operation {
    /// All that the NSM knows.
    pub const ALL: [Self; 7] = [
        Self::DescribeNsm,
        Self::DescribePcr,
        Self::ExtendPcr,
        Self::LockPcr,
        Self::LockPcrs,
        Self::GetRandom,
        Self::Attestation,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::DescribeNsm => "DescribeNSM",
            Self::DescribePcr => "DescribePCR",
            Self::ExtendPcr => "ExtendPCR",
            Self::LockPcr => "LockPCR",
            Self::LockPcrs => "LockPCRs",
            Self::GetRandom => "GetRandom",
            Self::Attestation => "Attestation",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) fn of(request: &Request) -> Self {
        match request {
            Request::DescribeNSM => Self::DescribeNsm,
            Request::DescribePCR { .. } => Self::DescribePcr,
            Request::ExtendPCR { .. } => Self::ExtendPcr,
            Request::LockPCR { .. } => Self::LockPcr,
            Request::LockPCRs { .. } => Self::LockPcrs,
            Request::GetRandom => Self::GetRandom,
            Request::Attestation { .. } => Self::Attestation,
            _ => Self::Unknown,
        }
    }
}

impl FromStr for Operation {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        Self::ALL.into_iter().find(|operation| operation.name() == name).ok_or_else(|| {
            DeviceError::Operation {
                expected: Self::ALL.map(Self::name).join(", "),
                found: name.to_owned(),
            }
        })
    }
}
