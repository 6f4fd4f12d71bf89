//! The rulebook of `rulepacks/`, compiled in this process and ready to run, and random requests for
//! it. The generator is seeded: the same number gives the same request everywhere.

use compiler::pack::{Files, Pack};
use rules::{BootConfig, FreshnessPolicy, Limits, SignedBundle, VerifiedBundle};
use std::fmt::Write as _;
use std::path::PathBuf;
use vm::Program;

struct Folder(PathBuf);

impl Files for Folder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(name)).map_err(|error| format!("{name}: {error}"))
    }

    fn assemble(&self, _: &str, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        wat::parse_bytes(&bytes).map(|wasm| wasm.into_owned()).map_err(|error| error.to_string())
    }
}

/// The pack of a folder under the repository's root.
pub fn pack(folder: &str) -> Pack {
    Pack::read(&Folder(crate::root().join(folder))).unwrap_or_else(|errors| {
        let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

/// A pack as the authorities of the test world sign it.
pub fn verified(pack: &Pack) -> VerifiedBundle {
    let bundle = pack.bundle(1, crate::world::ISSUED_AT);
    let config = BootConfig {
        authorities: vec![crate::world::key(1).verifying_key()],
        threshold: 1,
        freshness_keys: vec![crate::world::key(4).verifying_key()],
        freshness_threshold: 1,
        rulebook: pack.name.clone(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    };
    let signed = rules::sign_bundle(&bundle, &[crate::world::key(1)]).expect("a sound bundle");
    SignedBundle::verify(&signed, &config).expect("signed by its authority")
}

/// A pack, ready to run.
pub fn program(pack: &Pack) -> Program {
    Program::load(verified(pack), Limits::default()).expect("our own modules load")
}

/// A body that asks for everything, number `number`.
pub fn request(number: u64) -> String {
    let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut body = String::from(r#"{"transaction":{"id":"t","#);
    random.money(&mut body);
    if random.below(3) > 0 {
        body.push_str(r#","reference":"R-1""#);
    }
    for side in ["source", "destination"] {
        let fields = random.party();
        let _ = write!(body, r#","{side}":{{{fields}}}"#);
    }
    let as_of = AS_OF_MS - random.below(6 * 365) * DAY_MS - random.below(DAY_MS);
    let rows: Vec<_> = (0..random.below(60)).map(|_| random.row(as_of)).collect();
    let _ = write!(
        body,
        r#"}},"as_of":"{}","history":[{}],{SCOPE}}}"#,
        facts::Millis(as_of),
        rows.join(",")
    );
    body
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound.max(1)
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn money(&mut self, body: &mut String) {
        let kind = self.of(&KINDS);
        let (currency, amount) = match self.below(12) {
            0 => ("JPY", self.of(&["8000", "150000", "1"])),
            1 => ("BTC", self.of(&["0.5", "0.00000001", "12"])),
            2 => ("ETH", "1.000000000000000001"),
            3..=5 => ("EUR", self.of(&AMOUNTS)),
            6 => (self.of(&["GBP", "SGD", "HKD", "NOK"]), self.of(&AMOUNTS)),
            _ => ("USD", self.of(&AMOUNTS)),
        };
        let _ = write!(body, r#""type":"{kind}","amount":"{amount}","currency":"{currency}""#);
    }

    fn party(&mut self) -> String {
        let mut fields = Vec::new();
        for (name, values) in PARTY {
            if self.below(5) > 0 {
                fields.push(format!(r#""{name}":{}"#, self.of(values)));
            }
        }
        fields.join(",")
    }

    fn row(&mut self, as_of: u64) -> String {
        let span = [DAY_MS, 4 * DAY_MS, 200 * DAY_MS][self.below(3) as usize];
        let at = facts::Millis(as_of - self.below(span));
        let mut row = format!(r#"{{"timestamp":"{at}","#);
        self.money(&mut row);
        if self.below(4) > 0 {
            let _ = write!(row, r#","direction":"{}""#, self.of(&["in", "out"]));
        }
        if self.below(4) > 0 {
            let _ = write!(row, r#","counterparty":"C{}""#, self.below(8));
        }
        if self.below(4) > 0 {
            let _ = write!(row, r#","counterparty_country":"{}""#, self.of(&["DE", "IR", "US"]));
        }
        row + "}"
    }
}

const SCOPE: &str = concat!(
    r#""jurisdictions":["US","EU","UK","SG","HK"],"#,
    r#""domains":["AML","KYC","SANCTIONS","PEP"]"#
);
const DAY_MS: u64 = 86_400_000;
/// 2027-12-01: behind every change of the law that the packs know.
const AS_OF_MS: u64 = 1_827_619_200_000;
const KINDS: [&str; 11] = [
    "wire_transfer",
    "wire_transfer",
    "cash_deposit",
    "cash_withdrawal",
    "currency_exchange",
    "card_payment",
    "ach_transfer",
    "internal_transfer",
    "crypto_transfer",
    "crypto_transfer",
    "other",
];
const AMOUNTS: [&str; 14] = [
    "0.01",
    "999.99",
    "1000.00",
    "1000.01",
    "1500.01",
    "2999.99",
    "3000.00",
    "8000.00",
    "9000.00",
    "9999.99",
    "10000.00",
    "10000.01",
    "50000.00",
    "92233720368547758.08",
];
const PARTY: [(&str, &[&str]); 21] = [
    ("account", &[r#""A1""#, r#""A2""#]),
    ("country", &[r#""US""#, r#""GB""#, r#""DE""#, r#""CU""#, r#""IR""#, r#""SY""#, r#""SG""#]),
    (
        "name",
        &[
            r#""Ann Example""#,
            r#""Zorvan Quillthorpe""#,
            r#""Zorvan Kwilltorpe""#,
            r#""Иван Петров""#,
            r#""Müller & Söhne GmbH""#,
        ],
    ),
    ("address", &[r#""1 Main St, Springfield""#]),
    ("institution", &[r#""Bank One""#]),
    ("customer_id", &[r#""c-1""#]),
    ("kind", &[r#""person""#, r#""organisation""#]),
    ("birth_date", &[r#""1957-03-13""#, r#""1980-02-29""#]),
    ("birth_place", &[r#""Bonn""#]),
    ("document", &[r#""P123""#, r#""SAMPLE-P-0001""#]),
    ("lei", &[r#""529900T8BM49AURSDO55""#]),
    ("wallet", &[r#""bc1qsamplewalletthatdoesnotexist""#, r#""bc1qother""#]),
    ("institution_country", &[r#""US""#, r#""DE""#, r#""FR""#, r#""GB""#, r#""HK""#, r#""IR""#]),
    ("nationality", &[r#""US""#, r#""RU""#]),
    ("pep", &[r#""none""#, r#""domestic""#, r#""foreign""#, r#""family""#, r#""former""#]),
    ("risk", &[r#""low""#, r#""high""#]),
    ("edd_approved", &["true", "false"]),
    ("owners_identified", &["true", "false"]),
    ("source_of_funds", &[r#""salary""#]),
    ("verified_at", &[r#""2020-01-01T00:00:00Z""#]),
    ("last_activity", &[r#""2021-01-01T00:00:00Z""#]),
];
