//! An EAR as a JWT: JWS compact serialisation (RFC 7515) with EdDSA over Ed25519 (RFC 8037), typ
//! `eat+jwt` (RFC 9782). Reading takes the key from the reader, never from the token.

use crate::result::{self, Ear};
use crate::{EarError, PROFILE};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use crypto::{Signature, SigningKey, VerifyingKey};
use serde_json::{Value, json};

/// Longest token that is read, in bytes.
const TOKEN_BYTES_MAX: usize = 1 << 20;
const ALGORITHM: &str = "EdDSA";

/// The token: `header.claims.signature`. The key's did:key is its `kid`.
pub fn sign(ear: &Ear, key: &SigningKey) -> String {
    let kid = key.verifying_key().did_key();
    let header = json!({"alg": ALGORITHM, "kid": kid, "typ": "eat+jwt"});
    let encode = |value: &Value| BASE64URL.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&ear.to_json()));
    let signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL.encode(signature.0))
}

/// The claims of a token that `key` signed. The claims-set has EAR's profile, at least one
/// submodule, and no status that its own claims do not bear out.
pub fn read(token: &str, key: &VerifyingKey) -> Result<Value, EarError> {
    if token.len() > TOKEN_BYTES_MAX {
        let found = format!("{} bytes", token.len());
        return Err(EarError::Form { part: "token", expected: "at most 1 MiB", found });
    }
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    let [header, claims, signature] = parts[..] else {
        let found = format!("{}", parts.len());
        return Err(EarError::Form { part: "token", expected: "three parts", found });
    };
    check_header(&json_of("header", header)?)?;
    let bytes: [u8; 64] =
        decode("signature", signature)?.try_into().map_err(|bytes: Vec<u8>| EarError::Form {
            part: "signature",
            expected: "64 bytes",
            found: format!("{} bytes", bytes.len()),
        })?;
    let signed = &token[..header.len() + 1 + claims.len()];
    key.verify_strict(signed.as_bytes(), &Signature(bytes))
        .map_err(|_| EarError::Signature { key: key.did_key() })?;
    let claims = json_of("claims", claims)?;
    result::check(&claims)?;
    Ok(claims)
}

fn check_header(header: &Value) -> Result<(), EarError> {
    if header["alg"] != ALGORITHM {
        let found = format!("alg {}", header["alg"]);
        return Err(EarError::Header { expected: "alg EdDSA", found });
    }
    // No critical extension is understood here (RFC 7515 §4.1.11).
    if let Some(crit) = header.get("crit") {
        return Err(EarError::Header { expected: "no crit", found: format!("crit {crit}") });
    }
    Ok(())
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, EarError> {
    BASE64URL.decode(text).map_err(|error| EarError::Form {
        part,
        expected: "base64url",
        found: error.to_string(),
    })
}

fn json_of(part: &'static str, text: &str) -> Result<Value, EarError> {
    let form = |error: serde_json::Error| EarError::Form {
        part,
        expected: "JSON",
        found: error.to_string(),
    };
    let value: Value = serde_json::from_slice(&decode(part, text)?).map_err(form)?;
    match value.is_object() {
        true => Ok(value),
        false => Err(EarError::Form { part, expected: "an object", found: value.to_string() }),
    }
}

/// Whether the claims are of this profile; used by [`result::check`].
pub(crate) fn check_profile(claims: &Value) -> Result<(), EarError> {
    match claims["eat_profile"] == PROFILE {
        true => Ok(()),
        false => {
            let found = claims["eat_profile"].to_string();
            Err(EarError::Profile { expected: PROFILE, found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Findings, Root, Subject, appraise, contraindicate};
    use zeroize::Zeroizing;

    fn key(fill: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([fill; 32]))
    }

    fn sample() -> Ear {
        let mut findings = Findings::default();
        ["P4", "P5", "P6", "P7", "P8"].iter().for_each(|check| findings.passed(check));
        findings.not_checked("P17", "replay", "the input was not given");
        let decision = appraise(Subject::Decision, &findings, Root::BuiltIn)
            .with_policy("urn:example:policy")
            .with_nonce(&[1; 8])
            .with_attester_claim("outcome", "pass");
        let enclave = contraindicate(Subject::Enclave, "N34", "unknown image", "compare");
        Ear::new("test 1", 1_666_529_184_999, "decision", decision)
            .with("enclave", enclave)
            .with_nonce(b"12345678")
    }

    #[test]
    fn the_claims_set_is_the_drafts() {
        let expected = json!({
            "eat_profile": "tag:ietf.org,2026:rats/ear#04",
            "iat": 1_666_529_184,
            "ear_status": "contraindicated",
            "ear_verifier_id": {"developer": "https://probity.example", "build": "test 1"},
            "eat_nonce": "MTIzNDU2Nzg",
            "submods": {
                "decision": {
                    "ear_status": "none",
                    "ear_trustworthiness_vector": {
                        "instance-identity": 2, "configuration": 0, "executables": 0,
                        "file-system": 0, "hardware": 0, "runtime-opaque": 0,
                        "storage-opaque": 0, "sourced-data": 0,
                    },
                    "ear_appraisal_policy_ids": ["urn:example:policy"],
                    "eat_nonce": "AQEBAQEBAQE",
                    "ear_attester_claims": {"outcome": "pass"},
                    "ear_verifier_claims": {"not_checked": [
                        {"check": "P17", "title": "replay", "why": "the input was not given"},
                    ]},
                },
                "enclave": {
                    "ear_status": "contraindicated",
                    "ear_trustworthiness_vector": {
                        "instance-identity": 0, "configuration": 0, "executables": 33,
                        "file-system": 0, "hardware": 0, "runtime-opaque": 0,
                        "storage-opaque": 0, "sourced-data": 0,
                    },
                    "ear_verifier_claims": {
                        "refused_by": "N34", "detail": "unknown image", "remedy": "compare",
                    },
                },
            },
        });
        assert_eq!(sample().to_json(), expected);
        assert_eq!(result::check(&expected), Ok(()));
    }

    #[test]
    fn a_nonce_that_eat_cannot_carry_is_left_out() {
        for (length, is_in) in [(7, false), (8, true), (64, true), (65, false)] {
            let ear = sample().with_nonce(&vec![1; length]).to_json();
            assert_eq!(ear.get("eat_nonce").is_some(), is_in, "{length}");
        }
    }

    #[test]
    fn a_signed_result_is_read_under_its_key_only() {
        let (ear, signer) = (sample(), key(1));
        let token = sign(&ear, &signer);
        assert_eq!(read(&token, &signer.verifying_key()), Ok(ear.to_json()));
        let header = token.split('.').next().expect("a header");
        let header = json_of("header", header).expect("JSON");
        assert_eq!(header["kid"], signer.verifying_key().did_key());
        assert_eq!((&header["alg"], &header["typ"]), (&"EdDSA".into(), &"eat+jwt".into()));
        let other = read(&token, &key(2).verifying_key()).expect_err("another key");
        assert_eq!(other.check(), "E3");
        // Every character counts, also the dots.
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).expect("ASCII");
            assert!(read(&altered, &signer.verifying_key()).is_err(), "{at}");
        }
    }

    /// A token over these parts, signed whatever they say.
    fn forge(header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = BASE64URL.encode(key(1).sign(signed.as_bytes()).0);
        format!("{signed}.{signature}")
    }

    #[test]
    fn each_refusal_has_its_number() {
        let good = sample().to_json();
        let header = json!({"alg": "EdDSA"});
        let with = |change: fn(&mut Value)| {
            let mut claims = sample().to_json();
            change(&mut claims);
            forge(&header, &claims)
        };
        let sound = forge(&header, &good);
        for (name, token, check) in [
            ("empty", String::new(), "E1"),
            ("two parts", "a.b".into(), "E1"),
            ("four parts", format!("{sound}.x"), "E1"),
            ("not base64url", sound.replacen('e', "=", 1), "E1"),
            ("overlong", "x".repeat(TOKEN_BYTES_MAX + 1), "E1"),
            ("not an object", forge(&json!([]), &good), "E1"),
            ("claims not an object", forge(&header, &json!(7)), "E1"),
            ("short signature", sound[..sound.len() - 8].to_owned(), "E1"),
            ("no algorithm", forge(&json!({"alg": "none"}), &good), "E2"),
            ("HMAC", forge(&json!({"alg": "HS256"}), &good), "E2"),
            ("critical", forge(&json!({"alg": "EdDSA", "crit": ["b64"]}), &good), "E2"),
            ("profile", with(|c| c["eat_profile"] = "other".into()), "E4"),
            ("time", with(|c| c["iat"] = 1.5.into()), "E1"),
            ("no submodule", with(|c| c["submods"] = json!({})), "E1"),
            ("lifted status", with(|c| c["ear_status"] = "affirming".into()), "E5"),
            ("unknown tier", with(|c| c["ear_status"] = "fine".into()), "E5"),
            (
                "lifted submodule",
                with(|c| c["submods"]["enclave"]["ear_status"] = "affirming".into()),
                "E5",
            ),
            (
                "claim out of range",
                with(|c| {
                    c["submods"]["enclave"]["ear_trustworthiness_vector"]["hardware"] = 200.into();
                }),
                "E1",
            ),
        ] {
            let refused = read(&token, &key(1).verifying_key()).expect_err(name);
            assert_eq!(refused.check(), check, "{name}: {refused}");
            assert!(!refused.remedy().is_empty());
        }
        assert!(read(&sound, &key(1).verifying_key()).is_ok());
    }
}
