//! What a model can do, in the words other markets have for it.

use marketplace::model::Model;

/// What every chat takes is no ability of one of them.
const OF_EVERY_CHAT: [&str; 4] = ["max_tokens", "temperature", "top_p", "stop"];

/// Our word for an ability, and the parameters it is asked for with elsewhere.
const WORDS: [(&str, &[&str]); 4] = [
    ("tools", &["tool_choice"]),
    ("structured_output", &["structured_outputs", "response_format"]),
    ("reasoning", &["include_reasoning"]),
    ("logprobs", &["top_logprobs"]),
];

/// Our words and theirs: clients look for theirs before they offer tools or schemas.
pub fn told(model: &Model) -> Vec<&str> {
    let theirs =
        WORDS.iter().filter(|(ours, _)| model.can(ours)).flat_map(|(_, theirs)| theirs.iter().copied());
    model.abilities.iter().map(String::as_str).chain(theirs).collect()
}

/// Whether a model takes a parameter by either word.
pub fn takes(model: &Model, parameter: &str) -> bool {
    let ours =
        WORDS.iter().find(|(_, theirs)| theirs.contains(&parameter)).map_or(parameter, |(ours, _)| ours);
    OF_EVERY_CHAT.contains(&parameter) || model.abilities.iter().any(|known| known.eq_ignore_ascii_case(ours))
}
