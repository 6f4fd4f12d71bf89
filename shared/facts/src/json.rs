//! Strict reading of JSON objects and lists with serde_json, knowing at each step where we are.
//! It must never accept an array for an object, a key twice, or a key that is not in the table,
//! and it must never build a tree of the caller's JSON: leaves stay slices of the body.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::error::{clipped, shown, suggestion};
use crate::{ErrorKind, FactsError};

/// What went wrong, kept beside serde's own error, which can carry no more than a message.
#[derive(Default)]
pub(crate) struct Slot {
    fault: RefCell<Option<FactsError>>,
    innermost: RefCell<Option<String>>,
}

/// A place in the body: a chain of steps on the stack, written out only for an error.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step,
    slot: &'a Slot,
}

/// A value that can be read at a place.
pub(crate) trait Read<'de>: Sized {
    /// Reads the value, or leaves the reason in the place's slot.
    fn read<D: Deserializer<'de>>(from: D, at: &Place<'_>) -> Result<Self, D::Error>;
}

/// An object with a closed set of keys.
pub(crate) trait Fields<'de>: Default {
    /// What the object is read into.
    type Output;
    /// Its keys.
    const NAMES: &'static [&'static str];
    /// Takes the value of key number `index`; `at` is the value's place.
    fn value<A: MapAccess<'de>>(
        &mut self,
        index: usize,
        map: &mut A,
        at: &Place<'_>,
    ) -> Result<(), A::Error>;
    /// All keys were read; `at` is the object's place.
    fn finish(self, at: &Place<'_>) -> Result<Self::Output, FactsError>;
}

/// The source text of one JSON value.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'de>(pub(crate) &'de str);

/// Reads a whole text as one JSON value.
pub(crate) fn read_document<'de, T: Read<'de>>(text: &'de str) -> Result<T, FactsError> {
    let slot = Slot::default();
    let root = Place { parent: None, step: Step::Root, slot: &slot };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Seed::new(&root).deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| slot.explain(&error))
}

/// Reads a map's next value at a place.
pub(crate) fn read_value<'de, T: Read<'de>, A: MapAccess<'de>>(
    map: &mut A,
    at: &Place<'_>,
) -> Result<T, A::Error> {
    map.next_value_seed(Seed::new(at))
}

/// Reads an object; `null` is `None`.
pub(crate) fn read_object<'de, F: Fields<'de>, D: Deserializer<'de>>(
    from: D,
    at: &Place<'_>,
) -> Result<Option<F::Output>, D::Error> {
    from.deserialize_any(ObjectVisitor::<F> { at, fields: PhantomData })
}

/// Reads a list of at most `limit` elements; `null` is `None`.
pub(crate) fn read_list<'de, T: Read<'de>, D: Deserializer<'de>>(
    from: D,
    at: &Place<'_>,
    limit: usize,
) -> Result<Option<Vec<T>>, D::Error> {
    from.deserialize_any(ListVisitor { at, limit, element: PhantomData })
}

impl<'a> Place<'a> {
    /// The place of a key in the object here.
    pub(crate) fn key(&'a self, name: &'static str) -> Place<'a> {
        Place { parent: Some(self), step: Step::Key(name), slot: self.slot }
    }

    /// The place of an element in the list here.
    pub(crate) fn index(&'a self, index: usize) -> Place<'a> {
        Place { parent: Some(self), step: Step::Index(index), slot: self.slot }
    }

    /// The key of this place, empty where there is none.
    pub(crate) fn name(&self) -> &'static str {
        if let Step::Key(name) = self.step { name } else { "" }
    }

    /// This place as a path.
    pub(crate) fn path(&self) -> String {
        let path = self.parent.map(Place::path).unwrap_or_default();
        match self.step {
            Step::Root => path,
            Step::Key(name) if path.is_empty() => name.to_owned(),
            Step::Key(name) => format!("{path}.{name}"),
            Step::Index(index) => format!("{path}[{index}]"),
        }
    }

    /// Leaves `fault` in the slot; the error that stops serde says nothing itself.
    pub(crate) fn stop<E: serde::de::Error>(&self, fault: FactsError) -> E {
        *self.slot.fault.borrow_mut() = Some(fault);
        E::custom("refused")
    }
}

impl Slot {
    /// Our own reason if there is one, else serde_json's at the innermost place.
    fn explain(self, error: &serde_json::Error) -> FactsError {
        if let Some(fault) = self.fault.into_inner() {
            return fault;
        }
        let path = self.innermost.into_inner().unwrap_or_default();
        let message = error.to_string();
        let fault = match error.classify() {
            Category::Data => {
                let found = message.strip_prefix("invalid type: ").unwrap_or(&message);
                let (found, expected) = found.rsplit_once(", expected ").unwrap_or((found, ""));
                let expected = if expected.starts_with("a list") { A_LIST } else { AN_OBJECT };
                FactsError::new(ErrorKind::WrongType, expected, clipped(found), TYPE_HINT)
            }
            _ if path.ends_with("amount") => {
                FactsError::new(ErrorKind::Syntax, "a JSON number", clipped(&message), AMOUNT_HINT)
            }
            _ => {
                let hint = "send one JSON object with nothing after it";
                FactsError::new(ErrorKind::Syntax, "well-formed JSON", clipped(&message), hint)
            }
        };
        fault.at(path)
    }
}

impl<'de> Raw<'de> {
    /// Whether the value is `null`.
    pub(crate) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The text when the value is a string, `None` when it is something else.
    pub(crate) fn string(self) -> Result<Option<Cow<'de, str>>, FactsError> {
        let Some(inner) = self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Ok(None);
        };
        if !inner.contains('\\') {
            return Ok(Some(Cow::Borrowed(inner)));
        }
        let plain = serde_json::from_str(self.0).map(|text| Some(Cow::Owned(text)));
        plain.map_err(|_| {
            let hint = "write the characters as UTF-8 instead of escapes";
            FactsError::new(ErrorKind::Syntax, "a string of Unicode text", shown(self.0), hint)
        })
    }

    /// Deepest nesting of objects and lists in the value.
    pub(crate) fn depth(self) -> usize {
        let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
        for byte in self.0.bytes() {
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        deepest
    }
}

impl<'de> Read<'de> for Raw<'de> {
    fn read<D: Deserializer<'de>>(from: D, _at: &Place<'_>) -> Result<Self, D::Error> {
        <&'de RawValue>::deserialize(from).map(|raw| Raw(raw.get()))
    }
}

#[derive(Clone, Copy)]
enum Step {
    Root,
    Key(&'static str),
    Index(usize),
}

struct Seed<'p, T> {
    at: &'p Place<'p>,
    value: PhantomData<T>,
}

impl<'p, T> Seed<'p, T> {
    fn new(at: &'p Place<'p>) -> Self {
        Seed { at, value: PhantomData }
    }
}

impl<'de, T: Read<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        let read = T::read(from, self.at);
        if read.is_err() {
            self.at.slot.innermost.borrow_mut().get_or_insert_with(|| self.at.path());
        }
        read
    }
}

struct ObjectVisitor<'p, F> {
    at: &'p Place<'p>,
    fields: PhantomData<F>,
}

impl<'de, F: Fields<'de>> Visitor<'de> for ObjectVisitor<'_, F> {
    type Value = Option<F::Output>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(AN_OBJECT)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = F::default();
        let mut seen = 0_u32;
        while let Some(key) = map.next_key_seed(KeySeed(F::NAMES))? {
            let index = key.map_err(|name| self.unknown(&name))?;
            let at = self.at.key(F::NAMES[index]);
            if seen & 1 << index != 0 {
                let found = "a second one";
                let twice = FactsError::new(
                    ErrorKind::DuplicateField,
                    "the key once",
                    found,
                    "keep one of them",
                );
                return Err(at.stop(twice.at(at.path())));
            }
            seen |= 1 << index;
            fields.value(index, &mut map, &at)?;
        }
        fields.finish(self.at).map(Some).map_err(|fault| self.at.stop(fault))
    }
}

impl<'de, F: Fields<'de>> ObjectVisitor<'_, F> {
    fn unknown<E: serde::de::Error>(&self, name: &str) -> E {
        let expected = format!("one of {}", F::NAMES.join(", "));
        let hint = suggestion(name, F::NAMES);
        let fault = FactsError::new(ErrorKind::UnknownField, expected, shown(name), hint);
        let parent = self.at.path();
        let dot = if parent.is_empty() { "" } else { "." };
        self.at.stop(fault.at(format!("{parent}{dot}{}", clipped(name))))
    }
}

/// Reads a key: its number in the table, or the name that is not there.
struct KeySeed(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key).ok_or_else(|| key.to_owned()))
    }
}

struct ListVisitor<'p, T> {
    at: &'p Place<'p>,
    limit: usize,
    element: PhantomData<T>,
}

impl<'de, T: Read<'de>> Visitor<'de> for ListVisitor<'_, T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_LIST)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() < self.limit {
            match seq.next_element_seed(Seed::new(&self.at.index(elements.len())))? {
                Some(element) => elements.push(element),
                None => return Ok(Some(elements)),
            }
        }
        if seq.next_element::<serde::de::IgnoredAny>()?.is_none() {
            return Ok(Some(elements));
        }
        let expected = format!("at most {} elements", self.limit);
        let fault = FactsError::new(ErrorKind::Count, expected, "more", "send fewer elements");
        Err(self.at.stop(fault.at(self.at.path())))
    }
}

const AN_OBJECT: &str = "an object";
const A_LIST: &str = "a list";
const AMOUNT_HINT: &str = "write plain decimal digits such as 15000.00";
const TYPE_HINT: &str = "put a value of the expected JSON type there";
