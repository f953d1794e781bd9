//! Reading what a vendor sends back, within limits.

use std::collections::VecDeque;
use std::time::Duration;

use marketplace::chat::{ChatEvent, Delivery, Failure, FailureClass};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use super::{Limits, without_key};
use crate::dialect::{Decoder, Dialect};
use crate::failure::{failure, malformed, truncated};
use crate::frame::{Event, Framer};

/// More of an error page tells nothing more.
const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// How long the end of a body may stay out after the end of the answer, before we give the connection up.
const LINGER: Duration = Duration::from_millis(250);

/// An answer on its way. Dropping it hangs up, which with most vendors stops the work.
#[derive(Debug)]
pub struct Answer {
    ready: VecDeque<ChatEvent>,
    stream: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    response: Response,
    framer: Framer,
    decoder: Decoder,
    limits: Limits,
    asked: Instant,
    /// Since when we have been waiting for bytes. Kept here so that a dropped wait goes on where it was.
    waiting_since: Option<Instant>,
    has_begun: bool,
    bytes: usize,
    key: Option<SecretString>,
}

impl Answer {
    pub(super) fn whole(events: Vec<ChatEvent>) -> Self {
        Self { ready: events.into(), stream: None }
    }

    /// An answer that has begun. One that fails before anything else is no answer.
    pub(super) async fn streamed(
        response: Response,
        dialect: Dialect,
        limits: Limits,
        asked: Instant,
        key: Option<SecretString>,
    ) -> Result<Self, Failure> {
        let (framer, decoder) = (Framer::new(dialect.framing()), dialect.decoder());
        let stream = Stream {
            response,
            framer,
            decoder,
            limits,
            asked,
            waiting_since: None,
            has_begun: false,
            bytes: 0,
            key,
        };
        let mut answer = Self { ready: VecDeque::new(), stream: Some(stream) };
        match answer.next().await {
            Some(ChatEvent::Failed(failure)) => Err(failure),
            Some(first) => {
                answer.ready.push_front(first);
                Ok(answer)
            }
            None => Err(truncated()),
        }
    }

    /// The next event, or nothing when the answer is over. Usage may come after the finish.
    ///
    /// A wait that is dropped loses nothing.
    pub async fn next(&mut self) -> Option<ChatEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if !self.stream.as_mut()?.read(&mut self.ready).await {
                self.stream = None;
            }
        }
    }
}

impl Stream {
    /// Reads the next bytes into events, and says whether there can be more.
    async fn read(&mut self, ready: &mut VecDeque<ChatEvent>) -> bool {
        let waiting_since = *self.waiting_since.get_or_insert_with(Instant::now);
        let arrived = timeout_at(self.deadline(waiting_since), self.response.chunk()).await;
        self.waiting_since = None;
        let mut events = Vec::new();
        let goes_on = match arrived {
            Ok(Ok(Some(bytes))) if self.bytes + bytes.len() > self.limits.stream_bytes_max => {
                self.fail(malformed("the answer is too large"), ready);
                false
            }
            Ok(Ok(Some(bytes))) => {
                self.bytes += bytes.len();
                let framed = self.framer.feed(&bytes, &mut events);
                self.decode(&events, ready);
                if let Err(error) = framed {
                    self.fail(malformed(&error.to_string()), ready);
                }
                framed.is_ok()
            }
            // A broken connection and a polite end are the same: what counts is whether the answer was complete.
            Ok(Ok(None) | Err(_)) => {
                events.extend(self.framer.finish());
                self.decode(&events, ready);
                ready.extend(self.decoder.finish());
                false
            }
            Err(_) => {
                self.fail(failure(FailureClass::Timeout, "the answer stopped coming"), ready);
                false
            }
        };
        // After a failure nothing is worth waiting for; after an end, the end of the body is, to keep the connection.
        goes_on && !matches!(ready.back(), Some(ChatEvent::Failed(_)))
    }

    fn deadline(&self, waiting_since: Instant) -> Instant {
        if self.decoder.is_over() {
            return waiting_since + LINGER;
        }
        let end = (self.asked + self.limits.total).min(waiting_since + self.limits.gap);
        if self.has_begun { end } else { end.min(self.asked + self.limits.first_event) }
    }

    fn decode(&mut self, events: &[Event], ready: &mut VecDeque<ChatEvent>) {
        for event in events {
            for said in self.decoder.feed(event) {
                self.has_begun = true;
                ready.push_back(match said {
                    ChatEvent::Failed(failure) => ChatEvent::Failed(without_key(failure, self.key.as_ref())),
                    said => said,
                });
            }
        }
    }

    fn fail(&mut self, failure: Failure, ready: &mut VecDeque<ChatEvent>) {
        ready.extend(self.decoder.fail(failure));
    }
}

/// How long an answer may take to begin. In one piece it begins when it is complete.
pub(super) fn patience(limits: Limits, delivery: Delivery) -> Duration {
    match delivery {
        Delivery::Streamed => limits.first_event,
        Delivery::Whole => limits.total,
    }
}

/// Whether a body is a stream of events. Servers forget to say so, but they do say JSON and HTML.
pub(super) fn is_stream(headers: &HeaderMap, asked: Delivery) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is = |name: &str| kind.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    is("text/event-stream") || (asked == Delivery::Streamed && !is("application/json") && !is("text/html"))
}

pub(super) async fn read_whole(
    response: &mut Response,
    limits: Limits,
    asked: Instant,
) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match timeout_at(asked + limits.total, response.chunk()).await {
            Ok(Ok(Some(bytes))) if body.len() + bytes.len() > limits.answer_bytes_max => {
                return Err(malformed("the answer is too large"));
            }
            Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            Ok(Ok(None)) => return Ok(body),
            Ok(Err(_)) => return Err(truncated()),
            Err(_) => return Err(failure(FailureClass::Timeout, "the answer took too long")),
        }
    }
}

/// As much of a refusal as comes soon; the status alone tells most.
pub(super) async fn read_refusal(response: &mut Response, limits: Limits) -> Vec<u8> {
    let mut body = Vec::new();
    let deadline = Instant::now() + limits.connect;
    while let Ok(Ok(Some(bytes))) = timeout_at(deadline, response.chunk()).await {
        body.extend_from_slice(&bytes);
        if body.len() > REFUSAL_BYTES_MAX {
            break;
        }
    }
    body
}
