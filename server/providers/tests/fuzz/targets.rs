//! What is tried: each reads a body in several ways, and says how it was read.

use std::hash::{DefaultHasher, Hash, Hasher};

use marketplace::chat::{ChatEvent, Failure};
use providers::frame::{EVENT_BYTES_MAX, Event, FrameError, Framer, Framing};
use providers::{Dialect, embedding, image};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};

use crate::answer::{check, check_failure, failure_way, way};
use crate::chance::Chance;
use crate::dialect;

pub fn frames(body: &[u8], chance: &mut Chance, framing: Framing) -> u64 {
    let (events, error) = framed(&[body], framing);
    assert_eq!(framed(&chance.pieces(body), framing), (events.clone(), error), "cut");
    if chance.one_in(16) {
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(framed(&bytes, framing), (events.clone(), error), "byte by byte");
    }
    let sent: usize = events.iter().map(|event| event.data.len()).sum();
    assert!(sent <= body.len().min(EVENT_BYTES_MAX), "{sent} bytes were read of {}", body.len());
    let mut hasher = DefaultHasher::new();
    error.map(|error| error.to_string()).hash(&mut hasher);
    for event in events.iter().take(8) {
        let kind = (event.name.is_some(), event.data.is_empty(), event.data.contains('\n'));
        (kind, event.data.starts_with('{'), event.data == "[DONE]").hash(&mut hasher);
    }
    hasher.finish()
}

pub fn stream(body: &[u8], chance: &mut Chance, dialect: Dialect) -> u64 {
    let events = streamed(&[body], dialect);
    check(body, &events);
    assert_eq!(streamed(&chance.pieces(body), dialect), events, "cut");
    way(&events)
}

pub fn whole(body: &[u8], chance: &mut Chance) -> u64 {
    let spoken = ["openai", "anthropic", "google", "cohere", "ollama", "tgi"];
    let speaker = chance.below(spoken.len());
    let (status, headers) = head(chance);
    let read = match dialect(spoken[speaker]).decode(status, &headers, body) {
        Ok(events) => {
            assert!(status.is_success(), "a refusal was taken for an answer");
            assert!(!events.iter().any(|event| matches!(event, ChatEvent::Failed(_))), "{events:?}");
            check(body, &events);
            way(&events)
        }
        Err(failure) => {
            check_failure(&failure);
            failure_way(&failure)
        }
    };
    check_failure(&dialect(spoken[speaker]).refusal(status, &headers, body));
    read.wrapping_add(speaker as u64)
}

pub fn beyond_chat(body: &[u8], chance: &mut Chance) -> u64 {
    let (status, headers) = head(chance);
    let (kind, texts) = (chance.below(9), 1 + chance.below(3));
    let vectors = |read: Result<embedding::Embeddings, Failure>| {
        let read = read?;
        assert_eq!(read.vectors.len(), texts);
        assert!(read.vectors.iter().flatten().all(|number| number.is_finite()));
        Ok(read.vectors.len())
    };
    let pictures = |read: Result<image::Pictures, Failure>| read.map(|read| read.pictures.len());
    let read = match kind {
        0 => vectors(embedding::openai::decode(status, &headers, body, texts)),
        1 => vectors(embedding::cohere::decode(status, &headers, body, texts)),
        2 => vectors(embedding::google::decode(status, &headers, body, texts)),
        3 => vectors(embedding::huggingface::decode(status, &headers, body, texts)),
        4 => vectors(embedding::ollama::decode(status, &headers, body, texts)),
        5 => pictures(image::openai::decode(status, &headers, body)),
        8 => pictures(image::gemini::decode(status, &headers, body)),
        6 => pictures(image::stability_v1::decode(status, &headers, body)),
        _ => pictures(image::stability_v2::decode(status, &headers, body)),
    };
    let read = match read {
        Ok(count) => {
            assert!(status.is_success(), "a refusal was taken for an answer");
            count.min(4) as u64
        }
        Err(failure) => {
            check_failure(&failure);
            failure_way(&failure)
        }
    };
    read.wrapping_add(kind as u64)
}

fn framed(pieces: &[&[u8]], framing: Framing) -> (Vec<Event>, Option<FrameError>) {
    let (mut framer, mut events) = (Framer::new(framing), Vec::new());
    for piece in pieces {
        if let Err(error) = framer.feed(piece, &mut events) {
            return (events, Some(error));
        }
    }
    events.extend(framer.finish());
    (events, None)
}

/// As the sender reads: what comes after bytes that are no frames is not looked at.
fn streamed(pieces: &[&[u8]], dialect: Dialect) -> Vec<ChatEvent> {
    let mut decoder = dialect.decoder();
    let (framed, error) = framed(pieces, dialect.framing());
    let mut events: Vec<ChatEvent> = framed.iter().flat_map(|event| decoder.feed(event)).collect();
    events.extend(match error {
        Some(error) => decoder.fail(providers::failure::malformed(&error.to_string())),
        None => decoder.finish(),
    });
    events
}

fn head(chance: &mut Chance) -> (StatusCode, HeaderMap) {
    let status = [200, 200, 200, 200, 400, 401, 403, 404, 413, 429, 500, 502, 503, 529][chance.below(14)];
    let mut headers = HeaderMap::new();
    let waits = [
        "1",
        "0.2",
        "-1",
        "NaN",
        "1e300",
        "99999999999999999999",
        "Sun, 06 Nov 2094 08:49:37 GMT",
        "\u{fffd}",
    ];
    for name in ["retry-after", "retry-after-ms", "x-prompt-tokens", "content-type", "seed", "finish-reason"]
    {
        if chance.one_in(3) {
            headers.insert(name, HeaderValue::from_bytes(chance.of(&waits).as_bytes()).unwrap());
        }
    }
    if chance.one_in(3) {
        headers.insert("content-type", HeaderValue::from_static("image/png"));
    }
    (StatusCode::from_u16(status).unwrap(), headers)
}
