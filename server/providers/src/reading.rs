//! Reading an answer that comes as JSON, event by event or in one piece: what nearly all vendors have in common there.

use marketplace::chat::{ChatEvent, Failure, Finish};

use crate::failure::{malformed, truncated};
use crate::frame::Event;

/// A vendor's own part of it.
pub trait Reader: Default {
    /// How an event of its streams is called where one cannot be read.
    const SHAPE: &'static str;

    /// What one event says. Nothing is read any more after one that ends with a finish or a failure.
    fn read(&mut self, data: &str) -> serde_json::Result<Vec<ChatEvent>>;

    /// What an end from outside means: a failure, unless the vendor has given its reason for the end already.
    fn end(&mut self, failure: Failure) -> ChatEvent {
        ChatEvent::Failed(failure)
    }
}

/// An answer being read.
#[derive(Debug, Default)]
pub struct Reading<R> {
    reader: R,
    is_over: bool,
}

impl<R: Reader> Reading<R> {
    /// What one event says. Nothing, once the answer is over.
    pub fn feed(&mut self, event: &Event) -> Vec<ChatEvent> {
        let data = event.data.trim();
        // Some that imitate these protocols end with the marker of another.
        if self.is_over || data.is_empty() || data == "[DONE]" {
            return Vec::new();
        }
        let events = self.reader.read(data).unwrap_or_else(|_| {
            vec![ChatEvent::Failed(malformed(&format!("an event is not JSON of the {} shape", R::SHAPE)))]
        });
        self.is_over = is_end(events.last());
        events
    }

    /// What the end of the body says.
    pub fn finish(&mut self) -> Option<ChatEvent> {
        self.fail(truncated())
    }

    pub fn fail(&mut self, failure: Failure) -> Option<ChatEvent> {
        (!std::mem::replace(&mut self.is_over, true)).then(|| self.reader.end(failure))
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }
}

/// Reads an answer in one piece, which is a stream of a few events that are all there.
pub fn whole<R: Reader>(read: impl FnOnce(&mut R) -> Vec<ChatEvent>) -> Result<Vec<ChatEvent>, Failure> {
    let mut reader = R::default();
    let mut events = read(&mut reader);
    if !is_end(events.last()) {
        events.push(reader.end(malformed("the answer has no end")));
    }
    unfailed(events)
}

/// The events of an answer in one piece, in which a failure spoils all.
pub fn unfailed(events: Vec<ChatEvent>) -> Result<Vec<ChatEvent>, Failure> {
    let failure = events.iter().find_map(|event| match event {
        ChatEvent::Failed(failure) => Some(failure.clone()),
        _ => None,
    });
    failure.map_or(Ok(events), Err)
}

/// The end of an answer for a reason of the vendor's. One that we do not know is a failure, never a success.
pub fn finished(finish: Finish, native: String) -> Vec<ChatEvent> {
    let why = malformed(&format!("the answer finished with {native:?}"));
    let failed = (finish == Finish::Error).then_some(ChatEvent::Failed(why));
    std::iter::once(ChatEvent::Finished { finish, native }).chain(failed).collect()
}

fn is_end(last: Option<&ChatEvent>) -> bool {
    matches!(last, Some(ChatEvent::Finished { .. } | ChatEvent::Failed(_)))
}
