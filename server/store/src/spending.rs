//! What an account spent, by day, model, vendor and key.

use chrono::NaiveDate;
use marketplace::id::{AccountId, KeyId, ModelId, ProviderId};
use marketplace::money::Nanos;

use crate::{Db, Error, Result};

/// The calls of one UTC day to one offer by one key, or by the account's pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    pub day: NaiveDate,
    pub model: ModelId,
    pub provider: ProviderId,
    pub key: Option<KeyId>,
    pub calls: u64,
    /// Of them, what came to nothing.
    pub failed: u64,
    pub input: u64,
    pub output: u64,
    pub reasoning: u64,
    pub free_tokens: u64,
    pub paid: Nanos,
    pub provider_cost: Nanos,
}

/// From one UTC day to before another, the newest first.
pub async fn list_spent(
    db: &Db,
    account: AccountId,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<Spent>> {
    let rows = sqlx::query!(
        r#"
        select day as "day!", model_id as "model_id!", provider as "provider!", api_key_id,
            sum(calls)::bigint as "calls!", sum(empty)::bigint as "empty!", sum(input)::bigint as "input!",
            sum(output)::bigint as "output!", sum(reasoning)::bigint as "reasoning!",
            sum(free_tokens)::bigint as "free_tokens!", sum(charge - overrun)::bigint as "paid!",
            sum(provider_cost)::bigint as "provider_cost!"
        from usage_by_day where account_id = $1 and day >= $2 and day < $3
        group by day, model_id, provider, api_key_id
        order by day desc, sum(charge - overrun) desc, model_id, provider, api_key_id
        "#,
        account.0,
        from,
        until,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Spent {
                day: row.day,
                model: ModelId::parse(&row.model_id).map_err(|_| Error::Unreadable("usage_call.model_id"))?,
                provider: ProviderId(row.provider),
                key: row.api_key_id.map(KeyId),
                calls: row.calls.unsigned_abs(),
                failed: row.empty.unsigned_abs(),
                input: row.input.unsigned_abs(),
                output: row.output.unsigned_abs(),
                reasoning: row.reasoning.unsigned_abs(),
                free_tokens: row.free_tokens.unsigned_abs(),
                paid: Nanos(row.paid),
                provider_cost: Nanos(row.provider_cost),
            })
        })
        .collect()
}

/// Adds up the next day that is over and says which, or that there is none.
pub async fn add_up_day(db: &Db) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!("select ledger.add_up_day()").fetch_one(db.people()).await?)
}
