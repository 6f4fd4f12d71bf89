//! PEM blocks (RFC 7468) inside files that people made: text around a block is skipped, the block
//! itself is read strictly.

use x509_cert::der::Document;

/// The DER inside the first block of `label`, or why there is none.
pub(crate) fn first_block(text: &[u8], label: &str) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "bytes that are not text".to_owned())?;
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let missing = || format!("no block of {label}");
    let from = text.find(&begin).ok_or_else(missing)?;
    let length = text[from..].find(&end).ok_or_else(missing)? + end.len();
    let block = &text[from..from + length];
    let (_, document) = Document::from_pem(block).map_err(|error| error.to_string())?;
    Ok(document.into_vec())
}
