//! Pictures of Google's Gemini models, which draw in answer to a message. One a request, paid by the piece.

use marketplace::chat::{Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{Picture, Pictures, Request, Size, shape_of};
use crate::dialect::Outgoing;
use crate::failure::{failure, malformed, unsupported};
pub use crate::google::refusal;

/// The shapes that are drawn; how large is the model's own.
const RATIOS: [(u32, u32); 10] =
    [(1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9)];

pub fn encode(request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
    if request.count.is_some_and(|count| count != 1) {
        return Err(unsupported("n", "only one picture can be asked for at a time"));
    }
    for (field, is_given) in
        [("quality", request.quality.is_some()), ("negative_prompt", request.negative_prompt.is_some())]
    {
        if is_given {
            return Err(unsupported(field, "is not offered by this model's provider"));
        }
    }
    let sent = Sent {
        contents: [Turn { role: "user", parts: [Said { text: &request.prompt }] }],
        generation_config: Generation {
            response_modalities: ["IMAGE"],
            image_config: request.size.map(image_config).transpose()?,
            seed: request.seed,
        },
    };
    Outgoing::json(format!("/models/{upstream_model}:generateContent"), &sent)
}

fn image_config(size: Size) -> Result<ImageConfig, Failure> {
    let (width, height) = shape_of(size, &RATIOS)?;
    Ok(ImageConfig { aspect_ratio: format!("{width}:{height}") })
}

/// The picture is a part of the message; sketches that the model makes while it thinks are parts too, and no answer.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Pictures, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the generateContent shape"))?;
    // More than one candidate is never asked for, so any other is not ours.
    let Some(drawn) = answer.candidates.into_iter().next() else {
        return Err(undrawn(answer.prompt_feedback.and_then(|feedback| feedback.block_reason)));
    };
    let parts = drawn.content.map(|content| content.parts).unwrap_or_default();
    let shown = parts.into_iter().filter(|part| !part.thought).filter_map(|part| part.inline_data);
    let pictures: Vec<_> = shown.map(|blob| Picture::from_base64(&blob.data, None, false)).collect();
    if pictures.is_empty() {
        return Err(undrawn(drawn.finish_reason));
    }
    Pictures::checked(pictures.into_iter().collect(), None)
}

/// Why there is no picture, though the vendor did answer.
fn undrawn(reason: Option<String>) -> Failure {
    let reason = reason.unwrap_or_else(|| "no reason".to_owned());
    let class = match reason.as_str() {
        // It spoke instead, or gave up.
        "STOP" | "NO_IMAGE" | "IMAGE_OTHER" | "MAX_TOKENS" => FailureClass::ModelOutput,
        "OTHER" => FailureClass::ServerError,
        "no reason" => FailureClass::MalformedStream,
        // All other reasons are of safety, the prompt's or the picture's.
        _ => FailureClass::Content,
    };
    failure(class, format!("nothing was drawn: {reason}"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    contents: [Turn<'a>; 1],
    generation_config: Generation,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    parts: [Said<'a>; 1],
}

#[derive(Serialize)]
struct Said<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Generation {
    response_modalities: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    image_config: Option<ImageConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageConfig {
    aspect_ratio: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    candidates: Vec<Candidate>,
    #[serde(default)]
    prompt_feedback: Option<Feedback>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default)]
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default)]
    thought: bool,
    #[serde(default)]
    inline_data: Option<Blob>,
}

#[derive(Deserialize)]
struct Blob {
    data: String,
}
