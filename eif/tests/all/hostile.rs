//! Files that nobody's tools would write. Each must be refused by the check that is meant for it,
//! whatever its checksum says, and describing it must be safe.

use crate::*;

fn good() -> Vec<u8> {
    small().to_bytes().expect("written")
}

/// The small image's file with `bytes` put at `at`, and a checksum that agrees.
fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = good();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    checksummed(file)
}

#[test]
fn every_cut_is_refused() {
    for file in [good(), crate::vectors::file("signed.eif")] {
        for length in 0..file.len() {
            let check = refused(&file[..length]);
            assert!(if length < HEADER { check == 1 } else { check == 9 }, "{length}: I{check}");
            // With a checksum that agrees with the cut file, too.
            if length >= HEADER {
                assert_eq!(refused(&checksummed(file[..length].to_vec())), 9);
            }
        }
        assert!(eif::read(&file).is_ok());
    }
}

#[test]
fn every_changed_bit_is_refused() {
    for file in [good(), crate::vectors::file("signed.eif")] {
        for at in 0..file.len() {
            for bit in [0, 7] {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                refused(&changed);
            }
        }
    }
}

#[test]
fn every_header_byte_is_refused_or_means_something() {
    for at in 0..HEADER - 4 {
        for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
            let file = patched(at, &[value]);
            if file == good() {
                continue;
            }
            match at {
                0..4 => assert_eq!(refused(&file), 2),
                4..6 => assert_eq!(refused(&file), 3),
                7 if value == 1 => assert!(eif::read(&file).is_ok()),
                6..8 => assert_eq!(refused(&file), 4),
                8..24 => assert!(eif::read(&file).is_ok()),
                24..26 => assert_eq!(refused(&file), 5),
                26..28 => assert!([6, 7].contains(&refused(&file)), "{at}"),
                28..284 if at < 28 + 6 * 8 => assert_eq!(refused(&file), 8, "{at}"),
                284..540 if at < 284 + 6 * 8 => assert_eq!(refused(&file), 9, "{at}"),
                540.. => assert_eq!(refused(&file), 5),
                _ => assert_eq!(refused(&file), 7, "{at}"),
            }
        }
    }
}

#[test]
fn every_section_header_byte_is_refused() {
    let mut at = HEADER;
    let image = small();
    let sizes = [image.kernel.len(), image.cmdline.len(), image.metadata.len()];
    let sizes = sizes.into_iter().chain(image.ramdisks.iter().map(Vec::len));
    for size in sizes {
        for inside in 0..SECTION {
            for value in [0, 1, 2, 3, 4, 5, 6, 0x80, 0xff] {
                let file = patched(at + inside, &[value]);
                if file != good() {
                    assert!([9, 10, 15].contains(&refused(&file)), "{at} {inside} {value}");
                }
            }
        }
        at += SECTION + size;
    }
    assert_eq!(at, good().len());
}

#[test]
fn a_changed_part_is_another_measurement() {
    let before = small().measurements();
    let mut at = HEADER;
    let image = small();
    let sizes = [image.kernel.len(), image.cmdline.len(), image.metadata.len()];
    let sizes = sizes.into_iter().chain(image.ramdisks.iter().map(Vec::len));
    for (index, size) in sizes.enumerate() {
        for inside in SECTION..SECTION + size {
            let file = patched(at + inside, b"~");
            if file == good() {
                continue;
            }
            let after = eif::read(&file).expect("read").measurements();
            let differs =
                [before.pcr0 != after.pcr0, before.pcr1 != after.pcr1, before.pcr2 != after.pcr2];
            let expected = match index {
                0 | 1 | 3 => [true, true, false],
                2 => [false, false, false],
                _ => [true, false, true],
            };
            assert_eq!(differs, expected, "byte {inside} of section {index}");
        }
        at += SECTION + size;
    }
}

#[test]
fn sections_stand_in_one_order() {
    let (k, c, m, r) = (b"kernel", b"quiet", b"{}", b"disk");
    let file = |order: &[u16]| {
        let data = |number: &u16| -> (u16, &[u8]) {
            match *number {
                KERNEL => (KERNEL, k),
                CMDLINE => (CMDLINE, c),
                METADATA => (METADATA, m),
                other => (other, r),
            }
        };
        laid_out(&order.iter().map(data).collect::<Vec<_>>())
    };
    assert!(eif::read(&file(&[KERNEL, CMDLINE, METADATA, RAMDISK])).is_ok());
    let wrong: [&[u16]; 12] = [
        &[CMDLINE, KERNEL, METADATA, RAMDISK],
        &[KERNEL, METADATA, CMDLINE, RAMDISK],
        &[KERNEL, CMDLINE, RAMDISK, METADATA],
        &[KERNEL, CMDLINE, RAMDISK, RAMDISK],
        &[KERNEL, CMDLINE, METADATA, SIGNATURE],
        &[KERNEL, CMDLINE, METADATA, METADATA],
        &[KERNEL, KERNEL, METADATA, RAMDISK],
        &[KERNEL, CMDLINE, METADATA, RAMDISK, KERNEL],
        &[KERNEL, CMDLINE, METADATA, RAMDISK, CMDLINE],
        &[KERNEL, CMDLINE, METADATA, RAMDISK, METADATA],
        &[KERNEL, CMDLINE, METADATA, RAMDISK, SIGNATURE, RAMDISK],
        &[KERNEL, CMDLINE, METADATA, RAMDISK, SIGNATURE, SIGNATURE],
    ];
    for order in wrong {
        assert_eq!(refused(&file(order)), 10, "{order:?}");
    }
    assert_eq!(refused(&file(&[KERNEL, CMDLINE, METADATA, 0])), 9);
    assert_eq!(refused(&file(&[KERNEL, CMDLINE, METADATA, 6])), 9);
    assert_eq!(refused(&file(&[KERNEL, CMDLINE, METADATA, RAMDISK, SIGNATURE])), 15);
}

#[test]
fn the_number_of_sections_is_bounded() {
    let with = |disks: usize| {
        let mut sections: Vec<(u16, &[u8])> =
            vec![(KERNEL, b"k"), (CMDLINE, b"c"), (METADATA, b"{}")];
        sections.extend(vec![(RAMDISK, b"r".as_slice()); disks]);
        laid_out(&sections)
    };
    assert_eq!(refused(&with(0)), 6);
    assert_eq!(eif::read(&with(28)).expect("28").ramdisks.len(), 28);
    assert_eq!(refused(&with(29)), 6); // 32 sections, without room for a signature
    assert_eq!(refused(&with(30)), 6);
    for count in [0u16, 3, 33, 0x8000, u16::MAX] {
        assert_eq!(refused(&patched(26, &count.to_be_bytes())), 6);
    }
}

#[test]
fn offsets_neither_overlap_nor_leave_gaps() {
    let second = (HEADER + SECTION + 6) as u64;
    for offset in [0, 548, second - 1, second + 1, 1 << 40, u64::MAX, u64::MAX - 5] {
        assert_eq!(refused(&patched(28 + 8, &offset.to_be_bytes())), 8, "{offset}");
    }
}

#[test]
fn sizes_that_overflow_are_refused_without_being_believed() {
    let sizes = [0, 5, 7, 1 << 20, 1 << 33, i64::MAX as u64, u64::MAX - 560, u64::MAX];
    for size in sizes {
        // In the table only, in the section only, and in both alike.
        assert_eq!(refused(&patched(284, &size.to_be_bytes())), 9, "{size}");
        assert_eq!(refused(&patched(HEADER + 4, &size.to_be_bytes())), 9, "{size}");
        let mut both = patched(284, &size.to_be_bytes());
        both[HEADER + 4..HEADER + SECTION].copy_from_slice(&size.to_be_bytes());
        let check = refused(&checksummed(both));
        assert!([8, 9].contains(&check), "{size}: I{check}");
    }
    // The last section claims one byte more, and one byte less than there is.
    let last = good().len() - 5 - SECTION;
    for (size, expected) in [(6u64, 9), (4, 12)] {
        let mut file = good();
        file[284 + 5 * 8..][..8].copy_from_slice(&size.to_be_bytes());
        file[last + 4..last + SECTION].copy_from_slice(&size.to_be_bytes());
        assert_eq!(refused(&checksummed(file)), expected);
    }
}

#[test]
fn nothing_follows_the_last_section() {
    for extra in [1, 12, 4096] {
        let mut file = good();
        file.extend(vec![0; extra]);
        assert_eq!(refused(&checksummed(file)), 12);
    }
}

#[test]
fn empty_and_large_sections_are_refused() {
    let file = |kernel: &[u8], cmdline: &[u8], metadata: &[u8], disk: &[u8]| {
        laid_out(&[(KERNEL, kernel), (CMDLINE, cmdline), (METADATA, metadata), (RAMDISK, disk)])
    };
    assert!(eif::read(&file(b"k", b"c", b"m", b"r")).is_ok());
    assert_eq!(refused(&file(b"", b"c", b"m", b"r")), 11);
    assert_eq!(refused(&file(b"k", b"", b"m", b"r")), 11);
    assert_eq!(refused(&file(b"k", b"c", b"", b"r")), 11);
    assert_eq!(refused(&file(b"k", b"c", b"m", b"")), 11);
    assert_eq!(refused(&file(b"k", &[b'c'; 2048], b"m", b"r")), 11);
    assert_eq!(refused(&file(b"k", b"c", &vec![b'm'; (1 << 20) + 1], b"r")), 11);
    for cmdline in [b"a\0b".as_slice(), b"a\n", b"a\tb", b"\x7f", b"\xff\xfe", "é".as_bytes()] {
        assert_eq!(refused(&file(b"k", cmdline, b"m", b"r")), 14);
    }
    let signature = vec![0x81; (64 << 10) + 1];
    let large = laid_out(&[
        (KERNEL, b"k"),
        (CMDLINE, b"c"),
        (METADATA, b"m"),
        (RAMDISK, b"r"),
        (SIGNATURE, &signature),
    ]);
    assert_eq!(refused(&large), 11);
}

#[test]
fn a_wrong_checksum_is_refused_and_shown() {
    let mut file = good();
    file[HEADER - 1] ^= 1;
    assert_eq!(refused(&file), 13);
    let description = eif::describe(&file);
    assert_ne!(description.crc_said, description.crc_computed);
    assert!(description.to_string().contains("DIFFERS"));
}

#[test]
fn random_changes_are_refused_or_read_back_the_same() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let seeds = [good(), crate::vectors::file("signed.eif")];
    let mut accepted = 0;
    for round in 0..4_000 {
        let mut file = seeds[round % 2].clone();
        for _ in 0..=next() % 4 {
            let at = next() as usize % file.len();
            match next() % 4 {
                0 => file[at] = next() as u8,
                1 => file[at] = [0, 1, 0x7f, 0xff][next() as usize % 4],
                2 => drop(file.remove(at)),
                _ => file.insert(at, next() as u8),
            }
        }
        let file = if file.len() >= HEADER { checksummed(file) } else { file };
        let description = eif::describe(&file);
        match eif::read(&file) {
            Ok(image) => {
                accepted += 1;
                assert_eq!(image.to_bytes().expect("written"), file);
                assert_eq!(description.measurements, Some(image.measurements()));
            }
            Err(error) => assert_eq!(description.refused, Some(error)),
        }
    }
    assert!(accepted > 100, "{accepted} accepted: the changes hit nothing but structure");
}
