//! What an account spent, by day, model, vendor and key.

use chrono::NaiveDate;
use marketplace::id::{AccountId, KeyId, ModelId, ProviderId};
use marketplace::money::Nanos;
use marketplace::recommend::PastCall;
use marketplace::statement::Month;
use marketplace::usage::Tokens;

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

/// Grows with everything that is booked of an account.
pub async fn get_stand(db: &Db, account: AccountId) -> Result<i64> {
    let stand = sqlx::query_scalar!(
        r#"select sum(version)::bigint as "stand!" from wallet where account_id = $1"#,
        account.0
    );
    Ok(stand.fetch_one(&mut *db.of(account).await?).await?)
}

/// The calls of a month to these models that were paid with money, at most so many. In one row, for there may be very many.
pub async fn list_paid(
    db: &Db,
    account: AccountId,
    month: Month,
    models: &[String],
    most: i64,
) -> Result<Vec<PastCall>> {
    let row = sqlx::query!(
        r#"
        select coalesce(array_agg(input), '{}') as "input!", coalesce(array_agg(cached_input), '{}') as "cached_input!",
            coalesce(array_agg(cache_write), '{}') as "cache_write!",
            coalesce(array_agg(cache_write_1h), '{}') as "cache_write_1h!",
            coalesce(array_agg(output), '{}') as "output!", coalesce(array_agg(reasoning), '{}') as "reasoning!",
            coalesce(array_agg(charge - overrun), '{}') as "paid!"
        from (
            select * from usage_call
            where account_id = $1 and settled_at >= $2 and settled_at < $3 and charge > overrun and free_tokens = 0
                and model_id = any ($4)
            limit $5
        ) as paid
        "#,
        account.0,
        month.begins(),
        month.ends(),
        models,
        most,
    )
    .fetch_one(&mut *db.of(account).await?)
    .await?;
    let at = |column: &[i64], place: usize| column.get(place).copied().unwrap_or_default();
    let calls = row.paid.iter().enumerate().map(|(place, paid)| PastCall {
        usage: Tokens {
            input: at(&row.input, place).unsigned_abs(),
            cached_input: at(&row.cached_input, place).unsigned_abs(),
            cache_write: at(&row.cache_write, place).unsigned_abs(),
            cache_write_1h: at(&row.cache_write_1h, place).unsigned_abs(),
            output: at(&row.output, place).unsigned_abs(),
            reasoning: at(&row.reasoning, place).unsigned_abs(),
        },
        paid: Nanos(*paid),
    });
    Ok(calls.collect())
}

/// Adds up the next day that is over and says which, or that there is none.
pub async fn add_up_day(db: &Db) -> Result<Option<NaiveDate>> {
    Ok(sqlx::query_scalar!("select ledger.add_up_day()").fetch_one(db.people()).await?)
}
