//! Pictures of Stability's second protocol: one a request, asked for as a form, paid by the piece.

use marketplace::chat::Failure;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;

pub use super::refusal_of_stability as refusal;
use super::{Picture, Pictures, Request, Size, shape_of};
use crate::dialect::Outgoing;
use crate::failure::{malformed, unsupported};

/// Parts one field from the next. A field that contains it is refused, so that none can pose as several.
const BOUNDARY: &str = "mercato-form-7c1e09b2d4";

const HEADERS: &[(&str, &str)] = &[
    ("content-type", "multipart/form-data; boundary=mercato-form-7c1e09b2d4"),
    ("accept", "application/json"),
];

/// The shapes that are drawn; how large is the model's own.
const RATIOS: [(u32, u32); 9] = [(1, 1), (16, 9), (21, 9), (2, 3), (3, 2), (4, 5), (5, 4), (9, 16), (9, 21)];

/// The model is one of the services `core` and `ultra`, or a model of the service `sd3`.
pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    if request.count.is_some_and(|count| count != 1) {
        return Err(unsupported("n", "only one picture can be asked for at a time"));
    }
    if request.quality.is_some() {
        return Err(unsupported("quality", "is not offered by this model's provider"));
    }
    let (service, model) = match upstream_model.strip_prefix("stable-image-").unwrap_or(upstream_model) {
        service @ ("core" | "ultra") => (service, None),
        model => ("sd3", Some(model.to_owned())),
    };
    let fields = [
        ("prompt", Some(request.prompt.clone())),
        ("negative_prompt", request.negative_prompt.clone()),
        ("model", model),
        ("aspect_ratio", request.size.map(aspect_ratio).transpose()?),
        ("seed", request.seed.map(|seed| seed.to_string())),
        ("output_format", Some("png".to_owned())),
    ];
    let mut body = String::new();
    for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        if value.contains(BOUNDARY) {
            return Err(unsupported(name, "contains what cannot be sent"));
        }
        body +=
            &format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += &format!("--{BOUNDARY}--\r\n");
    let path = format!("/v2beta/stable-image/generate/{service}").into();
    Ok(Outgoing { path, headers: HEADERS, body: body.into_bytes() })
}

fn aspect_ratio(size: Size) -> Result<String, Failure> {
    let (width, height) = shape_of(size, &RATIOS)?;
    Ok(format!("{width}:{height}"))
}

/// The picture comes in JSON or, where it was asked for so, as it is, with what is told about it in headers.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Pictures, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_bare = header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("image/"));
    let seed = header("seed").and_then(|seed| seed.parse().ok());
    let picture = if is_bare {
        is_filtered(header("finish-reason").unwrap_or_default())
            .and_then(|is_filtered| Picture::read(body.to_vec(), seed, is_filtered))
    } else {
        let answer: Answer = serde_json::from_slice(body)
            .map_err(|_| malformed("the answer is not JSON of the generate shape"))?;
        is_filtered(&answer.finish_reason)
            .and_then(|is_filtered| Picture::from_base64(&answer.image, answer.seed, is_filtered))
    };
    Pictures::checked(picture.map(|picture| vec![picture]), None)
}

/// Nothing, if there is no picture.
fn is_filtered(finish_reason: &str) -> Option<bool> {
    match finish_reason {
        "SUCCESS" => Some(false),
        "CONTENT_FILTERED" => Some(true),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Answer {
    image: String,
    finish_reason: String,
    #[serde(default)]
    seed: Option<u64>,
}
