//! OFAC's SDN list in its CSV form: `sdn.csv`, `alt.csv`, `add.csv`. It must never take a remark
//! for an identifier that has no digit in it.

use crate::rows::{self, Row};
use crate::{Listing, ListsError, Skipped, days, finish};
use screen::{Entry, Identifier, Kind, Name, Strength};
use std::collections::BTreeMap;

const SDN: &str = "sdn.csv";
const ALT: &str = "alt.csv";
const ADD: &str = "add.csv";
/// How the files write nothing.
const NULL: &str = "-0-";
const SDN_CELLS: usize = 12;
const ADD_CELLS: usize = 6;

/// Reads the three files of one publication. `taken_at` is 0 and the caller's to set: the files
/// have no date. Addresses have no place in a snapshot; they are checked and reported as left
/// out. Errors: [`ListsError`] with the line.
pub fn read_ofac(sdn: &[u8], alt: &[u8], add: &[u8]) -> Result<Listing, ListsError> {
    let mut skipped = Vec::new();
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for row in rows::read(SDN, sdn)? {
        let entry = read_entry(&row, &mut skipped)?;
        if entries.contains_key(&entry.id) {
            return Err(wrong(SDN, &row, "a number that no row before has", entry.id));
        }
        entries.insert(entry.id.clone(), entry);
    }
    for row in rows::read(ALT, alt)? {
        let [id, _, kind, name, _] = &row.cells[..] else {
            return Err(cells(ALT, &row, "5 cells"));
        };
        if !matches!(kind.as_str(), "aka" | "fka" | "nka") {
            return Err(wrong(ALT, &row, "aka, fka or nka", kind.clone()));
        }
        match entries.get_mut(id) {
            Some(entry) if !name.is_empty() && name != NULL => {
                entry.names.push(Name { text: name.clone(), strength: Strength::Strong });
            }
            Some(_) => return Err(wrong(ALT, &row, "a name", name.clone())),
            None => skipped.push(Skipped {
                line: row.line,
                reason: format!("{ALT}: {SDN} has no entry {id} for the alias {name:?}"),
            }),
        }
    }
    let mut addresses = 0u32;
    for row in rows::read(ADD, add)? {
        if row.cells.len() != ADD_CELLS {
            return Err(cells(ADD, &row, "6 cells"));
        }
        addresses += 1;
    }
    if addresses > 0 {
        let reason = format!("{ADD}: {addresses} addresses; a snapshot has no place for them");
        skipped.push(Skipped { line: 1, reason });
    }
    let source = "OFAC Specially Designated Nationals list, CSV";
    finish("us.ofac.sdn", source, 0, entries.into_values().collect(), skipped)
}

fn cells(file: &'static str, row: &Row, expected: &'static str) -> ListsError {
    wrong(file, row, expected, format!("{} cells", row.cells.len()))
}

fn wrong(file: &'static str, row: &Row, expected: &'static str, found: String) -> ListsError {
    ListsError::Row { file, line: row.line, expected, found }
}

fn read_entry(row: &Row, skipped: &mut Vec<Skipped>) -> Result<Entry, ListsError> {
    let [id, name, kind, program, .., remarks] = &row.cells[..] else {
        return Err(cells(SDN, row, "12 cells"));
    };
    if row.cells.len() != SDN_CELLS {
        return Err(cells(SDN, row, "12 cells"));
    }
    if id.is_empty() || !id.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong(SDN, row, "a number in the first cell", id.clone()));
    }
    if name.is_empty() || name == NULL {
        return Err(wrong(SDN, row, "a name in the second cell", name.clone()));
    }
    let kind = match kind.as_str() {
        "individual" => Kind::Person,
        "vessel" => Kind::Vessel,
        "aircraft" => Kind::Aircraft,
        // The list writes no type for companies and other bodies.
        NULL | "entity" | "" => Kind::Organisation,
        other => return Err(wrong(SDN, row, "individual, vessel, aircraft or -0-", other.into())),
    };
    let programs = program.split("] [").map(|p| p.trim_matches(['[', ']', ' ']).to_owned());
    let mut entry = Entry {
        id: id.clone(),
        kind,
        names: vec![Name { text: name.clone(), strength: Strength::Primary }],
        births: Vec::new(),
        identifiers: Vec::new(),
        programs: programs.filter(|program| !program.is_empty() && program != NULL).collect(),
    };
    if remarks != NULL {
        for remark in split(remarks) {
            read_remark(remark, &mut entry, row.line, skipped);
        }
    }
    Ok(entry)
}

/// Remarks are parted by semicolons and end with a dot.
fn split(remarks: &str) -> impl Iterator<Item = &str> {
    remarks.split(';').map(|r| r.trim().trim_end_matches('.').trim()).filter(|r| !r.is_empty())
}

fn read_remark(remark: &str, entry: &mut Entry, line: u64, skipped: &mut Vec<Skipped>) {
    let remark = remark.strip_prefix("alt. ").unwrap_or(remark);
    if let Some(date) = remark.strip_prefix("DOB") {
        let date = date.trim_start_matches(':').trim();
        match days::birth(date) {
            Some(birth) => entry.births.push(birth),
            None => skipped.push(Skipped {
                line,
                reason: format!("{SDN}: entry {}: {date:?} is no date of birth", entry.id),
            }),
        }
        return;
    }
    if ["a.k.a.", "f.k.a.", "n.k.a."].iter().any(|prefix| remark.starts_with(prefix)) {
        let quoted = remark.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\''));
        match quoted.filter(|(name, _)| !name.trim().is_empty()) {
            Some((name, _)) => {
                let text = name.trim().to_owned();
                entry.names.push(Name { text, strength: Strength::Weak });
            }
            None => skipped.push(Skipped {
                line,
                reason: format!("{SDN}: entry {}: no quoted name in {remark:?}", entry.id),
            }),
        }
        return;
    }
    entry.identifiers.extend(identifier(remark));
}

/// What the labels of identifiers begin with, if they do not say `No.`, `#`, `Number` or `ID`.
const LABELS: [&str; 12] = [
    "passport",
    "ssn",
    "d.n.i.",
    "c.u.r.p.",
    "r.f.c.",
    "i.f.e.",
    "c.i.f.",
    "rtn",
    "us fein",
    "mmsi",
    "swift/bic",
    "lei",
];

/// A number with its label: `Passport A123 (Egypt)`, `Tax ID No. 5`, `NIT # 8-1 (Colombia)`.
fn identifier(remark: &str) -> Option<Identifier> {
    if let Some(wallet) = remark.strip_prefix("Digital Currency Address - ") {
        let (currency, address) = wallet.split_once(char::is_whitespace)?;
        let value = address.split_whitespace().next()?.to_owned();
        return Some(Identifier { kind: format!("wallet:{currency}"), value });
    }
    let words: Vec<&str> = remark.split_whitespace().collect();
    let digit = |word: &&str| word.bytes().any(|byte| byte.is_ascii_digit());
    let number = words.iter().position(digit)?;
    let ends = |word: &str| {
        matches!(
            word.to_lowercase().as_str(),
            "no." | "no" | "#" | "number" | "id" | "imo" | "code"
        )
    };
    let label_end = words[..number].iter().rposition(|word| ends(word)).map(|at| at + 1);
    let lower = remark.to_lowercase();
    let label_end = match label_end {
        Some(end) => end,
        None => {
            let label = LABELS.iter().find(|label| lower.starts_with(**label))?;
            label.split_whitespace().count()
        }
    };
    let label = words[..label_end].join(" ").to_lowercase();
    let value: Vec<&str> =
        words[label_end..].iter().copied().take_while(|word| !word.starts_with('(')).collect();
    // Dates of issue follow some numbers without brackets.
    let until = value.iter().position(|word| ["issued", "expires", "issue"].contains(word));
    let value = value[..until.unwrap_or(value.len())].join(" ");
    let value = value.trim_matches([',', '.']).to_owned();
    (!value.is_empty()).then(|| Identifier { kind: kind_of(&label), value })
}

/// A short, common kind for the many labels.
fn kind_of(label: &str) -> String {
    let kinds = [
        ("imo", "imo"),
        ("mmsi", "mmsi"),
        ("passport", "passport"),
        ("tax", "tax"),
        ("nit", "tax"),
        ("ruc", "tax"),
        ("r.f.c.", "tax"),
        ("c.i.f.", "tax"),
        ("us fein", "tax"),
        ("v.a.t.", "tax"),
        ("national", "national"),
        ("cedula", "national"),
        ("d.n.i.", "national"),
        ("c.u.r.p.", "national"),
        ("ssn", "national"),
        ("registration", "registration"),
        ("company", "registration"),
        ("matricula", "registration"),
        ("folio", "registration"),
        ("commercial registry", "registration"),
    ];
    let found = kinds.iter().find(|(begins, kind)| {
        label.starts_with(begins) || *kind == "imo" && label.ends_with(" imo")
    });
    found.map_or_else(|| label.to_owned(), |(_, kind)| (*kind).to_owned())
}
