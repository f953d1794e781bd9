//! Calls that end at the same time are captured in one commit.

use std::sync::Arc;
use store::Db;
use store::ledger::{Capture, Captured};
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot};
use tracing::warn;

/// Calls captured in one commit at most.
const GROUP_MAX: usize = 100;
const WAITING_MAX: usize = 1_024;

/// The queue of captures of this server. While one group is written, the next one gathers.
pub(crate) struct Captures {
    queue: mpsc::Sender<Waiting>,
    writing: Arc<Mutex<()>>,
}

struct Waiting {
    capture: Capture,
    /// Dropped without an answer when the capture could not be written.
    answer: oneshot::Sender<Captured>,
}

impl Captures {
    pub fn start(db: Db) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let writing = Arc::default();
        tokio::spawn(write_groups(db, waiting, Arc::clone(&writing)));
        Self { queue, writing }
    }

    /// Returns when the capture is durable; `None` when the database did not take it.
    pub async fn write(&self, capture: Capture) -> Option<Captured> {
        let (answer, captured) = oneshot::channel();
        self.queue.send(Waiting { capture, answer }).await.ok()?;
        captured.await.ok()
    }

    /// Keeps captures from being written for as long as the guard lives.
    pub async fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().await
    }
}

async fn write_groups(db: Db, mut waiting: mpsc::Receiver<Waiting>, writing: Arc<Mutex<()>>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        let _writing = writing.lock().await;
        let captures: Vec<Capture> = group.iter().map(|one| one.capture.clone()).collect();
        match store::ledger::capture_many(&db, &captures).await {
            Ok(captured) => answer(&mut group, &captured),
            // One bad apple must not keep the others from being captured.
            Err(cause) if group.len() > 1 => {
                warn!(%cause, "{} captures could not be written together; trying one by one", group.len());
                for one in group.drain(..) {
                    if let Ok(captured) = store::ledger::capture(&db, &one.capture).await {
                        let _ = one.answer.send(captured);
                    }
                }
            }
            Err(cause) => {
                warn!(%cause, "a capture could not be written");
                group.clear();
            }
        }
    }
}

fn answer(group: &mut Vec<Waiting>, captured: &[Captured]) {
    for one in group.drain(..) {
        if let Some(done) = captured.iter().find(|done| done.call == one.capture.call) {
            // Whoever asked may be gone; the books are right all the same.
            let _ = one.answer.send(*done);
        }
    }
}
