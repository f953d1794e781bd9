//! Plans and what they cost each month.

use chrono::SecondsFormat;
use marketplace::id::AccountId;
use marketplace::money::Nanos;
use marketplace::plan::{Plan, Subscription};
use uuid::Uuid;

use crate::{Db, Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribed {
    Begun,
    AlreadyRunning,
    /// The free plan follows when what was paid for has run out.
    Ending,
    BalanceShort,
    Unknown,
}

/// Every plan, the cheapest first; what is agreed on stands last.
pub async fn list_plans(db: &Db) -> Result<Vec<Plan>> {
    let rows = sqlx::query!(
        "select plan, name, fee, free_tokens, requests_a_minute, tokens_a_minute, keys_max, history_days from plan
        order by requests_a_minute, plan",
    )
    .fetch_all(db.people())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Plan {
            id: row.plan,
            name: row.name,
            fee_nanos: Nanos(row.fee),
            free_tokens: row.free_tokens,
            requests_a_minute: row.requests_a_minute,
            tokens_a_minute: row.tokens_a_minute,
            keys_max: row.keys_max,
            history_days: row.history_days,
        })
        .collect())
}

/// What an account pays for each month, if anything.
pub async fn find_subscription(db: &Db, account: AccountId) -> Result<Option<Subscription>> {
    let row = sqlx::query!(
        "select plan, paid_until, cancelled_at from subscription where account_id = $1 and ended_at is null",
        account.0,
    )
    .fetch_optional(&mut *db.of(account).await?)
    .await?;
    Ok(row.map(|row| Subscription {
        plan: row.plan,
        paid_until: row.paid_until.to_rfc3339_opts(SecondsFormat::Secs, true),
        is_ending: row.cancelled_at.is_some(),
    }))
}

pub async fn subscribe(db: &Db, account: AccountId, plan: &str) -> Result<Subscribed> {
    let outcome = sqlx::query_scalar!(
        r#"select ledger.subscribe($1, $2, $3) as "outcome!""#,
        Uuid::now_v7(),
        account.0,
        plan,
    )
    .fetch_one(db.people())
    .await?;
    match outcome.as_str() {
        "begun" => Ok(Subscribed::Begun),
        "running" => Ok(Subscribed::AlreadyRunning),
        "ending" => Ok(Subscribed::Ending),
        "balance" => Ok(Subscribed::BalanceShort),
        "unknown" => Ok(Subscribed::Unknown),
        _ => Err(Error::Unreadable("ledger.subscribe outcome")),
    }
}

/// Renews the subscriptions that have run out, or ends them.
pub async fn renew_subscriptions(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select ledger.renew_subscriptions(100) as "renewed!""#)
        .fetch_one(db.people())
        .await?)
}
