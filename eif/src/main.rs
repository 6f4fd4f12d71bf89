//! `eif`: images from the command line. Reads and writes the files that it is told to, nothing
//! else, and takes no time and no name of the machine into what it writes. Exit status: 0 done or
//! accepted, 1 refused or different, 2 misuse or unreadable files.

mod command;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match command::Arguments::parse().run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("eif: {problem}");
            ExitCode::from(2)
        }
    }
}
