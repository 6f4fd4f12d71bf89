//! JSON into the same tree as XML: a key is an element, a list is the element several times. It
//! must never take a key twice, keep a number (they are floats to many a writer), or nest lists.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use facts::{FactsError, shown};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::element::{Element, refused};
use crate::{DEPTH_MAX, ELEMENTS_MAX, ROOT};

/// The object as an element. With `has_amounts` both spellings of an amount in ISO 20022's JSON
/// are a leaf with an attribute: `{"amt": "", "Ccy": ""}` and `{"@Ccy": "", "#text": ""}`.
pub(crate) fn read(source: &str, has_amounts: bool) -> Result<Element<'_>, FactsError> {
    let elements = Cell::new(0);
    let mut reader = serde_json::Deserializer::from_str(source);
    let seed = Seed { depth: 0, has_amounts, elements: &elements };
    let read = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(Value::Element(root)) => Ok(root),
        Ok(Value::List(_)) => Err(fault("a list")),
        Err(error) => Err(fault(&error.to_string())),
    }
}

enum Value<'a> {
    Element(Element<'a>),
    List(Vec<Element<'a>>),
}

#[derive(Clone, Copy)]
struct Seed<'c> {
    depth: usize,
    has_amounts: bool,
    elements: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value<'de>, D::Error> {
        self.elements.set(self.elements.get() + 1);
        if self.elements.get() > ELEMENTS_MAX || self.depth > DEPTH_MAX {
            return Err(D::Error::custom("too many values, or nested too deep"));
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, a list or a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(leaf(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(leaf(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value<'de>, E> {
        Ok(bare())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Value<'de>, E> {
        Ok(bare())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Value<'de>, E> {
        Ok(bare())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(bare())
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(bare())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(value) = seq.next_element_seed(Seed { depth: self.depth + 1, ..self })? {
            match value {
                Value::Element(element) => elements.push(element),
                Value::List(_) => return Err(A::Error::custom("a list in a list")),
            }
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let (mut keys, mut children) = (Vec::new(), Vec::new());
        while let Some(Key(key)) = map.next_key()? {
            let named = |element| Element { name: key.clone(), ..element };
            match map.next_value_seed(Seed { depth: self.depth + 1, ..self })? {
                Value::Element(element) => children.push(named(element)),
                Value::List(elements) => children.extend(elements.into_iter().map(named)),
            }
            keys.push(key);
        }
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(A::Error::custom(format!("the key {} twice", shown(&pair[0]))));
        }
        let element = Element { children, ..Element::default() };
        Ok(Value::Element(if self.has_amounts { amount(element) } else { element }))
    }
}

/// A leaf with its currency, when the object is an amount.
fn amount(mut object: Element<'_>) -> Element<'_> {
    if object.children.len() == 2 {
        object.children.sort_by_key(|child| !["amt", "#text"].contains(&&*child.name));
    }
    let [digits, currency] = &mut object.children[..] else { return object };
    let plain = |leaf: &Element| leaf.children.is_empty() && !leaf.is_bare;
    let is_amount = match (&*digits.name, &*currency.name) {
        ("amt", "Ccy") | ("#text", "@Ccy") => plain(digits) && plain(currency),
        _ => false,
    };
    if !is_amount {
        return object;
    }
    let text = std::mem::take(&mut digits.text);
    let attributes = vec![(Cow::Borrowed("Ccy"), std::mem::take(&mut currency.text))];
    Element { text, attributes, ..Element::default() }
}

fn leaf(text: Cow<'_, str>) -> Value<'_> {
    Value::Element(Element { text, ..Element::default() })
}

fn bare<'a>() -> Value<'a> {
    Value::Element(Element { is_bare: true, ..Element::default() })
}

fn fault(found: &str) -> FactsError {
    let expected = format!("one object of at most {DEPTH_MAX} levels and {ELEMENTS_MAX} values");
    refused(expected, shown(found), "send the transfer alone, each key once").at(ROOT.into())
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
