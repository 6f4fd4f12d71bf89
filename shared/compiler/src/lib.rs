//! From a rule pack's text to a Wasm module, and a reference interpreter of the same typed program
//! (LANGUAGE.md). Text comes in, bytes go out: it must never read a file, a clock or a random
//! number, and the same source must give the same bytes on every machine.

pub mod data;
pub mod draft;
mod error;
pub(crate) mod fold;
pub mod front;
pub mod interpret;
pub mod pack;
pub mod typed;
pub mod wasm;
pub mod yaml;

pub use error::{CompileError, ErrorKind};
pub use fold::fold;
pub use front::did_you_mean;
