//! A streamed continuation: `data:` chunks of text, the usage on request, `[DONE]`.

use std::collections::{BTreeMap, VecDeque};

use axum::response::sse::Event;
use engine::{Call, CallEvent, Served, Serving};
use marketplace::chat::{ChatEvent, Finish};
use serde_json::{Value, json};

use crate::api::chat::reply::{completion_id, now, usage};
use crate::api::error::openai_error;
use crate::api::sale::{self, Line, with_served};

/// Turns events into the data of lines.
#[derive(Clone)]
pub struct Lines {
    id: String,
    created: i64,
    serving: Serving,
    /// Who answers, once something has come: until then that may change.
    served: Option<Served>,
    usage_chunk: bool,
    /// How the other continuations ended, where several were asked for. It is said when all is paid.
    ends: BTreeMap<u32, Option<Finish>>,
    ready: VecDeque<String>,
}

impl Lines {
    pub fn new(call: &Call, usage_chunk: bool) -> Self {
        let (id, created, serving) = (completion_id(call.id), now(), call.serving.clone());
        Self {
            id,
            created,
            serving,
            served: None,
            usage_chunk,
            ends: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    fn push(&mut self, index: u32, text: &str, finish: Option<Finish>) {
        let finish = finish.map(Finish::as_str);
        let choice = json!([{ "index": index, "text": text, "logprobs": null, "finish_reason": finish }]);
        let chunk = self.chunk(choice, Value::Null);
        self.ready.push_back(chunk.to_string());
    }

    /// The first chunk says in full who answers, the others just whose answer it is.
    fn chunk(&mut self, choices: Value, usage: Value) -> Value {
        let is_first = self.served.is_none();
        let served = self.served.get_or_insert_with(|| self.serving.now());
        let mut chunk = json!({
            "id": self.id, "object": "text_completion", "created": self.created, "model": served.model,
            "provider": served.provider_name, "choices": choices,
        });
        if is_first {
            chunk = with_served(chunk, served);
        }
        if self.usage_chunk {
            chunk["usage"] = usage;
        }
        chunk
    }
}

impl sale::Lines for Lines {
    fn keep_alive() -> Event {
        Event::default().comment("keep-alive")
    }

    fn next(&mut self) -> Option<Line> {
        self.ready.pop_front().map(|data| Line { name: None, data })
    }

    fn add(&mut self, event: CallEvent) {
        match event {
            CallEvent::Chat(event) => {
                let (index, event) = event.of_choice();
                match event {
                    ChatEvent::Text(text) | ChatEvent::Refusal(text) => self.push(index, text, None),
                    ChatEvent::Finished { finish, .. } => {
                        self.ends.insert(index, Some(*finish));
                    }
                    _ => {}
                }
                if index > 0 {
                    self.ends.entry(index).or_default();
                }
            }
            CallEvent::Settled { settlement, finish, .. } => {
                for (index, end) in std::mem::take(&mut self.ends) {
                    self.push(index, "", Some(end.unwrap_or(finish)));
                }
                self.push(0, "", Some(finish));
                if self.usage_chunk {
                    let chunk = self.chunk(json!([]), usage(&settlement));
                    self.ready.push_back(chunk.to_string());
                }
                self.ready.push_back("[DONE]".to_owned());
            }
            CallEvent::Failed { fault, .. } => {
                let choice = json!([{ "index": 0, "text": "", "logprobs": null, "finish_reason": "error" }]);
                let mut chunk = self.chunk(choice, Value::Null);
                chunk["error"] = openai_error(&fault)["error"].take();
                self.ready.push_back(chunk.to_string());
            }
        }
    }
}
