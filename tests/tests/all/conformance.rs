//! The conformance corpus of `attestation-fixtures` through our own verifiers: every case gets its
//! verdict, and every refusal comes from the check that the manifest names.

mod policies;
mod proofs;
mod quotes;

use attest::{
    AttestError, DocumentKind, NitroPolicy, NonceRule, Pcr, ReferenceValues, TrustAnchor,
    VerificationTime,
};
use attestation_fixtures::conformance::{
    At, Corpus, Demands, Entry, Expectation, Kind, NonceDemand, conformance, unhex,
};
use std::collections::{BTreeMap, BTreeSet};

/// A verdict in the manifest's words: nothing, or the check that refused and why.
type Verdict = Result<(), (String, String)>;

#[test]
fn every_document_gets_its_verdict() {
    judge_all(&[Kind::Nitro, Kind::Nitrotpm], |corpus, entry| {
        let demands = corpus.demands(entry);
        let bytes = corpus.bytes(&entry.file);
        let verdict = nitro_policy(corpus, demands)
            .and_then(|policy| attest::verify(bytes, &policy, None))
            .map(|_| ());
        verdict.map_err(|error| (error.check().to_owned(), error.to_string()))
    });
}

#[test]
fn every_quote_gets_its_verdict() {
    judge_all(&[Kind::Tpm], quotes::judge);
}

#[test]
fn every_proof_gets_its_verdict() {
    judge_all(&[Kind::Proof], proofs::judge);
}

#[test]
fn every_set_gets_its_verdict() {
    judge_all(&[Kind::LogSet], proofs::judge_set);
}

#[test]
fn every_policy_gets_its_verdict() {
    judge_all(&[Kind::Policy], policies::judge);
}

/// Judges every case of these kinds and lists all that differ.
fn judge_all(kinds: &[Kind], judge: impl Fn(&Corpus, &Entry) -> Verdict) {
    let corpus = conformance();
    let mut wrong = Vec::new();
    let mut checks = BTreeSet::new();
    let cases: Vec<_> = corpus.entries().iter().filter(|one| kinds.contains(&one.kind)).collect();
    assert!(!cases.is_empty(), "{kinds:?}");
    for entry in &cases {
        let verdict = judge(corpus, entry);
        let expected = match entry.expected {
            Expectation::Accept => None,
            Expectation::Refuse => entry.check.as_deref(),
        };
        let found = verdict.as_ref().err().map(|(check, _)| check.as_str());
        checks.extend(found.map(str::to_owned));
        if found != expected {
            let why = verdict.as_ref().err().map_or("accepted", |(_, why)| why.as_str());
            wrong.push(format!("{}: expected {expected:?}, {found:?}: {why}", entry.name));
        }
    }
    println!("{kinds:?}: {} cases, {} checks refuse something", cases.len(), checks.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The policy that these demands describe.
fn nitro_policy(corpus: &Corpus, demands: &Demands) -> Result<NitroPolicy, AttestError> {
    let mut roots = Vec::new();
    for path in &demands.roots {
        roots.push(TrustAnchor::from_der("TEST ROOT", corpus.bytes(path))?);
    }
    let pcrs = registers(&demands.pcrs);
    let (kind, release) = match demands.evidence.as_str() {
        "nitrotpm" => (DocumentKind::NitroTpm, ReferenceValues::nitrotpm("1.0.0", pcrs)?),
        _ => (DocumentKind::Enclave, ReferenceValues::new("1.0.0", pcrs)?),
    };
    let mut policy = NitroPolicy::new(roots, time(&demands.at), vec![release])?
        .with_kind(kind)
        .with_clock_skew_ms(demands.clock_skew_ms)?
        .with_age_ms_max(demands.age_ms_max)
        .with_nonce(nonce(&demands.nonce));
    for (index, value) in registers(&demands.required_pcrs) {
        policy = policy.with_required_pcr(index, value)?;
    }
    if let Some(user_data) = &demands.user_data {
        policy = policy.with_user_data(bytes(user_data));
    }
    if let Some(public_key) = &demands.public_key {
        policy = policy.with_public_key(bytes(public_key));
    }
    if let Some(regions) = &demands.regions {
        policy = policy.with_regions(regions.clone());
    }
    for revoked in &demands.revoked {
        policy = policy.with_revoked(bytes(&revoked.issuer), &bytes(&revoked.serial));
    }
    Ok(policy)
}

fn time(at: &At) -> VerificationTime {
    match *at {
        At::Live(now_ms) => VerificationTime::Live { now_ms },
        At::Archival(ms) => VerificationTime::At { ms },
        At::Document => VerificationTime::Document,
    }
}

fn nonce(demand: &NonceDemand) -> NonceRule {
    match demand {
        NonceDemand::Any => NonceRule::Any,
        NonceDemand::Absent => NonceRule::Absent,
        NonceDemand::Exact(text) => NonceRule::Exact(bytes(text)),
    }
}

fn registers(texts: &BTreeMap<u8, String>) -> BTreeMap<u8, Pcr> {
    let value = |text| Pcr::try_from(bytes(text)).expect("48 bytes");
    texts.iter().map(|(index, text)| (*index, value(text))).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    unhex(text).expect("hexadecimal")
}
