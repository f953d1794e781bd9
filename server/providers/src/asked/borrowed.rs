//! Words that several vendors have taken over from OpenAI as they are.

use marketplace::chat::ChatRequest;
use serde::Serialize;
use serde_json::Value;

use super::{Function, given};

/// How the next word is chosen.
#[derive(Serialize)]
pub struct Sampling<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Value>,
}

impl<'a> Sampling<'a> {
    pub fn of(request: &'a ChatRequest) -> Self {
        let given = |field: &str| given(&request.options, field);
        Self {
            temperature: given("temperature"),
            seed: given("seed"),
            presence_penalty: given("presence_penalty"),
            frequency_penalty: given("frequency_penalty"),
        }
    }
}

/// A function that may be called. Its parameters are always said.
#[derive(Serialize)]
pub struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Declared<'a>,
}

#[derive(Serialize)]
struct Declared<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Value,
}

impl<'a> From<Function<'a>> for Tool<'a> {
    fn from(function: Function<'a>) -> Self {
        let parameters = function.schema();
        let Function { name, description, .. } = function;
        Self { kind: "function", function: Declared { name, description, parameters } }
    }
}
