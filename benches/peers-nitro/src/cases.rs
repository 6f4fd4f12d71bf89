//! What the verifiers are given: the real documents of the corpora at their own time, the same in
//! other envelopes, and the forger's documents under the test root. It must never ask of a peer
//! what its interface cannot be told: values of registers, nonces and the like are left out.

use attest::UnverifiedDocument;
use attestation_fixtures::{Expected, TimeData};
use cbor::Writer;
use std::path::Path;

/// A document and what a strict verifier says of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub group: Group,
    /// The document.
    pub bytes: Vec<u8>,
    /// The root, where it is not AWS's.
    pub root: Option<Vec<u8>>,
    /// The moment, Unix milliseconds.
    pub time_ms: u64,
    /// PCR0 that the verifier's owner expects.
    pub pcr0: [u8; 48],
    /// The check that must refuse it; `None` where it must be accepted.
    pub refused_by: Option<String>,
}

/// Where a case comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// A document as AWS signed it.
    Real,
    /// A real document in an envelope that AWS did not write, or at another time.
    Envelope,
    /// Of the forger, under the test root.
    Forged,
}

/// All of them.
pub fn all() -> Vec<Case> {
    let real = real();
    let sound = real.iter().filter(|case| case.refused_by.is_none());
    let envelopes: Vec<Case> = sound.flat_map(envelopes).collect();
    real.into_iter().chain(envelopes).chain(forged()).collect()
}

fn real() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/nitro");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("ignored: corpus absent (../shared/corpora/nitro)");
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let bytes = std::fs::read(&path).ok()?;
        let document = UnverifiedDocument::parse(&bytes).ok()?;
        let (time_ms, pcrs) = (document.timestamp_ms(), document.pcrs());
        let debug = (0..3).any(|index| pcrs.get(&index).is_none_or(|pcr| *pcr == [0; 48]));
        let pcr0 = pcrs.get(&0).copied().unwrap_or([0; 48]);
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let refused_by = debug.then(|| "N36".to_owned());
        Some(Case { name, group: Group::Real, bytes, root: None, time_ms, pcr0, refused_by })
    };
    paths.into_iter().filter_map(read).collect()
}

/// Nothing here needs AWS's key: whoever holds a document can write all of these.
fn envelopes(case: &Case) -> Vec<Case> {
    let payload = UnverifiedDocument::parse(&case.bytes).expect("parsed before").payload().to_vec();
    let signature = case.bytes[case.bytes.len() - 96..].to_vec();
    let header = |writer: &mut Writer| {
        writer.raw(&[0x44, 0xa1, 0x01, 0x38, 0x22]);
    };
    let write = |fill: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        fill(&mut writer);
        writer.finish()
    };
    let plain = |writer: &mut Writer| {
        header(writer.array(4));
        writer.map(0).bytes(&payload).bytes(&signature);
    };
    let mut flipped = payload.clone();
    flipped[payload.len() / 2] ^= 1;
    let (first, second) = payload.split_at(payload.len() / 2);
    let made: Vec<(&str, Option<&str>, Vec<u8>)> = vec![
        ("tagged 18", None, write(&|w| plain(w.tag(18)))),
        ("twin signature", None, {
            let mut twin = case.bytes.clone();
            let at = twin.len() - 48;
            negate(&mut twin[at..]);
            twin
        }),
        ("tagged 61", Some("N2"), write(&|w| plain(w.tag(61)))),
        ("trailing byte", Some("N3"), [&case.bytes[..], &[0]].concat()),
        ("array of indefinite length", Some("N3"), {
            let mut open = write(&plain);
            open[0] = 0x9f;
            [&open[..], &[0xff]].concat()
        }),
        (
            "alg repeated unprotected",
            Some("N5"),
            write(&|w| {
                header(w.array(4));
                w.map(1).uint(1).int(-35).bytes(&payload).bytes(&signature);
            }),
        ),
        (
            "unprotected key id",
            Some("N5"),
            write(&|w| {
                header(w.array(4));
                w.map(1).uint(4).bytes(b"another").bytes(&payload).bytes(&signature);
            }),
        ),
        (
            "payload in two chunks",
            Some("N6"),
            write(&|w| {
                header(w.array(4));
                w.map(0).raw(&[0x5f]).bytes(first).bytes(second).raw(&[0xff]).bytes(&signature);
            }),
        ),
        (
            "length of the signature in two bytes",
            Some("N7"),
            write(&|w| {
                header(w.array(4));
                w.map(0).bytes(&payload).raw(&[0x59, 0, 96]).raw(&signature);
            }),
        ),
        (
            "payload changed",
            Some("N32"),
            write(&|w| {
                header(w.array(4));
                w.map(0).bytes(&flipped).bytes(&signature);
            }),
        ),
    ];
    let at = |name: &str, refused_by: Option<&str>, bytes: Vec<u8>, time_ms: u64| Case {
        name: format!("{}: {name}", case.name),
        group: Group::Envelope,
        bytes,
        time_ms,
        refused_by: refused_by.map(str::to_owned),
        ..case.clone()
    };
    let (time, bytes) = (case.time_ms, &case.bytes);
    let mut cases: Vec<Case> =
        made.into_iter().map(|(name, check, bytes)| at(name, check, bytes, time)).collect();
    cases.push(at("a day later", Some("N28"), bytes.clone(), time + 86_400_000));
    cases.push(at("a year earlier", Some("N28"), bytes.clone(), time - 365 * 86_400_000));
    cases
}

/// n - s: the other signature of the same message that the same key could have made.
fn negate(scalar: &mut [u8]) {
    let mut borrow = 0;
    for (byte, order) in scalar.iter_mut().zip(P384_ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = difference.rem_euclid(256) as u8;
    }
}

/// Those of the forger's documents that envelope, payload, chain, signature or debug mode decide.
fn forged() -> Vec<Case> {
    let cases = attestation_fixtures::corpus().into_iter();
    let comparable = cases.filter_map(|case| {
        let refused_by = match case.expected {
            Expected::Accept => None,
            Expected::Refuse(check) => Some(check.to_owned()),
        };
        let number = refused_by.as_deref().and_then(|check| check.strip_prefix('N'));
        let number: u8 = number.map_or(0, |number| number.parse().unwrap_or(u8::MAX));
        let decided = number <= 29 || number == 32 || number == 36;
        // The one that is wrong only under a policy without leeway, which no peer can be told.
        if !decided || case.name == "early-leaf-no-leeway" {
            return None;
        }
        let time_ms = match case.policy.time {
            TimeData::Live(ms) | TimeData::At(ms) => ms,
            TimeData::Document => UnverifiedDocument::parse(&case.bytes).ok()?.timestamp_ms(),
        };
        Some(Case {
            name: case.name.to_owned(),
            group: Group::Forged,
            bytes: case.bytes,
            root: Some(case.policy.root_der),
            time_ms,
            pcr0: case.policy.pcrs.get(&0).copied().unwrap_or([0; 48]),
            refused_by,
        })
    });
    comparable.collect()
}

/// The order n of P-384 (FIPS 186-4 D.1.2.4).
const P384_ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];
