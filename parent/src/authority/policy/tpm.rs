//! `tpm` in a policy's source: which keys are believed and why, what was measured, what is known of
//! keys and firmware, which workers and files may run.

use std::collections::BTreeMap;
use std::path::Path;

use compiler::yaml::{Node, Value};
use policy::{AttestationKey, Tpm, TpmClock, WorkerRelease, Workers};

use super::fields::{Fields, parsed};
use super::read::{Read, der_in, each, measured, named_der};

const KEYS: [&str; 10] = [
    "ak_names",
    "ak_roots",
    "ek_roots",
    "pcrs",
    "event_log",
    "boot_pcr",
    "firmware",
    "keys",
    "workers",
    "file_list",
];

pub(super) fn tpm(file: &str, node: &Node, folder: &Path) -> Read<Tpm> {
    let fields = Fields::of(file, node, &KEYS, false)?;
    let pcrs = match fields.get("pcrs") {
        None => BTreeMap::new(),
        Some(node) => {
            let value = |(index, node): (u8, &Node)| {
                let value = parsed(file, node, "64 or 96 hexadecimal digits", crypto::from_hex)?;
                measured(file, node, &value)?;
                Ok((index, value))
            };
            Fields::of(file, node, &[], true)?.registers().map(value).collect::<Read<_>>()?
        }
    };
    let event_log_required = match fields.get("event_log") {
        None => false,
        Some(_) => fields.parsed("event_log", "required or optional", |text| match text {
            "required" => Ok(true),
            "optional" => Ok(false),
            _ => Err("say whether the measured-boot log must be there"),
        })?,
    };
    let boot_pcr = fields
        .get("boot_pcr")
        .map(|_| fields.parsed("boot_pcr", "the number of a register", str::parse::<u8>));
    let mut dedicated_roots = Vec::new();
    let ak_roots = each(&fields, "ak_roots", |node| {
        let entry = Fields::of(file, node, &["name", "file", "hex", "dedicated"], false)?;
        let root = der_in(&entry, node, folder)?;
        if entry.get("dedicated").is_some()
            && entry.parsed("dedicated", "true or false", str::parse::<bool>)?
        {
            dedicated_roots.push(root.name.clone());
        }
        Ok(root)
    })?;
    let firmware = match fields.get("firmware") {
        None => None,
        Some(_) => Some(each(&fields, "firmware", |node| {
            parsed(file, node, "a version of 64 bits, such as 0x0001000200030004", firmware_version)
        })?),
    };
    Ok(Tpm {
        ak_names: each(&fields, "ak_names", |node| {
            parsed(file, node, "hexadecimal digits", crypto::from_hex)
        })?,
        ak_roots,
        ek_roots: each(&fields, "ek_roots", |node| named_der(file, node, folder))?,
        pcrs,
        event_log_required,
        boot_pcr: boot_pcr.transpose()?,
        firmware,
        dedicated_roots,
        keys: each(&fields, "keys", |node| key(file, node))?,
        workers: fields.get("workers").map(|node| workers(file, node)).transpose()?,
        file_list: fields.get("file_list").map(|node| file_list(file, node, folder)).transpose()?,
    })
}

fn workers(file: &str, node: &Node) -> Read<Workers> {
    let fields = Fields::of(file, node, &["register", "releases"], false)?;
    let register = fields.parsed("register", "the number of a register", str::parse::<u8>)?;
    let releases = each(&fields, "releases", |node| {
        let fields = Fields::of(file, node, &["name", "sha256", "from", "to"], false)?;
        let sha256 =
            fields.parsed("sha256", "64 hexadecimal digits", crypto::from_hex_exact::<32>)?;
        let to = fields.get("to").map(|_| fields.time("to")).transpose()?;
        Ok(WorkerRelease { name: fields.text("name")?, sha256, from: fields.time("from")?, to })
    })?;
    Ok(Workers { register, releases })
}

/// SHA-384 of the list: as it is, or of the file beside the source.
fn file_list(file: &str, node: &Node, folder: &Path) -> Read<[u8; 48]> {
    if !matches!(node.value, Value::Map(_)) {
        return parsed(file, node, "96 hexadecimal digits", crypto::from_hex_exact::<48>);
    }
    let fields = Fields::of(file, node, &["file"], false)?;
    fields.parsed("file", "the name of a file beside this one", |name| {
        let bytes = super::super::read(&folder.join(name));
        let bytes = bytes.map_err(|error| format!("{error:#}"))?;
        attest::ima::FileList::parse(&bytes).map_err(|error| error.to_string())?;
        Ok::<_, String>(crypto::sha384(&[&bytes]))
    })
}

fn firmware_version(text: &str) -> Result<u64, std::num::ParseIntError> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

fn key(file: &str, node: &Node) -> Read<AttestationKey> {
    let fields = Fields::of(file, node, &["name", "qualified_name", "clock"], false)?;
    let digits = |key| fields.parsed(key, "hexadecimal digits", crypto::from_hex);
    let qualified_name = fields.get("qualified_name").map(|_| digits("qualified_name"));
    let clock = fields.get("clock").map(|node| {
        let fields = Fields::of(file, node, &["ms", "resets", "restarts"], false)?;
        let count = |key| fields.parsed(key, "a whole number of 32 bits", str::parse::<u32>);
        let (ms, resets) = (fields.number("ms")?, count("resets")?);
        Ok(TpmClock { ms, resets, restarts: count("restarts")? })
    });
    Ok(AttestationKey {
        name: digits("name")?,
        qualified_name: qualified_name.transpose()?,
        clock: clock.transpose()?,
    })
}
