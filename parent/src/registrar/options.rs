//! What `probity registrar` is told on the command line, typed.

use enrol::Identity;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Longest token validity on the command line, in hours.
const TOKEN_HOURS_MAX: u64 = enrol::TOKEN_MS_MAX / HOUR_MS;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The registrar of attestation keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make the registrar's data and its authority for attestation keys, or add EK roots
    Init(InitOptions),
    /// Permit one machine to enrol once; prints the token
    Token(TokenOptions),
    /// Serve the enrolment over HTTPS
    Serve(ServeOptions),
    /// List the machines
    List(ListOptions),
    /// End an identity, or an EK certificate
    Revoke(RevokeOptions),
}

/// Options of `registrar init`.
#[derive(Debug, clap::Args)]
pub struct InitOptions {
    /// Folder of the registrar.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// TPM vendor's root or intermediate (PEM, several in one file, or DER); may be given again.
    #[arg(long, value_name = "FILE", required = true)]
    pub ek_root: Vec<PathBuf>,
    /// How long certificates of attestation keys are valid, in days; 365 unless said otherwise. On
    /// a folder that is there: from now on.
    #[arg(long, value_name = "N", value_parser = days)]
    pub ak_days: Option<u32>,
}

/// Options of `registrar token`.
#[derive(Debug, clap::Args)]
pub struct TokenOptions {
    /// Folder of the registrar.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The machine's name.
    #[arg(long, value_name = "NAME")]
    pub identity: Identity,
    /// How long the token is good: 30m, 1h, 7d.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = validity)]
    pub valid: u64,
}

/// Options of `registrar serve`.
#[derive(Debug, clap::Args)]
pub struct ServeOptions {
    /// Folder of the registrar.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to serve HTTPS; port 0 takes a free one, which DIR/listen names.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8444")]
    pub listen: SocketAddr,
    /// Certificate chain (PEM); without it a development certificate is made in DIR/tls.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}

/// Options of `registrar list`.
#[derive(Debug, clap::Args)]
pub struct ListOptions {
    /// Folder of the registrar.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Print the records as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Options of `registrar revoke`.
#[derive(Debug, clap::Args)]
pub struct RevokeOptions {
    /// Folder of the registrar.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// End this machine's identity and its unused tokens.
    #[arg(long, value_name = "NAME", required_unless_present = "ek_certificate")]
    pub identity: Option<Identity>,
    /// Trust this endorsement or issuer certificate no more (PEM or DER).
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    pub ek_certificate: Option<PathBuf>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = reason)]
    pub reason: String,
}

fn days(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=enrol::AK_DAYS_MAX).contains(number));
    number.ok_or_else(|| format!("expected 1 to {}, got {text}", enrol::AK_DAYS_MAX))
}

/// Milliseconds.
fn validity(text: &str) -> Result<u64, String> {
    let wrong = || format!("expected 1m to {TOKEN_HOURS_MAX}h, as in 30m, 1h or 7d, got {text}");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (digits, unit) = text.split_at(split);
    let unit_ms = match unit {
        "m" => MINUTE_MS,
        "h" => HOUR_MS,
        "d" => DAY_MS,
        _ => return Err(wrong()),
    };
    let ms = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_ms));
    ms.filter(|ms| (MINUTE_MS..=enrol::TOKEN_MS_MAX).contains(ms)).ok_or_else(wrong)
}

fn reason(text: &str) -> Result<String, String> {
    match text.len() <= REASON_BYTES_MAX && !text.chars().any(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(format!("expected one line of at most {REASON_BYTES_MAX} bytes")),
    }
}

/// Longest reason, in bytes.
const REASON_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_days_have_bounds() {
        assert_eq!(validity("30m"), Ok(1_800_000));
        assert_eq!(validity("30d"), Ok(enrol::TOKEN_MS_MAX));
        for wrong in ["", "1", "h", "0h", "31d", "1s", "-1h", "99999999999999999999d"] {
            assert!(validity(wrong).is_err(), "{wrong}");
        }
        assert_eq!(days("1825"), Ok(1825));
        assert!(days("0").is_err() && days("1826").is_err());
        assert!(reason("sold\n").is_err() && reason(&"x".repeat(513)).is_err());
    }
}
