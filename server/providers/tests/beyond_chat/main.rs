//! Continued texts, vectors and pictures: what is asked, and every composed answer read as the manifest expects.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod pictures;

use std::path::Path;

use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Failure, FailureClass, Finish, Message, Role};
use marketplace::id::ModelId;
use marketplace::money::Nanos;
use marketplace::usage::Usage;
use providers::embedding::{self, Embeddings, Inputs, Protocol, Purpose};
use providers::frame::Framer;
use providers::image::{self, Pictures, Size};
use providers::{Outgoing, openai};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

struct Sample {
    file: String,
    protocol: String,
    status: StatusCode,
    headers: HeaderMap,
    expect: Value,
    body: Vec<u8>,
}

fn samples(wanted: &[&str]) -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let all = manifest["samples"].as_array().unwrap().iter();
    let ours = all.filter(|sample| wanted.contains(&sample["protocol"].as_str().unwrap()));
    ours.map(|sample| {
        let text = |field: &str| sample[field].as_str().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(&text("content_type")).unwrap());
        for (name, value) in sample["headers"].as_object().unwrap() {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
        }
        Sample {
            body: std::fs::read(folder.join(text("file"))).unwrap(),
            file: text("file"),
            protocol: text("protocol"),
            status: serde_json::from_value::<u16>(sample["http_status"].clone()).unwrap().try_into().unwrap(),
            headers,
            expect: sample["expect"].clone(),
        }
    })
    .collect()
}

impl Sample {
    fn check_usage(&self, usage: Option<Usage>) {
        let normal = usage.map(|usage| {
            json!({
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "cached_input_tokens": usage.cached_input_tokens.unwrap_or(0),
                "cache_write_tokens": usage.cache_write_tokens.unwrap_or(0),
                "reasoning_tokens": usage.reasoning_tokens.unwrap_or(0),
            })
        });
        assert_eq!(json!(normal), self.expect["usage"], "usage of {}", self.file);
    }

    fn check_failure(&self, failure: &Failure) {
        let expect = &self.expect["error"];
        assert_eq!(json!(failure.class), expect["class"], "class of {}", self.file);
        assert!(failure.message.contains(expect["message_contains"].as_str().unwrap()), "{}", self.file);
        assert_eq!(
            json!(failure.retry_after_seconds),
            expect["retry_after_seconds"],
            "wait of {}",
            self.file
        );
    }
}

fn body(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(&outgoing.body).unwrap()
}

fn continuing(messages: Vec<Message>, options: Value) -> ChatRequest {
    ChatRequest {
        model: ModelId::parse("author/model").unwrap(),
        messages,
        max_output_tokens: Some(77),
        stream: Delivery::Streamed,
        options: serde_json::from_value::<Map<String, Value>>(options).unwrap(),
    }
}

#[test]
fn a_text_is_continued_and_a_conversation_is_not() {
    let prompt = || vec![Message::text(Role::User, "Once")];
    let asked = continuing(prompt(), json!({"temperature": 0.3, "stop": "END", "seed": 7, "x_new": 1}));
    let sent = openai::encode_completion(&asked, "davinci").unwrap();
    let expected = json!({
        "model": "davinci", "prompt": "Once", "max_tokens": 77, "stream": true,
        "stream_options": {"include_usage": true}, "temperature": 0.3, "stop": ["END"], "seed": 7,
    });
    assert_eq!((sent.path.as_ref(), body(&sent)), ("/completions", expected));
    let with_system = vec![Message::text(Role::System, "Be brief"), Message::text(Role::User, "Once")];
    for request in [
        continuing(with_system, json!({})),
        continuing(prompt(), json!({"tools": [{"function": {"name": "f"}}]})),
        continuing(prompt(), json!({"response_format": {"type": "json_object"}})),
    ] {
        assert!(openai::encode_completion(&request, "davinci").is_err());
    }
}

#[test]
fn a_continued_text_is_read_as_expected_however_it_is_cut() {
    let samples = samples(&["openai_completions"]);
    assert_eq!(samples.len(), 1);
    for sample in samples {
        for cut in 0..=sample.body.len() {
            let (mut framer, mut decoder) = (Framer::default(), openai::Decoder::default());
            let mut framed = Vec::new();
            for piece in [&sample.body[..cut], &sample.body[cut..]] {
                framer.feed(piece, &mut framed).unwrap();
            }
            framed.extend(framer.finish());
            let mut events: Vec<_> = framed.iter().flat_map(|event| decoder.feed(event)).collect();
            events.extend(decoder.finish());
            let (mut text, mut usage, mut finish) = (String::new(), None, None);
            for event in events {
                match event {
                    ChatEvent::Text(piece) => text.push_str(&piece),
                    ChatEvent::Usage(newest) => usage = Some(newest),
                    ChatEvent::Finished { finish: reason, .. } => finish = Some(reason),
                    ChatEvent::Failed(failure) => panic!("{failure:?}"),
                    _ => {}
                }
            }
            assert_eq!((json!(text), finish), (sample.expect["text"].clone(), Some(Finish::Stop)));
            sample.check_usage(usage);
        }
    }
}

#[test]
fn a_text_continued_in_one_piece_is_read_too() {
    let body = json!({"choices": [{"text": "upon", "index": 0, "finish_reason": "length"}]}).to_string();
    let events = openai::decode(StatusCode::OK, &HeaderMap::new(), body.as_bytes()).unwrap();
    assert!(events.contains(&ChatEvent::Text("upon".to_owned())));
}

type DecodeVectors = fn(StatusCode, &HeaderMap, &[u8], usize) -> Result<Embeddings, Failure>;

const VECTORS: [(&str, DecodeVectors); 6] = [
    ("openai_embeddings", embedding::openai::decode),
    ("gemini_embed_content", embedding::google::decode),
    ("cohere_v2_embed", embedding::cohere::decode),
    ("ollama_embed", embedding::ollama::decode),
    ("huggingface_feature_extraction", embedding::huggingface::decode),
    ("voyage_embeddings", embedding::voyage::decode),
];

#[test]
fn vectors_are_read_as_expected() {
    let samples = samples(&VECTORS.map(|(protocol, _)| protocol));
    assert_eq!(samples.len(), 8);
    for sample in samples {
        let decode = VECTORS.iter().find(|(protocol, _)| *protocol == sample.protocol).unwrap().1;
        let expected: Vec<Vec<f32>> = serde_json::from_value(sample.expect["vectors"].clone()).unwrap();
        let read = decode(sample.status, &sample.headers, &sample.body, expected.len()).unwrap();
        assert_eq!(read.vectors, expected, "{}", sample.file);
        sample.check_usage(read.usage);
        let one_more = decode(sample.status, &sample.headers, &sample.body, expected.len() + 1);
        assert!(one_more.is_err(), "{} leaves a text without a vector", sample.file);
    }
}

#[test]
fn what_is_no_list_of_vectors_is_a_failure() {
    for (protocol, decode) in VECTORS {
        for body in ["", "{}", "[]", "{\"error\": \"no\"}", "{\"data\": [{\"embedding\": \"?\"}]}"] {
            assert!(
                decode(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), 1).is_err(),
                "{protocol}: {body}"
            );
        }
        let refused = decode(StatusCode::UNAUTHORIZED, &HeaderMap::new(), b"<html>", 1).unwrap_err();
        assert_eq!(refused.message, "answered with status 401", "{protocol}");
    }
    let each_token = b"[[[0.1, 0.2], [0.3, 0.4]]]";
    assert!(embedding::huggingface::decode(StatusCode::OK, &HeaderMap::new(), each_token, 1).is_err());
    let twice = br#"{"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [2.0]}]}"#;
    assert!(embedding::openai::decode(StatusCode::OK, &HeaderMap::new(), twice, 2).is_err());
}

#[test]
fn each_is_asked_for_vectors_in_its_own_words() {
    let texts = || vec!["a".to_owned(), "b".to_owned()];
    let asked = embedding::Request {
        inputs: Inputs::Texts(texts()),
        dimensions: Some(256),
        purpose: Some(Purpose::Query),
    };
    let plain = embedding::Request { inputs: Inputs::Texts(texts()), ..embedding::Request::default() };
    let said = |sent: Result<Outgoing, Failure>| {
        let sent = sent.unwrap();
        (sent.path.to_string(), body(&sent))
    };
    assert_eq!(
        said(embedding::openai::encode(&asked, "m")),
        (
            "/embeddings".to_owned(),
            json!({"model": "m", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 256})
        )
    );
    let voyage = json!({
        "model": "m", "input": ["a", "b"], "input_type": "query", "output_dimension": 256, "truncation": false,
    });
    assert_eq!(said(embedding::voyage::encode(&asked, "m")), ("/embeddings".to_owned(), voyage));
    let (path, batch) = said(embedding::google::encode(&asked, "m"));
    let second = json!({
        "model": "models/m", "content": {"parts": [{"text": "b"}]}, "taskType": "RETRIEVAL_QUERY",
        "outputDimensionality": 256,
    });
    assert_eq!((path.as_str(), &batch["requests"][1]), ("/models/m:batchEmbedContents", &second));
    let one =
        embedding::Request { inputs: Inputs::Texts(vec!["a".to_owned()]), ..embedding::Request::default() };
    assert_eq!(said(embedding::google::encode(&one, "m")).0, "/models/m:embedContent");
    let cohere = json!({
        "model": "m", "texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"],
        "truncate": "NONE",
    });
    assert_eq!(said(embedding::cohere::encode(&plain, "m")), ("/v2/embed".to_owned(), cohere));
    let ollama = json!({"model": "m", "input": ["a", "b"], "truncate": false, "dimensions": 256});
    assert_eq!(said(embedding::ollama::encode(&asked, "m")), ("/api/embed".to_owned(), ollama));
    let path = "/hf-inference/models/org/m/pipeline/feature-extraction".to_owned();
    let huggingface = (path, json!({"inputs": ["a", "b"]}));
    assert_eq!(said(embedding::huggingface::encode(&plain, "org/m")), huggingface);
    assert!(embedding::huggingface::encode(&asked, "org/m").is_err());
}

#[test]
fn tokens_are_for_the_one_who_made_the_vocabulary() {
    let inputs = Inputs::Tokens(vec![vec![9906, 1917], vec![40]]);
    let asked = embedding::Request { inputs, ..embedding::Request::default() };
    let sent = embedding::openai::encode(&asked, "m").unwrap();
    assert_eq!(body(&sent)["input"], json!([[9906, 1917], [40]]));
    for protocol in
        [Protocol::Google, Protocol::Cohere, Protocol::HuggingFace, Protocol::Ollama, Protocol::Voyage]
    {
        assert!(protocol.encode(&asked, "m").is_err(), "{protocol:?}");
    }
}

#[test]
fn feature_extraction_lies_beside_the_router_and_all_else_below_it() {
    let router = "https://router.huggingface.co/v1";
    assert_eq!(Protocol::HuggingFace.root(router), "https://router.huggingface.co");
    assert_eq!(Protocol::OpenAi.root(router), router);
    assert_eq!(VECTORS.map(|(name, _)| Protocol::parse(name).is_some()), [true; 6]);
    assert_eq!(Protocol::parse("openai_chat_completions"), None);
}

type DecodePictures = fn(StatusCode, &HeaderMap, &[u8]) -> Result<Pictures, Failure>;

const PICTURES: [(&str, DecodePictures); 4] = [
    ("openai_images", image::openai::decode),
    // All its composed exchanges are conversations in words.
    ("gemini_images", image::gemini::decode),
    ("stability_v1_image", image::stability_v1::decode),
    ("stability_v2beta_image", image::stability_v2::decode),
];
