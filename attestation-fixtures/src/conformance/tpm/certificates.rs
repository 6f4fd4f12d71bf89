//! Cases of attestation keys that are trusted by a certificate: T8.

use super::{Builder, Draft, NOW_MS, hex};
use crate::certificate::{Extension, Name, oid};
use crate::conformance::{At, Revoked};
use crate::corpus::Expected;
use crate::pki::TestPki;
use crate::tpm::{AkChain, AkKey, AkLevel, good_log};
use AkLevel::{Issuer, Leaf, Root};

pub(super) fn cases(build: &mut Builder<'_>) {
    accepted(build);
    chains(build);
    rights(build);
    others(build);
}

/// Evidence with a chain that `change` may spoil before it is signed.
fn draft(build: &mut Builder<'_>, key: AkKey, change: impl FnOnce(&mut AkChain)) -> Draft {
    let mut chain = AkChain::new(key, NOW_MS);
    change(&mut chain);
    let mut draft = Draft::new(key, &good_log());
    draft.quote.chain = chain.chain();
    draft.tpm().ak_names.clear();
    draft.demands.roots = vec![build.corpus.material("ak-root", &chain.root_der(), "der")];
    draft
}

fn accepted(build: &mut Builder<'_>) {
    let good = draft(build, AkKey::P256("ak"), |_| ());
    build.add("good-certified-p256", Expected::Accept, good);
    let good = draft(build, AkKey::Rsa2048, |_| ());
    build.add("good-certified-rsa2048", Expected::Accept, good);
    let mut good = draft(build, AkKey::P256("ak"), |_| ());
    let root = AkChain::new(AkKey::P256("ak"), NOW_MS).root_der();
    good.quote.chain.push(root);
    build.add("good-certified-root-sent", Expected::Accept, good);
}

fn chains(build: &mut Builder<'_>) {
    let mut spoilt = |name, change: &dyn Fn(&mut AkChain)| {
        let draft = draft(build, AkKey::P256("ak"), change);
        build.add(name, Expected::Refuse("T8"), draft);
    };
    spoilt("certified-leaf-by-stranger", &|c| c.at(Leaf).signed_by_stranger = true);
    spoilt("certified-issuer-by-stranger", &|c| c.at(Issuer).signed_by_stranger = true);
    spoilt("certified-leaf-expired", &|c| c.at(Leaf).not_after_s = NOW_MS / 1000 - 1);
    spoilt("certified-issuer-expired", &|c| c.at(Issuer).not_after_s = NOW_MS / 1000 - 1);
    spoilt("certified-root-expired", &|c| c.at(Root).not_after_s = NOW_MS / 1000 - 1);
    spoilt("certified-leaf-early", &|c| c.at(Leaf).not_before_s = NOW_MS / 1000 + 61);
    spoilt("certified-leaf-v1", &|c| c.at(Leaf).version = 0);
    spoilt("certified-leaf-trailing", &|c| c.at(Leaf).trailing = vec![0]);
    spoilt("certified-issuer-name", &|c| {
        c.at(Leaf).issuer = Name(vec![(3, "somebody else".to_owned())]);
    });
    spoilt("certified-leaf-two-algorithms", &|c| {
        c.at(Leaf).outer_algorithm = oid::ECDSA_SHA256.to_vec();
    });
    spoilt("certified-another-key", &|c| c.at(Leaf).point = AkKey::P256("other").unique());
}

fn rights(build: &mut Builder<'_>) {
    let mut spoilt = |name, level: AkLevel, change: &dyn Fn(&mut Vec<Extension>)| {
        let draft = draft(build, AkKey::P256("ak"), |c| change(&mut c.at(level).extensions));
        build.add(name, Expected::Refuse("T8"), draft);
    };
    spoilt("certified-leaf-is-ca", Leaf, &|all| {
        all[0] = Extension::basic_constraints(true, Some(0));
    });
    spoilt("certified-leaf-may-not-sign", Leaf, &|all| all[1] = Extension::key_usage(true, 0x20));
    spoilt("certified-leaf-no-usage", Leaf, &|all| drop(all.remove(1)));
    spoilt("certified-leaf-issues", Leaf, &|all| all[1] = Extension::key_usage(true, 0x84));
    spoilt("certified-leaf-for-endorsement", Leaf, &|all| {
        all[2] = Extension::ext_key_usage(oid::EK_CERTIFICATE);
    });
    spoilt("certified-leaf-unknown-critical", Leaf, &|all| {
        let oid = oid::NAME_CONSTRAINTS.to_vec();
        all.push(Extension { oid, critical: true, value: vec![0x30, 0x00] });
    });
    spoilt("certified-leaf-extension-twice", Leaf, &|all| all.push(all[1].clone()));
    spoilt("certified-issuer-not-ca", Issuer, &|all| {
        all[0] = Extension::basic_constraints(false, None);
    });
    spoilt("certified-issuer-no-constraints", Issuer, &|all| drop(all.remove(0)));
    spoilt("certified-issuer-no-cert-sign", Issuer, &|all| {
        all[1] = Extension::key_usage(true, 0x80);
    });
    spoilt("certified-issuer-no-usage", Issuer, &|all| drop(all.remove(1)));
    spoilt("certified-path-length", Root, &|all| {
        all[0] = Extension::basic_constraints(true, Some(0));
    });
}

fn others(build: &mut Builder<'_>) {
    let mut changed = |name, change: &dyn Fn(&mut Draft)| {
        let mut draft = draft(build, AkKey::P256("ak"), |_| ());
        change(&mut draft);
        build.add(name, Expected::Refuse("T8"), draft);
    };
    changed("certified-chain-swapped", &|draft| draft.quote.chain.reverse());
    changed("certified-issuer-missing", &|draft| drop(draft.quote.chain.pop()));
    changed("certified-chain-missing", &|draft| draft.quote.chain.clear());
    changed("certified-garbage", &|draft| draft.quote.chain[0] = vec![0x30, 0x80]);
    let day = 86_400_000;
    changed("certified-live-later", &|draft| draft.demands.at = At::Live(NOW_MS + 2 * day));
    let chain = AkChain::new(AkKey::P256("ak"), NOW_MS);
    for (name, level) in [("certified-leaf-revoked", 2), ("certified-issuer-revoked", 1)] {
        let spec = &chain.certificates[level];
        let entry = Revoked { issuer: hex(&spec.issuer.der()), serial: hex(&spec.serial) };
        changed(name, &|draft| draft.demands.revoked = vec![entry.clone()]);
    }
    let mut foreign = draft(build, AkKey::P256("ak"), |_| ());
    let root = TestPki::shared().root_der().to_vec();
    foreign.demands.roots = vec![build.corpus.material("root", &root, "der")];
    build.add("certified-root-not-in-policy", Expected::Refuse("T8"), foreign);
}
