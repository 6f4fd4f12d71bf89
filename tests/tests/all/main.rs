//! The one integration-test binary. Each module asks one kind of question of the whole.

mod audit;
mod cli_verify;
mod confined;
mod conformance;
mod content;
mod determinism;
mod enclave_command;
mod enclave_command_faults;
mod enclave_command_policy;
mod enclave_link;
mod enclave_rules;
mod faults;
mod flow;
mod foreign;
mod fuzz;
mod hostile;
mod image;
mod image_table;
mod readme;
mod receipts;
mod sealed;
mod sealed_host;
mod security;
mod tcb;
mod tidy;
mod vectors;
