//! What has to be true of every answer, whatever was sent.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use marketplace::chat::{ChatEvent, Failure};

const MESSAGE_CHARS_MAX: usize = 1_000;

/// One end, nothing after a failure, and no text that was not sent.
pub fn check(sent: &[u8], events: &[ChatEvent]) {
    let (mut finishes, mut failures) = (0, 0);
    for event in events {
        assert_eq!(failures, 0, "{event:?} came after a failure");
        match event {
            ChatEvent::Finished { .. } => finishes += 1,
            ChatEvent::Failed(failure) => {
                failures += 1;
                check_failure(failure);
            }
            ChatEvent::Text(text) | ChatEvent::Reasoning(text) | ChatEvent::Refusal(text) => {
                assert!(!text.is_empty() && text.len() <= sent.len(), "{text:?}");
                check_text(sent, text);
            }
            ChatEvent::ToolCall { arguments, .. } => check_text(sent, arguments),
            _ => {}
        }
    }
    assert!(finishes <= 1, "an answer finished twice");
    assert!(finishes + failures > 0, "an answer neither finished nor failed");
}

pub fn check_failure(failure: &Failure) {
    assert!(failure.message.chars().count() <= MESSAGE_CHARS_MAX, "a message is endless");
    let message = &failure.message;
    let mut keys = message.match_indices("sk-proj-abcdefgh");
    // In the middle of a word it is no key.
    let is_told = keys.any(|(at, _)| !message[..at].ends_with(|c: char| c.is_ascii_alphanumeric()));
    assert!(!is_told, "a message tells a key: {message}");
    assert!(failure.retry_after_seconds.is_none_or(|wait| wait <= 3_600), "a wait is absurd");
}

/// The character that stands for damage is there only if the vendor wrote it.
fn check_text(sent: &[u8], text: &str) {
    if text.contains('\u{fffd}') {
        let wrote = |mark: &[u8]| sent.windows(mark.len()).any(|part| part.eq_ignore_ascii_case(mark));
        assert!(wrote("\u{fffd}".as_bytes()) || wrote(b"\\ufffd"), "{text:?} was not sent");
    }
}

/// The same number for answers that were made of the same things.
pub fn way(events: &[ChatEvent]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut last = None;
    for event in events {
        if last.replace(discriminant(event)) != Some(discriminant(event)) {
            discriminant(event).hash(&mut hasher);
        }
        match event {
            ChatEvent::Failed(failure) => failure_way(failure).hash(&mut hasher),
            ChatEvent::Finished { finish, .. } => discriminant(finish).hash(&mut hasher),
            ChatEvent::Usage(usage) => {
                let parts = [usage.cached_input_tokens, usage.cache_write_tokens, usage.reasoning_tokens];
                parts.map(|part| part.is_some()).hash(&mut hasher);
                usage.billable().is_ok().hash(&mut hasher);
            }
            ChatEvent::ToolCall { index, id, name, arguments } => {
                (*index.min(&3), id.is_some(), name.is_some(), arguments.is_empty()).hash(&mut hasher);
            }
            _ => {}
        }
    }
    hasher.finish()
}

pub fn failure_way(failure: &Failure) -> u64 {
    let mut hasher = DefaultHasher::new();
    discriminant(&failure.class).hash(&mut hasher);
    failure.retry_after_seconds.is_some().hash(&mut hasher);
    // Our own words say where it was noticed.
    failure.message.chars().take(24).collect::<String>().hash(&mut hasher);
    hasher.finish()
}
