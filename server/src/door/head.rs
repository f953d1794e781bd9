//! How long the head of a request may take: little from its first byte on, longer while a connection rests.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::time;

use super::line::Heard;

/// The clock of one connection. It is asked for the time that a connection may rest, and looks itself at what comes.
#[derive(Clone, Debug)]
pub(super) struct HeadTimer {
    heard: Heard,
    head: Duration,
}

/// The wait for one head.
struct Wait {
    heard: Heard,
    /// How much had been heard when it began.
    heard_before: u64,
    head: Duration,
    has_begun: bool,
    sleep: Pin<Box<time::Sleep>>,
}

impl HeadTimer {
    pub fn new(heard: Heard, head: Duration) -> Self {
        Self { heard, head }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait {
            heard: self.heard.clone(),
            heard_before: self.heard.count(),
            head: self.head,
            has_begun: false,
            sleep: Box::pin(time::sleep_until(deadline.into())),
        })
    }
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    /// Asked whenever something has come that is no whole head.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_begun && self.heard.count() != self.heard_before {
            self.has_begun = true;
            let deadline = self.sleep.deadline().min(time::Instant::now() + self.head);
            self.sleep.as_mut().reset(deadline);
        }
        self.sleep.as_mut().poll(cx)
    }
}
