//! MakeCredential against a model of the TPM that shares no code with it, and the challenge (T9 to
//! T11). The same against swtpm is in the integration tests.

use super::{AKS, EKS, NOW_MS, candidate, challenge, random};
use attestation_fixtures::tpm::{ActivateError, AkKey, EkKey, EkPublicSpec};
use enrol::{CHALLENGE_MS, Challenge, EkPublic, EnrolError, hex, make_credential};

#[test]
fn the_tpm_opens_what_was_made_for_it_and_for_this_key() {
    for ek in EKS {
        let public = EkPublic::parse(&EkPublicSpec::of(ek).to_bytes()).unwrap();
        let name = candidate(ek, AKS[0]).ak_name().to_vec();
        for length in [1, 16, 17, 31, 32] {
            let secret = vec![0xa5; length];
            let made = make_credential(&public, &name, &secret, &[9; 96]).unwrap();
            let opened = ek.activate(&name, &made.blob, &made.encrypted_secret);
            assert_eq!(opened, Ok(secret), "{ek:?}, {length} bytes");
        }
        for length in [0, 33] {
            let refused = make_credential(&public, &name, &vec![1; length], &[9; 96]);
            assert_eq!(refused.unwrap_err().check(), "T9");
        }
    }
}

/// T9: the TPM itself refuses a credential for another key than the one it holds.
#[test]
fn a_credential_is_bound_to_the_name_and_to_every_byte() {
    for ek in EKS {
        let (challenge, made) = challenge(ek, AkKey::P256("ak"));
        let name = challenge.candidate().ak_name().to_vec();
        let other = candidate(ek, AkKey::P256("other")).ak_name().to_vec();
        let open = |name: &[u8], blob: &[u8], encrypted: &[u8]| ek.activate(name, blob, encrypted);
        let refused = open(&other, &made.blob, &made.encrypted_secret);
        assert_eq!(refused, Err(ActivateError::Integrity), "another key's name");
        // The model's RSA is slow; the symmetric part is the same for all.
        let step = if ek == EkKey::Rsa2048 { 13 } else { 1 };
        for at in (2..made.blob.len()).step_by(step) {
            let mut blob = made.blob.clone();
            blob[at] ^= 1;
            let refused = open(&name, &blob, &made.encrypted_secret);
            assert_eq!(refused, Err(ActivateError::Integrity), "byte {at} of the blob");
        }
        let mut encrypted = made.encrypted_secret.clone();
        encrypted[40] ^= 1;
        assert!(open(&name, &made.blob, &encrypted).is_err());
        // The endorsement key of another TPM.
        let stranger = match ek {
            EkKey::Rsa2048 => continue,
            EkKey::P256(_) => EkKey::P256("other"),
            EkKey::P384(_) => EkKey::P384("other"),
        };
        let refused = stranger.activate(&name, &made.blob, &made.encrypted_secret);
        assert_eq!(refused, Err(ActivateError::Integrity));
    }
}

/// T10 and T11: once, in time, and the right bytes.
#[test]
fn a_challenge_is_answered_once_in_time_and_rightly() {
    let made = || challenge(EkKey::P256("ek"), AkKey::P256("ak")).0;
    let secret = random(0x11).secret;
    let check = |answer: Result<_, EnrolError>| answer.map(drop).map_err(|error| error.check());
    assert_eq!(check(made().answer(&secret, NOW_MS)), Ok(()));
    assert_eq!(check(made().answer(&secret, NOW_MS + CHALLENGE_MS - 1)), Ok(()));
    assert_eq!(check(made().answer(&secret, NOW_MS + CHALLENGE_MS)), Err("T10"));
    assert_eq!(check(made().answer(&secret, NOW_MS - 1)), Err("T10"), "the clock went back");
    for at in 0..secret.len() {
        let mut wrong = secret;
        wrong[at] ^= 0x80;
        assert_eq!(check(made().answer(&wrong, NOW_MS)), Err("T11"));
    }
    for wrong in [&[][..], &secret[..31], &[&secret[..], &[0]].concat()] {
        assert_eq!(check(made().answer(wrong, NOW_MS)), Err("T11"));
    }
    // That it is answered once is the type's: `answer` takes the challenge itself.
    assert!(!format!("{:?}", made()).contains(&hex(&secret)));
}

#[test]
fn random_bytes_without_a_private_number_are_refused() {
    for ek in [EkKey::P256("ek"), EkKey::P384("ek")] {
        for fill in [0, 0xff] {
            let bytes =
                enrol::ChallengeRandom { id: [1; 16], secret: [2; 32], entropy: [fill; 96] };
            let refused = Challenge::new(candidate(ek, AKS[0]), &bytes, NOW_MS);
            assert_eq!(refused.map(drop).unwrap_err(), EnrolError::Entropy);
        }
    }
}

/// ENROL.md, section 7.
#[test]
fn the_vectors_are_frozen() {
    let spec = include_str!("../../ENROL.md");
    for (ek, what) in EKS.into_iter().zip(["L-1", "L-2", "H-3"]) {
        let public = EkPublic::parse(&EkPublicSpec::of(ek).to_bytes()).unwrap();
        let name = [&[0, 0x0b][..], &[0x42; 32]].concat();
        let entropy: [u8; 96] = std::array::from_fn(|index| index as u8);
        let made = make_credential(&public, &name, &[0x5a; 32], &entropy).unwrap();
        assert_eq!(ek.activate(&name, &made.blob, &made.encrypted_secret), Ok(vec![0x5a; 32]));
        let hash = |bytes: &[u8]| {
            use ring::digest::{SHA256, digest};
            hex(digest(&SHA256, bytes).as_ref())
        };
        let line = format!(
            "| {what} | `{}` | `{}` | `{}` |",
            hex(public.hash()),
            hash(&made.blob),
            hash(&made.encrypted_secret)
        );
        assert!(spec.contains(&line), "{line}");
    }
}
