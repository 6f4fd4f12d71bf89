//! The one integration-test binary. Each module asks one kind of question of the whole.

mod enclave_link;
mod faults;
mod flow;
mod fuzz;
mod hostile;
mod tcb;
mod tidy;
mod vectors;
