//! An answer being written: its news in order, for any number of readers that come and go.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use marketplace::chat::ChatEvent;
use marketplace::id::{AccountId, ConversationId};
use marketplace::live::{News, ToPage};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::chat::{Call, CallEvent};

const TICK_EVERY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Answering {
    pub id: ConversationId,
    pub account: AccountId,
    news: Mutex<Vec<News>>,
    /// How many news there are, and whether they are all.
    length: watch::Sender<(usize, bool)>,
    stop: OnceLock<CancellationToken>,
}

/// An answer as far as it came, and the news that say how it ended.
#[derive(Debug)]
pub(crate) struct Answered {
    pub text: String,
    pub finish: String,
    pub last: Vec<News>,
}

/// A reader of an answer's news.
#[derive(Debug)]
pub struct Following {
    answering: Arc<Answering>,
    length: watch::Receiver<(usize, bool)>,
    read: usize,
}

impl Answering {
    pub fn new(id: ConversationId, account: AccountId) -> Self {
        let (length, _) = watch::channel((0, false));
        Self { id, account, news: Mutex::default(), length, stop: OnceLock::new() }
    }

    pub fn add(&self, news: News) {
        let count = {
            let mut all = self.news.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(news);
            all.len()
        };
        self.length.send_replace((count, false));
    }

    /// Adds the last news and frees the conversation for the next message, both at once.
    pub fn end(&self, last: Vec<News>) {
        let count = {
            let mut all = self.news.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(last);
            all.len()
        };
        self.length.send_replace((count, true));
    }

    pub fn is_over(&self) -> bool {
        self.length.borrow().1
    }

    pub fn stop(&self) {
        if let Some(stop) = self.stop.get() {
            stop.cancel();
        }
    }

    /// Turns a call's events into news until it is settled; how it ended is told by whoever keeps the answer.
    pub async fn write(&self, mut call: Call) -> Answered {
        let _ = self.stop.set(call.stop_switch());
        self.add(News::Quoted { quote: call.quote });
        self.add(News::Held {
            call_id: call.id,
            model: call.model.clone(),
            hold_nanos: call.hold,
            free_tokens: call.free_tokens,
            max_output_tokens: call.max_output_tokens,
        });
        let (mut text, mut ticked) = (String::new(), Instant::now());
        while let Some(event) = call.next().await {
            match event {
                CallEvent::Chat(ChatEvent::Text(piece) | ChatEvent::Refusal(piece)) => {
                    text.push_str(&piece);
                    self.add(News::Delta { text: piece });
                }
                CallEvent::Chat(ChatEvent::Reasoning(piece)) => self.add(News::Reasoning { text: piece }),
                CallEvent::Chat(_) => {}
                CallEvent::Settled { settlement, finish, native } => {
                    let finish = if native == "stopped" { native } else { finish.as_str().to_owned() };
                    let last = vec![News::Settled { receipt: *settlement, finish: finish.clone() }];
                    return Answered { text, finish, last };
                }
                CallEvent::Failed { fault, released, settlement } => {
                    let finish = "error".to_owned();
                    let closed = match settlement {
                        Some(receipt) => News::Settled { receipt: *receipt, finish: finish.clone() },
                        None => News::Released { call_id: call.id, released_nanos: released },
                    };
                    return Answered { text, finish, last: vec![closed, News::Error { fault }] };
                }
            }
            if ticked.elapsed() >= TICK_EVERY {
                ticked = Instant::now();
                let reading = call.reading();
                self.add(News::Tick {
                    output_tokens: reading.output_tokens,
                    cost_nanos: reading.cost,
                    hold_left_nanos: reading.hold_left,
                });
            }
        }
        Answered { text, finish: "interrupted".to_owned(), last: Vec::new() }
    }
}

impl Following {
    pub(super) fn new(answering: Arc<Answering>, last_seq: u64) -> Self {
        let length = answering.length.subscribe();
        let read = usize::try_from(last_seq).unwrap_or(usize::MAX);
        Self { answering, length, read }
    }

    /// The next news; `None` once the answer is over and everything was read.
    pub async fn next(&mut self) -> Option<ToPage> {
        loop {
            let (count, over) = *self.length.borrow_and_update();
            if self.read < count {
                let news = {
                    let all = self.answering.news.lock().unwrap_or_else(PoisonError::into_inner);
                    all.get(self.read).cloned()?
                };
                self.read += 1;
                return Some(ToPage {
                    seq: self.read as u64,
                    conversation_id: Some(self.answering.id),
                    news,
                });
            }
            if over {
                return None;
            }
            self.length.changed().await.ok()?;
        }
    }
}
