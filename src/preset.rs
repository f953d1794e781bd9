//! Settings of a call, saved under a short name, and how they complete a request that names them.
//!
//! What a request says itself stands; of the rest the preset decides, field by field. That is done before anything of the
//! request is read, so that what is held and charged is what the whole of both comes to.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::fault::Fault;

/// As many may be saved by one account.
pub const PRESETS_MAX: i32 = 100;
/// How long the settings of one may be, written as JSON.
pub const BYTES_MAX: usize = 16 * 1024;

/// What stands before the name of a preset where a model is named.
const IN_MODEL: &str = "@preset/";
const SLUG_LENGTH_MAX: usize = 64;

type Fields = Map<String, Value>;

/// The name of a preset: small letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = "email-copywriter"))]
#[serde(transparent)]
pub struct Slug(String);

/// What a preset says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub system_prompt: Option<String>,
    /// Fields of a chat, such as `model` and `temperature`.
    pub config: Fields,
}

/// Whose words a request is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Chat,
    Responses,
    Messages,
}

/// What kind of value a field has.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    Number,
    Count,
    /// A number, or one written as text.
    Dollars,
    /// One text or several.
    Stops,
    Object,
}

/// What a preset may say.
const FIELDS: [(&str, Kind); 17] = [
    ("model", Kind::Text),
    ("models", Kind::Texts),
    ("provider", Kind::Object),
    ("max_tokens", Kind::Count),
    ("max_cost", Kind::Dollars),
    ("reasoning", Kind::Object),
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("top_k", Kind::Number),
    ("top_a", Kind::Number),
    ("min_p", Kind::Number),
    ("frequency_penalty", Kind::Number),
    ("presence_penalty", Kind::Number),
    ("repetition_penalty", Kind::Number),
    ("seed", Kind::Number),
    ("stop", Kind::Stops),
    ("verbosity", Kind::Text),
];

impl Slug {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let begins_well = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        if text.len() > SLUG_LENGTH_MAX || !begins_well || !text.bytes().all(is_plain) {
            let problem = format!(
                "must be the name of one: 1 to {SLUG_LENGTH_MAX} small letters, digits, - and _, the first no sign"
            );
            return Err(Fault::invalid("preset", &problem));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Settings {
    /// What is to be saved. A field that means nothing here is refused: whoever relies on it must know.
    pub fn parse(system_prompt: Option<String>, mut config: Fields) -> Result<Self, Fault> {
        config.retain(|_, value| !value.is_null());
        for (field, value) in &config {
            let place = format!("config.{field}");
            let Some((_, kind)) = FIELDS.iter().find(|(known, _)| known == field) else {
                let known = FIELDS.map(|(known, _)| known).join(", ");
                return Err(Fault::invalid(&place, &format!("cannot be saved; what can is {known}")));
            };
            kind.check(value).map_err(|problem| Fault::invalid(&place, problem))?;
        }
        let names = config
            .get("model")
            .into_iter()
            .chain(config.get("models").and_then(Value::as_array).into_iter().flatten());
        if names.filter_map(Value::as_str).any(|name| name.contains(IN_MODEL)) {
            return Err(Fault::invalid("config.model", "must not name a preset"));
        }
        let settings = Self { system_prompt: system_prompt.filter(|prompt| !prompt.is_empty()), config };
        let whole = json!(settings);
        if holds_nul(&whole) {
            return Err(Fault::invalid("config", "must not contain NUL"));
        }
        if whole.to_string().len() > BYTES_MAX {
            let problem = format!("may have {BYTES_MAX} bytes at most, the system prompt included");
            return Err(Fault::invalid("config", &problem));
        }
        Ok(settings)
    }
}

impl Kind {
    fn check(self, value: &Value) -> Result<(), &'static str> {
        let all_text = |list: &[Value]| list.iter().all(Value::is_string);
        let (is_so, problem) = match (self, value) {
            (Self::Text, value) => (value.is_string(), "must be text"),
            (Self::Texts, Value::Array(list)) => (all_text(list), "must be a list of text"),
            (Self::Texts, _) => (false, "must be a list of text"),
            (Self::Number, value) => (value.is_number(), "must be a number"),
            (Self::Count, value) => {
                (value.as_u64().is_some_and(|count| count > 0), "must be a whole number of at least 1")
            }
            (Self::Dollars, value) => (value.is_number() || value.is_string(), "must be dollars"),
            (Self::Stops, Value::Array(list)) => (all_text(list), "must be text or a list of text"),
            (Self::Stops, value) => (value.is_string(), "must be text or a list of text"),
            (Self::Object, value) => (value.is_object(), "must be an object"),
        };
        if is_so { Ok(()) } else { Err(problem) }
    }
}

/// Takes the name of a preset out of a request, wherever it stands: in `preset`, as the model (`@preset/name`), or behind
/// one (`author/slug@preset/name`).
pub fn take_name(body: &mut Fields) -> Result<Option<Slug>, Fault> {
    let named = match body.remove("preset") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(Slug::parse(name.strip_prefix(IN_MODEL).unwrap_or(&name))?),
        Some(_) => return Err(Fault::invalid("preset", "must be the name of one")),
    };
    let Some((model, name)) =
        body.get("model").and_then(Value::as_str).and_then(|it| it.split_once(IN_MODEL))
    else {
        return Ok(named);
    };
    let behind = Slug::parse(name)?;
    if named.is_some_and(|named| named != behind) {
        return Err(Fault::invalid("preset", "is another one than the model names"));
    }
    let model = model.to_owned();
    if model.is_empty() {
        body.remove("model");
    } else {
        body.insert("model".to_owned(), Value::String(model));
    }
    Ok(Some(behind))
}

/// Adds to a request what it does not say itself.
pub fn complete(body: &mut Fields, slug: &Slug, settings: Settings, shape: Shape) -> Result<(), Fault> {
    let Settings { system_prompt, config } = settings;
    let new: Vec<(String, Value)> = config.into_iter().filter(|(field, _)| !says(body, field)).collect();
    for (field, value) in new {
        let (field, value) = shape.word(field, value);
        body.insert(field, value);
    }
    if !says(body, "model") && !says(body, "models") {
        return Err(Fault::invalid("model", &format!("is missing, and the preset {slug} names none")));
    }
    if let Some(prompt) = system_prompt {
        shape.instruct(body, prompt);
    }
    Ok(())
}

/// Whether a request says something itself, by any of the names it has.
fn says(body: &Fields, field: &str) -> bool {
    let names: &[&str] = match field {
        "max_tokens" => &["max_tokens", "max_completion_tokens", "max_output_tokens"],
        "reasoning" => &["reasoning", "reasoning_effort", "thinking"],
        "stop" => &["stop", "stop_sequences"],
        other => &[other],
    };
    let given = |fields: &Fields, name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    let effort =
        || body.get("output_config").and_then(Value::as_object).is_some_and(|it| given(it, "effort"));
    names.iter().any(|name| given(body, name)) || (field == "reasoning" && effort())
}

impl Shape {
    /// What a field is called here.
    fn word(self, field: String, value: Value) -> (String, Value) {
        match (self, field.as_str(), value) {
            (Self::Responses, "max_tokens", value) => ("max_output_tokens".to_owned(), value),
            (Self::Messages, "stop", Value::String(stop)) => ("stop_sequences".to_owned(), json!([stop])),
            (Self::Messages, "stop", value) => ("stop_sequences".to_owned(), value),
            (_, _, value) => (field, value),
        }
    }

    /// Puts a prompt before everything, unless the request has one of its own.
    fn instruct(self, body: &mut Fields, prompt: String) {
        let instructs = |said: &Value| ["system", "developer"].iter().any(|role| said["role"] == *role);
        let said = match self {
            Self::Chat => "messages",
            Self::Responses => "input",
            Self::Messages => "system",
        };
        let own = |field: &str| body.get(field).is_some_and(|value| !value.is_null());
        let has_own = match self {
            Self::Messages => own("system"),
            Self::Responses if own("instructions") => true,
            Self::Chat | Self::Responses => {
                body.get(said).and_then(Value::as_array).is_some_and(|all| all.iter().any(instructs))
            }
        };
        if has_own {
            return;
        }
        match self {
            Self::Chat => {
                if let Some(Value::Array(messages)) = body.get_mut("messages") {
                    messages.insert(0, json!({ "role": "system", "content": prompt }));
                }
            }
            Self::Responses => {
                body.insert("instructions".to_owned(), Value::String(prompt));
            }
            Self::Messages => {
                body.insert("system".to_owned(), Value::String(prompt));
            }
        }
    }
}

/// What the database cannot keep.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests;
