//! Why an attestation key is believed (checks T4 to T6 and T8): its name or key is pinned, or its
//! certificate leads to a root of the policy. What arrives with a quote proves nothing by itself.

use crate::Check;
use crate::error::AttestError;
use crate::hex;
use crate::tpm::chain;
use crate::tpm::key::PublicKey;
use crate::tpm::ledger::Ledger;
use crate::tpm::policy::TpmPolicy;
use crate::tpm::public::AkPublic;
use crate::tpm::signature::Scheme;
use crate::tpm::verdict::AkBasis;

/// What is given of the attestation key. At least one part; all that are given must be one key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AkParts<'a> {
    /// TPMT_PUBLIC. Its attributes are bound only where its name is pinned.
    pub public: Option<&'a [u8]>,
    /// SubjectPublicKeyInfo in DER.
    pub spki: Option<&'a [u8]>,
    /// Certificates in DER, leaf first.
    pub certificates: Vec<&'a [u8]>,
}

/// A key that is believed, and why.
pub(crate) struct JudgedKey {
    pub(crate) key: PublicKey,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) basis: AkBasis,
    pub(crate) notes: Vec<String>,
}

/// T4 to T6 and T8.
pub(crate) fn judge_key(
    parts: &AkParts<'_>,
    policy: &TpmPolicy,
    ledger: &mut Ledger,
) -> Result<JudgedKey, AttestError> {
    let public = parts.public.map(AkPublic::parse).transpose()?;
    let spki = parts.spki.map(PublicKey::from_spki).transpose()?;
    let count = parts.certificates.len() as u64;
    AttestError::within(Check::t(13), "AK certificates", count, 0, CERTIFICATES_MAX)?;
    let (scheme, name) =
        public.as_ref().map_or((None, None), |one| (Some(one.scheme), Some(one.name.clone())));
    let mut given: Vec<PublicKey> = public.map(|one| one.key).into_iter().chain(spki).collect();
    let mut pinned = pinned_basis(&given, name.as_deref(), policy)?;
    if pinned.is_none() {
        // A certificate beside a key that is pinned proves nothing more: it is not even read.
        given.extend(chain::leaf_key(&parts.certificates)?);
        pinned = pinned_basis(&given, name.as_deref(), policy)?;
    }
    let refuse = |expected: &str, actual: &str| {
        Err(AttestError::refuse(Check::t(8), "attestation key", expected, actual))
    };
    let Some(key) = given.into_iter().next() else {
        return refuse("its public area, key or certificate", "none");
    };
    let mut notes = Vec::new();
    let basis = match pinned {
        Some(basis) => {
            if !parts.certificates.is_empty() {
                notes.push("T8 the key is pinned; its certificates were not judged".to_owned());
            }
            basis
        }
        None if policy.trust.roots.is_empty() || parts.certificates.is_empty() => {
            let actual = name.as_ref().map_or("a key without a name".to_owned(), |name| hex(name));
            let expected = "a name or key that the policy pins, or a chain to one of its roots";
            return refuse(expected, &actual);
        }
        None => {
            // The leaf's key was compared with the others above.
            let certified = chain::verify(&parts.certificates, policy)?;
            notes.extend(certified.notes);
            AkBasis::Root(certified.root.to_owned())
        }
    };
    let bound = basis == AkBasis::PinnedName;
    enter_key_checks(bound, scheme.is_some(), ledger, &mut notes);
    let name = name.filter(|_| bound);
    Ok(JudgedKey { key, scheme, name, basis, notes })
}

/// Whether the policy pins the one key that all `given` parts must be.
fn pinned_basis(
    given: &[PublicKey],
    name: Option<&[u8]>,
    policy: &TpmPolicy,
) -> Result<Option<AkBasis>, AttestError> {
    if given.windows(2).any(|pair| pair[0] != pair[1]) {
        let (expected, actual) = ("one key in all its parts", "two");
        return Err(AttestError::refuse(Check::t(8), "attestation key", expected, actual));
    }
    let trust = &policy.trust;
    if name.is_some_and(|name| trust.names.contains(name)) {
        return Ok(Some(AkBasis::PinnedName));
    }
    Ok(given.first().filter(|key| trust.keys.contains(*key)).map(|_| AkBasis::PinnedKey))
}

/// Without a pinned name nothing binds the public area: a certificate holds the key alone, and
/// attributes and a scheme beside it are whatever the sender wrote.
fn enter_key_checks(bound: bool, scheme: bool, ledger: &mut Ledger, notes: &mut Vec<String>) {
    ledger.passed([8]);
    if bound {
        return ledger.passed([4, 5, 6]);
    }
    let reason = "only a pinned name binds the key's attributes; a certificate's issuer vouches \
                  for them";
    ledger.not_checked(4, reason);
    ledger.not_checked(5, reason);
    ledger.not_checked(6, "key size only: a pinned name alone binds the key's own scheme");
    let scheme = match scheme {
        true => "is what the sender wrote",
        false => "is not known",
    };
    notes.push(format!("T18 the scheme that the key is restricted to {scheme}"));
}

const CERTIFICATES_MAX: u64 = 8;
