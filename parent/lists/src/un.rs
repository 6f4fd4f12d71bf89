//! The UN Security Council's consolidated list in its XML form. It must never resolve anything
//! outside of the bytes it was given.

use crate::{Listing, ListsError, Skipped, days, finish, fits};
use roxmltree::{Document, Node, ParsingOptions};
use screen::{Birth, Entry, Identifier, Kind, Name, Strength};

const FILE: &str = "UN consolidated list";
/// Most nodes of the document.
const NODES_MAX: u32 = 4 << 20;

/// Reads the XML. `taken_at` is the file's own `dateGenerated`, day exact, 0 if it has none.
/// Errors: [`ListsError`] with the line.
pub fn read_un(xml: &[u8]) -> Result<Listing, ListsError> {
    fits(FILE, xml)?;
    let problem = |problem: String| ListsError::Xml { file: FILE, problem };
    let text = std::str::from_utf8(xml).map_err(|error| problem(error.to_string()))?;
    let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| problem(error.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "CONSOLIDATED_LIST" {
        return Err(problem(format!("the root is {}", root.tag_name().name())));
    }
    let mut skipped = Vec::new();
    let mut entries = Vec::new();
    for node in root.descendants() {
        match node.tag_name().name() {
            "INDIVIDUAL" => entries.push(read_entry(node, Kind::Person, &mut skipped)?),
            "ENTITY" => entries.push(read_entry(node, Kind::Organisation, &mut skipped)?),
            _ => {}
        }
    }
    let generated = root.attribute("dateGenerated").and_then(|date| days::birth(date.get(..10)?));
    let day = generated.map_or(0, |day| u64::try_from(day.first).unwrap_or(0));
    let source = "UN Security Council consolidated list, XML";
    finish("un.sc.consolidated", source, day * 86_400_000, entries, skipped)
}

fn line(node: Node<'_, '_>) -> u64 {
    node.document().text_pos_at(node.range().start).row.into()
}

/// The text of the first child of that name, if there is any.
fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = node.children().find(|child| child.has_tag_name(name))?;
    found.text().map(str::trim).filter(|text| !text.is_empty())
}

fn read_entry(
    node: Node<'_, '_>,
    kind: Kind,
    skipped: &mut Vec<Skipped>,
) -> Result<Entry, ListsError> {
    let missing =
        |expected| ListsError::Row { file: FILE, line: line(node), expected, found: "none".into() };
    let id = child(node, "REFERENCE_NUMBER").ok_or_else(|| missing("a REFERENCE_NUMBER"))?;
    let parts = ["FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME"];
    let words: Vec<&str> = parts.iter().filter_map(|part| child(node, part)).collect();
    let name = words.join(" ");
    if name.is_empty() {
        return Err(missing("a FIRST_NAME"));
    }
    let mut entry = Entry {
        id: id.to_owned(),
        kind,
        names: vec![Name { text: name, strength: Strength::Primary }],
        births: Vec::new(),
        identifiers: Vec::new(),
        programs: child(node, "UN_LIST_TYPE").map(str::to_owned).into_iter().collect(),
    };
    if let Some(text) = child(node, "NAME_ORIGINAL_SCRIPT") {
        entry.names.push(Name { text: text.to_owned(), strength: Strength::Strong });
    }
    for part in node.children() {
        match part.tag_name().name() {
            "INDIVIDUAL_ALIAS" | "ENTITY_ALIAS" => read_alias(part, &mut entry),
            "INDIVIDUAL_DATE_OF_BIRTH" => read_birth(part, &mut entry, skipped),
            "INDIVIDUAL_DOCUMENT" => read_document(part, &mut entry, skipped),
            _ => {}
        }
    }
    Ok(entry)
}

fn read_alias(node: Node<'_, '_>, entry: &mut Entry) {
    let Some(text) = child(node, "ALIAS_NAME") else { return };
    let low = child(node, "QUALITY").is_some_and(|quality| quality.eq_ignore_ascii_case("low"));
    let strength = if low { Strength::Weak } else { Strength::Strong };
    // One element may hold several names.
    let names = text.split(';').map(str::trim).filter(|name| !name.is_empty());
    entry.names.extend(names.map(|name| Name { text: name.to_owned(), strength }));
}

fn read_birth(node: Node<'_, '_>, entry: &mut Entry, skipped: &mut Vec<Skipped>) {
    let about = child(node, "TYPE_OF_DATE").is_some_and(|kind| kind.starts_with("APPROX"));
    let exact = child(node, "DATE").and_then(|date| days::birth(date.get(..10)?));
    let year = |name| child(node, name).and_then(days::birth);
    let between = year("FROM_YEAR")
        .zip(year("TO_YEAR"))
        .map(|(from, to)| Birth { first: from.first, last: to.last })
        .filter(|birth| birth.first <= birth.last);
    let circa = |year| days::birth(&format!("circa {year}"));
    let year =
        child(node, "YEAR").and_then(|year| if about { circa(year) } else { days::birth(year) });
    match exact.or(between).or(year) {
        Some(birth) => entry.births.push(birth),
        // Most entries without a date have an empty element.
        None if ["DATE", "YEAR", "FROM_YEAR", "TO_YEAR"]
            .iter()
            .all(|n| child(node, n).is_none()) => {}
        None => skipped.push(Skipped {
            line: line(node),
            reason: format!("{}: the date of birth cannot be read", entry.id),
        }),
    }
}

fn read_document(node: Node<'_, '_>, entry: &mut Entry, skipped: &mut Vec<Skipped>) {
    let kind = child(node, "TYPE_OF_DOCUMENT").unwrap_or("document").to_lowercase();
    match child(node, "NUMBER") {
        Some(number) => {
            let kind = if kind.contains("passport") {
                "passport".into()
            } else if kind.contains("national") {
                "national".into()
            } else {
                kind
            };
            entry.identifiers.push(Identifier { kind, value: number.to_owned() });
        }
        None if node.children().all(|child| !child.is_element()) => {}
        None => skipped.push(Skipped {
            line: line(node),
            reason: format!("{}: a {kind} without a number", entry.id),
        }),
    }
}
