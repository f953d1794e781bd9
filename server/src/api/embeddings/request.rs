//! Reading what is to be put into vectors. Fields we do not know are no error.

use engine::{EmbeddingInputs, EmbeddingPurpose, EmbeddingRequest, Routing};
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::api::chat::request::take_model;
use crate::api::sale::{Terms, take_tokens};

#[derive(Debug)]
pub struct Wanted {
    pub model: ModelId,
    pub request: EmbeddingRequest,
    pub encoding: Encoding,
    pub terms: Terms,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Float,
    Base64,
}

pub fn parse(mut body: Map<String, Value>) -> Result<Wanted, Fault> {
    let model = take_model(&mut body)?;
    let input = body.remove("input").ok_or_else(|| Fault::invalid("input", "is missing"))?;
    let inputs = match serde_json::from_value(input) {
        Ok(Input::Text(text)) => EmbeddingInputs::Texts(vec![text]),
        Ok(Input::Texts(texts)) => EmbeddingInputs::Texts(texts),
        Ok(Input::Tokens(tokens)) => EmbeddingInputs::Tokens(vec![tokens]),
        Ok(Input::TokenLists(lists)) => EmbeddingInputs::Tokens(lists),
        Err(_) => return Err(Fault::invalid("input", "must be text, a list of texts, or lists of tokens")),
    };
    let encoding = match body.remove("encoding_format") {
        None | Some(Value::Null) => Encoding::Float,
        Some(word) if word == "float" => Encoding::Float,
        Some(word) if word == "base64" => Encoding::Base64,
        Some(_) => return Err(Fault::invalid("encoding_format", "must be float or base64")),
    };
    let dimensions = take_tokens(&mut body, "dimensions")?
        .map(|wanted| u32::try_from(wanted).map_err(|_| Fault::invalid("dimensions", "is too large")))
        .transpose()?;
    let purpose = match body.remove("input_type") {
        None | Some(Value::Null) => None,
        Some(word) if word == "search_document" || word == "document" => Some(EmbeddingPurpose::Document),
        Some(word) if word == "search_query" || word == "query" => Some(EmbeddingPurpose::Query),
        Some(_) => return Err(Fault::invalid("input_type", "must be search_document or search_query")),
    };
    let terms = Terms::take(&mut body, Routing::default())?;
    Ok(Wanted { model, request: EmbeddingRequest { inputs, dimensions, purpose }, encoding, terms })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(fields: Value) -> Result<Wanted, Fault> {
        let mut body = json!({"model": "openai/text-embedding-3-small", "input": "Hi"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        parse(body.as_object().unwrap().clone())
    }

    #[test]
    fn texts_and_tokens_are_told_apart() {
        for (input, expected) in [
            (json!("a"), EmbeddingInputs::Texts(vec!["a".to_owned()])),
            (json!(["a", "b"]), EmbeddingInputs::Texts(vec!["a".to_owned(), "b".to_owned()])),
            (json!([1, 2]), EmbeddingInputs::Tokens(vec![vec![1, 2]])),
            (json!([[1], [2, 3]]), EmbeddingInputs::Tokens(vec![vec![1], vec![2, 3]])),
        ] {
            assert_eq!(parsed(json!({"input": input})).unwrap().request.inputs, expected);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (field, value) in [
            ("model", json!(3)),
            ("input", json!({"text": "a"})),
            ("input", json!(["a", 1])),
            ("input", json!([-1])),
            ("input", json!(null)),
            ("encoding_format", json!("int8")),
            ("dimensions", json!(0)),
            ("dimensions", json!(1.5)),
            ("input_type", json!("poem")),
            ("max_cost", json!("much")),
        ] {
            let fault = parsed(json!({field: value.clone()})).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some(field), "{value}");
        }
        assert!(parsed(json!({"user": "me", "x_new": [1]})).is_ok());
    }
}
