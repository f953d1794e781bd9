//! Judging what may be said, as OpenAI does it: by a few words, and always alike.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::dialect::{self, Ask, Refusal};
use super::openai::OpenAi;
use super::scenario::Scenario;
use super::truth::Entry;
use super::{Simulator, header, refuse, tokens};

/// What is judged, and a word that offends there.
const CATEGORIES: [(&str, &str); 13] = [
    ("harassment", "stupid"),
    ("harassment/threatening", "threaten"),
    ("hate", "despise"),
    ("hate/threatening", "exterminate"),
    ("illicit", "steal"),
    ("illicit/violent", "bomb"),
    ("self-harm", "hurt myself"),
    ("self-harm/intent", "kill myself"),
    ("self-harm/instructions", "overdose"),
    ("sexual", "naked"),
    ("sexual/minors", "underage"),
    ("violence", "kill"),
    ("violence/graphic", "blood"),
];

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    #[serde(default)]
    input: Value,
}

pub async fn moderate(
    State(simulator): State<Simulator>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let vendor = uri.path().split('/').nth(1).unwrap_or_default().to_owned();
    let mut entry = simulator.truth.begin(vendor, "moderation", header(&headers, "x-client-request-id"));
    entry.received(body.len());
    match understand(&headers, &body, &mut entry) {
        Ok((model, texts)) => {
            let results: Vec<Value> = texts.iter().map(|text| judgement(text)).collect();
            entry.complete();
            Json(json!({"id": format!("modr-{}", entry.reply_id()), "model": model, "results": results}))
                .into_response()
        }
        Err(refusal) => refuse::<OpenAi>(&refusal, entry),
    }
}

/// The model and what it is to judge, each by itself: parts of a message are judged together.
fn understand(headers: &HeaderMap, body: &[u8], entry: &mut Entry) -> Result<(String, Vec<String>), Refusal> {
    dialect::check_key(dialect::bearer(headers))?;
    let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
    let model = request.model.unwrap_or_else(|| "omni-moderation-latest".to_owned());
    let texts = match request.input {
        Value::String(text) => vec![text],
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        Value::Array(parts) => vec![parts.iter().filter_map(|part| part["text"].as_str()).collect()],
        _ => Vec::new(),
    };
    if texts.is_empty() {
        return Err(Refusal::invalid("input", "'input' is a required property"));
    }
    let question = texts.join("\n");
    let prompt_tokens = tokens::count(&question);
    let mut ask = Ask { model: model.clone(), question, prompt_tokens, ..Ask::default() };
    let scenario = Scenario::choose(header(headers, "x-simulate").as_deref(), &mut ask)?;
    entry.asked(&ask, scenario);
    match scenario {
        Scenario::Unauthorised => Err(Refusal::Unauthorised),
        Scenario::RateLimit => Err(Refusal::RateLimited),
        Scenario::ServerError => Err(Refusal::Broken),
        Scenario::Overloaded => Err(Refusal::Overloaded),
        _ => Ok((model, texts)),
    }
}

fn judgement(text: &str) -> Value {
    let text = text.to_lowercase();
    let (mut categories, mut scores, mut kinds) = (Map::new(), Map::new(), Map::new());
    for (category, word) in CATEGORIES {
        let offends = text.contains(word);
        categories.insert(category.to_owned(), json!(offends));
        scores.insert(category.to_owned(), json!(if offends { 0.93 } else { 0.000_31 }));
        kinds.insert(category.to_owned(), json!(["text"]));
    }
    let flagged = categories.values().any(|offends| *offends == true);
    json!({
        "flagged": flagged, "categories": categories, "category_scores": scores,
        "category_applied_input_types": kinds,
    })
}
