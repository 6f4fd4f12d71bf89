//! `forger`: writes the conformance corpus, or holds another verifier against it. It reads and
//! writes nothing but the folder it is given.

use attestation_fixtures::conformance::{Kind, Manifest, conformance};
use attestation_fixtures::run::{Verdict, run, table};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
forger OUT_DIR
    writes every case, manifest.json, and entries/ with one case and its demands each
forger run [--kind KIND] [--verbose] --verifier 'COMMAND {file}' DIR
    runs COMMAND once a case: exit status 0 is accepted, 1 is refused, another is broken
    placeholders: {file} {files} {entry} {root} {roots} {at} {kind} {name} {dir}
forger manifest
    prints manifest.json

Every key in this corpus is published. See CONFORMANCE.md.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["manifest"] => {
            print!("{}", conformance().manifest_json());
            Ok(ExitCode::SUCCESS)
        }
        ["run", ref rest @ ..] => run_verifier(rest),
        [folder] if !folder.starts_with('-') => write(Path::new(folder)),
        _ => Err(USAGE.to_owned()),
    };
    done.unwrap_or_else(|problem| {
        eprintln!("{problem}");
        ExitCode::from(2)
    })
}

fn write(folder: &Path) -> Result<ExitCode, String> {
    let corpus = conformance();
    let files = corpus.write(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("{} cases, {files} files in {}", corpus.entries().len(), folder.display());
    Ok(ExitCode::SUCCESS)
}

fn run_verifier(words: &[&str]) -> Result<ExitCode, String> {
    let (mut command, mut only, mut verbose, mut folder) = (None, None, false, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--verifier" => command = words.next(),
            "--kind" => {
                let name = words.next().ok_or(USAGE)?;
                let kind = Kind::ALL.into_iter().find(|kind| kind.name() == *name);
                only = Some(kind.ok_or_else(|| format!("expected a kind, found {name:?}"))?);
            }
            "--verbose" => verbose = true,
            word if folder.is_none() && !word.starts_with('-') => folder = Some(word),
            _ => return Err(USAGE.to_owned()),
        }
    }
    let (Some(command), Some(folder)) = (command, folder) else { return Err(USAGE.to_owned()) };
    let folder = Path::new(folder);
    let text = std::fs::read(folder.join("manifest.json"))
        .map_err(|error| format!("{}: {error}; write the corpus first", folder.display()))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| format!("manifest.json: {error}"))?;
    let tallies = run(folder, &manifest, command, only, |entry, verdict| {
        let expected = entry.check.as_deref().unwrap_or("accept");
        match verdict {
            Verdict::Broken(problem) => println!("{}: {problem}", entry.name),
            verdict if verbose => println!("{}: expected {expected}, {verdict:?}", entry.name),
            _ => {}
        }
    });
    print!("{}", table(&tallies));
    let sound = tallies.values().all(|tally| tally.agree == tally.cases);
    Ok(ExitCode::from(u8::from(!sound)))
}
