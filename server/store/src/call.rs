//! Calls that were made: what a receipt is written from.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId};
use marketplace::money::Nanos;
use marketplace::price::{Price, TakeRate};
use marketplace::receipt::{Receipt, lines};
use marketplace::usage::{Tokens, UsageSource};

use crate::attempt::list_attempts;
use crate::{Db, Error, Result};

/// The receipt of a settled call, its lines computed from the price version it was made under.
pub async fn find_receipt(db: &Db, account: AccountId, call: CallId) -> Result<Option<Receipt>> {
    let row = sqlx::query!(
        "select u.call_id, u.model_id, u.provider, u.price_id, u.take_bps, u.input, u.cached_input, u.cache_write,
            u.cache_write_1h, u.output, u.reasoning, u.usage_source, u.provider_cost, u.commission, u.charge, u.overrun,
            u.free_tokens, u.finish, u.started_at, u.settled_at, h.amount as hold_amount, p.terms
        from usage_call u join hold h using (call_id) join price p on p.price_id = u.price_id
        where u.account_id = $1 and u.call_id = $2",
        account.0,
        call.0,
    )
    .fetch_optional(&mut *db.of(account).await?)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let price: Price = serde_json::from_value(row.terms).map_err(|_| Error::Unreadable("price.terms"))?;
    let usage = Tokens {
        input: row.input.unsigned_abs(),
        cached_input: row.cached_input.unsigned_abs(),
        cache_write: row.cache_write.unsigned_abs(),
        cache_write_1h: row.cache_write_1h.unsigned_abs(),
        output: row.output.unsigned_abs(),
        reasoning: row.reasoning.unsigned_abs(),
    };
    let rates = price.rates_for(usage.input_total(), row.started_at);
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    Ok(Some(Receipt {
        id: CallId(row.call_id),
        model: ModelId::parse(&row.model_id).map_err(|_| Error::Unreadable("usage_call.model_id"))?,
        provider: ProviderId(row.provider),
        lines: if row.charge == 0 { Vec::new() } else { lines(&price, &rates, &usage) },
        provider_cost_nanos: Nanos(row.provider_cost),
        commission_nanos: Nanos(row.commission),
        commission_bps: TakeRate(
            u16::try_from(row.take_bps).map_err(|_| Error::Unreadable("usage_call.take_bps"))?,
        ),
        charge_nanos: Nanos(row.charge),
        hold_nanos: Nanos(row.hold_amount),
        released_nanos: Nanos(row.hold_amount - (row.charge - row.overrun)),
        overrun_nanos: Nanos(row.overrun),
        free_tokens: row.free_tokens.unsigned_abs(),
        usage,
        usage_source: UsageSource::parse(&row.usage_source)
            .ok_or(Error::Unreadable("usage_call.usage_source"))?,
        finish: row.finish,
        price_version: PriceId(row.price_id),
        created_at: time(row.started_at),
        settled_at: Some(time(row.settled_at)),
        attempts: list_attempts(db, account, call).await?,
    }))
}
