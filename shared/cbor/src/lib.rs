//! Strict CBOR (RFC 8949): one small reader and one small writer for every format of Probity.
//!
//! The writer emits deterministic encoding (RFC 8949 §4.2.1) as long as its caller gives map keys
//! in order. The reader takes minimal heads only, refuses chunked strings, floats and trailing
//! bytes, bounds nesting and item count, and never allocates from a declared length: everything
//! it returns borrows from the input. It must never grow a convenience that accepts two
//! encodings of one value, because hashes are taken over these bytes.

mod read;
mod write;

pub use read::{Form, Map, Reader};
pub use write::Writer;

/// Deepest nesting of arrays, maps and tags that a reader follows.
pub const DEPTH_MAX: u8 = 8;
/// Most items (heads) that one reader takes from one input.
pub const ITEMS_MAX: u32 = 1 << 20;

/// The kind of a CBOR item, as its head says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Major type 0.
    Uint,
    /// Major type 1.
    Negative,
    /// Major type 2.
    Bytes,
    /// Major type 3.
    Text,
    /// Major type 4.
    Array,
    /// Major type 5.
    Map,
    /// Major type 6.
    Tag,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
    /// The end of an indefinite-length container.
    Break,
    /// A float, `undefined` or another simple value; never accepted.
    Other,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Uint => "unsigned integer",
            Kind::Negative => "negative integer",
            Kind::Bytes => "byte string",
            Kind::Text => "text string",
            Kind::Array => "array",
            Kind::Map => "map",
            Kind::Tag => "tag",
            Kind::Bool => "boolean",
            Kind::Null => "null",
            Kind::Break => "break",
            Kind::Other => "float or other simple value",
        })
    }
}

/// Why bytes are not the CBOR that was asked for. `at` is a byte offset into the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CborError {
    /// The input ends inside an item.
    #[error("input ends at byte {at}, {needed} more expected")]
    Truncated {
        /// Offset where bytes ran out.
        at: usize,
        /// Bytes that are missing, as far as is known.
        needed: u64,
    },
    /// Another kind of item stands here.
    #[error("expected {expected}, found {found} at byte {at}")]
    Unexpected {
        /// Offset of the item.
        at: usize,
        /// What was asked for.
        expected: &'static str,
        /// What stands there.
        found: Kind,
    },
    /// A head is longer than its value needs (RFC 8949 §4.2.1), or uses a reserved form.
    #[error("head at byte {at} is not in its shortest form")]
    NotMinimal {
        /// Offset of the head.
        at: usize,
    },
    /// A chunked string, or an indefinite container where only definite ones may stand.
    #[error("indefinite length at byte {at}")]
    Indefinite {
        /// Offset of the head.
        at: usize,
    },
    /// A number, length or count lies outside what the field allows.
    #[error("{what} at byte {at}: expected {expected}, found {found}")]
    Range {
        /// Offset of the item.
        at: usize,
        /// Name of the field or quantity.
        what: &'static str,
        /// The allowed range, in words.
        expected: &'static str,
        /// What stands there.
        found: u64,
    },
    /// A text string is not UTF-8.
    #[error("text at byte {at} is not UTF-8")]
    Utf8 {
        /// Offset of the text's first byte.
        at: usize,
    },
    /// Nesting goes deeper than [`DEPTH_MAX`].
    #[error("nesting at byte {at} is deeper than {DEPTH_MAX}")]
    Depth {
        /// Offset of the container.
        at: usize,
    },
    /// More than [`ITEMS_MAX`] items.
    #[error("more than {ITEMS_MAX} items at byte {at}")]
    Items {
        /// Offset of the first item too many.
        at: usize,
    },
    /// A map key is repeated, out of order, unknown or missing.
    #[error("map key at byte {at}: expected {expected}, found {found}")]
    Key {
        /// Offset of the key.
        at: usize,
        /// The key that had to stand here.
        expected: String,
        /// The key that stands here.
        found: String,
    },
    /// Bytes follow the last item.
    #[error("{bytes} bytes follow the item that ends at byte {at}")]
    Trailing {
        /// Offset where the item ended.
        at: usize,
        /// How many bytes follow.
        bytes: usize,
    },
}
