//! Calls that end at the same time are captured in one commit.
//!
//! While a group is written the next one gathers, as large as it can: a second writer would halve the groups, and
//! beginning a statement and a commit costs as much as several captures.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::{Capture, Captured, capture_group};
use crate::connect::Kept;
use crate::{Error, Result};

/// Calls captured in one commit at most.
const GROUP_MAX: usize = 100;
const WAITING_MAX: usize = 1_024;

/// The queue of captures of this server.
#[derive(Clone, Debug)]
pub(crate) struct Capturing {
    queue: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    used: Capture,
    answer: oneshot::Sender<Result<Captured>>,
}

impl Capturing {
    /// Ends when nobody can ask any more.
    pub fn start(pool: &PgPool, kept: &Arc<Kept>) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write_groups(pool.clone(), Arc::clone(kept), waiting));
        Self { queue }
    }

    pub async fn capture(&self, used: &Capture) -> Result<Captured> {
        let gone = || Error::Database(sqlx::Error::WorkerCrashed);
        let (answer, captured) = oneshot::channel();
        self.queue.send(Waiting { used: used.clone(), answer }).await.map_err(|_| gone())?;
        captured.await.map_err(|_| gone())?
    }
}

async fn write_groups(pool: PgPool, kept: Arc<Kept>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        let used: Vec<Capture> = group.iter().map(|one| one.used.clone()).collect();
        match capture_group(&pool, &kept, &used).await {
            Ok(captured) => group.drain(..).for_each(|one| {
                let own = captured.iter().find(|own| own.call == one.used.call);
                one.hear(own.copied().ok_or(Error::NotFound));
            }),
            // One bad apple must not keep the others from being captured.
            Err(cause) if group.len() > 1 => {
                warn!(%cause, "{} captures could not be written together; trying one by one", group.len());
                for one in group.drain(..) {
                    let alone = capture_group(&pool, &kept, std::slice::from_ref(&one.used)).await;
                    one.hear(alone.and_then(|captured| captured.first().copied().ok_or(Error::NotFound)));
                }
            }
            Err(cause) => {
                if let Some(one) = group.pop() {
                    one.hear(Err(cause));
                }
            }
        }
        // Those who have just heard may already have the next call to end.
        tokio::task::yield_now().await;
    }
}

impl Waiting {
    fn hear(self, captured: Result<Captured>) {
        // Whoever asked may be gone; the books are right all the same.
        let _ = self.answer.send(captured);
    }
}
