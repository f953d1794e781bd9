//! The vendors that were asked for one call: at most two, and the second at its own price.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId};
use marketplace::receipt::Attempt;
use uuid::Uuid;

use crate::{Db, Error, Result};

/// A call that goes to its second vendor, and what came of the first.
#[derive(Debug)]
pub struct Rerouting<'a> {
    pub call: CallId,
    pub instance: Uuid,
    pub model: &'a ModelId,
    pub provider: &'a ProviderId,
    pub price: PriceId,
    pub began_at: DateTime<Utc>,
    pub outcome: &'a str,
}

/// Switches the hold over; false when it must not be, and then nobody else may be asked.
pub async fn reroute(db: &Db, to: &Rerouting<'_>) -> Result<bool> {
    let mut step = db.step().await?;
    let is_done = sqlx::query_scalar!(
        r#"select ledger.reroute($1, $2, $3, $4, $5, $6, $7) as "is_done!""#,
        to.call.0,
        to.instance,
        to.model.as_str(),
        to.provider.0,
        to.price.0,
        to.began_at,
        to.outcome,
    )
    .fetch_one(&mut *step)
    .await?;
    step.done();
    Ok(is_done)
}

/// Writes down what came of a call's last attempt.
pub async fn note_attempt(
    db: &Db,
    call: CallId,
    number: i32,
    began_at: DateTime<Utc>,
    outcome: &str,
) -> Result<()> {
    let mut step = db.step().await?;
    sqlx::query!("select ledger.note_attempt($1, $2, $3, $4)", call.0, number, began_at, outcome)
        .execute(&mut *step)
        .await?;
    step.done();
    Ok(())
}

/// Everybody who was asked for a call, in order.
pub async fn list_attempts(db: &Db, account: AccountId, call: CallId) -> Result<Vec<Attempt>> {
    let rows = sqlx::query!(
        r#"select model_id as "model_id!", provider as "provider!", began_at as "began_at!", ended_at, outcome
        from attempt where account_id = $1 and call_id = $2 order by number"#,
        account.0,
        call.0,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    rows.into_iter()
        .map(|row| {
            Ok(Attempt {
                model: ModelId::parse(&row.model_id).map_err(|_| Error::Unreadable("attempt.model_id"))?,
                provider: ProviderId(row.provider),
                began_at: time(row.began_at),
                ended_at: row.ended_at.map(time),
                outcome: row.outcome,
            })
        })
        .collect()
}
