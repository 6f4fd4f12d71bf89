//! Which conditions establish the currency of an amount, and which do not.

use compiler::typed::{Kind, Type};

use super::front_support::{condition, refusal, refusal_in, scope};

const ESTABLISHED: &[&str] = &[
    "transaction.currency == 'USD' && transaction.amount > usd('1')",
    "'USD' == transaction.currency && transaction.amount > usd('1')",
    "true && transaction.currency == 'USD' && true && transaction.amount > usd('1')",
    "!(transaction.currency != 'USD') && transaction.amount > usd('1')",
    "transaction.currency != 'USD' || transaction.amount > usd('1')",
    "!(transaction.currency == 'USD') || transaction.amount > usd('1')",
    "transaction.currency == 'USD' ? transaction.amount > usd('1') : false",
    "transaction.currency != 'USD' ? false : transaction.amount > usd('1')",
    "transaction.currency in ['USD'] && transaction.amount > usd('1')",
    "transaction.currency in params.only && transaction.amount > usd('1')",
    "in_usd && transaction.amount > usd('1')",
    "in_usd && amount > params.threshold",
    "(in_usd && true || in_usd && false) && transaction.amount > usd('1')",
    "in_usd && (transaction.amount > usd('1') || transaction.amount < usd('0.5'))",
    "convert(transaction.amount, 'USD', 'ecb.daily') > usd('1')",
    "history.exists(r, r.currency == 'USD' && r.amount > usd('1'))",
    "history.all(r, r.currency != 'USD' || r.amount > usd('1'))",
    "history.filter(r, r.currency == 'USD').sum(r, r.amount) > usd('1')",
    "history.filter(r, r.currency == 'USD').map(s, s.amount).max() > usd('1')",
    "history.filter(r, r.currency == 'USD').filter(r, r.type == 'other').sum(r, r.amount) \
     > usd('1')",
    "history.filter(r, r.type == 'other').filter(r, r.currency == 'USD').sum(r, r.amount) \
     > usd('1')",
    "recent.filter(r, r.currency == 'USD').exists(r, r.amount > usd('1'))",
    "history.map(r, r.currency == 'USD', r.amount).sum() > usd('1')",
    "history.count(r, r.currency == 'USD' && r.amount > usd('1')) > 2",
    "history[0].currency == 'USD' && history[0].amount > usd('1')",
    "history[0].currency != 'USD' || history[0].amount > usd('1')",
    "in_usd && (history[0].currency == transaction.currency && history[0].amount > usd('1'))",
    "history[0].currency == 'USD' ? (transaction.currency == history[0].currency ? \
     transaction.amount > usd('1') : false) : false",
    "history[0].currency == 'USD' \
     ? history.filter(r, r.currency == history[0].currency).sum(r, r.amount) > usd('1') : false",
    "in_usd && history.filter(r, r.currency == transaction.currency).sum(r, r.amount) \
     > transaction.amount",
    "history.sum(r, convert(r.amount, 'EUR', 'ecb.daily', 'half_up')) > eur('1')",
    "history.map(r, r.currency == 'USD' ? r.amount : usd('0.00')).sum() > usd('1')",
];

const NOT_ESTABLISHED: &[&str] = &[
    "transaction.amount > usd('1')",
    "transaction.amount > usd('1') && transaction.currency == 'USD'",
    "transaction.currency == 'USD' || transaction.amount > usd('1')",
    "transaction.currency != 'USD' && transaction.amount > usd('1')",
    "transaction.currency in ['USD', 'EUR'] && transaction.amount > usd('1')",
    "(in_usd || true) && transaction.amount > usd('1')",
    "in_usd ? true : transaction.amount > usd('1')",
    "(in_usd ? true : false) && transaction.amount > usd('1')",
    "(in_usd && true) || transaction.amount > usd('1')",
    "amount > params.threshold",
    "history.exists(r, r.currency == 'USD') && history.exists(r, r.amount > usd('1'))",
    "history.sum(r, r.amount) > usd('1')",
    "history.filter(r, r.type == 'other').sum(r, r.amount) > usd('1')",
    "in_usd && history.exists(r, r.amount > usd('1'))",
    "history[0].currency == 'USD' && history[1].amount > usd('1')",
    "history.filter(r, r.currency == transaction.currency).sum(r, r.amount) > usd('1')",
    "history.map(r, r.amount).size() > 1",
    // An absent row is a fault, after which the right side is evaluated all the same.
    "history[0].currency == 'USD' && (transaction.currency == history[0].currency \
     && transaction.amount > usd('1'))",
    "history[0].currency == 'USD' && (history[0].currency == transaction.currency \
     && transaction.amount > usd('1'))",
    "history[7].currency != 'USD' || (transaction.currency != history[7].currency \
     || transaction.amount > usd('1'))",
    "history[0].currency == 'USD' && (transaction.currency in [history[0].currency] \
     && transaction.amount > usd('1'))",
    "history[0].currency == 'USD' \
     ? transaction.currency == history[0].currency && transaction.amount > usd('1') : false",
    "history.exists(r, history[0].currency == 'USD' && (r.currency == history[0].currency \
     && r.amount > usd('1')))",
    "first_code == 'USD' && (transaction.currency == first_code && transaction.amount > usd('1'))",
    "transaction.amount == transaction.amount",
    "-transaction.amount == usd('1')",
    "[transaction.amount] == [usd('1')]",
];

#[test]
fn what_establishes_a_currency() {
    for source in ESTABLISHED {
        condition(source);
    }
}

#[test]
fn what_does_not() {
    let mut scope = scope();
    scope.lets.push(("first_code".into(), "history[0].currency".into()));
    for source in NOT_ESTABLISHED {
        let message = refusal_in(&scope, source);
        let expected = "expected an amount whose currency the rule has established";
        assert!(message.contains(expected), "{source}\n{message}");
    }
}

#[test]
fn another_currency_is_told_apart() {
    let message = refusal("in_usd && transaction.amount > eur('1.00')");
    assert_eq!(
        message,
        "1:32: expected an amount in USD, like `transaction.amount`, found `eur('1.00')`, an \
         amount in EUR; write the amount in USD, or `convert(eur('1.00'), \"USD\", \"ecb.daily\")`"
    );
}

#[test]
fn a_copied_amount_has_loops_of_its_own() {
    let source = "convert(first_out, 'USD', 'ecb.daily') > convert(first_out, 'EUR', 'ecb.daily') \
                  ? true : false";
    let mut scope = super::front_support::scope();
    let first = "history.filter(r, r.direction == 'out')[0].amount";
    scope.lets.push(("first_out".into(), first.into()));
    let source = source.replace("'EUR'", "'USD'");
    let program = compiler::front::check_condition_in(&source, &scope).expect("a program");
    let text = format!("{:?}", program.cases[0].when);
    let mut numbers: Vec<&str> = text
        .split("variable: ")
        .skip(1)
        .filter_map(|rest| rest.split_once(','))
        .map(|(number, _)| number)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 2, "{numbers:?}");
}

#[test]
fn copies_of_copies_of_an_amount_are_refused() {
    let mut scope = scope();
    scope.lets.push(("a0".into(), "history[0].amount".into()));
    for at in 1..40 {
        let before = format!("convert(a{}, 'USD', 'ecb.daily')", at - 1);
        let value = format!("history[{before} > {before} ? 0 : 1].amount");
        scope.lets.push((format!("a{at}"), value));
    }
    let message = refusal_in(&scope, "true");
    assert!(message.contains("expected an amount of at most 256 parts"), "{message}");
}

#[test]
fn a_known_amount_is_narrowed_once() {
    let Kind::And(_, right) = condition("in_usd && amount > params.threshold").kind else {
        panic!("a conjunction")
    };
    let Kind::Compare(_, amount, _) = right.kind else { panic!("a comparison") };
    let Kind::Narrow(inner) = amount.kind else { panic!("a narrowed amount") };
    assert!(matches!(inner.kind, Kind::Fact(_)) && inner.ty == Type::AnyMoney);
    assert!(matches!(amount.ty, Type::Money(_, 2)));
}
