//! Cases of the statement's bytes, under a signature that is right: P3 and P18; its time and
//! nonce: P10 and P11.

use super::{Builder, demanded};
use crate::proofs::{EVALUATED_AT_MS, QUOTED_AT_MS};
use facts::Millis;

pub(super) fn cases(build: &mut Builder<'_>) {
    bytes(build);
    canonical(build);
    decision(build);
    times(build);
}

fn bytes(build: &mut Builder<'_>) {
    let mut payload = |name, change: fn(&mut Vec<u8>)| {
        build.refuse(name, "P3", |draft| change(&mut draft.spec.payload));
    };
    payload("version-1", |p| p[2] = 1);
    payload("version-3", |p| p[2] = 3);
    payload("version-long-head", |p| drop(p.splice(2..3, [0x18, 0x02])));
    payload("statement-indefinite", |p| {
        p[0] = 0xbf;
        p.push(0xff);
    });
    payload("statement-trailing", |p| p.push(0));
    payload("statement-truncated", |p| p.truncate(p.len() - 1));
    payload("statement-empty", Vec::clear);
    payload("statement-array", |p| *p = vec![0x80]);
    payload("statement-bomb", |p| *p = vec![0x81; 5000]);
    payload("statement-map-huge", |p| *p = vec![0xbb, 255, 255, 255, 255, 0, 0, 0, 0]);
    payload("statement-key-twice", |p| {
        p[0] = 0xb8;
        drop(p.splice(1..1, [24, 0x01, 0x02]));
    });
    payload("statement-unknown-key", |p| {
        drop(p.splice(..1, [0xb8, 24]));
        p.extend([0x18, 24, 0x00]);
    });
    payload("statement-key-missing", |p| {
        p[0] = 0xb6;
        // The last key and its value: 23 and an empty array.
        p.truncate(p.len() - 2);
    });
    payload("proof-id-15-bytes", |p| {
        let at = p.windows(17).position(|w| w[0] == 0x50 && w[1..] == [0x1d; 16]).expect("the id");
        p[at] = 0x4f;
        p.remove(at + 1);
    });
    payload("agent-chunked", |p| {
        let at = p.windows(8).position(|w| w == b"did:key:").expect("the agent");
        drop(p.splice(at - 2..at - 2, [0x7f]));
        let end = at + 1 + 56;
        p.insert(end, 0xff);
    });
    payload("compliant-not-bool", |p| {
        let at = p.windows(4).position(|w| w == [0x14, 0x82, 0xf5, 0x01]).expect("the decision");
        p[at + 2] = 0x01;
    });
}

fn canonical(build: &mut Builder<'_>) {
    build.refuse("jurisdictions-unsorted", "P3", |draft| {
        draft.spec.statement(|s| s.jurisdictions = vec!["US".into(), "UK".into()]);
    });
    build.refuse("jurisdictions-twice", "P3", |draft| {
        draft.spec.statement(|s| s.jurisdictions = vec!["US".into(), "US".into()]);
    });
    build.refuse("jurisdictions-none", "P3", |draft| {
        draft.spec.statement(|s| s.jurisdictions.clear());
    });
    build.refuse("jurisdictions-17", "P3", |draft| {
        draft.spec.statement(|s| {
            s.jurisdictions = (0..17).map(|n| format!("J{n:02}")).collect();
        });
    });
    build.refuse("rules-none", "P3", |draft| draft.spec.statement(|s| s.rules.clear()));
    build.refuse("rules-twice", "P3", |draft| {
        draft.spec.statement(|s| s.rules.push(s.rules[0].clone()));
    });
    build.refuse("nonce-65-bytes", "P3", |draft| {
        draft.spec.statement(|s| s.nonce = Some(vec![1; 65]));
    });
    build.refuse("nonce-empty", "P3", |draft| {
        draft.spec.statement(|s| s.nonce = Some(vec![]));
    });
}

/// The bytes of the decision are changed before they are signed.
fn decision(build: &mut Builder<'_>) {
    let mut decision = |name, compliant: u8, outcome: u8| {
        build.refuse(name, "P18", |draft| {
            let payload = &mut draft.spec.payload;
            let is = |w: &[u8]| w == [0x14, 0x82, 0xf5, 0x01];
            let at = payload.windows(4).position(is).expect("the decision");
            (payload[at + 2], payload[at + 3]) = (compliant, outcome);
        });
    };
    decision("decision-milder", 0xf5, 0);
    decision("decision-graver", 0xf4, 3);
    decision("decision-not-compliant", 0xf4, 1);
}

fn times(build: &mut Builder<'_>) {
    let at = |ms: u64| move |s: &mut proof::Statement| s.evaluated_at = Millis(ms);
    build.refuse("evaluated-after-quote", "P10", |draft| {
        draft.spec.statement(at(QUOTED_AT_MS + 1_001));
    });
    build.refuse("evaluated-too-early", "P10", |draft| {
        draft.spec.statement(at(QUOTED_AT_MS - 120_001));
    });
    build.refuse("quoted-too-late", "P10", |draft| {
        demanded(draft).lag_ms_max = QUOTED_AT_MS - EVALUATED_AT_MS - 1;
    });
    build.accept("good-at-the-lag", crate::proofs::Backing::Nitro, |draft| {
        demanded(draft).lag_ms_max = QUOTED_AT_MS - EVALUATED_AT_MS;
    });
    let nonce = super::hex(b"nonce");
    build.accept("good-nonce", crate::proofs::Backing::Nitro, |draft| {
        demanded(draft).nonce = Some(nonce.clone());
    });
    build.refuse("nonce-other", "P11", |draft| {
        demanded(draft).nonce = Some(super::hex(b"noncf"));
    });
    build.refuse("nonce-none", "P11", |draft| {
        (draft.input, draft.salt) = (None, None);
        draft.spec.statement(|s| s.nonce = None);
        demanded(draft).nonce = Some(nonce);
    });
    build.refuse("required-check-not-made", "P15", |draft| {
        (draft.input, draft.salt) = (None, None);
        demanded(draft).required_checks = vec!["P15".into()];
    });
}
