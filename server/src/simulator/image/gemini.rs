//! How Google is asked for a picture: as for any other answer, but for what kind of answer it is to be.

use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::vendors::sides;
use super::{Painter, Picture, Wanted};
use crate::simulator::dialect::{Dialect, Message, Refusal, question};
use crate::simulator::{google, tokens};

/// What a picture comes to in the vendor's own counting.
const PICTURE_TOKENS: u64 = 1_290;

#[derive(Debug)]
pub struct Gemini;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    contents: Vec<Message>,
    #[serde(default)]
    generation_config: Generation,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generation {
    #[serde(default)]
    response_modalities: Vec<String>,
    image_config: Option<ImageConfig>,
    seed: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageConfig {
    aspect_ratio: String,
}

impl Gemini {
    /// Whether a picture is what is asked for.
    pub fn is_asked(body: &[u8]) -> bool {
        let request = serde_json::from_slice::<Request>(body);
        request.is_ok_and(|request| {
            request.generation_config.response_modalities.iter().any(|kind| kind == "IMAGE")
        })
    }
}

impl Painter for Gemini {
    const NAME: &'static str = "gemini_images";

    fn key(headers: &HeaderMap) -> Option<&str> {
        headers.get("x-goog-api-key")?.to_str().ok()
    }

    /// The model stands in the path.
    fn read(uri: &Uri, _headers: &HeaderMap, body: &[u8]) -> Result<Wanted, Refusal> {
        let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
        let last = uri.path().rsplit('/').next().unwrap_or_default();
        let Some(model) = last.strip_suffix(":generateContent") else {
            return Err(Refusal::invalid("model", "Pictures are not streamed."));
        };
        let ratio = request.generation_config.image_config.map(|config| config.aspect_ratio);
        let (width, height) = sides(ratio.as_deref().unwrap_or("1:1"))?;
        Ok(Wanted {
            model: model.to_owned(),
            prompt: question(&request.contents),
            count: 1,
            width,
            height,
            seed: request.generation_config.seed,
            quality: None,
        })
    }

    fn write(wanted: &Wanted, pictures: &[Picture], _usage: Option<&Value>) -> Value {
        let part = |picture: &Picture| json!({"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(&picture.png)}});
        let parts: Vec<Value> = pictures.iter().map(part).collect();
        let (input, output) = (tokens::count(&wanted.prompt), PICTURE_TOKENS * pictures.len() as u64);
        json!({
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
            "modelVersion": wanted.model,
            "usageMetadata": {
                "promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input + output,
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": output}],
            },
        })
    }

    /// Tokens are told, but what is paid for is the picture.
    fn usage(_wanted: &Wanted) -> Option<Value> {
        None
    }

    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value) {
        google::Google::refuse(refusal, request_id)
    }
}
