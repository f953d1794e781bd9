//! Tasks that do one thing after the other for a while, and how long each took them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

/// What was done in one run.
#[derive(Debug, Default)]
pub struct Load {
    done: u64,
    elapsed: Duration,
    /// Of each thing, in increasing order.
    latencies: Vec<Duration>,
}

impl Load {
    pub fn new(elapsed: Duration, mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self { done: latencies.len() as u64, elapsed, latencies }
    }

    pub fn per_second(&self) -> u64 {
        let micros = self.elapsed.as_micros().max(1);
        u64::try_from(u128::from(self.done) * 1_000_000 / micros).unwrap_or(u64::MAX)
    }

    pub fn percentile(&self, hundredth: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * hundredth / 100).copied().unwrap_or_default()
    }
}

/// So many tasks at a time, each on the next thing as soon as the last is done, until the time is over or there is
/// nothing left, which a step says by `false`.
pub async fn drive<F, Fut>(tasks: usize, time: Duration, step: F) -> Result<Load>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<bool>> + Send,
{
    let step = Arc::new(step);
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let step = Arc::clone(&step);
        running.spawn(async move {
            let mut latencies = Vec::new();
            while begun.elapsed() < time {
                let at = Instant::now();
                if !step().await? {
                    break;
                }
                latencies.push(at.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(finished) = running.join_next().await {
        latencies.extend(finished??);
    }
    Ok(Load::new(begun.elapsed(), latencies))
}

/// Which of several runs is the one in the middle, by its rate.
pub fn median(mut runs: Vec<Load>) -> Load {
    runs.sort_unstable_by_key(Load::per_second);
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle).unwrap_or_default()
}
