//! TPM quotes and event logs: the forge's cases, quotes signed here, published ones, and bytes
//! that were changed at random.

// A test may stop at the first surprise.
#![allow(clippy::unwrap_used)]

mod algorithms;
mod firmware;
mod forged;
mod limits;
mod logs;
mod maker;
mod mutants;
mod notes;
mod quotes;
mod real;
mod runtime;
mod separators;
mod trust;
mod vector;
