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
    // Whatever a verdict quotes, it can move no cursor: here once more, for every path.
    match verdict {
        Ok(verdict) => {
            if arguments.verb.json() {
                println!("{}", table::visible_json(&verdict.json));
            } else {
                print!("{}", table::visible_lines(&verdict.text));
            }
            if verdict.ok { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(problem) => {
            eprintln!("probity-verify: {}", table::visible(&format!("{problem:#}")));
            ExitCode::from(2)
        }
    }
}
