//! The commands, and those that are too small for a module of their own: `ak`, `eventlog`.

use crate::certificates::Enrolled;
use crate::error::Error;
use crate::identity::{self, AkRecord};
use crate::limits::EVENT_LOG_BYTES_MAX;
use crate::options::{AkOptions, Command, DeviceOptions, EventlogOptions};
use crate::tpm::Tpm;
use crate::{enrol, files, status, supervise, worker};
use attest::eventlog::UnverifiedEventLog;
use serde_json::json;
use std::io::Write as _;
use std::process::ExitCode;

/// The worker does not answer.
const NOT_RUNNING: u8 = 1;

/// Does what was asked.
pub fn run(command: &Command) -> Result<ExitCode, Error> {
    match command {
        Command::Run(options) => supervise::run(options)?,
        Command::Enrol(options) => print(&enrol::run(options)?)?,
        Command::Ak(options) => print(&ak(options)?)?,
        Command::Eventlog(options) => print(&eventlog(options)?)?,
        Command::Hold(options) => return Err(worker::hold(options)),
        Command::Status(options) => {
            let (text, is_running) = status::tell(&options.state, options.json)?;
            print(&text)?;
            if !is_running {
                return Ok(ExitCode::from(NOT_RUNNING));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The key of a folder that this process holds, made where there is none yet.
pub fn with_key<T>(
    options: &DeviceOptions,
    work: impl FnOnce(&mut Tpm, AkRecord) -> Result<T, Error>,
) -> Result<T, Error> {
    files::folder(&options.state)?;
    let Some(_lock) = parent::files::lock(&options.state)? else {
        return Err(Error::InUse { path: options.state.clone() });
    };
    let mut tpm = Tpm::open(&options.tcti)?;
    let record = identity::ensure(&mut tpm, &options.state, options.ak_handle, options.ak_type)?;
    work(&mut tpm, record)
}

fn ak(options: &AkOptions) -> Result<String, Error> {
    let device = &options.device;
    let record = match AkRecord::read(&device.state)? {
        // What is written down needs no TPM, which the device may hold.
        Some(record) if !record.creation_attest.is_empty() => record,
        _ => with_key(device, |_, record| Ok(record))?,
    };
    if let Some(path) = &options.out {
        std::fs::write(path, &record.public).map_err(Error::file(path))?;
    }
    let name = crypto::to_hex(&record.name);
    let enrolled = Enrolled::read(&device.state)?.filter(|enrolled| enrolled.ak_name == name);
    let chain = enrolled.map(|enrolled| enrolled.chain).unwrap_or_default();
    if options.json {
        let view = json!({
            "name": name,
            "type": record.kind.spoken(),
            "handle": format!("{:#010x}", record.handle),
            "public": crypto::to_hex(&record.public),
            "certificates": chain,
        });
        return Ok(format!("{view:#}\n"));
    }
    let mut text = format!(
        "name         {name}\ntype         {}\nhandle       {:#010x}\npublic       {}\n",
        record.kind.spoken(),
        record.handle,
        crypto::to_hex(&record.public)
    );
    match chain.is_empty() {
        true => text.push_str("certificates none: pin the name, or enrol\n"),
        false => {
            for certificate in chain {
                text.push_str(&pem(&certificate));
            }
        }
    }
    Ok(text)
}

/// Base64 of DER as PEM.
fn pem(base64: &str) -> String {
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn eventlog(options: &EventlogOptions) -> Result<String, Error> {
    let log = files::read_whole(&options.from, EVENT_LOG_BYTES_MAX)?;
    let events = UnverifiedEventLog::parse(&log)?.events().len();
    std::fs::write(&options.out, &log).map_err(Error::file(&options.out))?;
    Ok(format!("{events} events, {} bytes; nothing was verified\n", log.len()))
}

fn print(text: &str) -> Result<(), Error> {
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::system("standard output"))
}
