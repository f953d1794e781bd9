//! One answer of a call, put together from events: the only one, unless several were asked for.

use marketplace::chat::{ChatEvent, EXTRA_CONTENT, Finish};
use serde_json::{Value, json};

use super::reply::{of_google, tool_call_id};

/// What has been said so far.
#[derive(Debug, Default)]
pub struct Choice {
    text: String,
    reasoning: String,
    refusal: String,
    tool_calls: Vec<ToolCall>,
    logprobs: Value,
    /// Its own end. The first answer has that of the call.
    end: Option<(Finish, String)>,
}

#[derive(Debug)]
struct ToolCall {
    index: u32,
    id: String,
    name: String,
    arguments: String,
    signature: Option<String>,
}

impl Choice {
    pub fn add(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Text(piece) => self.text.push_str(&piece),
            ChatEvent::Reasoning(piece) => self.reasoning.push_str(&piece),
            ChatEvent::Refusal(piece) => self.refusal.push_str(&piece),
            ChatEvent::ToolCall { index, id, name, arguments } => {
                let at = match self.tool_calls.iter().position(|call| call.index == index) {
                    Some(at) => at,
                    None => {
                        let (id, name, arguments) = (String::new(), String::new(), String::new());
                        self.tool_calls.push(ToolCall { index, id, name, arguments, signature: None });
                        self.tool_calls.len() - 1
                    }
                };
                let call = &mut self.tool_calls[at];
                call.id.push_str(&id.unwrap_or_default());
                call.name.push_str(&name.unwrap_or_default());
                call.arguments.push_str(&arguments);
            }
            ChatEvent::CallSignature { index, signature } => {
                if let Some(call) = self.tool_calls.iter_mut().find(|call| call.index == index) {
                    call.signature = Some(signature);
                }
            }
            ChatEvent::Logprobs(told) => join(&mut self.logprobs, told),
            ChatEvent::Finished { finish, native } => self.end = Some((finish, native)),
            ChatEvent::Started { .. }
            | ChatEvent::Signature(_)
            | ChatEvent::Redacted(_)
            | ChatEvent::Choice { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Failed(_) => {}
        }
    }

    /// As it stands in an answer, given how the call ended.
    pub fn told(self, completion: &str, at: u32, (finish, native): (Finish, &str)) -> Value {
        let given = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
        let mut message = json!({
            "role": "assistant", "content": given(self.text), "refusal": given(self.refusal),
        });
        if !self.reasoning.is_empty() {
            message["reasoning"] = json!(self.reasoning);
        }
        if !self.tool_calls.is_empty() {
            let calls = self.tool_calls.into_iter().map(|call| call.told(completion, at));
            message["tool_calls"] = calls.collect();
        }
        let (finish, native) = self.end.unwrap_or_else(|| (finish, native.to_owned()));
        json!({
            "index": at, "message": message, "finish_reason": finish.as_str(), "native_finish_reason": native,
            "logprobs": self.logprobs,
        })
    }
}

impl ToolCall {
    fn told(self, completion: &str, choice: u32) -> Value {
        let id = if self.id.is_empty() { tool_call_id(completion, choice, self.index) } else { self.id };
        let function = json!({"name": self.name, "arguments": self.arguments});
        let mut told = json!({"id": id, "type": "function", "function": function});
        if let Some(signature) = self.signature {
            told[EXTRA_CONTENT] = of_google(&signature);
        }
        told
    }
}

/// What is told of more words goes behind what was told of those before.
pub fn join(told: &mut Value, more: Value) {
    match (told, more) {
        (Value::Array(told), Value::Array(more)) => told.extend(more),
        (Value::Object(told), Value::Object(more)) => {
            for (field, more) in more {
                join(told.entry(field).or_insert(Value::Null), more);
            }
        }
        (_, Value::Null) => {}
        (told, more) => *told = more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_words_adds_up_and_nothing_is_made_up() {
        let mut choice = Choice::default();
        for token in ["Hull", " is"] {
            choice.add(ChatEvent::Logprobs(
                json!({"content": [{"token": token, "logprob": -0.5}], "refusal": null}),
            ));
            choice.add(ChatEvent::Text(token.to_owned()));
        }
        let told = choice.told("gen-1", 0, (Finish::Stop, "stop"));
        let tokens = json!([{"token": "Hull", "logprob": -0.5}, {"token": " is", "logprob": -0.5}]);
        assert_eq!(told["logprobs"], json!({"content": tokens, "refusal": null}));
        assert_eq!(told["message"]["content"], "Hull is");
        let silent = Choice::default().told("gen-1", 0, (Finish::Stop, "stop"));
        assert_eq!(silent["logprobs"], Value::Null);
    }

    #[test]
    fn an_answer_that_did_not_end_by_itself_ended_with_the_call() {
        let end = |choice: Choice| choice.told("gen-1", 1, (Finish::Stop, "stopped"))["finish_reason"].take();
        let mut long = Choice::default();
        long.add(ChatEvent::Finished { finish: Finish::Length, native: "length".to_owned() });
        assert_eq!((end(long), end(Choice::default())), (json!("length"), json!("stop")));
    }
}
