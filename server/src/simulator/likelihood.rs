//! How likely words were, as OpenAI tells it: made up, and always the same for the same word.

use serde_json::{Value, json};

/// What else might have stood in a word's place.
const OTHERS: [&str; 20] = [
    " the", " a", " of", ",", " and", ".", " to", " is", " in", " it", " that", " for", " as", " on",
    " with", " by", " at", " be", " or", " not",
];

/// Of each of these words, with so many of the likeliest in its place, itself included.
pub fn told(words: &[String], top: u64) -> Value {
    let content: Vec<Value> = words.iter().map(|word| of(word, top)).collect();
    json!({"content": content, "refusal": null})
}

fn of(word: &str, top: u64) -> Value {
    // The likeliest first, each a good deal less likely than the one before it.
    let thousandths = |place: u64| 1 + word.bytes().map(u64::from).sum::<u64>() % 600 + 2_000 * place;
    let others = OTHERS.iter().filter(|other| **other != word);
    let likeliest = std::iter::once(word).chain(others.copied()).zip(0..top);
    let mut told = one(word, thousandths(0));
    told["top_logprobs"] = likeliest.map(|(word, place)| one(word, thousandths(place))).collect();
    told
}

fn one(word: &str, thousandths: u64) -> Value {
    let logprob = -f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX)) / 1_000.0;
    json!({"token": word, "logprob": logprob, "bytes": word.as_bytes()})
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
