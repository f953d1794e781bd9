//! What the simulator calls a token: a word, a part of a word or a single mark.

/// Letters in one token at most, counting the blank before them.
const LETTERS_MAX: usize = 6;

/// Cuts a text into its tokens; put together again they are the text.
pub fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(first_len(rest));
        pieces.push(piece);
        rest = left;
    }
    pieces
}

/// How many tokens a text has.
pub fn count(text: &str) -> u64 {
    split(text).len() as u64
}

fn first_len(text: &str) -> usize {
    let breaks = text.len() - text.trim_start_matches('\n').len();
    if breaks > 0 {
        return breaks;
    }
    let blank = usize::from(text.starts_with(' '));
    let word: usize = text[blank..]
        .chars()
        .take(LETTERS_MAX - blank)
        .take_while(|c| c.is_alphanumeric())
        .map(char::len_utf8)
        .sum();
    if word > 0 {
        return blank + word;
    }
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_put_together_are_the_text() {
        let text = "Löwen & tigers,\n\n  “überall”: fn main() {}\n👋🏽 日本語のテキスト ";
        assert_eq!(split(text).concat(), text);
    }

    #[test]
    fn long_words_are_several_tokens() {
        assert_eq!(split("a marketplace."), ["a", " marke", "tplace", "."]);
    }

    #[test]
    fn nothing_has_no_tokens() {
        assert_eq!(count(""), 0);
    }
}
