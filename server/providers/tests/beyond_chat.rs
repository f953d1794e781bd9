//! Continued texts, vectors and pictures: what is asked, and every composed answer read as the manifest expects.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

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

#[test]
fn pictures_are_read_as_expected() {
    let samples = samples(&PICTURES.map(|(protocol, _)| protocol));
    assert_eq!(samples.len(), 8);
    for sample in samples {
        let decode = PICTURES.iter().find(|(protocol, _)| *protocol == sample.protocol).unwrap().1;
        match decode(sample.status, &sample.headers, &sample.body) {
            Ok(read) => {
                let filtered = read.pictures.iter().filter(|picture| picture.is_filtered).count();
                let outcome = if filtered == read.pictures.len() { "filtered" } else { "complete" };
                assert_eq!(outcome, sample.expect["outcome"], "outcome of {}", sample.file);
                assert_eq!(json!(read.pictures.len()), sample.expect["images"], "{}", sample.file);
                assert_eq!(
                    filtered as u64,
                    sample.expect["filtered"].as_u64().unwrap_or(0),
                    "{}",
                    sample.file
                );
                assert!(read.pictures.iter().all(|picture| picture.format == image::Format::Png));
                sample.check_usage(read.usage);
            }
            Err(failure) => sample.check_failure(&failure),
        }
    }
}

#[test]
fn what_an_operator_still_has_is_read_to_the_last_digit() {
    for sample in samples(&["stability_v1_user"]) {
        let left = image::stability_v1::decode_balance(sample.status, &sample.headers, &sample.body).unwrap();
        let credits = Nanos(left.0 * 100).decimal();
        assert_eq!(json!(credits), sample.expect["credits"], "{}", sample.file);
    }
    for body in ["{}", "{\"credits\": \"7\"}", "{\"credits\": 1e300}", "[]"] {
        let read = image::stability_v1::decode_balance(StatusCode::OK, &HeaderMap::new(), body.as_bytes());
        assert!(read.is_err(), "{body}");
    }
}

#[test]
fn what_is_no_picture_is_a_failure() {
    let png = "iVBORw0KGgo=";
    for (protocol, decode) in PICTURES {
        for body in [
            json!({}),
            json!({"data": []}),
            json!({"data": [{"b64_json": "aGk="}]}),
            json!({"artifacts": []}),
            json!({"artifacts": [{"base64": png, "finishReason": "ERROR"}]}),
            json!({"image": png, "finish_reason": "ERROR"}),
            json!({"image": "aGk=", "finish_reason": "SUCCESS"}),
            json!({"candidates": []}),
            json!({"candidates": [{"content": {"parts": [{"inlineData": {"data": "aGk="}}]}}]}),
        ] {
            let read = decode(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes());
            assert!(read.is_err(), "{protocol}: {body}");
        }
    }
}

#[test]
fn each_is_asked_for_pictures_in_its_own_words() {
    let size = Some(Size { width: 1344, height: 768 });
    let square = Some(Size { width: 1024, height: 1024 });
    let plain = image::Request { prompt: "a lighthouse".to_owned(), ..image::Request::default() };
    let seeded = image::Request { seed: Some(7), negative_prompt: Some("fog".to_owned()), ..plain.clone() };
    let several = image::Request { count: Some(2), size, quality: Some("high".to_owned()), ..plain.clone() };
    let sent = image::openai::encode(&several, "gpt-image-2").unwrap();
    let expected = json!({"model": "gpt-image-2", "prompt": "a lighthouse", "n": 2, "size": "1344x768", "quality": "high"});
    assert_eq!((sent.path.as_ref(), body(&sent)), ("/images/generations", expected));
    let other = image::openai::encode(&plain, "grok-imagine").unwrap();
    assert_eq!(body(&other)["response_format"], "b64_json");
    let sent = image::stability_v1::encode(&image::Request { size, ..seeded.clone() }, "sdxl").unwrap();
    let expected = json!({
        "text_prompts": [{"text": "a lighthouse", "weight": 1}, {"text": "fog", "weight": -1}],
        "width": 1344, "height": 768, "seed": 7, "steps": 30,
    });
    assert_eq!((sent.path.as_ref(), body(&sent)), ("/v1/generation/sdxl/text-to-image", expected));
    let sent =
        image::stability_v2::encode(&image::Request { size: square, ..seeded.clone() }, "core").unwrap();
    assert_eq!(sent.path, "/v2beta/stable-image/generate/core");
    let form = String::from_utf8(sent.body).unwrap();
    for field in [
        "prompt\"\r\n\r\na lighthouse",
        "negative_prompt\"\r\n\r\nfog",
        "aspect_ratio\"\r\n\r\n1:1",
        "seed\"\r\n\r\n7",
    ] {
        assert!(form.contains(&format!("name=\"{field}\r\n--mercato-form")), "{form}");
    }
    assert!(form.ends_with("--\r\n") && sent.headers[0].1.ends_with(&form[2..25]), "{:?}", sent.headers);
    let ultra = image::stability_v2::encode(&plain, "stable-image-ultra").unwrap();
    assert_eq!(ultra.path, "/v2beta/stable-image/generate/ultra");
    let sd3 = image::stability_v2::encode(&plain, "sd3.5-large").unwrap();
    assert_eq!(sd3.path, "/v2beta/stable-image/generate/sd3");
    assert!(String::from_utf8(sd3.body).unwrap().contains("name=\"model\"\r\n\r\nsd3.5-large\r\n"));
}

#[test]
fn what_a_painter_cannot_be_told_is_refused() {
    let of = |prompt: &str| image::Request { prompt: prompt.to_owned(), ..image::Request::default() };
    let odd = image::Request { size: Some(Size { width: 1344, height: 768 }), ..of("a") };
    assert!(image::stability_v2::encode(&odd, "core").is_err());
    assert!(image::stability_v2::encode(&of("a\r\n--mercato-form-7c1e09b2d4\r\n"), "core").is_err());
    assert!(image::stability_v2::encode(&image::Request { count: Some(2), ..of("a") }, "core").is_err());
    assert!(image::openai::encode(&image::Request { seed: Some(1), ..of("a") }, "m").is_err());
    let fine = image::Request { quality: Some("high".to_owned()), ..of("a") };
    assert!(image::stability_v1::encode(&fine, "m").is_err());
    let small = image::Request { size: Some(Size { width: 512, height: 512 }), ..of("a") };
    assert!(image::stability_v1::encode(&small, "m").is_err());
    for amiss in [
        fine,
        image::Request { count: Some(2), ..of("a") },
        image::Request { negative_prompt: Some("fog".to_owned()), ..of("a") },
        image::Request { size: Some(Size { width: 1000, height: 700 }), ..of("a") },
    ] {
        assert!(image::gemini::encode(&amiss, "m").is_err(), "{amiss:?}");
    }
}

#[test]
fn a_picture_is_drawn_by_a_conversation() {
    let size = Some(Size { width: 1344, height: 756 });
    let asked = image::Request {
        prompt: "a lighthouse".to_owned(),
        size,
        seed: Some(7),
        ..image::Request::default()
    };
    let sent = image::gemini::encode(&asked, "gemini-image").unwrap();
    let expected = json!({
        "contents": [{"role": "user", "parts": [{"text": "a lighthouse"}]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9"}, "seed": 7},
    });
    assert_eq!((sent.path.as_ref(), body(&sent)), ("/models/gemini-image:generateContent", expected));
    let read = |answer: Value| {
        image::gemini::decode(StatusCode::OK, &HeaderMap::new(), answer.to_string().as_bytes())
    };
    let picture = |of_a_thought: bool| json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thought": of_a_thought});
    let drawn = read(json!({"candidates": [{
        "content": {"parts": [picture(true), {"text": "Here it is:"}, picture(false)]}, "finishReason": "STOP",
    }]}));
    assert_eq!(drawn.unwrap().pictures.len(), 1, "what was drawn while thinking is no answer");
    for (answer, class) in [
        (json!({"promptFeedback": {"blockReason": "SAFETY"}}), FailureClass::Content),
        (json!({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}), FailureClass::Content),
        (
            json!({"candidates": [{"content": {"parts": [{"text": "No."}]}, "finishReason": "STOP"}]}),
            FailureClass::ModelOutput,
        ),
        (json!({"candidates": [{}]}), FailureClass::MalformedStream),
    ] {
        assert_eq!(read(answer.clone()).unwrap_err().class, class, "{answer}");
    }
}
