//! Format 3: the worker that a host may have started, and the list of files that its kernel may
//! have measured. Its own frozen vector, its rules, and that nothing else changes its bytes.

use crate::support::{full, key};
use facts::Millis;
use policy::{Content, SignedPolicy, WorkerRelease, Workers, sign};

fn worker(name: &str, first: u8, to: Option<u64>) -> WorkerRelease {
    let from = Millis(1_780_000_000_000);
    WorkerRelease { name: name.into(), sha256: [first; 32], from, to: to.map(Millis) }
}

fn extended() -> Content {
    let mut content = full();
    content.tpm.boot_pcr = None;
    content.kinds = vec![policy::Kind::Nitro, policy::Kind::Tpm];
    content.releases.retain(|release| release.kind == policy::Kind::Nitro);
    let releases = vec![worker("1.0", 1, Some(1_790_000_000_000)), worker("1.1", 2, None)];
    content.tpm.workers = Some(Workers { register: 14, releases });
    content.tpm.file_list = Some([0x5a; 48]);
    content
}

/// Freeze anew with PROBITY_FREEZE=1 when the format has got another version.
#[test]
fn the_vector_of_format_3_is_frozen() {
    let made = sign(&extended(), &[key(1), key(3)]).expect("sound");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/policy-3.cbor");
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let frozen = std::fs::read(path).expect("vectors/policy-3.cbor");
    assert_eq!(crypto::to_hex(&made), crypto::to_hex(&frozen));
    let verified = SignedPolicy::verify(&frozen, None).expect("two of three");
    assert_eq!(*verified.content(), extended());
}

#[test]
fn the_format_is_3_exactly_where_something_needs_it() {
    type Change = fn(&mut Content);
    let parts: [(Change, u8); 4] = [
        (|content| content.tpm.workers = None, 3),
        (|content| content.tpm.file_list = None, 3),
        (|content| (content.tpm.workers, content.tpm.file_list) = (None, None), 1),
        (|content| content.tpm.firmware = Some(vec![7]), 3),
    ];
    for (part, format) in parts {
        let mut content = extended();
        part(&mut content);
        // Without workers only one boot configuration stays unambiguous.
        content.boot_configs.truncate(1);
        let bytes = content.to_bytes();
        assert_eq!(bytes[2], format);
        assert_eq!(Content::parse_unverified(&bytes), Ok(content));
    }
    let check = |bytes: &[u8]| Content::parse_unverified(bytes).map_err(|error| error.check());
    for other in [1, 2, 4] {
        let mut bytes = extended().to_bytes();
        bytes[2] = other;
        assert_eq!(check(&bytes), Err("Y2"));
    }
    // Two nulls are a second encoding of formats 1 and 2.
    let mut plain = extended();
    (plain.tpm.workers, plain.tpm.file_list) = (None, None);
    plain.boot_configs.truncate(1);
    plain.tpm.firmware = Some(vec![7]);
    let bytes = plain.to_bytes();
    let at = bytes.windows(2).rposition(|pair| pair == [0x10, 0x87]).expect("key 16") + 1;
    let end = at
        + bytes[at..]
            .windows(5)
            .position(|all| all == [7, 0x80, 0x80, 0x11, 0x82])
            .expect("key 17")
        + 3;
    let mut empty =
        [&bytes[..at], &[0x89], &bytes[at + 1..end], &[0xf6, 0xf6], &bytes[end..]].concat();
    empty[2] = 3;
    let refused = Content::parse_unverified(&empty).expect_err("nothing new");
    assert!(matches!(refused, policy::PolicyError::NotCanonical { .. }), "{refused:?}");
}

#[test]
fn what_no_host_can_have_started_is_not_written() {
    type Change = fn(&mut Content);
    let changes: [(&str, Change); 13] = [
        ("PCR8 to PCR15", |content| workers(content).register = 7),
        ("PCR8 to PCR15", |content| workers(content).register = 16),
        ("without a reference value", |content| {
            content.tpm.pcrs.insert(14, vec![1; 32]);
        }),
        ("no tpm boot PCR", |content| content.tpm.boot_pcr = Some(12)),
        ("at least one release", |content| workers(content).releases.clear()),
        ("ascending entries", |content| workers(content).releases.reverse()),
        ("a program of its own", |content| workers(content).releases[1].sha256 = [1; 32]),
        ("a measurement", |content| workers(content).releases[0].sha256 = [0; 32]),
        ("a measurement", |content| workers(content).releases[0].sha256 = [0xff; 32]),
        ("a window that ends after", |content| {
            workers(content).releases[0].to = Some(Millis(1_780_000_000_000));
        }),
        ("control characters", |content| workers(content).releases[0].name = "1\n".into()),
        ("a measurement", |content| content.tpm.file_list = Some([0; 48])),
        ("PCR10 for the kernel alone", |content| workers(content).register = 10),
    ];
    assert_eq!(extended().check(), Ok(()));
    for (words, change) in changes {
        let mut content = extended();
        change(&mut content);
        let error = content.check().expect_err(words);
        assert_eq!(error.check(), "Y3");
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(sign(&content, &[key(1), key(3)]).is_err());
        assert!(Content::parse_unverified(&content.to_bytes()).is_err());
    }
    let mut content = extended();
    content.kinds = vec![policy::Kind::Nitro];
    assert!(content.check().is_err(), "workers where no TPM is accepted");
}

#[test]
fn only_a_runtime_log_tells_boot_configurations_apart() {
    let mut content = extended();
    assert!(content.boot_configs.len() > 1, "the vector has two");
    assert_eq!(content.check(), Ok(()));
    content.tpm.workers = None;
    let error = content.check().expect_err("which one?");
    assert!(error.to_string().contains("boot PCR or workers"), "{error}");
}

fn workers(content: &mut Content) -> &mut Workers {
    content.tpm.workers.as_mut().expect("workers")
}
