//! The end of a call that its events are read from.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::CallEvent;
use super::meter::Meter;

/// Whoever drops it has left; what was taken until then is counted.
#[derive(Debug)]
pub(super) struct Reader {
    events: mpsc::Receiver<CallEvent>,
    pub meter: Arc<Meter>,
    /// Hears what another reader has taken, and sends on.
    is_second: bool,
}

impl Reader {
    pub fn new(events: mpsc::Receiver<CallEvent>, meter: Arc<Meter>) -> Self {
        Self { events, meter, is_second: false }
    }

    /// Another one of the same call, for what is sent on to it.
    pub fn second(&self, events: mpsc::Receiver<CallEvent>) -> Self {
        Self { events, meter: self.meter.clone(), is_second: true }
    }

    pub async fn next(&mut self) -> Option<CallEvent> {
        poll_fn(|cx| self.meter.poll_next(&mut self.events, self.is_second, cx)).await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.is_second {
            // Before its end of the channel closes, by which the relay knows.
            self.meter.note_left();
        }
    }
}
