//! The list that screening is measured with, and the customers who are screened: OFAC's list where
//! the corpora are, else one of the same size from a seeded generator. It must never say that a
//! made-up list is OFAC's.

use crate::Random;
use screen::{Entry, Kind, Name, Snapshot, Strength};

/// Entries and names of a made-up list, about those of OFAC's at the end of 2025.
const ENTRIES: usize = 7_378;
const ALIASES: usize = 9_681;

/// A list and where it comes from.
pub fn snapshot() -> (Snapshot, &'static str) {
    let folder = tests::root().join("../shared/corpora/sanctions");
    let read = |name: &str| std::fs::read(folder.join(name));
    let (Ok(sdn), Ok(alt), Ok(add)) = (read("sdn.csv"), read("alt.csv"), read("add.csv")) else {
        println!("skipped: corpus absent; screening runs on a made-up list of the same size");
        return (made_up(), "made-up list");
    };
    let listing = lists::read_ofac(&sdn, &alt, &add).expect("OFAC's own files");
    (listing.snapshot, "OFAC SDN")
}

/// Names of all entries, in order.
pub fn listed(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.entries.iter().flat_map(|e| &e.names).map(|name| &*name.text).collect()
}

/// `number` customers: 85 of 100 are made of common names, 10 are listed names with a slip of the
/// pen or a part left out, 5 are listed names as they stand.
pub fn customers(snapshot: &Snapshot, number: usize) -> Vec<String> {
    let listed = listed(snapshot);
    let mut random = Random(42);
    (0..number)
        .map(|n| match n % 20 {
            3 | 13 => {
                let name = listed[random.below(listed.len())];
                slip(&mut random, name)
            }
            7 => listed[random.below(listed.len())].to_owned(),
            n if n % 5 == 4 => company(&mut random),
            _ => person(&mut random),
        })
        .collect()
}

/// Identifiers to look up: every second one is listed.
pub fn identifiers(snapshot: &Snapshot, number: usize) -> Vec<String> {
    let known = snapshot.entries.iter().flat_map(|entry| &entry.identifiers);
    let known: Vec<&str> = known.map(|identifier| &*identifier.value).collect();
    let mut random = Random(43);
    (0..number)
        .map(|n| match known.get(random.below(known.len())).filter(|_| n % 2 == 0) {
            Some(known) => (*known).to_owned(),
            None => format!("P{:08}", random.below(100_000_000)),
        })
        .collect()
}

fn slip(random: &mut Random, name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = random.below(letters.len());
    match random.below(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, 'e'),
        2 => letters.swap(at, at / 2),
        _ => {
            let words: Vec<&str> = name.split(' ').collect();
            let left_out = random.below(words.len());
            let kept = words.iter().enumerate().filter(|(n, _)| *n != left_out);
            return kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ");
        }
    }
    letters.into_iter().collect()
}

fn person(random: &mut Random) -> String {
    let (given, family) = (random.of(&GIVEN), random.of(&FAMILY));
    match random.below(5) {
        0 => format!("{given} {} {family}", random.of(&GIVEN)),
        1 => format!("{family}, {given}"),
        _ => format!("{given} {family}"),
    }
}

fn company(random: &mut Random) -> String {
    format!("{} {} {}", random.of(&FIRST), random.of(&TRADE), random.of(&FORM))
}

/// Entries of the kinds and lengths that real lists have; the names are put together at random.
fn made_up() -> Snapshot {
    let mut random = Random(7);
    let mut syllables = |least: usize| -> String {
        let word = |random: &mut Random| -> String {
            (0..2 + random.below(2)).map(|_| random.of(&SYLLABLES)).collect()
        };
        let words = least + random.below(2);
        (0..words).map(|_| word(&mut random)).collect::<Vec<_>>().join(" ")
    };
    let mut entries: Vec<Entry> = (0..ENTRIES)
        .map(|n| {
            let kind = if n % 2 == 0 { Kind::Person } else { Kind::Organisation };
            let aliases = (n + 1) * ALIASES / ENTRIES - n * ALIASES / ENTRIES;
            let strength = |n| if n == 0 { Strength::Primary } else { Strength::Strong };
            let name = |n| Name { text: syllables(2), strength: strength(n) };
            let names = (0..=aliases).map(name).collect();
            let (births, identifiers, programs) = (Vec::new(), Vec::new(), Vec::new());
            Entry { id: n.to_string(), kind, names, births, identifiers, programs }
        })
        .collect();
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    Snapshot { id: "made-up".into(), source: "a seeded generator".into(), taken_at: 0, entries }
}

const GIVEN: [&str; 32] = [
    "John", "Maria", "Anna", "Peter", "James", "Olga", "Mohammed", "Sarah", "Wei", "Carlos",
    "Fatima", "David", "Ivan", "Laura", "Kim", "Thomas", "Emma", "Lucas", "Aisha", "Daniel",
    "Sofia", "Ahmed", "Chloe", "Hiroshi", "Priya", "Andrei", "Elena", "Omar", "Julia", "Mateo",
    "Hans", "Yusuf",
];
const FAMILY: [&str; 32] = [
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
    "Patel",
    "Silva",
    "Tanaka",
    "Dubois",
    "Novak",
    "Ali",
    "Fernandez",
    "Schmidt",
    "Yilmaz",
    "Popescu",
    "Cohen",
    "Williams",
    "Martin",
    "Kim",
    "Ferrari",
    "Haddad",
];
const FIRST: [&str; 12] = [
    "Northern",
    "Blue Ridge",
    "Harbour View",
    "Sunrise",
    "Acme",
    "Pacific",
    "Golden",
    "Alpine",
    "Delta",
    "Royal",
    "United",
    "Green Valley",
];
const TRADE: [&str; 10] = [
    "Foods",
    "Consulting",
    "Shipping",
    "Textiles",
    "Trading",
    "Energy",
    "Logistics",
    "Holdings",
    "Medical Supplies",
    "Construction",
];
const FORM: [&str; 6] = ["Ltd", "LLC", "GmbH", "SA", "Company", "Inc"];
const SYLLABLES: [&str; 24] = [
    "al", "ba", "kar", "mo", "han", "ri", "su", "del", "ov", "esh", "tar", "in", "qa", "zu", "li",
    "mer", "on", "fa", "ya", "dro", "vic", "sha", "ne", "gul",
];
