//! TPM evidence of the corpus through `attest::tpm`.

use super::{Verdict, bytes, nonce, time};
use attest::AttestError;
use attest::ima::FileList;
use attest::tpm::{AkTrust, ClockInfo, TpmPolicy, WorkerRelease, verify_evidence_with};
use attestation_fixtures::conformance::{Corpus, Demands, Entry};

pub fn judge(corpus: &Corpus, entry: &Entry) -> Verdict {
    let material = |role: &str| entry.materials.get(role).map(|path| corpus.bytes(path));
    let (log, kernel_log) = (material("event_log"), material("kernel_log"));
    let verdict = policy(corpus, corpus.demands(entry))
        .and_then(|policy| {
            verify_evidence_with(corpus.bytes(&entry.file), log, kernel_log, &policy)
        })
        .map(|_| ());
    verdict.map_err(|error| (error.check().to_owned(), error.to_string()))
}

fn policy(corpus: &Corpus, demands: &Demands) -> Result<TpmPolicy, AttestError> {
    let tpm = demands.tpm.as_ref().expect("a TPM's demands");
    let mut trust = AkTrust::new();
    for name in &tpm.ak_names {
        // A name that no TPM gives cannot be pinned: that refuses too.
        trust = trust.with_name(bytes(name))?;
    }
    for path in &demands.roots {
        trust = trust.with_root("TEST AK ROOT", corpus.bytes(path))?;
    }
    let mut policy = TpmPolicy::new(trust)
        .with_nonce(nonce(&demands.nonce))
        .with_time(time(&demands.at))
        .require_event_log(tpm.event_log_required)
        .require_secure_boot(tpm.secure_boot_required);
    for (index, value) in &demands.pcrs {
        policy = policy.with_pcr(*index, bytes(value))?;
    }
    if let Some(name) = &tpm.qualified_signer {
        policy = policy.with_qualified_signer(bytes(name));
    }
    if let Some(versions) = &tpm.firmware {
        policy = policy.with_firmware(versions.iter().copied());
    }
    if let Some(last) = tpm.last_clock {
        policy = policy.with_clock(ClockInfo {
            clock: last.clock,
            reset_count: last.reset_count,
            restart_count: last.restart_count,
            safe: last.safe,
        });
    }
    if let Some(workers) = &tpm.workers {
        let releases = workers.releases.iter().map(|one| WorkerRelease {
            name: one.name.clone(),
            sha256: bytes(&one.sha256).try_into().expect("32 bytes"),
            from_ms: one.from_ms,
            to_ms: one.to_ms,
        });
        policy = policy.with_workers(workers.register, releases)?;
    }
    if let Some(path) = &tpm.file_list {
        policy = policy.with_file_list(FileList::parse(corpus.bytes(path))?);
    }
    for revoked in &demands.revoked {
        policy = policy.with_revoked(bytes(&revoked.issuer), &bytes(&revoked.serial));
    }
    Ok(policy)
}
