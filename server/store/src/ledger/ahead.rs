//! Money set aside before a call comes.
//!
//! A call waits until its hold is on the disk. Whoever calls again and again would wait for the same each time, so when such
//! a call has ended the hold for the next one is made, and that call takes it without asking. It is a hold like any other:
//! no more is promised than there is. If no call comes it is put back, soon, or at once when the account is short.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use marketplace::id::CallId;
use marketplace::money::Nanos;
use tokio::time::sleep;
use uuid::Uuid;

use super::reserving::Wanted;
use super::{Reservation, Reserved};
use crate::{Db, Result};

/// A call that begins later is not awaited: the hold for it is put back by then. Far less than a lease.
pub const AHEAD_MAX: Duration = Duration::from_secs(3);
/// An account that has less than so many times the hold left is not asked for one ahead.
const PLENTY: i64 = 20;
/// Prompts grow from call to call, so a hold ahead is larger than the last by one part in so many.
const GROWTH: i64 = 4;
/// First whoever was answered reads the answer: on few cores this would stand in the way.
const PAUSE: Duration = Duration::from_millis(2);
/// In one commit at most: their wallets are locked until all are written.
const PUT_BACK_MAX: usize = 100;
/// Beyond that many at a time, calls wait for their holds.
const LINES_MAX: usize = 10_000;

/// A call that comes by key and may be followed by others like it.
#[derive(Clone, Debug)]
pub struct Follower {
    // Elsewhere: it is kept as long as its call lasts.
    wanted: Box<Wanted>,
    begun: Instant,
}

/// A hold that was there before its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub call: CallId,
    /// What the call may cost at most; what is held beyond that comes back when it ends.
    pub most: Nanos,
    /// How long the hold had been there.
    pub waited: Duration,
}

/// The holds of this server that no call has taken yet, and who called lately.
#[derive(Debug, Default)]
pub(crate) struct Ahead(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    /// By key and model.
    by_caller: HashMap<(Uuid, String), Line>,
    is_closed: bool,
}

/// Calls of one key to one model.
#[derive(Debug)]
struct Line {
    account: Uuid,
    ended: Instant,
    /// How many have followed each other.
    in_a_row: u32,
    is_asking: bool,
    aside: Option<Aside>,
}

#[derive(Debug)]
struct Aside {
    wanted: Wanted,
    since: Instant,
}

impl Follower {
    /// What has a cap with other calls is asked for by itself.
    pub fn new(wanted: &Reservation<'_>) -> Option<Self> {
        let alone = wanted.conversation.is_none() && wanted.run.is_none();
        (alone && wanted.key.is_some() && wanted.want > Nanos::ZERO)
            .then(|| Self { wanted: Box::new(wanted.into()), begun: Instant::now() })
    }

    fn caller(&self) -> Option<(Uuid, String)> {
        Some((self.wanted.key?, self.wanted.model.clone()))
    }

    /// The hold for the next.
    fn next(&self) -> Wanted {
        let want = self.wanted.want.saturating_add(self.wanted.want / GROWTH);
        Wanted { call: Uuid::now_v7(), want, least: want, set_aside: true, ..Wanted::clone(&self.wanted) }
    }
}

impl Ahead {
    fn take(&self, follower: &Follower) -> Option<Taken> {
        let mut lines = self.lock();
        let line = lines.by_caller.get_mut(&follower.caller()?)?;
        let (begun, wanted) = (follower.begun, &follower.wanted);
        let aside = line.aside.take_if(|aside| aside.serves(wanted, begun))?;
        Some(Taken {
            call: CallId(aside.wanted.call),
            most: Nanos(wanted.want),
            waited: begun.saturating_duration_since(aside.since),
        })
    }

    /// Notes that a call has ended; the hold to ask for, if another is likely to follow.
    fn note_end(&self, follower: &Follower, available: Nanos, now: Instant) -> Option<Wanted> {
        let mut lines = self.lock();
        let caller = follower.caller()?;
        if lines.is_closed || lines.by_caller.len() >= LINES_MAX && !lines.by_caller.contains_key(&caller) {
            return None;
        }
        let account = follower.wanted.account;
        let line = lines.by_caller.entry(caller).or_insert(Line {
            account,
            ended: now,
            in_a_row: 0,
            is_asking: false,
            aside: None,
        });
        let follows = follower.begun.saturating_duration_since(line.ended) < AHEAD_MAX;
        line.in_a_row = if follows { line.in_a_row.saturating_add(1) } else { 1 };
        line.ended = now;
        let next = follower.next();
        let is_wanted =
            line.in_a_row > 1 && !line.is_asking && line.aside.is_none() && available.0 / PLENTY >= next.want;
        line.is_asking |= is_wanted;
        is_wanted.then_some(next)
    }

    /// Keeps what was asked for until its call comes; given back if nobody may wait for it any more.
    fn keep(&self, wanted: Wanted, held: bool, since: Instant) -> Option<Wanted> {
        let mut lines = self.lock();
        let is_closed = lines.is_closed;
        let line = wanted.key.and_then(|key| lines.by_caller.get_mut(&(key, wanted.model.clone())));
        if let Some(line) = line {
            line.is_asking = false;
            if held && !is_closed {
                line.aside = Some(Aside { wanted, since });
                return None;
            }
        }
        held.then_some(wanted)
    }

    /// What is set aside for nobody else than these, to be put back.
    fn withdraw(&self, of: impl Fn(&Line) -> bool) -> Vec<Uuid> {
        let mut lines = self.lock();
        let unused =
            lines.by_caller.values_mut().filter(|line| of(line)).filter_map(|line| line.aside.take());
        unused.map(|aside| aside.wanted.call).collect()
    }

    fn withdraw_idle(&self, now: Instant) -> Vec<Uuid> {
        let idle = |since: Instant| now.saturating_duration_since(since) >= AHEAD_MAX;
        let unused = self.withdraw(|line| line.aside.as_ref().is_some_and(|aside| idle(aside.since)));
        self.lock().by_caller.retain(|_, line| line.is_asking || line.aside.is_some() || !idle(line.ended));
        unused
    }

    fn close(&self) -> Vec<Uuid> {
        self.lock().is_closed = true;
        self.withdraw(|_| true)
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Aside {
    fn serves(&self, wanted: &Wanted, now: Instant) -> bool {
        let own = &self.wanted;
        now.saturating_duration_since(self.since) < AHEAD_MAX
            && wanted.want <= own.want
            && wanted.account == own.account
            && (&wanted.provider, wanted.price, wanted.take_bps) == (&own.provider, own.price, own.take_bps)
    }
}

/// The hold that waits for this call, if one does.
pub fn take(db: &Db, follower: &Follower) -> Option<Taken> {
    db.ahead().take(follower)
}

/// Sets the same aside for the next call, if one is likely to come and `available` is plenty.
pub async fn set_aside_next(db: &Db, follower: &Follower, available: Nanos) -> Result<()> {
    let Some(next) = db.ahead().note_end(follower, available, Instant::now()) else { return Ok(()) };
    sleep(PAUSE).await;
    let reserved = db.reserving().write(next.clone()).await;
    let held = matches!(reserved, Ok(Reserved::Held { .. }));
    if let Some(unwanted) = db.ahead().keep(next, held, Instant::now()) {
        put_back(db, &[unwanted.call]).await?;
    }
    reserved.map(|_| ())
}

/// Puts back what no call came for in time.
pub async fn put_back_idle(db: &Db) -> Result<()> {
    put_back(db, &db.ahead().withdraw_idle(Instant::now())).await
}

/// Puts everything back, for good: this server stops.
pub async fn put_all_back(db: &Db) -> Result<()> {
    put_back(db, &db.ahead().close()).await
}

/// Puts back what this server has of an account. Whether there may be more, which others will take or put back.
pub(super) async fn recall(db: &Db, account: Uuid) -> Result<bool> {
    put_back(db, &db.ahead().withdraw(|line| line.account == account)).await?;
    let mut step = db.step().await?;
    let more = sqlx::query_scalar!(r#"select ledger.has_set_aside($1) as "more!""#, account);
    let more = more.fetch_one(&mut *step).await?;
    step.done();
    Ok(more)
}

async fn put_back(db: &Db, calls: &[Uuid]) -> Result<()> {
    for some in calls.chunks(PUT_BACK_MAX) {
        let mut step = db.step().await?;
        sqlx::query!("select ledger.put_back($1)", some).execute(&mut *step).await?;
        step.done();
    }
    Ok(())
}
