//! AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce: the mode itself, over the block cipher, the
//! counter and the universal hash of their crates. It must never give out plaintext before the
//! tag was compared, and compares it in constant time.

use aes::Aes256;
use ctr::cipher::{BlockCipherEncrypt as _, InnerIvInit as _, KeyInit as _, StreamCipherCore as _};
use ghash::GHash;
use ghash::universal_hash::UniversalHash as _;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of a key (`Nk`).
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a nonce (`Nn`).
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes of a tag (`Nt`), which stands after the ciphertext.
pub(crate) const TAG_BYTES: usize = 16;

type Counter<'k> = ctr::CtrCore<&'k Aes256, ctr::flavors::Ctr32BE>;

/// A key, with what follows from it alone. Its parts wipe themselves when dropped.
pub(crate) struct Cipher {
    block: Aes256,
    hash: GHash,
}

impl Cipher {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        let block = Aes256::new(key.into());
        let mut hash_key = ghash::Key::default();
        block.encrypt_block(&mut hash_key);
        let hash = GHash::new(&hash_key);
        hash_key.zeroize();
        Self { block, hash }
    }

    /// Ciphertext and tag. A nonce must not come twice under one key.
    pub(crate) fn seal(&self, nonce: &[u8; NONCE_BYTES], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plaintext.len() + TAG_BYTES);
        sealed.extend_from_slice(plaintext);
        let (counter, mask) = self.counter(nonce);
        counter.apply_keystream_partial(sealed.as_mut_slice().into());
        let tag = self.tag(&mask, aad, &sealed);
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// The plaintext, or nothing when the tag is another.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (ciphertext, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_BYTES)?)?;
        let (counter, mask) = self.counter(nonce);
        if !bool::from(self.tag(&mask, aad, ciphertext).ct_eq(tag)) {
            return None;
        }
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        counter.apply_keystream_partial(plaintext.as_mut_slice().into());
        Some(plaintext)
    }

    /// The counter after its first block, and that block, which masks the tag (§7.1, steps 2, 3).
    fn counter(&self, nonce: &[u8; NONCE_BYTES]) -> (Counter<'_>, ghash::Block) {
        let mut first = ghash::Block::default();
        first[..NONCE_BYTES].copy_from_slice(nonce);
        first[15] = 1;
        let mut counter = Counter::inner_iv_init(&self.block, &first);
        let mut mask = ghash::Block::default();
        counter.write_keystream_block(&mut mask);
        (counter, mask)
    }

    /// GHASH over associated data, ciphertext and their lengths in bits, masked (§7.1, steps 4-6).
    fn tag(&self, mask: &ghash::Block, aad: &[u8], ciphertext: &[u8]) -> [u8; TAG_BYTES] {
        let mut hash = self.hash.clone();
        hash.update_padded(aad);
        hash.update_padded(ciphertext);
        let mut lengths = ghash::Block::default();
        lengths[..8].copy_from_slice(&(aad.len() as u64 * 8).to_be_bytes());
        lengths[8..].copy_from_slice(&(ciphertext.len() as u64 * 8).to_be_bytes());
        hash.update(&[lengths]);
        let sum = hash.finalize();
        std::array::from_fn(|place| sum[place] ^ mask[place])
    }
}
