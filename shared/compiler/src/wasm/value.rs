//! Expressions as values on the stack. It must never evaluate an operand that the meaning leaves
//! out, nor one before another that stands to its left.

use facts::{
    Field, FieldKind, HEADER_AS_OF, HEADER_PRESENCE, ROW_COUNTERPARTY, ROW_COUNTERPARTY_COUNTRY,
    ROW_COUNTERPARTY_NUMBER, ROW_CURRENCY, ROW_DIRECTION, ROW_MANTISSA, ROW_TIMESTAMP, ROW_TYPE,
};
use wasm_encoder::ValType;

use super::code::{Local, Size};
use super::emit::{Compiled, Element, Emitter, not_supported, slots};
use super::walk::is_list;
use crate::typed::{Column, Expr, Fault, Kind, Loop, Screening, Type};

/// In an amount: its currency.
const AMOUNT_CURRENCY: u32 = 16;

impl<'p> Emitter<'p> {
    /// Pushes the value of an expression; a fault goes to the handler.
    pub(super) fn expr(&mut self, expr: &'p Expr) -> Compiled<()> {
        if let Some(locals) = self.is_hoisted(expr) {
            self.push(&locals);
            return Ok(());
        }
        let expr = self.resolve(expr);
        match &expr.kind {
            Kind::Bool(value) => self.code(&format!("i32 {}", i32::from(*value))),
            Kind::Int(value) if slots(&expr.ty) == [ValType::I32] => {
                self.code(&format!("i32 {value}"));
            }
            Kind::Int(value) => self.code(&format!("i64 {value}")),
            Kind::Uint(value) => self.code(&format!("i64 {}", *value as i64)),
            Kind::Text(text) => self.constant(text.as_bytes()),
            Kind::Bytes(bytes) => self.constant(bytes),
            Kind::AsOf => self.code(&format!("i32 0 i64.load @{HEADER_AS_OF}")),
            Kind::Fact(field) => self.fact(field),
            Kind::HasFact(field) => self.has_fact(field),
            Kind::Absent(fields) => self.absent(fields, expr)?,
            Kind::Column(column, row) => self.column(*column, row)?,
            Kind::HasColumn(column, row) => self.has_column(*column, row)?,
            Kind::Let(at) => self.use_let(*at)?,
            Kind::Variable(at) => self.variable(*at, expr)?,
            Kind::CurrencyOf(amount) => self.currency_of(amount)?,
            Kind::TextOf(counterparty) => self.text_of(counterparty)?,
            Kind::Decimal(_) | Kind::Narrow(_) | Kind::Rescale(_) => self.push_wide(expr)?,
            Kind::Not(inner) => {
                self.expr(inner)?;
                self.code("i32.eqz");
            }
            Kind::Negate(inner) => self.negate(inner, expr)?,
            Kind::Arithmetic(operator, a, b) => self.arithmetic(*operator, a, b, expr)?,
            Kind::Compare(comparison, a, b) => self.compare(*comparison, a, b)?,
            Kind::And(..) | Kind::Or(..) => self.condition(expr)?,
            Kind::Loop(Loop::All | Loop::Exists, _) => self.condition(expr)?,
            Kind::Loop(Loop::ExistsOne, body) => self.exists_one(expr, body)?,
            Kind::Conditional(condition, then, other) => {
                self.conditional(condition, then, other, expr)?;
            }
            Kind::Size(inner) => self.size(inner)?,
            Kind::Sum(list) => self.sum(list, expr)?,
            Kind::Extreme(largest, list) => self.extreme(*largest, list, expr)?,
            Kind::CountDistinct(list) => self.count_distinct(list)?,
            Kind::In(value, list) => self.is_in(value, list, expr)?,
            Kind::Index(list, at) => self.index(list, at, expr)?,
            Kind::InList(list, text) => self.in_list(*list, text)?,
            Kind::Screen(screening) => self.screen(screening)?,
            Kind::ScreenId(list, text) => {
                self.code(&format!("i32 {list}"));
                self.expr(text)?;
                self.code("host screen_id");
            }
            Kind::HitFound(hit) => {
                self.expr(hit)?;
                self.code("i64.eqz i32.eqz");
            }
            Kind::HitScore(hit) => {
                self.expr(hit)?;
                self.code("i64 32 i64.shr_u");
            }
            Kind::Call(function, arguments) => self.function(*function, arguments, expr)?,
            Kind::History | Kind::List(_) | Kind::Loop(..) | Kind::HitEntry(_) => {
                return Err(not_supported(expr.span, "a value", "a list or an entry of a list"));
            }
        }
        Ok(())
    }

    pub(super) fn constant(&mut self, bytes: &[u8]) {
        let address = self.builder.constant(bytes);
        self.code(&format!("i32 {address} i32 {}", bytes.len()));
    }

    fn fact(&mut self, field: &'static Field) {
        let Field { offset, .. } = *field;
        if !self.analysis.is_present(field) {
            self.has_fact(field);
            self.code("i32.eqz");
            self.raise_if(Fault::Missing(field.bit));
        }
        match field.kind {
            FieldKind::Text => {
                let length = offset + 4;
                self.code(&format!("i32 0 i32.load @{offset} i32 @0 i32.add"));
                self.code(&format!("i32 0 i32.load @{length}"));
            }
            FieldKind::Code(_) | FieldKind::Packed | FieldKind::Flag => {
                self.code(&format!("i32 0 i32.load @{offset}"));
            }
            FieldKind::Time | FieldKind::Date => self.code(&format!("i32 0 i64.load @{offset}")),
            FieldKind::Money => self.code(&format!("i32 @{offset}")),
        }
    }

    /// An absent field is all zero, and a present text, code or packed field is not.
    pub(super) fn has_fact(&mut self, field: &'static Field) {
        let Field { offset, bit, .. } = *field;
        match field.kind {
            _ if self.analysis.is_present(field) => self.code("i32 1"),
            FieldKind::Text => {
                let length = offset + 4;
                self.code(&format!("i32 0 i32.load @{length} i32.eqz i32.eqz"));
            }
            FieldKind::Code(_) | FieldKind::Packed => {
                self.code(&format!("i32 0 i32.load @{offset} i32.eqz i32.eqz"));
            }
            _ => {
                let (byte, shift) = (HEADER_PRESENCE + u32::from(bit) / 8, bit % 8);
                self.code(&format!(
                    "i32 0 i32.load8_u @{byte} i32 {shift} i32.shr_u i32 1 i32.and"
                ));
            }
        }
    }

    fn absent(&mut self, fields: &[&'static Field], expr: &Expr) -> Compiled<()> {
        let (mut table, mut names) = (Vec::new(), String::new());
        for field in fields {
            names.push_str(", ");
            names.push_str(field.name);
            table.extend([field.bit, field.name.len() as u8 + 2]);
        }
        let to = self.buffer(names.len() as u64, expr.span)?;
        let table = self.builder.constant(&table);
        let names = self.builder.constant(names.as_bytes());
        let count = fields.len();
        if count == 0 {
            self.constant(b"");
            return Ok(());
        }
        self.code(&format!("i32 {table} i32 {count} i32 {names} i32 @{to}"));
        self.call("absent", Size::Fixed(count as u64));
        Ok(())
    }

    /// A local with the address of a row.
    pub(super) fn row(&mut self, row: &'p Expr) -> Compiled<Local> {
        if let Kind::Variable(at) = self.resolve(row).kind
            && let Some(Element::Row(local)) = self.bindings.get(&at)
        {
            return Ok(*local);
        }
        self.expr(row)?;
        let locals = self.keep(&row.ty);
        Ok(locals[0])
    }

    fn column(&mut self, column: Column, row: &'p Expr) -> Compiled<()> {
        let is_known = match self.resolve(row).kind {
            Kind::Variable(at) => {
                self.analysis.known.contains(&super::analysis::Known::Column(column, at))
            }
            _ => false,
        };
        let row = self.row(row)?;
        let place = match column {
            Column::Timestamp => format!("i64.load {ROW_TIMESTAMP}"),
            Column::Kind => format!("i32.load8_u {ROW_TYPE}"),
            Column::Amount => format!("i32 {ROW_MANTISSA} i32.add"),
            Column::Currency => format!("i32.load {ROW_CURRENCY}"),
            Column::Direction => format!("i32.load8_u {ROW_DIRECTION}"),
            Column::Counterparty => format!("i32.load {ROW_COUNTERPARTY_NUMBER}"),
            Column::CounterpartyCountry => format!("i32.load {ROW_COUNTERPARTY_COUNTRY}"),
        };
        let is_optional =
            !matches!(column, Column::Timestamp | Column::Kind | Column::Amount | Column::Currency);
        if is_optional && !is_known {
            self.code(&format!("get {row} {place} i32.eqz"));
            self.raise_if(Fault::MissingColumn(column));
        }
        // A counterparty is its row.
        let place = if column == Column::Counterparty { "" } else { &place };
        self.code(&format!("get {row} {place}"));
        Ok(())
    }

    fn has_column(&mut self, column: Column, row: &'p Expr) -> Compiled<()> {
        let row = self.row(row)?;
        match column {
            Column::Direction => self.code(&format!("get {row} i32.load8_u {ROW_DIRECTION}")),
            Column::Counterparty => {
                self.code(&format!("get {row} i32.load {ROW_COUNTERPARTY_NUMBER}"));
            }
            Column::CounterpartyCountry => {
                self.code(&format!("get {row} i32.load {ROW_COUNTERPARTY_COUNTRY}"));
            }
            _ => {
                self.code("i32 1");
                return Ok(());
            }
        }
        self.code("i32.eqz i32.eqz");
        Ok(())
    }

    fn variable(&mut self, at: usize, expr: &'p Expr) -> Compiled<()> {
        match self.bindings.get(&at).cloned() {
            Some(Element::Row(local)) => self.push(&[local]),
            Some(Element::Locals(locals)) => self.push(&locals),
            Some(Element::Again(value)) => self.expr(value)?,
            None => return Err(not_supported(expr.span, "a loop's variable", "another")),
        }
        Ok(())
    }

    fn currency_of(&mut self, amount: &'p Expr) -> Compiled<()> {
        let amount = self.resolve(amount);
        match (&amount.kind, &amount.ty) {
            (Kind::Fact(field), Type::AnyMoney) => {
                let place = field.offset + AMOUNT_CURRENCY;
                self.code(&format!("i32 0 i32.load @{place}"));
            }
            (Kind::Column(Column::Amount, row), _) => {
                let row = self.row(row)?;
                self.code(&format!("get {row} i32.load {ROW_CURRENCY}"));
            }
            (_, Type::Money(currency, _)) => {
                if self.analysis.can_fault(amount) {
                    self.expr(amount)?;
                    self.code("drop drop");
                }
                self.code(&format!("i32 {}", currency.packed()));
            }
            _ => {
                self.expr(amount)?;
                self.code(&format!("i32.load {AMOUNT_CURRENCY}"));
            }
        }
        Ok(())
    }

    /// The text of a counterparty: its row holds where it stands in the record.
    fn text_of(&mut self, counterparty: &'p Expr) -> Compiled<()> {
        let length = ROW_COUNTERPARTY + 4;
        self.expr(counterparty)?;
        let row = self.local(ValType::I32);
        self.code(&format!("tee {row} i32.load {ROW_COUNTERPARTY} i32 @0 i32.add"));
        self.code(&format!("get {row} i32.load {length}"));
        self.function.free(&[row]);
        Ok(())
    }

    fn conditional(
        &mut self,
        condition: &'p Expr,
        then: &'p Expr,
        other: &'p Expr,
        expr: &Expr,
    ) -> Compiled<()> {
        if is_list(expr) {
            return Err(not_supported(expr.span, "a value", "a list"));
        }
        let locals: Vec<Local> = slots(&expr.ty).iter().map(|slot| self.local(*slot)).collect();
        let (done, not) = (self.block(), self.block());
        self.scoped(|emitter| {
            emitter.branch(condition, not, false)?;
            emitter.expr(then)
        })?;
        self.set_all(&locals);
        self.code(&format!("br {done} end"));
        self.expr(other)?;
        self.set_all(&locals);
        self.end();
        self.push(&locals);
        self.function.free(&locals);
        Ok(())
    }

    pub(super) fn set_all(&mut self, locals: &[Local]) {
        for local in locals.iter().rev() {
            self.code(&format!("set {local}"));
        }
    }

    fn in_list(&mut self, list: u32, text: &'p Expr) -> Compiled<()> {
        if text.ty == Type::Country {
            let place = self.array(4, text.span)?;
            self.code("i32 0");
            self.expr(text)?;
            self.code(&format!("i32.store @{place} i32 {list} i32 @{place} i32 2"));
        } else {
            self.code(&format!("i32 {list}"));
            self.expr(text)?;
        }
        self.code("host list_contains");
        Ok(())
    }

    fn screen(&mut self, screening: &'p Screening) -> Compiled<()> {
        self.code(&format!("i32 {}", screening.list));
        self.expr(&screening.name)?;
        match screening.birth.as_ref().map(|birth| &self.resolve(birth).kind) {
            None => self.code(&format!("i32 {}", i32::MIN)),
            Some(Kind::Fact(field)) => {
                let day = facts::DAY_MS;
                self.code(&format!("i32 0 i64.load @{} i64 {day}", field.offset));
                self.call("floor_div", Size::Fixed(0));
                self.code(&format!("wrap i32 {}", i32::MIN));
                self.has_fact(field);
                self.code("select");
            }
            Some(_) => {
                let span = screening.name.span;
                return Err(not_supported(span, "a fact as date of birth", "an expression"));
            }
        }
        let options = u32::from(screening.threshold) | (screening.mode as u32) << 16;
        self.code(&format!("i32 {options} host screen"));
        Ok(())
    }
}
