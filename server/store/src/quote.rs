//! Quotes: prices that were promised to an account before a call, for ten minutes.

use chrono::{DateTime, Utc};
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId, QuoteId};
use marketplace::money::Nanos;
use marketplace::price::{Price, TakeRate};

use crate::{Db, Error, Result};

/// What is promised to whom.
#[derive(Debug)]
pub struct NewQuote<'a> {
    pub id: QuoteId,
    pub account: AccountId,
    pub model: &'a ModelId,
    pub provider: &'a ProviderId,
    pub price: PriceId,
    pub take: TakeRate,
    /// No call under this quote costs more.
    pub most: Nanos,
}

/// What was promised.
#[derive(Clone, Debug)]
pub struct Promise {
    pub model: ModelId,
    pub provider: ProviderId,
    pub version: PriceId,
    pub price: Price,
    pub take: TakeRate,
    pub most: Nanos,
    /// False once its ten minutes are over: then it promises nothing any more.
    pub is_valid: bool,
}

/// Until when the promise holds; `None` where the price was replaced meanwhile.
pub async fn insert_quote(db: &Db, new: &NewQuote<'_>) -> Result<Option<DateTime<Utc>>> {
    let until = sqlx::query_scalar!(
        "select ledger.make_quote($1, $2, $3, $4, $5, $6, $7)",
        new.id.0,
        new.account.0,
        new.model.as_str(),
        new.provider.0,
        new.price.0,
        i32::from(new.take.0),
        new.most.0,
    );
    Ok(until.fetch_one(db.people()).await?)
}

/// Has a call rely on a quote of its account, if there is such a one.
pub async fn rely_on(db: &Db, id: QuoteId, account: AccountId, call: CallId) -> Result<Option<Promise>> {
    let row = sqlx::query!(
        r#"select model_id as "model_id!", provider as "provider!", price_id as "price_id!", terms as "terms!",
            take_bps as "take_bps!", most as "most!", is_valid as "is_valid!"
        from ledger.rely_on_quote($1, $2, $3)"#,
        id.0,
        account.0,
        call.0,
    )
    .fetch_optional(db.people())
    .await?;
    row.map(|row| {
        Ok(Promise {
            model: ModelId::parse(&row.model_id).map_err(|_| Error::Unreadable("quote.model_id"))?,
            provider: ProviderId(row.provider),
            version: PriceId(row.price_id),
            price: serde_json::from_value(row.terms).map_err(|_| Error::Unreadable("price.terms"))?,
            take: u16::try_from(row.take_bps)
                .map(TakeRate)
                .map_err(|_| Error::Unreadable("quote.take_bps"))?,
            most: Nanos(row.most),
            is_valid: row.is_valid,
        })
    })
    .transpose()
}

/// Deletes quotes that are over and were never relied on; returns how many.
pub async fn delete_expired(db: &Db) -> Result<i64> {
    const FORGOTTEN_MAX: i32 = 1_000;
    let forgotten = sqlx::query_scalar!(r#"select ledger.forget_quotes($1) as "forgotten!""#, FORGOTTEN_MAX);
    Ok(forgotten.fetch_one(db.people()).await?)
}
