//! What stands behind the question mark, read as forms write it, and written as both sides of the wire do.

use std::fmt::Write;

/// Names and values in their order. A name may come more than once.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

const PAIRS_MAX: usize = 100;
/// Nothing that is looked for is longer, nor what a form was told.
const VALUE_CHARS_MAX: usize = 2_000;

impl Query {
    pub fn parse(text: &str) -> Self {
        let pairs = text.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (plain(name), plain(value).chars().map(shown).take(VALUE_CHARS_MAX).collect())
        };
        Self(pairs.take(PAIRS_MAX).map(read).collect())
    }

    /// The first value of a name, trimmed; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        let first = self.0.iter().find(|(of, _)| of == name);
        first.map(|(_, value)| value.trim()).unwrap_or_default()
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// What only steers a terminal, or turns what stands around it the other way, is told as a sign that is none.
fn shown(sign: char) -> char {
    let turns = ('\u{202a}'..='\u{202e}').contains(&sign) || ('\u{2066}'..='\u{2069}').contains(&sign);
    if turns || (sign.is_control() && !sign.is_whitespace()) { char::REPLACEMENT_CHARACTER } else { sign }
}

/// Percent-encoding that is the same on both sides of the wire; the router's own differs.
pub fn escape(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/:,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// Undoes what forms do to a text. What is no escape stays as it is, and what is no text becomes question marks.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let escaped = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                plain.push(escaped);
                at += 3;
            }
            None => {
                plain.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_a_form_writes_them() {
        let query = Query::parse("?models=a%2Fb%2Cc&models=gpt+5&q=%F0%9F%92%B0&empty=&bare&odd=%zz%4");
        assert_eq!(query.all("models").collect::<Vec<_>>(), ["a/b,c", "gpt 5"]);
        assert_eq!([query.text("q"), query.text("empty"), query.text("bare")], ["💰", "", ""]);
        assert_eq!((query.text("odd"), query.text("absent")), ("%zz%4", ""));
    }

    #[test]
    fn signs_that_only_steer_do_not_and_letters_of_every_script_stay() {
        let query = Query::parse("q=a%00b%E2%80%AEc%0A%D9%85%D8%B1");
        assert_eq!(query.text("q"), "a\u{fffd}b\u{fffd}c\n\u{645}\u{631}");
    }

    #[test]
    fn absurd_queries_are_cut_and_read_all_the_same() {
        let long = format!("q={}", "é".repeat(100_000));
        assert_eq!(Query::parse(&long).text("q").chars().count(), VALUE_CHARS_MAX);
        assert_eq!(Query::parse(&"a=b&".repeat(100_000)).all("a").count(), PAIRS_MAX);
        assert!(Query::parse("").0.is_empty() && Query::parse("?").0.is_empty());
    }
}
