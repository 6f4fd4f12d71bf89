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

/// An element and the way to it.
#[derive(Clone)]
pub(crate) struct Node<'t> {
    element: &'t Element<'t>,
    path: String,
}

impl<'t> Node<'t> {
    pub(crate) fn new(element: &'t Element<'t>, path: String) -> Self {
        Node { element, path }
    }

    /// All elements of a name, which must have no text beside them.
    pub(crate) fn all(&self, name: &str) -> Result<Vec<Node<'t>>, FactsError> {
        if self.element.is_bare || !self.element.text.trim().is_empty() {
            return Err(self.wrong("elements", "a text"));
        }
        let named = self.element.children.iter().filter(|child| child.name == name);
        Ok(named.map(|child| Node::new(child, format!("{}/{name}", self.path))).collect())
    }

    /// The one element of a name, if any.
    pub(crate) fn one(&self, name: &str) -> Result<Option<Node<'t>>, FactsError> {
        let mut all = self.all(name)?;
        if all.len() > 1 {
            let expected = format!("one {name}");
            let fault = refused(expected, format!("{} of them", all.len()), "keep one of them");
            return Err(fault.at(format!("{}/{name}", self.path)));
        }
        Ok(all.pop())
    }

    /// The one element at the end of a path such as `Id/OrgId`, if any.
    pub(crate) fn find(&self, path: &str) -> Result<Option<Node<'t>>, FactsError> {
        let mut node = Some(self.clone());
        for name in path.split('/') {
            node = match node {
                Some(node) => node.one(name)?,
                None => None,
            };
        }
        Ok(node)
    }

    /// The same element, which must be there.
    pub(crate) fn need(&self, path: &str) -> Result<Node<'t>, FactsError> {
        self.find(path)?.ok_or_else(|| {
            let hint = "complete the message";
            let fault =
                FactsError::new(ErrorKind::MissingField, "an element", "no such element", hint);
            fault.at(format!("{}/{path}", self.path))
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
        clean_text(text, text_bytes_max(fact)).map_err(|fault| fault.at(self.path.clone()))
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
            text => parse(text).map(Some).map_err(|fault| fault.at(node.path)),
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
        fault.at(self.path.clone())
    }

    fn wrong(&self, expected: &'static str, found: &'static str) -> FactsError {
        let hint = "follow the message's schema; JSON values are strings";
        self.fault(FactsError::new(ErrorKind::WrongType, expected, found, hint))
    }
}

/// A message that is refused as a whole.
pub(crate) fn refused(
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
    remedy: &'static str,
) -> FactsError {
    FactsError::new(ErrorKind::Message, expected, found, remedy)
}
