//! Cases of single fields: N10 to N21.
//! They must differ from the good document in one place each.

use super::*;

pub(super) fn fields(build: &mut Builder) {
    let field = |name, item: Vec<u8>| [Tamper::Field(name, item)];
    let bytes = |length: usize| bytes_item(&vec![1; length]);
    build.refuse("module-id-empty", "N10", &field("module_id", text_item("")));
    build.refuse("module-id-bytes", "N10", &field("module_id", bytes(5)));
    build.refuse("digest-sha256", "N11", &field("digest", text_item("SHA256")));
    build.refuse("digest-null", "N11", &field("digest", vec![0xf6]));
    build.refuse("timestamp-zero", "N12", &field("timestamp", uint(0)));
    build.refuse("timestamp-negative", "N12", &field("timestamp", vec![0x20]));
    build.refuse("timestamp-long-head", "N12", &field("timestamp", vec![0x18, 0x05]));
    build.refuse("pcrs-empty", "N13", &field("pcrs", vec![0xa0]));
    build.refuse("pcrs-null", "N13", &field("pcrs", vec![0xf6]));
    build.refuse("pcr-index-32", "N13", &[image_and(&[(32, vec![1; 48])])]);
    build.refuse("pcr-index-256", "N13", &[image_and(&[(256, vec![1; 48])])]);
    build.refuse("pcr-twice", "N13", &[image_and(&[(0, vec![1; 48])])]);
    build.refuse("pcr-47-bytes", "N13", &[image_and(&[(4, vec![1; 47])])]);
    build.refuse("pcr-empty", "N13", &[image_and(&[(4, vec![])])]);
}

/// Strings in chunks: two encodings of one value, which AWS never writes.
pub(super) fn chunked(build: &mut Builder) {
    let field = |name, item: Vec<u8>| [Tamper::Field(name, item)];
    let chunks = |head: u8, item: Vec<u8>| [&[head][..], &item, &[0xff]].concat();
    let text = |value: &str| chunks(0x7f, text_item(value));
    let bytes = |value: &[u8]| chunks(0x5f, bytes_item(value));
    let chain = build.chain();
    build.refuse("module-id-chunked", "N10", &field("module_id", text(&chain.module_id)));
    build.refuse("digest-chunked", "N11", &field("digest", text("SHA384")));
    build.refuse("certificate-chunked", "N14", &field("certificate", bytes(&chain.certificate)));
    build.refuse("public-key-chunked", "N16", &field("public_key", bytes(b"key")));
    build.refuse("nonce-chunked", "N18", &field("nonce", bytes(b"challenge")));
    let mut registers = registers(&[(1, vec![0xa1; 48]), (2, vec![0xa2; 48])]);
    registers[0] = 0xa3;
    registers.extend([uint(0), bytes(&[0xa0; 48])].concat());
    build.refuse("pcr-chunked", "N13", &field("pcrs", registers));
    let mut bundle = vec![0x80 + chain.cabundle.len() as u8];
    bundle.extend(chain.cabundle.iter().flat_map(|der| bytes(der)));
    build.refuse("cabundle-chunked", "N15", &field("cabundle", bundle));
    let key = chunks(0x7f, text_item("later"));
    build.refuse("payload-key-chunked", "N9", &[Tamper::RawEntry(key, uint(1))]);
    let nested = [&[0x81][..], &bytes(b"x")].concat();
    build.refuse("unknown-field-chunked", "N9", &field("later", nested));
}

pub(super) fn sizes(build: &mut Builder) {
    let field = |name, item: Vec<u8>| [Tamper::Field(name, item)];
    let bytes = |length: usize| bytes_item(&vec![1; length]);
    build.refuse("certificate-empty", "N14", &field("certificate", bytes(0)));
    build.refuse("certificate-1025", "N14", &field("certificate", bytes(1025)));
    build.refuse("certificate-null", "N14", &field("certificate", vec![0xf6]));
    build.refuse("cabundle-null", "N15", &field("cabundle", vec![0xf6]));
    build.refuse("cabundle-entry-empty", "N15", &[Tamper::ReplaceBundle(1, vec![])]);
    build.refuse("cabundle-entry-1025", "N15", &[Tamper::ReplaceBundle(1, vec![1; 1025])]);
    build.refuse("public-key-empty", "N16", &field("public_key", bytes(0)));
    build.refuse("public-key-1025", "N16", &field("public_key", bytes(1025)));
    build.refuse("public-key-text", "N16", &field("public_key", text_item("key")));
    build.refuse("user-data-513", "N17", &field("user_data", bytes(513)));
    build.refuse("user-data-chunked", "N17", &field("user_data", vec![0x5f, 0x41, 1, 0xff]));
    build.refuse("nonce-513", "N18", &field("nonce", bytes(513)));
    build.refuse("nonce-number", "N18", &field("nonce", uint(9)));
    build.refuse("pcr-32-bytes", "N19", &[image_and(&[(4, vec![1; 32])])]);
    build.refuse("pcr-64-bytes", "N19", &[image_and(&[(4, vec![1; 64])])]);
    build.refuse("cabundle-empty", "N20", &[Tamper::BundleLength(0)]);
    build.refuse("cabundle-nine", "N20", &[Tamper::BundleLength(9)]);
    build.refuse("timestamp-overflow", "N21", &field("timestamp", uint(u64::MAX)));
    let first_too_late = i64::MAX as u64 / 1_000_000 + 1;
    build.refuse("timestamp-ns-overflow", "N21", &field("timestamp", uint(first_too_late)));
}
