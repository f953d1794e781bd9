//! Payments into a balance, and what processors report of them.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::billing::{TopUp, TopUpState};
use marketplace::id::{AccountId, TopUpId};
use marketplace::money::Nanos;
use uuid::Uuid;

use crate::{Db, Error, Result};

struct TopUpRow {
    top_up_id: Uuid,
    amount: i64,
    state: String,
    created_at: DateTime<Utc>,
}

/// What a payment event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Credited,
    Declined,
    Duplicate,
    /// Money went back to the payer and out of the balance.
    Returned,
    /// Money that is to go back, heard of before the payment itself.
    Noted,
    /// Not the amount that was ordered.
    Mismatch,
    Unknown,
}

pub async fn insert_top_up(db: &Db, account: AccountId, processor: &str, amount: Nanos) -> Result<TopUp> {
    let id = Uuid::now_v7();
    let created_at = sqlx::query_scalar!(
        r#"select ledger.order_top_up($1, $2, $3, $4) as "created_at!""#,
        id,
        account.0,
        processor,
        amount.0,
    )
    .fetch_one(db.people())
    .await?;
    TopUpRow { top_up_id: id, amount: amount.0, state: "pending".to_owned(), created_at }.try_into()
}

pub async fn find_top_up(db: &Db, account: AccountId, id: TopUpId) -> Result<Option<TopUp>> {
    let row = sqlx::query_as!(
        TopUpRow,
        "select top_up_id, amount, state, created_at from top_up where account_id = $1 and top_up_id = $2",
        account.0,
        id.0,
    )
    .fetch_optional(&mut *db.of(account).await?)
    .await?;
    row.map(TopUp::try_from).transpose()
}

pub async fn list_top_ups(db: &Db, account: AccountId, limit: i64) -> Result<Vec<TopUp>> {
    let rows = sqlx::query_as!(
        TopUpRow,
        "select top_up_id, amount, state, created_at from top_up where account_id = $1 order by created_at desc limit $2",
        account.0,
        limit,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    rows.into_iter().map(TopUp::try_from).collect()
}

/// Acts on a verified event of a processor, at most once whatever it repeats.
pub async fn record_payment(
    db: &Db,
    processor: &str,
    event_id: &str,
    top_up: TopUpId,
    kind: TopUpState,
    amount: Nanos,
) -> Result<Recorded> {
    let outcome = sqlx::query_scalar!(
        r#"select ledger.record_payment($1, $2, $3, $4, $5) as "outcome!""#,
        processor,
        event_id,
        top_up.0,
        kind.as_str(),
        amount.0,
    )
    .fetch_one(db.people())
    .await?;
    match outcome.as_str() {
        "credited" => Ok(Recorded::Credited),
        "declined" => Ok(Recorded::Declined),
        "duplicate" => Ok(Recorded::Duplicate),
        "returned" => Ok(Recorded::Returned),
        "noted" => Ok(Recorded::Noted),
        "mismatch" => Ok(Recorded::Mismatch),
        "unknown" => Ok(Recorded::Unknown),
        _ => Err(Error::Unreadable("ledger.record_payment outcome")),
    }
}

impl TryFrom<TopUpRow> for TopUp {
    type Error = Error;
    fn try_from(row: TopUpRow) -> Result<Self> {
        Ok(Self {
            id: TopUpId(row.top_up_id),
            amount_nanos: Nanos(row.amount),
            state: TopUpState::parse(&row.state).ok_or(Error::Unreadable("top_up.state"))?,
            checkout_url: format!("/pay/{}", row.top_up_id),
            created_at: row.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        })
    }
}
