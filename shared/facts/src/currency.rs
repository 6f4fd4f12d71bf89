//! The active currencies of ISO 4217 with their decimal places. Funds codes that have a minor unit
//! are in; metals, units of account without one, `XTS` and `XXX` are not, because an amount in
//! them has no smallest unit to count. The table is data of the trusted core: it changes with a
//! release, never at run time.

use std::fmt;

use crate::error::shown;
use crate::{ErrorKind, FactsError};

/// An active ISO 4217 currency. Ordered as the codes are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

impl Currency {
    /// The currency of a code in capitals.
    pub fn parse(text: &str) -> Result<Self, FactsError> {
        find(text).ok_or_else(|| {
            let capitals = text.to_ascii_uppercase();
            let remedy = match find(&capitals) {
                Some(_) => format!("write `{capitals}` in capitals"),
                None => "use the currency's three-letter code, such as USD".to_owned(),
            };
            FactsError::new(ErrorKind::Currency, "an active ISO 4217 code", shown(text), remedy)
        })
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        str::from_utf8(&self.code).expect("ASCII because the table is")
    }

    /// Decimal places of an amount.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }

    /// The code as the record holds it: first letter in the lowest byte.
    pub const fn packed(self) -> u32 {
        let [a, b, c] = self.code;
        u32::from_le_bytes([a, b, c, 0])
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
    let code: [u8; 3] = text.as_bytes().try_into().ok()?;
    let mut tables = CODES.iter();
    let found = tables.find(|(_, table)| table.as_chunks().0.binary_search(&code).is_ok());
    found.map(|(exponent, _)| Currency { code, exponent: *exponent })
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
