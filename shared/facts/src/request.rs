//! The caller's request, typed (ABI.md, section 6). `parse_request` is the only way in: what it
//! returns has known codes, exact amounts, bounded texts. It must never ignore a key that it does
//! not know, except inside `metadata`.

use serde::de::{Deserializer, MapAccess};

use crate::error::shown;
use crate::json::{Fields, Place, Raw, Read, read_document, read_list, read_object, read_value};
use crate::leaf::{
    code_if_any, metadata, missing, money, nonce, parsed, parsed_if_any, required, salt, text,
};
use crate::{
    ADDRESS_BYTES_MAX, Country, Direction, Domain, ErrorKind, FactsError, HISTORY_ROWS_MAX,
    Jurisdiction, Millis, Money, REQUEST_BYTES_MAX, SCOPE_NAMES_MAX, TEXT_BYTES_MAX,
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
    /// Past transactions, in the caller's order.
    pub history: Vec<HistoryRow>,
}

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
    /// Who pays.
    pub source: Party,
    /// Who is paid.
    pub destination: Party,
}

/// One side of a transaction. Texts are trimmed and never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Party {
    /// Account identifier.
    pub account: Option<String>,
    /// Country of the account.
    pub country: Option<Country>,
    /// Name of the holder.
    pub name: Option<String>,
    /// Address of the holder.
    pub address: Option<String>,
    /// Institution that keeps the account.
    pub institution: Option<String>,
    /// The institution's identifier of the holder.
    pub customer_id: Option<String>,
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

/// The caller's bytes as a request.
pub fn parse_request(body: &[u8]) -> Result<Request, FactsError> {
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

impl Party {
    /// Its texts, in the order of the record's fields.
    pub(crate) fn texts(&self) -> [Option<&str>; 5] {
        [&self.account, &self.name, &self.address, &self.institution, &self.customer_id]
            .map(|text| text.as_deref())
    }
}

impl<'de> Read<'de> for Request {
    fn read<D: Deserializer<'de>>(from: D, at: &Place<'_>) -> Result<Self, D::Error> {
        read_object::<BodyFields, D>(from, at)?.ok_or_else(|| at.stop(missing(at, true)))
    }
}

#[derive(Default)]
struct BodyFields<'de> {
    transaction: Option<Transaction>,
    jurisdictions: Option<Vec<Raw<'de>>>,
    domains: Option<Vec<Raw<'de>>>,
    history: Vec<HistoryRow>,
    leaves: [Option<Raw<'de>>; 8],
}

impl<'de> Fields<'de> for BodyFields<'de> {
    type Output = Request;
    const NAMES: &'static [&'static str] = &[
        "transaction",
        "jurisdictions",
        "domains",
        "history",
        "as_of",
        "nonce",
        "salt",
        "metadata",
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

    fn finish(self, at: &Place<'_>) -> Result<Request, FactsError> {
        let [_, _, _, _, as_of, nonce_text, salt_text, extra] = self.leaves;
        metadata(extra, &at.key("metadata"))?;
        let no_transaction = || missing(&at.key("transaction"), false);
        Ok(Request {
            transaction: self.transaction.ok_or_else(no_transaction)?,
            jurisdictions: scope(
                self.jurisdictions,
                &at.key("jurisdictions"),
                Jurisdiction::parse,
            )?,
            domains: scope(self.domains, &at.key("domains"), Domain::parse)?,
            as_of: parsed_if_any(as_of, &at.key("as_of"), Millis::parse)?,
            nonce: parsed_if_any(nonce_text, &at.key("nonce"), nonce)?,
            salt: parsed_if_any(salt_text, &at.key("salt"), salt)?,
            history: self.history,
        })
    }
}

#[derive(Default)]
struct TransactionFields<'de> {
    source: Option<Party>,
    destination: Option<Party>,
    leaves: [Option<Raw<'de>>; 5],
}

impl<'de> Fields<'de> for TransactionFields<'de> {
    type Output = Transaction;
    const NAMES: &'static [&'static str] =
        &["id", "type", "amount", "currency", "timestamp", "source", "destination"];

    fn value<A: MapAccess<'de>>(
        &mut self,
        index: usize,
        map: &mut A,
        at: &Place<'_>,
    ) -> Result<(), A::Error> {
        match index {
            5 => self.source = read_value::<Object<PartyFields>, A>(map, at)?.0,
            6 => self.destination = read_value::<Object<PartyFields>, A>(map, at)?.0,
            _ => self.leaves[index] = Some(read_value(map, at)?),
        }
        Ok(())
    }

    fn finish(self, at: &Place<'_>) -> Result<Transaction, FactsError> {
        let [id, kind, amount, currency, timestamp] = self.leaves;
        let (id_at, kind_at) = (at.key("id"), at.key("type"));
        let id = required(id, &id_at)?;
        let empty_id = || {
            let (hint, found) = ("give the transaction an id", shown(id.0));
            FactsError::new(ErrorKind::MissingField, "text that is not empty", found, hint)
                .at(id_at.path())
        };
        Ok(Transaction {
            id: text(Some(id), &id_at, TEXT_BYTES_MAX)?.ok_or_else(empty_id)?,
            kind: parsed(required(kind, &kind_at)?, &kind_at, TransactionType::parse)?,
            amount: money(amount, currency, at)?,
            timestamp: parsed_if_any(timestamp, &at.key("timestamp"), Millis::parse)?,
            source: self.source.unwrap_or_default(),
            destination: self.destination.unwrap_or_default(),
        })
    }
}

#[derive(Default)]
struct PartyFields<'de>([Option<Raw<'de>>; 6]);

impl<'de> Fields<'de> for PartyFields<'de> {
    type Output = Party;
    const NAMES: &'static [&'static str] =
        &["account", "country", "name", "address", "institution", "customer_id"];

    fn value<A: MapAccess<'de>>(
        &mut self,
        index: usize,
        map: &mut A,
        at: &Place<'_>,
    ) -> Result<(), A::Error> {
        self.0[index] = Some(read_value(map, at)?);
        Ok(())
    }

    fn finish(self, at: &Place<'_>) -> Result<Party, FactsError> {
        let [account, country, name, address, institution, customer_id] = self.0;
        let short = |value, key| text(value, &at.key(key), TEXT_BYTES_MAX);
        Ok(Party {
            account: short(account, "account")?,
            country: code_if_any(country, &at.key("country"), Country::parse)?,
            name: short(name, "name")?,
            address: text(address, &at.key("address"), ADDRESS_BYTES_MAX)?,
            institution: short(institution, "institution")?,
            customer_id: short(customer_id, "customer_id")?,
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
struct Object<'de, F: Fields<'de>>(Option<F::Output>);

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
