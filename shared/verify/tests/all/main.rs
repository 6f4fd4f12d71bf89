//! The verifiers on forged worlds: every refusal by its number, under a test root.

mod audit;
mod edges;
mod example;
mod hits;
mod kinds;
mod mutants;
mod set;
mod signers;
mod support;
mod time;
mod tpm_keys;
mod view;
mod warm;
mod witnesses;
mod worker;
