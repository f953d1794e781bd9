//! Texts as vectors, in one normal form for all vendors that make them.

pub mod cohere;
pub mod google;
pub mod huggingface;
pub mod ollama;
pub mod openai;
pub mod voyage;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use marketplace::chat::Failure;
use marketplace::usage::Usage;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Serialize;

use crate::dialect::Outgoing;
use crate::failure::{malformed, unsupported};

/// What is to be put into vectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub inputs: Inputs,
    /// Absent, the model's own size.
    pub dimensions: Option<u32>,
    pub purpose: Option<Purpose>,
}

/// The texts, as they are or cut into tokens already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs {
    Texts(Vec<String>),
    /// Numbers of OpenAI's own vocabularies, which nobody else can read.
    Tokens(Vec<Vec<u32>>),
}

/// What the vectors are for, where a model makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be found.
    Document,
    /// To find.
    Query,
}

/// One vector a text, in the order of the texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    pub vectors: Vec<Vec<f32>>,
    /// Absent where the vendor counts nothing.
    pub usage: Option<Usage>,
}

/// The languages that are spoken about vectors. A model names its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    OpenAi,
    Google,
    Cohere,
    HuggingFace,
    Ollama,
    Voyage,
}

impl Protocol {
    /// Reads a name of the catalogue.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "openai_embeddings" => Some(Self::OpenAi),
            "gemini_embed_content" => Some(Self::Google),
            "cohere_v2_embed" => Some(Self::Cohere),
            "huggingface_feature_extraction" => Some(Self::HuggingFace),
            "ollama_embed" => Some(Self::Ollama),
            "voyage_embeddings" => Some(Self::Voyage),
            _ => None,
        }
    }

    /// How many texts are taken at a time.
    pub fn inputs_max(self) -> usize {
        match self {
            Self::OpenAi | Self::HuggingFace | Self::Ollama => 2_048,
            Self::Google => 100,
            Self::Cohere => 96,
            Self::Voyage => 1_000,
        }
    }

    /// Where paths begin: the feature extraction of Hugging Face lies beside its `/v1`, not below.
    pub fn root(self, base_url: &str) -> &str {
        match self {
            Self::HuggingFace => base_url.strip_suffix("/v1").unwrap_or(base_url),
            _ => base_url,
        }
    }

    pub fn encode(self, request: &Request, upstream_model: &str) -> Result<Outgoing, Failure> {
        match self {
            Self::OpenAi => openai::encode(request, upstream_model),
            Self::Google => google::encode(request, upstream_model),
            Self::Cohere => cohere::encode(request, upstream_model),
            Self::HuggingFace => huggingface::encode(request, upstream_model),
            Self::Ollama => ollama::encode(request, upstream_model),
            Self::Voyage => voyage::encode(request, upstream_model),
        }
    }

    /// Reads the answer to so many texts.
    pub fn decode(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        texts: usize,
    ) -> Result<Embeddings, Failure> {
        match self {
            Self::OpenAi => openai::decode(status, headers, body, texts),
            Self::Google => google::decode(status, headers, body, texts),
            Self::Cohere => cohere::decode(status, headers, body, texts),
            Self::HuggingFace => huggingface::decode(status, headers, body, texts),
            Self::Ollama => ollama::decode(status, headers, body, texts),
            Self::Voyage => voyage::decode(status, headers, body, texts),
        }
    }
}

impl Default for Inputs {
    fn default() -> Self {
        Self::Texts(Vec::new())
    }
}

impl Inputs {
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Tokens(tokens) => tokens.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For vendors with vocabularies of their own.
    fn texts(&self) -> Result<&[String], Failure> {
        match self {
            Self::Texts(texts) => Ok(texts),
            Self::Tokens(_) => {
                Err(unsupported("input", "must be text: this model's provider reads no tokens"))
            }
        }
    }
}

impl Embeddings {
    /// The answer to so many texts, if it is one.
    fn checked(vectors: Vec<Vec<f32>>, usage: Option<Usage>, texts: usize) -> Result<Self, Failure> {
        let length = vectors.first().map_or(0, Vec::len);
        if vectors.len() != texts {
            return Err(malformed(&format!("{} vectors were sent for {texts} texts", vectors.len())));
        }
        if length == 0 || vectors.iter().any(|vector| vector.len() != length) {
            return Err(malformed("the vectors are empty or not of one length"));
        }
        if vectors.iter().flatten().any(|number| !number.is_finite()) {
            return Err(malformed("a vector holds what is no number"));
        }
        Ok(Self { vectors, usage })
    }
}

/// A vector as most clients ask for it: little-endian 32-bit floats in base64.
pub fn to_base64(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

/// The vector that `to_base64` made, unless it is none.
pub fn from_base64(text: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (numbers, []) = bytes.as_chunks::<4>() else { return None };
    Some(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}

/// An embedding generates nothing, so the input is all there is to count.
fn counted(input_tokens: Option<i64>) -> Option<Usage> {
    input_tokens.map(|input| Usage { input_tokens: Some(input), output_tokens: Some(0), ..Usage::default() })
}

fn outgoing(
    path: impl Into<std::borrow::Cow<'static, str>>,
    sent: &impl Serialize,
) -> Result<Outgoing, Failure> {
    let body = serde_json::to_vec(sent).map_err(|error| unsupported("request", &error.to_string()))?;
    Ok(Outgoing { path: path.into(), headers: &[], body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_in_base64_reads_back() {
        let vector = vec![0.5, -0.25, 1.0, f32::MIN_POSITIVE];
        assert_eq!(to_base64(&vector[..3]), "AAAAPwAAgL4AAIA/");
        assert_eq!(from_base64(&to_base64(&vector)), Some(vector));
        assert_eq!((from_base64("AAA="), from_base64("?")), (None, None));
    }

    #[test]
    fn vectors_must_fit_the_texts_and_each_other() {
        let check = |vectors: &[&[f32]], texts| {
            Embeddings::checked(vectors.iter().map(|vector| vector.to_vec()).collect(), None, texts).is_ok()
        };
        assert!(check(&[&[0.1], &[0.2]], 2));
        for vectors in [&[&[0.1][..], &[0.2]][..], &[&[], &[], &[]], &[&[0.1], &[0.2], &[0.3, 0.4]]] {
            assert!(!check(vectors, 3), "{vectors:?}");
        }
        assert!(!check(&[&[f32::NAN]], 1));
    }
}
