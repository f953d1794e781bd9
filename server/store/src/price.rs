//! Prices: versions that are never changed.

use marketplace::id::{ModelId, PriceId, ProviderId};
use marketplace::price::Price;
use uuid::Uuid;

use crate::{Db, Error, Result};

/// A price that a model is to have from now on.
#[derive(Debug)]
pub struct Offer<'a> {
    pub model: &'a ModelId,
    pub provider: &'a ProviderId,
    pub price: &'a Price,
    pub free: bool,
}

/// Makes these the prices in force and returns their versions, in the same order.
pub async fn set_prices(db: &Db, offers: &[Offer<'_>]) -> Result<Vec<PriceId>> {
    let ids: Vec<Uuid> = offers.iter().map(|_| Uuid::now_v7()).collect();
    let models: Vec<String> = offers.iter().map(|offer| offer.model.to_string()).collect();
    let providers: Vec<String> = offers.iter().map(|offer| offer.provider.to_string()).collect();
    let terms = offers
        .iter()
        .map(|offer| serde_json::to_value(offer.price))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|_| Error::Unreadable("price.terms"))?;
    let free: Vec<bool> = offers.iter().map(|offer| offer.free).collect();
    let versions = sqlx::query_scalar!(
        r#"
        select ledger.set_price(o.price_id, o.model_id, o.provider, o.terms, o.free) as "price_id!"
        from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::boolean[])
            with ordinality as o (price_id, model_id, provider, terms, free, place)
        order by o.place
        "#,
        &ids,
        &models,
        &providers,
        &terms,
        &free,
    )
    .fetch_all(db.books())
    .await?;
    Ok(versions.into_iter().map(PriceId).collect())
}

pub async fn get_price(db: &Db, id: PriceId) -> Result<Price> {
    let terms = sqlx::query_scalar!("select terms from price where price_id = $1", id.0)
        .fetch_optional(db.books())
        .await?
        .ok_or(Error::NotFound)?;
    serde_json::from_value(terms).map_err(|_| Error::Unreadable("price.terms"))
}
