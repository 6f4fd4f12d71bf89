//! The plain form that any list can be brought into; README.md describes it. It must never
//! accept a header it does not know.

use crate::rows::{self, Row};
use crate::{Listing, ListsError, days, finish};
use screen::{Entry, Identifier, Kind, Name, Strength};

const FILE: &str = "plain list";
const HEADER: [&str; 8] =
    ["id", "kind", "name", "aliases", "weak_aliases", "born", "identifiers", "programs"];

/// Reads a plain list. `id`, `source` and `taken_at` of the snapshot are the caller's to set.
/// Errors: [`ListsError`] with the line; no row is left out.
pub fn read_plain(csv: &[u8]) -> Result<Listing, ListsError> {
    let mut rows = rows::read(FILE, csv)?.into_iter();
    let header = rows.next().map(|row| row.cells).unwrap_or_default();
    let known = header.iter().map(|cell| cell.trim_start_matches('\u{FEFF}')).eq(HEADER);
    if !known {
        return Err(ListsError::Row {
            file: FILE,
            line: 1,
            expected: "the header id,kind,name,aliases,weak_aliases,born,identifiers,programs",
            found: header.join(","),
        });
    }
    let entries = rows.map(|row| read_entry(&row)).collect::<Result<_, _>>()?;
    finish("plain", "plain list", 0, entries, Vec::new())
}

fn read_entry(row: &Row) -> Result<Entry, ListsError> {
    let wrong = |expected, found: &str| {
        Err(ListsError::Row { file: FILE, line: row.line, expected, found: found.to_owned() })
    };
    let [id, kind, name, aliases, weak, born, identifiers, programs] = &row.cells[..] else {
        return wrong("8 cells", &format!("{} cells", row.cells.len()));
    };
    if id.is_empty() || name.is_empty() {
        return wrong("an id and a name", &row.cells.join(","));
    }
    let kind = match kind.to_lowercase().as_str() {
        "person" => Kind::Person,
        "organisation" | "organization" => Kind::Organisation,
        "vessel" => Kind::Vessel,
        "aircraft" => Kind::Aircraft,
        "" | "unknown" => Kind::Unknown,
        other => return wrong("person, organisation, vessel, aircraft or nothing", other),
    };
    let mut names = vec![Name { text: name.clone(), strength: Strength::Primary }];
    for (cell, strength) in [(aliases, Strength::Strong), (weak, Strength::Weak)] {
        names.extend(parts(cell).map(|text| Name { text: text.to_owned(), strength }));
    }
    let mut births = Vec::new();
    for text in parts(born) {
        match days::birth(text) {
            Some(birth) => births.push(birth),
            None => return wrong("a date such as 1957-03-13, 1957 or 1950 to 1955", text),
        }
    }
    let mut known = Vec::new();
    for text in parts(identifiers) {
        match text.rsplit_once(' ') {
            Some((kind, value)) => {
                known.push(Identifier { kind: kind.trim().to_owned(), value: value.to_owned() })
            }
            None => return wrong("a kind, a space and a number, such as passport A123", text),
        }
    }
    let programs = parts(programs).map(str::to_owned).collect();
    Ok(Entry { id: id.clone(), kind, names, births, identifiers: known, programs })
}

/// The parts of a cell.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|part| !part.is_empty())
}
