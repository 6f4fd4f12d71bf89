//! `rules new`: a rule file to begin with. It passes `check` as it is.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Writes the file; what to do next.
pub(crate) fn answer(id: &str, out: Option<&Path>) -> anyhow::Result<String> {
    let text = rule_file(id)?;
    let name = format!("{id}.yaml");
    let path = out.unwrap_or(Path::new(&name));
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = file.with_context(|| match path.exists() {
        true => format!("{} exists and is not overwritten: name another file", path.display()),
        false => format!("cannot create {}", path.display()),
    })?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    let path = path.display();
    Ok(format!(
        "{path}: name it in rulebook.yaml under `rules`, \
        change it, then `probity rules check {path}`\n"
    ))
}

/// The text of the file.
fn rule_file(id: &str) -> anyhow::Result<String> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if !id.starts_with(|c: char| c.is_ascii_alphanumeric()) || !id.chars().all(known) {
        bail!(
            "expected an id such as us.acme.cash, found {id:?}: lower-case letters, digits, `.-_`"
        );
    }
    let first = id.split('.').next().unwrap_or_default();
    let place = PLACES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(first));
    let (name, currency, offset) = place.unwrap_or(&PLACES[0]);
    let text = TEMPLATE.replace("USD", currency).replace("-05:00", offset);
    Ok(text.replace("jurisdiction: US ", &format!("jurisdiction: {name} ")).replace("{id}", id))
}

/// Jurisdictions with their currencies and their clocks on the first of January; the first one is
/// written when the id names none.
const PLACES: [(&str, &str, &str); 6] = [
    ("US", "USD", "-05:00"),
    ("CA", "CAD", "-05:00"),
    ("EU", "EUR", "+01:00"),
    ("HK", "HKD", "+08:00"),
    ("SG", "SGD", "+08:00"),
    ("UK", "GBP", "+00:00"),
];

/// The smallest rule that shows every part.
const TEMPLATE: &str = r#"id: {id}
version: 1.0.0
title: Report of cash of more than 10,000 USD     # one line for people
jurisdiction: US                                  # CA, EU, HK, SG, UK, US
domain: AML                                       # AML, KYC, PEP, SANCTIONS
effective_from: 2026-01-01T00:00:00-05:00         # the first instant in force
citation:
  law: name the section of the law
  read: 2026-01-01                                # the day on which you read it
  seen: primary                                   # secondary when you read only a summary
params:
  threshold: { type: money, value: 10000.00 USD }
let:
  is_cash: transaction.type in ["cash_deposit", "cash_withdrawal"]
cases:                                            # the first one that is true decides
  - when: is_cash && transaction.currency == "USD" && transaction.amount > params.threshold
    outcome: report                               # pass, report, review, block, missing_data
    severity: medium                              # info, low, medium, high, critical
    reason: "{transaction.amount} in cash > {params.threshold}"
otherwise:
  reason: "not more than {params.threshold} in cash"
evidence: [transaction.amount, transaction.type]  # facts that an examiner will ask for
boundaries:                                       # a cent under, equal, a cent over
  - { param: threshold, fact: transaction.amount, base: over, outcomes: [pass, pass, report] }
examples:
  - name: over
    request: { transaction: { id: t, type: cash_deposit, amount: "15000.00", currency: USD } }
    outcome: report
    reason: 15000.00 USD in cash > 10000.00 USD
  - name: a wire is no cash
    request: { transaction: { id: t, type: wire_transfer, amount: "15000.00", currency: USD } }
    outcome: pass
"#;
