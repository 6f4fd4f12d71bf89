//! Functions and methods by name. It must never take one that reads a clock or whose cost has no
//! bound.

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker};
use super::constant;
use super::kinds;
use super::signatures::{FUNCTIONS, METHODS};
use super::spelling::{SHORT_CURRENCIES, nearest};
use crate::ErrorKind;
use crate::typed::{Expr, Function, Kind, TimePart, Type};

impl Checker<'_> {
    pub(super) fn function(&mut self, ast: &Ast, name: &str, given: &[Ast]) -> Checked<Expr> {
        if let Some((_, code)) = SHORT_CURRENCIES.iter().find(|(short, _)| *short == name) {
            let [digits] = self.arguments(ast, name, given, "one text: `usd(\"100.00\")`")?;
            return self.amount(ast, digits, code);
        }
        match (name, given) {
            ("has", [argument]) => self.has(ast, argument),
            ("absent", _) => self.absent(ast, given),
            ("size", [argument]) => match self.list_method(ast, argument, "size", &[]) {
                Some(result) => result,
                None => self.size(ast, argument),
            },
            ("int" | "uint" | "string" | "bytes", [argument]) => {
                self.converted(ast, name, argument)
            }
            ("timestamp" | "duration", [argument]) => self.time(ast, name, argument),
            ("dec", [argument]) => self.decimal(ast, argument),
            ("money", [digits, currency]) => {
                let code = self.literal(currency, "a currency", "\"USD\"")?;
                if let Err(hint) = constant::currency(code) {
                    let found = self.quote(currency);
                    let expected = "an active ISO 4217 code or a listed digital token";
                    return self.fail(ErrorKind::Literal, currency, expected, found, hint);
                }
                self.amount(ast, digits, code)
            }
            ("abs", [argument]) => self.absolute(ast, argument),
            ("round", [argument, scale, mode]) => self.round(ast, argument, scale, mode),
            ("div", [a, b, scale, mode]) => self.divided(ast, [a, b], scale, mode),
            ("convert", [amount, to, table]) => self.convert(ast, amount, to, table, None),
            ("convert", [amount, to, table, mode]) => {
                self.convert(ast, amount, to, table, Some(mode))
            }
            ("day", [time, calendar]) => self.day(ast, time, calendar, false),
            ("business_day", [time, calendar]) => self.day(ast, time, calendar, true),
            ("screen", [list, name, rest @ ..]) if matches!(rest.len(), 1..=3) => {
                self.screen(ast, list, name, rest)
            }
            ("screen_id", [list, text]) => self.screen_id(ast, list, text),
            ("list", _) => {
                let found = self.quote(ast);
                let hint = "write `x in list(\"…\")`";
                self.fail(ErrorKind::Type, ast, "a list only after `in`", found, hint)
            }
            _ => self.unknown_function(ast, name, given.len()),
        }
    }

    pub(super) fn method(
        &mut self,
        ast: &Ast,
        target: &Ast,
        name: &str,
        given: &[Ast],
    ) -> Checked<Expr> {
        if let Some(result) = self.list_method(ast, target, name, given) {
            return result;
        }
        if let Some(result) = self.known_method(ast, target, name, given) {
            return result;
        }
        self.unknown_method(ast, target, name, given.len())
    }

    fn known_method(
        &mut self,
        ast: &Ast,
        target: &Ast,
        name: &str,
        given: &[Ast],
    ) -> Option<Checked<Expr>> {
        if let Some((_, part)) = TIME_PARTS.iter().find(|(known, _)| *known == name) {
            return match given {
                [] => Some(self.time_part(ast, target, *part, None)),
                [offset] => Some(self.time_part(ast, target, *part, Some(offset))),
                _ => None,
            };
        }
        let function = match (name, given) {
            ("size" | "count", []) => return Some(self.size(ast, target)),
            ("contains", [part]) => (Function::Contains, Some(part)),
            ("startsWith", [part]) => (Function::StartsWith, Some(part)),
            ("endsWith", [part]) => (Function::EndsWith, Some(part)),
            ("lowerAscii", []) => (Function::LowerAscii, None),
            ("upperAscii", []) => (Function::UpperAscii, None),
            ("trim", []) => (Function::Trim, None),
            _ => return None,
        };
        Some(self.text_function(ast, target, function))
    }

    fn text_function(
        &mut self,
        ast: &Ast,
        target: &Ast,
        (function, part): (Function, Option<&Ast>),
    ) -> Checked<Expr> {
        let text = self.as_text(target)?;
        let (operands, ty) = match part {
            Some(part) => (vec![text, self.as_text(part)?], Type::Bool),
            None => (vec![text], Type::Text),
        };
        Ok(self.node(ast, Kind::Call(function, operands), ty))
    }

    /// Exactly as many arguments as asked for.
    fn arguments<'g, const N: usize>(
        &mut self,
        ast: &Ast,
        name: &str,
        given: &'g [Ast],
        what: &str,
    ) -> Checked<&'g [Ast; N]> {
        match given.try_into() {
            Ok(all) => Ok(all),
            Err(_) => {
                let found = format!("`{name}` with {}", arguments(given.len()));
                self.fail(ErrorKind::Type, ast, what, found, "")
            }
        }
    }

    fn unknown_function(&mut self, ast: &Ast, name: &str, count: usize) -> Checked<Expr> {
        if let Some((_, signature)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
            let found = format!("`{name}` with {}", arguments(count));
            let expected = format!("`{signature}`");
            return self.fail(ErrorKind::Type, ast, expected, found, "");
        }
        let found = format!("`{name}(…)`");
        if let Some(hint) = left_out(name) {
            let expected = "a function of this language";
            return self.fail(ErrorKind::NotSupported, ast, expected, found, hint);
        }
        let hint = match respelled(name, METHODS).or_else(|| respelled(name, FUNCTIONS)) {
            Some(signature) => format!("write `{signature}`"),
            None => match nearest(name, FUNCTIONS.iter().map(|(known, _)| *known)) {
                Some(near) => format!("did you mean `{near}(…)`?"),
                None => "the functions are listed in LANGUAGE.md, section 4".to_owned(),
            },
        };
        self.fail(ErrorKind::UnknownName, ast, "a known function", found, hint)
    }

    fn unknown_method(
        &mut self,
        ast: &Ast,
        target: &Ast,
        name: &str,
        count: usize,
    ) -> Checked<Expr> {
        let found = format!("`.{name}(…)`");
        // The receiver ends before the point; the name begins after it.
        let chars = self.source.chars.iter().enumerate().skip(target.end);
        let start = chars.skip_while(|(_, c)| !c.is_ascii_alphabetic() && **c != '_');
        let start = start.map(|(i, _)| i).next().unwrap_or(ast.start);
        let ast = &Ast::new(Node::Name(name.to_owned()), start, start + name.len());
        if let Some((_, signature)) = METHODS.iter().find(|(known, _)| *known == name) {
            let found = format!("`.{name}` with {}", arguments(count));
            let expected = format!("`{signature}`");
            return self.fail(ErrorKind::Type, ast, expected, found, "");
        }
        if let Some(hint) = left_out(name) {
            let expected = "a method of this language";
            return self.fail(ErrorKind::NotSupported, ast, expected, found, hint);
        }
        let hint = match FUNCTIONS.iter().find(|(known, _)| *known == name) {
            Some((_, signature)) => format!("it is a function: `{signature}`"),
            None => match nearest(name, METHODS.iter().map(|(known, _)| *known)) {
                Some(near) => format!("did you mean `.{near}(…)`?"),
                None => {
                    // An unknown receiver is the likelier mistake.
                    self.value(target, None)?;
                    "the methods are listed in LANGUAGE.md, section 4".to_owned()
                }
            },
        };
        self.fail(ErrorKind::UnknownName, ast, "a known method", found, hint)
    }

    fn time_part(
        &mut self,
        ast: &Ast,
        target: &Ast,
        part: TimePart,
        offset: Option<&Ast>,
    ) -> Checked<Expr> {
        let value = self.value(target, None)?;
        let minutes = match offset {
            None => 0,
            Some(offset) => {
                let text = self.literal(offset, "an offset", "\"+02:00\"")?;
                match constant::offset(text) {
                    Ok(minutes) => minutes,
                    Err(hint) => {
                        let found = self.quote(offset);
                        let kind = ErrorKind::NotSupported;
                        return self.fail(kind, offset, "an offset from UTC", found, hint);
                    }
                }
            }
        };
        let in_duration = matches!(
            part,
            TimePart::Hours | TimePart::Minutes | TimePart::Seconds | TimePart::Milliseconds
        );
        let function = match value.ty {
            Type::Time => Function::TimePart(part, minutes),
            Type::Duration if in_duration && offset.is_none() => Function::DurationPart(part),
            Type::Duration => {
                let hint = "durations have `getHours getMinutes getSeconds getMilliseconds`";
                return self.wrong_type(target, "a timestamp", &value.ty, hint);
            }
            _ => return self.wrong_type(target, "a timestamp or a duration", &value.ty, ""),
        };
        Ok(self.node(ast, Kind::Call(function, vec![value]), Type::Int))
    }

    fn converted(&mut self, ast: &Ast, name: &str, argument: &Ast) -> Checked<Expr> {
        let value = self.value(argument, None)?;
        let (target, function) = match name {
            "int" => (Type::Int, Function::ToInt),
            "uint" => (Type::Uint, Function::ToUint),
            "string" => (Type::Text, Function::ToText),
            _ => (Type::Bytes, Function::ToText),
        };
        if value.ty == target {
            return Ok(value);
        }
        let folded = match (name, &value.kind, &value.ty) {
            ("string", Kind::Int(ms), Type::Time) => Some(Kind::Text(constant::time_text(*ms))),
            ("string", Kind::Int(ms), Type::Duration) => {
                Some(Kind::Text(constant::duration_text(*ms)))
            }
            ("string", Kind::Bytes(bytes), _) => {
                String::from_utf8(bytes.clone()).ok().map(Kind::Text)
            }
            ("bytes", Kind::Text(text), _) => Some(Kind::Bytes(text.clone().into_bytes())),
            _ => None,
        };
        if let Some(kind) = folded {
            return Ok(self.node(ast, kind, target));
        }
        let allowed = match name {
            "int" => matches!(value.ty, Type::Uint | Type::Text | Type::Time),
            "uint" => matches!(value.ty, Type::Int | Type::Text),
            "string" => matches!(value.ty, Type::Int | Type::Uint | Type::Bool),
            _ => false,
        };
        if allowed {
            return Ok(self.node(ast, Kind::Call(function, vec![value]), target));
        }
        let ty = value.ty.clone();
        if name != "bytes"
            && let Some(text) = kinds::coerce(value, &Type::Text)
        {
            let is_text = target == Type::Text;
            let call = || Kind::Call(function, vec![text.clone()]);
            let kind = if is_text { text.kind.clone() } else { call() };
            return Ok(self.node(ast, kind, target));
        }
        let hint = match (name, &ty) {
            ("string", Type::Time | Type::Duration | Type::Decimal(_) | Type::Money(..)) => {
                "put it between braces in the reason instead"
            }
            ("string" | "bytes", Type::Bytes | Type::Text) => "only constants are converted",
            ("string", _) => "codes are compared with `==` or `in`",
            ("int", Type::Duration) => "write `.getSeconds()` or `.getHours()`",
            _ => "",
        };
        let expected = format!("a value that `{name}` converts");
        self.wrong_type(argument, expected, &ty, hint)
    }

    fn time(&mut self, ast: &Ast, name: &str, argument: &Ast) -> Checked<Expr> {
        let is_time = name == "timestamp";
        let ty = if is_time { Type::Time } else { Type::Duration };
        let Node::Text(text) = &argument.node else {
            let value = self.value(argument, None)?;
            if value.ty == ty {
                return Ok(value);
            }
            if is_time && value.ty == Type::Int {
                return Ok(self.node(ast, Kind::Call(Function::ToTime, vec![value]), ty));
            }
            let sample =
                if is_time { "timestamp(\"2026-01-31T09:30:00Z\")" } else { "duration(\"24h\")" };
            let hint = format!("write a constant: `{sample}`");
            return self.wrong_type(
                argument,
                format!("a {name} as constant text"),
                &value.ty,
                hint,
            );
        };
        let read = if is_time { constant::timestamp(text) } else { constant::duration(text) };
        match read {
            Ok(ms) => Ok(self.node(ast, Kind::Int(ms), ty)),
            Err(hint) => {
                let expected = if is_time { "a time as in RFC 3339" } else { "a duration" };
                let found = self.quote(argument);
                self.fail(ErrorKind::Literal, argument, expected, found, hint)
            }
        }
    }
}

fn arguments(count: usize) -> String {
    if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") }
}

/// The entry of a table whose name differs in case and underscores only.
fn respelled<'t>(name: &str, table: &'t [(&'t str, &'t str)]) -> Option<&'t str> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    table.iter().find(|(known, _)| plain(known) == plain(name)).map(|(_, signature)| *signature)
}

/// What to do without a function that other systems have.
fn left_out(name: &str) -> Option<&'static str> {
    Some(match name {
        "now" | "today" | "getCurrentTime" => {
            "a rule has no clock: the time of evaluation is `as_of`"
        }
        "matches" | "regex" | "find" => {
            "regular expressions are left out: use `contains`, `startsWith` or `endsWith`"
        }
        "double" | "float" => "floating point is left out: use `dec(\"1.5\")`",
        "type" | "dyn" => "every type is known before the rule runs",
        "bool" => "compare with `==`",
        "lower" | "toLower" | "lowercase" => "write `.lowerAscii()`",
        "upper" | "toUpper" | "uppercase" => "write `.upperAscii()`",
        "avg" | "average" | "mean" => "divide the sum: `div(sum, dec(\"7\"), 2, \"half_even\")`",
        "len" | "length" => "write `size(x)`",
        "any" | "some" => "write `.exists(x, …)`",
        "every" => "write `.all(x, …)`",
        "isEmpty" | "empty" => "write `x.size() == 0`, or `has(x)` for a fact",
        _ => return None,
    })
}

const TIME_PARTS: [(&str, TimePart); 10] = [
    ("getFullYear", TimePart::Year),
    ("getMonth", TimePart::Month),
    ("getDate", TimePart::Date),
    ("getDayOfMonth", TimePart::DayOfMonth),
    ("getDayOfWeek", TimePart::DayOfWeek),
    ("getDayOfYear", TimePart::DayOfYear),
    ("getHours", TimePart::Hours),
    ("getMinutes", TimePart::Minutes),
    ("getSeconds", TimePart::Seconds),
    ("getMilliseconds", TimePart::Milliseconds),
];
