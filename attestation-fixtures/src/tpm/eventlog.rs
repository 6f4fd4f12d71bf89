//! The crypto-agile measured-boot log (TCG PC Client Platform Firmware Profile, 10), written from
//! parts, and the registers that it leads to.

use super::{alg, sha256};
use std::collections::BTreeMap;

/// Event types (PC Client PFP, 10.4.1).
pub mod event_type {
    /// Not extended.
    pub const NO_ACTION: u32 = 0x03;
    /// Ends a phase.
    pub const SEPARATOR: u32 = 0x04;
    /// Version of the root of trust.
    pub const S_CRTM_VERSION: u32 = 0x08;
    /// A loader's measurement.
    pub const IPL: u32 = 0x0d;
    /// A variable that configures drivers.
    pub const EFI_VARIABLE_DRIVER_CONFIG: u32 = 0x8000_0001;
    /// A boot variable.
    pub const EFI_VARIABLE_BOOT: u32 = 0x8000_0002;
    /// A loaded application.
    pub const EFI_BOOT_SERVICES_APPLICATION: u32 = 0x8000_0003;
    /// The partition table.
    pub const EFI_GPT_EVENT: u32 = 0x8000_0006;
    /// A spoken action.
    pub const EFI_ACTION: u32 = 0x8000_0007;
    /// A firmware volume.
    pub const EFI_PLATFORM_FIRMWARE_BLOB: u32 = 0x8000_0008;
    /// The entry of a signature database that allowed an application.
    pub const EFI_VARIABLE_AUTHORITY: u32 = 0x8000_00e0;
}

/// One TCG_PCR_EVENT2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Register.
    pub pcr: u32,
    /// Type.
    pub kind: u32,
    /// Digests, one a bank.
    pub digests: Vec<(u16, Vec<u8>)>,
    /// Event data.
    pub data: Vec<u8>,
    /// Declared length of the data, where it lies.
    pub declared: Option<u32>,
}

impl Event {
    /// An event whose digest is over its data.
    pub fn new(pcr: u32, kind: u32, data: &[u8]) -> Self {
        Self::measured(pcr, kind, data, data)
    }

    /// An event whose digest is over something else, such as a loaded image.
    pub fn measured(pcr: u32, kind: u32, data: &[u8], content: &[u8]) -> Self {
        let digests = vec![(alg::SHA256, sha256(&[content]).to_vec())];
        Self { pcr, kind, digests, data: data.to_vec(), declared: None }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.pcr.to_le_bytes().to_vec();
        out.extend(self.kind.to_le_bytes());
        out.extend((self.digests.len() as u32).to_le_bytes());
        for (alg, digest) in &self.digests {
            out.extend(alg.to_le_bytes());
            out.extend_from_slice(digest);
        }
        out.extend(self.declared.unwrap_or(self.data.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.data);
        out
    }
}

/// A log as a list of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSpec {
    /// Signature of the first event.
    pub signature: [u8; 16],
    /// Algorithms and digest sizes that the first event declares.
    pub algorithms: Vec<(u16, u16)>,
    /// How many it says it declares, where it lies.
    pub algorithm_count: Option<u32>,
    /// The first event's type.
    pub header_kind: u32,
    /// Bytes of vendor information.
    pub vendor: Vec<u8>,
    /// Whether the first event is there.
    pub header: bool,
    /// The other events.
    pub events: Vec<Event>,
    /// Bytes after the last event.
    pub trailing: Vec<u8>,
}

impl LogSpec {
    /// A log with one bank, SHA-256.
    pub fn new(events: Vec<Event>) -> Self {
        Self {
            signature: *b"Spec ID Event03\0",
            algorithms: vec![(alg::SHA256, 32)],
            algorithm_count: None,
            header_kind: event_type::NO_ACTION,
            vendor: Vec::new(),
            header: true,
            events,
            trailing: Vec::new(),
        }
    }

    /// The encoded log.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.header {
            let mut data = self.signature.to_vec();
            // platformClass client; minor 0, major 2, errata 0; uintnSize 2.
            data.extend([0, 0, 0, 0, 0, 2, 0, 2]);
            let count = self.algorithm_count.unwrap_or(self.algorithms.len() as u32);
            data.extend(count.to_le_bytes());
            for (alg, size) in &self.algorithms {
                data.extend(alg.to_le_bytes());
                data.extend(size.to_le_bytes());
            }
            data.push(self.vendor.len() as u8);
            data.extend_from_slice(&self.vendor);
            out.extend(0_u32.to_le_bytes());
            out.extend(self.header_kind.to_le_bytes());
            out.extend([0; 20]);
            out.extend((data.len() as u32).to_le_bytes());
            out.extend(data);
        }
        self.events.iter().for_each(|event| out.extend(event.to_bytes()));
        out.extend_from_slice(&self.trailing);
        out
    }

    /// The registers of the SHA-256 bank after these events.
    pub fn registers(&self) -> BTreeMap<u8, [u8; 32]> {
        let mut pcrs = BTreeMap::new();
        let locality = self.events.iter().find_map(|e| e.data.strip_prefix(b"StartupLocality\0"));
        if let Some([locality]) = locality
            && *locality > 0
        {
            // The TPM itself writes it into PCR0 at startup.
            let mut first = [0; 32];
            first[31] = *locality;
            pcrs.insert(0, first);
        }
        for event in self.events.iter().filter(|event| event.kind != event_type::NO_ACTION) {
            let value = pcrs.entry(event.pcr as u8).or_insert([0; 32]);
            for (alg, digest) in &event.digests {
                if *alg == alg::SHA256 {
                    *value = sha256(&[&value[..], digest]);
                }
            }
        }
        pcrs
    }
}
