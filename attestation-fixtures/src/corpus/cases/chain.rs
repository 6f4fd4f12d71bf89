//! Cases of the certificate chain but for time: N22 to N27.
//! They must differ from the good document in one place each.

use super::*;

pub(super) fn chain(build: &mut Builder) {
    let chain = build.chain();
    let foreign = TestPki::from_seed(&[1; 32]);
    let foreign_root = foreign.root_der().to_vec();
    build.refuse("root-foreign", "N22", &[Tamper::ReplaceBundle(0, foreign_root.clone())]);
    build.case("root-not-in-policy", Refuse("N22"), &[], |p| p.root_der = foreign_root);
    build.refuse(
        "root-trailing",
        "N22",
        &[Tamper::ReplaceBundle(0, [&chain.cabundle[0][..], &[0]].concat())],
    );
    build.refuse("root-last", "N22", &[Tamper::SwapBundle(0, 3)]);
    let root = build.chain().cabundle[0].clone();
    build.refuse("root-twice", "N23", &[Tamper::ReplaceBundle(1, root)]);
    build.refuse("root-only", "N24", &[Tamper::BundleLength(1)]);
    build.refuse("order-swapped", "N23", &[Tamper::SwapBundle(1, 2)]);
    build.refuse("order-leaf-side-first", "N23", &[Tamper::SwapBundle(1, 3)]);
}

pub(super) fn certificates(build: &mut Builder) {
    let cert = certificate;
    let point = build.chain().signer.point();
    build.refuse("issuer-garbage", "N23", &[Tamper::ReplaceBundle(2, vec![0x30, 0x80])]);
    let huge = vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff];
    build.refuse("issuer-length-huge", "N23", &[Tamper::ReplaceBundle(2, huge)]);
    build.refuse("issuer-trailing", "N23", &cert(Zone, CertTamper::Trailing(vec![0])));
    build.refuse("leaf-trailing", "N23", &cert(Leaf, CertTamper::Trailing(vec![0])));
    build.refuse("issuer-v1", "N23", &cert(Zone, CertTamper::Version(0)));
    build.refuse("leaf-v2", "N23", &cert(Leaf, CertTamper::Version(1)));
    let sha256 = || oid::ECDSA_SHA256.to_vec();
    build.refuse("inner-algorithm", "N23", &cert(Zone, CertTamper::InnerAlgorithm(sha256())));
    build.refuse("outer-algorithm", "N23", &cert(Leaf, CertTamper::OuterAlgorithm(sha256())));
    let p256 = || CertTamper::Curve(oid::PRIME256V1.to_vec());
    build.refuse("leaf-curve-p256", "N23", &cert(Leaf, p256()));
    build.refuse("issuer-curve-p256", "N23", &cert(Instance, p256()));
    let compressed = [&[0x02][..], &point[1..49]].concat();
    build.refuse("leaf-compressed", "N23", &cert(Leaf, CertTamper::Point(compressed)));
    build.refuse("leaf-infinity", "N23", &cert(Leaf, CertTamper::Point(vec![0])));
    build.refuse("leaf-key-unused-bits", "N23", &cert(Leaf, CertTamper::UnusedBits(1)));
    build.refuse("issuer-off-curve", "N24", &cert(Zone, CertTamper::PointOffCurve));
    build.refuse("leaf-off-curve", "N32", &cert(Leaf, CertTamper::PointOffCurve));
}

pub(super) fn issuers(build: &mut Builder) {
    let cert = certificate;
    let name = crate::certificate::Name(vec![(3, "somebody else".to_owned())]);
    build.refuse("issuer-name", "N24", &cert(Zone, CertTamper::Issuer(name)));
    for (case, level) in [
        ("stranger-signs-region", Region),
        ("stranger-signs-zone", Zone),
        ("stranger-signs-instance", Instance),
        ("stranger-signs-leaf", Leaf),
    ] {
        build.refuse(case, "N24", &cert(level, CertTamper::SignedByStranger));
    }
    let other = build.pki.issue(build.now_ms + 20 * 86_400_000);
    let foreign_zone = Tamper::ReplaceBundle(2, other.cabundle[2].clone());
    build.refuse("issuer-of-other-chain", "N24", &[foreign_zone]);
}

pub(super) fn rights(build: &mut Builder) {
    let cert = certificate;
    let set = |extension| CertTamper::Set(extension);
    let remove = |oid: &[u8]| CertTamper::Remove(oid.to_vec());
    let plain = Extension { critical: false, ..Extension::basic_constraints(true, Some(1)) };
    build.refuse("leaf-issues", "N25", &[Tamper::LeafIssues]);
    build.refuse("issuer-no-constraints", "N25", &cert(Zone, remove(oid::BASIC_CONSTRAINTS)));
    build.refuse("issuer-constraints-plain", "N25", &cert(Zone, set(plain)));
    let not_an_issuer = Extension::basic_constraints(false, None);
    build.refuse("issuer-not-ca", "N25", &cert(Instance, set(not_an_issuer)));
    let short = |length| set(Extension::basic_constraints(true, Some(length)));
    build.refuse("path-length-region", "N25", &cert(Region, short(1)));
    build.refuse("path-length-zone", "N25", &cert(Zone, short(0)));
    build.refuse("issuer-no-key-usage", "N25", &cert(Instance, remove(oid::KEY_USAGE)));
    let only_signs = set(Extension::key_usage(true, 0x80));
    build.refuse("issuer-no-cert-sign", "N25", &cert(Instance, only_signs));
    let loose = Extension {
        value: vec![0x30, 0x03, 0x01, 0x01, 0x01],
        ..Extension::basic_constraints(true, None)
    };
    build.refuse("issuer-constraints-not-der", "N25", &cert(Instance, set(loose)));
}

pub(super) fn leaf_rights(build: &mut Builder) {
    let cert = certificate;
    let set = |extension| CertTamper::Set(extension);
    let remove = |oid: &[u8]| CertTamper::Remove(oid.to_vec());
    let authority = set(Extension::basic_constraints(true, Some(0)));
    build.refuse("leaf-is-ca", "N26", &cert(Leaf, authority));
    let path = set(Extension::basic_constraints(false, Some(0)));
    build.refuse("leaf-path-length", "N26", &cert(Leaf, path));
    build.refuse("leaf-no-key-usage", "N26", &cert(Leaf, remove(oid::KEY_USAGE)));
    let usage = |bits| set(Extension::key_usage(false, bits));
    build.refuse("leaf-cert-sign", "N26", &cert(Leaf, usage(0x84)));
    build.refuse("leaf-crl-sign", "N26", &cert(Leaf, usage(0x82)));
    build.refuse("leaf-no-signature-usage", "N26", &cert(Leaf, usage(0x40)));
    build.accept("leaf-no-constraints", &cert(Leaf, remove(oid::BASIC_CONSTRAINTS)));
    let name = oid::NAME_CONSTRAINTS.to_vec();
    let unknown = |critical| {
        CertTamper::Append(Extension { oid: name.clone(), critical, value: vec![0x30, 0x00] })
    };
    build.refuse("issuer-unknown-critical", "N27", &cert(Region, unknown(true)));
    build.refuse("leaf-unknown-critical", "N27", &cert(Leaf, unknown(true)));
    build.accept("leaf-unknown-plain", &cert(Leaf, unknown(false)));
    let again = CertTamper::Append(Extension::key_usage(false, 0x80));
    build.refuse("leaf-extension-twice", "N27", &cert(Leaf, again));
    let again = CertTamper::Append(Extension::basic_constraints(true, Some(9)));
    build.refuse("issuer-extension-twice", "N27", &cert(Zone, again));
}
