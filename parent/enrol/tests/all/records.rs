//! Identities and tokens (T3, T12), and the calls as JSON.

use super::{AKS, NOW_MS, activated, candidate, judge};
use attestation_fixtures::tpm::{AkKey, EkKey, EnrolmentSpec};
use enrol::protocol::{Base64, ChallengeRequest, Problem};
use enrol::{AkCertificate, EnrolError, Identity, Record, Revocation, TOKEN_MS_MAX, Token, Used};

const EK: EkKey = EkKey::P256("ek");

fn identity(text: &str) -> Identity {
    text.parse().unwrap()
}

fn record(before: Option<Record>, name: &str, ek: EkKey, ak: AkKey) -> Record {
    let activated = activated(ek, ak);
    let certificate = AkCertificate { der: vec![1], serial: vec![0x40], not_after_ms: NOW_MS + 9 };
    let both = (&certificate, "AQ==".to_owned());
    Record::after(before, identity(name), activated.candidate(), both, NOW_MS)
}

fn check(result: Result<(), EnrolError>) -> Result<(), &'static str> {
    result.map_err(|error| error.check())
}

/// T3: the same identity with another endorsement key, and one key under two identities.
#[test]
fn an_identity_keeps_its_endorsement_key() {
    let first = record(None, "till-7", EK, AKS[0]);
    assert_eq!(check(first.admit(&candidate(EK, AKS[0]))), Ok(()));
    assert_eq!(check(first.admit(&candidate(EK, AkKey::P256("new")))), Ok(()), "a new AK");
    for other in [EkKey::P256("other"), EkKey::Rsa2048, EkKey::P384("ek")] {
        assert_eq!(check(first.admit(&candidate(other, AKS[0]))), Err("T3"));
    }
    let (own, next) = (identity("till-7"), identity("till-8"));
    assert_eq!(check(first.admit_other(&next, &candidate(EK, AKS[0]))), Err("T3"));
    assert_eq!(check(first.admit_other(&own, &candidate(EK, AKS[0]))), Ok(()));
    let stranger = candidate(EkKey::P256("other"), AKS[0]);
    assert_eq!(check(first.admit_other(&next, &stranger)), Err("T3"), "the same AK");
    let stranger = candidate(EkKey::P256("other"), AkKey::P256("of its own"));
    assert_eq!(check(first.admit_other(&next, &stranger)), Ok(()));
    // Revoked, the name is spent, and the machine may have another.
    let revoked = Some(Revocation { at_ms: NOW_MS, reason: "sold".into() });
    let revoked = Record { revoked, ..first };
    assert_eq!(check(revoked.admit(&candidate(EK, AKS[0]))), Err("T12"));
    assert_eq!(check(revoked.admit_other(&next, &candidate(EK, AKS[0]))), Err("T3"));
    let fresh = candidate(EK, AkKey::P256("a new one"));
    assert_eq!(check(revoked.admit_other(&next, &fresh)), Ok(()));
}

#[test]
fn earlier_certificates_stay_on_record() {
    let first = record(None, "till-7", EK, AkKey::P256("first"));
    let second = record(Some(first.clone()), "till-7", EK, AkKey::P256("second"));
    assert_eq!(second.superseded.len(), 1);
    assert_eq!(second.superseded[0].ak_name, first.ak_name);
    assert!(second.holds(&candidate(EK, AkKey::P256("second"))));
    assert!(!second.holds(&candidate(EK, AkKey::P256("first"))));
    let text = serde_json::to_string(&second).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), second);
    let more = text.replacen('{', r#"{"more":1,"#, 1);
    assert!(serde_json::from_str::<Record>(&more).is_err(), "unknown members are refused");
}

/// T12.
#[test]
fn a_token_is_good_for_one_machine_one_key_and_a_while() {
    let name = identity("till-7");
    let (text, token) = Token::issue(name.clone(), &[0xab; 32], NOW_MS, 3_600_000);
    assert_eq!(text, "ab".repeat(32));
    assert_eq!(check(token.admit(&name, NOW_MS)), Ok(()));
    assert_eq!(check(token.admit(&name, NOW_MS + 3_599_999)), Ok(()));
    assert_eq!(check(token.admit(&name, NOW_MS + 3_600_000)), Err("T12"));
    assert_eq!(check(token.admit(&identity("till-8"), NOW_MS)), Err("T12"));
    let both = candidate(EK, AKS[0]);
    let first = record(None, "till-7", EK, AKS[0]);
    let using = |token: &Token, record: Option<&Record>, both: &_| {
        token.check_use(record, both, NOW_MS).map_err(|error| error.check())
    };
    assert_eq!(using(&token, None, &both), Ok(false));
    assert_eq!(using(&token, Some(&first), &both), Ok(false), "a renewal");
    let used = Token { used: Some(Used::by(&both, &first, NOW_MS)), ..token };
    assert_eq!(using(&used, Some(&first), &both), Ok(true), "its answer may have been lost");
    assert_eq!(using(&used, Some(&first), &candidate(EK, AkKey::P256("x"))), Err("T12"));
    assert_eq!(using(&used, Some(&first), &candidate(EkKey::P256("x"), AKS[0])), Err("T12"));
    assert_eq!(using(&used, None, &both), Err("T12"), "the record is gone");
    // It brings back no key that another took the place of, and no certificate that is over.
    let second = record(Some(first.clone()), "till-7", EK, AkKey::P256("second"));
    assert_eq!(using(&used, Some(&second), &both), Err("T12"));
    let renewed = Record { serial: "41".into(), ..first.clone() };
    assert_eq!(using(&used, Some(&renewed), &both), Err("T12"));
    let over = Record { expires_at_ms: NOW_MS, ..first };
    assert_eq!(using(&used, Some(&over), &both), Err("T12"));
    let (_, long) = Token::issue(name, &[1; 32], NOW_MS, u64::MAX);
    assert_eq!(long.expires_at_ms, NOW_MS + TOKEN_MS_MAX);
    // The record is known by a hash, and does not hold what it takes to use it.
    let key = Token::key(&text).unwrap();
    assert!(key.len() == 64 && key != text);
    assert!(!serde_json::to_string(&used).unwrap().contains(&text));
    for wrong in ["", "ab", &text.to_uppercase(), &format!("{text}0"), "../../etc/passwd"] {
        assert_eq!(Token::key(wrong).unwrap_err().check(), "T12");
    }
    assert_eq!(Token::unknown().check(), "T12");
}

#[test]
fn identities_are_plain_names() {
    for good in ["a", "till-7.shop_3", &"x".repeat(64), "7"] {
        assert!(good.parse::<Identity>().is_ok(), "{good}");
    }
    for wrong in ["", ".", "..", "-x", "_", "a/b", "a b", "é", "a\0", "a\n", &"x".repeat(65)] {
        assert_eq!(wrong.parse::<Identity>().unwrap_err().check(), "T12", "{wrong:?}");
    }
}

#[test]
fn requests_are_strict_and_problems_complete() {
    let files = EnrolmentSpec::new(EK, AKS[0], NOW_MS).files();
    let bytes = |bytes: &[u8]| Base64(bytes.to_vec());
    let request = ChallengeRequest {
        identity: "till-7".into(),
        token: "00".repeat(32),
        ek_certificates: files.ek_certificates.iter().map(|one| bytes(one)).collect(),
        ek_public: bytes(&files.ek_public),
        ak_public: bytes(&files.ak_public),
        creation_attest: bytes(&files.creation_attest),
        creation_signature: bytes(&files.creation_signature),
        creation_data: bytes(&files.creation_data),
    };
    let text = serde_json::to_string(&request).unwrap();
    let read: ChallengeRequest = serde_json::from_str(&text).unwrap();
    assert_eq!(read.submission(), super::submission(&files));
    let parse = |text: &str| serde_json::from_str::<ChallengeRequest>(text);
    assert!(parse(&text.replacen('{', r#"{"more":1,"#, 1)).is_err());
    assert!(parse(&text.replacen("\"ek_public\":\"", "\"ek_public\":\"*", 1)).is_err());
    let long = format!("\"ek_public\":\"{}", "A".repeat(8192));
    assert!(parse(&text.replacen("\"ek_public\":\"", &long, 1)).is_err());

    let mut spec = EnrolmentSpec::new(EK, AKS[0], NOW_MS);
    spec.creation.kind = 0x8018;
    let problem = Problem::from(&judge(&spec).unwrap_err());
    assert_eq!((problem.status, problem.check.as_deref()), (422, Some("T7")));
    assert_eq!(problem.actual.as_deref(), Some("0x8018"));
    assert!(problem.expected.is_some() && problem.remedy.is_some());
    assert_eq!(Problem::from(&Token::unknown()).status, 403);
    let first = record(None, "till-7", EK, AKS[0]);
    let refused = first.admit(&candidate(EkKey::P256("other"), AKS[0])).unwrap_err();
    assert_eq!(Problem::from(&refused).status, 409);
}
