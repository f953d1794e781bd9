//! The books: every step of a paid call is one statement, and so is every other move of money.

mod ahead;
mod capturing;
mod doubting;
mod grouping;
mod reserving;

use chrono::{DateTime, Utc};
use marketplace::billing::{Balance, LedgerLine};
use marketplace::id::{AccountId, CallId, ConversationId, KeyId, ModelId, PriceId, ProviderId};
use marketplace::money::Nanos;
use marketplace::price::{Charge, TakeRate};
use marketplace::usage::{Tokens, UsageSource};
use uuid::Uuid;

pub(crate) use self::ahead::Ahead;
pub use self::ahead::{AHEAD_MAX, Follower, Taken, put_all_back, put_back_idle, set_aside_next, take};
pub(crate) use self::doubting::{Doubted, Doubts};
pub(crate) use self::grouping::Grouping;
pub(crate) use self::reserving::Wanted;
use crate::{Db, Error, Result};

/// A call that is about to be made, with the least and the most it may cost.
#[derive(Debug)]
pub struct Reservation<'a> {
    pub call: CallId,
    pub account: AccountId,
    pub key: Option<KeyId>,
    pub conversation: Option<ConversationId>,
    pub model: &'a ModelId,
    pub provider: &'a ProviderId,
    pub price: PriceId,
    pub take: TakeRate,
    pub want: Nanos,
    pub least: Nanos,
    /// The most and the least in free tokens, where the model takes them.
    pub free_tokens: Option<(u64, u64)>,
    pub run: Option<Run<'a>>,
    pub instance: Uuid,
}

/// Many calls that belong together, and the most they may cost in all.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub id: &'a str,
    pub limit: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    Held {
        amount: Nanos,
        /// Set aside instead of money.
        free_tokens: u64,
        available: Nanos,
    },
    BalanceShort {
        available: Nanos,
    },
    LimitReached {
        limit: Limit,
        available: Nanos,
        resets_at: Option<DateTime<Utc>>,
    },
    /// The account or key was closed since it was checked.
    Gone,
    /// The key was disabled since it was checked.
    KeyDisabled,
    /// A payment was taken back after it was spent.
    Frozen,
    PriceChanged,
    /// The books do not add up, so no paid call begins.
    BooksBroken,
}

/// Whose limit stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Key,
    Account,
    Conversation,
    Run,
}

/// How far a call has come; what it would be charged if its server died now.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub call: CallId,
    pub input: u64,
    pub output: u64,
    pub charge: Charge,
    /// No more than this, whatever is held.
    pub most: Nanos,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Capture {
    pub call: CallId,
    pub tokens: Tokens,
    pub source: UsageSource,
    pub charge: Charge,
    pub finish: String,
    /// If its hold was there before it.
    pub taken: Option<Taken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    pub call: CallId,
    /// False when the call had been closed before, by a reaper or an earlier attempt.
    pub applied: bool,
    pub paid: Nanos,
    pub released: Nanos,
    pub overrun: Nanos,
    /// Taken instead of money.
    pub free_tokens: u64,
    pub available: Nanos,
}

/// How long a hold outlives the last sign of life of its server.
pub const LEASE_SECONDS: i32 = 15;

/// Sets money aside, in one commit with whatever else is asked for at this moment.
pub async fn reserve(db: &Db, wanted: &Reservation<'_>) -> Result<Reserved> {
    reserving::reserve(db, wanted).await
}

/// Writes progress down and renews leases; returns the calls that are still this instance's to serve.
pub async fn checkpoint(db: &Db, instance: Uuid, progress: &[Progress]) -> Result<Vec<CallId>> {
    let calls: Vec<Uuid> = progress.iter().map(|p| p.call.0).collect();
    let column = |of: fn(&Progress) -> i64| progress.iter().map(of).collect::<Vec<i64>>();
    let mut step = db.step().await?;
    let owned = sqlx::query_scalar!(
        r#"select checkpoint as "call_id!" from ledger.checkpoint($1, $2, $3, $4, $5, $6, $7, $8)"#,
        instance,
        LEASE_SECONDS,
        &calls,
        &column(|p| p.input.cast_signed()),
        &column(|p| p.output.cast_signed()),
        &column(|p| p.charge.provider_cost.0),
        &column(|p| p.charge.commission.0),
        &column(|p| p.most.0),
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    Ok(owned.into_iter().map(CallId).collect())
}

/// Closes a call, in one commit with whatever else ends at this moment.
pub async fn settle(db: &Db, used: &Capture) -> Result<Captured> {
    db.capturing().write(used.clone()).await
}

/// Closes several calls in one commit; the answers come in any order.
pub async fn capture_many(db: &Db, used: &[Capture]) -> Result<Vec<Captured>> {
    capturing::capture_group(db.people(), db.kept(), used).await
}

pub async fn capture(db: &Db, used: &Capture) -> Result<Captured> {
    capturing::capture_one(db.people(), db.kept(), used).await
}

/// Gives the whole hold back.
pub async fn release(db: &Db, call: CallId, finish: &str) -> Result<Captured> {
    let nothing = Capture {
        call,
        tokens: Tokens::default(),
        source: UsageSource::None,
        charge: Charge::default(),
        finish: finish.to_owned(),
        taken: None,
    };
    capture(db, &nothing).await
}

/// Closes the holds of servers that are gone; returns how many.
pub async fn reap(db: &Db, instance: Uuid) -> Result<i64> {
    let closed = sqlx::query_scalar!(r#"select ledger.reap($1, 100) as "closed!""#, instance);
    Ok(closed.fetch_one(db.people()).await?)
}

/// What is set aside for calls that have yet to come is there for any other, so it is not told as held.
pub async fn get_balance(db: &Db, account: AccountId) -> Result<Balance> {
    let row = sqlx::query!(
        r#"
        select a.plan, sum(w.posted) filter (where asset = 'USD')::bigint as "posted!",
            (sum(w.held) filter (where asset = 'USD') - aside.amount)::bigint as "held!",
            (sum(w.posted - w.held + w.credit_limit) filter (where asset = 'USD') + aside.amount)::bigint as "available!",
            sum(w.posted - w.held) filter (where fund = 'promo')::bigint as "promo!",
            ledger.free_tokens_left(a.account_id) as "free!"
        from wallet w join account a using (account_id), (
            select coalesce(sum(h.amount), 0) as amount from hold h
            where h.account_id = $1 and h.state = 'open' and h.set_aside
        ) as aside
        where account_id = $1 group by a.account_id, a.plan, aside.amount
        "#,
        account.0,
    )
    .fetch_optional(&mut *db.of(account).await?)
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Balance {
        posted_nanos: Nanos(row.posted),
        held_nanos: Nanos(row.held),
        available_nanos: Nanos(row.available),
        promo_nanos: Nanos(row.promo),
        free_tokens_left: row.free,
        plan: row.plan,
    })
}

/// Everything that ever came in and went out as charges; the difference is not yet what is held.
pub async fn get_turnover(db: &Db, account: AccountId) -> Result<(Nanos, Nanos)> {
    let row = sqlx::query!(
        r#"
        select coalesce((select sum(posted) from wallet where account_id = $1 and asset = 'USD'), 0)::bigint as "posted!",
            coalesce((select sum(charge - overrun) from usage_call where account_id = $1), 0)::bigint as "used!"
        "#,
        account.0,
    )
    .fetch_one(&mut *db.of(account).await?)
    .await?;
    Ok((Nanos(row.posted) + Nanos(row.used), Nanos(row.used)))
}

/// Lines of the paid wallet, newest first, older than version `before`.
pub async fn list_lines(
    db: &Db,
    account: AccountId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<LedgerLine>> {
    let rows = sqlx::query!(
        r#"
        select t.kind, t.call_id, coalesce(t.reason, u.model_id) as note, e.amount,
            e.balance_after as "balance_after!", e.wallet_version as "version!", e.created_at
        from ledger_entry e join ledger_tx t using (tx_id) left join usage_call u on u.call_id = t.call_id
        where e.account_id = $1 and e.fund = 'paid' and e.wallet_version < $2
        order by e.wallet_version desc limit $3
        "#,
        account.0,
        // A bound that the index can begin at: behind row security it could not at a `coalesce`.
        before.unwrap_or(i64::MAX),
        limit,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LedgerLine {
            kind: row.kind,
            note: row.note,
            call_id: row.call_id.map(CallId),
            amount_nanos: Nanos(row.amount),
            balance_nanos: Nanos(row.balance_after),
            version: row.version,
            created_at: row.created_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        })
        .collect())
}
