//! What stands ready on an Ollama server: the list of its models, and what it says of each.

use marketplace::chat::Failure;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::dialect::Outgoing;
use crate::failure::{if_readable, malformed};
use crate::local::LocalModel;

/// Where the list is.
pub const TAGS: &str = "/api/tags";

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    #[serde(default)]
    digest: String,
    #[serde(default, deserialize_with = "if_readable")]
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "if_readable")]
    parameter_size: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default, deserialize_with = "if_readable")]
    model_info: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "if_readable")]
    capabilities: Option<Vec<String>>,
}

/// The models of a list, of which little is known yet.
pub fn decode_tags(body: &[u8]) -> Result<Vec<LocalModel>, Failure> {
    let tags: Tags =
        serde_json::from_slice(body).map_err(|_| malformed("the answer is not JSON of the tags shape"))?;
    let models = tags.models.into_iter().map(|tag| LocalModel {
        name: tag.name,
        revision: tag.digest,
        parameters_billion: tag.details.and_then(|details| billions(&details.parameter_size?)),
        context_tokens: None,
        capabilities: None,
    });
    Ok(models.collect())
}

/// The question what a model is.
pub fn encode_show(name: &str) -> Result<Outgoing, Failure> {
    Outgoing::json("/api/show", &json!({"model": name}))
}

/// The model with what its server says of it.
pub fn decode_show(model: LocalModel, body: &[u8]) -> Result<LocalModel, Failure> {
    let shown: Shown =
        serde_json::from_slice(body).map_err(|_| malformed("the answer is not JSON of the show shape"))?;
    // The length is told under the name of an architecture, and only the model says which that is.
    let facts = shown.model_info.unwrap_or_default();
    let architecture = facts.get("general.architecture").and_then(Value::as_str).unwrap_or_default();
    let context_tokens = facts.get(&format!("{architecture}.context_length")).and_then(Value::as_u64);
    Ok(LocalModel { context_tokens, capabilities: shown.capabilities, ..model })
}

/// `7B` as `7`, `137M` as `0.137`.
fn billions(size: &str) -> Option<String> {
    let is_number = |text: &str| text.parse::<f64>().is_ok_and(|number| number > 0.0);
    if let Some(number) = size.strip_suffix('B').filter(|number| is_number(number)) {
        return Some(number.to_owned());
    }
    let millions: u32 = size.strip_suffix('M')?.split('.').next()?.parse().ok()?;
    let text = format!("{}.{:03}", millions / 1_000, millions % 1_000);
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_billions() {
        let read = ["7B", "7.2B", "137M", "999.89M", "1500M", "big", "B", ""].map(billions);
        let expected = [Some("7"), Some("7.2"), Some("0.137"), Some("0.999"), Some("1.5"), None, None, None];
        assert_eq!(read.each_ref().map(Option::as_deref), expected);
    }

    #[test]
    fn an_old_server_says_little_of_a_model_and_that_is_enough() {
        let listed = decode_tags(br#"{"models": [{"name": "llama2:latest"}]}"#).unwrap().remove(0);
        let shown = decode_show(listed, br#"{"details": {}, "model_info": null}"#).unwrap();
        assert_eq!((shown.context_tokens, shown.capabilities), (None, None));
        for body in ["", "[]", "{}", r#"{"models": {}}"#, r#"{"error": "no"}"#] {
            assert!(decode_tags(body.as_bytes()).is_err(), "{body}");
        }
    }
}
