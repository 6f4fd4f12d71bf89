//! Folding: from any script and case to comparable tokens. SCORING.md has the tables' reasons.
//! It must never depend on a locale, nor on anything but the text.

use crate::seen::plain_width;
use crate::{TOKEN_CHARS_MAX, TOKENS_MAX};

/// Base letters of U+00C0..U+0180, U+0180..U+0250 and U+1E00..U+1F00; `.` has none.
const LATIN: [(u32, &[u8]); 3] = [
    (
        0xC0,
        b"aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.y\
          aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkkllllll.\
          .llnnnnnn.nnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs",
    ),
    (
        0x180,
        b".b....o..dd...eaeff.g...kk......oo.............uu..yy...........\
          .............aaiioouuuuuuuuuueaaaa....ggkkoooo..j...gg..nnaa..oo\
          aaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............\
          ................",
    ),
    (
        0x1E00,
        b"aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm\
          mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv\
          wwwwwwwwwwxxxxyyzzzzzzhtwy.s....aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee\
          eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......",
    ),
];

/// Scripts with one contiguous, lower-case alphabet: first letter, transliterations, `-` for none.
const ALPHABETS: [(u32, &str); 4] = [
    (
        0x430,
        "a b v g d e zh z i i k l m n o p r s t u f kh ts ch sh shch - y - e yu ya \
         e e dj g e z i i j lj nj c k i u dz",
    ),
    (0x3B1, "a v g d e z i th i k l m n x o p r s s t y f kh ps o i y o y o"),
    (0x5D0, "a b g d h v z kh t y k k l m m n n s a p p ts ts k r sh t"),
    (0x10D0, "a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h"),
];

/// Letters outside of the tables, with their transliteration.
fn special(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' | 'ǽ' => "ae",
        'œ' | 'Œ' => "oe",
        'þ' | 'Þ' => "th",
        'ŋ' | 'Ŋ' => "n",
        'ĳ' | 'Ĳ' => "ij",
        'ə' | 'Ə' | 'ә' => "a",
        'ђ' => "dj",
        'қ' | 'ҡ' => "k",
        'ғ' | 'ґ' => "g",
        'ұ' | 'ү' => "u",
        'ө' | 'ό' | 'ώ' => "o",
        'ң' => "n",
        'һ' | 'ه' | 'ہ' | 'ھ' | 'ح' => "h",
        'ά' | 'ا' | 'أ' | 'آ' | 'ع' | 'ة' | 'ى' => "a",
        'έ' => "e",
        'ή' | 'ί' | 'ϊ' | 'ΐ' | 'ي' | 'ی' | 'إ' | 'ئ' | 'ے' => "i",
        'ύ' | 'ϋ' | 'ΰ' => "y",
        'ب' => "b",
        'ت' | 'ط' | 'ٹ' => "t",
        'ث' => "th",
        'ج' => "j",
        'خ' => "kh",
        'د' | 'ض' | 'ڈ' => "d",
        'ذ' => "dh",
        'ر' | 'ڑ' => "r",
        'ز' | 'ظ' => "z",
        'س' | 'ص' => "s",
        'ش' => "sh",
        'غ' => "gh",
        'ف' => "f",
        'ق' => "q",
        'ك' | 'ک' => "k",
        'ل' => "l",
        'م' => "m",
        'ن' | 'ں' => "n",
        'و' | 'ؤ' => "u",
        'پ' => "p",
        'چ' => "ch",
        'ژ' => "zh",
        'گ' => "g",
        // Apostrophes, hamza, marks above and below, joiners: nothing.
        '\'' | '’' | '‘' | '`' | 'ʼ' | 'ʻ' | '´' | 'ʹ' | '′' | 'ء' | 'ـ' => "",
        '\u{300}'..='\u{36F}' | '\u{64B}'..='\u{65F}' | '\u{670}' => "",
        '\u{591}'..='\u{5C7}' | '\u{200B}'..='\u{200F}' | '\u{FEFF}' => "",
        '&' => " and ",
        _ => return None,
    })
}

/// Splits into folded tokens: lower case, Latin where a table knows how, punctuation gone, and
/// initials that only dots part written together (`L.L.C.` is `llc`). The flag says that there
/// was more than [`TOKENS_MAX`] tokens or [`TOKEN_CHARS_MAX`] letters in one.
pub(crate) fn tokens(text: &str) -> (Vec<Vec<char>>, bool) {
    let mut splitter = Splitter::default();
    for letter in text.chars().map(plain_width) {
        if letter.is_ascii_alphanumeric() {
            splitter.push(letter.to_ascii_lowercase());
        } else if letter.is_ascii() && letter != '\'' && letter != '`' && letter != '&' {
            splitter.end(letter == '.');
        } else {
            letter.to_lowercase().for_each(|lower| splitter.fold(lower));
        }
    }
    splitter.end(false);
    (splitter.tokens, splitter.cut)
}

#[derive(Default)]
struct Splitter {
    tokens: Vec<Vec<char>>,
    token: Vec<char>,
    /// The last token is made of letters that dots part, and a dot was the last thing seen.
    dotted: bool,
    cut: bool,
}

impl Splitter {
    fn push(&mut self, letter: char) {
        if self.token.len() == TOKEN_CHARS_MAX {
            self.cut = true;
        } else {
            self.token.push(letter);
        }
    }

    fn fold(&mut self, letter: char) {
        let code = letter as u32;
        if let Some(text) = special(letter) {
            text.chars().for_each(|c| if c == ' ' { self.end(false) } else { self.push(c) });
            return;
        }
        for (first, table) in LATIN {
            let base = code.checked_sub(first).and_then(|at| table.get(at as usize));
            if let Some(base) = base.filter(|base| **base != b'.') {
                return self.push(char::from(*base));
            }
        }
        for (first, alphabet) in ALPHABETS {
            let at = code.checked_sub(first).filter(|at| *at < 0x60);
            if let Some(text) = at.and_then(|at| alphabet.split_whitespace().nth(at as usize)) {
                return text.chars().filter(|c| *c != '-').for_each(|c| self.push(c));
            }
        }
        if letter.is_alphanumeric() { self.push(letter) } else { self.end(false) }
    }

    fn end(&mut self, dot: bool) {
        if self.token.is_empty() {
            self.dotted &= dot;
            return;
        }
        let token = std::mem::take(&mut self.token);
        let single = token.len() == 1;
        if single && self.dotted {
            if let Some(last) = self.tokens.last_mut() {
                last.extend(token);
            }
        } else if self.tokens.len() == TOKENS_MAX {
            self.cut = true;
        } else {
            self.tokens.push(token);
        }
        self.dotted = single && dot;
    }
}

/// The tokens of Latin letters and digits in upper or lower case only, as OFAC's site sees them.
pub(crate) fn latin_tokens(text: &str) -> Vec<Vec<char>> {
    let plain: String = text
        .chars()
        .map(plain_width)
        .filter(|c| !matches!(c, '\'' | '’' | '‘' | '`'))
        .map(|c| if c.is_ascii() || (0xC0..0x250).contains(&(c as u32)) { c } else { ' ' })
        .map(|c| if c == '.' || c == '&' { ' ' } else { c })
        .collect();
    tokens(&plain).0
}

/// Joins tokens with one space.
pub(crate) fn join(tokens: &[Vec<char>]) -> Vec<char> {
    tokens.join(&' ')
}

/// Letter groups that different transliterations write differently, longest first, and the one
/// form they take.
const SOUNDS: [(&str, &str); 25] = [
    ("sch", "sh"),
    ("tch", "kh"),
    ("ph", "f"),
    ("ck", "k"),
    ("kh", "h"),
    ("gh", "g"),
    ("dh", "d"),
    ("th", "t"),
    ("zh", "j"),
    ("dj", "j"),
    ("ch", "kh"),
    ("oo", "u"),
    ("ou", "u"),
    ("ee", "i"),
    ("ie", "i"),
    ("iy", "i"),
    ("yy", "i"),
    ("ij", "i"),
    ("ej", "ei"),
    ("ey", "ei"),
    ("ay", "ai"),
    ("ts", "z"),
    ("tz", "z"),
    ("ce", "se"),
    ("ci", "si"),
];

/// The sound form: one spelling for what transliterations vary, doubled letters once.
pub(crate) fn sound(token: &[char]) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(token.len());
    let mut put = |letter: char| {
        if out.last() != Some(&letter) {
            out.push(letter);
        }
    };
    let mut at = 0;
    while let Some(&letter) = token.get(at) {
        let rest = &token[at..];
        let group = SOUNDS.iter().find(|(from, _)| {
            letter as u32 == u32::from(from.as_bytes()[0])
                && from.len() <= rest.len()
                && from.chars().zip(rest).all(|(a, b)| a == *b)
        });
        if let Some((from, to)) = group {
            to.chars().for_each(&mut put);
            at += from.len();
            continue;
        }
        match letter {
            'q' | 'c' => put('k'),
            'w' => put('v'),
            'y' => put('i'),
            'x' => ['k', 's'].into_iter().for_each(&mut put),
            other => put(other),
        }
        at += 1;
    }
    out
}

/// The consonant skeleton of a sound form; a first vowel is `*`.
pub(crate) fn skeleton(sound: &[char]) -> Vec<char> {
    let vowel = |c: &char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u');
    let mut out: Vec<char> = Vec::with_capacity(sound.len());
    for (at, letter) in sound.iter().enumerate() {
        let letter = if !vowel(letter) {
            *letter
        } else if at == 0 {
            '*'
        } else {
            continue;
        };
        if out.last() != Some(&letter) {
            out.push(letter);
        }
    }
    out
}
