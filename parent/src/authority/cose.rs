//! A bundle's envelope (FORMAT.md §7): who signed it, and adding a signature to those that stand
//! there. It must never change the payload.

use anyhow::Context as _;
use cbor::CborError;
use crypto::cose::{CoseSign, read_sign, signer_key, write_sign};
use crypto::{Signature, SigningKey};
use rules::{Bundle, KEYS_MAX};
use std::collections::BTreeMap;

/// An envelope, taken apart.
pub(crate) struct Envelope<'a> {
    opened: CoseSign<'a>,
    signatures: BTreeMap<[u8; 32], Signature>,
}

impl<'a> Envelope<'a> {
    /// Reads an envelope without checking any signature.
    pub(crate) fn parse_unverified(bytes: &'a [u8]) -> Result<Self, CborError> {
        let opened = read_sign(bytes, KEYS_MAX)?;
        let signature = |(header, signature): &(&[u8], Signature)| {
            signer_key(header).map(|key| (key, *signature))
        };
        let signatures = opened.signatures.iter().map(signature).collect::<Result<_, _>>()?;
        Ok(Envelope { opened, signatures })
    }

    /// The keys that it names.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.signatures.keys()
    }

    /// Adds signatures over the same payload; one by the same key replaces the earlier.
    pub(crate) fn sign(&mut self, bundle: &Bundle, keys: &[SigningKey]) -> anyhow::Result<()> {
        let signed = rules::sign_bundle(bundle, keys)?;
        let new = Envelope::parse_unverified(&signed).context("our own envelope")?;
        let same = new.opened.payload == self.opened.payload;
        anyhow::ensure!(same, "the bundle is not in canonical form");
        self.signatures.extend(new.signatures);
        Ok(())
    }

    /// The bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        write_sign(self.opened.body, self.opened.payload, &self.signatures)
    }
}
