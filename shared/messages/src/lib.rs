//! From the messages that callers embed in a request, ISO 20022 and IVMS101, to facts. What is
//! read, and where it goes, is one page: `MAPPING.md`. It must never guess, prefer one of two
//! statements of a fact, resolve anything outside the message, or read more than one transfer.
//!
//! The crate has no error of its own: a caller's mistake is a `FactsError` whose path begins with
//! `message`, such as `message/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/IntrBkSttlmAmt`.

mod element;
mod iso20022;
mod ivms101;
mod json;
mod xml;

use facts::{Draft, FactsError, MessageFormat, Request};

/// Longest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of a message's elements.
pub const DEPTH_MAX: usize = 64;
/// Most elements of a message.
pub const ELEMENTS_MAX: usize = 20_000;
/// Most attributes of an element, namespace declarations among them.
pub const ATTRIBUTES_MAX: usize = 16;

/// The caller's bytes as a request, with what an embedded message says of the transaction.
pub fn parse_request(body: &[u8]) -> Result<Request, FactsError> {
    let mut body = facts::parse_body(body)?;
    let Some(message) = body.message.take() else {
        return body.complete(Draft::default());
    };
    let source = &message.source;
    if source.len() > MESSAGE_BYTES_MAX {
        let expected = format!("a message of at most {MESSAGE_BYTES_MAX} bytes");
        let found = format!("{} bytes", source.len());
        return Err(element::refused(expected, found, "send the transfer alone").at(ROOT.into()));
    }
    let draft = match message.format {
        MessageFormat::Iso20022Xml => iso20022::read_xml(&xml::read(source)?)?,
        MessageFormat::Iso20022Json => iso20022::read_json(&json::read(source, true)?)?,
        MessageFormat::Ivms101 => {
            ivms101::read(&json::read(source, false)?, body.transaction().kind)?
        }
    };
    body.complete(draft)
}

/// The body's key, with which every path begins.
const ROOT: &str = "message";

#[cfg(test)]
mod tests;
