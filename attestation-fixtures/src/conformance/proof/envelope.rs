//! Cases of the envelope and its headers: P1 and P2, and the signature: P5.

use super::Builder;
use crate::proofs::{ProofSpec, key};
use cbor::Writer;
use std::sync::Arc;

const TYP: &str = "application/probity-statement+cbor";
const PROFILE: &str = "tag:probity.example,2026:eat/statement/2";

pub(super) fn cases(build: &mut Builder<'_>) {
    whole(build);
    protected(build);
    unprotected(build);
    signature(build);
}

fn whole(build: &mut Builder<'_>) {
    let mut bytes = |name, change: fn(&mut Vec<u8>)| {
        build.refuse(name, "P1", |draft| draft.spec.whole = Some(change));
    };
    bytes("oversized", |b| b.resize(131_073, 0));
    bytes("trailing-byte", |b| b.push(0));
    bytes("untagged", |b| {
        b.remove(0);
    });
    bytes("tag-17", |b| b[0] = 0xd1);
    bytes("tag-98", |b| drop(b.splice(..1, [0xd8, 98])));
    bytes("tag-long-head", |b| drop(b.splice(..1, [0xd8, 18])));
    bytes("array-of-three", |b| b[1] = 0x83);
    bytes("array-of-five", |b| b[1] = 0x85);
    bytes("array-indefinite", |b| {
        b[1] = 0x9f;
        b.push(0xff);
    });
    bytes("array-huge", |b| drop(b.splice(1..2, [0x9b, 255, 255, 255, 255, 255, 255, 255, 255])));
    bytes("nesting-bomb", |b| drop(b.splice(.., vec![0x81; 60_000])));
    bytes("truncated", |b| b.truncate(b.len() - 1));
    bytes("empty", Vec::clear);
    bytes("signature-63-bytes", |b| {
        let at = b.len() - 66;
        b[at + 1] = 63;
        b.pop();
    });
    bytes("signature-null", |b| {
        b.truncate(b.len() - 66);
        b.push(0xf6);
    });
}

fn protected(build: &mut Builder<'_>) {
    let mut header = |name, fill: &dyn Fn(&mut Writer, &str)| {
        build.refuse(name, "P2", |draft| {
            let agent = draft.spec.signer.verifying_key().did_key();
            let mut w = Writer::new();
            fill(&mut w, &agent);
            draft.spec.protected = w.finish();
        });
    };
    let at = crate::proofs::EVALUATED_AT_MS / 1000;
    let claims = |w: &mut Writer, agent: &str, at: u64, profile: &str| {
        w.uint(15).map(3).uint(1).text(agent).uint(6).uint(at).uint(265).text(profile);
    };
    header("protected-empty", &|_, _| ());
    header("protected-empty-map", &|w, _| {
        w.map(0);
    });
    header("alg-es256", &|w, agent| {
        w.map(3).uint(1).int(-7);
        claims(w, agent, at, PROFILE);
        w.uint(16).text(TYP);
    });
    header("alg-missing", &|w, agent| {
        w.map(2);
        claims(w, agent, at, PROFILE);
        w.uint(16).text(TYP);
    });
    header("alg-twice", &|w, agent| {
        w.map(4).uint(1).int(-8).uint(1).int(-8);
        claims(w, agent, at, PROFILE);
        w.uint(16).text(TYP);
    });
    header("crit", &|w, agent| {
        w.map(4).uint(1).int(-8).uint(2).array(1).uint(16);
        claims(w, agent, at, PROFILE);
        w.uint(16).text(TYP);
    });
    header("claims-other-issuer", &|w, _| {
        w.map(3).uint(1).int(-8);
        claims(w, &key(6).verifying_key().did_key(), at, PROFILE);
        w.uint(16).text(TYP);
    });
    header("claims-other-time", &|w, agent| {
        w.map(3).uint(1).int(-8);
        claims(w, agent, at + 1, PROFILE);
        w.uint(16).text(TYP);
    });
    header("claims-other-profile", &|w, agent| {
        w.map(3).uint(1).int(-8);
        claims(w, agent, at, "tag:probity.example,2026:eat/statement/1");
        w.uint(16).text(TYP);
    });
    header("typ-other", &|w, agent| {
        w.map(3).uint(1).int(-8);
        claims(w, agent, at, PROFILE);
        w.uint(16).text("application/probity-bundle+cbor");
    });
    header("protected-unsorted", &|w, agent| {
        w.map(3).uint(1).int(-8).uint(16).text(TYP);
        claims(w, agent, at, PROFILE);
    });
    header("protected-trailing", &|w, agent| {
        w.map(3).uint(1).int(-8);
        claims(w, agent, at, PROFILE);
        w.uint(16).text(TYP).null();
    });
}

fn unprotected(build: &mut Builder<'_>) {
    build.refuse("unprotected-indefinite", "P1", |draft| {
        let mut header = draft.spec.header();
        header[0] = 0xbf;
        header.push(0xff);
        draft.spec.unprotected = Some(header);
    });
    let mut header = |name, change: &dyn Fn(&ProofSpec, &mut Vec<u8>)| {
        build.refuse(name, "P2", |draft| {
            let mut header = draft.spec.header();
            change(&draft.spec, &mut header);
            draft.spec.unprotected = Some(header);
        });
    };
    let label = |text: &str| [&[0x60 + text.len() as u8], text.as_bytes()].concat();
    header("unprotected-null", &|_, h| *h = vec![0xf6]);
    header("unprotected-alg", &|_, h| {
        h[0] = 0xa3;
        drop(h.splice(1..1, [0x01, 0x27]));
    });
    header("unprotected-unknown-label", &|_, h| {
        h[0] = 0xa3;
        h.extend(label("remark"));
        h.push(0x01);
    });
    header("unprotected-label-twice", &|_, h| {
        h[0] = 0xa3;
        let at = find(h, &label("inclusion"));
        let again = h[at..].to_vec();
        h.extend(again);
    });
    header("unprotected-unsorted", &|_, h| {
        let at = find(h, &label("inclusion"));
        let swapped = [&h[..1], &h[at..], &h[1..at]].concat();
        *h = swapped;
    });
    header("evidence-alone", &|_, h| {
        h[0] = 0xa1;
        h.truncate(find(h, &label("inclusion")));
    });
    header("inclusion-alone", &|_, h| {
        let at = find(h, &label("inclusion"));
        *h = [&[0xa1], &h[at..]].concat();
    });
    header("inclusion-of-four", &|_, h| {
        let at = find(h, &label("inclusion")) + 10;
        h[at] = 0x84;
        h.push(0x00);
    });
    header("path-node-31-bytes", &|_, h| {
        let at = h.len() - 33;
        h[at] = 31;
        h.pop();
    });
    header("path-of-65", &|_, h| {
        let at = find(h, &label("inclusion")) + 13;
        h.truncate(at);
        h.extend([0x98, 65]);
        (0..65).for_each(|_| h.extend([&[0x58, 32][..], &[1; 32]].concat()));
    });
}

/// Where `part` stands for the last time.
fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).rposition(|window| window == part).expect("the part stands there")
}

fn signature(build: &mut Builder<'_>) {
    let mut signature = |name, change: fn(&mut [u8; 64])| {
        build.refuse(name, "P5", |draft| draft.spec.signature = Some(change));
    };
    signature("signature-bit", |s| s[0] ^= 1);
    signature("signature-zero", |s| *s = [0; 64]);
    signature("signature-s-plus-order", |s| {
        let mut carry = 0;
        for (byte, order) in s[32..].iter_mut().zip(ED25519_ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
    });
    signature("signature-r-small-order", |s| {
        s[..32].fill(0);
        s[0] = 1;
    });
    build.refuse("signed-by-stranger", "P5", |draft| draft.spec.signer = Arc::new(key(6)));
    build.refuse("payload-altered", "P5", |draft| {
        draft.spec.whole = Some(|bytes| {
            // A byte of the proof id, which no structure rests on.
            let at = bytes.windows(16).position(|w| w == [0x1d; 16]).expect("the proof id");
            bytes[at] ^= 1;
        });
    });
    build.refuse("agent-small-order", "P5", |draft| {
        draft.spec.statement(|s| s.agent = SMALL_ORDER_DID.into());
    });
    build.refuse("agent-no-key", "P5", |draft| {
        draft.spec.statement(|s| s.agent = "did:web:example.org".into());
    });
}

/// did:key of the neutral element, y = 1.
const SMALL_ORDER_DID: &str = "did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj";
/// The order of Ed25519's group, little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
