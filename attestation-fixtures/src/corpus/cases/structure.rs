//! Cases of the envelope and of the payload as a whole: N1 to N15, and what is accepted.
//! They must differ from the good document in one place each.

use super::*;

pub(super) fn accepted(build: &mut Builder) {
    build.accept("good", &[]);
    build.accept("good-definite-map", &[Tamper::Definite]);
    build.accept("good-tag-18", &[Tamper::Tag(18)]);
    build.accept("good-high-s", &[Tamper::SignatureHigh(true)]);
    build.accept("good-low-s", &[Tamper::SignatureHigh(false)]);
    build.accept("good-unknown-field", &[Tamper::Field("later", vec![0x81, 0x01])]);
    build.accept("good-pcr16", &[image_and(&[(16, vec![7; 48])])]);
    build.accept("good-leeway-50s", &leaf_from(build.now_s() + 50));
    let empty = [Tamper::Field("user_data", bytes_item(&[]))];
    build.case("good-empty-user-data", Accept, &empty, |p| p.user_data = Some(vec![]));
    for name in ["user_data", "nonce", "public_key"] {
        let tamper = [Tamper::RemoveField(name)];
        let case = match name {
            "user_data" => "good-without-user-data",
            "nonce" => "good-without-nonce",
            _ => "good-without-public-key",
        };
        build.case(case, Accept, &tamper, |p| match name {
            "user_data" => p.user_data = None,
            "nonce" => (p.nonce, p.nonce_absent) = (None, true),
            _ => p.public_key = None,
        });
    }
    build.case("good-archival", Accept, &[], |p| p.time = TimeData::Document);
    let later = build.now_ms + 3_600_000;
    build.case("good-archival-at", Accept, &[], |p| p.time = TimeData::At(later));
    build.case("good-region", Accept, &[], |p| p.regions = Some(vec!["xx-test-1".to_owned()]));
    let long = certificate(Region, CertTamper::NotAfter(build.now_s() + 90 * 86_400));
    build.accept("good-long-lived-issuer-is-noted", &long);
}

pub(super) fn envelope(build: &mut Builder) {
    build.refuse("oversized", "N1", &[Tamper::EnvelopeTrailing(vec![0; 20_000])]);
    build.refuse("tag-17", "N2", &[Tamper::Tag(17)]);
    build.refuse("tag-huge", "N2", &[Tamper::Tag(u64::MAX)]);
    let head = |bytes: &[u8]| [Tamper::EnvelopeHead(bytes.to_vec())];
    build.refuse("array-of-five", "N3", &head(&[0x85]));
    build.refuse("array-of-three", "N3", &head(&[0x83]));
    build.refuse("array-indefinite", "N3", &head(&[0x9f]));
    build.refuse("array-head-long", "N3", &head(&[0x98, 0x04]));
    build.refuse("array-huge", "N3", &head(&[0x9b, 0xff, 0, 0, 0, 0, 0, 0, 0]));
    build.refuse("array-nested-bomb", "N3", &head(&[0x81; 4000]));
    build.refuse("tag-18-twice", "N3", &head(&[0xd2, 0xd2, 0x84]));
    build.refuse("trailing-byte", "N3", &[Tamper::EnvelopeTrailing(vec![0])]);
}

pub(super) fn headers(build: &mut Builder) {
    let es384_and_more = |more: &[u8]| [&[0xa2, 0x01, 0x38, 0x22], more].concat();
    let map = |item: &[u8]| Tamper::UnprotectedItem(item.to_vec());
    let protected = |bytes: &[u8]| [Tamper::Protected(bytes.to_vec())];
    build.refuse("alg-es256", "N4", &protected(&[0xa1, 0x01, 0x26]));
    build.refuse("alg-es512", "N4", &protected(&[0xa1, 0x01, 0x38, 0x23]));
    build.refuse("alg-twice", "N4", &protected(&es384_and_more(&[0x01, 0x38, 0x22])));
    build.refuse("protected-crit", "N4", &protected(&es384_and_more(&[0x02, 0x81, 0x01])));
    build.refuse("protected-kid", "N4", &protected(&es384_and_more(&[0x04, 0x41, 0x01])));
    build.refuse("protected-empty", "N4", &protected(&[]));
    build.refuse("protected-empty-map", "N4", &protected(&[0xa0]));
    build.refuse("protected-indefinite", "N4", &protected(&[0xbf, 0x01, 0x38, 0x22, 0xff]));
    build.refuse("protected-long-head", "N4", &protected(&[0xa1, 0x18, 0x01, 0x38, 0x22]));
    build.refuse("protected-trailing", "N4", &protected(&[0xa1, 0x01, 0x38, 0x22, 0x00]));
    build.refuse("protected-map", "N4", &[Tamper::ProtectedItem(vec![0xa1, 0x01, 0x38, 0x22])]);
    build.refuse("alg-in-unprotected", "N5", &[map(&[0xa1, 0x01, 0x38, 0x22])]);
    build.refuse("unprotected-indefinite", "N5", &[map(&[0xbf, 0xff])]);
    build.refuse("unprotected-kid", "N5", &[map(&[0xa1, 0x04, 0x41, 0x01])]);
    build.refuse("unprotected-twice", "N5", &[map(&[0xa2, 0x04, 0x01, 0x04, 0x01])]);
    build.refuse("unprotected-null", "N5", &[map(&[0xf6])]);
}

pub(super) fn signature(build: &mut Builder) {
    let payload = |item: &[u8]| [Tamper::PayloadItem(item.to_vec())];
    build.refuse("payload-nil", "N6", &payload(&[0xf6]));
    build.refuse("payload-empty", "N6", &payload(&[0x40]));
    build.refuse("payload-text", "N6", &payload(&[0x61, 0x61]));
    build.refuse("payload-huge", "N6", &payload(&[0x5b, 0x7f, 0xff, 0, 0, 0, 0, 0, 0]));
    build.refuse("payload-chunked", "N6", &[Tamper::PayloadChunked]);
    build.refuse("payload-too-long", "N6", &[Tamper::PayloadWhole(vec![0xa0; 16_385])]);
    let signature = |bytes: &[u8]| [Tamper::SignatureItem(bytes_item(bytes))];
    build.refuse("signature-der", "N7", &[Tamper::SignatureDer]);
    build.refuse("signature-short", "N7", &signature(&[1; 95]));
    build.refuse("signature-long", "N7", &signature(&[1; 97]));
    build.refuse("signature-empty", "N7", &signature(&[]));
    build.refuse("signature-nil", "N7", &[Tamper::SignatureItem(vec![0xf6])]);
    build.refuse("signature-r-zero", "N7", &[Tamper::SignatureR([0; 48])]);
    build.refuse("signature-s-zero", "N7", &[Tamper::SignatureS([0; 48])]);
    build.refuse("signature-r-order", "N7", &[Tamper::SignatureR(P384_ORDER)]);
    build.refuse("signature-s-order", "N7", &[Tamper::SignatureS(P384_ORDER)]);
    build.refuse("signature-s-above-order", "N7", &[Tamper::SignatureS([0xff; 48])]);
}

pub(super) fn payload(build: &mut Builder) {
    let bomb = [&[0x81; 12][..], &[0x00]].concat();
    build.refuse("payload-nesting-bomb", "N8", &[Tamper::Field("later", bomb)]);
    let tags = [&[0xc1; 12][..], &[0x00]].concat();
    build.refuse("payload-tag-bomb", "N8", &[Tamper::Field("later", tags)]);
    let names: Vec<Tamper> = (0_u8..40)
        .map(|index| Tamper::RawEntry(text_item(&format!("later{index}")), vec![0x00]))
        .collect();
    build.refuse("payload-many-fields", "N8", &names);
    build.refuse("payload-trailing-byte", "N9", &[Tamper::PayloadTrailing(vec![0x00])]);
    build.refuse("payload-second-map", "N9", &[Tamper::PayloadTrailing(vec![0xa0])]);
    build.refuse("payload-array", "N9", &[Tamper::PayloadWhole(vec![0x80])]);
    let huge = vec![0xbb, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    build.refuse("payload-map-huge", "N9", &[Tamper::PayloadWhole(huge)]);
    build.refuse("payload-map-no-break", "N9", &[Tamper::PayloadWhole(vec![0xbf])]);
    build.refuse("payload-number-key", "N9", &[Tamper::RawEntry(uint(1), uint(1))]);
    build.refuse("payload-float", "N9", &[Tamper::Field("later", vec![0xf9, 0x3c, 0x00])]);
    let invalid = Tamper::RawEntry(vec![0x61, 0xff], uint(1));
    build.refuse("payload-key-not-utf8", "N9", &[invalid]);
    build.refuse("twice-module-id", "N9", &[Tamper::RepeatField("module_id")]);
    build.refuse("twice-pcrs", "N9", &[Tamper::RepeatField("pcrs")]);
    build.refuse("twice-user-data", "N9", &[Tamper::RepeatField("user_data")]);
    let unknown = || Tamper::RawEntry(text_item("later"), uint(1));
    build.refuse("twice-unknown", "N9", &[unknown(), unknown()]);
    for (name, check, field) in [
        ("without-module-id", "N10", "module_id"),
        ("without-digest", "N11", "digest"),
        ("without-timestamp", "N12", "timestamp"),
        ("without-pcrs", "N13", "pcrs"),
        ("without-certificate", "N14", "certificate"),
        ("without-cabundle", "N15", "cabundle"),
    ] {
        build.refuse(name, check, &[Tamper::RemoveField(field)]);
    }
}
