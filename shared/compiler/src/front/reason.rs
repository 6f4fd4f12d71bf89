//! Reasons: templates with expressions between braces, and what they become. It must never let a
//! template through whose text a reader would take for a value.

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker, Reported};
use super::kinds;
use super::parse::parse;
use super::source::{Source, error};
use crate::draft::Located;
use crate::typed::{Expr, Function, Kind, Type};
use crate::{CompileError, ErrorKind};

/// Most different values of one reason.
pub const VALUES_MAX: usize = 8;

/// A piece of a template.
enum Piece {
    Text(String),
    /// Characters from, to, of an expression.
    Expression(usize, usize),
}

impl Checker<'_> {
    /// The template with numbers for its expressions, and the values in their order.
    pub(super) fn reason(&mut self, reason: &Located) -> Checked<(String, Vec<Expr>)> {
        let read = Source::new(reason).and_then(|source| pieces(&source));
        let pieces = match read {
            Ok(pieces) => pieces,
            Err(error) => {
                self.errors.push(error);
                return Err(Reported);
            }
        };
        let (mut template, mut asts, mut values) = (String::new(), Vec::<Ast>::new(), Vec::new());
        let mut failed = false;
        for piece in pieces {
            let (start, end) = match piece {
                Piece::Text(text) => {
                    template.push_str(&text);
                    continue;
                }
                Piece::Expression(start, end) => (start, end),
            };
            self.source = Source::cut(reason, start, end);
            let Ok(ast) = self.template_expression() else {
                failed = true;
                continue;
            };
            let known = asts.iter().position(|known| *known == ast);
            let index = match known {
                Some(index) => index,
                None => {
                    match self.result_value(&ast) {
                        Ok(value) => values.push(value),
                        Err(Reported) => failed = true,
                    }
                    asts.push(ast);
                    asts.len() - 1
                }
            };
            template.push_str(&format!("{{{index}}}"));
        }
        if asts.len() > VALUES_MAX && !failed {
            let span = Source::cut(reason, 0, reason.text.chars().count()).span(0, 1);
            let expected = format!("at most {VALUES_MAX} different values in a reason");
            let found = format!("{}", asts.len());
            let hint = "leave out the least telling ones";
            self.errors.push(error(ErrorKind::TooLarge, span, expected, found, hint));
            failed = true;
        }
        if failed { Err(Reported) } else { Ok((template, values)) }
    }

    fn template_expression(&mut self) -> Checked<Ast> {
        match parse(&self.source) {
            Ok(ast) if matches!(ast.node, Node::Int(_)) => {
                let found = self.quote(&ast);
                let hint = "name the value: `{transaction.amount}`; for a brace write `{{`";
                self.fail(ErrorKind::Syntax, &ast, "an expression between braces", found, hint)
            }
            Ok(ast) => Ok(ast),
            Err(error) => {
                self.errors.push(error);
                Err(Reported)
            }
        }
    }

    /// An expression as a value of a result.
    fn result_value(&mut self, ast: &Ast) -> Checked<Expr> {
        if let Node::Member(base, name) = &ast.node
            && name == "entry"
            && ast.path().is_none_or(|path| !super::names::ROOTS.contains(&path[0]))
        {
            let hit = self.expr(base, None)?;
            if let Type::Hit(_) = hit.ty {
                return self.small(ast, Kind::HitEntry(Box::new(hit)), Type::Text);
            }
        }
        let value = self.expr(ast, None)?;
        let kind = match value.ty {
            Type::Bool => Kind::Call(Function::ToText, vec![value]),
            Type::Counterparty => Kind::TextOf(Box::new(value)),
            Type::Bytes | Type::List(_) | Type::Row | Type::Hit(_) => {
                let words = self.words(ast);
                let hint = match value.ty {
                    Type::Hit(_) => format!("write `{words}.entry` or `{words}.score`"),
                    Type::List(_) => format!("write `{words}.size()`, or another single value"),
                    Type::Row => format!("write a column of it: `{words}.amount`"),
                    _ => String::new(),
                };
                return self.wrong_type(ast, "a single value", &value.ty, hint);
            }
            _ => return self.checked_levels(ast, value),
        };
        self.small(ast, kind, Type::Text)
    }

    fn small(&mut self, ast: &Ast, kind: Kind, ty: Type) -> Checked<Expr> {
        debug_assert!(kinds::has_equality(&ty));
        let value = self.node(ast, kind, ty);
        self.checked_levels(ast, value)
    }
}

/// The pieces of a template.
fn pieces(source: &Source) -> Result<Vec<Piece>, CompileError> {
    let (mut pieces, mut text, mut at) = (Vec::new(), String::new(), 0);
    let chars = &source.chars;
    let next = |at: usize| chars.get(at + 1).copied();
    while at < chars.len() {
        match chars[at] {
            brace @ ('{' | '}') if next(at) == Some(brace) => {
                text.push(brace);
                at += 2;
            }
            '{' => {
                let end = closing(source, at)?;
                pieces.push(Piece::Text(plain(source, at, std::mem::take(&mut text))?));
                pieces.push(Piece::Expression(at + 1, end));
                at = end + 1;
            }
            '}' => {
                let hint = "for a brace in the text write `}}`";
                let span = source.span(at, at + 1);
                return Err(error(ErrorKind::Syntax, span, "`{` before it", "`}`", hint));
            }
            c => {
                text.push(c);
                at += 1;
            }
        }
    }
    pieces.push(Piece::Text(plain(source, chars.len().saturating_sub(1), text)?));
    Ok(pieces)
}

/// Where the expression that begins after `open` ends.
fn closing(source: &Source, open: usize) -> Result<usize, CompileError> {
    let (mut quote, mut at) = (None, open + 1);
    while let Some(c) = source.chars.get(at).copied() {
        match quote {
            None if c == '}' => return Ok(at),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(_) if c == '\\' => at += 1,
            Some(mark) if c == mark => quote = None,
            _ => {}
        }
        at += 1;
    }
    let span = source.span(open, open + 1);
    let hint = "close the expression with `}`; for a brace in the text write `{{`";
    Err(error(ErrorKind::Syntax, span, "a closing `}`", "the end of the text", hint))
}

/// Text that no reader takes for a value.
fn plain(source: &Source, at: usize, text: String) -> Result<String, CompileError> {
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once('{') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && after[digits..].starts_with('}') {
            let span = source.span(at, at + 1);
            let found = facts::shown(&format!("{{{{{}}}}}", &after[..digits]));
            let hint = "readers would take it for a value: use other brackets";
            return Err(error(ErrorKind::Literal, span, "no number between braces", found, hint));
        }
        rest = after;
    }
    Ok(text)
}
