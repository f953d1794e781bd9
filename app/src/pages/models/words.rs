//! What the catalogue's keys are called on pages.

use chrono::NaiveDate;
use marketplace::model::{Model, Status, publisher_name};

/// An ability as a chip says it, most telling first.
const ABILITIES: [(&str, &str); 13] = [
    ("tools", "tools"),
    ("vision", "sees images"),
    ("reasoning", "reasoning"),
    ("structured_output", "JSON schema"),
    ("audio_input", "hears audio"),
    ("pdf_input", "reads PDF"),
    ("web_search", "web search"),
    ("prompt_caching", "prompt cache"),
    ("image_input", "edits images"),
    ("parallel_tools", "parallel tools"),
    ("streaming", "streaming"),
    ("system_messages", "system messages"),
    ("assistant_prefill", "prefill"),
];

pub fn ability_name(ability: &str) -> String {
    let known = ABILITIES.iter().find(|(key, _)| *key == ability);
    known.map_or_else(|| ability.replace('_', " "), |(_, name)| (*name).to_owned())
}

/// A model's abilities by name, most telling first.
pub fn ability_names(abilities: &[String]) -> Vec<String> {
    let place = |ability: &String| ABILITIES.iter().position(|(key, _)| key == ability).unwrap_or(usize::MAX);
    let mut sorted: Vec<&String> = abilities.iter().collect();
    sorted.sort_by_key(|ability| place(ability));
    sorted.into_iter().map(|ability| ability_name(ability)).collect()
}

pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub fn kind_name(kind: &str) -> &str {
    match kind {
        "chat" => "Chat",
        "completion" => "Completion",
        "embedding" => "Embeddings",
        "image" => "Images",
        other => other,
    }
}

pub fn status_name(status: &str) -> &str {
    match status {
        "active" => "Current",
        "deprecated" => "Ending",
        "retired" => "Retired",
        "unlisted" => "No price list",
        other => other,
    }
}

/// Providers go by the same names as publishers, with two exceptions.
pub fn provider_name(provider: &str) -> String {
    match provider {
        "ollama" => "Ollama, on this machine".to_owned(),
        "together" => "Together AI".to_owned(),
        other => publisher_name(other),
    }
}

pub fn day(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

/// How a model's life stands, when that is worth a warning.
pub fn ending(model: &Model) -> Option<String> {
    match (model.status, model.retires) {
        (Status::Deprecated, Some(date)) => Some(format!("ends {}", day(date))),
        (Status::Deprecated, None) => Some("ending".to_owned()),
        (Status::Retired, _) => Some("retired".to_owned()),
        (Status::Active | Status::Unlisted, _) => None,
    }
}
