//! Cases of time, of what a document says and of what a policy demands: N28 to N41.
//! They must differ from the good document in one place each.

use super::*;

pub(super) fn times(build: &mut Builder) {
    let (now_s, now_ms) = (build.now_s(), build.now_ms);
    for (name, level) in [
        ("expired-root", Root),
        ("expired-region", Region),
        ("expired-zone", Zone),
        ("expired-instance", Instance),
        ("expired-leaf", Leaf),
    ] {
        build.refuse(name, "N28", &certificate(level, CertTamper::NotAfter(now_s - 1)));
    }
    for (name, level) in [
        ("early-root", Root),
        ("early-region", Region),
        ("early-zone", Zone),
        ("early-instance", Instance),
    ] {
        build.refuse(name, "N28", &certificate(level, CertTamper::NotBefore(now_s + 61)));
    }
    build.refuse("early-leaf", "N28", &leaf_from(now_s + 61));
    let early = leaf_from(now_s + 1);
    build.case("early-leaf-no-leeway", Refuse("N28"), &early, |p| p.clock_skew_ms = 0);
    let tomorrow = now_ms + 86_400_000;
    build.case("live-tomorrow", Refuse("N28"), &[], |p| p.time = TimeData::Live(tomorrow));
    build.case("archival-tomorrow", Refuse("N28"), &[], |p| p.time = TimeData::At(tomorrow));
    build.case("archival-yesterday", Refuse("N28"), &[], |p| {
        p.time = TimeData::At(now_ms - 86_400_000 * 30);
    });
    build.refuse("leaf-lives-4h", "N29", &certificate(Leaf, CertTamper::NotAfter(now_s + 14_400)));
    let spec = build.pki.chain_spec(now_ms);
    for (name, level) in [("revoked-leaf", 4), ("revoked-region", 1)] {
        let certificate = &spec.certificates[level];
        let entry = (certificate.issuer.der(), certificate.serial.clone());
        build.case(name, Refuse("N30"), &[], |p| p.revoked.push(entry));
    }
    let other_issuer = (spec.certificates[1].issuer.der(), spec.certificates[4].serial.clone());
    build.case("revoked-elsewhere", Accept, &[], |p| p.revoked.push(other_issuer));
}

pub(super) fn semantics(build: &mut Builder) {
    build.case("region-elsewhere", Refuse("N31"), &[], |p| {
        p.regions = Some(vec!["us-east-1".to_owned()]);
    });
    let renamed = [Tamper::Field("module_id", text_item("i-0-enc1"))];
    build.case("module-not-the-leafs", Refuse("N31"), &renamed, |p| {
        p.regions = Some(vec!["xx-test-1".to_owned()]);
    });
    build.refuse("signed-by-stranger", "N32", &[Tamper::SignedByStranger]);
    // Byte 30 lies in the module's name, which no structural check reads closely.
    build.refuse("payload-altered", "N32", &[Tamper::PayloadAltered(30)]);
    build.refuse("signature-r-one", "N32", &[Tamper::SignatureR([1; 48])]);
    let tpm = [Tamper::RenameField("pcrs", "nitrotpm_pcrs")];
    build.refuse("nitrotpm", "N33", &tpm);
    let both = [Tamper::Field("nitrotpm_pcrs", registers(&[(0, vec![1; 48])]))];
    build.refuse("nitrotpm-and-enclave", "N33", &both);
    for (name, index) in [("without-pcr0", 0), ("without-pcr1", 1), ("without-pcr2", 2)] {
        build.refuse(name, "N34", &[image_but(index, None)]);
    }
    for (name, index) in [("wrong-pcr0", 0), ("wrong-pcr1", 1), ("wrong-pcr2", 2)] {
        build.refuse(name, "N34", &[image_but(index, Some(vec![9; 48]))]);
    }
    let pcr16 = || image_and(&[(16, vec![7; 48])]);
    let demand =
        |value| move |p: &mut PolicyData| p.required_pcrs = [(16, value)].into_iter().collect();
    build.case("pcr16-as-demanded", Accept, &[pcr16()], demand([7; 48]));
    build.case("pcr16-wrong", Refuse("N35"), &[pcr16()], demand([8; 48]));
    build.case("pcr16-not-locked", Refuse("N35"), &[], demand([7; 48]));
    build.case("release-pcr16-wrong", Refuse("N35"), &[pcr16()], |p| {
        p.pcrs.insert(16, [8; 48]);
    });
    for (name, index) in [("debug-pcr0", 0), ("debug-pcr1", 1), ("debug-pcr2", 2)] {
        build.refuse(name, "N36", &[image_but(index, Some(vec![0; 48]))]);
    }
    let zero: Vec<(u64, Vec<u8>)> = (0..16).map(|index| (index, vec![0; 48])).collect();
    build.refuse("debug-all", "N36", &[Tamper::Field("pcrs", registers(&zero))]);
}

pub(super) fn bindings(build: &mut Builder) {
    let field = |name, bytes: &[u8]| [Tamper::Field(name, bytes_item(bytes))];
    build.refuse("user-data-wrong", "N37", &field("user_data", b"bindinG"));
    build.refuse("user-data-longer", "N37", &field("user_data", b"binding\0"));
    build.refuse("user-data-shorter", "N37", &field("user_data", b"bind"));
    build.refuse("user-data-missing", "N37", &[Tamper::RemoveField("user_data")]);
    let empty = |p: &mut PolicyData| p.user_data = Some(vec![]);
    build.case(
        "user-data-null-for-empty",
        Refuse("N37"),
        &[Tamper::RemoveField("user_data")],
        empty,
    );
    build.refuse("public-key-wrong", "N38", &field("public_key", b"kez"));
    build.refuse("public-key-missing", "N38", &[Tamper::RemoveField("public_key")]);
    build.refuse("nonce-wrong", "N39", &field("nonce", b"challengf"));
    build.refuse("nonce-replayed", "N39", &field("nonce", b"yesterday's challenge"));
    build.refuse("nonce-empty", "N39", &field("nonce", b""));
    build.refuse("nonce-missing", "N39", &[Tamper::RemoveField("nonce")]);
    build.refuse("nonce-null", "N39", &[Tamper::Field("nonce", vec![0xf6])]);
    build.case("nonce-unasked", Refuse("N39"), &[], |p| (p.nonce, p.nonce_absent) = (None, true));
    let now_ms = build.now_ms;
    let at = |ms: u64| Tamper::Field("timestamp", uint(ms));
    build.case("too-old", Refuse("N40"), &[], |p| p.time = TimeData::Live(now_ms + 300_001));
    build.case("just-young-enough", Accept, &[], |p| p.time = TimeData::Live(now_ms + 300_000));
    build.refuse("future", "N40", &[at(now_ms + 60_001)]);
    build.refuse("future-by-an-hour", "N40", &[at(now_ms + 3_600_000)]);
    build.accept("slightly-ahead", &[at(now_ms + 60_000)]);
    build.case("archival-before-document", Refuse("N40"), &[at(now_ms + 120_000)], |p| {
        p.time = TimeData::At(now_ms);
    });
    build.refuse("before-leaf", "N41", &[at(now_ms - 120_000)]);
    let at_1970 = [at(1)];
    build.case("before-leaf-archival", Refuse("N41"), &at_1970, |p| p.time = TimeData::At(now_ms));
    let end_ms = build.chain().not_after_ms;
    let after = [at(end_ms + 30_000)];
    build.case("after-leaf", Refuse("N41"), &after, |p| p.time = TimeData::Live(end_ms));
}
