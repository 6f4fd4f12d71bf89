//! Tests of the image format: from outside, as its users see it.

mod archive;
mod command;
mod committed;
mod hostile;
mod layout;
mod releases;
mod signing;
mod vectors;

use eif::{EifError, Image};

/// A header's size, a section header's size: written here again, from FORMAT.md.
pub(crate) const HEADER: usize = 548;
pub(crate) const SECTION: usize = 12;
pub(crate) const KERNEL: u16 = 1;
pub(crate) const CMDLINE: u16 = 2;
pub(crate) const RAMDISK: u16 = 3;
pub(crate) const SIGNATURE: u16 = 4;
pub(crate) const METADATA: u16 = 5;

/// A small image that is accepted.
pub(crate) fn small() -> Image {
    let disks = vec![b"first ramdisk".to_vec(), b"second".to_vec(), b"third".to_vec()];
    let metadata = eif::fixed_metadata("small", "1", "6.12");
    Image::new(b"kernel".to_vec(), "quiet panic=1".into(), metadata, disks)
}

/// A file with these sections, laid out as the format says, whatever they are.
pub(crate) fn laid_out(sections: &[(u16, &[u8])]) -> Vec<u8> {
    let mut head = Vec::from(*b".eif");
    head.extend(4u16.to_be_bytes());
    head.extend(0u16.to_be_bytes());
    head.extend((1u64 << 30).to_be_bytes());
    head.extend(2u64.to_be_bytes());
    head.extend(0u16.to_be_bytes());
    head.extend((sections.len() as u16).to_be_bytes());
    let mut at = HEADER as u64;
    let mut offsets = [0u64; 32];
    let mut sizes = [0u64; 32];
    let mut body = Vec::new();
    for (index, (number, data)) in sections.iter().enumerate() {
        if index < 32 {
            (offsets[index], sizes[index]) = (at, data.len() as u64);
        }
        at += (SECTION + data.len()) as u64;
        body.extend(number.to_be_bytes());
        body.extend(0u16.to_be_bytes());
        body.extend((data.len() as u64).to_be_bytes());
        body.extend_from_slice(data);
    }
    for number in offsets.iter().chain(&sizes) {
        head.extend(number.to_be_bytes());
    }
    head.extend([0; 8]);
    head.extend(body);
    checksummed(head)
}

/// The same file with the checksum that its bytes ask for, bit by bit after the definition.
pub(crate) fn checksummed(mut file: Vec<u8>) -> Vec<u8> {
    let mut state = u32::MAX;
    for byte in file[..HEADER - 4].iter().chain(&file[HEADER..]) {
        state ^= u32::from(*byte);
        for _ in 0..8 {
            state = if state & 1 == 1 { (state >> 1) ^ 0xedb8_8320 } else { state >> 1 };
        }
    }
    file[HEADER - 4..HEADER].copy_from_slice(&(!state).to_be_bytes());
    file
}

/// The number of the check that refuses a file; describing it must do the same and not panic.
pub(crate) fn refused(file: &[u8]) -> u8 {
    let error = eif::read(file).expect_err("a file that has to be refused");
    let description = eif::describe(file);
    assert_eq!(description.refused.as_ref(), Some(&error));
    assert_eq!(description.measurements, None);
    assert!(description.to_string().contains("REFUSED"));
    check_of(&error)
}

/// The number that an error names.
pub(crate) fn check_of(error: &EifError) -> u8 {
    let text = error.to_string();
    let digits = text.strip_prefix('I').and_then(|rest| rest.split([' ', ':']).next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no check in: {text}"))
}
