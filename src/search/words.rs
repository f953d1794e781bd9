//! Words as people look for them: without case, accents or punctuation, and with a slip of the finger forgiven.
//!
//! The server and the browser find with the same code, so what is suggested first is also what is listed first.

use std::collections::HashMap;
use std::str::Chars;

/// Nobody looks for more than this; what goes beyond is not read.
const CHARS_MAX: usize = 200;
const WORDS_MAX: usize = 16;
/// Shorter words are within nearly everything, or a slip away from it.
const WITHIN_LEAST: usize = 3;
const WHOLE_SLIP_LEAST: usize = 4;
const BEGUN_SLIP_LEAST: usize = 6;
/// From so many letters on two slips are forgiven.
const TWO_SLIPS_LEAST: usize = 8;

/// What one thing is found by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// What it is called: its name, its id, its aliases.
    pub names: Vec<String>,
    /// What is said of it besides.
    pub rest: String,
}

/// Every word of many texts, each looked at once whatever the number of texts that have it.
#[derive(Clone, Debug, Default)]
pub struct Words {
    vocabulary: Vec<Word>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Word {
    text: String,
    letters: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Each name in one piece, so that `gpt4` is found in `GPT-4`.
    names: Vec<Word>,
    /// Places in the vocabulary, and whether the word is part of a name.
    words: Vec<(usize, bool)>,
}

/// How a word that is looked for stands to one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    None,
    Slip,
    Within,
    Begins,
    Is,
}

impl Words {
    pub fn of(texts: impl Iterator<Item = Text>) -> Self {
        let (mut places, mut words) = (HashMap::new(), Self::default());
        for text in texts {
            let mut entry = Entry { names: Vec::new(), words: Vec::new() };
            for name in &text.names {
                let parts = split(name);
                entry.names.push(Word::new(parts.concat()));
                words.note(parts, true, &mut places, &mut entry);
            }
            words.note(split(&text.rest), false, &mut places, &mut entry);
            words.entries.push(entry);
        }
        words
    }

    fn note(
        &mut self,
        parts: Vec<String>,
        in_name: bool,
        places: &mut HashMap<String, usize>,
        entry: &mut Entry,
    ) {
        for part in parts {
            let next = self.vocabulary.len();
            let place = *places.entry(part).or_insert_with_key(|part| {
                self.vocabulary.push(Word::new(part.clone()));
                next
            });
            // Names come first, and what stands in a name counts as that.
            if entry.words.iter().all(|(known, _)| *known != place) {
                entry.words.push((place, in_name));
            }
        }
    }

    /// Whatever has all the words, or is called nearly so in one piece, with points for how well. Not in order of points.
    pub fn find(&self, q: &str) -> Vec<(usize, u32)> {
        let wanted: Vec<Word> = sought(q).into_iter().map(Word::new).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let likenesses: Vec<Vec<Likeness>> = wanted
            .iter()
            .map(|wanted| self.vocabulary.iter().map(|word| likeness(wanted, word)).collect())
            .collect();
        let whole = Word::new(wanted.iter().map(|word| word.text.as_str()).collect());
        let points = |entry: &Entry| {
            let by_words = by_words(entry, &likenesses);
            let by_name = entry.names.iter().map(|name| by_name(&whole, name)).max().unwrap_or_default();
            (by_words > 0 || by_name > 0).then_some(by_words + by_name)
        };
        let entries = self.entries.iter().enumerate();
        entries.filter_map(|(at, entry)| points(entry).map(|points| (at, points))).collect()
    }
}

impl Word {
    fn new(text: String) -> Self {
        let letters = text.chars().fold(0, |letters, letter| letters | 1 << (u32::from(letter) % u64::BITS));
        Self { text, letters }
    }

    /// Whether so many slips can make it of the other: each brings in one letter at most. A quick no spares a long look.
    fn may_be(&self, other: &Self, slips: u8) -> bool {
        (self.letters & !other.letters).count_ones() <= u32::from(slips)
    }
}

/// The words of a search, whatever it is. A text of signs alone has none.
fn sought(q: &str) -> Vec<String> {
    let read = q.char_indices().nth(CHARS_MAX).and_then(|(end, _)| q.get(..end)).unwrap_or(q);
    let mut words = split(read);
    words.truncate(WORDS_MAX);
    words
}

/// Nothing unless each word that is looked for is there.
fn by_words(entry: &Entry, likenesses: &[Vec<Likeness>]) -> u32 {
    let mut sum = 0;
    for of in likenesses {
        let likeness = |place: &usize| of.get(*place).copied().unwrap_or(Likeness::None);
        let best = entry.words.iter().map(|(place, in_name)| points(likeness(place), *in_name)).max();
        match best.unwrap_or_default() {
            0 => return 0,
            best => sum += best,
        }
    }
    sum
}

/// The least that counts in a name counts more than the most that counts elsewhere.
fn points(likeness: Likeness, in_name: bool) -> u32 {
    match (likeness, in_name) {
        (Likeness::None, _) => 0,
        (Likeness::Slip, true) => 10,
        (Likeness::Within, true) => 20,
        (Likeness::Begins, true) => 30,
        (Likeness::Is, true) => 40,
        (Likeness::Slip, false) => 2,
        (Likeness::Within, false) => 4,
        (Likeness::Begins, false) => 5,
        (Likeness::Is, false) => 6,
    }
}

/// All that is looked for against a whole name, both in one piece. Sixteen words come to less than a beginning.
fn by_name(whole: &Word, name: &Word) -> u32 {
    let slips = u8::from(whole.text.len() >= WHOLE_SLIP_LEAST);
    if !whole.may_be(name, slips) {
        return 0;
    }
    let (whole, name) = (whole.text.as_str(), name.text.as_str());
    if name == whole {
        2_000
    } else if name.starts_with(whole) {
        1_000
    } else if whole.len() >= WITHIN_LEAST && name.contains(whole) {
        100
    } else if slips > 0 && is_near(whole.chars(), name.chars(), slips, false) {
        60
    } else if whole.len() >= BEGUN_SLIP_LEAST && is_near(whole.chars(), name.chars(), slips, true) {
        30
    } else {
        0
    }
}

fn likeness(wanted: &Word, word: &Word) -> Likeness {
    let is_number = wanted.text.bytes().all(|byte| byte.is_ascii_digit());
    let slips = match wanted.text.len() {
        // Another number is no slip of the finger.
        _ if is_number => 0,
        0..WITHIN_LEAST => 0,
        WITHIN_LEAST..TWO_SLIPS_LEAST => 1,
        _ => 2,
    };
    if !wanted.may_be(word, slips) {
        return Likeness::None;
    }
    let (wanted, word) = (wanted.text.as_str(), word.text.as_str());
    if word == wanted {
        Likeness::Is
    } else if word.starts_with(wanted) {
        Likeness::Begins
    } else if wanted.len() >= WITHIN_LEAST && word.contains(wanted) {
        Likeness::Within
    } else if slips > 0 && is_near(wanted.chars(), word.chars(), slips, wanted.len() >= WHOLE_SLIP_LEAST) {
        Likeness::Slip
    } else {
        Likeness::None
    }
}

/// Whether one word becomes the other by at most so many slips: a letter wrong, missing, too many, or two changed about.
/// Somebody may still be typing it: then the other need only begin so.
fn is_near(mut one: Chars, mut other: Chars, slips: u8, begins: bool) -> bool {
    loop {
        let (from_one, from_other) = (one.clone(), other.clone());
        match (one.next(), other.next()) {
            (None, None) => return true,
            (None, Some(_)) if begins => return true,
            (a, b) if a == b => {}
            _ if slips == 0 => return false,
            (a, b) => {
                let slips = slips - 1;
                return is_near(one.clone(), other.clone(), slips, begins)
                    || is_near(one.clone(), from_other, slips, begins)
                    || is_near(from_one, other.clone(), slips, begins)
                    || (one.next() == b && other.next() == a && is_near(one, other, slips, begins));
            }
        }
    }
}

/// The words of a text: runs of letters and digits.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    for sign in text.chars().chain([' ']) {
        match plain(sign) {
            // Accents that stand on their own belong to the letter before them.
            _ if matches!(sign, '\u{300}'..='\u{36f}') => {}
            Some(letter) => word.push(letter),
            None if word.is_empty() => {}
            None => words.push(std::mem::take(&mut word)),
        }
    }
    words
}

/// A letter in small and without its accent, or a digit; `None` for every other sign. The tables that know this of all
/// scripts are too long for the browser: what is not told apart here counts as a letter.
fn plain(sign: char) -> Option<char> {
    let letter = match sign {
        '\0'..='\u{7f}' if sign.is_ascii_alphanumeric() => sign.to_ascii_lowercase(),
        // Signs, punctuation, arrows, drawings and emoji.
        '\0'..='\u{bf}' | '×' | '÷' | '\u{2000}'..='\u{2bff}' | '\u{3000}'..='\u{303f}' => return None,
        '\u{fe00}'..='\u{fe0f}' | '\u{fffd}' | '\u{1f000}'..='\u{1faff}' => return None,
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => 'a',
        'Ç' | 'ç' | 'Ć'..='č' => 'c',
        'Ď'..='đ' => 'd',
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => 'e',
        'Ĝ'..='ģ' => 'g',
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => 'i',
        'Ĺ'..='ł' => 'l',
        'Ñ' | 'ñ' | 'Ń'..='ň' => 'n',
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => 'o',
        'Ŕ'..='ř' => 'r',
        'ß' | 'ẞ' | 'Ś'..='š' => 's',
        'Ţ'..='ŧ' => 't',
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => 'u',
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => 'y',
        'Ź'..='ž' => 'z',
        // Greek and Cyrillic have their small letters so far behind the large ones.
        'Α'..='Ω' | 'А'..='Я' => char::from_u32(u32::from(sign) + 32).unwrap_or(sign),
        other => other,
    };
    Some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: &str, other: &str, slips: u8) -> bool {
        is_near(one.chars(), other.chars(), slips, false)
    }

    #[test]
    fn one_slip_of_each_sort_is_forgiven_and_two_are_not() {
        for slip in ["mistrl", "misttral", "mistrel", "mistrla", "istral", "mistra", "mistralx"] {
            assert!(near(slip, "mistral", 1), "{slip}");
            assert!(!near(slip, "mistral", 0), "{slip}");
        }
        for slips in ["mistll", "imstrla", "mstrl", "mistralxy"] {
            assert!(!near(slips, "mistral", 1) && near(slips, "mistral", 2), "{slips}");
        }
        assert!(
            is_near("calu".chars(), "claude".chars(), 1, true),
            "half typed, and the slip is in it already"
        );
    }

    #[test]
    fn words_are_read_without_case_accents_and_signs() {
        assert_eq!(split("Émile's GPT-4.5, ÀÇÑ e\u{301}"), ["emile", "s", "gpt", "4", "5", "acn", "e"]);
        assert!(split("💰 ?!… —").is_empty());
        assert_eq!(split("עברית 模型、ЯНДЕКС"), ["עברית", "模型", "яндекс"]);
        assert!(split("Łódź ÉŸĞİß").iter().eq(["lodz", "eygis"]));
    }
}
