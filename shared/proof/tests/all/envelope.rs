//! The envelope (P1, P2): its one encoding, its limits, and nothing beside it.

use crate::{signer, statement, unsigned};
use cbor::Writer;
use proof::{PROOF_BYTES_MAX, Proof, ProofError, SignedStatement};

fn proof() -> Proof {
    let signed = SignedStatement::sign(statement(), &signer()).unwrap();
    Proof { signed, unsigned: Some(unsigned()) }
}

/// The envelope with any tag, protected header and payload.
fn envelope(tag: u64, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.tag(tag).array(4).bytes(protected).map(0).bytes(payload).bytes(&[0; 64]);
    w.finish()
}

fn protected() -> Vec<u8> {
    let bytes = SignedStatement::sign(statement(), &signer()).unwrap().to_bytes();
    assert_eq!(bytes[..3], [0xd2, 0x84, 0x58]);
    bytes[4..4 + usize::from(bytes[3])].to_vec()
}

#[test]
fn what_is_written_is_read() {
    let proof = proof();
    assert_eq!(Proof::parse(&proof.to_bytes()).as_ref(), Ok(&proof));
    let bare = Proof { unsigned: None, ..proof };
    assert_eq!(Proof::parse(&bare.to_bytes()), Ok(bare));
    let built = envelope(18, &protected(), &statement().to_bytes());
    assert_eq!(Proof::parse(&built).unwrap().signed.statement(), &statement());
}

#[test]
fn another_tag_is_refused() {
    for tag in [17, 19, 98] {
        let bytes = envelope(tag, &protected(), &statement().to_bytes());
        let refusal = Proof::parse(&bytes).unwrap_err();
        assert!(matches!(refusal, ProofError::Envelope(_)), "{refusal}");
        assert!(refusal.to_string().contains("18 (COSE_Sign1)"), "{refusal}");
    }
    assert_eq!(Proof::parse(&[]).unwrap_err().check(), "P1");
    let longer = [proof().to_bytes(), vec![0]].concat();
    assert_eq!(Proof::parse(&longer).unwrap_err().check(), "P1");
}

#[test]
fn the_protected_header_repeats_the_statement() {
    let header = protected();
    // iss, iat in whole seconds, the profile and the type: any other byte is refused.
    let seconds = 1_767_268_801_u32.to_be_bytes();
    assert!(header.windows(4).any(|w| w == seconds));
    for at in 0..header.len() {
        let mut other = header.clone();
        other[at] ^= 1;
        let refusal = Proof::parse(&envelope(18, &other, &statement().to_bytes())).unwrap_err();
        assert_eq!(refusal.check(), "P2", "{at}: {refusal}");
    }
    let long = Proof::parse(&envelope(18, &[0; 1025], &statement().to_bytes())).unwrap_err();
    assert_eq!(long.check(), "P1");
    let shown = Proof::parse(&envelope(18, &[0xab; 1024], &statement().to_bytes())).unwrap_err();
    let ProofError::Header { found, .. } = shown else { panic!("{shown}") };
    assert_eq!(found, "ab".repeat(256));
}

#[test]
fn the_largest_input_is_looked_at_and_a_larger_one_is_not() {
    let looked_at = Proof::parse(&vec![0; PROOF_BYTES_MAX]).unwrap_err();
    assert!(matches!(looked_at, ProofError::Envelope(_)), "{looked_at}");
    let found = PROOF_BYTES_MAX + 1;
    assert_eq!(Proof::parse(&vec![0; found]), Err(ProofError::TooLarge { found }));
}
