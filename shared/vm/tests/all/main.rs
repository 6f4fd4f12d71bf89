//! The rule runner from outside: the rules we ship at their boundaries, modules that mean harm,
//! and the same bytes every time. It must never reach a fault by a way that a signed bundle
//! could not take.

mod determinism;
mod faults;
mod kept;
mod mutations;
mod packs;
mod refusals;
mod results;
mod support;
