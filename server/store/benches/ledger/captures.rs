//! Captures in groups, as the engine writes them: one task takes all that wait, and while it writes, the next gather.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use store::Db;
use store::ledger::{Capture, Captured, capture_many};
use tokio::sync::{mpsc, oneshot};

/// As in the engine, which this crate cannot see.
const GROUP_MAX: usize = 100;

type Waiting = (Capture, oneshot::Sender<Captured>);

#[derive(Clone, Debug)]
pub struct Captures {
    queue: mpsc::Sender<Waiting>,
}

impl Captures {
    pub fn start(db: Db) -> Arc<Self> {
        let (queue, mut waiting) = mpsc::channel::<Waiting>(1_024);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP_MAX);
            while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
                let captures: Vec<Capture> = group.iter().map(|(capture, _)| capture.clone()).collect();
                match capture_many(&db, &captures).await {
                    Ok(done) => answer(&mut group, &done),
                    Err(cause) => {
                        eprintln!("a group could not be captured: {cause}");
                        group.clear();
                    }
                }
            }
        });
        Arc::new(Self { queue })
    }

    /// Returns when the capture is durable.
    pub async fn write(&self, capture: Capture) -> Result<Captured> {
        let (answer, captured) = oneshot::channel();
        self.queue.send((capture, answer)).await?;
        captured.await.context("the capture was not written")
    }
}

fn answer(group: &mut Vec<Waiting>, done: &[Captured]) {
    for (capture, answer) in group.drain(..) {
        if let Some(done) = done.iter().find(|done| done.call == capture.call) {
            // Whoever asked may be gone.
            let _ = answer.send(*done);
        }
    }
}
