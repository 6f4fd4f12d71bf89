//! The 249 country codes of ISO 3166-1 alpha-2. `UK`, which ISO reserves, is read as `GB`, so that
//! one country has one code; no other code is translated.

use std::fmt;

use crate::error::shown;
use crate::{ErrorKind, FactsError};

/// A country. Ordered as the codes are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of a code in capitals; `UK` is `GB`.
    pub fn parse(text: &str) -> Result<Self, FactsError> {
        find(text).ok_or_else(|| {
            let capitals = text.to_ascii_uppercase();
            let remedy = match find(&capitals) {
                Some(_) => format!("write `{capitals}` in capitals"),
                None => "use the country's two-letter code, such as US".to_owned(),
            };
            let expected = "an ISO 3166-1 alpha-2 code";
            FactsError::new(ErrorKind::Country, expected, shown(text), remedy)
        })
    }

    /// The two letters.
    pub fn code(&self) -> &str {
        str::from_utf8(&self.0).expect("ASCII because the table is")
    }

    /// The code as the record holds it: first letter in the lowest byte.
    pub const fn packed(self) -> u32 {
        let [a, b] = self.0;
        u32::from_le_bytes([a, b, 0, 0])
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

fn find(text: &str) -> Option<Country> {
    let code = if text == "UK" { *b"GB" } else { text.as_bytes().try_into().ok()? };
    CODES.as_bytes().as_chunks().0.binary_search(&code).is_ok().then_some(Country(code))
}

/// Two letters each, sorted.
pub(crate) const CODES: &str = "\
    ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCD\
    CFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGF\
    GGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN\
    KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA\
    NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI\
    SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI\
    VNVUWFWSYEYTZAZMZW";
