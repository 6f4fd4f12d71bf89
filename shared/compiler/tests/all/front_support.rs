//! What the tests of the front end share: a scope with a few names, and errors as they are shown.

use compiler::data::{Calendar, Rates};
use compiler::draft::{Located, Param};
use compiler::front::{Scope, check_condition_in};
use compiler::typed::{Expr, Program};

/// A piece of source at the start of a file.
pub fn at_start(text: &str) -> Located {
    Located { text: text.into(), line: 1, column: 1 }
}

/// A parameter; a value of several words is one value, a `|` makes it a list.
pub fn param(name: &str, ty: &str, value: &str) -> Param {
    let is_list = ty.starts_with('[');
    let values = if is_list { value.split('|').collect() } else { vec![value] };
    let value = values.into_iter().map(at_start).collect();
    Param { name: at_start(name), ty: at_start(ty), value, is_list }
}

/// A calendar that only has its name.
pub fn calendar(id: &str) -> Calendar {
    Calendar {
        id: id.into(),
        source: String::new(),
        first_day: 0,
        last_day: 0,
        offsets: Vec::new(),
        weekend: 0,
        holidays: Vec::new(),
        cutoff_minute: 1440,
    }
}

/// Parameters, lets, lists, a calendar and a table of rates.
pub fn scope() -> Scope {
    let [usd, eur] = ["USD", "EUR"].map(|code| facts::Currency::parse(code).expect("a currency"));
    let lets = [
        ("in_usd", "transaction.currency == \"USD\""),
        ("recent", "history.filter(r, r.timestamp > as_of - duration(\"24h\"))"),
        ("amount", "transaction.amount"),
    ];
    Scope {
        params: vec![
            param("threshold", "money", "10000.00 USD"),
            param("kinds", "[type]", "cash_deposit|cash_withdrawal"),
            param("score", "int", "8500"),
            param("only", "[currency]", "USD"),
        ],
        lets: lets.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        lists: vec!["us.ofac.countries".into(), "us.ofac.sdn".into()],
        calendars: vec![calendar("us.federal-eastern")],
        rates: vec![Rates {
            id: "ecb.daily".into(),
            source: String::new(),
            rates: vec![(eur, 1, 0), (usd, 11, 1)],
        }],
    }
}

/// The program of a condition in that scope.
pub fn program(source: &str) -> Program {
    check_condition_in(source, &scope()).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// The condition in that scope.
pub fn condition(source: &str) -> Expr {
    program(source).cases.swap_remove(0).when
}

/// The whole message of a refusal.
pub fn refusal(source: &str) -> String {
    refusal_in(&scope(), source)
}

/// The whole message of a refusal in a scope of its own.
pub fn refusal_in(scope: &Scope, source: &str) -> String {
    match check_condition_in(source, scope) {
        Ok(_) => panic!("was not refused: {source}"),
        Err(error) => error.to_string(),
    }
}
