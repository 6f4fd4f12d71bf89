//! A bundle's envelope (FORMAT.md §7): who signed it, and adding a signature to those that stand
//! there. It must never change the payload.

use anyhow::Context as _;
use cbor::{CborError, Reader, Writer};
use crypto::SigningKey;
use crypto::cose::{LABEL_ALG, LABEL_KID, TAG_SIGN};
use rules::{Bundle, KEYS_MAX};

/// An envelope, taken apart.
pub(crate) struct Envelope {
    body: Vec<u8>,
    payload: Vec<u8>,
    /// Key, protected bytes, signature.
    signatures: Vec<([u8; 32], Vec<u8>, Vec<u8>)>,
}

impl Envelope {
    /// Reads an envelope without checking any signature.
    pub(crate) fn parse_unverified(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.tag()?;
        r.array_of("COSE_Sign", 4)?;
        let body = r.bytes()?.to_vec();
        r.map_of("unprotected header", 0)?;
        let payload = r.bytes()?.to_vec();
        let signatures = r.entries("signatures", KEYS_MAX, |r| {
            r.array_of("COSE_Signature", 3)?;
            let protected = r.bytes()?;
            r.map_of("unprotected header", 0)?;
            Ok((key_of(protected)?, protected.to_vec(), r.bytes()?.to_vec()))
        })?;
        r.end()?;
        Ok(Envelope { body, payload, signatures })
    }

    /// The keys that it names.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.signatures.iter().map(|(key, ..)| key)
    }

    /// Adds signatures over the same payload; one by the same key replaces the earlier.
    pub(crate) fn sign(&mut self, bundle: &Bundle, keys: &[SigningKey]) -> anyhow::Result<()> {
        let signed = rules::sign_bundle(bundle, keys)?;
        let new = Envelope::parse_unverified(&signed).context("our own envelope")?;
        anyhow::ensure!(new.payload == self.payload, "the bundle is not in canonical form");
        let is_old = |key: &[u8; 32]| new.keys().any(|known| known == key);
        self.signatures.retain(|(key, ..)| !is_old(key));
        self.signatures.extend(new.signatures);
        self.signatures.sort_unstable();
        Ok(())
    }

    /// The bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(self.payload.len() + 256);
        w.tag(TAG_SIGN).array(4).bytes(&self.body).map(0).bytes(&self.payload);
        w.array(self.signatures.len());
        for (_, protected, signature) in &self.signatures {
            w.array(3).bytes(protected).map(0).bytes(signature);
        }
        w.finish()
    }
}

fn key_of(protected: &[u8]) -> Result<[u8; 32], CborError> {
    let mut r = Reader::new(protected);
    r.map_of("signer's header", 2)?;
    r.key(LABEL_ALG)?;
    r.int()?;
    r.key(LABEL_KID)?;
    r.array_bytes("key")
}
