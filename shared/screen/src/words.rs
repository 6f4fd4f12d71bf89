//! Words that say little about who is meant: legal forms, particles, titles, trade words; and
//! numbers, written in letters or Roman. It must never hold the name of a party.

/// What a token is, and so how much it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// An ordinary word of a name.
    Word,
    /// A single letter.
    Initial,
    /// Digits; must match.
    Number,
    /// A trade word, such as `bank`.
    Trade,
    /// `al`, `bin`, `von`, `of`.
    Particle,
    /// `dr`, `haji`, `mv`.
    Title,
    /// `ltd`, `gmbh`, `ooo`.
    Legal,
}

impl Class {
    /// Whether it can neither carry a hit nor forbid one.
    pub(crate) fn is_minor(self) -> bool {
        matches!(self, Class::Particle | Class::Title | Class::Legal)
    }
}

/// Legal forms of several words, and the short form.
pub(crate) const PHRASES: [(&[&str], &str); 13] = [
    (&["limited", "liability", "company"], "llc"),
    (&["open", "joint", "stock", "company"], "jsc"),
    (&["public", "joint", "stock", "company"], "jsc"),
    (&["closed", "joint", "stock", "company"], "jsc"),
    (&["joint", "stock", "company"], "jsc"),
    (&["joint", "stock"], "jsc"),
    (&["public", "limited", "company"], "plc"),
    (&["societatea", "cu", "raspundere", "limitata"], "srl"),
    (&["obshchestvo", "s", "ogranichennoi", "otvetstvennostyu"], "llc"),
    (&["aktsionernoe", "obshchestvo"], "jsc"),
    (&["sociedad", "anonima"], "sa"),
    (&["societe", "anonyme"], "sa"),
    (&["sp", "z", "o", "o"], "spzoo"),
];

/// The class of a folded word, other than numbers and initials.
pub(crate) fn class(word: &str) -> Class {
    match word {
        "al" | "el" | "ul" | "ud" | "bin" | "ibn" | "ben" | "bint" | "binti" | "abu" | "abou"
        | "de" | "da" | "di" | "do" | "du" | "del" | "della" | "der" | "den" | "van" | "von"
        | "zu" | "la" | "le" | "las" | "los" | "dos" | "das" | "und" | "of" | "the" | "for"
        | "and" | "et" | "na" | "ad" | "ar" | "an" | "ash" | "at" | "az" | "ur" | "um" | "bou"
        | "ould" | "wa" | "walad" | "y" | "e" => Class::Particle,
        "mr" | "mrs" | "ms" | "miss" | "dr" | "prof" | "sir" | "lord" | "sheikh" | "shaikh"
        | "shaykh" | "sheik" | "haji" | "hajji" | "hajj" | "mullah" | "mulla" | "maulavi"
        | "mawlawi" | "maulana" | "qari" | "sayyid" | "sayed" | "seyed" | "gen" | "general"
        | "col" | "colonel" | "capt" | "captain" | "major" | "president" | "prasident"
        | "prezident" | "his" | "excellency" | "hon" | "mv" | "mt" | "ss" => Class::Title,
        "ag" | "aktiengesellschaft" | "ltd" | "limited" | "ltda" | "llc" | "ooo" | "oao"
        | "ojsc" | "pjsc" | "pao" | "jsc" | "ao" | "zao" | "cjsc" | "gmbh" | "sa" | "sarl"
        | "srl" | "spa" | "bv" | "nv" | "plc" | "inc" | "incorporated" | "corp" | "corporation"
        | "co" | "company" | "kg" | "oy" | "ab" | "as" | "asa" | "aps" | "sp" | "spzoo" | "zoo"
        | "pte" | "pty" | "pvt" | "llp" | "lp" | "se" | "sas" | "sro" | "doo" | "kft" | "bvba"
        | "tov" | "fze" | "fzc" | "fzco" | "dmcc" | "est" | "establishment" | "pt" | "tbk"
        | "sdn" | "bhd" | "cv" | "eirl" | "sl" | "sau" | "kk" => Class::Legal,
        "bank" | "group" | "international" | "trading" | "shipping" | "holding" | "holdings"
        | "industries" | "industry" | "industrial" | "enterprise" | "enterprises" | "services"
        | "service" | "solutions" | "global" | "national" | "trust" | "fund" | "capital"
        | "partners" | "management" | "systems" | "technology" | "technologies" | "investment"
        | "investments" | "foundation" | "organization" | "organisation" | "center" | "centre"
        | "association" | "construction" | "engineering" | "commercial" | "business"
        | "financial" | "finance" | "development" | "maritime" | "lines" | "airlines"
        | "airways" | "aviation" | "petroleum" | "oil" | "energy" | "export" | "import"
        | "health" | "motor" | "motors" | "electronics" => Class::Trade,
        _ => Class::Word,
    }
}

/// One spelling for legal forms that differ by language or length only.
pub(crate) fn legal_form(word: &str) -> &str {
    match word {
        "aktiengesellschaft" => "ag",
        "limited" => "ltd",
        "incorporated" => "inc",
        "corporation" => "corp",
        "company" => "co",
        "ooo" => "llc",
        "oao" | "ojsc" | "pjsc" | "pao" | "ao" | "zao" | "cjsc" => "jsc",
        other => other,
    }
}

/// Digits of a number word or ordinal.
pub(crate) fn number(word: &str) -> Option<&'static str> {
    Some(match word {
        "one" | "first" | "1st" => "1",
        "two" | "second" | "2nd" => "2",
        "three" | "third" | "3rd" => "3",
        "four" | "fourth" | "4th" => "4",
        "five" | "fifth" | "5th" => "5",
        "six" | "sixth" | "6th" => "6",
        "seven" | "seventh" | "7th" => "7",
        "eight" | "eighth" | "8th" => "8",
        "nine" | "ninth" | "9th" => "9",
        "ten" | "tenth" | "10th" => "10",
        _ => return None,
    })
}

/// Digits of a Roman numeral of two letters or more, or `v`; no name is one.
pub(crate) fn roman(word: &str) -> Option<&'static str> {
    const NUMERALS: [(&str, &str); 20] = [
        ("ii", "2"),
        ("iii", "3"),
        ("iv", "4"),
        ("v", "5"),
        ("vi", "6"),
        ("vii", "7"),
        ("viii", "8"),
        ("ix", "9"),
        ("xi", "11"),
        ("xii", "12"),
        ("xiii", "13"),
        ("xiv", "14"),
        ("xv", "15"),
        ("xvi", "16"),
        ("xvii", "17"),
        ("xviii", "18"),
        ("xix", "19"),
        ("xx", "20"),
        ("xxi", "21"),
        ("xxx", "30"),
    ];
    NUMERALS.iter().find(|(numeral, _)| *numeral == word).map(|(_, digits)| *digits)
}
