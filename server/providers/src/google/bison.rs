//! What the PaLM models of Google answered, of which none is served any more. Read, so that old answers can be; never asked.

use marketplace::chat::{ChatEvent, Failure, Finish};
use marketplace::usage::Usage;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::refusal;
use crate::failure::{if_readable, malformed};

/// An answer in one piece, the only kind there was, and what it was billed by.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub events: Vec<ChatEvent>,
    /// Characters that are not blank. Tokens were told too, but not billed.
    pub billable: Option<Characters>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Characters {
    pub input: u64,
    pub output: u64,
}

pub fn decode(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Prediction, Failure> {
    if !status.is_success() {
        return Err(refusal(status, headers, body));
    }
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| malformed("the answer is not JSON of the prediction shape"))?;
    let Some(said) = answer.predictions.into_iter().next() else {
        return Err(malformed("the answer holds no prediction"));
    };
    let counts = answer.metadata.and_then(|metadata| metadata.token_metadata);
    let mut events = vec![ChatEvent::Started { upstream_id: None, upstream_model: None }];
    let billable = counts.as_ref().and_then(Counts::billable);
    events.extend(counts.and_then(|counts| counts.usage()).map(ChatEvent::Usage));
    if let Some(safety) = said.safety_attributes.and_then(Safety::of_first).filter(|safety| safety.blocked) {
        // The number of the reason is all that is said of it.
        let reason = safety.errors.first().map_or_else(String::new, ToString::to_string);
        let native = format!("blocked:{reason}");
        events.push(ChatEvent::Finished { finish: Finish::ContentFilter, native });
        return Ok(Prediction { events, billable });
    }
    // A chat has candidates, of which one is asked for; a text is its own.
    let candidate = said.candidates.into_iter().next().and_then(|candidate| candidate.content);
    let Some(text) = said.content.or(candidate) else {
        return Err(malformed("the prediction says nothing"));
    };
    events.extend((!text.is_empty()).then_some(ChatEvent::Text(text)));
    // Why it ends is not said.
    events.push(ChatEvent::Finished { finish: Finish::Stop, native: "done".to_owned() });
    Ok(Prediction { events, billable })
}

#[derive(Deserialize)]
struct Answer {
    predictions: Vec<Said>,
    #[serde(default, deserialize_with = "if_readable")]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    candidates: Vec<Candidate>,
    #[serde(default)]
    safety_attributes: Option<Safety>,
}

#[derive(Deserialize)]
struct Candidate {
    #[serde(default)]
    content: Option<String>,
}

/// One of a text, a list with one for each candidate of a chat.
#[derive(Deserialize)]
#[serde(untagged)]
enum Safety {
    OfText(Judgement),
    OfChat(Vec<Judgement>),
}

#[derive(Deserialize)]
struct Judgement {
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    errors: Vec<u64>,
}

impl Safety {
    fn of_first(self) -> Option<Judgement> {
        match self {
            Self::OfText(judgement) => Some(judgement),
            Self::OfChat(all) => all.into_iter().next(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default, deserialize_with = "if_readable")]
    token_metadata: Option<Counts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_token_count: Count,
    output_token_count: Count,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_tokens: Option<i64>,
    total_billable_characters: Option<u64>,
}

impl Counts {
    fn usage(&self) -> Option<Usage> {
        let (input, output) = (self.input_token_count.total_tokens, self.output_token_count.total_tokens);
        let usage = Usage { input_tokens: input, output_tokens: output, ..Usage::default() };
        (usage != Usage::default()).then_some(usage)
    }

    fn billable(&self) -> Option<Characters> {
        Some(Characters {
            input: self.input_token_count.total_billable_characters?,
            output: self.output_token_count.total_billable_characters?,
        })
    }
}
