//! Handing an answer on: nothing of it before its first word, then no faster than it is read.

use std::time::Duration;

use marketplace::chat::{ChatEvent, Delivery, Failure};
use providers::failure::truncated;
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout};

use super::CallEvent;
use super::meter::{Piece, WAITING_BYTES_MAX};
use super::relay::{Attempt, Heard, Relay, is_readable};
use super::settle::Ending;
use crate::health::Attended;

/// Whoever waits for the first word for so long is told that the answer has begun, or proxies would hang up on them.
const HELD_BACK: Duration = Duration::from_secs(10);

/// What comes before the first word of an answer. Until it is handed on, somebody else may still be asked.
#[derive(Default)]
struct Beginning {
    held: Vec<ChatEvent>,
    weight: usize,
    due: Option<Instant>,
    is_over: bool,
}

impl Beginning {
    /// Keeps what says nothing yet. What comes back is to be handed on, after what was kept before it.
    fn keep(&mut self, event: ChatEvent) -> Option<ChatEvent> {
        self.weight += weight(&event);
        if self.is_over || content_bytes(&event) > 0 || self.weight > WAITING_BYTES_MAX {
            return Some(event);
        }
        self.held.push(event);
        self.due.get_or_insert_with(|| Instant::now() + HELD_BACK);
        None
    }

    fn end(&mut self) -> Vec<ChatEvent> {
        (self.is_over, self.due) = (true, None);
        std::mem::take(&mut self.held)
    }

    async fn is_due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

impl Relay {
    /// Hears an answer to its end. A failure before anything was handed on is no answer.
    pub(super) async fn forward(
        &self,
        mut answer: Attended,
        heard: &mut Heard,
        attempt: &mut Attempt,
    ) -> Result<Ending, Failure> {
        let mut beginning = Beginning::default();
        loop {
            let event = tokio::select! {
                event = answer.next() => event,
                () = self.left() => return Ok(Ending::Stopped),
                () = beginning.is_due() => {
                    if let Some(ending) = self.hand_over_all(beginning.end(), heard).await {
                        return Ok(ending);
                    }
                    continue;
                }
            };
            let content = match event {
                None if self.is_cut_off(heard) => {
                    return Ok(Ending::Broken(self.told(&truncated(), attempt)));
                }
                None => return Ok(Ending::Whole),
                Some(event) if !self.is_asked(&event) => continue,
                Some(ChatEvent::Usage(usage)) => {
                    let input = usage.input_tokens.filter(|input| is_readable(*input));
                    if let Some(input) = input.and_then(|input| u64::try_from(input).ok()) {
                        self.meter.set_input(input.min(self.terms.prompt.tokens_max));
                    }
                    heard.usage = Some(usage);
                    if heard.content {
                        continue;
                    }
                    // What is counted before the first word tells how long the prompt is.
                    ChatEvent::Usage(usage)
                }
                Some(ChatEvent::Finished { finish, native }) => {
                    heard.finish = Some((finish, native));
                    continue;
                }
                Some(ChatEvent::Choice { index, event }) => {
                    if matches!(*event, ChatEvent::Finished { .. }) {
                        heard.others_finished.insert(index);
                    }
                    ChatEvent::Choice { index, event }
                }
                Some(ChatEvent::Failed(failure)) if beginning.is_over => {
                    return Ok(Ending::Broken(self.told(&failure, attempt)));
                }
                Some(ChatEvent::Failed(failure)) => return Err(failure),
                Some(content) => content,
            };
            let Some(content) = beginning.keep(content) else { continue };
            let events = beginning.end().into_iter().chain([content]);
            if let Some(ending) = self.hand_over_all(events, heard).await {
                return Ok(ending);
            }
        }
    }

    /// Whether it is part of what the caller wants to hear, and pays for.
    fn is_asked(&self, event: &ChatEvent) -> bool {
        let (choice, said) = event.of_choice();
        let is_wanted = !matches!(said, ChatEvent::Logprobs(_)) || self.request.asks_for_logprobs();
        u64::from(choice) < self.terms.choices && is_wanted
    }

    /// Whether a stream ended before the last of several answers began. A vendor that counted it had no more to say.
    fn is_cut_off(&self, heard: &Heard) -> bool {
        let told = 1 + heard.others_finished.len() as u64;
        self.request.stream == Delivery::Streamed
            && heard.content
            && heard.usage.is_none()
            && told < self.terms.choices
    }

    async fn hand_over_all(
        &self,
        events: impl IntoIterator<Item = ChatEvent>,
        heard: &mut Heard,
    ) -> Option<Ending> {
        for event in events {
            let bytes = content_bytes(&event);
            heard.said.note(&event);
            if let Some(ending) = self.hand_over(event, bytes).await {
                return Some(ending);
            }
            heard.content |= bytes > 0;
        }
        None
    }

    /// Hands an event on, in time; an ending if there is nobody to hand it to or no right to.
    async fn hand_over(&self, content: ChatEvent, bytes: usize) -> Option<Ending> {
        let is_streamed = self.request.stream == Delivery::Streamed;
        let piece = Piece { bytes: bytes as u64, weight: weight(&content) };
        // An answer in one piece is read when it is settled: until then nothing of it is given away.
        let may_forward = async { !is_streamed || self.meter.may_forward(bytes).await };
        let handing = async {
            if !may_forward.await {
                return Some(Ending::Lost);
            }
            tokio::select! {
                () = self.meter.room_for(piece.weight) => {}
                () = self.events.closed() => {}
            }
            match self.events.reserve().await {
                Ok(place) => self.meter.hand_over(place, CallEvent::Chat(content), piece),
                Err(_) if is_streamed => return Some(Ending::Stopped),
                Err(_) => self.meter.count_unread(bytes),
            }
            None
        };
        tokio::select! {
            ending = timeout(self.patience(), handing) => ending.unwrap_or(Some(Ending::Stopped)),
            () = self.left() => Some(Ending::Stopped),
        }
    }

    /// Waits until everything was taken, so that nothing is charged that still waits here.
    pub(super) async fn until_taken(&self, ending: Ending) -> Ending {
        // Whoever took nothing for so long is not waited for once more.
        let has_given_up = matches!(ending, Ending::Stopped) && !self.stop.is_cancelled();
        let all = async {
            let is_read = self.events.reserve_many(self.events.max_capacity()).await.is_ok();
            tokio::select! {
                () = self.meter.until_cleared() => is_read,
                () = self.events.closed() => false,
            }
        };
        let is_taken = !has_given_up && matches!(timeout(self.patience(), all).await, Ok(true));
        match (ending, self.request.stream) {
            (ending, Delivery::Whole) => {
                // Its vendor bills it in full, read or not.
                self.meter.count_unread(0);
                ending
            }
            // Whoever left, or took nothing for so long, pays what they took.
            (Ending::Whole, Delivery::Streamed) if !is_taken && self.meter.waits() => Ending::Stopped,
            (ending, Delivery::Streamed) => ending,
        }
    }
}

/// How much of an answer an event carries: something worth paying for, when it is not nothing.
pub(crate) fn content_bytes(event: &ChatEvent) -> usize {
    match event {
        ChatEvent::Text(text) | ChatEvent::Reasoning(text) | ChatEvent::Refusal(text) => text.len(),
        ChatEvent::ToolCall { name, arguments, .. } => name.as_deref().map_or(0, str::len) + arguments.len(),
        ChatEvent::Choice { event, .. } => content_bytes(event),
        ChatEvent::Started { .. }
        | ChatEvent::Logprobs(_)
        | ChatEvent::Signature(_)
        | ChatEvent::Redacted(_)
        | ChatEvent::CallSignature { .. }
        | ChatEvent::Usage(_)
        | ChatEvent::Finished { .. }
        | ChatEvent::Failed(_) => 0,
    }
}

/// What an event takes of our memory while it waits, worth paying for or not.
fn weight(event: &ChatEvent) -> usize {
    let beside = match event.of_choice().1 {
        ChatEvent::Logprobs(told) => json_weight(told),
        ChatEvent::Signature(sealed)
        | ChatEvent::Redacted(sealed)
        | ChatEvent::CallSignature { signature: sealed, .. } => sealed.len(),
        _ => 0,
    };
    size_of::<CallEvent>() + content_bytes(event) + beside
}

/// About what a value takes of our memory.
fn json_weight(value: &Value) -> usize {
    let within = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(json_weight).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + json_weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + within
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> ChatEvent {
        ChatEvent::Started { upstream_id: None, upstream_model: None }
    }

    #[test]
    fn what_says_nothing_waits_for_the_first_word_and_then_nothing_waits() {
        let mut beginning = Beginning::default();
        assert!(beginning.keep(started()).is_none() && beginning.due.is_some() && !beginning.is_over);
        let word = ChatEvent::Text("Hull".to_owned());
        assert_eq!(beginning.keep(word.clone()), Some(word));
        assert_eq!(beginning.end(), [started()]);
        assert!(beginning.due.is_none() && beginning.is_over);
        let signature = ChatEvent::Signature("sealed".to_owned());
        assert_eq!(beginning.keep(signature.clone()), Some(signature));
    }

    #[test]
    fn no_more_waits_for_a_first_word_than_for_a_reader() {
        let mut beginning = Beginning::default();
        let sealed = || ChatEvent::Redacted("x".repeat(WAITING_BYTES_MAX / 2));
        assert!(beginning.keep(sealed()).is_none());
        assert_eq!(beginning.keep(sealed()), Some(sealed()));
    }
}
