//! Policies: the frozen vector, every refusal by its number, hostile bytes.

mod bytes;
mod rules;
mod signatures;
mod support;
