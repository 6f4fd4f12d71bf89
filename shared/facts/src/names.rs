//! The closed lists of names: jurisdictions, domains, transaction types, kinds of party and the
//! like. A name that is not listed is refused with the nearest one; nothing is matched loosely.

use std::fmt;

use crate::error::{shown, suggestion};
use crate::{ErrorKind, FactsError};

macro_rules! names {
    ($(#[$doc:meta])* $type:ident: $what:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $code:literal $name:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $type { $($(#[$variant_doc])* $variant = $code,)* }

        impl $type {
            /// All of them, in order.
            pub const ALL: &'static [$type] = &[$($type::$variant,)*];
            const NAMES: &'static [&'static str] = &[$($name,)*];
            /// All numbers with their names.
            pub const CODES: &'static [(u8, &'static str)] = &[$(($code, $name),)*];

            /// The number in the record.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The name as callers and formats write it.
            pub const fn as_str(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }

            /// The exact name, else an error with the nearest one.
            pub fn parse(text: &str) -> Result<Self, FactsError> {
                match text {
                    $($name => Ok($type::$variant),)*
                    _ => Err(FactsError::new(
                        ErrorKind::UnknownName, $what, shown(text), suggestion(text, Self::NAMES),
                    )),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// Whose rules apply. Ordered as the names are.
    Jurisdiction: "a jurisdiction (CA, EU, HK, SG, UK, US)" {
        /// Canada.
        Ca = 0 "CA",
        /// The European Union.
        Eu = 1 "EU",
        /// Hong Kong.
        Hk = 2 "HK",
        /// Singapore.
        Sg = 3 "SG",
        /// The United Kingdom.
        Uk = 4 "UK",
        /// The United States.
        Us = 5 "US",
    }
}

names! {
    /// What the rules are about. Ordered as the names are.
    Domain: "a domain (AML, KYC, PEP, SANCTIONS)" {
        /// Anti-money-laundering.
        Aml = 0 "AML",
        /// Know your customer.
        Kyc = 1 "KYC",
        /// Politically exposed persons.
        Pep = 2 "PEP",
        /// Sanctions.
        Sanctions = 3 "SANCTIONS",
    }
}

names! {
    /// Kinds of transactions (ABI.md, section 4). Ordered as their codes are.
    TransactionType: "a transaction type" {
        /// A wire transfer.
        WireTransfer = 1 "wire_transfer",
        /// Currency paid in.
        CashDeposit = 2 "cash_deposit",
        /// Currency paid out.
        CashWithdrawal = 3 "cash_withdrawal",
        /// Currency for currency.
        CurrencyExchange = 4 "currency_exchange",
        /// A payment by card.
        CardPayment = 5 "card_payment",
        /// A transfer through the ACH.
        AchTransfer = 6 "ach_transfer",
        /// A transfer within the institution.
        InternalTransfer = 7 "internal_transfer",
        /// A transfer of crypto-assets.
        CryptoTransfer = 8 "crypto_transfer",
        /// A check paid in.
        CheckDeposit = 9 "check_deposit",
        /// A check paid out.
        CheckPayment = 10 "check_payment",
        /// Anything else.
        Other = 11 "other",
    }
}

names! {
    /// Which way a past transaction went.
    Direction: "a direction (in, out)" {
        /// To the customer.
        In = 1 "in",
        /// From the customer.
        Out = 2 "out",
    }
}

names! {
    /// What a party is.
    PartyKind: "a kind of party (organisation, person)" {
        /// A natural person.
        Person = 1 "person",
        /// A company or another organisation.
        Organisation = 2 "organisation",
    }
}

names! {
    /// How exposed a party is politically, by the institution's own findings.
    Pep: "a PEP status (associate, domestic, family, foreign, former, international, none)" {
        /// Found not to be exposed.
        None = 1 "none",
        /// Holds a prominent function at home.
        Domestic = 2 "domestic",
        /// Holds a prominent function abroad.
        Foreign = 3 "foreign",
        /// Holds one in an international organisation.
        International = 4 "international",
        /// A family member of one who does.
        Family = 5 "family",
        /// A known close associate of one who does.
        Associate = 6 "associate",
        /// Held one in the past.
        Former = 7 "former",
    }
}

names! {
    /// How the institution rates a party.
    Risk: "a risk rating (high, low, medium)" {
        /// Low.
        Low = 1 "low",
        /// Medium.
        Medium = 2 "medium",
        /// High.
        High = 3 "high",
    }
}

names! {
    /// How an embedded message is written.
    MessageFormat: "a message format (iso20022-json, iso20022-xml, ivms101)" {
        /// ISO 20022 in XML, as a string.
        Iso20022Xml = 1 "iso20022-xml",
        /// ISO 20022 in JSON, as an object.
        Iso20022Json = 2 "iso20022-json",
        /// The travel rule's IVMS101, as an object.
        Ivms101 = 3 "ivms101",
    }
}
