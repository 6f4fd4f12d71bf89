//! From tokens to an expression: a Pratt parser of CEL's grammar (LANGUAGE.md, section 4). It must
//! never recurse deeper than `NESTING_MAX`, whatever the text.

use super::ast::{Ast, Binary, Node};
use super::lex::{Token, TokenKind, tokens};
use super::source::{Source, error};
use super::spelling;
use crate::typed::{Comparison, Operator};
use crate::{CompileError, ErrorKind};

/// Deepest nesting of parentheses, brackets, arguments and `? :`, and longest run of `!` or `-`.
pub const NESTING_MAX: usize = 32;
/// Most levels of an expression, where each operator of a chain is one; `&&` and `||` are not.
pub const LEVELS_MAX: usize = 48;

/// The one expression of a source.
pub(super) fn parse(source: &Source) -> Result<Ast, CompileError> {
    let tokens = tokens(source)?;
    let mut parser = Parser { source, tokens, at: 0, depth: 0 };
    if parser.peek() == &TokenKind::End {
        let span = source.span(0, 1);
        let hint = "write a condition, such as `transaction.type == \"wire_transfer\"`";
        return Err(error(ErrorKind::Syntax, span, "an expression", "nothing", hint));
    }
    let ast = parser.expression()?;
    match parser.peek() {
        TokenKind::End => Ok(ast),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    source: &'a Source,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

type Parsed = Result<Ast, CompileError>;

impl Parser<'_> {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.at].kind
    }

    /// Goes past the symbol when it is next.
    fn take(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.peek(), TokenKind::Symbol(next) if *next == symbol);
        self.at += usize::from(is_next);
        is_next
    }

    fn need(&mut self, symbol: &str) -> Result<(), CompileError> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    /// Where the token before this one ended.
    fn end(&self) -> usize {
        self.tokens[self.at.saturating_sub(1)].end
    }

    fn unexpected(&self, expected: &str) -> CompileError {
        let token = &self.tokens[self.at];
        let (start, end) = (token.start, token.end);
        let span = self.source.span(start, end.max(start + 1));
        let before = self.at.checked_sub(1).map(|i| &self.tokens[i].kind);
        let after = self.tokens.get(self.at + 1).map(|token| &token.kind);
        let hint = spelling::juxtaposed(before, &token.kind, after);
        let found = match token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            _ => self.source.quote(start, end),
        };
        let kind = match token.kind {
            TokenKind::Symbol("{") => ErrorKind::NotSupported,
            _ => ErrorKind::Syntax,
        };
        error(kind, span, expected, found, hint)
    }

    fn too_deep(&self, start: usize, what: &str, max: usize) -> CompileError {
        let span = self.source.span(start, self.end().max(start + 1));
        let expected = format!("at most {max} {what}");
        error(ErrorKind::TooLarge, span, expected, "more", "name a part in `let` and use the name")
    }

    fn node(&self, node: Node, start: usize) -> Parsed {
        let ast = Ast::new(node, start, self.end());
        if ast.height > LEVELS_MAX {
            return Err(self.too_deep(start, "operators inside one another", LEVELS_MAX));
        }
        Ok(ast)
    }

    /// An expression inside parentheses, brackets, arguments or `? :`.
    fn nested(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            let start = self.tokens[self.at].start;
            return Err(self.too_deep(start, "levels of nesting", NESTING_MAX));
        }
        let ast = self.expression();
        self.depth -= 1;
        ast
    }

    fn expression(&mut self) -> Parsed {
        let start = self.tokens[self.at].start;
        let condition = self.operators(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let then = self.nested()?;
        self.need(":")?;
        let other = self.nested()?;
        let parts = (Box::new(condition), Box::new(then), Box::new(other));
        self.node(Node::Conditional(parts.0, parts.1, parts.2), start)
    }

    /// The operator that is next, with how strongly it binds.
    fn operator(&self) -> Option<(Binary, u8)> {
        let TokenKind::Symbol(symbol) = self.peek() else {
            let is_in = matches!(self.peek(), TokenKind::Name(name) if name == "in");
            return is_in.then_some((Binary::In, RELATION));
        };
        let found = OPERATORS.iter().find(|(name, ..)| name == symbol)?;
        Some((found.1, found.2))
    }

    /// Operands and operators that bind at least as strongly as `least`; all group to the left.
    fn operators(&mut self, least: u8) -> Parsed {
        let start = self.tokens[self.at].start;
        let mut left = self.unary()?;
        while let Some((operator, strength)) = self.operator().filter(|(_, s)| *s >= least) {
            if strength == OR || strength == AND {
                left = self.chain(left, operator, strength)?;
                continue;
            }
            self.at += 1;
            let right = self.operators(strength + 1)?;
            let node = Node::Binary(operator, Box::new(left), Box::new(right));
            left = self.node(node, start)?;
        }
        Ok(left)
    }

    /// `a && b && c`, as a tree whose levels grow with the logarithm of the operands: grouping
    /// changes nothing in the meaning of `&&` and `||`.
    fn chain(&mut self, first: Ast, operator: Binary, strength: u8) -> Parsed {
        let mut operands = vec![first];
        while self.operator() == Some((operator, strength)) {
            self.at += 1;
            operands.push(self.operators(strength + 1)?);
        }
        self.balanced(&mut operands.into_iter().map(Some).collect::<Vec<_>>(), operator)
    }

    fn balanced(&self, operands: &mut [Option<Ast>], operator: Binary) -> Parsed {
        if let [only] = operands {
            return Ok(only.take().expect("an operand because each is taken once"));
        }
        let (left, right) = operands.split_at_mut(operands.len().div_ceil(2));
        let (left, right) = (self.balanced(left, operator)?, self.balanced(right, operator)?);
        let (start, end) = (left.start, right.end);
        let mut ast = self.node(Node::Binary(operator, Box::new(left), Box::new(right)), start)?;
        ast.end = end;
        Ok(ast)
    }

    fn unary(&mut self) -> Parsed {
        let first = self.at;
        while matches!(self.peek(), TokenKind::Symbol("!" | "-")) {
            self.at += 1;
            if self.at - first > NESTING_MAX {
                let start = self.tokens[first].start;
                return Err(self.too_deep(start, "`!` or `-` in a row", NESTING_MAX));
            }
        }
        let mut signs = self.at - first;
        let mut ast = match self.negative(signs > 0)? {
            Some(number) => {
                signs -= 1;
                number
            }
            None => self.member()?,
        };
        for sign in (first..first + signs).rev() {
            let start = self.tokens[sign].start;
            let is_not = self.tokens[sign].kind == TokenKind::Symbol("!");
            let operand = Box::new(ast);
            let node = if is_not { Node::Not(operand) } else { Node::Negate(operand) };
            ast = self.node(node, start)?;
        }
        Ok(ast)
    }

    /// A number with the minus before it, so that the smallest int can be written.
    fn negative(&mut self, signed: bool) -> Result<Option<Ast>, CompileError> {
        let TokenKind::Int(magnitude) = *self.peek() else { return Ok(None) };
        let (start, here) = (self.tokens[self.at.saturating_sub(1)].start, self.at);
        let is_operand = matches!(
            self.tokens[here + 1].kind,
            TokenKind::Symbol("." | "[") | TokenKind::Symbol("(")
        );
        let minus = signed && self.tokens[here - 1].kind == TokenKind::Symbol("-");
        if !minus || is_operand {
            return Ok(None);
        }
        self.at += 1;
        let value = 0i64.checked_sub_unsigned(magnitude);
        let value = value.expect("in range because the lexer takes at most 2^63");
        self.node(Node::Int(value), start).map(Some)
    }

    fn member(&mut self) -> Parsed {
        let start = self.tokens[self.at].start;
        let mut ast = self.primary()?;
        loop {
            if self.take(".") {
                let name = self.selector()?;
                let node = if self.take("(") {
                    Node::Call(Some(Box::new(ast)), name, self.list(")")?)
                } else {
                    Node::Member(Box::new(ast), name)
                };
                ast = self.node(node, start)?;
            } else if self.take("[") {
                let index = self.nested()?;
                self.need("]")?;
                ast = self.node(Node::Index(Box::new(ast), Box::new(index)), start)?;
            } else {
                return Ok(ast);
            }
        }
    }

    /// A name after a point; words that are reserved elsewhere are allowed, keywords are not.
    fn selector(&mut self) -> Result<String, CompileError> {
        match self.peek() {
            TokenKind::Name(name) if !KEYWORDS.contains(&name.as_str()) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name after the point")),
        }
    }

    /// Elements up to `close`; a comma may follow the last of a list literal.
    fn list(&mut self, close: &'static str) -> Result<Vec<Ast>, CompileError> {
        let mut elements = Vec::new();
        while !self.take(close) {
            elements.push(self.nested()?);
            if self.take(",") {
                if close == ")" && matches!(self.peek(), TokenKind::Symbol(")")) {
                    return Err(self.unexpected("another argument"));
                }
            } else if self.take(close) {
                break;
            } else {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        Ok(elements)
    }

    fn primary(&mut self) -> Parsed {
        let start = self.tokens[self.at].start;
        let kind = self.peek().clone();
        let refused = match &kind {
            TokenKind::Symbol("(") => {
                self.at += 1;
                let mut ast = self.nested()?;
                self.need(")")?;
                (ast.start, ast.end) = (start, self.end());
                return Ok(ast);
            }
            TokenKind::Symbol("[") => {
                self.at += 1;
                let elements = self.list("]")?;
                return self.node(Node::List(elements), start);
            }
            TokenKind::Name(name) => spelling::refused_name(name),
            TokenKind::Symbol(symbol) => spelling::refused_symbol(symbol),
            TokenKind::Int(n) if *n > i64::MAX as u64 => {
                Some((ErrorKind::Literal, "at most 9223372036854775807", "an int has 64 bits"))
            }
            _ => None,
        };
        if let Some((kind, expected, hint)) = refused {
            let mut error = self.unexpected(expected);
            (error.kind, error.hint) = (kind, hint.to_owned());
            return Err(error);
        }
        if matches!(kind, TokenKind::Symbol(_) | TokenKind::End) {
            return Err(self.unexpected("a value"));
        }
        self.at += 1;
        let is_call = matches!(kind, TokenKind::Name(_)) && self.take("(");
        let node = match kind {
            TokenKind::Int(n) => Node::Int(n as i64),
            TokenKind::Uint(n) => Node::Uint(n),
            TokenKind::Text(text) => Node::Text(text),
            TokenKind::Bytes(bytes) => Node::Bytes(bytes),
            TokenKind::Name(name) if is_call => Node::Call(None, name, self.list(")")?),
            TokenKind::Name(name) if name == "true" => Node::Bool(true),
            TokenKind::Name(name) if name == "false" => Node::Bool(false),
            TokenKind::Name(name) => Node::Name(name),
            TokenKind::Symbol(_) | TokenKind::End => return Err(self.unexpected("a value")),
        };
        self.node(node, start)
    }
}

const OR: u8 = 1;
const AND: u8 = 2;
const RELATION: u8 = 3;

const OPERATORS: [(&str, Binary, u8); 13] = [
    ("||", Binary::Or, OR),
    ("&&", Binary::And, AND),
    ("==", Binary::Compare(Comparison::Equal), RELATION),
    ("!=", Binary::Compare(Comparison::NotEqual), RELATION),
    ("<", Binary::Compare(Comparison::Less), RELATION),
    ("<=", Binary::Compare(Comparison::LessOrEqual), RELATION),
    (">", Binary::Compare(Comparison::Greater), RELATION),
    (">=", Binary::Compare(Comparison::GreaterOrEqual), RELATION),
    ("+", Binary::Arithmetic(Operator::Add), 4),
    ("-", Binary::Arithmetic(Operator::Subtract), 4),
    ("*", Binary::Arithmetic(Operator::Multiply), 5),
    ("/", Binary::Arithmetic(Operator::Divide), 5),
    ("%", Binary::Arithmetic(Operator::Remainder), 5),
];

/// Words that are never names, not even after a point.
pub(super) const KEYWORDS: [&str; 4] = ["true", "false", "null", "in"];
