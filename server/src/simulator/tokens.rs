//! What the simulator calls a token: what the vocabulary of OpenAI's newer models does, whoever is played.

/// Cuts a text into its tokens; put together again they are the text. A letter that takes several is not cut.
pub fn split(text: &str) -> Vec<&str> {
    let vocabulary = bpe_openai::o200k_base();
    let (mut pieces, mut from, mut to) = (Vec::new(), 0, 0);
    for token in vocabulary.encode(text) {
        to += vocabulary.bpe.token_len(token);
        if let Some(piece) = text.get(from..to) {
            pieces.push(piece);
            from = to;
        }
    }
    pieces
}

/// How many tokens a text has.
pub fn count(text: &str) -> u64 {
    split(text).len() as u64
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
        assert_eq!(split("a marketplace."), ["a", " marketplace", "."]);
        assert_eq!(split("Leuchtturmwärterin").len(), 7);
    }

    #[test]
    fn nothing_has_no_tokens() {
        assert_eq!(count(""), 0);
    }
}
