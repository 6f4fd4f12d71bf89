//! `rules list`: a list of names from published files, as a bundle holds it. It must never leave a
//! row out without saying so.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use lists::{FILE_BYTES_MAX, Listing, read_ofac, read_plain, read_un};

use super::command::{Form, List};

/// Makes a list; what is in it and what is not.
pub(crate) fn answer(arguments: &List) -> anyhow::Result<String> {
    let mut listing = read(arguments.form, &arguments.files)?;
    let snapshot = &mut listing.snapshot;
    snapshot.id = arguments.id.clone();
    snapshot.source = arguments.source.clone();
    snapshot.taken_at = arguments.taken_at.0;
    snapshot.check().context("the list")?;
    super::write(&arguments.out, &snapshot.to_bytes())?;
    Ok(describe(&listing))
}

fn read(form: Form, files: &[PathBuf]) -> anyhow::Result<Listing> {
    let bytes = files.iter().map(|file| {
        let bytes = super::read(file)?;
        if bytes.len() > FILE_BYTES_MAX {
            bail!("{} is longer than {FILE_BYTES_MAX} bytes", file.display());
        }
        Ok(bytes)
    });
    let bytes = bytes.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(match (form, &bytes[..]) {
        (Form::Ofac, [sdn, alt, add]) => read_ofac(sdn, alt, add)?,
        (Form::Un, [xml]) => read_un(xml)?,
        (Form::Csv, [csv]) => read_plain(csv)?,
        (Form::Ofac, _) => bail!("name three files: sdn.csv alt.csv add.csv"),
        (Form::Un | Form::Csv, _) => bail!("name one file"),
    })
}

fn describe(listing: &Listing) -> String {
    let (snapshot, report) = (&listing.snapshot, &listing.report);
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:<12}{value}");
    };
    line("list", snapshot.id.clone());
    line("taken", facts::Millis(snapshot.taken_at).to_string());
    line("root", snapshot.root().to_string());
    line("entries", report.entries.to_string());
    line("names", format!("{}, {} of them weak", report.names, report.weak));
    line("births", report.births.to_string());
    line("identifiers", report.identifiers.to_string());
    line("left out", report.rows_skipped.len().to_string());
    for skipped in report.rows_skipped.iter().take(SHOWN_MAX) {
        line("", format!("line {}: {}", skipped.line, skipped.reason));
    }
    text
}

/// Rows left out that are shown.
const SHOWN_MAX: usize = 20;
