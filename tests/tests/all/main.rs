//! The one integration-test binary. Each module asks one kind of question of the whole.

mod audit;
mod cli_verify;
mod conformance;
mod content;
mod determinism;
mod enclave_link;
mod enclave_rules;
mod faults;
mod flow;
mod foreign;
mod fuzz;
mod hostile;
mod readme;
mod receipts;
mod sealed;
mod sealed_host;
mod security;
mod tcb;
mod tidy;
mod vectors;
