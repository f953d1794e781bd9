//! What an account spent, by day, model, vendor and key.

use chrono::{DateTime, NaiveDate, Utc};
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

/// From the beginning of a moment's day to before another moment, the newest day first.
pub async fn list_spent(
    db: &Db,
    account: AccountId,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<Spent>> {
    let rows = sqlx::query!(
        r#"
        select (settled_at at time zone 'utc')::date as "day!", model_id, provider, api_key_id, count(*) as "calls!",
            count(*) filter (where usage_source = 'none') as "failed!",
            sum(input + cached_input + cache_write + cache_write_1h)::bigint as "input!",
            sum(output + reasoning)::bigint as "output!", sum(reasoning)::bigint as "reasoning!",
            sum(free_tokens)::bigint as "free_tokens!", sum(charge - overrun)::bigint as "paid!",
            sum(provider_cost)::bigint as "provider_cost!"
        from usage_call where account_id = $1 and settled_at >= $2 and settled_at < $3
        group by 1, model_id, provider, api_key_id
        order by 1 desc, sum(charge - overrun) desc, model_id, provider, api_key_id
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
                failed: row.failed.unsigned_abs(),
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
