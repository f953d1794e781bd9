//! What the catalogue's keys are called on pages.

use marketplace::model::publisher_name;

/// An ability as a chip says it, most telling first.
pub const ABILITIES: [(&str, &str); 13] = [
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

/// Providers go by the same names as publishers, with three exceptions.
pub fn provider_name(provider: &str) -> String {
    match provider {
        "ollama" => "Ollama, on this machine".to_owned(),
        "tgi" => "TGI, on this machine".to_owned(),
        "together" => "Together AI".to_owned(),
        other => publisher_name(other),
    }
}
