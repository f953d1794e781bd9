//! What a call was counted as, until it is known what it used.

use std::sync::atomic::{AtomicBool, Ordering};

use marketplace::rate::Standing;

use super::Subject;
use crate::Engine;

/// A call that was admitted. Dropped without being settled, it has used nothing.
pub(crate) struct Ticket {
    pub standing: Standing,
    engine: Option<Engine>,
    /// Whose, of which minute, and the tokens.
    taken: Vec<(Subject, i64, i64)>,
    is_settled: AtomicBool,
}

impl Ticket {
    /// Of a call that nothing limits.
    pub fn free() -> Self {
        Self {
            standing: Standing::default(),
            engine: None,
            taken: Vec::new(),
            is_settled: AtomicBool::new(true),
        }
    }

    pub fn new(engine: Engine, standing: Standing, taken: Vec<(Subject, i64, i64)>) -> Self {
        Self { standing, engine: Some(engine), taken, is_settled: AtomicBool::new(false) }
    }

    /// Puts back what was counted and not used. What was used beyond it is taken from what is left of the minute.
    pub fn settle(&self, used: i64) {
        if self.is_settled.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(engine) = &self.engine else { return };
        for (subject, minute, counted) in &self.taken {
            engine.0.rates.correct(*subject, *minute, counted - used);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(0);
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("taken", &self.taken).finish_non_exhaustive()
    }
}
