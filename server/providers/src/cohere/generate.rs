//! What Cohere's old protocol that continues a text answers. Its models answer in the chat protocol too and are asked there.

use marketplace::chat::{ChatEvent, Failure, FailureClass, Finish};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::refusal;
use super::wire::Report;
use crate::failure::{failure, if_readable, malformed};
use crate::reading::{self, Reader, Reading, finished};

/// Reads a stream, which is a JSON object a line.
pub type Decoder = Reading<Text>;

/// Reads an answer that came in one piece.
pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Vec<ChatEvent>, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer: Generated = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the generate shape"))?;
    reading::whole(|text: &mut Text| text.end(answer, None))
}

/// What has been said so far.
#[derive(Debug, Default)]
pub struct Text {
    has_begun: bool,
    said_bytes: usize,
}

impl Reader for Text {
    const SHAPE: &'static str = "generate";

    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>> {
        serde_json::from_str(data).map(|line| self.take(line))
    }
}

impl Text {
    fn take(&mut self, line: Line) -> Vec<ChatEvent> {
        match line {
            Line::TextGeneration { text } => {
                let mut events = self.begin(None);
                self.said_bytes += text.len();
                events.extend((!text.is_empty()).then_some(ChatEvent::Text(text)));
                events
            }
            Line::StreamEnd { finish_reason, response } => self.end(response, finish_reason),
            Line::StreamError { err } => {
                let why = err.unwrap_or_else(|| "the vendor gave no reason".to_owned());
                vec![ChatEvent::Failed(failure(FailureClass::ServerError, why))]
            }
            Line::Other => Vec::new(),
        }
    }

    fn begin(&mut self, id: Option<String>) -> Vec<ChatEvent> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        is_first.then_some(ChatEvent::Started { upstream_id: id, upstream_model: None }).into_iter().collect()
    }

    /// The end tells the whole text once more, and what was billed where it was not streamed.
    fn end(&mut self, answer: Generated, reason: Option<String>) -> Vec<ChatEvent> {
        let mut events = self.begin(answer.id);
        // More than one is never asked for, so any other is not ours.
        let first = answer.generations.into_iter().next();
        let (text, own_reason) = first.map(|first| (first.text, first.finish_reason)).unwrap_or_default();
        let rest = text.get(self.said_bytes..).filter(|rest| !rest.is_empty()).map(str::to_owned);
        events.extend(rest.map(ChatEvent::Text));
        events.extend(answer.meta.and_then(|report| report.usage()).map(ChatEvent::Usage));
        let Some(native) = reason.or(own_reason) else {
            events.push(ChatEvent::Failed(malformed("the answer ended without a reason")));
            return events;
        };
        let finish = match native.as_str() {
            "COMPLETE" => Finish::Stop,
            "MAX_TOKENS" => Finish::Length,
            "ERROR_TOXIC" => Finish::ContentFilter,
            _ => Finish::Error,
        };
        events.extend(finished(finish, native));
        events
    }
}

/// One line of a stream.
#[derive(Deserialize)]
#[serde(tag = "event_type", rename_all = "kebab-case")]
enum Line {
    TextGeneration {
        text: String,
    },
    StreamEnd {
        #[serde(default)]
        finish_reason: Option<String>,
        response: Generated,
    },
    StreamError {
        #[serde(default)]
        err: Option<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Generated {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    generations: Vec<Generation>,
    #[serde(default, deserialize_with = "if_readable")]
    meta: Option<Report>,
}

#[derive(Deserialize)]
struct Generation {
    text: String,
    #[serde(default)]
    finish_reason: Option<String>,
}
