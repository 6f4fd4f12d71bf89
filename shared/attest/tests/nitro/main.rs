//! Nitro verification against the forge's corpus, against real documents, and byte by byte.

// A test may stop at the first surprise.
#![allow(clippy::unwrap_used)]

mod bytes;
mod cache;
mod edges;
mod forged;
mod instance;
mod real;
mod words;
