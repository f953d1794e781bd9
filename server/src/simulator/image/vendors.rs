//! How each vendor is asked for pictures and how it answers.

use std::collections::HashMap;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Painter, Picture, Wanted};
use crate::simulator::dialect::{Dialect, Refusal};
use crate::simulator::truth::since_epoch;
use crate::simulator::{openai, tokens};

const SIDE: u32 = 1_024;
/// How many pixels of width and height make a shape of the second protocol.
const PIXELS: f64 = 1_048_576.0;

#[derive(Debug)]
pub struct OpenAi;
#[derive(Debug)]
pub struct StabilityV1;
#[derive(Debug)]
pub struct StabilityV2;

#[derive(Debug, Deserialize)]
struct Request {
    #[serde(default)]
    model: String,
    #[serde(default)]
    prompt: String,
    n: Option<u32>,
    size: Option<String>,
    quality: Option<String>,
    response_format: Option<String>,
}

impl Painter for OpenAi {
    const NAME: &'static str = "openai_images";

    fn read(_uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Wanted, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        let asks_for_base64 = request.response_format.as_deref() == Some("b64_json");
        match (is_by_token(&request.model), &request.response_format) {
            (true, Some(_)) => {
                return Err(Refusal::invalid("response_format", "Unknown parameter: 'response_format'."));
            }
            (false, _) if !asks_for_base64 => {
                return Err(Refusal::invalid("response_format", "The simulator stores no pictures."));
            }
            _ => {}
        }
        let sides = match &request.size {
            None => (SIDE, SIDE),
            Some(size) => {
                let sides = size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
                sides.ok_or_else(|| Refusal::invalid("size", "Invalid 'size'."))?
            }
        };
        Ok(Wanted {
            model: request.model,
            prompt: request.prompt,
            count: request.n.unwrap_or(1),
            width: sides.0,
            height: sides.1,
            seed: None,
            quality: request.quality,
        })
    }

    fn write(_wanted: &Wanted, pictures: &[Picture], usage: Option<&Value>) -> Value {
        let data: Vec<Value> =
            pictures.iter().map(|picture| json!({"b64_json": STANDARD.encode(&picture.png)})).collect();
        let mut body = json!({"created": since_epoch().as_secs(), "data": data});
        if let Some(usage) = usage {
            body["usage"] = usage.clone();
        }
        body
    }

    /// More for finer and for larger pictures.
    fn usage(wanted: &Wanted) -> Option<Value> {
        if !is_by_token(&wanted.model) {
            return None;
        }
        let square: u64 = match wanted.quality.as_deref() {
            Some("low") => 272,
            Some("high") => 4_160,
            _ => 1_056,
        };
        let each = if wanted.width == wanted.height { square } else { square + square / 2 };
        let (input, output) = (tokens::count(&wanted.prompt), each * u64::from(wanted.count));
        Some(json!({
            "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
            "input_tokens_details": {"text_tokens": input, "image_tokens": 0},
        }))
    }

    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value) {
        openai::OpenAi::refuse(refusal, request_id)
    }
}

fn is_by_token(model: &str) -> bool {
    model.starts_with("gpt-image")
}

#[derive(Debug, Deserialize)]
struct TextToImage {
    text_prompts: Vec<Prompt>,
    samples: Option<u32>,
    width: Option<u32>,
    height: Option<u32>,
    seed: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Prompt {
    text: String,
}

impl Painter for StabilityV1 {
    const NAME: &'static str = "stability_v1_image";

    /// The model stands in the path.
    fn read(uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Wanted, Refusal> {
        let request: TextToImage =
            serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        let model = uri.path().rsplit('/').nth(1).unwrap_or_default().to_owned();
        let prompt = request.text_prompts.into_iter().next().map(|prompt| prompt.text).unwrap_or_default();
        Ok(Wanted {
            model,
            prompt,
            count: request.samples.unwrap_or(1),
            width: request.width.unwrap_or(SIDE),
            height: request.height.unwrap_or(SIDE),
            seed: request.seed,
            quality: None,
        })
    }

    fn write(_wanted: &Wanted, pictures: &[Picture], _usage: Option<&Value>) -> Value {
        let artifact = |picture: &Picture| json!({"base64": STANDARD.encode(&picture.png), "seed": picture.seed, "finishReason": "SUCCESS"});
        json!({"artifacts": pictures.iter().map(artifact).collect::<Vec<_>>()})
    }

    fn usage(_wanted: &Wanted) -> Option<Value> {
        None
    }

    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value) {
        let (status, name, message) = refused(refusal);
        (status, json!({"id": request_id, "name": name, "message": message}))
    }
}

impl Painter for StabilityV2 {
    const NAME: &'static str = "stability_v2beta_image";

    /// Asked as a form, even without a file, and refused as anything else.
    fn read(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Wanted, Refusal> {
        let kinds: Vec<&str> =
            headers.get_all(CONTENT_TYPE).iter().filter_map(|kind| kind.to_str().ok()).collect();
        let boundary = match kinds.as_slice() {
            [kind] => kind.strip_prefix("multipart/form-data; boundary="),
            _ => None,
        };
        let boundary =
            boundary.ok_or_else(|| Refusal::invalid("content-type", "must be multipart/form-data"))?;
        let mut fields = form(boundary, &String::from_utf8_lossy(body));
        let service = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
        let (width, height) = sides(fields.get("aspect_ratio").map_or("1:1", String::as_str))?;
        Ok(Wanted {
            model: fields.remove("model").unwrap_or_else(|| format!("stable-image-{service}")),
            prompt: fields.remove("prompt").unwrap_or_default(),
            count: 1,
            width,
            height,
            seed: fields.get("seed").and_then(|seed| seed.parse().ok()),
            quality: None,
        })
    }

    fn write(_wanted: &Wanted, pictures: &[Picture], _usage: Option<&Value>) -> Value {
        let picture = pictures.first();
        json!({
            "image": picture.map(|picture| STANDARD.encode(&picture.png)),
            "seed": picture.map(|picture| picture.seed), "finish_reason": "SUCCESS",
        })
    }

    fn usage(_wanted: &Wanted) -> Option<Value> {
        None
    }

    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value) {
        let (status, name, message) = refused(refusal);
        (status, json!({"id": request_id, "name": name, "errors": [message]}))
    }
}

fn refused(refusal: &Refusal) -> (StatusCode, &'static str, String) {
    let told = |status, name, message: &str| (status, name, message.to_owned());
    match refusal {
        Refusal::Unauthorised => {
            told(StatusCode::UNAUTHORIZED, "unauthorized", "missing authorization header")
        }
        Refusal::Invalid { message, .. } => told(StatusCode::BAD_REQUEST, "bad_request", message),
        Refusal::RateLimited => {
            told(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "You have exceeded the rate limit.")
        }
        Refusal::Broken => {
            told(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "An unexpected error has occurred.")
        }
        Refusal::Overloaded => {
            told(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", "The service is busy.")
        }
    }
}

/// The fields of a form, each after an empty line.
fn form(boundary: &str, body: &str) -> HashMap<String, String> {
    let border = format!("--{boundary}");
    let field = |part: &str| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let name = head.split_once("name=\"")?.1.split_once('"')?.0;
        Some((name.to_owned(), value.strip_suffix("\r\n")?.to_owned()))
    };
    body.split(&border).filter_map(field).collect()
}

/// Sides of this shape with about a million pixels, in steps of 64.
pub(super) fn sides(ratio: &str) -> Result<(u32, u32), Refusal> {
    let unknown = || Refusal::invalid("aspect_ratio", "aspect_ratio: unknown value");
    let (wide, high) = ratio.split_once(':').ok_or_else(unknown)?;
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number > 0.0).ok_or_else(unknown);
    let (wide, high) = (number(wide)?, number(high)?);
    let side = |share: f64| ((PIXELS * share).sqrt() / 64.0).round() as u32 * 64;
    Ok((side(wide / high), side(high / wide)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_field_by_field_and_a_shape_has_sides() {
        let body = "--b\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\na\r\nship\r\n--b\r\n\
            content-disposition: form-data; name=\"seed\"\r\n\r\n7\r\n--b--\r\n";
        let fields = form("b", body);
        assert_eq!((fields["prompt"].as_str(), fields["seed"].as_str()), ("a\r\nship", "7"));
        assert_eq!((sides("1:1").unwrap(), sides("16:9").unwrap()), ((1_024, 1_024), (1_344, 768)));
    }
}
