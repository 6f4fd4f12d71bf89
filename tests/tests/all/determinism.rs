//! The same inputs in two processes: statements are the same bytes apart from what is random or
//! the time. PROBITY_INPUTS sets how many (1,000 unless set).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use facts::Millis;
use hyper::Method;
use proof::{Proof, Statement};
use serde_json::Value;
use std::collections::BTreeMap;
use tests::stack::{Options, Stack, runtime};

/// Requests in one batch.
const BATCH: usize = 1000;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

fn party(random: &mut Random) -> String {
    let country = random.of(&["US", "GB", "IR", "KP", "UK", ""]);
    let name = random.of(&["", "A. Person", "Söhne & Töchter 有限公司"]);
    let (address, institution) = (random.of(&["", "1 Main St"]), random.of(&["", "Bank N.A."]));
    format!(
        "{{\"account\":\"acct-{}\",\"country\":\"{country}\",\"name\":\"{name}\",\
         \"address\":\"{address}\",\"institution\":\"{institution}\"}}",
        random.below(50)
    )
}

fn request(random: &mut Random, n: usize) -> String {
    let kinds = ["wire_transfer", "cash_deposit", "cash_withdrawal", "card_payment"];
    let amounts = ["9999.99", "10000.00", "10000.01", "2999.99", "3000", "8000", "0", "999999999"];
    let rows: Vec<String> = (0..random.below(6))
        .map(|_| {
            format!(
                "{{\"timestamp\":\"2026-06-{:02}T{:02}:00:00Z\",\"type\":\"{}\",\"amount\":\"{}\",\
                 \"currency\":\"{}\"}}",
                29 + random.below(2),
                random.below(24),
                random.of(&kinds),
                random.of(&["8000", "9500.50", "10000", "10000.01"]),
                random.of(&["USD", "USD", "EUR"])
            )
        })
        .collect();
    format!(
        "{{\"transaction\":{{\"id\":\"t{n}\",\"type\":\"{}\",\"amount\":\"{}\",\"currency\":\"{}\",\
         \"source\":{},\"destination\":{}}},\"history\":[{}],\"jurisdictions\":[{}],\
         \"domains\":[\"AML\",\"SANCTIONS\"],\"as_of\":\"2026-07-01T00:00:00Z\",\"salt\":\"{}\"}}",
        random.of(&kinds),
        random.of(&amounts),
        random.of(&["USD", "USD", "USD", "KWD"]).replace("KWD", "EUR"),
        party(random),
        party(random),
        rows.join(","),
        random.of(&["\"US\"", "\"US\",\"UK\"", "\"UK\",\"US\""]),
        "5a".repeat(32)
    )
}

/// Evaluates everything and returns normalised statements by input hash.
fn statements(stack: &Stack, requests: &[String]) -> BTreeMap<String, Vec<u8>> {
    let runtime = runtime();
    let kind = [("content-type", "application/x-ndjson")];
    for batch in requests.chunks(BATCH) {
        let body = batch.join("\n");
        let once = stack.client();
        let answer = runtime.block_on(once.once(Method::POST, "/v1/evaluate/batch", &kind, body));
        let answer = answer.expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let last: Value = serde_json::from_str(text.lines().last().expect("lines")).expect("JSON");
        assert_eq!(last["summary"]["failed_count"], 0, "{last}");
    }
    let get = |path: &str| {
        let answer = runtime.block_on(stack.client().once(Method::GET, path, &[], ""));
        answer.expect("an answer")
    };
    let log = get("/v1/log").json();
    let boot = log["boots"][0]["boot_id"].as_str().expect("a boot").to_owned();
    let export = get(&format!("/v1/log/{boot}"));
    let text = String::from_utf8(export.body.to_vec()).expect("UTF-8");
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let Some(text) = line["proof"].as_str() else { continue };
        let proof = Proof::parse(&BASE64.decode(text).expect("base64")).expect("sound");
        let statement = proof.signed.statement().clone();
        let normal = Statement {
            proof_id: [0; 16],
            boot_id: [0; 16],
            agent: String::new(),
            evaluated_at: Millis(0),
            rules_age_ms: 0,
            ..statement
        };
        found.insert(normal.input_hash.to_string(), normal.to_bytes());
    }
    found
}

#[test]
fn two_processes_say_the_same_of_the_same_inputs() {
    let count = std::env::var("PROBITY_INPUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let mut random = Random(0x5eed);
    let requests: Vec<_> = (0..count).map(|n| request(&mut random, n)).collect();
    let first = Stack::start(Options::default());
    let second = first.twin();
    let (a, b) = (statements(&first, &requests), statements(&second, &requests));
    assert_eq!(a.len(), count, "every input was evaluated once");
    assert_eq!(a, b);
    println!("{count} inputs, two processes, the same statements");
}
