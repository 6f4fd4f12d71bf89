//! The tables of MAPPING.md against the code, both ways: an element that a row names changes the
//! row's fact and no fact that does not name it; an element that no row names changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use facts::{Draft, FactsError, Party, TransactionType};

use super::{IVMS, PACS, PAIN};
use crate::element::Element;
use crate::{iso20022, ivms101, json, xml};

const PAGE: &str = include_str!("../../MAPPING.md");

/// A fact and the path of an element from the message's root.
type Row = (String, String);

/// Rows of the table below a heading, cells without their back quotes.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = PAGE.split_once(heading).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let lines = lines.take_while(|line| line.starts_with('|'));
    let cell = |cell: &'static str| cell.trim().trim_matches('`');
    lines.map(|line| line[1..line.len() - 1].split('|').map(cell).collect()).collect()
}

fn facts_of(draft: Result<Draft, FactsError>) -> BTreeMap<String, String> {
    let Ok(draft) = draft else { return BTreeMap::new() };
    let mut facts = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        value.map(|value| facts.insert(name.to_owned(), value));
    };
    add("transaction.id", draft.id);
    add("transaction.amount", draft.amount.map(|amount| amount.to_string()));
    add("transaction.timestamp", draft.timestamp.map(|at| at.to_string()));
    add("transaction.reference", draft.reference);
    add("transaction.purpose", draft.purpose);
    for (side, party) in [("source", draft.source), ("destination", draft.destination)] {
        macro_rules! add_all {
            ($($field:ident)*) => {$(
                let name = format!("{side}.{}", stringify!($field));
                add(&name, party.$field.as_ref().map(ToString::to_string));
            )*};
        }
        add_all! {
            account country name address institution customer_id kind birth_date birth_place
            document lei wallet institution_country
        }
        assert_eq!((party.pep, party.risk, party.nationality), (None, None, None));
    }
    facts
}

/// The element at a path; of several of one name the last, `Othr[CUST]` aside.
fn parent_of<'t, 'a>(
    root: &'t mut Element<'a>,
    path: &str,
) -> Option<(&'t mut Element<'a>, usize)> {
    let (step, rest) = path.split_once('/').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let is_customer = |element: &Element<'_>| {
        let scheme = element.children.iter().find(|child| child.name == "SchmeNm");
        scheme.is_some_and(|scheme| scheme.children.iter().any(|code| code.text == "CUST"))
    };
    let fits = |child: &Element<'_>| match step.strip_suffix("[CUST]") {
        Some(name) => child.name == name && is_customer(child),
        None => child.name == step && (step != "Othr" || !is_customer(child)),
    };
    let index = root.children.iter().rposition(fits)?;
    match rest {
        Some(rest) => parent_of(&mut root.children[index], rest),
        None => Some((root, index)),
    }
}

fn remove(root: &mut Element<'_>, path: &str) -> bool {
    let Some((parent, index)) = parent_of(root, path) else { return false };
    let name = parent.children[index].name.clone();
    parent.children.retain(|child| child.name != name);
    true
}

/// All leaves as paths in the notation of the page.
fn leaves(element: &Element<'_>, path: &str, out: &mut BTreeSet<String>) {
    if element.children.is_empty() {
        out.insert(path.to_owned());
    }
    for child in &element.children {
        let is_customer =
            child.children.iter().any(|c| c.children.iter().any(|d| d.text == "CUST"));
        let mark = if child.name == "Othr" && is_customer { "[CUST]" } else { "" };
        let path = if path.is_empty() { String::new() } else { format!("{path}/") };
        leaves(child, &format!("{path}{}{mark}", child.name), out);
    }
}

fn check(root: &Element<'_>, base: &str, rows: &[Row], read: fn(&Element<'_>) -> Reading) {
    let whole = facts_of(read(root));
    let full = |path: &str| format!("{base}{path}");
    let named = |path: &str, fact: &str| {
        let below = |row: &str| row == path || row.starts_with(&format!("{path}/"));
        rows.iter().any(|(name, row)| name == fact && below(row))
    };
    let mut used = 0;
    let facts: BTreeSet<&String> = rows.iter().map(|(fact, _)| fact).collect();
    for fact in facts {
        let mut tree = root.clone();
        for (_, path) in rows.iter().filter(|(name, _)| name == fact) {
            let before = facts_of(read(&tree));
            if !remove(&mut tree, &full(path)) {
                continue;
            }
            let after = facts_of(read(&tree));
            if after.is_empty() {
                let is_needed = fact == "transaction.amount" || path.ends_with("Person");
                assert!(is_needed, "without {path} there are no facts");
                used += 1;
                continue;
            }
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
            let changed: Vec<&String> = changed.collect();
            assert!(changed.contains(&fact), "{path} changes {changed:?}, not {fact}");
            assert!(changed.iter().all(|other| named(path, other)), "{path}: {changed:?}");
            used += 1;
        }
        let rest = facts_of(read(&tree)).remove(fact);
        // Untouched trees have the other branch of a choice; the alias stands in for a legal name.
        let is_known = tree == *root || rest.as_deref() == Some("Bird");
        assert!(rest.is_none() || is_known, "{fact} is {rest:?} by no row");
    }
    assert!(used > rows.len() / 2, "{used} of {} rows found", rows.len());
    let mut all = BTreeSet::new();
    leaves(root, "", &mut all);
    for path in &all {
        let relative = path.strip_prefix(base).unwrap_or("");
        let is_named = rows.iter().any(|(_, row)| row == relative);
        if is_named || KEYS_OF_CHOICE.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let mut tree = root.clone();
        assert!(remove(&mut tree, path), "{path}");
        assert_eq!(facts_of(read(&tree)), whole, "{path} is on no row");
    }
}

/// Not facts themselves, but what chooses among elements that are.
const KEYS_OF_CHOICE: [&str; 4] =
    ["GrpHdr/NbOfTxs", "Othr[CUST]/SchmeNm/Cd", "IdentifierType", "nationalIdentifierType"];

type Reading = Result<Draft, FactsError>;

/// Rows of the parties, with `*` filled in.
fn party_rows(heading: &str, at: impl Fn(&str, &str) -> String) -> Vec<Row> {
    let rows = table(heading);
    let sides = ["source", "destination"].into_iter();
    let rows = sides.flat_map(|side| rows.iter().map(move |row| (side, row)));
    let rows = rows.map(|(side, row)| (format!("{side}.{}", row[0]), at(side, row[1])));
    rows.collect()
}

#[test]
fn payments_are_read_as_the_page_says() {
    for (column, message, base) in
        [(1, PACS, "Document/FIToFICstmrCdtTrf/"), (2, PAIN, "Document/CstmrCdtTrfInitn/")]
    {
        let whole = xml::read(message).unwrap();
        let envelope = Element { children: vec![whole.clone()], ..Element::default() };
        let root = if column == 1 { &whole } else { &envelope };
        let rows = table("## 2. ISO 20022: the transaction");
        assert_eq!(rows.len(), 9);
        let rows = rows.into_iter().filter(|row| !row[column].is_empty());
        let mut rows: Vec<Row> = rows.map(|row| (row[0].into(), row[column].into())).collect();
        rows.extend(party_rows("## 3. ISO 20022: the parties", |side, path| {
            match (side, column) {
                ("source", 1) => format!("CdtTrfTxInf/{}", path.replace('*', "Dbtr")),
                ("source", _) => format!("PmtInf/{}", path.replace('*', "Dbtr")),
                (_, 1) => format!("CdtTrfTxInf/{}", path.replace('*', "Cdtr")),
                (_, _) => format!("PmtInf/CdtTrfTxInf/{}", path.replace('*', "Cdtr")),
            }
        }));
        check(root, base, &rows, iso20022::read_xml);
        // Each row was there on one side at least, but the other branch of a choice.
        let mut all = BTreeSet::new();
        leaves(root, "", &mut all);
        for row in table("## 3. ISO 20022: the parties") {
            let ends = ["Dbtr", "Cdtr"].map(|side| row[1].replace('*', side));
            let found = |path: &String| ends.iter().any(|end| path.contains(&format!("/{end}")));
            assert!(all.iter().any(found), "{} is in the message", row[1]);
        }
    }
}

#[test]
fn travel_rule_data_is_read_as_the_page_says() {
    let whole = json::read(IVMS, false).unwrap();
    let rows = party_rows("## 4. IVMS101", |side, path| {
        let (role, adjective) = match side {
            "source" => ("originator", "originating"),
            _ => ("beneficiary", "beneficiary"),
        };
        match (path.strip_prefix("*VASP"), path.strip_prefix("*Person")) {
            (Some(rest), _) => format!("{adjective}VASP/{adjective}VASP{rest}"),
            (_, Some(rest)) => format!("{role}/{role}Person{rest}"),
            _ => path.replace('*', role),
        }
    });
    check(&whole, "", &rows_with_legal_addresses(rows), |root| {
        ivms101::read(root, Some(TransactionType::CryptoTransfer))
    });
}

/// The page names the parts of an address once; a legal person's are the same.
fn rows_with_legal_addresses(rows: Vec<Row>) -> Vec<Row> {
    let (natural, legal) = ("naturalPerson/geographicAddress", "legalPerson/geographicAddress");
    let address = rows.iter().filter(|(_, path)| path.contains(natural));
    let legal: Vec<Row> = address
        .filter(|(fact, _)| fact.ends_with(".address"))
        .map(|(fact, path)| (fact.clone(), path.replace(natural, legal)))
        .collect();
    let rows = rows.into_iter().filter(|row| !legal.contains(row));
    rows.clone().chain(legal.clone()).collect()
}

#[test]
fn parties_of_the_page_are_parties_of_the_record() {
    for heading in ["## 3. ISO", "## 4. IVMS101"] {
        for row in table(heading) {
            assert!(Party::NAMES.contains(&row[0]), "{}", row[0]);
        }
    }
    for version in ["pacs.008.001.08", "pain.001.001.09", "1 MiB, 64 levels, 20,000 elements"] {
        assert!(PAGE.replace('\n', " ").contains(version));
    }
}
