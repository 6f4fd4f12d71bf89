//! The verifiers on forged worlds: every refusal by its number, under a test root.

mod example;
mod kinds;
mod mutants;
mod set;
mod signers;
mod support;
mod time;
mod warm;
mod witnesses;
