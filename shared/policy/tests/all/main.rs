//! Policies: the frozen vector, every refusal by its number, hostile bytes.

mod bytes;
mod format_2;
mod limits;
mod rules;
mod signatures;
mod support;
