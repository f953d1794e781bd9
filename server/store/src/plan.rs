//! Plans and what they cost each month.

use marketplace::id::AccountId;
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
