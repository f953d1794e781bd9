//! Writing a streamed answer down while it is sent, to be repeated in fewer and larger chunks.

use axum::response::IntoResponse;
use engine::{Call, CallEvent, KEPT_BYTES_MAX, STOPPED};
use http::StatusCode;
use marketplace::chat::{CHOICES_MAX, ChatEvent};
use marketplace::fault::{Code, Fault};
use marketplace::id::CallId;
use marketplace::money::Nanos;
use tokio::sync::mpsc;

use super::{Dialect, Line, Lines, is_whole};
use crate::api::idempotency::Attempt;
use crate::api::{ApiError, response_cache};

/// Hears the call to its end in a task that no connection owns; the call returned is for the connection.
pub fn begin<D: Dialect>(call: Call, lines: D::Lines, attempt: Attempt) -> Call {
    let (reader, read) = call.hand_on();
    let record = Record::<D> { lines, events: Vec::new(), bytes: 0, begun: false };
    tokio::spawn(write_down(call, reader, record, attempt));
    read
}

async fn write_down<D: Dialect>(
    mut call: Call,
    reader: mpsc::Sender<CallEvent>,
    mut record: Record<D>,
    attempt: Attempt,
) {
    let stop = call.stop_switch();
    let mut has_left = false;
    loop {
        let event = tokio::select! {
            event = call.next() => event,
            () = reader.closed(), if !has_left => {
                // Leaving stops the answer, key or not; what came until then is still settled and told.
                has_left = true;
                stop.cancel();
                continue;
            }
        };
        match event {
            Some(CallEvent::Chat(event)) => {
                record.add(&event);
                has_left |= reader.send(CallEvent::Chat(event)).await.is_err();
                if has_left {
                    stop.cancel();
                }
            }
            Some(last) => {
                // Kept before it is told, so that whoever asks again right after the end is answered.
                let last_told = as_repeated(&last, &attempt);
                let whole = came_to_its_end(&call, &last_told).then_some(call.id);
                record.keep(last_told, whole, &attempt).await;
                // A reader who has left does not hear the end.
                let _ = reader.send(last).await;
                return;
            }
            None => return,
        }
    }
}

/// The end as it is told to whoever asks again: an answer whose reader left, or took nothing for too long, must not
/// look whole.
fn as_repeated(last: &CallEvent, attempt: &Attempt) -> CallEvent {
    let cut_short = match last {
        CallEvent::Settled { native, .. } => native == STOPPED,
        CallEvent::Failed { fault, .. } => fault.code == Code::Conflict,
        CallEvent::Chat(_) => false,
    };
    match &attempt.claim {
        Some(claim) if cut_short => broken_off(claim.interrupted()),
        _ => last.clone(),
    }
}

fn came_to_its_end(call: &Call, last: &CallEvent) -> bool {
    matches!(last, CallEvent::Settled { finish, native, .. } if is_whole(call, *finish, native))
}

fn broken_off(fault: Fault) -> CallEvent {
    CallEvent::Failed { fault, released: Nanos::ZERO, settlement: None }
}

struct Record<D: Dialect> {
    lines: D::Lines,
    /// Neighbours of a kind are one.
    events: Vec<ChatEvent>,
    bytes: usize,
    begun: bool,
}

impl<D: Dialect> Record<D> {
    fn add(&mut self, event: &ChatEvent) {
        self.begun = true;
        if self.bytes > KEPT_BYTES_MAX {
            // Too large to be kept already; more of it need not be held in memory.
            return;
        }
        self.bytes += match event.of_choice().1 {
            ChatEvent::Text(text) | ChatEvent::Reasoning(text) | ChatEvent::Refusal(text) => text.len(),
            ChatEvent::ToolCall { arguments, .. } => arguments.len(),
            ChatEvent::Signature(sealed)
            | ChatEvent::Redacted(sealed)
            | ChatEvent::CallSignature { signature: sealed, .. } => sealed.len(),
            ChatEvent::Logprobs(told) => told.to_string().len(),
            _ => 0,
        };
        // Several answers come by turns, and how those lie between each other tells nothing.
        let (choice, _) = event.of_choice();
        let mut lately = self.events.iter_mut().rev().take(CHOICES_MAX as usize);
        let last = lately.find(|earlier| earlier.of_choice().0 == choice);
        if !last.is_some_and(|last| append(last, event)) {
            self.events.push(event.clone());
        }
    }

    /// Keeps it for its key; and if it is the whole answer of a call, for whoever asks the same again.
    async fn keep(self, last: CallEvent, whole: Option<CallId>, attempt: &Attempt) {
        let Self { mut lines, events, begun, .. } = self;
        if let (false, CallEvent::Failed { fault, .. }) = (begun, &last) {
            attempt.keep(ApiError::of(D::FAMILY, fault.clone()).into_response()).await;
            return;
        }
        events.into_iter().map(CallEvent::Chat).chain([last]).for_each(|event| lines.add(event));
        let lines: Vec<Line> = std::iter::from_fn(|| lines.next()).collect();
        if let Some(call) = whole {
            response_cache::keep_lines(attempt, call, &lines).await;
        }
        let body: String = lines.iter().map(Line::written).collect();
        attempt.keep_as(StatusCode::OK, "text/event-stream".to_owned(), body.into_bytes()).await;
    }
}

/// Adds a piece to the one before it, if both are of a kind.
fn append(last: &mut ChatEvent, next: &ChatEvent) -> bool {
    match (last, next) {
        (ChatEvent::Text(text), ChatEvent::Text(piece))
        | (ChatEvent::Reasoning(text), ChatEvent::Reasoning(piece))
        | (ChatEvent::Refusal(text), ChatEvent::Refusal(piece)) => text.push_str(piece),
        (
            ChatEvent::ToolCall { index, arguments, .. },
            ChatEvent::ToolCall { index: same, id: None, name: None, arguments: piece },
        ) if index == same => arguments.push_str(piece),
        (ChatEvent::Choice { index, event }, ChatEvent::Choice { index: same, event: piece })
            if index == same =>
        {
            return append(event, piece);
        }
        _ => return false,
    }
    true
}
