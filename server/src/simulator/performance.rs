//! Sends an answer at the pace of a vendor and notes in the log of truth what went out.

use std::io;
use std::iter::{self, Peekable};
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Pace;
use super::answer::Dice;
use super::dialect::{Dialect, Frames};
use super::distortion::{Shape, distorted};
use super::reply::Reply;
use super::scenario::{Cut, Scenario};
use super::socket::Reset;
use super::truth::Entry;

/// How long the first token takes, and every other.
#[derive(Debug, Clone, Copy)]
pub struct Tempo {
    first: Duration,
    gap: Duration,
}

impl Tempo {
    pub fn of(pace: Pace, scenario: Scenario, seed: u64) -> Self {
        let mut dice = Dice::new(!seed);
        match (scenario, pace) {
            (Scenario::Slow, _) => {
                Self { first: Duration::from_millis(400), gap: Duration::from_millis(200) }
            }
            (Scenario::Instant | Scenario::Many | Scenario::Flood, _) | (_, Pace::Instant) => {
                Self { first: Duration::ZERO, gap: Duration::ZERO }
            }
            (_, Pace::Realistic) => Self {
                first: Duration::from_millis(dice.between(250, 600)),
                gap: Duration::from_secs(1) / u32::try_from(dice.between(40, 90)).unwrap_or(40),
            },
        }
    }

    fn lasts(self, tokens: u64) -> Duration {
        self.gap * u32::try_from(tokens).unwrap_or(u32::MAX)
    }
}

/// What comes after the last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The answer is whole.
    Complete,
    /// The body ends as if the answer were whole.
    Short,
    /// The connection breaks.
    Reset,
    /// Nothing, for as long as the caller will wait.
    Stall,
}

/// Where an answer is performed: what it writes down, and what can end it early.
#[derive(Debug)]
pub struct Stage {
    pub entry: Entry,
    pub closing: CancellationToken,
    pub reset: Reset,
}

/// Sends the answer as a stream of events.
pub async fn stream<D: Dialect>(reply: Reply, tempo: Tempo, stage: Stage) -> Response {
    sleep(tempo.first).await;
    let cut = reply.scenario.cut(reply.tokens());
    let frames = frames::<D>(reply, cut, stage.entry.request_id());
    let body = Performance::body(frames, tempo.gap, ending(cut), stage);
    ([(CONTENT_TYPE, D::STREAM_TYPE), (CACHE_CONTROL, "no-cache")], body).into_response()
}

/// Sends the answer as one body, once all of it is there.
pub async fn whole<D: Dialect>(reply: Reply, tempo: Tempo, stage: Stage) -> Response {
    sleep(tempo.first + tempo.lasts(reply.tokens())).await;
    let cut = reply.scenario.cut(reply.tokens());
    let (mut frame, beside) = (D::whole(&reply), D::beside(&reply));
    if cut.is_some() {
        frame = frame.halved();
    }
    let frames: Frames = match reply.scenario {
        Scenario::SplitUtf8 => Box::new(frame.parted().into_iter()),
        _ => Box::new(iter::once(frame)),
    };
    let body = Performance::body(frames, Duration::ZERO, ending(cut), stage);
    let mut response = ([(CONTENT_TYPE, "application/json")], body).into_response();
    if let Some((name, Ok(value))) = beside.map(|(name, value)| (name, HeaderValue::from_str(&value))) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn ending(cut: Option<Cut>) -> Ending {
    match cut {
        None => Ending::Complete,
        Some(Cut::End(_) | Cut::Fault(_)) => Ending::Short,
        Some(Cut::Reset(_)) => Ending::Reset,
        Some(Cut::Stall(_)) => Ending::Stall,
    }
}

fn frames<D: Dialect>(reply: Reply, cut: Option<Cut>, request_id: String) -> Frames {
    let scenario = reply.scenario;
    let mut frames = D::stream(reply);
    if let Some(cut) = cut {
        frames = up_to(cut.at(), frames);
    }
    if let Some(Cut::Fault(_)) = cut {
        frames = Box::new(frames.chain(iter::once_with(move || D::fault(&request_id))));
    }
    distorted(scenario, Shape::of(D::STREAM_TYPE), frames)
}

/// All frames until so many tokens have been sent.
fn up_to(tokens: u64, frames: Frames) -> Frames {
    let mut sent = 0;
    Box::new(frames.map_while(move |frame| {
        let wanted = sent < tokens;
        sent += frame.tokens;
        wanted.then_some(frame)
    }))
}

/// An answer being sent. When the caller leaves it is dropped, and its entry with it.
struct Performance {
    frames: Peekable<Frames>,
    gap: Duration,
    due: Instant,
    ending: Ending,
    stage: Stage,
}

impl Performance {
    fn body(frames: Frames, gap: Duration, ending: Ending, stage: Stage) -> Body {
        let performance = Self { frames: frames.peekable(), gap, due: Instant::now(), ending, stage };
        Body::from_stream(stream::unfold(performance, async |mut performance| {
            let closing = performance.stage.closing.clone();
            let bytes = tokio::select! {
                bytes = performance.next() => bytes?,
                () = closing.cancelled() => {
                    // A silence that we end ourselves was not ended by the caller.
                    if performance.ending == Ending::Stall {
                        performance.stage.entry.break_off();
                    }
                    Err(io::ErrorKind::ConnectionReset.into())
                }
            };
            Some((bytes, performance))
        }))
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let Some(frame) = self.frames.next() else {
            return self.end().await;
        };
        self.wait(frame.tokens).await;
        self.stage.entry.sending(&frame);
        // Written before the caller can see the end, so that whoever saw it finds the record.
        if self.frames.peek().is_none() && self.ending == Ending::Complete {
            self.stage.entry.complete();
        }
        Some(Ok(frame.bytes))
    }

    async fn end(&mut self) -> Option<io::Result<Bytes>> {
        match self.ending {
            Ending::Complete => None,
            Ending::Short => {
                self.stage.entry.break_off();
                None
            }
            Ending::Stall => {
                self.stage.entry.fall_silent();
                std::future::pending().await
            }
            Ending::Reset => {
                self.wait(0).await;
                self.stage.entry.break_off();
                self.stage.reset.arm();
                Some(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }

    async fn wait(&mut self, tokens: u64) {
        if tokens == 0 || self.gap.is_zero() {
            // Lets the server write what it has, so that every frame is a write of its own.
            tokio::task::yield_now().await;
        } else {
            self.due += self.gap * u32::try_from(tokens).unwrap_or(u32::MAX);
            sleep_until(self.due).await;
        }
    }
}
