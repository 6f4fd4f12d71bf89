//! One checkpoint, one encoding.

use tlog::{CHECKPOINT_BYTES, CHECKPOINT_TAG, Checkpoint, TlogError};

#[test]
fn the_layout_is_frozen() {
    let checkpoint =
        Checkpoint { boot_id: [0xb0; 16], size: 0x0102_0304_0506_0708, root: [0xaa; 32] };
    let bytes = checkpoint.to_bytes();
    assert_eq!(CHECKPOINT_BYTES, 78);
    assert_eq!(bytes[..22], *b"probity/v1/checkpoint\x00");
    assert_eq!(bytes[22..38], [0xb0; 16]);
    assert_eq!(bytes[38..46], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(bytes[46..], [0xaa; 32]);
    assert_eq!(Checkpoint::parse(&bytes), Ok(checkpoint));
}

#[test]
fn the_note_text_is_frozen_and_its_base64_is_a_librarys() {
    use base64::Engine as _;
    let checkpoint = Checkpoint { boot_id: [0xb0; 16], size: 109, root: [0xaa; 32] };
    let origin = format!("probity.example/log/{}", "b0".repeat(16));
    assert_eq!(checkpoint.origin(), origin);
    assert_eq!(
        checkpoint.note_text(),
        format!("{origin}\n109\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n")
    );
    for seed in 0..2000_u32 {
        let root = tlog::leaf_hash(&seed.to_be_bytes());
        let checkpoint = Checkpoint { root, ..checkpoint };
        let expected = base64::engine::general_purpose::STANDARD.encode(root);
        assert_eq!(checkpoint.note_text(), format!("{origin}\n109\n{expected}\n"));
    }
}

#[test]
fn any_other_length_is_refused() {
    let mut long = [0; 200];
    long[..22].copy_from_slice(&CHECKPOINT_TAG);
    for actual in (0..=200).filter(|length| *length != CHECKPOINT_BYTES) {
        let refused = TlogError::CheckpointLength { expected: CHECKPOINT_BYTES, actual };
        assert_eq!(Checkpoint::parse(&long[..actual]), Err(refused));
    }
}

#[test]
fn every_bit_counts() {
    let checkpoint = Checkpoint { boot_id: [1; 16], size: 7, root: [2; 32] };
    let bytes = checkpoint.to_bytes();
    for bit in 0..CHECKPOINT_BYTES * 8 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        match Checkpoint::parse(&other) {
            Ok(parsed) => {
                assert!(bit / 8 >= CHECKPOINT_TAG.len());
                assert_ne!(parsed, checkpoint);
                assert_eq!(parsed.to_bytes(), other);
            }
            Err(refusal) => {
                assert!(bit / 8 < CHECKPOINT_TAG.len());
                assert!(matches!(refusal, TlogError::CheckpointTag { .. }));
            }
        }
    }
}

#[test]
fn refusals_say_what_was_expected_and_what_came() {
    let mut bytes = Checkpoint { boot_id: [1; 16], size: 7, root: [2; 32] }.to_bytes();
    bytes[9] = b'2';
    let refusal = Checkpoint::parse(&bytes).unwrap_err().to_string();
    let expected =
        r#"expected the tag "probity/v1/checkpoint\x00", got "probity/v2/checkpoint\x00""#;
    assert_eq!(refusal, expected);
    let root = TlogError::RootMismatch { expected: [0xab; 32], actual: [0x01; 32] }.to_string();
    let (ab, one) = ("ab".repeat(32), "01".repeat(32));
    assert_eq!(root, format!("expected root {ab}, the path leads to {one}"));
}
