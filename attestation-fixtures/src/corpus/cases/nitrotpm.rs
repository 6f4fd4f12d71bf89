//! Cases of documents that an EC2 instance's NitroTPM asked for. AWS describes the registers 0 to
//! 15, 16 and 23; 0 and 1 are constants of the platform, 4 and 7 say what was started.

use super::*;

/// The registers of the good document.
fn good() -> Vec<(u64, Vec<u8>)> {
    let indexes = (0..=16).chain([23]);
    indexes
        .map(|index| match index {
            0..=2 | 4 | 7 => (index, vec![0xa0 + index as u8; 48]),
            3 | 5 | 6 => (index, vec![0x30 + index as u8; 48]),
            _ => (index, vec![0; 48]),
        })
        .collect()
}

/// These registers under the name of the kind, after other faults.
fn document(registers_of: &[(u64, Vec<u8>)], faults: &[Tamper]) -> Vec<Tamper> {
    let field = Tamper::Field("pcrs", registers(registers_of));
    let rename = Tamper::RenameField("pcrs", "nitrotpm_pcrs");
    [vec![field], faults.to_vec(), vec![rename]].concat()
}

fn usual(policy: &mut PolicyData) {
    policy.pcrs = [0, 1, 2, 4, 7].map(|index| (index, [0xa0 + index; 48])).into_iter().collect();
}

pub(super) fn all(build: &mut Builder) {
    let now_ms = build.now_ms;
    let mut accept = |name, faults: &[Tamper], change: fn(&mut PolicyData)| {
        build.case(name, Accept, &document(&good(), faults), |p| {
            usual(p);
            change(p);
        });
    };
    accept("good", &[], |_| ());
    accept("good-definite-map", &[Tamper::Definite], |_| ());
    accept("good-tag-18", &[Tamper::Tag(18)], |_| ());
    accept("good-high-s", &[Tamper::SignatureHigh(true)], |_| ());
    accept("good-archival", &[], |p| p.time = TimeData::Document);
    let mut refuse = |name, check, faults: &[Tamper]| {
        build.case(name, Refuse(check), &document(&good(), faults), usual);
    };
    refuse("trailing-byte", "N3", &[Tamper::EnvelopeTrailing(vec![0])]);
    refuse("alg-es256", "N4", &[Tamper::Protected(vec![0xa1, 0x01, 0x26])]);
    refuse("alg-in-unprotected", "N5", &[Tamper::UnprotectedItem(vec![0xa1, 0x01, 0x38, 0x22])]);
    refuse("payload-chunked", "N6", &[Tamper::PayloadChunked]);
    refuse("twice-registers", "N9", &[Tamper::RepeatField("pcrs")]);
    refuse("without-registers", "N13", &[Tamper::RemoveField("pcrs")]);
    refuse("order-swapped", "N23", &[Tamper::SwapBundle(1, 2)]);
    refuse("stranger-signs-zone", "N24", &certificate(Zone, CertTamper::SignedByStranger));
    refuse("expired-leaf", "N28", &certificate(Leaf, CertTamper::NotAfter(now_ms / 1000 - 1)));
    refuse("signed-by-stranger", "N32", &[Tamper::SignedByStranger]);
    refuse("user-data-wrong", "N37", &[Tamper::Field("user_data", bytes_item(b"other"))]);
    refuse("public-key-wrong", "N38", &[Tamper::Field("public_key", bytes_item(b"other"))]);
    refuse("nonce-replayed", "N39", &[Tamper::Field("nonce", bytes_item(b"yesterday"))]);
    let enclave = Tamper::Field("pcrs", registers(&[(0, vec![0xa0; 48])]));
    build.case("enclave", Refuse("N33"), &[enclave], usual);
    let both = [document(&good(), &[]), vec![Tamper::Field("pcrs", registers(&good()))]].concat();
    build.case("enclave-and-nitrotpm", Refuse("N33"), &both, usual);
    for (name, index) in [("wrong-pcr4", 4), ("wrong-pcr7", 7)] {
        let mut other = good();
        other[index].1 = vec![9; 48];
        build.case(name, Refuse("N34"), &document(&other, &[]), usual);
        other.remove(index);
        let name = if index == 4 { "without-pcr4" } else { "without-pcr7" };
        build.case(name, Refuse("N34"), &document(&other, &[]), usual);
    }
    let mut long = good();
    long[4].1.push(0);
    build.case("pcr-49-bytes", Refuse("N13"), &document(&long, &[]), usual);
    let mut twice = good();
    twice.push((23, vec![0; 48]));
    build.case("pcr-twice", Refuse("N13"), &document(&twice, &[]), usual);
    build.case("too-old", Refuse("N40"), &document(&good(), &[]), |p| {
        usual(p);
        p.time = TimeData::Live(now_ms + 300_001);
    });
}
