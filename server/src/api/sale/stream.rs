//! A streamed answer over HTTP: it begins with an ordinary status, and silence does not end it.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use engine::{Call, CallEvent};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderName, HeaderValue};

use super::{Dialect, Line, Lines, record};
use crate::api::ApiError;
use crate::api::idempotency::Attempt;

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Proxies that buffer would hold a stream back.
pub const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// Waits for the first event, so that a refusal is an ordinary status, then streams the rest.
pub async fn begin<D: Dialect>(
    call: Call,
    mut lines: D::Lines,
    attempt: Attempt,
) -> Result<Response, ApiError> {
    let left = attempt.left.clone();
    let mut call = match (&attempt.claim, &attempt.cache) {
        (None, None) => call,
        _ => record::begin::<D>(call, lines.clone(), attempt),
    };
    let first = tokio::select! {
        first = call.next() => first,
        // Nobody reads this; dropping the call is what counts.
        () = left.cancelled() => None,
    };
    match first {
        Some(CallEvent::Failed { fault, .. }) => return Err(ApiError::of(D::FAMILY, fault)),
        Some(event) => lines.add(event),
        None => {}
    }
    Ok(send(lines, stream::unfold(call, |mut call| async move { Some((call.next().await?, call)) })))
}

/// Sends what the events become, line by line, each as soon as it is there.
pub fn send<L: Lines>(lines: L, events: impl Stream<Item = CallEvent> + Send + 'static) -> Response {
    let lines = stream::unfold((Box::pin(events), lines), |(mut events, mut lines)| async move {
        loop {
            if let Some(line) = lines.next() {
                return Some((Ok::<_, Infallible>(written(line)), (events, lines)));
            }
            lines.add(events.next().await?);
        }
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).event(L::keep_alive());
    let mut answer = Sse::new(lines).keep_alive(keep_alive).into_response();
    let (name, no) = UNBUFFERED;
    answer.headers_mut().insert(name, no);
    answer
}

fn written(line: Line) -> Event {
    let event = match line.name {
        Some(name) => Event::default().event(name),
        None => Event::default(),
    };
    event.data(line.data)
}
