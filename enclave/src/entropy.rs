//! Secret bytes. The device's entropy and the kernel's are mixed once at boot, so that neither
//! alone decides a key; no key exists before both have answered. Salts and identifiers come from a
//! stream keyed by the mixture.

use crate::{Platform, PlatformError};
use crypto::{Domain, SigningKey, digest};
use seal::RecipientKey;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Entropy taken from each source, in bytes.
const SOURCE_BYTES: usize = 64;

/// A keyed stream of 32-byte values that never repeats one.
pub(crate) struct Entropy {
    key: Zeroizing<[u8; 32]>,
    counter: AtomicU64,
}

impl Entropy {
    /// Mixes the device's entropy with the kernel's.
    pub(crate) fn gather(platform: &dyn Platform) -> Result<Self, PlatformError> {
        let mut device = Zeroizing::new([0; SOURCE_BYTES]);
        platform.random(&mut *device)?;
        let mut kernel = Zeroizing::new([0; SOURCE_BYTES]);
        // Not urandom: this waits until the kernel's generator is seeded, by the device's driver
        // or, failing that, by the kernel's own timing. The device itself was asked above.
        let source = std::fs::File::open("/dev/random");
        let read = source.and_then(|mut source| source.read_exact(&mut *kernel));
        let refused = |problem| PlatformError::Refused { request: "kernel entropy", problem };
        read.map_err(|e| refused(e.to_string()))?;
        let key = Zeroizing::new(digest(Domain::KeySeed, &[&*device, &*kernel]).0);
        Ok(Self { key, counter: AtomicU64::new(0) })
    }

    /// The next 32 bytes.
    pub(crate) fn next(&self) -> [u8; 32] {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        digest(Domain::Random, &[&*self.key, &count.to_be_bytes()]).0
    }

    /// A signing key that exists nowhere else. The stream moves on to a key of its own, from which
    /// the signing key cannot be made again.
    pub(crate) fn signing_key(&mut self) -> SigningKey {
        SigningKey::from_seed(&self.seed())
    }

    /// The key that requests are sealed to, born as the signing key is.
    pub(crate) fn recipient_key(&mut self) -> RecipientKey {
        RecipientKey::derive(&self.seed())
    }

    /// 32 bytes that the stream cannot give again.
    fn seed(&mut self) -> Zeroizing<[u8; 32]> {
        let seed = Zeroizing::new(self.next());
        self.key = Zeroizing::new(self.next());
        seed
    }

    /// A random identifier.
    pub(crate) fn identifier(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&self.next()[..16]);
        id
    }
}
