//! Policies: the frozen vector, every refusal by its number, hostile bytes.

mod alone;
mod bytes;
mod envelope;
mod format_2;
mod format_3;
mod limits;
mod rules;
mod signatures;
mod support;
