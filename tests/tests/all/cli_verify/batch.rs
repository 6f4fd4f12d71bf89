//! `batch`: the same verdict for any number of threads, every refusal with its place and reason,
//! and sets that contradict themselves refused although each proof holds.

use super::desk::{Desk, Run, log_of, many};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proof::Proof;
use serde_json::Value;

fn line(proof: &Proof) -> String {
    BASE64.encode(proof.to_bytes())
}

/// What does not depend on how long it took.
fn timeless(run: &Run) -> Value {
    let mut json = run.json();
    for key in ["ms", "threads"] {
        json.as_object_mut().expect("an object").remove(key);
    }
    json
}

#[test]
fn a_batch_is_counted_the_same_on_any_number_of_threads() {
    let desk = Desk::new();
    let proofs = many(&desk.sample, 1500);
    let mut lines: Vec<_> = proofs.iter().map(line).collect();
    // Views and quoted base64 are lines as good as bare ones.
    lines[3] = verify::to_json(&proofs[3]).to_string();
    lines[4] = format!("\"{}\"", lines[4]);
    lines[5] = format!("{{\"proof\":\"{}\"}}", lines[5]);
    desk.write("all.ndjson", lines.join("\n"));
    let run = |more: &[&str]| desk.judge(&[&["batch", "all.ndjson", "--json"], more].concat());
    let one = run(&["--threads", "1"]);
    assert_eq!(one.code, Some(0), "{} {}", one.out, one.errors);
    let json = one.json();
    assert_eq!((&json["ok"], &json["proofs"]), (&true.into(), &1500.into()));
    assert_eq!(json["accepted"], 1500);
    assert_eq!(json["outcomes"][desk.sample.statement.decision().name()], 1500);
    assert_eq!(json["logs"][0]["missing"], 0);
    assert_eq!(json["logs"][0]["quotes"], 1);
    assert_eq!(json["policy"]["name"], "field");
    for threads in ["2", "7"] {
        assert_eq!(timeless(&run(&["--threads", threads])), timeless(&one));
    }
    let stdin = lines.join("\n");
    let policy = ["--policy", "policy.cbor", "--at", "document", "--json"];
    let piped = desk.run_with(&[&["batch", "-"], &policy[..]].concat(), stdin.as_bytes());
    assert_eq!(timeless(&piped), timeless(&one));
    assert_eq!(run(&["--no-gaps"]).code, Some(0));
}

#[test]
fn each_refusal_says_where_which_check_and_what_to_do() {
    let desk = Desk::new();
    let proofs = many(&desk.sample, 6);
    let mut forged = proofs[1].clone();
    if let Some(unsigned) = &mut forged.unsigned {
        unsigned.inclusion.path.reverse();
    }
    let mut bare = proofs[2].clone();
    bare.unsigned = None;
    let lines = [
        line(&proofs[0]),
        line(&forged),
        String::new(),
        line(&bare),
        "\u{1b}[2Jnot base64\u{202e}".into(),
        "{\"statement\":1,\"statement\":2}".into(),
        "x".repeat(5 << 20),
        line(&proofs[3]),
    ];
    desk.write("mixed.ndjson", lines.join("\n"));
    let arguments = ["batch", "mixed.ndjson", "--rejects", "rejects.ndjson"];
    let run = desk.judge(&[&arguments[..], &["--json"]].concat());
    assert_eq!(run.code, Some(1), "{} {}", run.out, run.errors);
    let json = run.json();
    assert_eq!((&json["accepted"], &json["rejected"]), (&2.into(), &5.into()));
    let found: Vec<_> = json["rejects"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["place"].as_str().expect("a place"), one["check"].as_str().expect("N")))
        .collect();
    let expected = [
        ("mixed.ndjson:2", "P7"),
        ("mixed.ndjson:4", "P6"),
        ("mixed.ndjson:5", "P1"),
        ("mixed.ndjson:6", "P1"),
        ("mixed.ndjson:7", "P1"),
    ];
    assert_eq!(found, expected);
    assert_eq!(json["failed_checks"]["P1"], 3);
    let rejects = std::fs::read_to_string(desk.path("rejects.ndjson")).expect("written");
    let written: Vec<Value> =
        rejects.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(Value::Array(written), json["rejects"]);
    let table = desk.judge(&arguments);
    assert_eq!(table.code, Some(1));
    let reason = table.out.lines().find(|line| line.contains("mixed.ndjson:2: "));
    assert!(reason.is_some_and(|line| line.starts_with("reason") && line.contains("P7")));
    assert!(table.out.ends_with("REJECTED: 5 of 7 proofs.\n"), "{}", table.out);
    for text in [&table.out, &run.out, &rejects] {
        let commands = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(commands), "{text:?}");
    }
}

#[test]
fn a_folder_is_read_by_name_and_what_is_no_proof_is_said() {
    let desk = Desk::new();
    let proofs = many(&desk.sample, 3);
    std::fs::create_dir(desk.path("folder")).expect("made");
    std::fs::create_dir(desk.path("folder/inner.json")).expect("made");
    desk.write("folder/a.cbor", proofs[0].to_bytes());
    desk.write("folder/b.json", verify::to_json(&proofs[1]).to_string());
    desk.write("folder/c.cose", proofs[2].to_bytes());
    desk.write("folder/notes.txt", "no proof");
    let run = desk.judge(&["batch", "folder", "--json"]);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let json = run.json();
    assert_eq!((&json["accepted"], &json["ignored"]), (&3.into(), &2.into()));
    desk.write("folder/d.cbor", b"no proof");
    let run = desk.judge(&["batch", "folder", "proof.cbor", "--json"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.json()["rejects"][0]["place"], "folder/d.cbor");
    assert_eq!(run.json()["accepted"], 4);
    std::fs::create_dir(desk.path("empty")).expect("made");
    desk.write("none.ndjson", "\n\n");
    for path in ["empty", "none.ndjson", "absent"] {
        let run = desk.judge(&["batch", path]);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{path}: {}", run.errors);
    }
}

#[test]
fn sets_show_gaps_and_refuse_forks() {
    let desk = Desk::new();
    let log = log_of(&desk.sample, &[1, 2, 3, 4]);
    let set = |proofs: &[&Proof], more: &[&str]| {
        let lines: Vec<_> = proofs.iter().map(|proof| line(proof)).collect();
        desk.write("set.ndjson", lines.join("\n"));
        desk.judge(&[&["batch", "set.ndjson", "--json"], more].concat())
    };
    let gap = set(&[&log[3], &log[0]], &[]);
    assert_eq!(gap.code, Some(0), "{}", gap.out);
    assert_eq!(gap.json()["missing"], 2);
    let gaps = gap.json()["logs"][0]["gaps"].clone();
    assert_eq!(gaps, serde_json::json!([{"from": 2, "to": 3}]));
    let strict = set(&[&log[3], &log[0]], &["--no-gaps"]);
    assert_eq!((strict.code, &strict.json()["check"]), (Some(1), &"P9".into()));
    let again = set(&[&log[0], &log[0]], &[]);
    assert_eq!((again.code, &again.json()["logs"][0]["duplicates"]), (Some(0), &1.into()));
    // Each proof holds alone; together they show two histories of one boot.
    let fork = log_of(&desk.sample, &[1, 9, 3, 4]);
    let forked = set(&[&log[1], &fork[1]], &[]);
    assert_eq!((forked.code, &forked.json()["check"]), (Some(1), &"P9".into()), "{}", forked.out);
    assert_eq!(forked.json()["rejected"], 0);
    assert!(!forked.json()["logs"][0]["forks"].as_array().expect("a list").is_empty());
    let table = desk.judge(&["batch", "set.ndjson"]);
    assert!(table.out.contains("FORK") && table.out.contains("REJECTED P9"), "{}", table.out);
}
