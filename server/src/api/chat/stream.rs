//! A streamed answer in OpenAI's shape: `data:` chunks, the usage on request, `[DONE]`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use axum::response::sse::Event;
use engine::{Call, CallEvent, Serving};
use marketplace::chat::{ChatEvent, EXTRA_CONTENT, Finish};
use marketplace::id::{CallId, ModelId};
use serde::Serialize;
use serde_json::{Value, json};

use super::choice::join;
use super::reply::{completion_id, now, of_google, tool_call_id, usage};
use crate::api::error::openai_error;
use crate::api::sale::{self, Line, Thoughts, with_served};

const OBJECT: &str = "chat.completion.chunk";

/// Turns events into the data of lines, from the one that says who speaks.
#[derive(Clone, Debug)]
pub struct Lines {
    id: String,
    created: i64,
    serving: Serving,
    /// Who answers: final once it has begun.
    model: ModelId,
    provider: String,
    usage_chunk: bool,
    thoughts: Thoughts,
    has_begun: bool,
    /// What was told of the words that come next, in each answer.
    logprobs: BTreeMap<u32, Value>,
    /// How the other answers ended, where several were asked for. It is said when all is paid.
    ends: BTreeMap<u32, Option<Finish>>,
    ready: VecDeque<String>,
}

impl Lines {
    pub fn new(call: &Call, usage_chunk: bool, thoughts: Thoughts) -> Self {
        Self { thoughts, ..Self::of(call.id, call.serving.clone(), usage_chunk) }
    }

    pub fn of(call: CallId, serving: Serving, usage_chunk: bool) -> Self {
        let (id, created, served) = (completion_id(call), now(), serving.now());
        let (model, provider) = (served.model, served.provider_name);
        let (logprobs, ends, ready) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        let thoughts = Thoughts::Told;
        Self {
            id,
            created,
            serving,
            model,
            provider,
            usage_chunk,
            thoughts,
            has_begun: false,
            logprobs,
            ends,
            ready,
        }
    }

    /// The chunk that says who speaks. It is written when something has come, for until then that may change.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let served = self.serving.now();
        (self.model, self.provider) = (served.model.clone(), served.provider_name.clone());
        let delta = json!({ "role": "assistant", "content": "" });
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": null, "logprobs": null }]);
        let chunk = with_served(self.chunk(choices, Value::Null), &served);
        self.ready.push_back(chunk.to_string());
    }

    /// One piece of the answer, written down without a detour: there are thousands of them.
    fn push(&mut self, index: u32, delta: impl Serialize, finish: Option<&str>) {
        let logprobs = self.logprobs.remove(&index);
        let chunk = Chunk {
            id: &self.id,
            object: OBJECT,
            created: self.created,
            model: self.model.as_str(),
            provider: &self.provider,
            choices: [Choice { index, delta, finish_reason: finish, logprobs }],
            usage: self.usage_chunk.then_some(()),
        };
        // Nothing in it can fail to be written.
        self.ready.extend(serde_json::to_string(&chunk));
    }

    /// What one of the answers says next.
    fn say(&mut self, index: u32, event: ChatEvent) {
        match event {
            ChatEvent::Text(content) => self.push(index, Said { content }, None),
            ChatEvent::Reasoning(_) if self.thoughts == Thoughts::Hidden => {}
            ChatEvent::Reasoning(text) => self.push(index, json!({ "reasoning": text }), None),
            ChatEvent::Refusal(text) => self.push(index, json!({ "refusal": text }), None),
            ChatEvent::ToolCall { index: call, id, name, arguments } => {
                let mut piece = json!({ "index": call, "function": { "arguments": arguments } });
                // The piece with the name is the first.
                let made_up = || name.is_some().then(|| tool_call_id(&self.id, index, call));
                if let Some(id) = id.or_else(made_up) {
                    piece["id"] = json!(id);
                    piece["type"] = json!("function");
                }
                if let Some(name) = name {
                    piece["function"]["name"] = json!(name);
                }
                self.push(index, json!({ "tool_calls": [piece] }), None);
            }
            ChatEvent::CallSignature { index: call, signature } => {
                // Clients look for the function in every piece of a call.
                let function = json!({ "arguments": "" });
                let piece =
                    json!({ "index": call, "function": function, EXTRA_CONTENT: of_google(&signature) });
                self.push(index, json!({ "tool_calls": [piece] }), None);
            }
            ChatEvent::Logprobs(told) => join(self.logprobs.entry(index).or_default(), told),
            ChatEvent::Finished { finish, .. } => {
                self.ends.insert(index, Some(finish));
            }
            ChatEvent::Started { .. }
            | ChatEvent::Signature(_)
            | ChatEvent::Redacted(_)
            | ChatEvent::Choice { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Failed(_) => {}
        }
    }

    fn chunk(&self, choices: Value, usage: Value) -> Value {
        let mut chunk = json!({
            "id": self.id, "object": OBJECT, "created": self.created,
            "model": self.model, "provider": self.provider, "choices": choices,
        });
        if self.usage_chunk {
            chunk["usage"] = usage;
        }
        chunk
    }
}

#[derive(Serialize)]
struct Chunk<'a, D> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    provider: &'a str,
    choices: [Choice<'a, D>; 1],
    /// `null` until the last chunk, for those who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<()>,
}

#[derive(Serialize)]
struct Choice<'a, D> {
    index: u32,
    delta: D,
    finish_reason: Option<&'a str>,
    /// `null`, unless it was asked for and told.
    logprobs: Option<Value>,
}

#[derive(Serialize)]
struct Said {
    content: String,
}

impl sale::Lines for Lines {
    fn keep_alive() -> Event {
        Event::default().comment("keep-alive")
    }

    fn next(&mut self) -> Option<Line> {
        self.ready.pop_front().map(|data| Line { name: None, data })
    }

    fn add(&mut self, event: CallEvent) {
        self.begin();
        match event {
            CallEvent::Chat(ChatEvent::Choice { index, event }) => {
                if let Entry::Vacant(end) = self.ends.entry(index) {
                    end.insert(None);
                    self.push(index, json!({ "role": "assistant", "content": "" }), None);
                }
                self.say(index, *event);
            }
            CallEvent::Chat(event) => self.say(0, event),
            CallEvent::Settled { settlement, finish, .. } => {
                for (index, end) in std::mem::take(&mut self.ends) {
                    self.push(index, json!({}), Some(end.unwrap_or(finish).as_str()));
                }
                self.push(0, json!({}), Some(finish.as_str()));
                if self.usage_chunk {
                    let chunk = self.chunk(json!([]), usage(&settlement));
                    self.ready.push_back(chunk.to_string());
                }
                self.ready.push_back("[DONE]".to_owned());
            }
            CallEvent::Failed { fault, .. } => {
                let choice = json!([{ "index": 0, "delta": {}, "finish_reason": "error" }]);
                let mut chunk = self.chunk(choice, Value::Null);
                chunk["error"] = openai_error(&fault)["error"].take();
                self.ready.push_back(chunk.to_string());
            }
        }
    }
}
