//! A quote as a list of parts, and the evidence map around it.

use super::ak::{AkKey, PublicSpec};
use super::{alg, sha256, sized};
use crate::document::{bytes_item, uint_item};
use cbor::Writer;
use std::collections::BTreeMap;

/// One TPMS_PCR_SELECTION.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Hash algorithm of the bank.
    pub bank: u16,
    /// Declared number of bytes.
    pub size: u8,
    /// The bits, lowest PCR first.
    pub bits: Vec<u8>,
}

impl Selection {
    /// Three bytes with these registers.
    pub fn of(bank: u16, registers: impl IntoIterator<Item = u8>) -> Self {
        let mut bits = vec![0; 3];
        registers.into_iter().for_each(|index| bits[usize::from(index / 8)] |= 1 << (index % 8));
        Self { bank, size: 3, bits }
    }

    fn to_bytes(&self) -> Vec<u8> {
        [&self.bank.to_be_bytes()[..], &[self.size], &self.bits].concat()
    }
}

/// A change to the encoded evidence map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapTamper {
    /// Other bytes in place of the map's head.
    Head(Vec<u8>),
    /// Another encoded value under a key.
    Value(u64, Vec<u8>),
    /// A key left out; the head still counts it unless changed.
    Remove(u64),
    /// A key written twice.
    Repeat(u64),
    /// Two neighbouring keys exchanged.
    Swap(u64, u64),
    /// Bytes after the map.
    Trailing(Vec<u8>),
}

/// Everything that evidence is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteSpec {
    /// TPM_GENERATED.
    pub magic: u32,
    /// TPMI_ST_ATTEST.
    pub kind: u16,
    /// Qualified name of the signer.
    pub qualified_signer: Vec<u8>,
    /// extraData.
    pub extra: Vec<u8>,
    /// Milliseconds.
    pub clock: u64,
    /// TPM resets.
    pub reset_count: u32,
    /// TPM restarts.
    pub restart_count: u32,
    /// 1 is safe.
    pub safe: u8,
    /// firmwareVersion.
    pub firmware: u64,
    /// Selected banks.
    pub selections: Vec<Selection>,
    /// pcrDigest; computed from `pcrs` where absent.
    pub pcr_digest: Option<Vec<u8>>,
    /// Bytes after TPMS_ATTEST, under the signature.
    pub attest_trailing: Vec<u8>,
    /// The signing key.
    pub key: AkKey,
    /// Its public area.
    pub public: PublicSpec,
    /// Signature algorithm as labelled.
    pub signature_alg: u16,
    /// Signature's hash as labelled.
    pub signature_hash: u16,
    /// Hash that is really signed with.
    pub signed_hash: u16,
    /// Another signature.
    pub signature: Option<Vec<u8>>,
    /// Bytes after TPMT_SIGNATURE.
    pub signature_trailing: Vec<u8>,
    /// Registers as shown.
    pub pcrs: Vec<(u64, Vec<u8>)>,
    /// user_data as shown.
    pub user_data: Vec<u8>,
    /// Key set as shown.
    pub key_set: Vec<u8>,
    /// Nonce as shown.
    pub nonce: Option<Vec<u8>>,
    /// AK certificate chain, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The runtime log, which makes this version 2.
    pub runtime_log: Option<Vec<u8>>,
    /// Changes to the map.
    pub map: Vec<MapTamper>,
}

/// The parts of evidence as verifiers of TPM quotes take them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteFiles {
    /// TPMS_ATTEST.
    pub attest: Vec<u8>,
    /// TPMT_SIGNATURE.
    pub signature: Vec<u8>,
    /// TPMT_PUBLIC.
    pub public: Vec<u8>,
}

impl QuoteSpec {
    /// A sound quote over these registers of the SHA-256 bank.
    pub fn new(
        key: AkKey,
        pcrs: &BTreeMap<u8, [u8; 32]>,
        user_data: &[u8],
        key_set: &[u8],
        nonce: Option<&[u8]>,
    ) -> Self {
        let public = PublicSpec::of(key);
        let parent = [&alg::SHA256.to_be_bytes()[..], &sha256(&[b"test storage root"])].concat();
        let qualified = sha256(&[&parent, &public.name()]);
        Self {
            magic: 0xff54_4347,
            kind: 0x8018,
            qualified_signer: [&alg::SHA256.to_be_bytes()[..], &qualified].concat(),
            extra: binding(nonce, user_data, key_set).to_vec(),
            clock: 86_400_000,
            reset_count: 7,
            restart_count: 2,
            safe: 1,
            firmware: 0x0001_0002_0003_0004,
            selections: vec![Selection::of(alg::SHA256, pcrs.keys().copied())],
            pcr_digest: None,
            attest_trailing: Vec::new(),
            key,
            signature_alg: public.scheme,
            signature_hash: alg::SHA256,
            signed_hash: alg::SHA256,
            public,
            signature: None,
            signature_trailing: Vec::new(),
            pcrs: pcrs.iter().map(|(i, value)| (u64::from(*i), value.to_vec())).collect(),
            user_data: user_data.to_vec(),
            key_set: key_set.to_vec(),
            nonce: nonce.map(<[u8]>::to_vec),
            chain: Vec::new(),
            runtime_log: None,
            map: Vec::new(),
        }
    }

    /// TPMS_ATTEST (part 2, 10.12.12).
    pub fn attest(&self) -> Vec<u8> {
        let mut out = self.magic.to_be_bytes().to_vec();
        out.extend(self.kind.to_be_bytes());
        out.extend(sized(&self.qualified_signer));
        out.extend(sized(&self.extra));
        out.extend(self.clock.to_be_bytes());
        out.extend(self.reset_count.to_be_bytes());
        out.extend(self.restart_count.to_be_bytes());
        out.push(self.safe);
        out.extend(self.firmware.to_be_bytes());
        out.extend((self.selections.len() as u32).to_be_bytes());
        self.selections.iter().for_each(|selection| out.extend(selection.to_bytes()));
        let values: Vec<&[u8]> = self.pcrs.iter().map(|(_, value)| &value[..]).collect();
        let digest = self.pcr_digest.clone().unwrap_or_else(|| sha256(&values).to_vec());
        out.extend(sized(&digest));
        out.extend_from_slice(&self.attest_trailing);
        out
    }

    /// The three structures.
    pub fn files(&self) -> QuoteFiles {
        let attest = self.attest();
        let made = || self.key.sign(self.signed_hash, &attest);
        let raw = self.signature.clone().unwrap_or_else(made);
        let mut signature = self.signature_alg.to_be_bytes().to_vec();
        signature.extend(self.signature_hash.to_be_bytes());
        if matches!(self.key, AkKey::P256(_)) {
            let (r, s) = raw.split_at(raw.len() / 2);
            signature.extend([sized(r), sized(s)].concat());
        } else {
            signature.extend(sized(&raw));
        }
        signature.extend_from_slice(&self.signature_trailing);
        QuoteFiles { attest, signature, public: self.public.to_bytes() }
    }

    /// The evidence map.
    pub fn evidence(&self) -> Vec<u8> {
        let files = self.files();
        let mut entries = vec![
            (1, uint_item(1)),
            (2, bytes_item(&files.attest)),
            (3, bytes_item(&files.signature)),
            (4, bytes_item(&files.public)),
            (5, pcr_item(&self.pcrs)),
            (6, bytes_item(&self.user_data)),
            (7, bytes_item(&self.key_set)),
            (8, self.nonce.as_ref().map_or(vec![0xf6], |nonce| bytes_item(nonce))),
            (9, chain_item(&self.chain)),
        ];
        let (mut head, mut trailing) = (vec![0xa9], Vec::new());
        if let Some(log) = &self.runtime_log {
            entries[0].1 = uint_item(2);
            entries.push((10, bytes_item(log)));
            head = vec![0xaa];
        }
        for tamper in &self.map {
            match tamper {
                MapTamper::Head(bytes) => head.clone_from(bytes),
                MapTamper::Trailing(bytes) => trailing.clone_from(bytes),
                MapTamper::Value(key, value) => {
                    let entry = entries.iter_mut().find(|(one, _)| one == key);
                    entry.expect("a key of the map").1.clone_from(value);
                }
                MapTamper::Remove(key) => entries.retain(|(one, _)| one != key),
                MapTamper::Repeat(key) => {
                    let at = entries.iter().position(|(one, _)| one == key).unwrap_or(0);
                    entries.insert(at, entries[at].clone());
                }
                MapTamper::Swap(a, b) => {
                    let at = |key: &u64| entries.iter().position(|(one, _)| one == key);
                    if let (Some(a), Some(b)) = (at(a), at(b)) {
                        entries.swap(a, b);
                    }
                }
            }
        }
        let mut out = head;
        for (key, value) in entries {
            out.extend(uint_item(key));
            out.extend(value);
        }
        out.extend(trailing);
        out
    }
}

/// `[[index, value]...]`.
fn pcr_item(pcrs: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(pcrs.len());
    for (index, value) in pcrs {
        writer.array(2).uint(*index).bytes(value);
    }
    writer.finish()
}

/// `[certificate...]`.
fn chain_item(chain: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(chain.len());
    for der in chain {
        writer.bytes(der);
    }
    writer.finish()
}

/// extraData: tag and three length-prefixed parts, a missing nonce being empty.
pub(crate) fn binding(nonce: Option<&[u8]>, user_data: &[u8], key_set: &[u8]) -> [u8; 32] {
    let nonce = nonce.unwrap_or_default();
    sha256(&[b"probity/v1/tpm-quote\0", &sized(nonce), &sized(user_data), &sized(key_set)])
}
