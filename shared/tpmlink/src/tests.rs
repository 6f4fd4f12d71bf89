//! Both directions, the limits, hostile bytes, and evidence as the verifier reads it.

use super::*;
use cbor::{CborError, Writer};
use zeroize::Zeroizing;

fn quoted() -> Quoted {
    Quoted {
        attest: vec![0xa1; 145],
        signature: vec![0xa2; 72],
        ak_public: vec![0xa3; 90],
        pcrs: [(0, vec![1; 32]), (7, vec![2; 32]), (14, vec![3; 32])].into(),
        certificates: vec![vec![0x30; 900], vec![0x31; 700]],
        runtime_log: vec![0xce; 600],
    }
}

fn largest() -> Quoted {
    Quoted {
        attest: vec![1; ATTEST_BYTES_MAX],
        signature: vec![2; SIGNATURE_BYTES_MAX],
        ak_public: vec![3; AK_PUBLIC_BYTES_MAX],
        pcrs: (0..24).map(|index| (index, vec![index; REGISTER_BYTES_MAX])).collect(),
        certificates: vec![vec![4; CERTIFICATE_BYTES_MAX]; CERTIFICATES_MAX],
        runtime_log: vec![5; RUNTIME_LOG_BYTES_MAX],
    }
}

fn requests() -> Vec<Request> {
    vec![
        Request::Quote { id: 1, qualifying: [7; 32] },
        Request::Confirm { id: u64::MAX, extension: [8; 48] },
        Request::Random { id: 3, bytes: 1 },
        Request::Random { id: 4, bytes: RANDOM_BYTES_MAX },
    ]
}

fn replies() -> Vec<Reply> {
    vec![
        Reply::Quote { id: 1, quoted: quoted() },
        Reply::Quote { id: 1, quoted: largest() },
        Reply::Quote { id: 2, quoted: Quoted::default() },
        Reply::Confirmed { id: u64::MAX },
        Reply::Refused { id: 3, reason: "TPM_RC_LOCKOUT: wait, or reset the lockout".into() },
        Reply::Refused { id: 3, reason: String::new() },
        Reply::Random { id: 4, bytes: Zeroizing::new(vec![9; RANDOM_BYTES_MAX]) },
    ]
}

#[test]
fn messages_go_both_ways_in_one_frame() {
    for request in requests() {
        assert_eq!(Request::parse(&request.to_bytes()), Ok(request));
    }
    for reply in replies() {
        let body = reply.to_bytes();
        let frame = frame(&body).expect("the largest fits");
        let head = frame[..LENGTH_BYTES].try_into().expect("a head");
        assert_eq!((body_length(head), &frame[LENGTH_BYTES..]), (Ok(body.len()), &body[..]));
        assert_eq!(Reply::parse(&body).as_ref().map(Reply::id), Ok(reply.id()));
        assert_eq!(Reply::parse(&body), Ok(reply));
    }
    let ids: Vec<_> = requests().iter().map(Request::id).collect();
    assert_eq!(ids, [1, u64::MAX, 3, 4]);
}

/// The bytes that LINK.md shows.
#[test]
fn frames_are_these_bytes() {
    let bytes = |body: Vec<u8>| body.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let request = |number: usize| bytes(requests()[number].to_bytes());
    assert_eq!(request(0), format!("8301015820{}", "07".repeat(32)));
    assert_eq!(request(1), format!("83021bffffffffffffffff5830{}", "08".repeat(48)));
    assert_eq!(request(2), "83040301");
    let small = Quoted {
        attest: vec![1],
        signature: vec![2],
        ak_public: vec![3],
        pcrs: [(0, vec![4]), (14, vec![5])].into(),
        certificates: vec![vec![6]],
        runtime_log: vec![7],
    };
    let quote = Reply::Quote { id: 1, quoted: small }.to_bytes();
    assert_eq!(bytes(quote), "8801014101410241038282004104820e41058141064107");
    assert_eq!(bytes(Reply::Confirmed { id: 2 }.to_bytes()), "820202");
    let refused = Reply::Refused { id: 3, reason: "no".into() };
    assert_eq!(bytes(refused.to_bytes()), "830303626e6f");
    let random = Reply::Random { id: 4, bytes: Zeroizing::new(vec![9, 9]) };
    assert_eq!(bytes(random.to_bytes()), "830404420909");
}

#[test]
fn a_length_over_the_limit_is_refused_before_anything_is_read() {
    assert_eq!(body_length([0, 1, 0, 0]), Ok(BODY_BYTES_MAX));
    assert_eq!(body_length([0, 1, 0, 1]), Err(LinkError::TooLarge { found: 65_537 }));
    assert_eq!(body_length([0xff; 4]), Err(LinkError::TooLarge { found: 0xffff_ffff }));
    assert!(frame(&vec![0; BODY_BYTES_MAX]).is_ok());
    assert_eq!(frame(&vec![0; BODY_BYTES_MAX + 1]), Err(LinkError::TooLarge { found: 65_537 }));
}

#[test]
fn every_part_of_a_reply_has_its_limit() {
    type Change = fn(&mut Quoted);
    let changes: [Change; 8] = [
        |q| q.attest.push(0),
        |q| q.signature.push(0),
        |q| q.ak_public.push(0),
        |q| drop(q.pcrs.insert(23, vec![0; 65])),
        |q| drop(q.pcrs.insert(24, vec![0; 32])),
        |q| q.certificates.push(vec![]),
        |q| q.certificates[7].push(0),
        |q| q.runtime_log.push(0),
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut quoted = largest();
        change(&mut quoted);
        let reply = Reply::Quote { id: 1, quoted }.to_bytes();
        let refused = Reply::parse(&reply);
        assert!(matches!(refused, Err(LinkError::Malformed(_))), "{number}: {refused:?}");
    }
    let random = Reply::Random { id: 1, bytes: Zeroizing::new(vec![0; 65]) };
    assert!(matches!(Reply::parse(&random.to_bytes()), Err(LinkError::Malformed(_))));
    let mut long = Writer::new();
    long.array(3).uint(3).uint(1).text(&"x".repeat(513));
    assert!(matches!(Reply::parse(&long.finish()), Err(LinkError::Malformed(_))));
    for (bytes, sound) in [(0, false), (1, true), (64, true), (65, false)] {
        let request = Request::Random { id: 1, bytes }.to_bytes();
        assert_eq!(Request::parse(&request).is_ok(), sound, "{bytes}");
    }
}

#[test]
fn registers_come_once_and_in_order() {
    let reply = |registers: &[u64]| {
        let mut w = Writer::new();
        w.array(8).uint(1).uint(1).bytes(&[1]).bytes(&[2]).bytes(&[3]).array(registers.len());
        for register in registers {
            w.array(2).uint(*register).bytes(&[0; 32]);
        }
        w.array(0).bytes(&[]);
        Reply::parse(&w.finish())
    };
    assert!(reply(&[0, 7, 14, 23]).is_ok());
    for registers in [&[7, 0][..], &[7, 7], &[24], &[u64::MAX]] {
        let refused = reply(registers);
        assert!(matches!(refused, Err(LinkError::Malformed(CborError::Range { .. }))));
    }
}

#[test]
fn a_reason_is_cut_at_a_character() {
    let reason = "é".repeat(400);
    let body = Reply::Refused { id: 1, reason }.to_bytes();
    let Ok(Reply::Refused { reason, .. }) = Reply::parse(&body) else { panic!("a refusal") };
    assert_eq!(reason, "é".repeat(256));
}

#[test]
fn unknown_kinds_are_named() {
    for kind in [0, 3, 5, 255, u64::MAX] {
        let mut w = Writer::new();
        w.array(3).uint(kind).uint(1).bytes(&[0; 32]);
        assert_eq!(Request::parse(&w.finish()), Err(LinkError::Kind(kind)));
    }
    let mut w = Writer::new();
    w.array(2).uint(9).uint(1);
    assert_eq!(Reply::parse(&w.finish()), Err(LinkError::Kind(9)));
    for body in [&[][..], &[0x80], &[0x81, 1], &[0x01], &[0x9f, 1, 1, 0xff], &[0xa1, 1, 1]] {
        assert!(matches!(Reply::parse(body), Err(LinkError::Malformed(_))), "{body:?}");
        assert!(matches!(Request::parse(body), Err(LinkError::Malformed(_))), "{body:?}");
    }
}

/// What is read is written again byte for byte; nothing else is read, and nothing panics.
#[test]
fn hostile_bytes_are_refused_or_mean_themselves() {
    let judge = |body: &[u8]| {
        if let Ok(request) = Request::parse(body) {
            assert_eq!(request.to_bytes(), body);
        }
        if let Ok(reply) = Reply::parse(body) {
            assert_eq!(reply.to_bytes(), body);
        }
    };
    let mut bodies: Vec<_> = requests().iter().map(Request::to_bytes).collect();
    bodies.extend(replies().iter().map(Reply::to_bytes).filter(|body| body.len() < 4096));
    for body in &bodies {
        for end in 0..body.len() {
            assert!(Request::parse(&body[..end]).is_err() && Reply::parse(&body[..end]).is_err());
        }
        let longer = [&body[..], &[0]].concat();
        assert!(Request::parse(&longer).is_err() && Reply::parse(&longer).is_err());
        for at in 0..body.len() {
            for byte in [0, 0x1b, 0x5b, 0x7f, 0x9b, 0xbf, 0xff, body[at] ^ 1, body[at] ^ 0x20] {
                let mut changed = body.clone();
                changed[at] = byte;
                judge(&changed);
            }
        }
    }
    // A generator of no quality: what counts is that each run makes the same bytes.
    let mut state = 0x1234_5678_9abc_def0_u64;
    for _ in 0..20_000 {
        let mut body = Vec::new();
        for _ in 0..(state >> 58) + 1 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            body.push((state >> 33) as u8);
        }
        judge(&body);
    }
}

#[test]
fn the_binding_is_the_published_one() {
    let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    // TPM.md, vectors: three empty parts.
    assert_eq!(
        hex(binding(None, &[], &[])),
        "f0e76edbfb83dafbbf134de70d6c98076446320c50afc7a6ebb922359fd9d390"
    );
    type Parts<'a> = (Option<&'a [u8]>, &'a [u8], &'a [u8]);
    let parts: [Parts<'_>; 5] = [
        (None, b"ab", b"c"),
        (None, b"a", b"bc"),
        (Some(b"a"), b"b", b"c"),
        (Some(b"challenge"), &[7; 78], &[8; 108]),
        (Some(&[9; 512]), &[7; 512], &[8; 1024]),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for (nonce, user_data, key_set) in parts {
        let hash = binding(nonce, user_data, key_set);
        assert_eq!(hash, attest::tpm::extra_data(nonce, user_data, key_set));
        assert!(seen.insert(hash), "a byte moved from one part to the next");
    }
}

#[test]
fn the_verifier_reads_what_is_written() {
    let (quoted, user_data, key_set) = (quoted(), [0xcc; 78], [0xdd; 108]);
    for nonce in [None, Some(&b"challenge"[..])] {
        let bytes = evidence(&quoted, nonce, &user_data, &key_set).expect("within the limits");
        assert_eq!(bytes[..3], [0xaa, 0x01, 0x02]);
        let read = attest::tpm::TpmEvidence::parse(&bytes).expect("the verifier's reader");
        assert_eq!((read.attest, read.signature), (&quoted.attest[..], &quoted.signature[..]));
        assert_eq!(read.ak_public, quoted.ak_public);
        let pcrs: Vec<_> =
            read.pcrs.iter().map(|(index, value)| (*index, value.to_vec())).collect();
        assert_eq!(pcrs, quoted.pcrs.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(
            (read.user_data, read.key_set, read.nonce),
            (&user_data[..], &key_set[..], nonce)
        );
        assert_eq!(read.certificates, quoted.certificates);
        assert_eq!(read.runtime_log, Some(&quoted.runtime_log[..]));
        assert_eq!(read.extra_data(), binding(nonce, &user_data, &key_set));
        assert_eq!(read.to_bytes(), bytes, "one encoding");
    }
}

#[test]
fn evidence_keeps_the_verifiers_limits() {
    let one = |change: fn(&mut Quoted)| {
        let mut quoted = quoted();
        change(&mut quoted);
        evidence(&quoted, None, &[1; 78], &[2; 108])
    };
    let refused = |what: &str, result: Result<Vec<u8>, LinkError>| match result {
        Err(LinkError::Evidence { what: found, .. }) => assert_eq!(found, what),
        other => panic!("{what}: {other:?}"),
    };
    refused("TPMS_ATTEST", one(|q| q.attest = vec![0; 1025]));
    refused("TPMT_SIGNATURE", one(|q| q.signature = vec![0; 1101]));
    refused("TPMT_PUBLIC", one(|q| q.ak_public = vec![0; 1301]));
    refused("registers", one(|q| q.pcrs = (0..25).map(|index| (index, vec![])).collect()));
    refused("register", one(|q| drop(q.pcrs.insert(3, vec![0; 65]))));
    refused("certificates", one(|q| q.certificates = vec![vec![]; 9]));
    refused("certificate", one(|q| q.certificates = vec![vec![0; 4097]]));
    refused("runtime log", one(|q| q.runtime_log = vec![0; 8193]));
    refused("all of it", one(|q| q.certificates = vec![vec![0; 4000]; 8]));
    let with = |nonce: Option<&[u8]>, user_data: usize, key_set: usize| {
        evidence(&quoted(), nonce, &vec![1; user_data], &vec![2; key_set])
    };
    refused("user data", with(None, 513, 108));
    refused("key set", with(None, 78, 1025));
    refused("nonce", with(Some(&[3; 513]), 78, 108));
    refused("nonce", with(Some(&[]), 78, 108));
    let most = with(Some(&[3; 512]), 512, 1024).expect("every part at its most");
    assert!(attest::tpm::TpmEvidence::parse(&most).is_ok());
}
