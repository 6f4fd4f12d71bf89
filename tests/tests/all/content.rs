//! The rulebook of `rulepacks/`: its README lists it, every pair of jurisdiction and domain has a
//! rule, its modules are small and the same everywhere, and two engines in two processes agree.

use compiler::interpret::interpret;
use compiler::pack::{NameIndexes, Pack, RuleLists};
use crypto::{Digest, Salt};
use rules::Rule;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;
use tests::rulebook::{pack, program, request};

/// Largest module that the compiler may make of a rule that people write.
const MODULE_BYTES: usize = 4096;
/// Random requests of `make test`; PROBITY_INPUTS asks for more.
const INPUTS: u64 = 300;

fn rulebook() -> &'static Pack {
    static PACK: OnceLock<Pack> = OnceLock::new();
    PACK.get_or_init(|| pack("rulepacks"))
}

#[test]
fn the_readme_lists_every_rule_and_no_other() {
    let path = tests::root().join("rulepacks/README.md");
    let text = std::fs::read_to_string(path).expect("README");
    let row = |line: &str| {
        let rest = line.strip_prefix("| [`")?;
        let (id, rest) = rest.split_once('`')?;
        let (_, rest) = rest.split_once(") ")?;
        let (version, _) = rest.split_once(" |")?;
        Some(format!("{id} {version}"))
    };
    let listed: BTreeSet<String> = text.lines().filter_map(row).collect();
    let rule = |rule: &compiler::pack::CompiledRule| {
        format!("{} {}", rule.read.header.id, rule.read.header.version)
    };
    let compiled: BTreeSet<String> = rulebook().rules.iter().map(rule).collect();
    assert_eq!(listed, compiled);
}

#[test]
fn every_jurisdiction_has_rules_of_every_domain() {
    let bundle = rulebook().bundle(1, tests::world::ISSUED_AT);
    for jurisdiction in ["US", "EU", "UK", "SG", "HK"] {
        for domain in ["AML", "KYC", "SANCTIONS", "PEP"] {
            let covers = |rule: &&Rule| rule.jurisdiction == jurisdiction && rule.domain == domain;
            assert!(bundle.rules.iter().any(|rule| covers(&rule)), "{jurisdiction} {domain}");
        }
    }
}

/// The hash of every module stands in a file: another machine, another day, the same bytes. Freeze
/// anew with `make freeze` when a rule or the compiler has changed on purpose.
#[test]
fn modules_are_small_and_frozen() {
    let mut found = String::new();
    for rule in &rulebook().rules {
        let (id, version) = (&rule.read.header.id, &rule.read.header.version);
        assert!(rule.wasm.len() < MODULE_BYTES, "{id}: {} bytes", rule.wasm.len());
        let hash = rules::module_hash(&rule.wasm);
        let _ = writeln!(found, "{id} {version} {} {hash}", rule.wasm.len());
    }
    let path = tests::root().join("rulepacks/modules.txt");
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        std::fs::write(&path, &found).expect("written");
    }
    let frozen = std::fs::read_to_string(&path).expect("rulepacks/modules.txt");
    let changed: Vec<_> =
        found.lines().filter(|line| !frozen.lines().any(|f| f == *line)).collect();
    assert!(frozen == found, "changed, see `make freeze`:\n{}", changed.join("\n"));
}

/// Runs the rulebook over the first `inputs` random requests, module and interpreter side by side;
/// a digest of all results, events and fuel.
fn run(inputs: u64) -> Digest {
    let program = program(rulebook());
    let bundle = program.bundle().bundle();
    let names = NameIndexes::of(bundle);
    let again = |rule: &Rule| compiler::pack::recompile(rule, bundle).expect("compiled once");
    let sources: Vec<_> = bundle.rules.iter().map(|rule| again(rule).program).collect();
    let mut digest = Digest([0; 32]);
    let mut outcomes = [0_u64; 6];
    for number in 0..inputs {
        let body = request(number);
        let request =
            facts::parse_request(body.as_bytes()).unwrap_or_else(|e| panic!("{e} {body}"));
        let as_of = request.as_of.expect("given");
        let record = facts::record(&request, as_of).expect("sound");
        let selection = bundle.select(&request.jurisdictions, &request.domains, as_of);
        let selection = selection.expect("rules in force");
        let run = program.run(&selection, &record);
        for ((index, rule), result) in selection.rules.iter().zip(&run.results) {
            let lists = RuleLists { bundle, names: &names, rule };
            let opinion = interpret(&sources[*index], record.as_bytes(), &lists);
            let said = (result.outcome, result.reason, &result.values);
            let found = (opinion.outcome, opinion.reason, &opinion.values);
            assert_eq!(said, found, "{} on {body}", rule.id);
            outcomes[usize::from(result.outcome.code())] += 1;
        }
        let salt = Salt(digest.0);
        let parts = [run.output_hash(&salt).0, run.trace_hash(&salt).0].concat();
        digest = crypto::digest(crypto::Domain::Trace, &[&digest.0, &parts]);
    }
    println!("{inputs} inputs: outcomes {outcomes:?}, digest {digest}");
    // An input that no rule answers differently would prove nothing.
    assert!(outcomes[..5].iter().all(|count| *count > 0) && outcomes[5] == 0, "{outcomes:?}");
    digest
}

fn inputs() -> u64 {
    let asked = std::env::var("PROBITY_INPUTS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(INPUTS)
}

/// Results, events and fuel are the same in this process and in another one.
#[test]
fn two_engines_in_two_processes_agree() {
    if std::env::var_os("PROBITY_CHILD").is_some() {
        println!("child {}", run(inputs()));
        return;
    }
    let exe = std::env::current_exe().expect("this test");
    let child = std::process::Command::new(exe)
        .args(["--exact", "content::two_engines_in_two_processes_agree", "--nocapture"])
        .env("PROBITY_CHILD", "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let ours = run(inputs());
    let output = child.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&output.stdout);
    let theirs = text.lines().find_map(|line| line.split_once("child ")).expect("a digest").1;
    assert_eq!(theirs, ours.to_string());
}
