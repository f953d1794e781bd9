//! How long the body of a request may take, whoever reads it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Error};
use hyper::body::{Frame, SizeHint};
use marketplace::fault::{Code, Fault};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{ApiError, Family};

/// Answers in place of whoever reads a body that does not come in time.
pub async fn read_in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (family, is_late) = (Family::of(&request), Arc::new(AtomicBool::new(false)));
    let deadline = Instant::now() + limit;
    let request =
        request.map(|body| Body::new(Punctual { body, deadline, wait: None, is_late: is_late.clone() }));
    let answer = next.run(request).await;
    if !is_late.load(Relaxed) {
        return answer;
    }
    let message = format!("The body did not arrive within {} seconds", limit.as_secs());
    ApiError::of(family, Fault::new(Code::RequestTimeout, message)).into_response()
}

/// A body that ends in an error when its time is over.
struct Punctual {
    body: Body,
    deadline: Instant,
    /// Most bodies come with their head, and nobody waits for them.
    wait: Option<Pin<Box<Sleep>>>,
    is_late: Arc<AtomicBool>,
}

impl HttpBody for Punctual {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        let deadline = self.deadline;
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if wait.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.is_late.store(true, Relaxed);
        Poll::Ready(Some(Err(Error::new(BoxError::from("the body did not come in time")))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
