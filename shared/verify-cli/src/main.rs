//! `probity-verify`: files in, verdict out. It has no network code and writes nothing but its
//! verdict and what it was told to write. Exit status: 0 valid, 1 rejected, 2 misuse or
//! unreadable files.

mod appraisal;
mod arguments;
mod arguments_more;
mod batch;
mod document;
mod eventlog;
mod files;
mod judge;
mod log;
mod output;
mod proof_table;
mod quote;
mod receipts;
mod report;
mod signed_policy;
mod table;
mod token;

use arguments::{Arguments, Verb};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let verdict = output::check(arguments.verb.output()).and_then(|()| match &arguments.verb {
        Verb::Proof(asked) => report::proof(asked),
        Verb::Batch(asked) => batch::batch(asked),
        Verb::Nitro(asked) => document::nitro(asked),
        Verb::Tpm(asked) => quote::tpm(asked),
        Verb::Eventlog(asked) => eventlog::eventlog(asked),
        Verb::Log(asked) => log::log(asked),
        Verb::Receipt(asked) => receipts::receipt(asked),
        Verb::Ear(asked) => token::ear(asked),
    });
    let written = verdict.and_then(|verdict| output::write(&verdict, arguments.verb.output()));
    match written {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("probity-verify: {}", table::visible(&format!("{problem:#}")));
            ExitCode::from(2)
        }
    }
}
