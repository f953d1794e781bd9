//! A whole answer in OpenAI's shape, put together from events.

use std::collections::BTreeMap;

use engine::{Call, Serving};
use marketplace::chat::{ChatEvent, Finish};
use marketplace::id::CallId;
use marketplace::receipt::Settlement;
use serde_json::{Value, json};

use super::choice::Choice;
use crate::api::sale::{self, Thoughts, with_cost, with_served};

/// What has been said so far.
#[derive(Debug)]
pub struct Reply {
    id: String,
    serving: Serving,
    created: i64,
    thoughts: Thoughts,
    /// Of one answer, unless several were asked for.
    choices: BTreeMap<u32, Choice>,
}

impl Reply {
    pub fn new(call: &Call, thoughts: Thoughts) -> Self {
        Self { thoughts, ..Self::of(call.id, call.serving.clone()) }
    }

    pub fn of(call: CallId, serving: Serving) -> Self {
        let choices = BTreeMap::from([(0, Choice::default())]);
        Self { id: completion_id(call), serving, created: now(), thoughts: Thoughts::Told, choices }
    }
}

impl sale::Reply for Reply {
    fn add(&mut self, event: ChatEvent) {
        let (index, event) = match event {
            ChatEvent::Choice { index, event } => (index, *event),
            event => (0, event),
        };
        if self.thoughts == Thoughts::Hidden && matches!(event, ChatEvent::Reasoning(_)) {
            return;
        }
        self.choices.entry(index).or_default().add(event);
    }

    fn finish(self, settlement: &Settlement, finish: Finish, native: &str) -> Value {
        let served = self.serving.now();
        let choices =
            self.choices.into_iter().map(|(at, choice)| choice.told(&self.id, at, (finish, native)));
        let answer = json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": served.model,
            "choices": choices.collect::<Vec<_>>(),
            "usage": usage(settlement),
        });
        with_served(answer, &served)
    }
}

/// What was used and what it cost.
pub fn usage(settlement: &Settlement) -> Value {
    let tokens = &settlement.usage;
    let counted = json!({
        "prompt_tokens": tokens.input_total(),
        "completion_tokens": tokens.output_total(),
        "total_tokens": tokens.input_total() + tokens.output_total(),
        "prompt_tokens_details": {
            "cached_tokens": tokens.cached_input, "cache_write_tokens": tokens.cache_write + tokens.cache_write_1h,
        },
        "completion_tokens_details": { "reasoning_tokens": tokens.reasoning },
    });
    with_cost(counted, settlement)
}

/// A seal on a call as Google's own endpoint of this shape tells it, and as it is taken back.
pub fn of_google(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// An id for a call that its vendor gave none: the result must be able to name it.
pub fn tool_call_id(completion: &str, choice: u32, index: u32) -> String {
    match choice {
        0 => format!("call-{completion}-{index}"),
        other => format!("call-{completion}-{other}-{index}"),
    }
}

pub fn completion_id(call: CallId) -> String {
    format!("gen-{call}")
}

pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
