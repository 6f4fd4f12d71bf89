//! What `probity serve` is told on the command line, typed. It must never guess: an address or a
//! duration that it does not know is refused with the spelling that it wants.

use crate::limits::{CONNECTIONS_MAX, IN_FLIGHT_MAX, RULES_POLL};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Options of `probity serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeOptions {
    /// Where the enclave listens: unix:PATH, vsock:CID:PORT or hybrid:PATH:PORT.
    #[arg(long, value_name = "ADDRESS")]
    pub enclave: EnclaveAddress,
    /// Folder of the store, the lock and the development certificate.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to serve HTTPS; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Boot configuration for an enclave that has none.
    #[arg(long, value_name = "FILE")]
    pub boot: PathBuf,
    /// Signed rule bundle; a higher version that replaces it is offered while serving.
    #[arg(long, value_name = "FILE")]
    pub rules: PathBuf,
    /// Signed freshness statement of that bundle; newer ones are offered while serving.
    #[arg(long, value_name = "FILE")]
    pub freshness: PathBuf,
    /// Signed policy under which the enclave's evidence is judged before anything is forwarded;
    /// needed with vsock: and hybrid: addresses. Read again at each connection and looked at
    /// every minute; a lower version than before is not taken.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A key that must have signed the policy, as did:key or a file that holds one; may be given
    /// again. Without any, only the policy's own signers vouch for it.
    #[arg(long, value_name = "KEY", requires = "policy")]
    pub policy_signer: Vec<String>,
    /// How many of the --policy-signer keys must have signed; all of them unless said otherwise.
    #[arg(long, value_name = "N", requires = "policy_signer")]
    pub policy_threshold: Option<usize>,
    /// The firmware's log of the measured boot (binary_bios_measurements), for a policy that asks
    /// a TPM's evidence for it; read again at each connection.
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub event_log: Option<PathBuf>,
    /// Certificate chain (PEM); without it a development certificate is made in DIR/tls.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Most requests in flight to the enclave.
    #[arg(long, value_name = "N", default_value_t = IN_FLIGHT_MAX, value_parser = in_flight)]
    pub in_flight_max: usize,
    /// Most client connections; each needs an open file (ulimit -n).
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS_MAX, value_parser = connections)]
    pub connections_max: u32,
    /// How often the rule files are looked at.
    #[arg(skip = RULES_POLL)]
    pub rules_poll: Duration,
    /// How long a request may wait for its proof.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub deadline: Duration,
}

/// Where the enclave listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnclaveAddress {
    /// A Unix socket: the simulator, or the worker on a TPM host.
    Unix(PathBuf),
    /// AF_VSOCK: a Nitro enclave.
    Vsock {
        /// Context id of the enclave.
        cid: u32,
        /// Port.
        port: u32,
    },
    /// A Unix socket that wants `CONNECT port`: QEMU with vhost-device-vsock.
    Hybrid {
        /// The socket.
        path: PathBuf,
        /// Port.
        port: u32,
    },
}

impl std::fmt::Display for EnclaveAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EnclaveAddress::Unix(path) => write!(f, "unix:{}", path.display()),
            EnclaveAddress::Vsock { cid, port } => write!(f, "vsock:{cid}:{port}"),
            EnclaveAddress::Hybrid { path, port } => write!(f, "hybrid:{}:{port}", path.display()),
        }
    }
}

impl FromStr for EnclaveAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected unix:PATH, vsock:CID:PORT or hybrid:PATH:PORT, got {text}");
        let (scheme, rest) = text.split_once(':').ok_or_else(wrong)?;
        let number = |digits: &str| digits.parse::<u32>().map_err(|_| wrong());
        match scheme {
            "unix" if !rest.is_empty() => Ok(EnclaveAddress::Unix(rest.into())),
            "vsock" => {
                let (cid, port) = rest.split_once(':').ok_or_else(wrong)?;
                Ok(EnclaveAddress::Vsock { cid: number(cid)?, port: number(port)? })
            }
            "hybrid" => {
                let (path, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
                Ok(EnclaveAddress::Hybrid { path: path.into(), port: number(port)? })
            }
            _ => Err(wrong()),
        }
    }
}

/// A duration such as `500ms`, `30s` or `2m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a duration such as 500ms, 30s or 2m, got {text}");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (digits, unit) = text.split_at(split);
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err(wrong()),
    };
    let ms = number.checked_mul(unit_ms).filter(|ms| (1..=DURATION_MS_MAX).contains(ms));
    ms.map(Duration::from_millis).ok_or_else(|| format!("expected 1ms to 60m, got {text}"))
}

fn in_flight(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=IN_FLIGHT_CEILING).contains(number));
    number.ok_or_else(|| format!("expected 1 to {IN_FLIGHT_CEILING}, got {text}"))
}

fn connections(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=CONNECTIONS_CEILING).contains(number));
    number.ok_or_else(|| format!("expected 1 to {CONNECTIONS_CEILING}, got {text}"))
}

/// Longest duration on the command line, in milliseconds.
const DURATION_MS_MAX: u64 = 3_600_000;
/// Most requests in flight that can be asked for.
const IN_FLIGHT_CEILING: usize = 1 << 20;
/// Most client connections that can be asked for.
const CONNECTIONS_CEILING: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_or_refused() {
        let parse = |text: &str| text.parse::<EnclaveAddress>();
        assert_eq!(parse("unix:/run/e.sock"), Ok(EnclaveAddress::Unix("/run/e.sock".into())));
        assert_eq!(parse("vsock:16:5005"), Ok(EnclaveAddress::Vsock { cid: 16, port: 5005 }));
        let hybrid = EnclaveAddress::Hybrid { path: "/run/a:b".into(), port: 7 };
        assert_eq!(parse("hybrid:/run/a:b:7"), Ok(hybrid));
        for wrong in ["", "unix:", "/run/e.sock", "vsock:16", "vsock:x:1", "tcp:1:2"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_need_a_unit_and_a_sane_size() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["30", "s", "", "0s", "61m", "1h", "-1s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn in_flight_and_connections_have_bounds() {
        assert_eq!(connections("65536"), Ok(65_536));
        assert!(connections("0").is_err());
        assert!(connections("65537").is_err());
        assert_eq!(in_flight("1"), Ok(1));
        assert!(in_flight("0").is_err());
        assert!(in_flight("many").is_err());
    }
}
