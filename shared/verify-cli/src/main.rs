//! `probity-verify`: files in, verdict out. It has no network code and writes nothing but its
//! verdict. Exit status: 0 valid, 1 rejected, 2 misuse or unreadable files.

mod arguments;
mod document;
mod files;
mod log;
mod report;
mod table;

use arguments::{Arguments, Verb};
use clap::Parser;
use std::process::ExitCode;

/// A verdict for people and machines.
struct Verdict {
    ok: bool,
    json: serde_json::Value,
    text: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let verdict = match &arguments.verb {
        Verb::Proof(asked) => report::proof(asked),
        Verb::Nitro(asked) => document::nitro(asked),
        Verb::Log(asked) => log::log(asked),
    };
    match verdict {
        Ok(verdict) => {
            if arguments.verb.json() {
                println!("{:#}", verdict.json);
            } else {
                print!("{}", verdict.text);
            }
            if verdict.ok { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(problem) => {
            eprintln!("probity-verify: {problem:#}");
            ExitCode::from(2)
        }
    }
}
