//! The books: every step of a paid call is one statement, and so is every other move of money.

use marketplace::billing::{Balance, LedgerLine};
use marketplace::id::{AccountId, CallId, ConversationId, KeyId, ModelId, PriceId, ProviderId};
use marketplace::money::Nanos;
use marketplace::price::{Charge, TakeRate};
use marketplace::usage::{Tokens, UsageSource};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Error, Result};

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
    pub instance: Uuid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    Held {
        amount: Nanos,
        available: Nanos,
    },
    BalanceShort {
        available: Nanos,
    },
    KeyLimit {
        available: Nanos,
    },
    /// The account or key was closed since it was checked.
    Gone,
    PriceChanged,
}

/// How far a call has come; what it would be charged if its server died now.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub call: CallId,
    pub input: u64,
    pub output: u64,
    pub charge: Charge,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    pub call: CallId,
    pub tokens: Tokens,
    pub source: UsageSource,
    pub charge: Charge,
    pub finish: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// False when the call had been closed before, by a reaper or an earlier attempt.
    pub applied: bool,
    pub paid: Nanos,
    pub released: Nanos,
    pub overrun: Nanos,
    pub available: Nanos,
}

/// How long a hold outlives the last sign of life of its server.
pub const LEASE_SECONDS: i32 = 15;

pub async fn reserve(db: &PgPool, wanted: &Reservation<'_>) -> Result<Reserved> {
    let row = sqlx::query!(
        r#"select outcome as "outcome!", amount as "amount!", available as "available!"
        from ledger.reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"#,
        wanted.call.0,
        wanted.account.0,
        wanted.key.map(|key| key.0),
        wanted.conversation.map(|conversation| conversation.0),
        wanted.model.as_str(),
        wanted.provider.0,
        wanted.price.0,
        i32::from(wanted.take.0),
        wanted.want.0,
        wanted.least.0,
        wanted.instance,
        LEASE_SECONDS,
    )
    .fetch_one(db)
    .await?;
    let available = Nanos(row.available);
    match row.outcome.as_str() {
        "held" => Ok(Reserved::Held { amount: Nanos(row.amount), available }),
        "balance" => Ok(Reserved::BalanceShort { available }),
        "key_limit" => Ok(Reserved::KeyLimit { available }),
        "no_account" | "no_key" => Ok(Reserved::Gone),
        "price_changed" => Ok(Reserved::PriceChanged),
        _ => Err(Error::Unreadable("ledger.reserve outcome")),
    }
}

/// Writes progress down and renews leases; returns the calls that are still this instance's to serve.
pub async fn checkpoint(db: &PgPool, instance: Uuid, progress: &[Progress]) -> Result<Vec<CallId>> {
    let calls: Vec<Uuid> = progress.iter().map(|p| p.call.0).collect();
    let column = |of: fn(&Progress) -> i64| progress.iter().map(of).collect::<Vec<i64>>();
    let owned = sqlx::query_scalar!(
        r#"select checkpoint as "call_id!" from ledger.checkpoint($1, $2, $3, $4, $5, $6, $7)"#,
        instance,
        LEASE_SECONDS,
        &calls,
        &column(|p| p.input.cast_signed()),
        &column(|p| p.output.cast_signed()),
        &column(|p| p.charge.provider_cost.0),
        &column(|p| p.charge.commission.0),
    )
    .fetch_all(db)
    .await?;
    Ok(owned.into_iter().map(CallId).collect())
}

pub async fn capture(db: &PgPool, used: &Capture<'_>) -> Result<Captured> {
    let row = sqlx::query!(
        r#"select applied as "applied!", paid as "paid!", released as "released!", overrun as "overrun!", available as "available!"
        from ledger.capture($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"#,
        used.call.0,
        used.tokens.input.cast_signed(),
        used.tokens.cached_input.cast_signed(),
        used.tokens.cache_write.cast_signed(),
        used.tokens.cache_write_1h.cast_signed(),
        used.tokens.output.cast_signed(),
        used.tokens.reasoning.cast_signed(),
        used.source.as_str(),
        used.charge.provider_cost.0,
        used.charge.commission.0,
        used.finish,
    )
    .fetch_one(db)
    .await?;
    Ok(Captured {
        applied: row.applied,
        paid: Nanos(row.paid),
        released: Nanos(row.released),
        overrun: Nanos(row.overrun),
        available: Nanos(row.available),
    })
}

/// Gives the whole hold back.
pub async fn release(db: &PgPool, call: CallId, finish: &str) -> Result<Captured> {
    let nothing = Capture {
        call,
        tokens: Tokens::default(),
        source: UsageSource::None,
        charge: Charge::default(),
        finish,
    };
    capture(db, &nothing).await
}

/// Closes the holds of servers that are gone; returns how many.
pub async fn reap(db: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select ledger.reap(100) as "closed!""#).fetch_one(db).await?)
}

pub async fn get_balance(db: &PgPool, account: AccountId) -> Result<Balance> {
    let row = sqlx::query!(
        r#"
        select w.posted, w.held, w.posted - w.held + w.credit_limit as "available!", f.posted - f.held as "free!", a.plan
        from wallet w join account a using (account_id) join wallet f using (account_id)
        where w.account_id = $1 and w.fund = 'paid' and f.fund = 'free'
        "#,
        account.0,
    )
    .fetch_optional(db)
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Balance {
        posted_nanos: Nanos(row.posted),
        held_nanos: Nanos(row.held),
        available_nanos: Nanos(row.available),
        free_tokens_left: row.free,
        plan: row.plan,
    })
}

/// Lines of the paid wallet, newest first, older than version `before`.
pub async fn list_lines(
    db: &PgPool,
    account: AccountId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<LedgerLine>> {
    let rows = sqlx::query!(
        r#"
        select t.kind, t.call_id, coalesce(t.reason, u.model_id) as note, e.amount,
            e.balance_after as "balance_after!", e.wallet_version as "version!", e.created_at
        from ledger_entry e join ledger_tx t using (tx_id) left join usage_call u on u.call_id = t.call_id
        where e.account_id = $1 and e.fund = 'paid' and e.wallet_version < coalesce($2, 9223372036854775807)
        order by e.wallet_version desc limit $3
        "#,
        account.0,
        before,
        limit,
    )
    .fetch_all(db)
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
