//! How every function and method is written: the table of LANGUAGE.md, section 4, for errors. A
//! test holds the two against each other.

/// Functions.
pub(super) const FUNCTIONS: &[(&str, &str)] = &[
    ("abs", "abs(x)"),
    ("absent", "absent(fact, …)"),
    ("business_day", "business_day(time, \"calendar\")"),
    ("bytes", "bytes(\"text\")"),
    ("cad", "cad(\"100.00\")"),
    ("convert", "convert(amount, \"USD\", \"rates\")"),
    ("day", "day(time, \"calendar\")"),
    ("dec", "dec(\"1.5\")"),
    ("div", "div(a, b, scale, \"half_even\")"),
    ("duration", "duration(\"24h\")"),
    ("eur", "eur(\"100.00\")"),
    ("gbp", "gbp(\"100.00\")"),
    ("has", "has(fact)"),
    ("hkd", "hkd(\"100.00\")"),
    ("int", "int(x)"),
    ("list", "x in list(\"id\")"),
    ("money", "money(\"0.5\", \"BTC\")"),
    ("round", "round(x, scale, \"half_even\")"),
    ("screen", "screen(\"list\", name, threshold)"),
    ("screen_id", "screen_id(\"list\", text)"),
    ("sgd", "sgd(\"100.00\")"),
    ("size", "size(x)"),
    ("string", "string(x)"),
    ("timestamp", "timestamp(\"2026-01-31T09:30:00Z\")"),
    ("uint", "uint(x)"),
    ("usd", "usd(\"100.00\")"),
];

/// Methods.
pub(super) const METHODS: &[(&str, &str)] = &[
    ("all", "list.all(x, condition)"),
    ("contains", "text.contains(part)"),
    ("count", "list.count(x, condition)"),
    ("distinct", "list.distinct(x, value)"),
    ("endsWith", "text.endsWith(part)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("getDate", "time.getDate()"),
    ("getDayOfMonth", "time.getDayOfMonth()"),
    ("getDayOfWeek", "time.getDayOfWeek()"),
    ("getDayOfYear", "time.getDayOfYear()"),
    ("getFullYear", "time.getFullYear()"),
    ("getHours", "time.getHours()"),
    ("getMilliseconds", "time.getMilliseconds()"),
    ("getMinutes", "time.getMinutes()"),
    ("getMonth", "time.getMonth()"),
    ("getSeconds", "time.getSeconds()"),
    ("lowerAscii", "text.lowerAscii()"),
    ("map", "list.map(x, value)"),
    ("max", "list.max(x, value)"),
    ("min", "list.min(x, value)"),
    ("size", "x.size()"),
    ("startsWith", "text.startsWith(part)"),
    ("sum", "list.sum(x, value)"),
    ("trim", "text.trim()"),
    ("upperAscii", "text.upperAscii()"),
];

#[cfg(test)]
mod tests {
    use super::{FUNCTIONS, METHODS};

    #[test]
    fn the_page_lists_every_function_and_method() {
        let page = include_str!("../../LANGUAGE.md");
        for (name, signature) in FUNCTIONS.iter().chain(METHODS) {
            let signature = signature.replace("x.size()", "size(x)");
            assert!(page.contains(&format!("`{signature}`")), "{name}: {signature}");
        }
    }
}
