//! The enclave library on a host with a TPM: one confined process, started by `probity-tpm run`
//! with the socket that it serves and the link to the TPM's owner. It must never serve unless it
//! has lost root, every capability and all system calls but those on the list, open a socket of its
//! own, or write a word of a request to standard error.
//!
//! The order is [`Sockets::close_others`], [`Sockets::take`], [`isolate`], which starts the program
//! again; then both again, [`confine`], and [`QuoteLink::start`], the first thread.

mod arguments;
mod clock;
mod confine;
mod isolate;
mod link;
mod namespaces;
mod platform;
mod sockets;
mod status;

pub use arguments::Arguments;
pub use confine::{Held, confine, lock_pages};
pub use isolate::isolate;
pub use link::QuoteLink;
pub use platform::Tpm;
pub use sockets::Sockets;

use std::io::Write;

/// Why the worker does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// It was not started as its other half starts it.
    #[error(
        "{0}; it is started by `probity-tpm run`, with the listening Unix socket as standard \
         input and the quote link as standard output"
    )]
    NotStarted(&'static str),
    /// An argument is none, or has no such value.
    #[error("argument {found:?}: expected {expected}")]
    Argument {
        /// What was given.
        found: String,
        /// What may be given.
        expected: &'static str,
    },
    /// The kernel refused a step without which it does not serve.
    #[error("{step} failed: {problem}")]
    Step {
        /// What was tried.
        step: &'static str,
        /// The kernel's answer.
        problem: String,
    },
    /// A limit, the user or the filter of system calls was refused.
    #[error(transparent)]
    Init(#[from] init::InitError),
    /// What must hold does not.
    #[error("{item} does not hold: {problem}; it does not serve without it")]
    NotHeld {
        /// What must hold.
        item: &'static str,
        /// What was found.
        problem: String,
    },
}

/// A line for operators, on standard error. Nothing that a caller sent may be in it.
pub fn say(line: &str) {
    // Nobody has to listen: a closed standard error ends nothing.
    let _ = writeln!(std::io::stderr(), "probity-worker: {line}");
}

/// Names the step that failed.
fn failed<E: std::fmt::Display>(step: &'static str) -> impl FnOnce(E) -> WorkerError {
    move |problem| WorkerError::Step { step, problem: problem.to_string() }
}
