//! Documents as the NSM writes them: an untagged COSE_Sign1 over a map of nine fields.

use crate::FixtureError;
use crate::pki::LeafChain;
use cbor::Writer;
use std::collections::BTreeMap;

/// What a document says; the chain adds who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSpec {
    /// The module's name.
    pub module_id: String,
    /// The hypervisor's clock, Unix milliseconds.
    pub timestamp_ms: u64,
    /// Locked registers.
    pub pcrs: BTreeMap<u8, Vec<u8>>,
    /// `None` is written as `null`.
    pub public_key: Option<Vec<u8>>,
    /// `None` is written as `null`.
    pub user_data: Option<Vec<u8>>,
    /// `None` is written as `null`.
    pub nonce: Option<Vec<u8>>,
    /// AWS wrote definite maps until 2025-04, indefinite since.
    pub indefinite: bool,
    /// Whether the registers are a NitroTPM's: `nitrotpm_pcrs` in place of `pcrs`.
    pub nitrotpm: bool,
}

impl DocumentSpec {
    /// A document of the chain's module with PCR0 to PCR15, all zero but 0, 1, 2 and 4.
    pub fn new(chain: &LeafChain, timestamp_ms: u64) -> Self {
        let mut pcrs: BTreeMap<u8, Vec<u8>> = (0..16).map(|index| (index, vec![0; 48])).collect();
        for index in [0, 1, 2, 4] {
            pcrs.insert(index, vec![0xa0 + index; 48]);
        }
        Self {
            module_id: chain.module_id.clone(),
            timestamp_ms,
            pcrs,
            public_key: None,
            user_data: None,
            nonce: None,
            indefinite: true,
            nitrotpm: false,
        }
    }

    /// Signs with ring; for the simulator, where time matters.
    pub fn sign(&self, chain: &LeafChain) -> Result<Vec<u8>, FixtureError> {
        let payload = self.payload(chain);
        let signature = chain.signer.sign_fast(&signed_bytes(&PROTECTED, &payload))?;
        Ok(envelope(&payload, &signature))
    }

    /// Signs with RFC 6979; the same bytes on every run.
    pub fn sign_deterministic(&self, chain: &LeafChain) -> Vec<u8> {
        let payload = self.payload(chain);
        let signature = chain.signer.sign_deterministic(&signed_bytes(&PROTECTED, &payload));
        envelope(&payload, &signature)
    }

    fn payload(&self, chain: &LeafChain) -> Vec<u8> {
        map_bytes(&self.fields(chain), self.indefinite)
    }

    /// The fields in AWS's order, each with its encoded value.
    pub(crate) fn fields(&self, chain: &LeafChain) -> Vec<(Vec<u8>, Vec<u8>)> {
        let item = |fill: &dyn Fn(&mut Writer)| {
            let mut writer = Writer::new();
            fill(&mut writer);
            writer.finish()
        };
        let optional = |value: &Option<Vec<u8>>| {
            item(&|writer| {
                match value {
                    Some(bytes) => writer.bytes(bytes),
                    None => writer.null(),
                };
            })
        };
        let pcrs = item(&|writer| {
            writer.map(self.pcrs.len());
            for (index, value) in &self.pcrs {
                writer.uint(u64::from(*index)).bytes(value);
            }
        });
        let cabundle = item(&|writer| {
            writer.array(chain.cabundle.len());
            for der in &chain.cabundle {
                writer.bytes(der);
            }
        });
        [
            ("module_id", text_item(&self.module_id)),
            ("digest", text_item("SHA384")),
            ("timestamp", uint_item(self.timestamp_ms)),
            (if self.nitrotpm { "nitrotpm_pcrs" } else { "pcrs" }, pcrs),
            ("certificate", bytes_item(&chain.certificate)),
            ("cabundle", cabundle),
            ("public_key", optional(&self.public_key)),
            ("user_data", optional(&self.user_data)),
            ("nonce", optional(&self.nonce)),
        ]
        .map(|(key, value)| (text_item(key), value))
        .to_vec()
    }
}

/// A map of encoded keys and values, in the order given.
pub(crate) fn map_bytes(fields: &[(Vec<u8>, Vec<u8>)], indefinite: bool) -> Vec<u8> {
    let mut writer = Writer::new();
    if indefinite {
        writer.raw(&[0xbf]);
    } else {
        writer.map(fields.len());
    }
    for (key, value) in fields {
        writer.raw(key).raw(value);
    }
    if indefinite {
        writer.raw(&[0xff]);
    }
    writer.finish()
}

/// The COSE Sig_structure.
pub(crate) fn signed_bytes(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(payload.len() + 32);
    writer.array(4).text("Signature1").bytes(protected).bytes(&[]).bytes(payload);
    writer.finish()
}

fn envelope(payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(payload.len() + 128);
    writer.array(4).bytes(&PROTECTED).map(0).bytes(payload).bytes(signature);
    writer.finish()
}

pub(crate) fn text_item(text: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.text(text);
    writer.finish()
}

pub(crate) fn uint_item(value: u64) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.uint(value);
    writer.finish()
}

pub(crate) fn bytes_item(bytes: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.bytes(bytes);
    writer.finish()
}

/// {1: -35}, ES384.
pub(crate) const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];
