//! How each vendor is asked for vectors and how it answers.

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Embedder, Input, Wanted};
use crate::simulator::dialect::Refusal;
use crate::simulator::{cohere, google, ollama, openai, tokens};

#[derive(Debug)]
pub struct OpenAi;
#[derive(Debug)]
pub struct Voyage;
#[derive(Debug)]
pub struct Cohere;
#[derive(Debug)]
pub struct Google;
#[derive(Debug)]
pub struct HuggingFace;
#[derive(Debug)]
pub struct Ollama;

/// What these vendors ask for, each by some of these names.
#[derive(Debug, Default, Deserialize)]
struct Request {
    #[serde(default)]
    model: String,
    #[serde(alias = "texts", alias = "inputs")]
    input: Option<Given>,
    #[serde(alias = "output_dimension")]
    dimensions: Option<usize>,
    encoding_format: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<Vec<u32>>),
}

fn input(text: String) -> Input {
    Input { tokens: tokens::count(&text), text }
}

/// Tokens are words of a secret language, as many as there are.
fn cut(list: &[u32]) -> Input {
    let words: Vec<String> = list.iter().map(u32::to_string).collect();
    Input { text: words.join(" "), tokens: list.len() as u64 }
}

fn read(body: &[u8]) -> Result<Wanted, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|cause| Refusal::unreadable(&cause))?;
    let inputs = match request.input {
        None => Vec::new(),
        Some(Given::Text(text)) => vec![input(text)],
        Some(Given::Texts(texts)) => texts.into_iter().map(input).collect(),
        Some(Given::Tokens(lists)) => lists.iter().map(|list| cut(list)).collect(),
    };
    Ok(Wanted {
        model: request.model,
        inputs,
        dimensions: request.dimensions,
        base64: request.encoding_format.as_deref() == Some("base64"),
        batch: true,
    })
}

/// OpenAI's list, which Voyage sends as well.
fn list(wanted: &Wanted, vectors: &[Vec<f32>]) -> Value {
    let written = |vector: &Vec<f32>| match wanted.base64 {
        true => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            json!(STANDARD.encode(bytes))
        }
        false => json!(vector),
    };
    let items = vectors.iter().enumerate();
    // The last comes first: places are told, not meant by the order.
    let items = items
        .rev()
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": written(vector)}));
    json!({"object": "list", "data": items.collect::<Vec<_>>(), "model": wanted.model})
}

fn with(mut body: Value, field: &str, usage: Option<&Value>) -> Value {
    if let Some(usage) = usage {
        body[field] = usage.clone();
    }
    body
}

impl Embedder for OpenAi {
    const NAME: &'static str = "openai_embeddings";
    type Talk = openai::OpenAi;

    fn read(_uri: &Uri, body: &[u8]) -> Result<Wanted, Refusal> {
        read(body)
    }

    fn write(wanted: &Wanted, vectors: &[Vec<f32>], usage: Option<&Value>) -> Value {
        with(list(wanted, vectors), "usage", usage)
    }

    fn usage(prompt_tokens: i64) -> Option<Value> {
        Some(json!({"prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens}))
    }
}

impl Embedder for Voyage {
    const NAME: &'static str = "voyage_embeddings";
    type Talk = openai::OpenAi;

    fn read(_uri: &Uri, body: &[u8]) -> Result<Wanted, Refusal> {
        read(body)
    }

    fn write(wanted: &Wanted, vectors: &[Vec<f32>], usage: Option<&Value>) -> Value {
        with(list(wanted, vectors), "usage", usage)
    }

    fn usage(prompt_tokens: i64) -> Option<Value> {
        Some(json!({"total_tokens": prompt_tokens}))
    }
}

impl Embedder for Cohere {
    const NAME: &'static str = "cohere_v2_embed";
    type Talk = cohere::Cohere;

    fn read(_uri: &Uri, body: &[u8]) -> Result<Wanted, Refusal> {
        read(body)
    }

    fn write(wanted: &Wanted, vectors: &[Vec<f32>], usage: Option<&Value>) -> Value {
        let texts: Vec<&str> = wanted.inputs.iter().map(|input| input.text.as_str()).collect();
        let mut meta = json!({"api_version": {"version": "2"}});
        for (name, count) in usage.and_then(Value::as_object).into_iter().flatten() {
            meta[name] = count.clone();
        }
        json!({"id": "simulated", "texts": texts, "embeddings": {"float": vectors}, "meta": meta})
    }

    /// Counts are written with a point, as the vendor writes them.
    fn usage(prompt_tokens: i64) -> Option<Value> {
        Some(json!({"billed_units": {"input_tokens": prompt_tokens as f64}}))
    }
}

impl Embedder for Ollama {
    const NAME: &'static str = "ollama_embed";
    type Talk = ollama::Ollama;

    fn read(_uri: &Uri, body: &[u8]) -> Result<Wanted, Refusal> {
        read(body)
    }

    fn write(wanted: &Wanted, vectors: &[Vec<f32>], usage: Option<&Value>) -> Value {
        let mut body = json!({"model": wanted.model, "embeddings": vectors, "total_duration": 14_143_917});
        for (name, count) in usage.and_then(Value::as_object).into_iter().flatten() {
            body[name] = count.clone();
        }
        body
    }

    fn usage(prompt_tokens: i64) -> Option<Value> {
        Some(json!({"prompt_eval_count": prompt_tokens}))
    }
}

impl Embedder for HuggingFace {
    const NAME: &'static str = "huggingface_feature_extraction";
    type Talk = openai::OpenAi;

    /// The model stands in the path, as `models/ORG/MODEL/pipeline/feature-extraction`.
    fn read(uri: &Uri, body: &[u8]) -> Result<Wanted, Refusal> {
        let path = uri.path();
        let model = path
            .split_once("/models/")
            .and_then(|(_, rest)| rest.strip_suffix("/pipeline/feature-extraction"));
        let model =
            model.ok_or_else(|| Refusal::invalid("model", "The simulator knows no such pipeline."))?;
        Ok(Wanted { model: model.to_owned(), ..read(body)? })
    }

    fn write(_wanted: &Wanted, vectors: &[Vec<f32>], _usage: Option<&Value>) -> Value {
        json!(vectors)
    }

    fn usage(_prompt_tokens: i64) -> Option<Value> {
        None
    }
}

#[derive(Debug, Deserialize)]
struct Batch {
    requests: Vec<Single>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Single {
    content: Content,
    output_dimensionality: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    text: String,
}

impl Embedder for Google {
    const NAME: &'static str = "gemini_embed_content";
    type Talk = google::Google;

    /// The model stands in the path, as `models/MODEL:embedContent`.
    fn read(uri: &Uri, body: &[u8]) -> Result<Wanted, Refusal> {
        let last = uri.path().rsplit('/').next().unwrap_or_default();
        let (model, method) = last.rsplit_once(':').unwrap_or((last, ""));
        let batch = method == "batchEmbedContents";
        let requests = if batch {
            serde_json::from_slice::<Batch>(body).map(|batch| batch.requests)
        } else {
            serde_json::from_slice::<Single>(body).map(|single| vec![single])
        };
        let requests = requests.map_err(|cause| Refusal::unreadable(&cause))?;
        let dimensions = requests.first().and_then(|first| first.output_dimensionality);
        let text = |single: Single| input(single.content.parts.into_iter().map(|part| part.text).collect());
        let inputs = requests.into_iter().map(text).collect();
        Ok(Wanted { model: model.to_owned(), inputs, dimensions, base64: false, batch })
    }

    fn write(wanted: &Wanted, vectors: &[Vec<f32>], _usage: Option<&Value>) -> Value {
        let mut values = vectors.iter().map(|vector| json!({"values": vector}));
        if wanted.batch {
            return json!({"embeddings": values.collect::<Vec<_>>()});
        }
        json!({"embedding": values.next()})
    }

    fn usage(_prompt_tokens: i64) -> Option<Value> {
        None
    }
}
