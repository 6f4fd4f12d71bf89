//! The simulated attestation device: a clock, registers and documents under the test root.

use attestation_fixtures::{DocumentSpec, LeafChain, TestPki};
use enclave::{Platform, PlatformError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A leaf is replaced this long before it ends, in milliseconds.
const RENEW_BEFORE_MS: u64 = 15 * 60 * 1000;
/// Registers that a document carries even when nothing was extended into them.
const REGISTERS: u8 = 16;

/// The device: a clock, a latency, registers.
pub struct Simulated {
    pki: TestPki,
    latency: Duration,
    clock_offset_ms: i64,
    debug_mode: bool,
    chain: Mutex<Option<Arc<LeafChain>>>,
    extended: Mutex<BTreeMap<u16, [u8; 48]>>,
}

impl Simulated {
    /// A device whose quotes take `latency` and whose clock is shifted.
    pub fn new(latency: Duration, clock_offset_ms: i64, debug_mode: bool) -> Self {
        let pki = TestPki::published();
        let (chain, extended) = (Mutex::new(None), Mutex::new(BTreeMap::new()));
        Self { pki, latency, clock_offset_ms, debug_mode, chain, extended }
    }

    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        now.saturating_add_signed(self.clock_offset_ms)
    }

    /// The leaf that signs at `now_ms`, renewed before it ends.
    fn chain(&self, now_ms: u64) -> Arc<LeafChain> {
        let mut held = self.chain.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*held {
            Some(chain) if now_ms + RENEW_BEFORE_MS < chain.not_after_ms => chain.clone(),
            _ => held.insert(Arc::new(self.pki.issue(now_ms))).clone(),
        }
    }

    fn registers(&self) -> BTreeMap<u8, Vec<u8>> {
        let mut registers: BTreeMap<u8, Vec<u8>> =
            (0..REGISTERS).map(|index| (index, vec![0; 48])).collect();
        if !self.debug_mode {
            for (index, value) in image() {
                registers.insert(index, value.to_vec());
            }
        }
        let extended = self.extended.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (index, value) in &*extended {
            registers.insert(u8::try_from(*index).unwrap_or(u8::MAX), value.to_vec());
        }
        registers
    }
}

impl Platform for Simulated {
    fn attest(
        &self,
        user_data: &[u8],
        public_key: &[u8],
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, PlatformError> {
        std::thread::sleep(self.latency);
        let now_ms = self.now_ms();
        let chain = self.chain(now_ms);
        let mut spec = DocumentSpec::new(&chain, now_ms);
        spec.pcrs = self.registers();
        spec.user_data = Some(user_data.to_vec());
        spec.public_key = Some(public_key.to_vec());
        spec.nonce = nonce.map(<[u8]>::to_vec);
        spec.sign(&chain).map_err(|error| PlatformError::Refused {
            request: "Attestation",
            problem: error.to_string(),
        })
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        use std::io::Read;
        let refused = |error: std::io::Error| PlatformError::Refused {
            request: "GetRandom",
            problem: error.to_string(),
        };
        let mut source = std::fs::File::open("/dev/urandom").map_err(refused)?;
        source.read_exact(out).map_err(refused)
    }

    fn extend_and_lock(&self, index: u16, data: &[u8]) -> Result<(), PlatformError> {
        let mut extended = self.extended.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if extended.contains_key(&index) {
            return Err(PlatformError::RegisterLocked);
        }
        extended.insert(index, crypto::sha384(&[&[0; 48], data]));
        Ok(())
    }
}

/// PCR0, 1 and 2 of the simulated image: digests of its name, since it has no image.
pub fn image() -> [(u8, [u8; 48]); 3] {
    [0, 1, 2].map(|index| {
        (index, crypto::sha384(&[format!("probity simulator, PCR{index}").as_bytes()]))
    })
}

/// The reference values of the simulated image, as JSON.
pub fn measurements() -> String {
    let lines =
        image().map(|(index, value)| format!("  \"pcr{index}\": \"{}\"", crypto::to_hex(&value)));
    format!("{{\n  \"release\": \"simulator\",\n{}\n}}", lines.join(",\n"))
}
