//! Cases of policy files (POLICY.md): Y1 to Y7. Hostile content is encoded as it is and signed by
//! keys that are right, so that nothing but the content refuses it.

mod workers;

use super::collect::{Corpus, NewCase, hex};
use super::manifest::{At, Demands, Kind, NonceDemand, PolicyDemands};
use crate::corpus::Expected;
use crate::document::bytes_item;
use crate::pki::TestPki;
use crate::proofs::{RuleWorld, key};
use cbor::Writer;
use crypto::{VerifyingKey, cose};
use facts::Millis;
use policy::{
    Anchor, Content, Freshness, NamedDer, Release, RetiredSigner, RevokedRelease, RevokedSigner,
    Signers, Tpm, Witnesses,
};
use std::collections::BTreeMap;

const ISSUED_AT_MS: u64 = 1_767_225_600_000;
const NOW_MS: u64 = ISSUED_AT_MS + 86_400_000;
const EXPIRES_AT_MS: u64 = ISSUED_AT_MS + 30 * 86_400_000;
const TYP: &str = "application/probity-policy+cbor";

/// A policy file in parts.
struct Draft {
    payload: Vec<u8>,
    typ: &'static str,
    /// Who signs: the key that is named, and the one that really signs.
    signers: Vec<(u8, u8)>,
    /// Changes the whole.
    whole: fn(&mut Vec<u8>),
    demands: Demands,
    /// A file that comes after, to take its place.
    successor: Option<Vec<u8>>,
}

struct Builder<'c> {
    corpus: &'c mut Corpus,
    content: Content,
}

pub(super) fn collect(corpus: &mut Corpus) {
    let content = content();
    let mut build = Builder { corpus, content };
    envelope(&mut build);
    payload(&mut build);
    registers(&mut build);
    contents(&mut build);
    workers::cases(&mut build);
    signatures(&mut build);
    successors(&mut build);
}

fn public(fill: u8) -> VerifyingKey {
    key(fill).verifying_key()
}

fn sorted(fills: &[u8]) -> Vec<VerifyingKey> {
    let mut keys: Vec<_> = fills.iter().map(|fill| public(*fill)).collect();
    keys.sort();
    keys
}

/// The good policy: two of three signers.
fn content() -> Content {
    let root = NamedDer { name: "test-root".into(), der: TestPki::shared().root_der().to_vec() };
    Content {
        name: "conformance".into(),
        version: 3,
        issued_at: Millis(ISSUED_AT_MS),
        expires_at: Millis(EXPIRES_AT_MS),
        signers: Signers { keys: sorted(&[31, 32, 33]), threshold: 2 },
        kinds: vec![policy::Kind::Nitro],
        anchors: vec![Anchor::Der(root)],
        releases: vec![Release {
            name: "1.0.0".into(),
            kind: policy::Kind::Nitro,
            pcrs: (0..3).map(|index| (index, [0xa0 + index; 48])).collect(),
            from: Millis(0),
            to: None,
        }],
        revoked_releases: vec![],
        required_pcrs: BTreeMap::new(),
        boot_configs: vec![RuleWorld::shared().config.to_bytes()],
        revoked_certificates: vec![],
        revoked_signers: vec![],
        retired_signers: vec![],
        tpm: Tpm::default(),
        witnesses: Witnesses::default(),
        freshness: Freshness::default(),
        regions: None,
        required_checks: vec![],
    }
}

impl Draft {
    fn of(content: &Content) -> Self {
        Self {
            payload: content.to_bytes(),
            typ: TYP,
            signers: vec![(31, 31), (33, 33)],
            whole: |_| (),
            demands: Demands {
                at: At::Live(NOW_MS),
                evidence: String::new(),
                roots: vec![],
                age_ms_max: 300_000,
                clock_skew_ms: 60_000,
                pcrs: BTreeMap::new(),
                required_pcrs: BTreeMap::new(),
                nonce: NonceDemand::Any,
                user_data: None,
                public_key: None,
                regions: None,
                revoked: vec![],
                tpm: None,
                proof: None,
                policy: Some(PolicyDemands { pins: vec![], threshold: 0 }),
            },
            successor: None,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut body = Writer::new();
        body.map(1).uint(16).text(self.typ);
        let body = body.finish();
        let mut signers = self.signers.clone();
        signers.sort_by_key(|(named, _)| public(*named));
        let mut out = vec![0xd8, 98, 0x84];
        out.extend([bytes_item(&body), vec![0xa0], bytes_item(&self.payload)].concat());
        out.push(0x80 + signers.len() as u8);
        for (named, signs) in signers {
            let mut protected = Writer::new();
            protected.map(2).uint(1).int(-8).uint(4).bytes(&public(named).to_bytes());
            let protected = protected.finish();
            let message = cose::sign_structure(&body, &protected, &self.payload);
            let signature = key(signs).sign(&message).0;
            out.extend([&[0x83][..], &bytes_item(&protected), &[0xa0]].concat());
            out.extend(bytes_item(&signature));
        }
        (self.whole)(&mut out);
        out
    }

    fn pins(&mut self, fills: &[u8], threshold: usize) {
        let pins = sorted(fills).iter().map(|pin| hex(&pin.to_bytes())).collect();
        self.demands.policy = Some(PolicyDemands { pins, threshold });
    }
}

impl Builder<'_> {
    fn case(&mut self, name: &str, expected: Expected, change: impl FnOnce(&mut Draft)) {
        let mut draft = Draft::of(&self.content);
        change(&mut draft);
        self.add(name, expected, draft);
    }

    fn refuse(&mut self, name: &str, check: &'static str, change: impl FnOnce(&mut Draft)) {
        self.case(name, Expected::Refuse(check), change);
    }

    /// Content that may not be written, signed all the same.
    fn content(&mut self, name: &str, change: impl FnOnce(&mut Content)) {
        let mut content = self.content.clone();
        change(&mut content);
        self.add(name, Expected::Refuse("Y3"), Draft::of(&content));
    }

    fn add(&mut self, name: &str, expected: Expected, draft: Draft) {
        let mut bytes = vec![draft.to_bytes()];
        bytes.extend(draft.successor);
        let (kind, demands) = (Kind::Policy, draft.demands);
        let materials = vec![];
        self.corpus.case(NewCase { kind, name, bytes, expected, demands, materials, note: None });
    }
}

fn envelope(build: &mut Builder<'_>) {
    build.case("good", Expected::Accept, |_| ());
    build.case("good-pinned", Expected::Accept, |draft| draft.pins(&[31, 32, 33], 2));
    build.case("good-with-stranger", Expected::Accept, |draft| draft.signers.push((39, 39)));
    let mut whole = |name, change: fn(&mut Vec<u8>)| {
        build.refuse(name, "Y1", |draft| draft.whole = change);
    };
    whole("oversized", |bytes| bytes.resize((1 << 20) + 1, 0));
    whole("trailing-byte", |bytes| bytes.push(0));
    whole("untagged", |bytes| drop(bytes.splice(..2, [])));
    whole("tag-18", |bytes| drop(bytes.splice(..2, [0xd2])));
    whole("array-of-three", |bytes| bytes[2] = 0x83);
    whole("array-indefinite", |bytes| {
        bytes[2] = 0x9f;
        bytes.push(0xff);
    });
    whole("truncated", |bytes| bytes.truncate(bytes.len() - 1));
    whole("nesting-bomb", |bytes| *bytes = vec![0x81; 8000]);
    whole("empty", Vec::clear);
    let bundle = "application/probity-bundle+cbor";
    build.refuse("typ-of-a-bundle", "Y1", |draft| draft.typ = bundle);
    build.refuse("signer-twice", "Y1", |draft| draft.signers = vec![(31, 31), (31, 31)]);
}

fn payload(build: &mut Builder<'_>) {
    let mut payload = |name, change: fn(&mut Vec<u8>)| {
        build.refuse(name, "Y2", |draft| change(&mut draft.payload));
    };
    payload("payload-trailing", |p| p.push(0));
    payload("payload-truncated", |p| p.truncate(p.len() - 1));
    payload("format-2", |p| p[2] = 2);
    payload("format-long-head", |p| drop(p.splice(2..3, [0x18, 0x01])));
    payload("payload-indefinite", |p| {
        p[0] = 0xbf;
        p.push(0xff);
    });
    payload("payload-key-missing", |p| {
        p[0] -= 1;
        p.truncate(p.len() - 2);
    });
    payload("payload-array", |p| *p = vec![0x80]);
}

fn registers(build: &mut Builder<'_>) {
    for index in 0..3_u8 {
        let name = format!("debug-pcr{index}");
        build.content(&name, |c| {
            c.releases[0].pcrs.insert(index, [0; 48]);
        });
        let name = format!("without-pcr{index}");
        build.content(&name, |c| {
            c.releases[0].pcrs.remove(&index);
        });
    }
    build.content("pcr-all-ones", |c| {
        c.releases[0].pcrs.insert(0, [0xff; 48]);
    });
    build.content("release-names-pcr16", |c| {
        c.releases[0].pcrs.insert(16, [1; 48]);
    });
    build.content("required-pcr-zero", |c| {
        c.required_pcrs.insert(8, [0; 48]);
    });
    build.content("required-pcr0", |c| {
        c.required_pcrs.insert(0, [1; 48]);
    });
    build.content("release-none", |c| c.releases.clear());
    build.content("release-twice", |c| c.releases.push(c.releases[0].clone()));
    build.content("release-same-registers", |c| {
        let again = Release { name: "1.0.1".into(), ..c.releases[0].clone() };
        c.releases.push(again);
    });
    build.content("release-window-empty", |c| c.releases[0].to = Some(Millis(0)));
}

fn contents(build: &mut Builder<'_>) {
    build.content("expires-before-issue", |c| c.expires_at = c.issued_at);
    build.content("signers-none", |c| c.signers.keys.clear());
    build.content("threshold-zero", |c| c.signers.threshold = 0);
    build.content("threshold-above-signers", |c| c.signers.threshold = 4);
    build.content("signers-unsorted", |c| c.signers.keys.reverse());
    build.content("kinds-none", |c| c.kinds.clear());
    build.content("anchors-none", |c| c.anchors.clear());
    build.content("boot-configuration-none", |c| c.boot_configs.clear());
    build.content("boot-configuration-garbage", |c| c.boot_configs = vec![vec![0xff]]);
    build.content("tpm-without-keys", |c| c.kinds.push(policy::Kind::Tpm));
    build.content("revoked-release-unknown", |c| {
        c.revoked_releases = vec![RevokedRelease { name: "0.9".into(), reason: "x".into() }];
    });
    build.content("signer-revoked-and-retired", |c| {
        let (key, reason) = (public(5), "x".to_owned());
        c.revoked_signers = vec![RevokedSigner { key, reason: reason.clone() }];
        c.retired_signers = vec![RetiredSigner { key, from: Millis(1), reason }];
    });
    build.content("required-check-unknown", |c| c.required_checks = vec!["P23".into()]);
    build.content("required-check-of-a-set", |c| c.required_checks = vec!["P9".into()]);
    build.content("witnesses-required-but-none", |c| c.required_checks = vec!["P20".into()]);
    build.content("witness-threshold-without-witness", |c| c.witnesses.threshold = 1);
    build.content("regions-none", |c| c.regions = Some(vec![]));
    build.content("name-with-control", |c| c.name = "a\u{7}b".into());
}

fn signatures(build: &mut Builder<'_>) {
    let mut content = build.content.clone();
    content.freshness.skew_ms = 3_600_000;
    build.add("skew-of-an-hour", Expected::Refuse("Y2"), Draft::of(&content));
    build.refuse("signature-bit", "Y4", |draft| {
        draft.whole = |bytes| {
            let at = bytes.len() - 1;
            bytes[at] ^= 1;
        };
    });
    build.refuse("signed-by-one", "Y4", |draft| draft.signers.truncate(1));
    build.refuse("signed-by-none", "Y4", |draft| draft.signers.clear());
    build.refuse("signed-by-strangers", "Y4", |draft| draft.signers = vec![(38, 38), (39, 39)]);
    build.refuse("signed-in-anothers-name", "Y4", |draft| draft.signers[1].1 = 39);
    build.refuse("payload-altered", "Y4", |draft| {
        draft.whole = |bytes| {
            let at = bytes.windows(11).position(|w| w == b"conformance").expect("the name");
            bytes[at] = b'k';
        };
    });
    build.refuse("pins-of-others", "Y5", |draft| draft.pins(&[41, 42], 1));
    build.refuse("pins-more-than-signed", "Y5", |draft| draft.pins(&[31, 32, 33], 3));
    build.refuse("expired", "Y6", |draft| draft.demands.at = At::Live(EXPIRES_AT_MS));
    build.refuse("not-yet", "Y6", |draft| draft.demands.at = At::Live(ISSUED_AT_MS - 120_001));
}

/// The second file wants to take the first one's place.
fn successors(build: &mut Builder<'_>) {
    let honest = build.content.clone();
    let mut next = |name, expected, signers: &[u8], change: fn(&mut Content)| {
        let mut content = Content { version: 4, ..honest.clone() };
        change(&mut content);
        let mut second = Draft::of(&content);
        second.signers = signers.iter().map(|fill| (*fill, *fill)).collect();
        let second = second.to_bytes();
        build.case(name, expected, |draft| draft.successor = Some(second));
    };
    next("good-successor", Expected::Accept, &[31, 32], |_| ());
    let refuse = Expected::Refuse("Y7");
    next("successor-same-version", refuse, &[31, 32], |c| c.version = 3);
    next("successor-lower-version", refuse, &[31, 32], |c| c.version = 2);
    next("successor-other-name", refuse, &[31, 32], |c| c.name = "another".into());
    next("successor-new-signers-alone", Expected::Refuse("Y5"), &[41, 42], |c| {
        c.signers = Signers { keys: sorted(&[41, 42]), threshold: 2 };
    });
}
