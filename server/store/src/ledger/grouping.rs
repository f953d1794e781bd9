//! What is asked for at the same time is written in one commit.
//!
//! A commit costs as much as several steps, and so does beginning a statement. While a group is written the next one
//! gathers, as large as it can: a second writer would halve the groups. What comes alone waits for nothing.

use std::sync::Arc;

use marketplace::id::CallId;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use crate::connect::Kept;
use crate::{Error, Result};

const WAITING_MAX: usize = 1_024;

/// One step of a call, which can be written together with others of its kind.
pub(crate) trait Grouped: Clone + Send + Sync + 'static {
    type Done: Clone + Send + 'static;
    /// In one commit at most: their wallets are locked until all are written.
    const GROUP_MAX: usize;
    /// Whether it is written though whoever asked is gone.
    const OWED: bool;

    fn call(&self) -> CallId;

    /// All or none; the answers come in any order.
    fn write(
        pool: &PgPool,
        kept: &Kept,
        steps: &[Self],
    ) -> impl Future<Output = Result<Vec<(CallId, Self::Done)>>> + Send;
}

/// The queue of this server for one kind of step.
#[derive(Clone, Debug)]
pub(crate) struct Grouping<S: Grouped> {
    queue: mpsc::Sender<Waiting<S>>,
}

#[derive(Debug)]
struct Waiting<S: Grouped> {
    step: S,
    answer: oneshot::Sender<Result<S::Done>>,
}

impl<S: Grouped> Grouping<S> {
    /// Ends when nobody can ask any more.
    pub fn start(pool: &PgPool, kept: &Arc<Kept>) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write_groups(pool.clone(), Arc::clone(kept), waiting));
        Self { queue }
    }

    pub async fn write(&self, step: S) -> Result<S::Done> {
        let gone = || Error::Database(sqlx::Error::WorkerCrashed);
        let (answer, done) = oneshot::channel();
        self.queue.send(Waiting { step, answer }).await.map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }
}

async fn write_groups<S: Grouped>(pool: PgPool, kept: Arc<Kept>, mut waiting: mpsc::Receiver<Waiting<S>>) {
    let mut group = Vec::with_capacity(S::GROUP_MAX);
    while waiting.recv_many(&mut group, S::GROUP_MAX).await > 0 {
        group.retain(|one: &Waiting<S>| S::OWED || !one.answer.is_closed());
        write_group(&pool, &kept, std::mem::take(&mut group)).await;
        // Those who have just heard may already want the next.
        tokio::task::yield_now().await;
    }
}

async fn write_group<S: Grouped>(pool: &PgPool, kept: &Arc<Kept>, group: Vec<Waiting<S>>) {
    if group.is_empty() {
        return;
    }
    let steps: Vec<S> = group.iter().map(|one| one.step.clone()).collect();
    match S::write(pool, kept, &steps).await {
        Ok(done) => group.into_iter().for_each(|one| {
            let own = done.iter().find(|(call, _)| *call == one.step.call());
            one.hear(own.map(|(_, own)| own.clone()).ok_or(Error::NotFound));
        }),
        // The database is not there, for anybody.
        Err(Error::Database(sqlx::Error::PoolTimedOut)) => {
            group.into_iter().for_each(|one| one.hear(Err(Error::Database(sqlx::Error::PoolTimedOut))));
        }
        // One bad apple must not spoil the others, nor keep them waiting.
        Err(cause) if group.len() > 1 => {
            warn!(%cause, "{} steps could not be written together; trying each alone", group.len());
            group.into_iter().for_each(|one| one.go_alone(pool, kept));
        }
        Err(cause) => {
            if let Some(one) = group.into_iter().next() {
                one.hear(Err(cause));
            }
        }
    }
}

impl<S: Grouped> Waiting<S> {
    fn go_alone(self, pool: &PgPool, kept: &Arc<Kept>) {
        let (pool, kept) = (pool.clone(), Arc::clone(kept));
        tokio::spawn(async move {
            let done = S::write(&pool, &kept, std::slice::from_ref(&self.step)).await;
            self.hear(done.and_then(|mut done| done.pop().map(|(_, own)| own).ok_or(Error::NotFound)));
        });
    }

    fn hear(self, done: Result<S::Done>) {
        // Whoever asked may be gone: a hold falls to its lease then, and a capture is right all the same.
        let _ = self.answer.send(done);
    }
}
