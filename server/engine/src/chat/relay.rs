//! The task that owns a call: it asks the vendor, hands the answer on, and closes the books.

use std::sync::Arc;
use std::time::Duration;

use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Failure, FailureClass, Finish};
use marketplace::fault::{Code, Fault};
use marketplace::usage::{Tokens, Usage};
use providers::Answer;
use store::seeded::{self, Bug};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::meter::Meter;
use super::settle::Ending;
use super::{CallEvent, Terms};
use crate::Engine;
use crate::error::from_failure;

pub(super) struct Relay {
    pub engine: Engine,
    pub terms: Terms,
    pub request: ChatRequest,
    pub events: mpsc::Sender<CallEvent>,
    pub stop: CancellationToken,
    pub meter: Arc<Meter>,
}

/// What was learnt of an answer until it ended.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub usage: Option<Usage>,
    /// Text, reasoning, a refusal or a tool call: something worth paying for.
    pub content: bool,
    pub finish: Option<(Finish, String)>,
}

impl Relay {
    pub async fn run(self) {
        let mut heard = Heard::default();
        let mut ending = self.listen(&mut heard).await;
        if seeded::is_on(Bug::RetryAfterFirstByte) && matches!(ending, Ending::Broken(_)) {
            ending = self.listen(&mut heard).await;
        }
        let ending = self.until_taken(ending).await;
        if seeded::is_on(Bug::LeakHold) && matches!(ending, Ending::Stopped) {
            return;
        }
        let last = self.engine.settle(&self.terms, &self.meter, heard, ending).await;
        self.engine.0.running.close(self.terms.id);
        // Whoever has left, or takes nothing, does not hear the end; the receipt keeps it.
        let _ = self.events.send_timeout(last, self.patience()).await;
    }

    async fn listen(&self, heard: &mut Heard) -> Ending {
        let Some(provider) = self.engine.0.registry.find(&self.terms.on_sale.model.provider) else {
            return Ending::Refused(Fault::new(
                Code::Unavailable,
                "The provider of this model is not configured",
            ));
        };
        let id = self.terms.id.to_string();
        let asked =
            self.engine.0.sender.open(provider, &self.request, &self.terms.on_sale.model.upstream, &id);
        let answer = tokio::select! {
            answer = asked => answer,
            () = self.left() => return Ending::Stopped,
        };
        match answer {
            Ok(answer) => self.forward(answer, heard).await,
            Err(failure) => Ending::Refused(self.told(&failure)),
        }
    }

    async fn forward(&self, mut answer: Answer, heard: &mut Heard) -> Ending {
        loop {
            let event = tokio::select! {
                event = answer.next() => event,
                () = self.left() => return Ending::Stopped,
            };
            let Some(event) = event else { break };
            let content = match event {
                ChatEvent::Usage(usage) => {
                    // A count that no window can hold says nothing of the prompt.
                    let input = usage.input_tokens.filter(|input| *input <= Tokens::REPORTED_MAX);
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
                ChatEvent::Finished { finish, native } => {
                    heard.finish = Some((finish, native));
                    continue;
                }
                ChatEvent::Failed(failure) => return Ending::Broken(self.told(&failure)),
                content => content,
            };
            let bytes = content_bytes(&content);
            if let Some(ending) = self.hand_over(content, bytes).await {
                return ending;
            }
            heard.content |= bytes > 0;
        }
        Ending::Whole
    }

    /// Hands an event on, in time; an ending if there is nobody to hand it to or no right to.
    async fn hand_over(&self, content: ChatEvent, bytes: usize) -> Option<Ending> {
        let is_streamed = self.request.stream == Delivery::Streamed;
        // An answer in one piece is read when it is settled: until then nothing of it is given away.
        let may_forward = async { !is_streamed || self.meter.may_forward(bytes).await };
        let handing = async {
            if !may_forward.await {
                return Some(Ending::Lost);
            }
            match self.events.reserve().await {
                Ok(place) => self.meter.hand_over(place, CallEvent::Chat(content), bytes),
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
    async fn until_taken(&self, ending: Ending) -> Ending {
        // Whoever took nothing for so long is not waited for once more.
        let has_given_up = matches!(ending, Ending::Stopped) && !self.stop.is_cancelled();
        let all = self.events.reserve_many(self.events.max_capacity());
        let is_taken = !has_given_up && matches!(timeout(self.patience(), all).await, Ok(Ok(_)));
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

    /// Resolves when nobody wants the rest: the caller stopped it, or hung up on a stream.
    async fn left(&self) {
        match self.request.stream {
            Delivery::Streamed => tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.events.closed() => {}
            },
            // An answer in one piece is billed in full by its vendor, so it is heard to the end.
            Delivery::Whole => std::future::pending().await,
        }
    }

    /// A reader who takes nothing for this long has left.
    fn patience(&self) -> Duration {
        self.engine.0.sender.limits().reader
    }

    fn told(&self, failure: &Failure) -> Fault {
        if failure.class != FailureClass::InvalidRequest {
            self.engine.0.watch.note_provider_failure(&self.terms.on_sale.model.provider.0);
            warn!(call.id = %self.terms.id, class = ?failure.class, "the provider of {} failed", self.terms.on_sale.model.id);
        }
        from_failure(&self.terms.on_sale.provider_name, failure)
    }
}

/// How much of an answer an event carries: something worth paying for, when it is not nothing.
fn content_bytes(event: &ChatEvent) -> usize {
    match event {
        ChatEvent::Text(text) | ChatEvent::Reasoning(text) | ChatEvent::Refusal(text) => text.len(),
        ChatEvent::ToolCall { name, arguments, .. } => name.as_deref().map_or(0, str::len) + arguments.len(),
        ChatEvent::Started { .. }
        | ChatEvent::Signature(_)
        | ChatEvent::Redacted(_)
        | ChatEvent::Usage(_)
        | ChatEvent::Finished { .. }
        | ChatEvent::Failed(_) => 0,
    }
}
