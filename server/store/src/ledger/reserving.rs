//! Reservations that are asked for at the same time are made in one commit.
//!
//! A commit costs as much as a reservation, and so does beginning a statement. While a group is written the next one
//! gathers, as large as it can: a second writer would halve the groups. Who comes alone waits for nobody.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use marketplace::money::Nanos;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;

use super::{LEASE_SECONDS, Limit, Reservation, Reserved};
use crate::connect::Kept;
use crate::{Error, Result};

/// Reservations in one commit at most: their wallets are locked until all are made.
const GROUP_MAX: usize = 32;
const WAITING_MAX: usize = 1_024;
/// As long as one may wait for a connection, and then for a statement.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The queue of reservations of this server.
#[derive(Clone, Debug)]
pub(crate) struct Reserving {
    queue: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    answer: oneshot::Sender<Result<Reserved>>,
}

/// A `Reservation` that waits for its turn.
#[derive(Clone, Debug)]
struct Wanted {
    call: Uuid,
    account: Uuid,
    key: Option<Uuid>,
    conversation: Option<Uuid>,
    run: Option<String>,
    run_limit: Option<i64>,
    model: String,
    provider: String,
    price: Uuid,
    take_bps: i32,
    want: i64,
    least: i64,
    free_want: Option<i64>,
    free_least: Option<i64>,
    instance: Uuid,
}

impl Reserving {
    /// Ends when nobody can ask any more.
    pub fn start(pool: &PgPool, kept: &Arc<Kept>) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write_groups(pool.clone(), Arc::clone(kept), waiting));
        Self { queue }
    }

    pub async fn reserve(&self, wanted: &Reservation<'_>) -> Result<Reserved> {
        let (answer, reserved) = oneshot::channel();
        let asked = async {
            let gone = || Error::Database(sqlx::Error::WorkerCrashed);
            self.queue.send(Waiting { wanted: wanted.into(), answer }).await.map_err(|_| gone())?;
            reserved.await.map_err(|_| gone())?
        };
        timeout(WAIT_MAX, asked).await.unwrap_or(Err(Error::Database(sqlx::Error::PoolTimedOut)))
    }
}

async fn write_groups(pool: PgPool, kept: Arc<Kept>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        // Who is gone needs no money set aside.
        group.retain(|one| !one.answer.is_closed());
        answer(&pool, &kept, std::mem::take(&mut group)).await;
        // Those who have just heard may already want the next.
        tokio::task::yield_now().await;
    }
}

async fn answer(pool: &PgPool, kept: &Arc<Kept>, group: Vec<Waiting>) {
    let wanted: Vec<Wanted> = group.iter().map(|one| one.wanted.clone()).collect();
    let made = write(pool, kept, &wanted).await;
    match made {
        Ok(made) => group.into_iter().for_each(|one| {
            let own = made.iter().find(|(call, _)| *call == one.wanted.call);
            one.hear(Ok(own.map(|(_, own)| *own)));
        }),
        // The database is not there, for anybody.
        Err(Error::Database(sqlx::Error::PoolTimedOut)) => {
            group.into_iter().for_each(|one| one.hear(Err(Error::Database(sqlx::Error::PoolTimedOut))))
        }
        Err(_) if group.len() > 1 => group.into_iter().for_each(|one| one.go_alone(pool, kept)),
        Err(cause) => {
            if let Some(one) = group.into_iter().next() {
                one.hear(Err(cause));
            }
        }
    }
}

impl Waiting {
    /// One bad apple must not spoil the others, nor keep them waiting.
    fn go_alone(self, pool: &PgPool, kept: &Arc<Kept>) {
        let (pool, kept) = (pool.clone(), Arc::clone(kept));
        tokio::spawn(async move {
            let made = write(&pool, &kept, std::slice::from_ref(&self.wanted)).await;
            self.hear(made.map(|made| made.first().map(|(_, own)| *own)));
        });
    }

    fn hear(self, own: Result<Option<Reserved>>) {
        // Whoever asked may be gone; then the lease of the hold runs out.
        let _ = self.answer.send(own.and_then(|own| own.ok_or(Error::NotFound)));
    }
}

/// All or none.
async fn write(pool: &PgPool, kept: &Kept, wanted: &[Wanted]) -> Result<Vec<(Uuid, Reserved)>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut step = kept.take(pool).await?;
    let rows = sqlx::query!(
        r#"select call_id as "call_id!", outcome as "outcome!", amount as "amount!", free_tokens as "free_tokens!",
            available as "available!", resets_at
        from ledger.reserve_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"#,
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
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    rows.into_iter()
        .map(|row| {
            let held = (Nanos(row.amount), row.free_tokens.unsigned_abs());
            let reserved = read(&row.outcome, held, Nanos(row.available), row.resets_at)?;
            Ok((row.call_id, reserved))
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
        "frozen" => Ok(Reserved::Frozen),
        "price_changed" => Ok(Reserved::PriceChanged),
        "books_broken" => Ok(Reserved::BooksBroken),
        _ => Err(Error::Unreadable("ledger.reserve outcome")),
    }
}

fn column<T>(wanted: &[Wanted], of: fn(&Wanted) -> T) -> Vec<T> {
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
        }
    }
}
