//! Signed bundles, freshness and boot configurations from outside: what is honest goes through
//! unchanged, everything else is refused for its own reason.

mod boot;
mod bundles;
mod freshness;
mod selection;
mod signatures;
mod support;
