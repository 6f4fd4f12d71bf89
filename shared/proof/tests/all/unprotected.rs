//! The unprotected header (P2): four labels, each in its place, each optional part there or not.

use crate::{signer, statement, unsigned};
use cbor::Writer;
use crypto::Signature;
use proof::{COSIGNATURES_MAX, LogSignatures, Proof, SignedStatement, Unsigned};

fn signed() -> SignedStatement {
    SignedStatement::sign(statement(), &signer()).unwrap()
}

fn log_signatures() -> LogSignatures {
    LogSignatures { note: Signature([0x0e; 64]), receipt: Signature([0x0f; 64]) }
}

fn lines(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("line {n:02}").into_bytes()).collect()
}

/// The proof's bytes with another unprotected header.
fn with_header(header: &[u8]) -> Vec<u8> {
    let bare = signed().to_bytes();
    let at = 4 + usize::from(bare[3]);
    assert_eq!(bare[at], 0xa0, "the empty header");
    [&bare[..at], header, &bare[at + 1..]].concat()
}

/// A header of these pairs, of which the writer knows nothing.
fn header(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(pairs.len());
    for (label, item) in pairs {
        w.text(label).raw(item);
    }
    w.finish()
}

fn item(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    write(&mut w);
    w.finish()
}

fn evidence() -> Vec<u8> {
    item(|w| {
        w.array(2).text("nitro").bytes(&[0xd0; 40]);
    })
}

fn inclusion() -> Vec<u8> {
    item(|w| {
        w.array(3).uint(5).uint(3).array(3);
        w.bytes(&[0xa1; 32]).bytes(&[0xa2; 32]).bytes(&[0xa3; 32]);
    })
}

fn cosignatures(lines: &[Vec<u8>]) -> Vec<u8> {
    item(|w| {
        w.array(lines.len());
        for line in lines {
            w.bytes(line);
        }
    })
}

fn both() -> Vec<u8> {
    item(|w| {
        w.array(2).bytes(&[0x0e; 64]).bytes(&[0x0f; 64]);
    })
}

fn read(header: &[u8]) -> Option<Unsigned> {
    let bytes = with_header(header);
    let proof = Proof::parse(&bytes).unwrap();
    assert_eq!(proof.to_bytes(), bytes, "read and written again");
    proof.unsigned
}

fn refused(header: &[u8], why: &str) {
    let refusal = Proof::parse(&with_header(header)).unwrap_err();
    assert_eq!(refusal.check(), "P2", "{refusal}");
    assert!(refusal.to_string().contains(why), "{refusal} without {why:?}");
}

#[test]
fn every_combination_of_optional_parts_is_read_and_written_again() {
    let (e, i) = (("evidence", evidence()), ("inclusion", inclusion()));
    let c = ("cosignatures", cosignatures(&lines(2)));
    let l = ("log_signatures", both());
    assert_eq!(read(&header(&[])), None);
    let mut expected = unsigned();
    assert_eq!(read(&header(&[e.clone(), i.clone()])), Some(expected.clone()));
    expected.cosignatures = lines(2);
    assert_eq!(read(&header(&[e.clone(), i.clone(), c.clone()])), Some(expected.clone()));
    expected.log_signatures = Some(log_signatures());
    assert_eq!(read(&header(&[e.clone(), i.clone(), c, l.clone()])), Some(expected.clone()));
    expected.cosignatures.clear();
    assert_eq!(read(&header(&[e, i, l])), Some(expected));
}

#[test]
fn labels_stand_in_their_order_and_no_other_stands_there() {
    let e = || ("evidence", evidence());
    let i = || ("inclusion", inclusion());
    let c = || ("cosignatures", cosignatures(&lines(1)));
    let l = || ("log_signatures", both());
    refused(&header(&[i(), e()]), "evidence");
    refused(&header(&[("evidencf", evidence()), i()]), "evidence");
    refused(&header(&[e()]), "nothing");
    refused(&header(&[e(), l()]), "inclusion");
    refused(&header(&[e(), i(), i()]), "");
    refused(&header(&[e(), i(), ("cosignaturez", cosignatures(&lines(1)))]), "log_signatures");
    refused(&header(&[e(), i(), c(), c()]), "");
    refused(&header(&[e(), i(), l(), c()]), "");
    refused(&header(&[e(), i(), c(), l(), ("zz_signatures_z", both())]), "the end of the header");
    refused(&header(&[e(), i(), ("a_label_too_long_", both())]), "label");
    refused(&[0x80], "");
}

#[test]
fn cosignatures_are_a_sorted_set_of_lines() {
    let with = |lines: &[Vec<u8>]| {
        header(&[
            ("evidence", evidence()),
            ("inclusion", inclusion()),
            ("cosignatures", cosignatures(lines)),
        ])
    };
    let most = lines(COSIGNATURES_MAX);
    assert_eq!(read(&with(&most)).unwrap().cosignatures, most);
    refused(&with(&lines(COSIGNATURES_MAX + 1)), "cosignatures");
    let reversed: Vec<_> = lines(2).into_iter().rev().collect();
    refused(&with(&reversed), "sorted lines, each once");
    refused(&with(&[b"a".to_vec(), b"a".to_vec()]), "sorted lines, each once");
    refused(&with(&[]), "at least one line, none empty");
    refused(&with(&[vec![], b"a".to_vec()]), "at least one line, none empty");
    refused(&with(&[vec![0xff]]), "UTF-8");
    let longest = vec![b'x'; proof::COSIGNATURE_BYTES_MAX];
    assert_eq!(read(&with(std::slice::from_ref(&longest))).unwrap().cosignatures, [longest]);
    refused(&with(&[vec![b'x'; proof::COSIGNATURE_BYTES_MAX + 1]]), "cosignature");
}

#[test]
fn a_cosignature_is_added_once_and_in_its_place() {
    let mut unsigned = unsigned();
    for line in [b"b", b"a", b"c", b"b", b"a"] {
        unsigned.add_cosignature(line.to_vec());
    }
    assert_eq!(unsigned.cosignatures, [b"a", b"b", b"c"]);
    let proof = Proof { signed: signed(), unsigned: Some(unsigned) };
    assert_eq!(Proof::parse(&proof.to_bytes()), Ok(proof));
}

#[test]
fn limits_of_evidence_and_path() {
    let with = |kind: &str, document: usize, path: usize| {
        let evidence = item(|w| {
            w.array(2).text(kind).bytes(&vec![1; document]);
        });
        let inclusion = item(|w| {
            w.array(3).uint(u64::MAX).uint(0).array(path);
            for _ in 0..path {
                w.bytes(&[7; 32]);
            }
        });
        header(&[("evidence", evidence), ("inclusion", inclusion)])
    };
    let (documents, nodes) = (proof::EVIDENCE_BYTES_MAX, tlog::PATH_NODES_MAX);
    let widest = read(&with("sixteen-bytes-16", documents, nodes)).unwrap();
    assert_eq!(widest.evidence.document.len(), documents);
    assert_eq!((widest.inclusion.size, widest.inclusion.path.len()), (u64::MAX, nodes));
    refused(&with("seventeen-bytes17", 1, 1), "evidence kind");
    refused(&with("nitro", documents + 1, 1), "evidence");
    refused(&with("nitro", 1, nodes + 1), "path");
}
