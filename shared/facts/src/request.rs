//! The caller's request, typed (ABI.md, section 6). `parse_body` is the only way in: what comes
//! out has known codes, exact amounts, bounded texts. It must never ignore a key that it does not
//! know, except inside `metadata`, and never read an embedded message: that is another crate's.

use std::borrow::Cow;

use serde::de::{Deserializer, MapAccess};

use crate::error::shown;
use crate::json::{Fields, Place, Raw, Read, read_document, read_list, read_object, read_value};
use crate::leaf::{
    code_if_any, count_if_any, embedded, metadata, missing, money, nonce, parsed, parsed_if_any,
    required, salt, text,
};
use crate::transaction::TransactionFields;
use crate::{
    Country, Direction, Domain, Draft, ErrorKind, FactsError, HISTORY_ROWS_MAX, Jurisdiction,
    MessageFormat, Millis, Money, REQUEST_BYTES_MAX, SCOPE_NAMES_MAX, TEXT_BYTES_MAX, Transaction,
    TransactionType,
};

/// What a caller asks to have evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The transaction.
    pub transaction: Transaction,
    /// Whose rules to apply: sorted, unique, at least one.
    pub jurisdictions: Vec<Jurisdiction>,
    /// Which rules to apply: sorted, unique, at least one.
    pub domains: Vec<Domain>,
    /// The time to evaluate at, when the caller gives one.
    pub as_of: Option<Millis>,
    /// The caller's nonce, 1 to 64 bytes.
    pub nonce: Option<Vec<u8>>,
    /// The salt to use, when the caller gives one.
    pub salt: Option<crypto::Salt>,
    /// The version of the rulebook to judge by, when the caller names one.
    pub rulebook_version: Option<u64>,
    /// Past transactions, in the caller's order.
    pub history: Vec<HistoryRow>,
}

/// One past transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryRow {
    /// When.
    pub timestamp: Millis,
    /// What it was (`type` in JSON).
    pub kind: TransactionType,
    /// How much.
    pub amount: Money,
    /// Which way.
    pub direction: Option<Direction>,
    /// The other side's account.
    pub counterparty: Option<String>,
    /// The other side's country.
    pub counterparty_country: Option<Country>,
}

/// A message that the body embeds, not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'de> {
    /// How it is written.
    pub format: MessageFormat,
    /// XML, or the JSON text of an object exactly as it stands in the body.
    pub source: Cow<'de, str>,
}

/// A body whose message was not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Body<'de> {
    /// The message, when there is one.
    pub message: Option<Message<'de>>,
    transaction: Draft,
    jurisdictions: Vec<Jurisdiction>,
    domains: Vec<Domain>,
    as_of: Option<Millis>,
    nonce: Option<Vec<u8>>,
    salt: Option<crypto::Salt>,
    rulebook_version: Option<u64>,
    history: Vec<HistoryRow>,
}

/// The caller's bytes as a request; the body embeds no message.
pub fn parse_request(body: &[u8]) -> Result<Request, FactsError> {
    let body = parse_body(body)?;
    if let Some(message) = &body.message {
        let (expected, hint) = ("a body without a message", "give the facts in `transaction`");
        let found = shown(message.format.as_str());
        let fault = FactsError::new(ErrorKind::Message, expected, found, hint);
        return Err(fault.at("message".to_owned()));
    }
    body.complete(Draft::default())
}

/// The caller's bytes, all but the message.
pub fn parse_body(body: &[u8]) -> Result<Body<'_>, FactsError> {
    if body.len() > REQUEST_BYTES_MAX {
        let expected = format!("at most {REQUEST_BYTES_MAX} bytes");
        let found = format!("{} bytes", body.len());
        return Err(FactsError::new(ErrorKind::BodyTooLarge, expected, found, "send less history"));
    }
    let text = str::from_utf8(body).map_err(|error| {
        let found = format!("an invalid byte at offset {}", error.valid_up_to());
        FactsError::new(ErrorKind::NotUtf8, "JSON in UTF-8", found, "encode the body as UTF-8")
    })?;
    read_document(text)
}

impl Body<'_> {
    /// What the body itself says of the transaction.
    pub fn transaction(&self) -> &Draft {
        &self.transaction
    }

    /// The request, with what the message says of the transaction.
    pub fn complete(mut self, message: Draft) -> Result<Request, FactsError> {
        self.transaction.merge(message)?;
        Ok(Request {
            transaction: self.transaction.complete()?,
            jurisdictions: self.jurisdictions,
            domains: self.domains,
            as_of: self.as_of,
            nonce: self.nonce,
            salt: self.salt,
            rulebook_version: self.rulebook_version,
            history: self.history,
        })
    }
}
impl<'de> Read<'de> for Body<'de> {
    fn read<D: Deserializer<'de>>(from: D, at: &Place<'_>) -> Result<Self, D::Error> {
        read_object::<BodyFields, D>(from, at)?.ok_or_else(|| at.stop(missing(at, true)))
    }
}

#[derive(Default)]
struct BodyFields<'de> {
    transaction: Option<Draft>,
    jurisdictions: Option<Vec<Raw<'de>>>,
    domains: Option<Vec<Raw<'de>>>,
    history: Vec<HistoryRow>,
    leaves: [Option<Raw<'de>>; 11],
}

impl<'de> Fields<'de> for BodyFields<'de> {
    type Output = Body<'de>;
    const NAMES: &'static [&'static str] = &[
        "transaction",
        "jurisdictions",
        "domains",
        "history",
        "as_of",
        "nonce",
        "salt",
        "metadata",
        "message",
        "format",
        "rulebook_version",
    ];

    fn value<A: MapAccess<'de>>(
        &mut self,
        index: usize,
        map: &mut A,
        at: &Place<'_>,
    ) -> Result<(), A::Error> {
        match index {
            0 => self.transaction = read_value::<Object<TransactionFields>, A>(map, at)?.0,
            1 => self.jurisdictions = read_value::<ScopeList, A>(map, at)?.0,
            2 => self.domains = read_value::<ScopeList, A>(map, at)?.0,
            3 => self.history = read_value::<History, A>(map, at)?.0,
            _ => self.leaves[index] = Some(read_value(map, at)?),
        }
        Ok(())
    }

    fn finish(self, at: &Place<'_>) -> Result<Body<'de>, FactsError> {
        let [_, _, _, _, as_of, nonce_text, salt_text, extra, message, format, version] =
            self.leaves;
        metadata(extra, &at.key("metadata"))?;
        let message = embedded(message, format, at)?;
        let transaction = match (self.transaction, &message) {
            (None, None) => return Err(missing(&at.key("transaction"), false)),
            (Some(draft), None) => draft.check().map(|()| draft)?,
            (draft, Some(_)) => draft.unwrap_or_default(),
        };
        Ok(Body {
            message,
            transaction,
            jurisdictions: scope(
                self.jurisdictions,
                &at.key("jurisdictions"),
                Jurisdiction::parse,
            )?,
            domains: scope(self.domains, &at.key("domains"), Domain::parse)?,
            as_of: parsed_if_any(as_of, &at.key("as_of"), Millis::parse)?,
            nonce: parsed_if_any(nonce_text, &at.key("nonce"), nonce)?,
            salt: parsed_if_any(salt_text, &at.key("salt"), salt)?,
            rulebook_version: count_if_any(version, &at.key("rulebook_version"))?,
            history: self.history,
        })
    }
}

#[derive(Default)]
struct RowFields<'de>([Option<Raw<'de>>; 7]);

impl<'de> Fields<'de> for RowFields<'de> {
    type Output = HistoryRow;
    const NAMES: &'static [&'static str] = &[
        "timestamp",
        "type",
        "amount",
        "currency",
        "direction",
        "counterparty",
        "counterparty_country",
    ];

    fn value<A: MapAccess<'de>>(
        &mut self,
        index: usize,
        map: &mut A,
        at: &Place<'_>,
    ) -> Result<(), A::Error> {
        self.0[index] = Some(read_value(map, at)?);
        Ok(())
    }

    fn finish(self, at: &Place<'_>) -> Result<HistoryRow, FactsError> {
        let [timestamp, kind, amount, currency, direction, counterparty, country] = self.0;
        let (timestamp_at, kind_at) = (at.key("timestamp"), at.key("type"));
        let country_at = at.key("counterparty_country");
        Ok(HistoryRow {
            timestamp: parsed(required(timestamp, &timestamp_at)?, &timestamp_at, Millis::parse)?,
            kind: parsed(required(kind, &kind_at)?, &kind_at, TransactionType::parse)?,
            amount: money(amount, currency, at)?,
            direction: parsed_if_any(direction, &at.key("direction"), Direction::parse)?,
            counterparty: text(counterparty, &at.key("counterparty"), TEXT_BYTES_MAX)?,
            counterparty_country: code_if_any(country, &country_at, Country::parse)?,
        })
    }
}

/// An object, or `None` for `null`.
pub(crate) struct Object<'de, F: Fields<'de>>(pub(crate) Option<F::Output>);

impl<'de, F: Fields<'de>> Read<'de> for Object<'de, F> {
    fn read<D: Deserializer<'de>>(from: D, at: &Place<'_>) -> Result<Self, D::Error> {
        read_object::<F, D>(from, at).map(Object)
    }
}

struct ScopeList<'de>(Option<Vec<Raw<'de>>>);

impl<'de> Read<'de> for ScopeList<'de> {
    fn read<D: Deserializer<'de>>(from: D, at: &Place<'_>) -> Result<Self, D::Error> {
        read_list(from, at, SCOPE_NAMES_MAX).map(ScopeList)
    }
}

struct History(Vec<HistoryRow>);

impl<'de> Read<'de> for History {
    fn read<D: Deserializer<'de>>(from: D, at: &Place<'_>) -> Result<Self, D::Error> {
        let rows = read_list(from, at, HISTORY_ROWS_MAX)?;
        Ok(History(rows.unwrap_or_default()))
    }
}

impl<'de> Read<'de> for HistoryRow {
    fn read<D: Deserializer<'de>>(from: D, at: &Place<'_>) -> Result<Self, D::Error> {
        read_object::<RowFields, D>(from, at)?.ok_or_else(|| at.stop(missing(at, true)))
    }
}

/// A list of names, sorted and unique.
fn scope<T: Ord>(
    names: Option<Vec<Raw<'_>>>,
    at: &Place<'_>,
    parse: fn(&str) -> Result<T, FactsError>,
) -> Result<Vec<T>, FactsError> {
    let names = names.ok_or_else(|| missing(at, false))?;
    let values = names.into_iter().enumerate();
    let values = values.map(|(index, name)| parsed(name, &at.index(index), parse));
    let mut values = values.collect::<Result<Vec<T>, _>>()?;
    values.sort_unstable();
    values.dedup();
    if values.is_empty() {
        let hint = "name at least one";
        let fault = FactsError::new(ErrorKind::Count, "1 to 16 names", "an empty list", hint);
        return Err(fault.at(at.path()));
    }
    Ok(values)
}
