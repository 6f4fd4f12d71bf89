//! Proofs and sets of proofs of the corpus through `verify`, each under a signed policy file.

use super::{Verdict, bytes, registers};
use attestation_fixtures::conformance::{At, Corpus, Demands, Entry, ProofDemands, WorkerDemand};
use crypto::{Salt, SigningKey, VerifyingKey};
use facts::Millis;
use policy::{
    Anchor, Content, Freshness, Kind, NamedDer, Release, RevokedCertificate, RevokedSigner,
    SignedPolicy, Signers, Tpm, Witnesses, WorkerRelease, Workers,
};
use std::collections::BTreeMap;
use verify::{
    LogAudit, Materials, Policy, SingleResult, TimeEvidence, Verified, Verifier, VerifyError,
};
use zeroize::Zeroizing;

pub fn judge(corpus: &Corpus, entry: &Entry) -> Verdict {
    let single = material(corpus, entry, "single").map(read_single);
    let salt = material(corpus, entry, "salt");
    let lines = material(corpus, entry, "cosignatures").unwrap_or_default();
    let lines: Vec<&[u8]> = lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect();
    let demands = corpus.demands(entry);
    let materials = Materials {
        bundle: material(corpus, entry, "bundle"),
        input: material(corpus, entry, "input"),
        salt: salt.map(|salt| Salt(salt.try_into().expect("32 bytes"))),
        event_log: material(corpus, entry, "event_log"),
        second_opinion: demanded(demands).second_opinion,
        cosignatures: &lines,
        shown: single.as_ref().map(|(index, salt, result, path)| SingleResult {
            result,
            leaf_salt: salt.clone(),
            index: *index,
            path,
        }),
        ..Materials::default()
    };
    refusal(verify(corpus, demands, corpus.bytes(&entry.file), &materials).map(|_| ()))
}

/// A set is good when it is a whole log.
pub fn judge_set(corpus: &Corpus, entry: &Entry) -> Verdict {
    let demands = corpus.demands(entry);
    let record = material(corpus, entry, "boot_record").expect("a boot record");
    let record = proof::BootRecord::parse(record).expect("a sound boot record");
    let config = rules::BootConfig::parse(corpus.bytes(&demanded(demands).boot_config));
    let audit = || {
        let mut audit = LogAudit::open(&record, config.expect("sound").hash())?;
        for path in std::iter::once(&entry.file).chain(&entry.more) {
            let verified =
                verify(corpus, demands, corpus.bytes(path), &Materials::default()).expect("good");
            audit.push(&verified)?;
        }
        audit.finish().map(|_| ())
    };
    refusal(audit())
}

fn refusal(verdict: Result<(), VerifyError>) -> Verdict {
    verdict.map_err(|error| (error.check().to_owned(), error.to_string()))
}

fn verify(
    corpus: &Corpus,
    demands: &Demands,
    bytes: &[u8],
    materials: &Materials<'_>,
) -> Result<Verified, VerifyError> {
    let policy = policy(corpus, demands)?;
    match demands.at {
        At::Live(now_ms) => {
            Ok(Verifier::live(policy, now_ms)?.verify(bytes, materials)?.into_verified())
        }
        At::Archival(ms) => archival(policy, TimeEvidence::Assumed { ms }, bytes, materials),
        At::Document => archival(policy, TimeEvidence::DocumentOwn, bytes, materials),
    }
}

fn archival(
    policy: Policy,
    evidence: TimeEvidence,
    bytes: &[u8],
    materials: &Materials<'_>,
) -> Result<Verified, VerifyError> {
    Ok(Verifier::archival(policy, evidence).verify(bytes, materials)?.into_verified())
}

/// The demands as a signed policy file, read back.
fn policy(corpus: &Corpus, demands: &Demands) -> Result<Policy, VerifyError> {
    let key = SigningKey::from_seed(&Zeroizing::new([0x77; 32]));
    let content = content(corpus, demands, key.verifying_key());
    let signed = policy::sign(&content, &[key]).expect("a policy that can be written");
    let verified = SignedPolicy::verify(&signed, None).expect("a policy that can be read");
    let policy = Policy::from_verified(&verified)?;
    Ok(match &demanded(demands).nonce {
        Some(nonce) => policy.with_nonce(bytes(nonce)),
        None => policy,
    })
}

fn content(corpus: &Corpus, demands: &Demands, key: VerifyingKey) -> Content {
    let proof = demanded(demands);
    let kind = Kind::from_name(&demands.evidence).expect("a kind");
    let mut roots: Vec<NamedDer> = Vec::new();
    for (index, path) in demands.roots.iter().enumerate() {
        let der = corpus.bytes(path).to_vec();
        roots.push(NamedDer { name: format!("TEST ROOT {index}"), der });
    }
    let is_tpm = kind == Kind::Tpm;
    Content {
        name: "conformance".into(),
        version: 1,
        issued_at: Millis(0),
        expires_at: Millis(4_000_000_000_000),
        signers: Signers { keys: vec![key], threshold: 1 },
        kinds: vec![kind],
        anchors: if is_tpm { vec![] } else { roots.into_iter().map(Anchor::Der).collect() },
        releases: if is_tpm { vec![] } else { vec![release(demands, kind)] },
        revoked_releases: vec![],
        required_pcrs: registers(&demands.required_pcrs),
        boot_configs: vec![corpus.bytes(&proof.boot_config).to_vec()],
        revoked_certificates: demands
            .revoked
            .iter()
            .map(|one| RevokedCertificate {
                issuer: bytes(&one.issuer),
                serial: bytes(&one.serial),
            })
            .collect(),
        revoked_signers: proof.revoked_signers.iter().map(|did| revoked(did)).collect(),
        retired_signers: vec![],
        tpm: tpm(demands, kind),
        witnesses: proof.witnesses.as_ref().map_or(Witnesses::default(), |witnesses| {
            let mut keys = witnesses.keys.clone();
            keys.sort();
            Witnesses { keys, threshold: witnesses.threshold }
        }),
        freshness: Freshness {
            age_ms_max: demands.age_ms_max,
            lag_ms_max: proof.lag_ms_max,
            skew_ms: demands.clock_skew_ms,
        },
        regions: demands.regions.clone(),
        required_checks: required(proof),
    }
}

/// Witnesses that a policy names are required: a proof without them is refused by P20.
fn required(proof: &ProofDemands) -> Vec<String> {
    let mut checks = proof.required_checks.clone();
    if proof.witnesses.is_some() {
        checks.push("P20".into());
    }
    checks.sort();
    checks
}

fn release(demands: &Demands, kind: Kind) -> Release {
    let pcrs = registers(&demands.pcrs);
    Release { name: "1.0.0".into(), kind, pcrs, from: Millis(0), to: None }
}

fn revoked(did: &str) -> RevokedSigner {
    let key = VerifyingKey::from_did_key(did).expect("a did:key");
    RevokedSigner { key, reason: "revoked by a case of the corpus".into() }
}

fn tpm(demands: &Demands, kind: Kind) -> Tpm {
    let boot_pcr = (kind != Kind::Nitro).then_some(demanded(demands).boot_pcr);
    if kind != Kind::Tpm {
        return Tpm { boot_pcr, ..Tpm::default() };
    }
    let tpm = demands.tpm.as_ref().expect("a TPM's demands");
    let pcrs: BTreeMap<u8, Vec<u8>> =
        demands.pcrs.iter().map(|(index, value)| (*index, bytes(value))).collect();
    let workers = tpm.workers.as_ref().map(|workers| Workers {
        register: workers.register,
        releases: workers.releases.iter().map(worker).collect(),
    });
    Tpm {
        ak_names: tpm.ak_names.iter().map(|name| bytes(name)).collect(),
        pcrs,
        event_log_required: tpm.event_log_required,
        // The runtime log names the boot configuration where there is one.
        boot_pcr: boot_pcr.filter(|_| workers.is_none()),
        workers,
        ..Tpm::default()
    }
}

fn worker(release: &WorkerDemand) -> WorkerRelease {
    WorkerRelease {
        name: release.name.clone(),
        sha256: bytes(&release.sha256).try_into().expect("32 bytes"),
        from: Millis(release.from_ms),
        to: release.to_ms.map(Millis),
    }
}

fn demanded(demands: &Demands) -> &ProofDemands {
    demands.proof.as_ref().expect("a proof's demands")
}

fn material<'c>(corpus: &'c Corpus, entry: &Entry, role: &str) -> Option<&'c [u8]> {
    entry.materials.get(role).map(|path| corpus.bytes(path))
}

type Shown = (u32, Salt, rules::RuleResult, Vec<tlog::Hash>);

/// `[index, leaf salt, result, [node...]]`.
fn read_single(bytes: &[u8]) -> Shown {
    let mut r = cbor::Reader::new(bytes);
    let mut read = || -> Result<Shown, cbor::CborError> {
        r.array_of("single result", 4)?;
        let index = r.uint_max("index", 255)? as u32;
        let salt = Salt(r.array_bytes("leaf salt")?);
        let result = rules::RuleResult::from_bytes(r.bytes()?)?;
        let path = r.entries("path", 64, |r| r.array_bytes("path node"))?;
        r.end()?;
        Ok((index, salt, result, path))
    };
    read().expect("a material of this corpus")
}
