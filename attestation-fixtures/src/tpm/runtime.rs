//! The runtime log (shared/attest/TPM.md, section 5) from parts: records as TLVs, events as CBOR
//! arrays, and the register that they lead to.

use super::{alg, sha256};
use cbor::Writer;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeRecord {
    /// Its number.
    pub number: u64,
    /// Its register.
    pub register: u8,
    /// Algorithm's low byte and digest.
    pub digests: Vec<(u8, Vec<u8>)>,
    /// Type of the content.
    pub kind: u8,
    /// The event's data.
    pub data: Vec<u8>,
}

/// A runtime log as a list of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeSpec {
    /// The records.
    pub records: Vec<RuntimeRecord>,
    /// Bytes after the last one.
    pub trailing: Vec<u8>,
}

impl RuntimeSpec {
    /// Sound records of these events in PCR14, with digests of the SHA-256 bank.
    pub fn new(events: Vec<Vec<u8>>) -> Self {
        let record = |(number, data): (usize, Vec<u8>)| RuntimeRecord {
            number: number as u64,
            register: 14,
            digests: vec![(alg::SHA256 as u8, sha256(&[&data]).to_vec())],
            kind: 0xc0,
            data,
        };
        Self { records: events.into_iter().enumerate().map(record).collect(), trailing: vec![] }
    }

    /// The encoded log.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for record in &self.records {
            let digests: Vec<u8> =
                record.digests.iter().flat_map(|(bank, one)| tlv(*bank, one)).collect();
            out.extend(tlv(0, &record.number.to_be_bytes()));
            out.extend(tlv(1, &[record.register]));
            out.extend(tlv(3, &digests));
            out.extend(tlv(record.kind, &record.data));
        }
        out.extend_from_slice(&self.trailing);
        out
    }

    /// The register of the SHA-256 bank after these records, from `start`.
    pub fn register(&self, start: [u8; 32]) -> [u8; 32] {
        let digests = self.records.iter().flat_map(|record| &record.digests);
        let of_bank = digests.filter(|(bank, _)| u16::from(*bank) == alg::SHA256);
        of_bank.fold(start, |register, (_, digest)| sha256(&[&register, digest]))
    }
}

/// The `worker` event.
pub fn worker_event(version: &str, sha256: &[u8; 32]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(5).text("worker").text("probity-worker").text(version).bytes(sha256).uint(1_234_567);
    w.finish()
}

/// The `boot-config` event.
pub fn boot_config_event(config: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(2).text("boot-config").bytes(config);
    w.finish()
}

/// The `authorities` event.
pub fn authorities_event(config: &rules::BootConfig) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(5).text("authorities");
    let sets = [
        (&config.authorities, config.threshold),
        (&config.freshness_keys, config.freshness_threshold),
    ];
    for (keys, threshold) in sets {
        w.array(keys.len());
        for key in keys {
            w.bytes(&key.to_bytes());
        }
        w.uint(threshold as u64);
    }
    w.finish()
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &(value.len() as u32).to_be_bytes(), value].concat()
}
