//! How likely words were, as OpenAI and Google tell it: made up, and always the same for the same word.

use std::iter;

use serde_json::{Value, json};

/// What else might have stood in a word's place.
const OTHERS: [&str; 20] = [
    " the", " a", " of", ",", " and", ".", " to", " is", " in", " it", " that", " for", " as", " on",
    " with", " by", " at", " be", " or", " not",
];

/// Of each of these words, with so many of the likeliest in its place, itself included.
pub fn told(words: &[String], top: u64) -> Value {
    let one =
        |(word, logprob): (&str, f64)| json!({"token": word, "logprob": logprob, "bytes": word.as_bytes()});
    let of = |word: &String| {
        let mut told = one(chosen(word));
        told["top_logprobs"] = likeliest(word, top).map(one).collect();
        told
    };
    json!({"content": words.iter().map(of).collect::<Vec<_>>(), "refusal": null})
}

/// The same as Google tells it.
pub fn told_by_google(words: &[String], top: u64) -> Value {
    let one = |(word, logprob): (&str, f64)| {
        let id: u32 = word.bytes().map(u32::from).sum();
        json!({"token": word, "tokenId": id, "logProbability": logprob})
    };
    let mut told =
        json!({"chosenCandidates": words.iter().map(|word| one(chosen(word))).collect::<Vec<_>>()});
    if top > 0 {
        let places =
            words.iter().map(|word| json!({"candidates": likeliest(word, top).map(one).collect::<Vec<_>>()}));
        told["topCandidates"] = places.collect();
    }
    told
}

fn chosen(word: &str) -> (&str, f64) {
    (word, logprob(word, 0))
}

/// The likeliest first, each a good deal less likely than the one before it.
fn likeliest(word: &str, top: u64) -> impl Iterator<Item = (&str, f64)> {
    let others = OTHERS.iter().copied().filter(move |other| *other != word);
    iter::once(word).chain(others).zip(0..top).map(move |(other, place)| (other, logprob(word, place)))
}

fn logprob(word: &str, place: u64) -> f64 {
    let thousandths = 1 + word.bytes().map(u64::from).sum::<u64>() % 600 + 2_000 * place;
    -f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX)) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_told_with_as_many_others_as_were_asked_for_and_is_the_likeliest_of_them() {
        let words = [" the".to_owned(), "Leuchtturm".to_owned()];
        let all = told(&words, 3);
        assert_eq!(all, told(&words, 3));
        for (word, told) in words.iter().zip(all["content"].as_array().unwrap()) {
            let top = told["top_logprobs"].as_array().unwrap();
            assert_eq!((&told["token"], top.len()), (&json!(word), 3));
            assert_eq!((&top[0]["token"], &top[0]["logprob"]), (&told["token"], &told["logprob"]));
            let likelihoods: Vec<f64> = top.iter().map(|one| one["logprob"].as_f64().unwrap()).collect();
            assert!(likelihoods.is_sorted_by(|more, less| more > less) && likelihoods[0] < 0.0);
        }
        assert_eq!(told(&words, 0)["content"][0]["top_logprobs"], json!([]));
    }
}
