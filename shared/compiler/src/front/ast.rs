//! An expression as written, before names and types mean anything. Two of them are equal when they
//! read the same, wherever they stand.

/// An expression and the characters of the source that it takes.
#[derive(Debug, Clone)]
pub(super) struct Ast {
    pub node: Node,
    pub start: usize,
    pub end: usize,
    /// Levels below and with this one.
    pub height: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(String),
    Bytes(Vec<u8>),
    Name(String),
    Member(Box<Ast>, String),
    /// Receiver, name, arguments.
    Call(Option<Box<Ast>>, String, Vec<Ast>),
    Index(Box<Ast>, Box<Ast>),
    List(Vec<Ast>),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary(Binary, Box<Ast>, Box<Ast>),
    Conditional(Box<Ast>, Box<Ast>, Box<Ast>),
}

/// Operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Compare(crate::typed::Comparison),
    In,
    Arithmetic(crate::typed::Operator),
}

impl PartialEq for Ast {
    fn eq(&self, other: &Ast) -> bool {
        self.node == other.node
    }
}

impl Node {
    fn height(&self) -> usize {
        let all = |nodes: &[Ast]| nodes.iter().map(|node| node.height).max().unwrap_or(0);
        let below = match self {
            Node::Member(a, _) | Node::Not(a) | Node::Negate(a) => a.height,
            Node::Call(target, _, arguments) => {
                target.as_ref().map_or(0, |target| target.height).max(all(arguments))
            }
            Node::Index(a, b) | Node::Binary(_, a, b) => a.height.max(b.height),
            Node::List(elements) => all(elements),
            Node::Conditional(a, b, c) => a.height.max(b.height).max(c.height),
            _ => 0,
        };
        below + 1
    }
}

impl Ast {
    pub fn new(node: Node, start: usize, end: usize) -> Ast {
        let height = node.height();
        Ast { node, start, end, height }
    }

    /// The names of `a.b.c`, outermost first, when it is nothing but names.
    pub fn path(&self) -> Option<Vec<&str>> {
        let mut names = Vec::new();
        let mut at = self;
        loop {
            match &at.node {
                Node::Name(name) => names.push(name.as_str()),
                Node::Member(base, name) => {
                    names.push(name.as_str());
                    at = base;
                    continue;
                }
                _ => return None,
            }
            names.reverse();
            return Some(names);
        }
    }
}
