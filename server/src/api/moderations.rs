//! `POST /moderations`: whether something may be said, in OpenAI's shape. It is free of charge.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use engine::{Engine, Moderated, ModerationOrder};
use marketplace::fault::Fault;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::{ApiError, Family, rate};
use crate::auth::Asking;
use crate::openapi::shapes;

/// Whether texts or pictures may be said or shown, as a vendor judges. It is free of charge.
#[utoipa::path(post, path = "/moderations", tag = "Calls", request_body = shapes::ModerationRequest, responses((status = 200, body = shapes::Moderation)))]
pub async fn moderate(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(body): Body<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let order = parse(body).map_err(ApiError::openai)?;
    let Moderated { id, model, results, standing } =
        engine.moderate(&actor, order).await.map_err(ApiError::openai)?;
    let told =
        json!({ "id": format!("modr-{id}"), "model": model, "results": results, "usage": { "cost": 0 } });
    let mut answer = Json(told).into_response();
    rate::add_headers(answer.headers_mut(), Family::OpenAi, &standing);
    Ok(answer)
}

fn parse(mut body: Map<String, Value>) -> Result<ModerationOrder, Fault> {
    let model = match body.remove("model") {
        None | Some(Value::Null) => None,
        Some(Value::String(model)) => Some(model),
        Some(_) => return Err(Fault::invalid("model", "must be a string")),
    };
    let input = body.remove("input").unwrap_or_default();
    let bytes = match &input {
        Value::Null => return Err(Fault::invalid("input", "is missing")),
        Value::Array(items) if !items.is_empty() => items.iter().map(size).sum(),
        text => size(text),
    };
    let bytes = bytes.ok_or_else(|| {
        Fault::invalid(
            "input",
            "must be a text, a list of texts, or a list of parts of type text or image_url",
        )
    })?;
    Ok(ModerationOrder { model, input, bytes })
}

/// How long a text is, or one part of a message; nothing where it is neither.
fn size(item: &Value) -> Option<usize> {
    let text = match (item["type"].as_str(), item) {
        (_, Value::String(text)) => text.as_str(),
        (Some("text"), part) => part["text"].as_str()?,
        // What a picture counts as nobody tells; its address is read.
        (Some("image_url"), part) => return part["image_url"]["url"].as_str().map(|_| 0),
        _ => return None,
    };
    (!text.is_empty()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(input: Value) -> Result<usize, Option<String>> {
        let body = json!({ "input": input });
        parse(body.as_object().unwrap().clone()).map(|order| order.bytes).map_err(|fault| fault.field)
    }

    #[test]
    fn texts_and_parts_are_read_and_nothing_else() {
        let url = json!({ "type": "image_url", "image_url": { "url": "https://example.org/a.png" } });
        for (input, bytes) in [
            (json!("abc"), 3),
            (json!(["abc", "de"]), 5),
            (json!([{ "type": "text", "text": "abcd" }, url]), 4),
        ] {
            assert_eq!(parsed(input.clone()), Ok(bytes), "{input}");
        }
        for input in [
            json!(null),
            json!(""),
            json!([]),
            json!([""]),
            json!(3),
            json!([[1, 2]]),
            json!({}),
            json!([{}]),
        ] {
            assert_eq!(parsed(input.clone()), Err(Some("input".to_owned())), "{input}");
        }
    }
}
