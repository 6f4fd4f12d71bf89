//! Cases of signer, inclusion and checkpoint: P6, P7 and P8.

use super::Builder;
use super::witness::note;
use crate::corpus::Expected;
use crate::proofs::{QuoteChange, key};
use cbor::Writer;
use crypto::cose;
use std::sync::Arc;

pub(super) fn cases(build: &mut Builder<'_>) {
    signer(build);
    inclusion(build);
    checkpoint(build);
    log_signatures(build);
}

fn signer(build: &mut Builder<'_>) {
    build.refuse("bare-statement", "P6", |draft| draft.spec.unprotected = Some(vec![0xa0]));
    build.refuse("evidence-kind-unknown", "P6", |draft| draft.spec.kind = "sgx");
    build.refuse("evidence-kind-not-accepted", "P6", |draft| draft.spec.kind = "tpm");
    build.refuse("signer-not-attested", "P6", |draft| {
        // Another key signs and says so; the quote attests the old one.
        draft.spec.signer = Arc::new(key(6));
        draft.spec.statement(|s| s.agent = key(6).verifying_key().did_key());
    });
    build.refuse("signer-revoked", "P6", |draft| {
        let agent = draft.spec.signer.verifying_key().did_key();
        super::demanded(draft).revoked_signers = vec![agent];
    });
    let mut quoted = |name, change: QuoteChange| {
        build.refuse(name, "P6", |draft| draft.spec.quoted = Some(change));
    };
    quoted("quote-without-key-set", |_, keys| *keys = None);
    quoted("key-set-garbage", |_, keys| *keys = Some(vec![0xff]));
    quoted("key-set-empty", |_, keys| *keys = Some(vec![0x80]));
    quoted("key-set-other-algorithm", |_, keys| {
        *keys = Some(key_set(-7, 6));
    });
    quoted("key-set-other-curve", |_, keys| {
        *keys = Some(key_set(-8, 4));
    });
    quoted("key-set-trailing", |_, keys| keys.iter_mut().for_each(|set| set.push(0)));
}

/// The key set of the good proof with another algorithm or curve.
fn key_set(algorithm: i64, curve: u64) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(1).map(4).uint(1).uint(1).uint(3).int(algorithm).int(-1).uint(curve);
    w.int(-2).bytes(&key(5).verifying_key().to_bytes());
    w.finish()
}

fn inclusion(build: &mut Builder<'_>) {
    let mut shown = |name, change| {
        build.refuse(name, "P7", |draft| draft.spec.inclusion = Some(change));
    };
    shown("index-below", |_, index, _| *index -= 1);
    shown("index-above", |_, index, _| *index += 1);
    shown("index-of-boot-record", |_, index, _| *index = 0);
    shown("index-is-size", |size, index, _| *index = *size);
    shown("index-huge", |_, index, _| *index = u64::MAX);
    shown("path-longer", |_, _, path| path.push([0; 32]));
    shown("path-shorter", |_, _, path| path.truncate(1));
    shown("path-empty", |_, _, path| path.clear());
    shown("path-reversed", |_, _, path| path.reverse());
    shown("path-bit", |_, _, path| path[0][0] ^= 1);
    build.refuse("inclusion-of-another", "P7", |draft| {
        let mut other = draft.spec.clone();
        other.statement(|s| s.proof_id = [9; 16]);
        draft.spec.unprotected = Some(other.header());
    });
}

fn checkpoint(build: &mut Builder<'_>) {
    let mut quoted = |name, change: QuoteChange| {
        build.refuse(name, "P8", |draft| draft.spec.quoted = Some(change));
    };
    quoted("checkpoint-empty", |user_data, _| user_data.clear());
    quoted("checkpoint-longer", |user_data, _| user_data.push(0));
    quoted("checkpoint-shorter", |user_data, _| user_data.truncate(77));
    quoted("checkpoint-tag", |user_data, _| user_data[9] = b'2');
    quoted("checkpoint-other-boot", |user_data, _| user_data[22] ^= 1);
    quoted("checkpoint-other-size", |user_data, _| user_data[45] += 1);
    let mut shown = |name, change| {
        build.refuse(name, "P8", |draft| draft.spec.inclusion = Some(change));
    };
    shown("size-smaller", |size, _, _| *size -= 1);
    shown("size-larger", |size, _, _| *size += 1);
    build.refuse("statement-other-boot", "P8", |draft| {
        draft.spec.statement(|s| s.boot_id = [1; 16]);
    });
    build.refuse("checkpoint-other-root", "P7", |draft| {
        draft.spec.quoted = Some(|user_data, _| user_data[77] ^= 1);
    });
}

/// The log's own signatures over the checkpoint's note and over its COSE Receipt.
fn log_signatures(build: &mut Builder<'_>) {
    type Change = fn(&mut [u8; 64], &mut [u8; 64]);
    let mut case = |name, expected, signer: u8, change: Change| {
        let mut draft = build.draft(crate::proofs::Backing::Nitro);
        let checkpoint = draft.spec.checkpoint();
        // {1: -8, 395: 1}
        let receipt = cose::sign1_structure(&[0xa2, 1, 0x27, 0x19, 1, 0x8b, 1], &checkpoint.root);
        let mut note = key(signer).sign(note(&checkpoint).as_bytes()).0;
        let mut receipt = key(signer).sign(&receipt).0;
        change(&mut note, &mut receipt);
        let mut w = Writer::new();
        w.text("log_signatures").array(2).bytes(&note).bytes(&receipt);
        let mut header = draft.spec.header();
        header[0] = 0xa3;
        header.extend(w.finish());
        draft.spec.unprotected = Some(header);
        build.add(name, expected, draft);
    };
    case("good-log-signatures", Expected::Accept, 5, |_, _| ());
    let refuse = Expected::Refuse("P8");
    case("log-signatures-by-stranger", refuse, 6, |_, _| ());
    case("log-signature-of-note", refuse, 5, |note, _| note[0] ^= 1);
    case("log-signature-of-receipt", refuse, 5, |_, receipt| receipt[0] ^= 1);
    case("log-signatures-swapped", refuse, 5, std::mem::swap);
}
