//! The transaction to judge: what the caller's keys say of it, what a message adds, and the whole.
//! It must never be whole without id, type and amount.

use serde::de::MapAccess;

use crate::fact::{Fact, Value, merge};
use crate::json::{Fields, Place, Raw, read_value};
use crate::leaf::{money_if_any, not_given};
use crate::party::PartyFields;
use crate::request::Object;
use crate::{FIELDS, FactsError, Millis, Money, Party, TransactionType};

/// The transaction to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction {
    /// The caller's name for it, never empty.
    pub id: String,
    /// What it is (`type` in JSON).
    pub kind: TransactionType,
    /// How much.
    pub amount: Money,
    /// When.
    pub timestamp: Option<Millis>,
    /// The reference that travels with it.
    pub reference: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// Who pays.
    pub source: Party,
    /// Who is paid.
    pub destination: Party,
}

/// What one source says of a transaction: the keys of the body, or a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Draft {
    /// The caller's name for it, never empty.
    pub id: Option<String>,
    /// What it is (`type` in JSON).
    pub kind: Option<TransactionType>,
    /// How much.
    pub amount: Option<Money>,
    /// When.
    pub timestamp: Option<Millis>,
    /// The reference that travels with it.
    pub reference: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// Who pays.
    pub source: Party,
    /// Who is paid.
    pub destination: Party,
}

impl Draft {
    /// Takes what a message says besides; what both say must be equal.
    pub fn merge(&mut self, message: Draft) -> Result<(), FactsError> {
        const PATH: &str = "transaction";
        merge(&mut self.id, message.id, PATH, "id")?;
        merge(&mut self.kind, message.kind, PATH, "type")?;
        merge(&mut self.amount, message.amount, PATH, "amount")?;
        merge(&mut self.timestamp, message.timestamp, PATH, "timestamp")?;
        merge(&mut self.reference, message.reference, PATH, "reference")?;
        merge(&mut self.purpose, message.purpose, PATH, "purpose")?;
        self.source.merge(message.source, "transaction.source")?;
        self.destination.merge(message.destination, "transaction.destination")
    }

    /// The transaction, when all that must be said was said.
    pub fn complete(self) -> Result<Transaction, FactsError> {
        self.check()?;
        let (Some(id), Some(kind), Some(amount)) = (self.id, self.kind, self.amount) else {
            return Err(not_given("transaction"));
        };
        let Draft { timestamp, reference, purpose, source, destination, .. } = self;
        Ok(Transaction { id, kind, amount, timestamp, reference, purpose, source, destination })
    }

    /// Refuses a draft that lacks what a transaction must have.
    pub(crate) fn check(&self) -> Result<(), FactsError> {
        let given = [
            ("transaction.id", self.id.is_some()),
            ("transaction.type", self.kind.is_some()),
            ("transaction.amount", self.amount.is_some()),
        ];
        let gap = given.into_iter().find(|(_, is_given)| !is_given);
        gap.map_or(Ok(()), |(path, _)| Err(not_given(path)))
    }
}

impl Transaction {
    /// Its facts as the record holds them, in the order of the fields.
    pub(crate) fn values(&self) -> [Option<Value<'_>>; FIELDS.len()] {
        let mut all = [None; FIELDS.len()];
        let (source, destination) = (self.source.values(), self.destination.values());
        // The first six of a party are fields of version 1, before those of version 2.
        let ((source, source_2), (destination, destination_2)) =
            (source.split_at(6), destination.split_at(6));
        let own = [
            Some(self.id.value()),
            Some(self.kind.value()),
            Some(self.amount.value()),
            self.timestamp.as_ref().map(Fact::value),
        ];
        let own_2 = [&self.reference, &self.purpose].map(|text| text.as_ref().map(Fact::value));
        let groups = [&own[..], source, destination, &own_2, source_2, destination_2];
        let values = groups.into_iter().flatten();
        all.iter_mut().zip(values).for_each(|(to, value)| *to = *value);
        all
    }
}

#[derive(Default)]
pub(crate) struct TransactionFields<'de> {
    source: Option<Party>,
    destination: Option<Party>,
    leaves: [Option<Raw<'de>>; 7],
}

impl<'de> Fields<'de> for TransactionFields<'de> {
    type Output = Draft;
    const NAMES: &'static [&'static str] = &[
        "id",
        "type",
        "amount",
        "currency",
        "timestamp",
        "reference",
        "purpose",
        "source",
        "destination",
    ];

    fn value<A: MapAccess<'de>>(
        &mut self,
        index: usize,
        map: &mut A,
        at: &Place<'_>,
    ) -> Result<(), A::Error> {
        match index {
            7 => self.source = read_value::<Object<PartyFields>, A>(map, at)?.0,
            8 => self.destination = read_value::<Object<PartyFields>, A>(map, at)?.0,
            _ => self.leaves[index] = Some(read_value(map, at)?),
        }
        Ok(())
    }

    fn finish(self, at: &Place<'_>) -> Result<Draft, FactsError> {
        let [id, kind, amount, currency, timestamp, reference, purpose] = self.leaves;
        Ok(Draft {
            id: Fact::read(id, &at.key("id"))?,
            kind: Fact::read(kind, &at.key("type"))?,
            amount: money_if_any(amount, currency, at)?,
            timestamp: Fact::read(timestamp, &at.key("timestamp"))?,
            reference: Fact::read(reference, &at.key("reference"))?,
            purpose: Fact::read(purpose, &at.key("purpose"))?,
            source: self.source.unwrap_or_default(),
            destination: self.destination.unwrap_or_default(),
        })
    }
}
