//! Every composed exchange of the chat dialects, read in every way it can arrive.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "support/vendor.rs"]
mod vendor;
#[path = "fixtures/writings.rs"]
mod writings;

use std::collections::BTreeMap;
use std::path::Path;

use marketplace::chat::{ChatEvent, Delivery, Failure, FailureClass, Finish};
use marketplace::usage::Usage;
use providers::frame::{Event, Framer};
use providers::registry::PROVIDERS;
use providers::{Dialect, Limits};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// The manifest is silent on this wait, though the answer states it and a router must honour it.
const WAITS_NOT_IN_MANIFEST: [(&str, u64); 1] = [("openai/error_503_overloaded.json", 5)];

/// Words of the manifest for which we have no class of our own: nobody would act otherwise on the one than on the other.
const CLASSES_NOT_OURS: [(&str, FailureClass); 1] = [("model_loading", FailureClass::Overloaded)];

/// Asked nothing, the vendor only loads a model. The manifest calls that no finish; for us it ends an empty answer.
const FINISHES_NOT_IN_MANIFEST: [(&str, Finish); 1] = [("ollama/chat_load_only.json", Finish::Stop)];

/// The vendor that speaks a protocol is the one the manifest names, except where one vendor speaks two.
fn spoken_by<'a>(protocol: &str, vendor: &'a str) -> Option<&'a str> {
    match protocol {
        "openai_chat_completions"
        | "anthropic_messages"
        | "gemini_generate_content"
        | "cohere_v2_chat"
        | "ollama_chat" => Some(vendor),
        "tgi_generate" | "tgi_generate_stream" | "huggingface_hub_inference" => Some("tgi"),
        _ => None,
    }
}

struct Sample {
    file: String,
    provider: String,
    dialect: Dialect,
    status: u16,
    content_type: String,
    headers: BTreeMap<String, String>,
    split_at: Vec<usize>,
    is_reset: bool,
    expect: Value,
    body: Vec<u8>,
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let samples = manifest["samples"].as_array().unwrap().iter().filter_map(|sample| {
        let (protocol, vendor) = (sample["protocol"].as_str().unwrap(), sample["provider"].as_str().unwrap());
        let provider = spoken_by(protocol, vendor)?.to_owned();
        let body = std::fs::read(folder.join(sample["file"].as_str().unwrap())).unwrap();
        assert_eq!(body.len() as u64, sample["bytes"], "{} was changed", sample["file"]);
        Some(Sample {
            file: sample["file"].as_str().unwrap().to_owned(),
            dialect: PROVIDERS.iter().find(|row| row.id == provider).unwrap().dialect,
            provider,
            status: serde_json::from_value(sample["http_status"].clone()).unwrap(),
            content_type: sample["content_type"].as_str().unwrap().to_owned(),
            headers: serde_json::from_value(sample["headers"].clone()).unwrap(),
            split_at: serde_json::from_value::<Option<_>>(sample["split_at"].clone())
                .unwrap()
                .unwrap_or_default(),
            is_reset: sample["connection_ends"] == "reset",
            expect: sample["expect"].clone(),
            body,
        })
    });
    let samples: Vec<_> = samples.collect();
    assert_eq!(samples.len(), 112);
    samples
}

impl Sample {
    fn is_stream(&self) -> bool {
        ["text/event-stream", "application/x-ndjson"].contains(&self.content_type.as_str())
    }

    fn pieces(&self, cuts: &[usize]) -> Vec<&[u8]> {
        let ends: Vec<usize> = [0].iter().chain(cuts).chain([&self.body.len()]).copied().collect();
        ends.windows(2).map(|pair| &self.body[pair[0]..pair[1]]).collect()
    }

    fn framed(&self, pieces: &[&[u8]]) -> Vec<Event> {
        let (mut framer, mut framed) = (Framer::new(self.dialect.framing()), Vec::new());
        let readable = pieces.iter().all(|piece| framer.feed(piece, &mut framed).is_ok());
        framed.extend(readable.then(|| framer.finish()).flatten());
        framed
    }

    fn stream(&self, pieces: &[&[u8]]) -> Vec<ChatEvent> {
        let mut decoder = self.dialect.decoder();
        let mut events: Vec<_> = self.framed(pieces).iter().flat_map(|event| decoder.feed(event)).collect();
        events.extend(decoder.finish());
        events
    }

    fn whole(&self) -> Vec<ChatEvent> {
        self.whole_of(&self.body)
    }

    fn whole_of(&self, body: &[u8]) -> Vec<ChatEvent> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let status = StatusCode::from_u16(self.status).unwrap();
        self.dialect.decode(status, &headers, body).unwrap_or_else(|failure| vec![ChatEvent::Failed(failure)])
    }

    /// Compares events with what the manifest expects; `way` says how they came about.
    fn check(&self, events: &[ChatEvent], way: &str) {
        let read = Read::of(events);
        let at = format!("{} {way}", self.file);
        let expect = &self.expect;
        assert_eq!(read.outcome(), expect["outcome"], "outcome of {at}");
        assert_eq!(read.text, expect["text"].as_str().unwrap_or_default(), "text of {at}");
        assert_eq!(
            read.reasoning,
            expect["reasoning_text"].as_str().unwrap_or_default(),
            "reasoning of {at}"
        );
        assert_eq!(read.refusal, expect["refusal_text"].as_str().unwrap_or_default(), "refusal of {at}");
        assert_eq!(Value::from(read.tool_calls()), expect["tool_calls"], "tool calls of {at}");
        let unlisted = FINISHES_NOT_IN_MANIFEST.iter().find(|(file, _)| *file == self.file);
        let finish = unlisted.map_or(expect["finish"].clone(), |(_, finish)| json!(finish));
        assert_eq!(json!(read.finish), finish, "finish of {at}");
        assert_eq!(json!(read.native), expect["native_finish"], "native finish of {at}");
        // Google counts in every event; of an answer that fails these are counts of a part, which nobody bills.
        let is_partial = self.dialect == Dialect::Google && read.failure.is_some();
        self.check_usage(read.usage.filter(|_| !is_partial), &at);
        self.check_failure(read.failure.as_ref(), &at);
    }

    fn check_usage(&self, usage: Option<Usage>, at: &str) {
        let usage = usage.unwrap_or_default();
        let expect = &self.expect["usage"];
        if expect.is_null() {
            let partial = &self.expect["partial_usage"];
            let output = partial["output_tokens"].as_i64().or(self.expect["output_tokens"].as_i64());
            assert_eq!(usage.output_tokens, output, "output of {at}");
            // The manifest knows bodies only; TGI tells the length of the prompt in a header.
            let told = self.headers.get("x-prompt-tokens").map(|count| count.parse().unwrap());
            let input = partial["input_tokens"].as_i64().or(told);
            assert!(input.is_none() || usage.input_tokens == input, "input of {at}");
            return;
        }
        // The manifest writes a part that is not reported as 0; in our normal form it is absent.
        let normal = json!({
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_input_tokens": usage.cached_input_tokens.unwrap_or(0),
            "cache_write_tokens": usage.cache_write_tokens.unwrap_or(0),
            "reasoning_tokens": usage.reasoning_tokens.unwrap_or(0),
        });
        assert_eq!(&normal, expect, "usage of {at}");
        if let Some(written) = self.expect["cache_write_1h_tokens"].as_i64() {
            assert_eq!(usage.cache_write_1h_tokens, Some(written), "cache writes of {at}");
        }
        assert!(usage.billable().is_ok(), "usage of {at} cannot be billed");
    }

    fn check_failure(&self, failure: Option<&Failure>, at: &str) {
        let expect = &self.expect["error"];
        let Some(failure) = failure else {
            assert!(expect.is_null(), "no failure in {at}");
            return;
        };
        let unlisted = CLASSES_NOT_OURS.iter().find(|(word, _)| expect["class"] == *word);
        let class = unlisted.map_or(expect["class"].clone(), |(_, class)| json!(class));
        assert_eq!(json!(failure.class), class, "class of {at}");
        let words = expect["message_contains"].as_str().unwrap_or_default();
        assert!(failure.message.contains(words), "message of {at}: {}", failure.message);
        let unlisted =
            WAITS_NOT_IN_MANIFEST.iter().find(|(file, _)| *file == self.file).map(|(_, wait)| *wait);
        let wait = unlisted.or(expect["retry_after_seconds"].as_u64());
        assert_eq!(failure.retry_after_seconds, wait, "wait of {at}");
    }
}

/// What a client makes of an answer's events.
#[derive(Default)]
struct Read {
    text: String,
    reasoning: String,
    refusal: String,
    calls: BTreeMap<u32, (Option<String>, Option<String>, String)>,
    usage: Option<Usage>,
    finish: Option<Finish>,
    native: Option<String>,
    failure: Option<Failure>,
}

impl Read {
    fn of(events: &[ChatEvent]) -> Self {
        let mut read = Self::default();
        for event in events.iter().cloned() {
            assert!(read.failure.is_none(), "{event:?} came after a failure");
            match event {
                ChatEvent::Started { .. }
                | ChatEvent::Signature(_)
                | ChatEvent::Redacted(_)
                | ChatEvent::CallSignature { .. } => {}
                ChatEvent::Text(text) => read.text.push_str(&text),
                ChatEvent::Reasoning(text) => read.reasoning.push_str(&text),
                ChatEvent::Refusal(text) => read.refusal.push_str(&text),
                ChatEvent::ToolCall { index, id, name, arguments } => {
                    let call = read.calls.entry(index).or_default();
                    call.0 = id.or(call.0.take());
                    call.1 = name.or(call.1.take());
                    call.2.push_str(&arguments);
                }
                ChatEvent::Usage(usage) => read.usage = Some(usage),
                ChatEvent::Finished { finish, native } => {
                    assert!(read.finish.is_none(), "finished twice");
                    (read.finish, read.native) = (Some(finish), Some(native));
                }
                ChatEvent::Failed(failure) => read.failure = Some(failure),
            }
        }
        read
    }

    fn outcome(&self) -> &'static str {
        match (&self.failure, self.finish) {
            (Some(failure), _) if failure.class == FailureClass::TruncatedStream => "truncated",
            (Some(_), _) => "error",
            (None, Some(Finish::ContentFilter)) if self.native.as_deref() == Some("refusal") => "refused",
            (None, Some(Finish::ContentFilter)) if self.is_prompt_blocked() => "blocked",
            (None, Some(Finish::ContentFilter)) => "filtered",
            (None, Some(_)) if !self.refusal.is_empty() => "refused",
            (None, Some(_)) => "complete",
            (None, None) => panic!("neither finished nor failed"),
        }
    }

    fn is_prompt_blocked(&self) -> bool {
        self.native.as_ref().is_some_and(|native| native.starts_with("PROMPT:"))
    }

    fn tool_calls(&self) -> Vec<Value> {
        self.calls
            .values()
            .map(|(id, name, arguments)| {
                let arguments = if arguments.is_empty() { "{}" } else { arguments };
                let arguments: Value = serde_json::from_str(arguments).unwrap();
                json!({"id": id, "name": name, "arguments": arguments})
            })
            .collect()
    }
}

/// Protocols whose samples `beyond_chat` and `sender` read.
const READ_ELSEWHERE: [&str; 12] = [
    "openai_completions",
    "openai_embeddings",
    "gemini_embed_content",
    "cohere_v2_embed",
    "ollama_embed",
    "huggingface_feature_extraction",
    "voyage_embeddings",
    "openai_images",
    "stability_v1_image",
    "stability_v2beta_image",
    "ollama_tags",
    "ollama_show",
];

/// Protocols in which nobody is ever asked, and how many samples there are of each.
const NOT_SPOKEN: [(&str, usize); 4] = [
    // The chat protocol of the same vendor offers the same models.
    ("openai_responses", 3),
    // Every model behind it is retired.
    ("vertex_predict_bison", 3),
    // Deprecated, and its models answer in the chat protocol too.
    ("cohere_v1_generate", 2),
    // What an operator still has with a vendor is no answer to a buyer.
    ("stability_v1_user", 1),
];

#[test]
fn no_sample_goes_unread() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let listed = manifest["samples"].as_array().unwrap();
    let read: Vec<String> = samples().into_iter().map(|sample| sample.file).collect();
    let mut unspoken = BTreeMap::new();
    for sample in listed {
        let (file, protocol) = (sample["file"].as_str().unwrap(), sample["protocol"].as_str().unwrap());
        if NOT_SPOKEN.iter().any(|(known, _)| *known == protocol) {
            *unspoken.entry(protocol).or_insert(0) += 1;
        } else {
            let is_read = read.iter().any(|known| known == file) != READ_ELSEWHERE.contains(&protocol);
            assert!(is_read, "{file} of the protocol {protocol} is read by no test");
        }
    }
    assert_eq!(unspoken, BTreeMap::from(NOT_SPOKEN));
    let vendors = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    for vendor in vendors.filter(|path| path.is_dir()) {
        for entry in std::fs::read_dir(&vendor).unwrap() {
            let path = entry.unwrap().path();
            let file = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            assert!(listed.iter().any(|sample| sample["file"] == file), "{file} is not in the manifest");
        }
    }
}

#[test]
fn streams_are_read_as_expected_however_they_are_cut() {
    for sample in samples().iter().filter(|sample| sample.is_stream()) {
        sample.check(&sample.stream(&[&sample.body]), "whole");
        let bytes: Vec<_> = sample.body.chunks(1).collect();
        sample.check(&sample.stream(&bytes), "byte by byte");
        sample.check(&sample.stream(&sample.pieces(&sample.split_at)), "at split_at");
        for at in 0..=sample.body.len() {
            sample.check(&sample.stream(&sample.pieces(&[at])), &format!("cut at {at}"));
        }
        for seed in 1..=60 {
            let cuts = random_cuts(seed, sample.body.len());
            sample.check(&sample.stream(&sample.pieces(&cuts)), &format!("cut with seed {seed}"));
        }
    }
}

/// A decoder sees nothing but frames, so frames that are the same to the byte are the same answer.
#[test]
fn five_hundred_writings_of_streams_are_read_alike_wherever_they_are_cut() {
    let mut files = 0;
    for sample in samples().iter().filter(|sample| sample.is_stream()) {
        for (way, body) in writings::writings(&sample.body, sample.dialect.framing()) {
            sample.check(&sample.stream(&[&body]), way);
            let whole = sample.framed(&[&body]);
            for at in 0..=body.len() {
                let cut = sample.framed(&[&body[..at], &body[at..]]);
                assert_eq!(cut, whole, "{} {way} cut at {at}", sample.file);
            }
            files += 1;
        }
    }
    assert!(files >= 500, "{files}");
}

#[test]
fn answers_in_one_piece_and_refusals_are_read_as_expected() {
    for sample in samples().iter().filter(|sample| !sample.is_stream()) {
        sample.check(&sample.whole(), "whole");
    }
}

#[test]
fn an_answer_that_is_damaged_anywhere_ends_once_all_the_same() {
    for sample in samples() {
        for seed in 1..=60 {
            let mut body = sample.body.clone();
            for place in random_cuts(seed, body.len() - 1).into_iter().take(3) {
                body[place] =
                    [b'"', b'}', b'0', b'\n', 0xff, b'n'][(place + usize::try_from(seed).unwrap()) % 6];
            }
            let events = if sample.is_stream() { sample.stream(&[&body]) } else { sample.whole_of(&body) };
            // Reading it asserts that there is one end and nothing after a failure.
            Read::of(&events).outcome();
        }
    }
}

#[test]
fn a_part_that_is_not_reported_is_absent() {
    let samples = samples();
    let mistral = samples.iter().find(|sample| sample.file == "mistral/chat_stream.sse").unwrap();
    let usage = Read::of(&mistral.stream(&[&mistral.body])).usage.unwrap();
    let expected = Usage { input_tokens: Some(10), output_tokens: Some(3), ..Usage::default() };
    assert_eq!(usage, expected);
}

#[tokio::test]
async fn a_socket_delivers_what_the_bytes_say() {
    for sample in samples() {
        let vendor = vendor::Vendor::start().await;
        let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider(&sample.provider));
        let delivery = if sample.is_stream() { Delivery::Streamed } else { Delivery::Whole };
        let cuts = match sample.split_at.is_empty() {
            true => random_cuts(7, sample.body.len()),
            false => sample.split_at.clone(),
        };
        let answering = async {
            let (_, mut socket) = vendor.asked().await;
            let mut head = vec![("content-type", sample.content_type.as_str())];
            head.extend(sample.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            vendor::say(&mut socket, sample.status, &head, &sample.pieces(&cuts)).await;
            match sample.is_reset {
                true => vendor::reset(socket).await,
                false => vendor::end(&mut socket).await,
            }
        };
        let request = vendor::request(delivery);
        let asking = async {
            match sender.open(&provider, &request, "upstream", "test").await {
                Ok(answer) => vendor::listen(answer).await,
                Err(failure) => vec![ChatEvent::Failed(failure)],
            }
        };
        let (events, ()) = tokio::join!(asking, answering);
        sample.check(&events, "over a socket");
    }
}

/// Up to thirty places to cut, the same for the same seed.
fn random_cuts(seed: u64, length: usize) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (below as u64 + 1)).unwrap()
    };
    let count = random(30);
    let mut cuts: Vec<usize> = (0..count).map(|_| random(length)).collect();
    cuts.sort_unstable();
    cuts
}
