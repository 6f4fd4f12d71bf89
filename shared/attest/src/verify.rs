//! Judges a document against a policy, in the order of the list: what is cheap and structural
//! first, the chain, the signature, then what the document says (checks N31 to N42).
//! Each stage enters into the ledger what it did; a check that is not entered fails a test.

use crate::cache::ChainCache;
use crate::chain::{self, Chain};
use crate::check::{Check, Outcome};
use crate::document::UnverifiedDocument;
use crate::error::{AttestError, DocumentKind};
use crate::policy::{NitroPolicy, NonceRule, VerificationTime};
use crate::reference::{self, IMAGE_PCRS, is_zero};
use crate::verdict::{Anchor, Established, VerifiedDocument, VerifiedTime};
use crate::{Pcr, hex};
use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use std::collections::BTreeMap;

/// Verifies a document's received bytes. With a cache, certificate signatures that verified
/// before are not computed again; every other check is made each time.
pub fn verify(
    bytes: &[u8],
    policy: &NitroPolicy,
    cache: Option<&mut ChainCache>,
) -> Result<VerifiedDocument, AttestError> {
    let document = UnverifiedDocument::parse(bytes)?;
    let mut ledger = Ledger::default();
    ledger.passed(1..=21);
    let Chain { anchor, leaf, mut notes } = chain::verify(&document, policy, cache)?;
    ledger.passed(22..=29);
    match policy.names_revoked() {
        true => ledger.passed(30..=30),
        false => ledger.not_checked(30, "the policy names no revoked certificate"),
    }
    let common_name = leaf.common_name.as_deref();
    let region = check_region(&document, common_name, policy, &mut ledger)?;
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &leaf.point)
        .verify(&document.signed_bytes(), document.signature)
        .map_err(|_| AttestError::DocumentSignature)?;
    ledger.passed(32..=32);
    check_kind(&document, policy)?;
    ledger.passed(33..=33);
    let release = check_registers(&document, policy, &mut ledger)?;
    check_bindings(&document, policy, &mut ledger)?;
    let time = check_age(&document, policy, &mut ledger)?;
    check_inside_leaf(&document, (leaf.not_before_ms, leaf.not_after_ms), policy)?;
    ledger.passed(41..=41);
    ledger.not_checked(42, "recording replay_key() is the caller's, after acceptance");
    if region.is_none() {
        notes.push(format!("N31 leaf common name {common_name:?} does not name the module"));
    }
    notes.extend(document.unknown_keys().iter().map(|key| format!("N9 unknown field {key:?}")));
    let anchor = Anchor::of(anchor);
    let checks = ledger.0;
    let established = Established { anchor, time, release, region, checks, notes };
    Ok(VerifiedDocument::of(&document, established))
}

#[derive(Default)]
struct Ledger(Vec<(Check, Outcome)>);

impl Ledger {
    fn passed(&mut self, numbers: std::ops::RangeInclusive<u8>) {
        self.0.extend(numbers.map(|number| (Check::n(number), Outcome::Passed)));
    }

    fn not_checked(&mut self, number: u8, reason: &'static str) {
        self.0.push((Check::n(number), Outcome::NotChecked(reason)));
    }
}

/// N31: AWS's leaves are called `<module_id>.<region>.aws`.
fn check_region(
    document: &UnverifiedDocument<'_>,
    common_name: Option<&str>,
    policy: &NitroPolicy,
    ledger: &mut Ledger,
) -> Result<Option<String>, AttestError> {
    let region = common_name
        .and_then(|name| name.strip_prefix(document.module_id()))
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(".aws"))
        .filter(|region| !region.is_empty() && !region.contains('.'));
    if let Some(allowed) = policy.regions()
        && !region.is_some_and(|region| allowed.contains(region))
    {
        let expected = format!("{}.<one of {allowed:?}>.aws", document.module_id());
        let actual = format!("{common_name:?}");
        return Err(AttestError::value(31, "leaf common name", expected, actual));
    }
    match region {
        Some(_) => ledger.passed(31..=31),
        None => ledger.not_checked(31, "the leaf's common name does not have AWS's shape"),
    }
    Ok(region.map(str::to_owned))
}

/// N33: the policy says which kind it judges; what a document looks like never chooses.
fn check_kind(document: &UnverifiedDocument<'_>, policy: &NitroPolicy) -> Result<(), AttestError> {
    let (expected, actual) = (policy.kind(), document.kind());
    if document.fields.both_register_fields && actual == expected {
        let found = "both pcrs and nitrotpm_pcrs";
        return Err(AttestError::value(33, "registers", expected.to_string(), found));
    }
    match expected == actual {
        true => Ok(()),
        false => Err(AttestError::Kind { expected, actual }),
    }
}

/// N34 to N36. Debug mode is refused whatever the policy, and before a comparison that would
/// only say "another release".
fn check_registers(
    document: &UnverifiedDocument<'_>,
    policy: &NitroPolicy,
    ledger: &mut Ledger,
) -> Result<Option<String>, AttestError> {
    let pcrs = document.pcrs();
    if policy.kind() == DocumentKind::NitroTpm {
        return check_instance_registers(pcrs, policy, ledger);
    }
    for index in IMAGE_PCRS {
        if !pcrs.contains_key(&index) {
            return Err(AttestError::PcrMissing { check: Check::n(34), index });
        }
    }
    if let Some(index) = IMAGE_PCRS.into_iter().find(|index| is_zero(&pcrs[index])) {
        return Err(AttestError::Debug { index });
    }
    let release = match policy.releases() {
        Some(releases) => Some(reference::matching_release(releases, DocumentKind::Enclave, pcrs)?),
        None => None,
    };
    if let Some(index) = policy.unextended().first() {
        let (what, expected) = (format!("unextended PCR{index}"), "a policy for NitroTPM");
        return Err(AttestError::value(35, what, expected, "a policy for enclaves"));
    }
    reference::require(35, policy.required_pcrs().iter(), pcrs, "policy")?;
    let others = release.is_some_and(|release| release.pcrs().len() > IMAGE_PCRS.len());
    match release {
        Some(_) => ledger.passed(34..=34),
        None => ledger.not_checked(34, "the policy gives no reference values"),
    }
    if others || !policy.required_pcrs().is_empty() {
        ledger.passed(35..=35);
    } else {
        ledger.not_checked(35, "the policy names no register above PCR2");
    }
    ledger.passed(36..=36);
    Ok(release.map(|release| release.release().to_owned()))
}

/// N34 and N35 of an instance. It has no debug mode that its registers would show, and a
/// register that nothing was measured into is zero: N36 is not checked.
fn check_instance_registers(
    pcrs: &BTreeMap<u8, Pcr>,
    policy: &NitroPolicy,
    ledger: &mut Ledger,
) -> Result<Option<String>, AttestError> {
    let release = match policy.releases() {
        Some(releases) => {
            Some(reference::matching_release(releases, DocumentKind::NitroTpm, pcrs)?)
        }
        None => None,
    };
    // Which kind the policy judges is known only now; of an enclave PCR16 is its own, and locked.
    for (index, value) in policy.required_pcrs() {
        reference::check_instance_value(35, *index, value, "policy")?;
    }
    reference::require(35, policy.required_pcrs().iter(), pcrs, "policy")?;
    let check = Check::n(35);
    for index in policy.unextended() {
        let actual = pcrs.get(index).ok_or(AttestError::PcrMissing { check, index: *index })?;
        if !is_zero(actual) {
            let expected = "zero: never extended (policy)".to_owned();
            let actual = hex(actual);
            return Err(AttestError::PcrMismatch { check, index: *index, expected, actual });
        }
    }
    match release {
        Some(_) => ledger.passed(34..=34),
        None => ledger.not_checked(34, "the policy gives no reference values"),
    }
    match policy.required_pcrs().is_empty() && policy.unextended().is_empty() {
        true => ledger.not_checked(35, "the policy names no further register"),
        false => ledger.passed(35..=35),
    }
    ledger.not_checked(36, "an instance's registers do not show a debug mode");
    Ok(release.map(|release| release.release().to_owned()))
}

/// N37 to N39: what the enclave was asked to say.
fn check_bindings(
    document: &UnverifiedDocument<'_>,
    policy: &NitroPolicy,
    ledger: &mut Ledger,
) -> Result<(), AttestError> {
    let mut exact = |number, what, expected: Option<&[u8]>, actual: Option<&[u8]>, reason| {
        match expected {
            None => ledger.not_checked(number, reason),
            Some(_) if expected == actual => ledger.passed(number..=number),
            Some(_) => {
                return Err(AttestError::value(number, what, shown(expected), shown(actual)));
            }
        }
        Ok(())
    };
    let (wanted, found) = (policy.user_data(), document.user_data());
    exact(37, "user_data", wanted, found, "the policy gives no expected user_data")?;
    let (wanted, found) = (policy.public_key(), document.public_key());
    exact(38, "public_key", wanted, found, "the policy gives no expected public_key")?;
    match policy.nonce() {
        NonceRule::Exact(wanted) => exact(39, "nonce", Some(wanted), document.nonce(), "")?,
        NonceRule::Any => ledger.not_checked(39, "the policy gives no expected nonce"),
        NonceRule::Absent if document.nonce().is_none() => ledger.passed(39..=39),
        NonceRule::Absent => {
            return Err(AttestError::value(39, "nonce", "none", shown(document.nonce())));
        }
    }
    Ok(())
}

fn shown(value: Option<&[u8]>) -> String {
    match value {
        None => "none".to_owned(),
        Some([]) => "empty".to_owned(),
        Some(bytes) => hex(bytes),
    }
}

/// N40, and the kind of claim that the verdict is.
fn check_age(
    document: &UnverifiedDocument<'_>,
    policy: &NitroPolicy,
    ledger: &mut Ledger,
) -> Result<VerifiedTime, AttestError> {
    let timestamp_ms = document.timestamp_ms();
    let at_ms = policy.time_ms(timestamp_ms);
    let ahead_ms = timestamp_ms.saturating_sub(at_ms);
    let max_ms = policy.clock_skew_ms();
    if ahead_ms > max_ms {
        return Err(AttestError::FromTheFuture { max_ms, actual_ms: ahead_ms });
    }
    match policy.time() {
        VerificationTime::Live { now_ms } => {
            let (age_ms, max_ms) = (now_ms.saturating_sub(timestamp_ms), policy.age_ms_max());
            if age_ms > max_ms {
                return Err(AttestError::TooOld { max_ms, actual_ms: age_ms });
            }
            ledger.passed(40..=40);
            Ok(VerifiedTime::Live { now_ms, age_ms })
        }
        VerificationTime::At { .. } => {
            ledger.not_checked(40, "archival: age says nothing; only the future was refused");
            Ok(VerifiedTime::Archival { at_ms, own_timestamp: false })
        }
        VerificationTime::Document => {
            ledger.not_checked(40, "archival: the document is judged at its own timestamp");
            Ok(VerifiedTime::Archival { at_ms, own_timestamp: true })
        }
    }
}

/// N41: the clock that signed and the clock that issued must agree, in archival mode too.
fn check_inside_leaf(
    document: &UnverifiedDocument<'_>,
    (not_before_ms, not_after_ms): (u64, u64),
    policy: &NitroPolicy,
) -> Result<(), AttestError> {
    let actual_ms = document.timestamp_ms();
    let not_after_ms = not_after_ms.saturating_add(999);
    let early = actual_ms.saturating_add(policy.clock_skew_ms()) < not_before_ms;
    if early || actual_ms > not_after_ms {
        return Err(AttestError::OutsideLeaf { not_before_ms, not_after_ms, actual_ms });
    }
    Ok(())
}
