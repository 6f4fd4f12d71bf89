//! One side of a transaction, from one table of its facts: the struct, its reading, its values in
//! the order of the record's fields, and its merge with what a message says. It must never hold a
//! fact that the table of fields does not name.

use serde::de::MapAccess;

use crate::fact::{Fact, Value, merge};
use crate::json::{Fields, Place, Raw, read_value};
use crate::{Country, Date, FactsError, Millis, PartyKind, Pep, Risk};

macro_rules! party {
    ($count:literal { $($(#[$doc:meta])* $field:ident: $kind:ty,)* }) => {
        /// One side of a transaction. Texts are trimmed and never empty.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Party { $($(#[$doc])* pub $field: Option<$kind>,)* }

        impl Party {
            /// The names of its facts, in the order of the record's fields.
            pub const NAMES: [&'static str; $count] = [$(stringify!($field),)*];

            /// Its facts as the record holds them, in the order of the names.
            pub(crate) fn values(&self) -> [Option<Value<'_>>; $count] {
                [$(self.$field.as_ref().map(Fact::value),)*]
            }

            /// Takes what `other` says besides; nothing may be said twice and differently.
            pub(crate) fn merge(&mut self, other: Party, path: &str) -> Result<(), FactsError> {
                $(merge(&mut self.$field, other.$field, path, stringify!($field))?;)*
                Ok(())
            }
        }

        impl<'de> Fields<'de> for PartyFields<'de> {
            type Output = Party;
            const NAMES: &'static [&'static str] = &Party::NAMES;

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
                let [$($field,)*] = self.0;
                Ok(Party { $($field: Fact::read($field, &at.key(stringify!($field)))?,)* })
            }
        }
    };
}

/// The sources of a party's facts, in the order of the names.
#[derive(Default)]
pub(crate) struct PartyFields<'de>([Option<Raw<'de>>; Party::NAMES.len()]);

party! { 23 {
    /// Account identifier.
    account: String,
    /// Country of the account.
    country: Country,
    /// Name of the holder.
    name: String,
    /// Address of the holder.
    address: String,
    /// Institution that keeps the account.
    institution: String,
    /// The institution's identifier of the holder.
    customer_id: String,
    /// Person or organisation.
    kind: PartyKind,
    /// Day of birth.
    birth_date: Date,
    /// Place of birth.
    birth_place: String,
    /// Number of an official document of identity or registration.
    document: String,
    /// Legal entity identifier.
    lei: String,
    /// Address of a wallet on a distributed ledger.
    wallet: String,
    /// Country of the institution.
    institution_country: Country,
    /// Nationality of a person.
    nationality: Country,
    /// How exposed the party is politically.
    pep: Pep,
    /// How the institution rates the party.
    risk: Risk,
    /// Whether enhanced due diligence was done and approved.
    edd_approved: bool,
    /// Whether the owners behind an organisation are identified.
    owners_identified: bool,
    /// Where the party's funds come from.
    source_of_funds: String,
    /// When the identity was last verified.
    verified_at: Millis,
    /// When the relationship was last reviewed.
    reviewed_at: Millis,
    /// When the relationship began.
    relationship_since: Millis,
    /// When the party was last active before this transaction.
    last_activity: Millis,
} }
