//! Asks the enclave how its machine stands, over a command link of its own: a connection that does
//! not resume takes nothing from the server's. What it answers is unsigned, and for the operator.

use super::limits::{HEALTH_POLL, HEALTH_WAIT, HUNG_WAIT, LOOK_POLL};
use crate::config::EnclaveAddress;
use crate::error::Error;
use crate::link::stream::{connect, read_frame, write_frame};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;
use wire::{Command, Confinement, Health, Report};

/// Number of the only command of the connection.
const ID: u64 = 1;

/// The enclave's own account. A connection that it closes unanswered is told as that.
pub async fn ask(address: &EnclaveAddress) -> Result<Health, Error> {
    let conversation = async {
        let (mut source, mut sink) = connect(address).await?;
        let question = Command::Health { id: ID }.to_bytes();
        let answer = async {
            write_frame(&mut sink, &question).await?;
            sink.flush().await.map_err(Error::socket("link"))?;
            read_frame(&mut source).await
        };
        match Report::parse(&answer.await.map_err(closed)?)? {
            Report::Health { id: ID, health } => Ok(health),
            _ => Err(Error::Enclave("it did not tell how it stands".into())),
        }
    };
    let late = || Error::Socket {
        what: format!("asking {address} how it stands"),
        source: ErrorKind::TimedOut.into(),
    };
    tokio::time::timeout(HEALTH_WAIT, conversation).await.map_err(|_| late())?
}

/// What it means that the enclave took a connection and closed it unanswered.
fn closed(error: Error) -> Error {
    match &error {
        Error::Socket { source, .. } if ENDS.contains(&source.kind()) => Error::Enclave(
            "it took the connection and closed it unanswered: it serves few at once, and others \
             hold them all (who: `ss -xp` for a hybrid: address, `ss -p --vsock` for a vsock: \
             one); EC2.md says how to keep them out"
                .into(),
        ),
        _ => error,
    }
}

/// How the end of a connection shows.
const ENDS: [ErrorKind; 3] =
    [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];

/// Whether an error is that of an enclave that does not answer, rather than of one that refuses a
/// further connection: others may hold all that it takes.
pub fn is_silence(error: &Error) -> bool {
    matches!(error, Error::Socket { source, .. } if source.kind() == ErrorKind::TimedOut)
}

/// Waits until the enclave has answered nothing for too long, or has had no keys for `boot_wait`:
/// one that refuses every boot configuration, because its NSM failed half-way or somebody else gave
/// it another, never recovers by itself.
pub async fn failed(address: &EnclaveAddress, boot_wait: Duration) -> String {
    let start = Instant::now();
    let (mut answered, mut has_keys) = (start, false);
    loop {
        let left = boot_wait.saturating_sub(start.elapsed());
        let pause = if has_keys { HEALTH_POLL } else { HEALTH_POLL.min(left.max(LOOK_POLL)) };
        tokio::time::sleep(pause).await;
        match ask(address).await {
            Err(error) if is_silence(&error) => {
                if answered.elapsed() >= HUNG_WAIT {
                    return format!("it hangs: no answer for {} s", answered.elapsed().as_secs());
                }
            }
            other => {
                answered = Instant::now();
                has_keys |= other.as_ref().is_ok_and(|health| health.booted_ms > 0);
                if !has_keys && other.is_ok() && start.elapsed() >= boot_wait {
                    return format!(
                        "it has no keys {} s after its sign of life: it refuses its boot \
                         configuration, or no host gave it one",
                        start.elapsed().as_secs()
                    );
                }
            }
        }
    }
}

/// For programs; a time or size that is not known is absent.
pub fn view(health: &Health) -> Value {
    let known = |number: u64| (number > 0).then_some(number);
    let held: Vec<_> = health.confinement.iter().copied().map(name).collect();
    json!({
        "first_process": health.pid1,
        "kernel_ms": known(health.kernel_ms),
        "serving_ms": known(health.serving_ms),
        "booted_ms": known(health.booted_ms),
        "first_quote_ms": known(health.first_quote_ms),
        "uptime_ms": known(health.uptime_ms),
        "memory_total_bytes": known(health.memory_total_bytes),
        "memory_free_bytes": known(health.memory_free_bytes),
        "memory_limit_bytes": known(health.memory_limit_bytes),
        "evaluations": health.evaluations,
        "confinement": held,
    })
}

/// For people.
pub fn lines(health: &Health) -> Vec<String> {
    let at = |ms: u64| match ms {
        0 => "not yet".to_owned(),
        ms => format!("{ms} ms"),
    };
    let mib = |bytes: u64| match bytes {
        0 => "unknown".to_owned(),
        bytes => format!("{} MiB", bytes >> 20),
    };
    let first = if health.pid1 { "our image" } else { "another's init" };
    let held: Vec<_> = health.confinement.iter().copied().map(name).collect();
    vec![
        format!(
            "times       kernel {}, link {}, keys {}, first quote {} ({first})",
            at(health.kernel_ms),
            at(health.serving_ms),
            at(health.booted_ms),
            at(health.first_quote_ms)
        ),
        format!(
            "memory      {} free of {}, at most {} for the process",
            mib(health.memory_free_bytes),
            mib(health.memory_total_bytes),
            mib(health.memory_limit_bytes)
        ),
        format!("evaluations {}", health.evaluations),
        match held.is_empty() {
            true => "confinement none".to_owned(),
            false => format!("confinement {}", held.join(", ")),
        },
    ]
}

fn name(by: Confinement) -> &'static str {
    match by {
        Confinement::ReadOnlyRoot => "read-only root",
        Confinement::ReadOnlyDevices => "read-only devices",
        Confinement::NoCoreDumps => "no core dumps",
        Confinement::MemoryLimit => "memory limit",
        Confinement::NoNetwork => "no network",
        Confinement::NotRoot => "not root",
        Confinement::NoNewPrivileges => "no new privileges",
        Confinement::SyscallFilter => "syscall filter",
        Confinement::OwnUserNamespace => "own users",
        Confinement::OwnNetworkNamespace => "own network",
        Confinement::OwnMountNamespace => "own mounts",
        Confinement::OwnIpcNamespace => "own IPC",
        Confinement::OwnUtsNamespace => "own host name",
        Confinement::Landlock => "landlock",
        Confinement::LockedMemory => "locked memory",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::UnixListener;

    fn sample() -> Health {
        Health {
            pid1: true,
            kernel_ms: 900,
            serving_ms: 950,
            memory_total_bytes: 256 << 20,
            memory_free_bytes: 230 << 20,
            evaluations: 3,
            confinement: vec![Confinement::NoNetwork, Confinement::SyscallFilter],
            ..Health::default()
        }
    }

    /// Takes the greeting of one connection through the bridge.
    async fn greeted(listener: &UnixListener) -> tokio::net::UnixStream {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut line = [0; 13];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"CONNECT 5000\n");
        stream.write_all(b"OK 1073741824\n").await.unwrap();
        stream
    }

    /// Answers the question of every connection, with what `health` says of its number.
    async fn play(listener: &UnixListener, health: impl Fn(usize) -> Health) {
        for number in 0.. {
            let mut stream = greeted(listener).await;
            let command = Command::parse(&read_frame(&mut stream).await.unwrap()).unwrap();
            assert_eq!(command, Command::Health { id: ID });
            let report = Report::Health { id: ID, health: health(number) };
            write_frame(&mut stream, &report.to_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_enclave_without_keys_is_given_up_and_one_with_keys_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vsock");
        let listener = UnixListener::bind(&path).unwrap();
        let address = EnclaveAddress::Hybrid { path, port: 5000 };
        let wait = Duration::from_millis(300);
        let how = tokio::select! {
            how = failed(&address, wait) => how,
            () = play(&listener, |_| sample()) => unreachable!(),
        };
        assert!(how.contains("no keys"), "{how}");
        // The answer comes late enough to count; the next would be asked after HEALTH_POLL.
        let booted = |_| Health { booted_ms: 1000, ..sample() };
        let result = tokio::time::timeout(wait * 4, async {
            tokio::select! {
                how = failed(&address, wait) => how,
                () = play(&listener, booted) => unreachable!(),
            }
        });
        assert!(result.await.is_err(), "it has keys");
    }

    #[tokio::test]
    async fn a_closed_connection_is_told_as_places_that_others_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vsock");
        let listener = UnixListener::bind(&path).unwrap();
        let address = EnclaveAddress::Hybrid { path, port: 5000 };
        let close = async { drop(greeted(&listener).await) };
        let (told, ()) = tokio::join!(ask(&address), close);
        let told = told.unwrap_err();
        assert!(!is_silence(&told), "others hold them: that is no reason to end it");
        assert!(told.to_string().contains("others hold them all"), "{told}");
    }

    #[tokio::test]
    async fn the_enclave_is_asked_through_the_bridge() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vsock");
        let listener = UnixListener::bind(&path).unwrap();
        let address = EnclaveAddress::Hybrid { path, port: 5000 };
        let health = tokio::select! {
            health = ask(&address) => health,
            () = play(&listener, |_| sample()) => unreachable!(),
        };
        assert_eq!(health.unwrap(), sample());
    }

    #[test]
    fn what_is_not_known_is_said_to_be_so() {
        let view = view(&sample());
        assert_eq!((&view["kernel_ms"], &view["booted_ms"]), (&json!(900), &json!(null)));
        assert_eq!(view["confinement"], json!(["no network", "syscall filter"]));
        let text = lines(&sample()).join("\n");
        assert!(text.contains("kernel 900 ms, link 950 ms, keys not yet, first quote not yet"));
        assert!(text.contains("230 MiB free of 256 MiB, at most unknown"), "{text}");
        assert!(lines(&Health::default()).join("\n").contains("confinement none"));
    }
}
