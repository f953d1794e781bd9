//! How likely words were, from the shape of Google in that of OpenAI.

use serde_json::{Value, json};

use super::wire::{Likelihood, Likelihoods};

/// What is told of the words that were chosen, and nothing where nothing was.
pub fn told(likelihoods: Likelihoods) -> Option<Value> {
    let mut likeliest = likelihoods.top_candidates.into_iter().map(|top| top.candidates);
    let content = likelihoods.chosen_candidates.into_iter().map(|chosen| {
        let others = likeliest.next().unwrap_or_default();
        let mut word = one(chosen);
        word["top_logprobs"] = others.into_iter().map(one).collect();
        word
    });
    let content: Vec<Value> = content.collect();
    (!content.is_empty()).then(|| json!({"content": content, "refusal": null}))
}

fn one(word: Likelihood) -> Value {
    let bytes = if is_whole(&word.token) { Some(word.token.as_bytes()) } else { None };
    json!({"token": &word.token, "logprob": word.log_probability, "bytes": bytes})
}

/// Whether the text of a word is all there is of it. A piece of a letter is written as a byte by its number or as a
/// sign that stands for anything, and then its bytes are not known.
fn is_whole(token: &str) -> bool {
    let is_byte = token.len() == "<0xF0>".len() && token.starts_with("<0x") && token.ends_with('>');
    !is_byte && !token.contains(char::REPLACEMENT_CHARACTER)
}
