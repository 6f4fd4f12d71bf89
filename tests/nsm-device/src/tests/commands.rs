//! Registers, locks, entropy and errors, in the order of AWS's `nsm-check`.

use super::*;
use crate::module::{PUBLIC_KEY_BYTES_MAX, REQUEST_BYTES_MAX, USER_DATA_BYTES_MAX};
use crate::{Answer, Operation};
use aws_nitro_enclaves_nsm_api::api::{Digest, ErrorCode};

fn register(module: &mut Module, index: u16) -> (bool, Vec<u8>) {
    match ask(module, &Request::DescribePCR { index }) {
        Response::DescribePCR { lock, data } => (lock, data),
        other => panic!("{other:?}"),
    }
}

/// The error that a request ends in.
fn error_of(module: &mut Module, request: &Request) -> &'static str {
    let answer = module.answer(&serde_cbor::to_vec(request).unwrap(), usize::MAX);
    let response = serde_cbor::from_slice(&answer.bytes).unwrap();
    assert!(matches!(response, Response::Error(_)), "{response:?}");
    answer.outcome
}

#[test]
fn a_module_describes_itself_as_the_real_one_does() {
    match ask(&mut module(), &Request::DescribeNSM) {
        Response::DescribeNSM {
            version_major: 1,
            max_pcrs: 32,
            locked_pcrs,
            digest: Digest::SHA384,
            module_id,
            ..
        } => {
            assert!(locked_pcrs.into_iter().eq(0..16));
            assert!(module_id.starts_with("i-") && module_id.contains("-enc"), "{module_id}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn registers_hold_the_identity_and_the_first_sixteen_are_locked() {
    let mut module = module();
    for index in 0..32 {
        let (locked, value) = register(&mut module, index);
        assert_eq!(locked, index < 16);
        match index {
            0..=2 => assert_eq!(value, [0x10 + index as u8; 48]),
            4 => assert_eq!(value, crypto::sha384(&[&[0; 48], b"i-0123456789abcdef0"])),
            _ => assert_eq!(value, [0; 48]),
        }
    }
    assert_eq!(error_of(&mut module, &Request::DescribePCR { index: 32 }), "InvalidIndex");
}

#[test]
fn debug_mode_role_and_signer_show_in_their_registers() {
    let signer = Some([8; 48]);
    let role = Some("arn:aws:iam::123456789012:role/probity".to_owned());
    let identity = Identity { signer, role, ..identity() };
    let mut module = Module::new(Setup { debug_mode: true, ..Setup::new(identity) });
    assert!((0..3).all(|index| register(&mut module, index) == (true, vec![0; 48])));
    let role = crypto::sha384(&[&[0; 48], b"arn:aws:iam::123456789012:role/probity"]);
    assert_eq!(register(&mut module, 3), (true, role.to_vec()));
    assert_eq!(register(&mut module, 8), (true, vec![8; 48]));
}

#[test]
fn extending_hashes_and_locking_is_for_good() {
    let mut module = module();
    let extend = |index| Request::ExtendPCR { index, data: vec![1, 2, 3] };
    let once = crypto::sha384(&[&[0; 48], &[1, 2, 3]]);
    let twice = crypto::sha384(&[&once, &[1, 2, 3]]);
    for expected in [once, twice] {
        match ask(&mut module, &extend(16)) {
            Response::ExtendPCR { data } => assert_eq!(data, expected),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(ask(&mut module, &Request::LockPCR { index: 16 }), Response::LockPCR));
    assert_eq!(error_of(&mut module, &extend(16)), "ReadOnlyIndex");
    assert_eq!(error_of(&mut module, &Request::LockPCR { index: 16 }), "ReadOnlyIndex");
    assert_eq!(register(&mut module, 16), (true, twice.to_vec()));
    for index in 0..16 {
        assert_eq!(error_of(&mut module, &extend(index)), "ReadOnlyIndex");
        assert_eq!(error_of(&mut module, &Request::LockPCR { index }), "ReadOnlyIndex");
    }
    assert_eq!(error_of(&mut module, &extend(32)), "InvalidIndex");
    assert_eq!(error_of(&mut module, &Request::LockPCR { index: u16::MAX }), "InvalidIndex");
}

#[test]
fn a_range_of_registers_is_locked_up_to_the_last_one() {
    let mut module = module();
    assert_eq!(error_of(&mut module, &Request::LockPCRs { range: 33 }), "InvalidIndex");
    assert!(!register(&mut module, 17).0, "a refused range locks nothing");
    assert!(matches!(ask(&mut module, &Request::LockPCRs { range: 18 }), Response::LockPCRs));
    assert_eq!([17, 18].map(|index| register(&mut module, index).0), [true, false]);
    assert!(matches!(ask(&mut module, &Request::LockPCRs { range: 32 }), Response::LockPCRs));
    assert!(register(&mut module, 31).0);
}

#[test]
fn entropy_comes_in_256_bytes_and_differs() {
    let mut module = module();
    let mut random = || match ask(&mut module, &Request::GetRandom) {
        Response::GetRandom { random } => random,
        other => panic!("{other:?}"),
    };
    let (first, second) = (random(), random());
    assert_eq!((first.len(), second.len()), (256, 256));
    assert_ne!(first, second);
}

#[test]
fn a_refused_operation_ends_in_an_internal_error_and_others_do_not() {
    let refused = vec![Operation::GetRandom];
    let mut module = Module::new(Setup { refused, ..Setup::new(identity()) });
    assert_eq!(error_of(&mut module, &Request::GetRandom), "InternalError");
    assert_eq!(register(&mut module, 16), (false, vec![0; 48]));
}

#[test]
fn a_refusal_ends_with_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("refuse");
    std::fs::write(&file, b"").expect("written");
    let (refused, refused_while) = (vec![Operation::LockPcr], Some(file.clone()));
    let mut module = Module::new(Setup { refused, refused_while, ..Setup::new(identity()) });
    let lock = Request::LockPCR { index: 16 };
    assert_eq!(error_of(&mut module, &lock), "InternalError");
    assert!(!register(&mut module, 16).0);
    std::fs::remove_file(file).expect("removed");
    assert!(matches!(ask(&mut module, &lock), Response::LockPCR));
    assert!(register(&mut module, 16).0);
}

#[test]
fn inputs_of_a_document_have_aws_limits() {
    let mut module = module();
    let attest = |user_data: usize, nonce: usize, key: usize| Request::Attestation {
        user_data: Some(vec![1; user_data].into()),
        nonce: Some(vec![2; nonce].into()),
        public_key: Some(vec![3; key].into()),
    };
    let (data, key) = (USER_DATA_BYTES_MAX, PUBLIC_KEY_BYTES_MAX);
    assert!(matches!(ask(&mut module, &attest(data, data, key)), Response::Attestation { .. }));
    for beyond in [attest(data + 1, 0, 1), attest(0, data + 1, 1), attest(0, 0, key + 1)] {
        assert_eq!(error_of(&mut module, &beyond), "InputTooLarge");
    }
    assert_eq!(error_of(&mut module, &attest(0, 0, 0)), "InvalidArgument");
}

#[test]
fn bytes_that_are_no_request_are_told_apart() {
    let mut module = module();
    let mut outcome = |bytes: &[u8]| {
        let Answer { operation, outcome, .. } = module.answer(bytes, usize::MAX);
        (operation, outcome)
    };
    let unknown = (Operation::Unknown, "InvalidOperation");
    for bytes in [&b""[..], b"\xff", b"\x65Reset", b"\xa1\x65Reset\xa0", b"\x01", b"\xa1\x01\x02"] {
        assert_eq!(outcome(bytes), unknown, "{bytes:02x?}");
    }
    let index = |value: &[u8]| [b"\xa1\x67LockPCR\xa1\x65index", value].concat();
    assert_eq!(outcome(&index(b"\x10")), (Operation::LockPcr, "ok"));
    for wrong in [&b"\x19\xff\xff"[..], b"\x1a\x00\x01\x00\x00", b"\x20", b"\x61a", b"\xf6"] {
        let expected = if wrong[0] == 0x19 { "InvalidIndex" } else { "InvalidArgument" };
        assert_eq!(outcome(&index(wrong)), (Operation::LockPcr, expected), "{wrong:02x?}");
    }
    assert_eq!(outcome(&vec![0; REQUEST_BYTES_MAX + 1]).1, "InputTooLarge");
}

#[test]
fn an_answer_never_exceeds_its_room() {
    let mut module = module();
    let request = serde_cbor::to_vec(&Request::GetRandom).unwrap();
    let whole = module.answer(&request, usize::MAX).bytes.len();
    for room in 0..whole + 2 {
        let answer = module.answer(&request, room);
        assert!(answer.bytes.len() <= room);
        let error = serde_cbor::to_vec(&Response::Error(ErrorCode::BufferTooSmall)).unwrap();
        match room {
            _ if room >= whole => assert_eq!(answer.outcome, "ok"),
            _ if room >= error.len() => assert_eq!(answer.bytes, error),
            _ => assert!(answer.bytes.is_empty()),
        }
    }
}

#[test]
fn broken_requests_never_panic() {
    let requests = [
        Request::DescribeNSM,
        Request::ExtendPCR { index: 20, data: vec![7; 40] },
        Request::LockPCRs { range: 3 },
        Request::Attestation { user_data: Some(vec![1; 9].into()), nonce: None, public_key: None },
    ];
    let mut module = module();
    let mut numbers = Numbers(1);
    for round in 0..4000 {
        let mut bytes = serde_cbor::to_vec(&requests[round % requests.len()]).unwrap();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(bytes.len() as u64) as usize;
            bytes[at] = numbers.next() as u8;
        }
        bytes.truncate(numbers.below(bytes.len() as u64 * 2) as usize);
        let answer = module.answer(&bytes, usize::MAX);
        assert!(serde_cbor::from_slice::<Response>(&answer.bytes).is_ok(), "{bytes:02x?}");
    }
}
