//! Hostile enclave images: read, described, written again. The checksum is mended first, so that
//! the reader's own checks are reached; it protects from accidents, not from people.

use eif::{HEADER_BYTES, IMAGE_BYTES_MAX, Image};

/// Where the header holds its checksum: its last four bytes.
const CRC_AT: usize = HEADER_BYTES - 4;

/// Any bytes as an image: what is read has one encoding, and its registers are described.
pub fn image(bytes: &[u8]) {
    check(bytes);
    if bytes.len() >= HEADER_BYTES {
        let mut mended = bytes.to_vec();
        let crc = crc32(&mended[..CRC_AT], &mended[HEADER_BYTES..]);
        mended[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_be_bytes());
        check(&mended);
    }
}

fn check(bytes: &[u8]) {
    assert!(bytes.len() <= IMAGE_BYTES_MAX);
    let described = eif::describe(bytes);
    assert_eq!(described.file_bytes, bytes.len() as u64);
    // Must print, whatever the file says of itself.
    assert!(!described.to_string().is_empty() && described.to_json().is_object());
    match eif::read(bytes) {
        Ok(image) => {
            assert_eq!(image.to_bytes().as_deref(), Ok(bytes), "two encodings of one image");
            assert_eq!(described.measurements, Some(image.measurements()));
        }
        Err(_) => assert!(described.measurements.is_none() && described.refused.is_some()),
    }
}

/// A small image, one with two ramdisks, and a signed one.
pub fn image_seeds() -> Vec<Vec<u8>> {
    let image = |disks| {
        let metadata = eif::fixed_metadata("image", "1", "6.12");
        Image::new(b"kernel".to_vec(), "reboot=t quiet".into(), metadata, disks)
    };
    let images = [image(vec![b"base".to_vec()]), image(vec![b"base".to_vec(), b"app".to_vec()])];
    let mut seeds: Vec<Vec<u8>> = images.iter().filter_map(|i| i.to_bytes().ok()).collect();
    seeds.extend(signed(&images[0]));
    seeds
}

/// Under a certificate of this run: what it says does not matter, only that it is a good one.
fn signed(image: &Image) -> Option<Vec<u8>> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).ok()?;
    let certificate = rcgen::CertificateParams::new(Vec::new()).ok()?.self_signed(&key).ok()?;
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    eif::sign(image, certificate.as_bytes(), key.as_bytes()).ok()?.to_bytes().ok()
}

/// CRC-32 of IEEE 802.3 over the two parts.
fn crc32(header: &[u8], body: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in header.iter().chain(body) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1)));
        }
    }
    !crc
}
