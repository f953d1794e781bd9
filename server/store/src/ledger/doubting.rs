//! Refusing for want of money without a lock or a write, to whoever was refused a moment ago.
//!
//! Setting money aside locks the wallet, and that must reach the disk even when nothing comes of it. Programs that go on
//! asking without money would make everybody wait for it. So they are first looked at without a lock: if the money is not
//! there they are refused, and if it may be there they take the way of everybody else.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use marketplace::id::CallId;
use marketplace::money::Nanos;
use sqlx::PgPool;
use uuid::Uuid;

use super::grouping::Grouped;
use super::reserving::{Wanted, column};
use crate::Result;
use crate::connect::Kept;

/// Whoever was not refused for so long is believed to have money again.
const DOUBTED_FOR: Duration = Duration::from_secs(10);
/// All are believed again when there are more.
const DOUBTED_MAX: usize = 10_000;

/// Accounts that had no money for their last call.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashMap<Uuid, Instant>>);

impl Doubts {
    pub fn has(&self, account: Uuid, now: Instant) -> bool {
        let doubted = self.lock();
        doubted.get(&account).is_some_and(|at| now.saturating_duration_since(*at) < DOUBTED_FOR)
    }

    pub fn add(&self, account: Uuid, now: Instant) {
        let mut doubted = self.lock();
        if doubted.len() >= DOUBTED_MAX {
            doubted.clear();
        }
        doubted.insert(account, now);
    }

    pub fn remove(&self, account: Uuid) {
        self.lock().remove(&account);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step that may lack money. It is answered what there is if it surely does.
#[derive(Clone, Debug)]
pub(crate) struct Doubted(pub Wanted);

impl Grouped for Doubted {
    type Done = Option<Nanos>;
    const GROUP_MAX: usize = 100;
    const OWED: bool = false;

    fn call(&self) -> CallId {
        self.0.call()
    }

    async fn write(pool: &PgPool, kept: &Kept, doubted: &[Self]) -> Result<Vec<(CallId, Option<Nanos>)>> {
        let mut step = kept.take(pool).await?;
        let short = sqlx::query!(
            r#"select call_id as "call_id!", available as "available!"
            from ledger.list_short($1, $2, $3, $4, $5, $6)"#,
            &column(doubted, |one| one.0.call),
            &column(doubted, |one| one.0.account),
            &column(doubted, |one| one.0.key) as _,
            &column(doubted, |one| one.0.price),
            &column(doubted, |one| one.0.least),
            &column(doubted, |one| one.0.free_want.is_some()),
        )
        .fetch_all(&mut *step)
        .await?;
        step.done();
        let of = |call| short.iter().find(|row| row.call_id == call).map(|row| Nanos(row.available));
        Ok(doubted.iter().map(|one| (one.call(), of(one.0.call))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_lacked_money_is_doubted_for_a_while_or_until_they_have_some() {
        let (doubts, begun) = (Doubts::default(), Instant::now());
        let (ada, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        doubts.add(ada, begun);
        assert!(doubts.has(ada, begun) && !doubts.has(bob, begun));
        assert!(!doubts.has(ada, begun + DOUBTED_FOR));
        doubts.remove(ada);
        assert!(!doubts.has(ada, begun));
        for number in 0..=DOUBTED_MAX {
            doubts.add(Uuid::from_u128(number as u128), begun);
        }
        assert_eq!(doubts.lock().len(), 1);
    }
}
