//! Before the gate opens: a quote that answers a nonce of the host's own, judged under the
//! operator's policy, and bound to the boot that speaks. An enclave that is not accepted gets its
//! boot configuration and this question, and nothing else. It must never open the gate for a boot
//! whose key no accepted document names.

use super::handshake::ask;
use super::stream::{Sink, Source};
use crate::accepted::{Accepted, now_ms};
use crate::config::{EnclaveAddress, ServeOptions};
use crate::error::Error;
use crate::files::read_event_log;
use crate::health::Component;
use crate::host::Host;
use crate::seen::Versions;
use crypto::{VerifyingKey, to_hex};
use policy::{BOOT_CONFIG_PCR, Kind};
use proof::{BootRecord, signer_of_key_set};
use ring::rand::SecureRandom as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tlog::Checkpoint;
use tokio::io::{BufReader, BufWriter};
use verify::{Attested, VerifyError};
use wire::{BootInfo, Command, Refusal, Report};

/// Number of the command; those of requests begin far above.
const ATTEST_ID: u64 = 3;
/// Length of the host's nonce, in bytes.
const NONCE_BYTES: usize = 32;

/// The operator's policy, as files: read anew at each connection, so that an enclave that was
/// refused is served as soon as the policy accepts it, and looked at while a link is up.
#[derive(Debug, Clone)]
pub struct Gate {
    policy: PathBuf,
    signers: Vec<String>,
    threshold: Option<usize>,
    /// The measured boot's log, where one was named.
    event_log: Option<PathBuf>,
    /// How often the files are looked at while a link is up.
    period: Duration,
    /// The versions that were read: an older policy that is put back is not taken.
    versions: Arc<Versions>,
}

/// What an enclave was accepted for.
#[derive(Debug)]
pub struct Judged {
    /// The attested key of the boot.
    pub key: VerifyingKey,
    /// Leaves in the log that was quoted: everything that the enclave had signed by then.
    pub size: u64,
    /// The policy's file as it was.
    policy: Vec<u8>,
    /// Until when the policy is in force, in Unix milliseconds.
    until_ms: u64,
}

impl Gate {
    /// The gate that the options ask for. Without a policy there is none, which only addresses of
    /// this machine's own sockets allow.
    pub fn of(options: &ServeOptions) -> Result<Option<Self>, Error> {
        let Some(policy) = &options.policy else {
            return match options.enclave {
                EnclaveAddress::Unix(_) => Ok(None),
                EnclaveAddress::Vsock { .. } | EnclaveAddress::Hybrid { .. } => {
                    Err(Error::Accepted(
                        "vsock: and hybrid: addresses need --policy FILE: expected a signed \
                         policy that says which images may be forwarded to, found none; make one \
                         with `probity policy new --measurements eif/measurements.json`"
                            .into(),
                    ))
                }
            };
        };
        let (signers, threshold) = (options.policy_signer.clone(), options.policy_threshold);
        let period = options.rules_poll;
        let versions = Arc::new(Versions::open(&options.data)?);
        let event_log = options.event_log.clone();
        let gate = Self { policy: policy.clone(), signers, threshold, event_log, period, versions };
        let (accepted, _) = gate.read()?;
        if let Some(origin) = accepted.policy().origin() {
            let (name, version) = (&origin.name, origin.version);
            tracing::info!(%name, version, pinned = origin.is_pinned, "read the policy");
            if !origin.is_pinned {
                tracing::warn!("the policy is NOT PINNED: name its signers with --policy-signer");
            }
        }
        Ok(Some(gate))
    }

    /// The policy, and its file's bytes.
    fn read(&self) -> Result<(Accepted, Vec<u8>), Error> {
        let bytes = fs::read(&self.policy).map_err(Error::file(&self.policy))?;
        let path = &self.policy;
        let accepted = Accepted::parse(path, &bytes, &self.signers, self.threshold)?;
        if let Some(origin) = accepted.policy().origin() {
            self.versions.admit(&origin.name, origin.version)?;
        }
        Ok((accepted, bytes))
    }
}

/// Waits until the policy under which the enclave was judged is no longer the one to judge by: its
/// file changed, or its time is over. The link ends with that, and the next is judged anew.
pub async fn outdated(gate: Option<&Gate>, judged: Option<Judged>) -> Error {
    let (Some(gate), Some(judged)) = (gate, judged) else { return std::future::pending().await };
    loop {
        tokio::time::sleep(gate.period).await;
        // A file that cannot be read, as in the middle of its replacement, is looked at again.
        let is_same = fs::read(&gate.policy).map_or(true, |bytes| bytes == judged.policy);
        if !is_same {
            return Error::Accepted("the policy changed: the enclave is judged again".into());
        }
        if now_ms().map_or(true, |now_ms| now_ms >= judged.until_ms) {
            return Error::Accepted("the policy is no longer in force".into());
        }
    }
}

/// How the policy stands before the first connection.
pub fn at_first(gate: Option<&Gate>) -> Component {
    match gate {
        Some(_) => Component::down("no enclave was judged yet"),
        None => Component::up(
            "not asked: without --policy any enclave at this unix: address is forwarded to",
        ),
    }
}

/// Asks for a quote and judges it; says in the host's health how that went.
pub async fn require(
    (source, sink): (&mut BufReader<Source>, &mut BufWriter<Sink>),
    host: &Host,
    gate: &Gate,
    boot: &BootInfo,
) -> Result<Judged, Error> {
    let judged = judge(source, sink, gate, boot).await;
    match &judged {
        Ok((detail, _)) => {
            tracing::info!(%detail, "the enclave is accepted");
            host.health.set_policy(Component::up(detail.clone()), None);
        }
        Err(error) => {
            let check = match error {
                Error::NotAccepted { check, .. } => Some(*check),
                _ => None,
            };
            host.health.set_policy(Component::down(error.to_string()), check);
        }
    }
    judged.map(|(_, judged)| judged)
}

async fn judge(
    source: &mut BufReader<Source>,
    sink: &mut BufWriter<Sink>,
    gate: &Gate,
    boot: &BootInfo,
) -> Result<(String, Judged), Error> {
    let (accepted, policy) = gate.read()?;
    let record = BootRecord::parse(&boot.record)
        .map_err(|error| Error::Enclave(format!("boot record: {error}")))?;
    let mut nonce = [0; NONCE_BYTES];
    let failed = |_| Error::Tls("the system gives no random bytes".into());
    ring::rand::SystemRandom::new().fill(&mut nonce).map_err(failed)?;
    let command = Command::Attest { id: ATTEST_ID, nonce: nonce.to_vec() };
    let quote = match ask(source, sink, &command).await? {
        Report::Attested { id: ATTEST_ID, quote } => quote,
        Report::Refused(Refusal { detail, .. }) => return Err(Error::Enclave(detail)),
        _ => return Err(Error::Enclave("it did not attest itself".into())),
    };
    let event_log = gate.event_log.as_deref().map(read_event_log).transpose()?;
    let attested = accepted.attested(&quote.document, &nonce, event_log.as_deref(), refused)?;
    let (key, size) = bind(&attested, &record)?;
    let until_ms = accepted.policy().origin().map_or(u64::MAX, |origin| origin.expires_at.0);
    Ok((told(&attested, &accepted), Judged { key, size, policy, until_ms }))
}

/// The evidence speaks of the boot that this connection has: its key, its log, its configuration.
/// Gives that key and the log's size.
fn bind(attested: &Attested, record: &BootRecord) -> Result<(VerifyingKey, u64), Error> {
    let evidence = &attested.evidence;
    let differs = |check, what: &str, expected: String, found: String| Error::NotAccepted {
        check,
        problem: format!("{check} {what}: expected {expected}, found {found}"),
        remedy: "the connection mixes two enclaves, or lies: see who serves its address",
    };
    let keys = evidence.key_set().unwrap_or_default();
    let signer = signer_of_key_set(keys).map_err(|error| error.to_string());
    let signer =
        signer.and_then(|key| VerifyingKey::from_bytes(&key).map_err(|error| error.to_string()));
    let key = match signer {
        Ok(key) if key.did_key() == record.agent => key,
        other => {
            let named = other.map_or_else(|e| format!("no key ({e})"), |key| key.did_key());
            return Err(differs("P6", "key of the boot record", named, record.agent.clone()));
        }
    };
    let quoted = Checkpoint::parse(evidence.user_data().unwrap_or_default());
    let boot_id = to_hex(&record.boot_id);
    let size = match &quoted {
        Ok(quoted) if quoted.boot_id == record.boot_id => quoted.size,
        Ok(quoted) => return Err(differs("P8", "boot", boot_id, to_hex(&quoted.boot_id))),
        Err(error) => return Err(differs("P8", "boot", boot_id, error.to_string())),
    };
    // The record's own word counts for nothing: what was measured has to say the same.
    if attested.boot_config.hash() == record.boot_config {
        return Ok((key, size));
    }
    let (check, expected) = match evidence.kind() {
        Kind::Nitro => ("N35", format!("the one that is measured in PCR{BOOT_CONFIG_PCR}")),
        Kind::NitroTpm => ("N35", "the one that the document was measured with".to_owned()),
        Kind::Tpm => ("T24", "the one that the host's TPM was given before the start".to_owned()),
    };
    Err(differs(check, "boot configuration", expected, record.boot_config.to_string()))
}

fn refused(error: VerifyError) -> Error {
    let (check, text) = (error.check(), error.to_string());
    let problem = match text.contains(check) {
        true => text,
        false => format!("{check} {text}"),
    };
    let remedy = match check {
        "N34" | "N35" if problem.contains("PCR16") => {
            "it booted with another boot configuration: start it again, before anybody else \
             gives it one, or have that configuration added to the policy and signed"
        }
        "N34" => {
            "if this image is meant, have its release added to the policy and signed: the policy \
             is read again at each try; if it is not, stop the enclave"
        }
        "T8" => {
            "enrol the host's attestation key (probity tpm enrol) and name its registrar's \
             authority in the policy, or pin the key's name: the policy is read again at each try"
        }
        "T24" if problem.contains("boot configuration") => {
            "the host was started with another boot configuration: start the device again with the \
             one that the policy names, or have it added to the policy and signed"
        }
        "T25" if problem.contains("found none") => {
            "name the firmware's log with --event-log: the policy asks for the measured boot"
        }
        "T31" | "T32" | "T33" | "T34" => {
            "this host is given no log of the kernel's measurements: a policy that asks for it \
             (file_list) serves verifiers of proofs; give the host one that does not"
        }
        "N36" => "start the release image without a debug console",
        _ => error.remedy(),
    };
    Error::NotAccepted { check, problem, remedy }
}

fn told(attested: &Attested, accepted: &Accepted) -> String {
    let evidence = &attested.evidence;
    let release = evidence.release_name().unwrap_or("without reference values");
    let anchor = evidence.anchor_name();
    let is_built_in = evidence.document().is_some_and(|one| one.anchor().is_built_in());
    let root = match is_built_in {
        true => "AWS's root".to_owned(),
        false => format!("the policy's root {anchor:?}"),
    };
    let attested_by = match evidence.quoted_at() {
        Some(at) => format!("attested {at}"),
        None => "quoted by its TPM".to_owned(),
    };
    let policy = accepted.policy().origin().map(|origin| {
        let pinned = if origin.is_pinned { "" } else { ", NOT PINNED" };
        format!("; policy {} version {}{pinned}", origin.name, origin.version)
    });
    let policy = policy.unwrap_or_default();
    format!("release {release} under {root}, {attested_by}{policy}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::key;

    #[tokio::test]
    async fn a_link_ends_when_its_policy_changes_or_runs_out() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy");
        fs::write(&policy, b"one").unwrap();
        let (signers, threshold) = (vec![], None);
        let (period, versions) = (Duration::from_millis(10), Versions::open(folder.path()));
        let versions = Arc::new(versions.unwrap());
        let event_log = None;
        let gate = Gate { policy: policy.clone(), signers, threshold, event_log, period, versions };
        let judged = |until_ms| Judged {
            key: key().verifying_key(),
            size: 1,
            policy: b"one".to_vec(),
            until_ms,
        };
        let soon = period * 20;
        let wait = async |until_ms| {
            let outdated = outdated(Some(&gate), Some(judged(until_ms)));
            tokio::time::timeout(soon, outdated).await.map(|error| error.to_string())
        };
        assert!(wait(u64::MAX).await.is_err(), "nothing changed");
        assert!(wait(1).await.unwrap().contains("no longer in force"));
        fs::remove_file(&policy).unwrap();
        assert!(wait(u64::MAX).await.is_err(), "in the middle of its replacement");
        fs::write(&policy, b"two").unwrap();
        assert!(wait(u64::MAX).await.unwrap().contains("judged again"));
        let never = tokio::time::timeout(soon, outdated(None, None)).await;
        assert!(never.is_err(), "without a gate there is nothing to change");
    }
}
