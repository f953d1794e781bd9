//! Setting money aside for a call, together with whoever else asks at this moment.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use marketplace::id::CallId;
use marketplace::money::Nanos;
use sqlx::PgPool;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::doubting::Doubted;
use super::grouping::Grouped;
use super::{LEASE_SECONDS, Limit, Reservation, Reserved, ahead};
use crate::connect::Kept;
use crate::{Db, Error, Result};

/// As long as one may wait for a connection, and then for a statement.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// By then what another server has set aside is taken or put back.
const RECALL_MAX: Duration = Duration::from_secs(4);
const RECALL_EVERY: Duration = Duration::from_millis(50);

/// A `Reservation` that waits for its turn.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(super) call: Uuid,
    pub(super) account: Uuid,
    pub(super) key: Option<Uuid>,
    pub(super) conversation: Option<Uuid>,
    pub(super) run: Option<String>,
    pub(super) run_limit: Option<i64>,
    pub(super) model: String,
    pub(super) provider: String,
    pub(super) price: Uuid,
    pub(super) take_bps: i32,
    pub(super) want: i64,
    pub(super) least: i64,
    pub(super) free_want: Option<i64>,
    pub(super) free_least: Option<i64>,
    pub(super) instance: Uuid,
    /// For a call that has yet to come.
    pub(super) set_aside: bool,
}

pub(super) async fn reserve(db: &Db, wanted: &Reservation<'_>) -> Result<Reserved> {
    let reserved = timeout(WAIT_MAX, decide(db, wanted.into())).await;
    reserved.unwrap_or(Err(Error::Database(sqlx::Error::PoolTimedOut)))
}

async fn decide(db: &Db, wanted: Wanted) -> Result<Reserved> {
    let (account, doubts) = (wanted.account, db.doubts());
    if wanted.run_limit.is_none()
        && doubts.has(account, Instant::now())
        && let Some(available) = db.doubting().write(Doubted(wanted.clone())).await?
    {
        doubts.add(account, Instant::now());
        return Ok(Reserved::BalanceShort { available });
    }
    let mut reserved = db.reserving().write(wanted.clone()).await?;
    if is_short(&reserved) {
        // Elsewhere: few come here, and all would carry it.
        reserved = Box::pin(reserve_after_recall(db, wanted)).await?;
    }
    match reserved {
        Reserved::BalanceShort { .. } => doubts.add(account, Instant::now()),
        _ => doubts.remove(account),
    }
    Ok(reserved)
}

/// What is set aside for calls that may come stands behind one that is there.
async fn reserve_after_recall(db: &Db, wanted: Wanted) -> Result<Reserved> {
    let begun = Instant::now();
    loop {
        let more = ahead::recall(db, wanted.account).await?;
        let reserved = db.reserving().write(wanted.clone()).await?;
        if !is_short(&reserved) || !more || begun.elapsed() >= RECALL_MAX {
            return Ok(reserved);
        }
        sleep(RECALL_EVERY).await;
    }
}

fn is_short(reserved: &Reserved) -> bool {
    matches!(reserved, Reserved::BalanceShort { .. } | Reserved::LimitReached { .. })
}

impl Grouped for Wanted {
    type Done = Reserved;
    const GROUP_MAX: usize = 32;
    /// Who is gone needs no money set aside.
    const OWED: bool = false;

    fn call(&self) -> CallId {
        CallId(self.call)
    }

    async fn write(pool: &PgPool, kept: &Kept, wanted: &[Self]) -> Result<Vec<(CallId, Reserved)>> {
        match wanted {
            [one] => Ok(vec![(one.call(), reserve_one(pool, kept, one).await?)]),
            group => reserve_group(pool, kept, group).await,
        }
    }
}

/// One that nobody waits with is spared what a group needs.
async fn reserve_one(pool: &PgPool, kept: &Kept, one: &Wanted) -> Result<Reserved> {
    let mut step = kept.take(pool).await?;
    let row = sqlx::query!(
        r#"select outcome as "outcome!", amount as "amount!", free_tokens as "free_tokens!", available as "available!", resets_at
        from ledger.reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"#,
        one.call,
        one.account,
        one.key,
        one.conversation,
        one.run,
        one.run_limit,
        one.model,
        one.provider,
        one.price,
        one.take_bps,
        one.want,
        one.least,
        one.free_want,
        one.free_least,
        one.instance,
        LEASE_SECONDS,
        one.set_aside,
    )
    .fetch_one(&mut *step)
    .await?;
    step.done();
    let held = (Nanos(row.amount), row.free_tokens.unsigned_abs());
    read(&row.outcome, held, Nanos(row.available), row.resets_at)
}

/// All or none.
async fn reserve_group(pool: &PgPool, kept: &Kept, wanted: &[Wanted]) -> Result<Vec<(CallId, Reserved)>> {
    let mut step = kept.take(pool).await?;
    let rows = sqlx::query!(
        r#"select call_id as "call_id!", outcome as "outcome!", amount as "amount!", free_tokens as "free_tokens!",
            available as "available!", resets_at
        from ledger.reserve_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"#,
        &column(wanted, |one| one.call),
        &column(wanted, |one| one.account),
        &column(wanted, |one| one.key) as _,
        &column(wanted, |one| one.conversation) as _,
        &column(wanted, |one| one.run.clone()) as _,
        &column(wanted, |one| one.run_limit) as _,
        &column(wanted, |one| one.model.clone()),
        &column(wanted, |one| one.provider.clone()),
        &column(wanted, |one| one.price),
        &column(wanted, |one| one.take_bps),
        &column(wanted, |one| one.want),
        &column(wanted, |one| one.least),
        &column(wanted, |one| one.free_want) as _,
        &column(wanted, |one| one.free_least) as _,
        &column(wanted, |one| one.instance),
        LEASE_SECONDS,
        &column(wanted, |one| one.set_aside),
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    rows.into_iter()
        .map(|row| {
            let held = (Nanos(row.amount), row.free_tokens.unsigned_abs());
            let reserved = read(&row.outcome, held, Nanos(row.available), row.resets_at)?;
            Ok((CallId(row.call_id), reserved))
        })
        .collect()
}

fn read(
    outcome: &str,
    (amount, free_tokens): (Nanos, u64),
    available: Nanos,
    resets_at: Option<DateTime<Utc>>,
) -> Result<Reserved> {
    let reached = |limit| Ok(Reserved::LimitReached { limit, available, resets_at });
    match outcome {
        "held" => Ok(Reserved::Held { amount, free_tokens, available }),
        "balance" => Ok(Reserved::BalanceShort { available }),
        "key_limit" => reached(Limit::Key),
        "account_limit" => reached(Limit::Account),
        "conversation_limit" => reached(Limit::Conversation),
        "run_limit" => reached(Limit::Run),
        "no_account" | "no_key" => Ok(Reserved::Gone),
        "key_disabled" => Ok(Reserved::KeyDisabled),
        "frozen" => Ok(Reserved::Frozen),
        "price_changed" => Ok(Reserved::PriceChanged),
        "books_broken" => Ok(Reserved::BooksBroken),
        _ => Err(Error::Unreadable("ledger.reserve outcome")),
    }
}

pub(super) fn column<S, T>(wanted: &[S], of: fn(&S) -> T) -> Vec<T> {
    wanted.iter().map(of).collect()
}

impl From<&Reservation<'_>> for Wanted {
    fn from(wanted: &Reservation<'_>) -> Self {
        Self {
            call: wanted.call.0,
            account: wanted.account.0,
            key: wanted.key.map(|key| key.0),
            conversation: wanted.conversation.map(|conversation| conversation.0),
            run: wanted.run.map(|run| run.id.to_owned()),
            run_limit: wanted.run.and_then(|run| run.limit).map(|limit| limit.0),
            model: wanted.model.as_str().to_owned(),
            provider: wanted.provider.0.clone(),
            price: wanted.price.0,
            take_bps: i32::from(wanted.take.0),
            want: wanted.want.0,
            least: wanted.least.0,
            free_want: wanted.free_tokens.map(|(most, _)| most.cast_signed()),
            free_least: wanted.free_tokens.map(|(_, least)| least.cast_signed()),
            instance: wanted.instance,
            set_aside: false,
        }
    }
}
