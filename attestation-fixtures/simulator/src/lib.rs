//! A simulated attestation device: the same trait as the Nitro Secure Module, real COSE documents,
//! another root. The binary `probity-simulator` serves the enclave library on it; tests and
//! benches use it in process.

mod platform;

pub use platform::{Simulated, image, measurements};
