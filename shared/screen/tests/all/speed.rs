//! Time per query against the SDN list, beside the scan. Must never fail for being slow: the
//! machine is not ours to judge. Run it with `--release -- --ignored --nocapture speed`.

use crate::support::{Random, sdn};
use screen::{Index, Mode, Query, Scratch};
use std::time::Instant;

const GIVEN: [&str; 16] = [
    "John", "Maria", "Anna", "Peter", "James", "Olga", "Mohammed", "Sarah", "Wei", "Carlos",
    "Fatima", "David", "Ivan", "Laura", "Kim", "Thomas",
];
const FAMILY: [&str; 16] = [
    "Smith",
    "Garcia",
    "Müller",
    "Kowalski",
    "Johnson",
    "Petrova",
    "Khan",
    "O'Neill",
    "Zhang",
    "Rodriguez",
    "Hassan",
    "Brown",
    "Ivanov",
    "Rossi",
    "Andersson",
    "Nguyen",
];
const BODIES: [&str; 6] = [
    "Northern Harvest Foods Ltd",
    "Blue Ridge Consulting LLC",
    "Siemens AG",
    "Acme Trading International GmbH",
    "Harbour View Shipping Company",
    "Sunrise Textiles SA",
];

fn queries(names: &[String]) -> Vec<String> {
    let mut random = Random(42);
    let mut queries = Vec::new();
    for n in 0..400 {
        queries.push(match n % 8 {
            0..5 => format!("{} {}", GIVEN[random.below(16)], FAMILY[random.below(16)]),
            5 => format!(
                "{} {} {}",
                GIVEN[random.below(16)],
                GIVEN[random.below(16)],
                FAMILY[random.below(16)]
            ),
            6 => BODIES[random.below(6)].to_owned(),
            _ => names[random.below(names.len())].clone(),
        });
    }
    queries
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let Some(snapshot) = sdn() else { return };
    let names: Vec<String> =
        snapshot.entries.iter().flat_map(|e| e.names.iter().map(|n| n.text.clone())).collect();
    let start = Instant::now();
    let index = Index::build(snapshot);
    println!(
        "{} names, built in {:?}, {} KiB",
        names.len(),
        start.elapsed(),
        index.memory_bytes() / 1024
    );
    let queries = queries(&names);
    for mode in [Mode::Default, Mode::Ofac, Mode::JaroWinkler] {
        for threshold in [7_000, 8_500] {
            let (mut times, mut kept) = (Vec::new(), Vec::new());
            let mut hits = 0;
            let mut scratch = Scratch::default();
            for name in queries.iter().chain(&queries) {
                let query = Query { name, birth: None, mode, threshold };
                let start = Instant::now();
                hits += index.screen(&query).total;
                times.push(start.elapsed());
            }
            for name in queries.iter().chain(&queries) {
                let query = Query { name, birth: None, mode, threshold };
                let start = Instant::now();
                index.screen_with(&mut scratch, &query);
                kept.push(start.elapsed());
            }
            let mut times = times.split_off(queries.len());
            times.sort();
            let mut kept = kept.split_off(queries.len());
            kept.sort();
            let start = Instant::now();
            for name in &queries[..20] {
                index.screen_brute_force(&Query { name, birth: None, mode, threshold });
            }
            println!(
                "{mode:?} at {threshold}: median {:?} ({:?} with scratch), 95 % {:?}, worst {:?}; \
                 scan {:?}; {hits} hits",
                times[times.len() / 2],
                kept[kept.len() / 2],
                times[times.len() * 95 / 100],
                times[times.len() - 1],
                start.elapsed() / 20
            );
        }
    }
}
