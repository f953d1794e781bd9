//! Pictures made from words, in one normal form for all vendors that make them.

pub mod gemini;
pub mod openai;
pub mod stability_v1;
pub mod stability_v2;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use marketplace::chat::{Failure, FailureClass};
use marketplace::usage::Usage;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::dialect::Outgoing;
use crate::failure::{class_of_status, failure, malformed, retry_after_seconds, unsupported, without_words};

/// What is to be drawn. What a vendor cannot be told is refused by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub prompt: String,
    pub negative_prompt: Option<String>,
    /// Absent, one.
    pub count: Option<u32>,
    pub size: Option<Size>,
    pub seed: Option<u64>,
    /// A word of the vendor's own, such as `high`.
    pub quality: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    pub pictures: Vec<Picture>,
    /// Absent where pictures are priced by the piece.
    pub usage: Option<Usage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Vec<u8>,
    pub format: Format,
    pub seed: Option<u64>,
    /// Whether the vendor blurred it because of what it shows. It is charged all the same.
    pub is_filtered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Png,
    Jpeg,
    Webp,
}

/// The languages that are spoken about pictures. A model names its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    OpenAi,
    Gemini,
    StabilityV1,
    StabilityV2,
}

impl Protocol {
    /// Reads a name of the catalogue.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "openai_images" => Some(Self::OpenAi),
            // Those of Google's models that draw are asked as the others are.
            "gemini_generate_content" => Some(Self::Gemini),
            "stability_v1_image" => Some(Self::StabilityV1),
            "stability_v2beta_image" => Some(Self::StabilityV2),
            _ => None,
        }
    }

    /// How many pictures can be asked for at a time.
    pub fn pictures_max(self) -> u32 {
        match self {
            Self::OpenAi | Self::StabilityV1 => 10,
            Self::Gemini | Self::StabilityV2 => 1,
        }
    }

    /// Whether only a price by the picture will do. In an answer of Google's some tokens are words and some a picture, and
    /// no single rate fits both.
    pub fn is_paid_by_the_picture(self) -> bool {
        matches!(self, Self::Gemini)
    }

    pub fn encode(self, request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
        match self {
            Self::OpenAi => openai::encode(request, upstream_model),
            Self::Gemini => gemini::encode(request, upstream_model),
            Self::StabilityV1 => stability_v1::encode(request, upstream_model),
            Self::StabilityV2 => stability_v2::encode(request, upstream_model),
        }
    }

    pub fn decode(self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Pictures, Failure> {
        match self {
            Self::OpenAi => openai::decode(status, headers, body),
            Self::Gemini => gemini::decode(status, headers, body),
            Self::StabilityV1 => stability_v1::decode(status, headers, body),
            Self::StabilityV2 => stability_v2::decode(status, headers, body),
        }
    }
}

impl Picture {
    /// A picture whose format its first bytes tell, or nothing if it is none.
    fn read(bytes: Vec<u8>, seed: Option<u64>, is_filtered: bool) -> Option<Self> {
        let format = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => Format::Png,
            [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::Webp,
            _ => return None,
        };
        Some(Self { bytes, format, seed, is_filtered })
    }

    fn from_base64(text: &str, seed: Option<u64>, is_filtered: bool) -> Option<Self> {
        Self::read(STANDARD.decode(text).ok()?, seed, is_filtered)
    }
}

impl Pictures {
    fn checked(pictures: Option<Vec<Picture>>, usage: Option<Usage>) -> Result<Self, Failure> {
        match pictures {
            Some(pictures) if !pictures.is_empty() => Ok(Self { pictures, usage }),
            _ => Err(malformed("the answer holds no picture, or something that is none")),
        }
    }
}

/// The shape of a size among those that a vendor draws.
fn shape_of(size: Size, ratios: &[(u32, u32)]) -> Result<(u32, u32), Failure> {
    let is_of = |ratio: &&(u32, u32)| {
        size.width > 0
            && u64::from(size.width) * u64::from(ratio.1) == u64::from(size.height) * u64::from(ratio.0)
    };
    let shape = ratios.iter().find(is_of).copied();
    shape.ok_or_else(|| unsupported("size", "has a shape that this model's provider does not draw"))
}

/// Why Stability refuses, in the words of either version.
pub fn refusal_of_stability(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    /// Who asks too often is kept out for this long, which is said nowhere in the answer.
    const KEPT_OUT_SECONDS: u64 = 60;
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let errors = body["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let message = body["message"].as_str().into_iter().chain(errors).collect::<Vec<_>>().join("; ");
    if message.is_empty() {
        return without_words(status, headers);
    }
    let class = match body["name"].as_str().unwrap_or_default() {
        "content_moderation" => FailureClass::Content,
        _ => class_of_status(status.as_u16()),
    };
    let wait = (class == FailureClass::RateLimited).then_some(KEPT_OUT_SECONDS);
    Failure { retry_after_seconds: retry_after_seconds(headers).or(wait), ..failure(class, message) }
}
