//! Conversion of amounts by a rate table. It must never round twice.
//!
//! An amount of mantissa m and scale s in a currency with rate r becomes, in a currency with rate
//! t, the mantissa m × N ÷ D of scale u, where N ÷ D = t ÷ r × 10^(u − s) in lowest terms. It is
//! exact up to the one rounding; it overflows when the result does.

use facts::Currency;
use wasm_encoder::ValType;

use super::code::Size;
use super::emit::{Compiled, Emitter, not_supported, too_large};
use super::wide::{Wide, bits, mask};
use crate::data::Rates;
use crate::typed::{Expr, Fault, Rounding, Span, Type};

/// What an amount of one currency is multiplied with and divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Factor {
    currency: Currency,
    times: i128,
    by: i128,
}

impl<'p> Emitter<'p> {
    pub(super) fn convert(
        &mut self,
        table: u32,
        rounding: Rounding,
        amount: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        let program = self.program();
        let (Some(rates), Type::Money(target, places)) =
            (program.rates.get(table as usize), &expr.ty)
        else {
            return Err(not_supported(expr.span, "a rate table of the rule", "another"));
        };
        let of = |currency: Currency, from: u8| {
            factor(rates, currency, from, *target, *places, expr.span)
        };
        self.expr(amount)?;
        match &amount.ty {
            Type::Money(currency, from) => match of(*currency, *from)? {
                Some(factor) => {
                    self.both(Wide::Constant(factor.times));
                    self.both(Wide::Constant(factor.by));
                    self.apply(&[factor], false, rounding);
                }
                None => {
                    self.code("drop drop i64 0 i64 0 i32 1");
                    self.raise_if(Fault::MissingRate(table));
                }
            },
            _ => {
                let known = rates.rates.iter();
                let factors = known.map(|(currency, ..)| of(*currency, currency.exponent()));
                let factors: Compiled<Vec<Option<Factor>>> = factors.collect();
                let factors: Vec<Factor> = factors?.into_iter().flatten().collect();
                self.convert_any(table, rounding, factors);
            }
        }
        Ok(())
    }

    /// Converts the amount whose address is on top of the stack.
    fn convert_any(&mut self, table: u32, rounding: Rounding, mut factors: Vec<Factor>) {
        if factors.is_empty() {
            self.code("drop i64 0 i64 0 i32 1");
            self.raise_if(Fault::MissingRate(table));
            return;
        }
        factors.sort_by_key(|factor| factor.currency.packed());
        let is_narrow = factors
            .iter()
            .all(|factor| i64::try_from(factor.times).is_ok() && i64::try_from(factor.by).is_ok());
        let mut bytes = Vec::new();
        for factor in &factors {
            bytes.extend(factor.currency.packed().to_le_bytes());
            for number in [factor.times, factor.by] {
                let all = number.to_le_bytes();
                bytes.extend_from_slice(if is_narrow { &all[..8] } else { &all });
            }
        }
        let stride = bytes.len() / factors.len();
        let at = self.builder.constant(&bytes);
        let (amount, row) = (self.local(ValType::I32), self.local(ValType::I32));
        self.code(&format!("set {amount} i32 {at} i32 {stride} i32 {}", factors.len()));
        self.code(&format!("get {amount} i32.load 16"));
        self.call("find", Size::Fixed(factors.len() as u64));
        self.code(&format!("tee {row} i32.eqz"));
        self.raise_if(Fault::MissingRate(table));
        self.both(Wide::Memory(amount, 0));
        if is_narrow && is_exact(&factors) {
            self.code(&format!(
                "get {row} i64.load 4 get {row} i64.load 12 i32 {}",
                mask(rounding)
            ));
            self.function.free(&[amount, row]);
            let is_tiny = factors.iter().all(|factor| u32::try_from(factor.by).is_ok());
            let name = if is_tiny { "scale_tiny" } else { "scale_short" };
            self.call(name, Size::Fixed(0));
            return;
        }
        if is_narrow {
            self.code(&format!("get {row} i64.load 4 i64 0 get {row} i64.load 12 i64 0"));
        } else {
            self.code(&format!("get {row} i64.load 4 get {row} i64.load 12"));
            self.code(&format!("get {row} i64.load 20 get {row} i64.load 28"));
        }
        self.function.free(&[amount, row]);
        self.apply(&factors, true, rounding);
    }

    /// Multiplies and divides what is on the stack: the number, N, D. `any` says that the number
    /// is an amount of the record, which bounds it.
    fn apply(&mut self, factors: &[Factor], any: bool, rounding: Rounding) {
        let mask = mask(rounding);
        let fits = any && is_exact(factors);
        if fits {
            let [low, high] = [ValType::I64; 2].map(|ty| self.local(ty));
            self.code(&format!("set {high} set {low}"));
            self.call("mul", Size::Fixed(0));
            self.code(&format!("drop get {low} get {high} i32 {mask}"));
            self.function.free(&[low, high]);
            self.call("divide", Size::Fixed(0));
            self.code("drop");
            return;
        }
        let most = factors.iter().map(|factor| bits(factor.times)).max().unwrap_or(0);
        self.code(&format!("i32 {mask}"));
        self.call("scale", Size::Fixed(most));
        self.raise();
    }
}

/// Whether the product of every amount of the record and its factor fits.
fn is_exact(factors: &[Factor]) -> bool {
    let digits = facts::INTEGER_DIGITS_MAX as u32;
    factors.iter().all(|factor| {
        let most = 10_i128.checked_pow(digits + u32::from(factor.currency.exponent()));
        most.and_then(|most| most.checked_mul(factor.times)).is_some()
    })
}

/// N and D for a currency; `None` when it or the target has no rate.
fn factor(
    rates: &Rates,
    currency: Currency,
    from: u8,
    target: Currency,
    places: u8,
    span: Span,
) -> Compiled<Option<Factor>> {
    let rate = |wanted: Currency| {
        rates.rates.iter().find(|(known, ..)| *known == wanted).map(|(_, m, s)| (*m, *s))
    };
    let (Some((source, source_scale)), Some((goal, goal_scale))) = (rate(currency), rate(target))
    else {
        return Ok(None);
    };
    let rise =
        i32::from(source_scale) + i32::from(places) - i32::from(goal_scale) - i32::from(from);
    let unit = 10_i128.checked_pow(rise.unsigned_abs());
    let shared = gcd(goal, source);
    let (goal, source) = (goal / shared, source / shared);
    let pair = unit.and_then(|unit| {
        let (up, down) = if rise >= 0 { (unit, 1) } else { (1, unit) };
        // Lowest terms, crosswise, so that nothing overflows that need not.
        let (a, b) = (gcd(goal, down), gcd(source, up));
        let times = (goal / a).checked_mul(up / b)?;
        let by = (source / b).checked_mul(down / a)?;
        Some((times, by))
    });
    match pair {
        Some((times, by)) if source > 0 && goal > 0 => Ok(Some(Factor { currency, times, by })),
        _ => {
            let expected = "rates above zero whose quotient fits 127 bits".to_owned();
            let found = format!("{goal} and {source} for {currency}");
            Err(too_large(span, expected, found, "give the rates with fewer digits"))
        }
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.max(1), b.max(1));
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
