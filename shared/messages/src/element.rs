//! The tree that both forms of a message are read into, and a cursor that knows its path. It must
//! never answer with one of several elements where one is expected.

use std::borrow::Cow;

use facts::{ErrorKind, FactsError, clean_text, shown, text_bytes_max};

/// An element of XML, or a value of JSON under its key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    /// Local name, or key.
    pub name: Cow<'a, str>,
    /// The namespace; empty in JSON and where none is declared.
    pub namespace: &'a str,
    /// The text of a leaf, decoded and not trimmed; empty where there are children.
    pub text: Cow<'a, str>,
    /// Whether the leaf is a number, `true`, `false` or `null` of JSON, whose text is not kept.
    pub is_bare: bool,
    /// Attributes without a prefix, except namespace declarations.
    pub attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// In the order of the message.
    pub children: Vec<Element<'a>>,
}

/// An element, and the tree it stands in: the way to it is looked up when an error needs it.
#[derive(Clone, Copy)]
pub(crate) struct Node<'t> {
    root: &'t Element<'t>,
    /// Where the root is said to stand.
    root_path: &'static str,
    element: &'t Element<'t>,
}

impl<'t> Node<'t> {
    pub(crate) fn new(root: &'t Element<'t>, root_path: &'static str) -> Self {
        Node { root, root_path, element: root }
    }

    /// All elements of a name, which must have no text beside them.
    pub(crate) fn all<'n>(
        &self,
        name: &'n str,
    ) -> Result<impl Iterator<Item = Node<'t>> + use<'t, 'n>, FactsError> {
        if self.element.is_bare || !self.element.text.trim().is_empty() {
            return Err(self.wrong("elements", "a text"));
        }
        let node = *self;
        let named = self.element.children.iter().filter(move |child| child.name == name);
        Ok(named.map(move |element| Node { element, ..node }))
    }

    /// The one element of a name, if any.
    pub(crate) fn one(&self, name: &str) -> Result<Option<Node<'t>>, FactsError> {
        let mut all = self.all(name)?;
        let first = all.next();
        match all.count() {
            0 => Ok(first),
            more => {
                let found = format!("{} of them", more + 1);
                let fault = refused(format!("one {name}"), found, "keep one of them");
                Err(fault.at(format!("{}/{name}", self.path())))
            }
        }
    }

    /// The one element at the end of a path such as `Id/OrgId`, if any.
    pub(crate) fn find(&self, path: &str) -> Result<Option<Node<'t>>, FactsError> {
        let mut node = *self;
        for name in path.split('/') {
            let Some(next) = node.one(name)? else { return Ok(None) };
            node = next;
        }
        Ok(Some(node))
    }

    /// The same element, which must be there.
    pub(crate) fn need(&self, path: &str) -> Result<Node<'t>, FactsError> {
        self.find(path)?.ok_or_else(|| {
            let (expected, hint) = ("an element", "complete the message");
            let fault = FactsError::new(ErrorKind::MissingField, expected, "no such element", hint);
            fault.at(format!("{}/{path}", self.path()))
        })
    }

    /// The trimmed text of this leaf.
    pub(crate) fn leaf(&self) -> Result<&'t str, FactsError> {
        match self.element {
            Element { is_bare: true, .. } => Err(self.wrong("a string", "another value")),
            Element { children, .. } if !children.is_empty() => {
                Err(self.wrong("a text", "elements"))
            }
            Element { text, .. } => Ok(text.trim()),
        }
    }

    /// The text at the end of a path, within the limit of a fact's name; an empty one is absent.
    pub(crate) fn text(&self, path: &str, fact: &str) -> Result<Option<String>, FactsError> {
        let Some(node) = self.find(path)? else { return Ok(None) };
        node.bounded(node.leaf()?, fact)
    }

    /// A text that was put together here, within the limit of a fact's name.
    pub(crate) fn bounded(&self, text: &str, fact: &str) -> Result<Option<String>, FactsError> {
        clean_text(text, text_bytes_max(fact)).map_err(|fault| self.fault(fault))
    }

    /// The text at the end of a path through `parse`; an empty one is absent.
    pub(crate) fn parsed<T>(
        &self,
        path: &str,
        parse: fn(&str) -> Result<T, FactsError>,
    ) -> Result<Option<T>, FactsError> {
        let Some(node) = self.find(path)? else { return Ok(None) };
        match node.leaf()? {
            "" => Ok(None),
            text => parse(text).map(Some).map_err(|fault| node.fault(fault)),
        }
    }

    /// The attribute of a name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'t str> {
        let mut attributes = self.element.attributes.iter();
        attributes.find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// Refuses children with names that are not among these, which white space separates.
    pub(crate) fn only(&self, names: &'static str) -> Result<(), FactsError> {
        let names: Vec<&str> = names.split_whitespace().collect();
        let mut children = self.element.children.iter();
        let Some(child) = children.find(|child| !names.contains(&&*child.name)) else {
            return Ok(());
        };
        let hint = facts::suggestion(&child.name, &names);
        let expected = format!("one of {}", names.join(", "));
        let fault = FactsError::new(ErrorKind::UnknownField, expected, shown(&child.name), hint);
        Err(self.fault(fault))
    }

    /// The texts of the groups' elements in their order. `between[0]` stands between different
    /// elements of one group, `between[1]` everywhere else; `None` when they say nothing.
    pub(crate) fn joined(
        &self,
        groups: &[&str],
        between: [&str; 2],
        fact: &str,
    ) -> Result<Option<String>, FactsError> {
        let mut all = Vec::new();
        for group in groups {
            let mut parts = Vec::new();
            for name in group.split_whitespace() {
                for node in self.all(name)? {
                    parts.push(node.leaf()?);
                }
            }
            parts.retain(|part| !part.is_empty());
            all.push(parts.join(between[usize::from(!group.contains(' '))]));
        }
        all.retain(|part| !part.is_empty());
        self.bounded(&all.join(between[1]), fact)
    }

    /// An address of the groups' elements and then the country, which alone is no address.
    pub(crate) fn address(
        &self,
        groups: &[&str],
        country: &str,
    ) -> Result<Option<String>, FactsError> {
        let between = [" ", ", "];
        match self.joined(groups, between, "address")? {
            None => Ok(None),
            Some(_) => self.joined(&[groups, &[country]].concat(), between, "address"),
        }
    }

    /// This place in an error.
    pub(crate) fn fault(&self, fault: FactsError) -> FactsError {
        fault.at(self.path())
    }

    fn path(&self) -> String {
        let mut steps = vec![self.root_path];
        trail(self.root, self.element, &mut steps);
        steps.join("/")
    }

    fn wrong(&self, expected: &'static str, found: &'static str) -> FactsError {
        let hint = "follow the message's schema; JSON values are strings";
        self.fault(FactsError::new(ErrorKind::WrongType, expected, found, hint))
    }
}

/// The names on the way from one element to another below it; whether it is there.
fn trail<'t>(from: &'t Element<'t>, to: &Element<'_>, steps: &mut Vec<&'t str>) -> bool {
    let mut is_here = std::ptr::eq(from, to);
    for child in &from.children {
        if !is_here {
            steps.push(&child.name);
            is_here = trail(child, to, steps);
            steps.truncate(if is_here { steps.len() } else { steps.len() - 1 });
        }
    }
    is_here
}

/// A message that is refused as a whole.
pub(crate) fn refused(
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
    remedy: &'static str,
) -> FactsError {
    FactsError::new(ErrorKind::Message, expected, found, remedy)
}
