//! What operators change by hand: promotional grants and adjustments of a balance.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::id::AccountId;
use marketplace::money::Nanos;
use marketplace::plan::{Gift, Grant};
use uuid::Uuid;

use crate::{Db, Error, Result};

/// What became of an adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjusted {
    Posted,
    /// Large enough to need a second operator.
    Waiting,
    Rejected,
    /// The same operator may not agree to it.
    SecondNeeded,
    OwnAccount,
    BalanceShort,
    AlreadyDecided,
    Unknown,
}

#[derive(Debug)]
pub struct Adjustment<'a> {
    pub id: Uuid,
    pub account: AccountId,
    pub amount: Nanos,
    pub reason: &'a str,
    pub operator: AccountId,
}

pub async fn propose_adjustment(db: &Db, new: &Adjustment<'_>) -> Result<Adjusted> {
    let outcome = sqlx::query_scalar!(
        r#"select ledger.propose_adjustment($1, $2, $3, $4, $5) as "outcome!""#,
        new.id,
        new.account.0,
        new.amount.0,
        new.reason,
        new.operator.0,
    );
    adjusted(&outcome.fetch_one(db.books()).await?)
}

/// Agrees to a waiting adjustment as a second operator.
pub async fn approve_adjustment(db: &Db, id: Uuid, operator: AccountId) -> Result<Adjusted> {
    decide(db, id, operator, "approve").await
}

pub async fn reject_adjustment(db: &Db, id: Uuid, operator: AccountId) -> Result<Adjusted> {
    decide(db, id, operator, "reject").await
}

/// Gives promotional money; false when this grant was given before.
pub async fn give_promo(
    db: &Db,
    grant: Uuid,
    account: AccountId,
    amount: Nanos,
    expires_at: DateTime<Utc>,
    (reason, actor): (&str, &str),
) -> Result<bool> {
    let given = sqlx::query_scalar!(
        r#"select ledger.give_promo($1, $2, $3, $4, $5, $6) as "given!""#,
        grant,
        account.0,
        amount.0,
        expires_at,
        reason,
        actor,
    );
    Ok(given.fetch_one(db.books()).await?)
}

/// What an account was given and may still spend, soonest expiry first.
pub async fn list_grants(db: &Db, account: AccountId) -> Result<Vec<Grant>> {
    let rows = sqlx::query!(
        "select fund, amount, remaining, reason, expires_at from grant_
        where account_id = $1 and remaining > 0 and expires_at > now() order by expires_at, grant_id",
        account.0,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    let tokens = i64::unsigned_abs;
    Ok(rows
        .into_iter()
        .map(|row| Grant {
            gift: match row.fund.as_str() {
                "free" => Gift::Tokens { amount: tokens(row.amount), left: tokens(row.remaining) },
                _ => Gift::Money { amount: Nanos(row.amount), left: Nanos(row.remaining) },
            },
            reason: row.reason,
            expires_at: row.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        })
        .collect())
}

/// Takes back what is left of grants that have run out.
pub async fn sweep_grants(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select ledger.sweep_grants(100) as "swept!""#).fetch_one(db.people()).await?)
}

async fn decide(db: &Db, id: Uuid, operator: AccountId, decision: &str) -> Result<Adjusted> {
    let outcome = sqlx::query_scalar!(
        r#"select ledger.decide_adjustment($1, $2, $3) as "outcome!""#,
        id,
        operator.0,
        decision,
    );
    adjusted(&outcome.fetch_one(db.books()).await?)
}

fn adjusted(outcome: &str) -> Result<Adjusted> {
    Ok(match outcome {
        "posted" => Adjusted::Posted,
        "proposed" => Adjusted::Waiting,
        "rejected" => Adjusted::Rejected,
        "second_needed" => Adjusted::SecondNeeded,
        "own_account" => Adjusted::OwnAccount,
        "balance" => Adjusted::BalanceShort,
        "decided" | "duplicate" => Adjusted::AlreadyDecided,
        "unknown" => Adjusted::Unknown,
        _ => return Err(Error::Unreadable("adjustment outcome")),
    })
}
