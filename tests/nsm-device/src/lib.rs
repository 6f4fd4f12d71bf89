//! A Nitro Secure Module for QEMU: a vhost-user device (virtio id 33) that the kernel's own `nsm`
//! driver binds to, so that the image that runs on EC2 runs here unchanged.
//!
//! It signs under the **test root**, whose private key is published: the fake is the hardware,
//! never a path in our code. It must never be linked by the enclave, the parent or a verifier.
//! Whatever bytes and rings a guest hands over, it answers or ignores them; it never panics.

// A test may stop at the first surprise.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod device;
mod module;
mod operation;
mod ring;

#[cfg(test)]
mod tests;

pub use device::serve;
pub use module::{Answer, Identity, Module, Setup};
pub use operation::Operation;
pub use ring::Ring;

/// Why the device cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The socket cannot be listened on.
    #[error("expected to listen on {socket}, found: {problem}")]
    Socket {
        /// Its path.
        socket: String,
        /// What the system said.
        problem: String,
    },
    /// The log cannot be written.
    #[error("expected to append to the log, found: {0}")]
    Log(std::io::Error),
    /// The vhost-user library failed.
    #[error("vhost-user: {0}")]
    Vhost(String),
    /// The name is no operation of the NSM.
    #[error("expected one of {expected}, found {found:?}")]
    Operation {
        /// The names.
        expected: String,
        /// What was given.
        found: String,
    },
}
