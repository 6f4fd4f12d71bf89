//! The active currencies of ISO 4217 and the larger digital tokens, with their decimals. Funds
//! codes that have a minor unit are in; metals, units of account without one, `XTS` and `XXX` are
//! not, because an amount in them has no smallest unit to count. The tables are data of the trusted
//! core: they change with a release, never at run time.

use std::fmt;

use crate::error::shown;
use crate::{ErrorKind, FactsError};

/// An active ISO 4217 currency or a digital token. Ordered as the codes are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 4],
    exponent: u8,
}

impl Currency {
    /// The currency of a code in capitals.
    pub fn parse(text: &str) -> Result<Self, FactsError> {
        find(text).ok_or_else(|| {
            let capitals = text.to_ascii_uppercase();
            let remedy = match find(&capitals) {
                Some(_) => format!("write `{capitals}` in capitals"),
                None => "use the currency's code, such as USD or USDC".to_owned(),
            };
            let expected = "an active ISO 4217 code or a listed digital token";
            FactsError::new(ErrorKind::Currency, expected, shown(text), remedy)
        })
    }

    /// The currency of a code as the record holds it.
    pub fn from_packed(packed: u32) -> Option<Self> {
        let currency = find(str::from_utf8(&packed.to_le_bytes()).ok()?.trim_end_matches('\0'))?;
        (currency.packed() == packed).then_some(currency)
    }

    /// Every currency once: those of ISO 4217, then the tokens.
    pub fn all() -> impl Iterator<Item = Currency> {
        let of_table = |(exponent, table): (u8, &'static [u8])| {
            let codes = table.as_chunks().0.iter();
            codes.map(move |&[a, b, c]| Currency { code: [a, b, c, 0], exponent })
        };
        let tokens = TOKENS.iter().map(|(code, exponent)| token(code, *exponent));
        CODES.into_iter().flat_map(of_table).chain(tokens)
    }

    /// The three or four letters.
    pub fn code(&self) -> &str {
        let code = str::from_utf8(&self.code).expect("ASCII because the tables are");
        code.trim_end_matches('\0')
    }

    /// Decimal places of an amount.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }

    /// The code as the record holds it: first letter in the lowest byte.
    pub const fn packed(self) -> u32 {
        u32::from_le_bytes(self.code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

fn find(text: &str) -> Option<Currency> {
    if let &[a, b, c] = text.as_bytes() {
        let mut tables = CODES.iter();
        let has = |table: &[u8]| table.as_chunks().0.binary_search(&[a, b, c]).is_ok();
        if let Some((exponent, _)) = tables.find(|(_, table)| has(table)) {
            return Some(Currency { code: [a, b, c, 0], exponent: *exponent });
        }
    }
    let index = TOKENS.binary_search_by_key(&text, |(code, _)| code).ok()?;
    let (code, exponent) = TOKENS[index];
    Some(token(code, exponent))
}

fn token(text: &str, exponent: u8) -> Currency {
    let mut code = [0; 4];
    code.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    Currency { code, exponent }
}

/// Decimal places, and the codes with so many: three letters each, sorted. From list one of the
/// ISO 4217 maintenance agency as seen on 2026-02-01.
pub(crate) const CODES: [(u8, &[u8]); 4] =
    [(2, TWO.as_bytes()), (0, ZERO.as_bytes()), (3, THREE.as_bytes()), (4, FOUR.as_bytes())];

const TWO: &str = "\
    AEDAFNALLAMDAOAARSAUDAWGAZNBAMBBDBDTBMDBNDBOBBOVBRLBSDBTNBWPBYNBZDCADCDFCHE\
    CHFCHWCNYCOPCOUCRCCUPCVECZKDKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGTQGYD\
    HKDHNLHTGHUFIDRILSINRIRRJMDKESKGSKHRKPWKYDKZTLAKLBPLKRLRDLSLMADMDLMGAMKDMMK\
    MNTMOPMRUMURMVRMWKMXNMXVMYRMZNNADNGNNIONOKNPRNZDPABPENPGKPHPPKRPLNQARRONRSD\
    RUBSARSBDSCRSDGSEKSGDSHPSLESOSSRDSSPSTNSVCSYPSZLTHBTJSTMTTOPTRYTTDTWDTZSUAH\
    USDUSNUYUUZSVEDVESWSTXADXCDXCGYERZARZMWZWG";

const ZERO: &str = "\
    BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPF";

const THREE: &str = "BHDIQDJODKWDLYDOMRTND";

const FOUR: &str = "CLFUYW";

/// Digital tokens with their decimal places, sorted: those of the protocol for a chain's own coin,
/// those of the issuer's Ethereum contract for a token (ABI.md, section 6).
pub(crate) const TOKENS: [(&str, u8); 24] = [
    ("ADA", 6),
    ("AVAX", 18),
    ("BCH", 8),
    ("BNB", 18),
    ("BTC", 8),
    ("DAI", 18),
    ("DASH", 8),
    ("DOGE", 8),
    ("DOT", 10),
    ("ETC", 18),
    ("ETH", 18),
    ("EURC", 6),
    ("LINK", 18),
    ("LTC", 8),
    ("POL", 18),
    ("SOL", 9),
    ("TON", 9),
    ("TRX", 6),
    ("USDC", 6),
    ("USDT", 6),
    ("XLM", 7),
    ("XMR", 12),
    ("XRP", 6),
    ("ZEC", 8),
];
