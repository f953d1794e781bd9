//! The log of truth: what really happened, whatever the simulator claimed on the wire.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;
use tracing::warn;
use uuid::Uuid;

use super::dialect::Ask;
use super::frame::Frame;
use super::reply::Reply;
use super::scenario::Scenario;

const RECORDS_MAX: usize = 10_000;

const COMPLETE: &str = "complete";
const DISCONNECTED: &str = "disconnected";
const REFUSED: &str = "refused";

/// All requests of late, shared by everyone who answers them.
#[derive(Debug, Clone)]
pub struct Truth(Arc<Mutex<Log>>);

#[derive(Debug)]
struct Log {
    records: VecDeque<Record>,
    file: Option<File>,
}

/// What happened to one request.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    pub id: Uuid,
    pub vendor: String,
    pub dialect: &'static str,
    pub model: String,
    pub scenario: Option<String>,
    pub started_at_ms: u64,
    pub ended_at_ms: u64,
    pub prompt_tokens: u64,
    /// Reasoning included.
    pub completion_tokens_sent: u64,
    /// Shown text only: an answer whose reasoning is hidden sends fewer bytes than its tokens suggest.
    pub completion_bytes_sent: u64,
    pub cached_tokens: u64,
    pub reasoning_tokens: u64,
    /// `complete`, `disconnected`, `refused`, or the scenario that broke the answer off.
    pub finished: String,
    pub usage_reported: Option<Value>,
    pub request_id: Option<String>,
    /// Of each of the answers.
    pub seen_max_tokens: Option<u64>,
    pub choices: u64,
    pub request_bytes: u64,
    /// Of the body, whatever it stood for.
    pub body_bytes_sent: u64,
    /// When the caller was seen to hang up before the answer was over.
    pub disconnected_at_ms: Option<u64>,
}

impl Truth {
    /// Opens the log; with a path, every record is also appended there as a line of JSON.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(|path| File::options().create(true).append(true).open(path)).transpose()?;
        Ok(Self(Arc::new(Mutex::new(Log { records: VecDeque::new(), file }))))
    }

    /// Begins the record of a request.
    pub fn begin(&self, vendor: String, dialect: &'static str, request_id: Option<String>) -> Entry {
        let record = Record {
            id: Uuid::now_v7(),
            vendor,
            dialect,
            model: String::new(),
            scenario: None,
            started_at_ms: now_ms(),
            ended_at_ms: 0,
            prompt_tokens: 0,
            completion_tokens_sent: 0,
            completion_bytes_sent: 0,
            cached_tokens: 0,
            reasoning_tokens: 0,
            finished: DISCONNECTED.to_owned(),
            usage_reported: None,
            request_id,
            seen_max_tokens: None,
            choices: 1,
            request_bytes: 0,
            body_bytes_sent: 0,
            disconnected_at_ms: None,
        };
        Entry { truth: self.clone(), record, written: false }
    }

    /// The records so far, oldest first, one line of JSON each.
    pub fn to_lines(&self) -> String {
        self.lock().records.iter().map(line).collect()
    }

    fn write(&self, record: &Record) {
        let mut log = self.lock();
        if let Some(Err(cause)) = log.file.as_mut().map(|file| file.write_all(line(record).as_bytes())) {
            warn!(%cause, "could not write to the simulator's log of truth");
        }
        if log.records.len() == RECORDS_MAX {
            log.records.pop_front();
        }
        log.records.push_back(record.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(record: &Record) -> String {
    serde_json::to_string(record).unwrap_or_default() + "\n"
}

/// The time since 1970, which is how vendors date things.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn now_ms() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// A record being made; dropped unfinished, it says that the caller disconnected.
#[derive(Debug)]
pub struct Entry {
    truth: Truth,
    record: Record,
    written: bool,
}

impl Entry {
    /// What the answer is called on the wire.
    pub fn reply_id(&self) -> String {
        self.record.id.simple().to_string()
    }

    /// What the request is called on the wire.
    pub fn request_id(&self) -> String {
        format!("req_{}", self.record.id.simple())
    }

    /// Notes how much was asked, understood or not.
    pub fn received(&mut self, bytes: usize) {
        self.record.request_bytes = bytes as u64;
    }

    /// Notes what was asked, and which part is played.
    pub fn asked(&mut self, ask: &Ask, scenario: Scenario) {
        self.record.model.clone_from(&ask.model);
        self.record.scenario = Some(scenario.to_string());
        self.record.prompt_tokens = ask.prompt_tokens;
        self.record.seen_max_tokens = ask.max_tokens;
        self.record.choices = ask.choices.max(1);
    }

    /// Notes what the answer leaves of the prompt to be read afresh.
    pub fn answering(&mut self, reply: &Reply) {
        self.record.cached_tokens = reply.used.cached.unsigned_abs();
    }

    /// Notes what is about to be sent.
    pub fn sending(&mut self, frame: &Frame) {
        self.record.body_bytes_sent += frame.bytes.len() as u64;
        self.record.completion_tokens_sent += frame.tokens;
        self.record.completion_bytes_sent += frame.text_bytes;
        self.record.reasoning_tokens += frame.reasoning_tokens;
        if frame.usage.is_some() {
            self.record.usage_reported.clone_from(&frame.usage);
        }
    }

    /// Closes the record of an answer that was sent to its end.
    pub fn complete(&mut self) {
        self.record.finished = COMPLETE.to_owned();
        self.write();
    }

    /// Closes the record of an answer that was refused, or spoilt by its scenario.
    pub fn break_off(&mut self) {
        self.fall_silent();
        self.write();
    }

    /// Nothing more will come, and the record stays open until the caller has had enough.
    pub fn fall_silent(&mut self) {
        self.record.finished = self.record.scenario.clone().unwrap_or_else(|| REFUSED.to_owned());
    }

    fn write(&mut self) {
        if !self.written {
            self.written = true;
            self.record.ended_at_ms = now_ms();
            self.truth.write(&self.record);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.written {
            self.record.disconnected_at_ms = Some(now_ms());
        }
        self.write();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_that_is_dropped_says_disconnected() {
        let truth = Truth::open(None).unwrap();
        drop(truth.begin("openai".to_owned(), "openai", None));
        truth.begin("openai".to_owned(), "openai", None).complete();
        let lines = truth.to_lines();
        let finished: Vec<bool> = lines.lines().map(|line| line.contains("\"complete\"")).collect();
        assert_eq!(finished, [false, true]);
        assert!(lines.contains(DISCONNECTED));
        let noticed: Vec<bool> =
            lines.lines().map(|line| line.contains("\"disconnected_at_ms\":null")).collect();
        assert_eq!(noticed, [false, true]);
    }

    #[test]
    fn file_gets_every_record_and_memory_the_latest() {
        let path = std::env::temp_dir().join(format!("truth-{}.jsonl", Uuid::now_v7()));
        let truth = Truth::open(Some(&path)).unwrap();
        for _ in 0..=RECORDS_MAX {
            truth.begin("openai".to_owned(), "openai", None).complete();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(written.lines().count(), RECORDS_MAX + 1);
        assert!(written.ends_with(&truth.to_lines()) && truth.to_lines().lines().count() == RECORDS_MAX);
    }
}
