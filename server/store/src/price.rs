//! Prices: versions that are never changed, and leaps that wait to be approved.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::id::{ModelId, PriceId, ProviderId};
use marketplace::operator::PriceChange;
use marketplace::price::Price;
use serde_json::Value;
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

/// A version that calls are charged under now.
#[derive(Clone, Debug)]
pub struct InForce {
    pub id: PriceId,
    pub model: ModelId,
    pub provider: ProviderId,
    pub price: Price,
    pub free: bool,
}

/// A price as it was or is in force.
#[derive(Clone, Debug)]
pub struct PriceVersion {
    pub provider: ProviderId,
    pub price: Price,
    pub free: bool,
    pub from: String,
    /// `None` for the one in force.
    pub until: Option<String>,
}

/// What became of a price that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    Approved,
    Rejected,
    /// By somebody else, or it is no longer wanted.
    Already,
    Unknown,
}

/// Offers as the database takes many of them: a list for each column.
pub(crate) struct Columns {
    pub models: Vec<String>,
    pub providers: Vec<String>,
    pub terms: Vec<serde_json::Value>,
    pub free: Vec<bool>,
}

impl Columns {
    pub fn of(offers: &[Offer<'_>]) -> Result<Self> {
        let terms = offers.iter().map(|offer| serde_json::to_value(offer.price));
        Ok(Self {
            models: offers.iter().map(|offer| offer.model.to_string()).collect(),
            providers: offers.iter().map(|offer| offer.provider.to_string()).collect(),
            terms: terms
                .collect::<std::result::Result<_, _>>()
                .map_err(|_| Error::Unreadable("price.terms"))?,
            free: offers.iter().map(|offer| offer.free).collect(),
        })
    }
}

/// Asks that these be the prices, and returns the versions in force, in the same order. A leap waits to be approved, so
/// the version may be the one there was.
pub async fn set_prices(db: &Db, offers: &[Offer<'_>]) -> Result<Vec<PriceId>> {
    let ids: Vec<Uuid> = offers.iter().map(|_| Uuid::now_v7()).collect();
    let Columns { models, providers, terms, free } = Columns::of(offers)?;
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

pub async fn list_in_force(db: &Db) -> Result<Vec<InForce>> {
    let rows = sqlx::query!(
        "select price_id, model_id, provider, terms, free from price where valid_during @> now() order by model_id"
    )
    .fetch_all(db.books())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(InForce {
                id: PriceId(row.price_id),
                model: model_id(&row.model_id)?,
                provider: ProviderId(row.provider),
                price: price(row.terms)?,
                free: row.free,
            })
        })
        .collect()
}

/// The last versions of a model's prices at all its vendors, newest first.
pub async fn list_versions(db: &Db, model: &ModelId, most: i64) -> Result<Vec<PriceVersion>> {
    let rows = sqlx::query!(
        r#"select provider, terms, free, lower(valid_during) as "from!", upper(valid_during) as until
        from price where model_id = $1 order by lower(valid_during) desc, provider limit $2"#,
        model.as_str(),
        most,
    )
    .fetch_all(db.books())
    .await?;
    let told = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    rows.into_iter()
        .map(|row| {
            Ok(PriceVersion {
                provider: ProviderId(row.provider),
                price: price(row.terms)?,
                free: row.free,
                from: told(row.from),
                until: row.until.map(told),
            })
        })
        .collect()
}

/// The changes that wait to be approved, oldest first.
pub async fn list_waiting(db: &Db) -> Result<Vec<PriceChange>> {
    let rows = sqlx::query!(
        "select c.price_id, c.model_id, c.provider, p.terms as before, c.terms as after, c.free, c.proposed_at
        from price_change c join price p on p.price_id = c.replaces
        where c.state = 'waiting' order by c.proposed_at, c.model_id"
    )
    .fetch_all(db.books())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(PriceChange {
                id: PriceId(row.price_id),
                model: model_id(&row.model_id)?,
                provider: ProviderId(row.provider),
                before: price(row.before)?,
                after: price(row.after)?,
                free: row.free,
                proposed_at: row.proposed_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            })
        })
        .collect()
}

/// Puts a waiting price in force.
pub async fn approve_price(db: &Db, id: PriceId, actor: &str) -> Result<Decided> {
    decide(db, id, "approve", actor).await
}

pub async fn reject_price(db: &Db, id: PriceId, actor: &str) -> Result<Decided> {
    decide(db, id, "reject", actor).await
}

async fn decide(db: &Db, id: PriceId, decision: &str, actor: &str) -> Result<Decided> {
    let outcome =
        sqlx::query_scalar!(r#"select ledger.decide_price($1, $2, $3) as "outcome!""#, id.0, decision, actor)
            .fetch_one(db.books())
            .await?;
    match outcome.as_str() {
        "approved" => Ok(Decided::Approved),
        "rejected" => Ok(Decided::Rejected),
        "decided" => Ok(Decided::Already),
        "unknown" => Ok(Decided::Unknown),
        _ => Err(Error::Unreadable("ledger.decide_price outcome")),
    }
}

pub async fn get_price(db: &Db, id: PriceId) -> Result<Price> {
    let terms = sqlx::query_scalar!("select terms from price where price_id = $1", id.0)
        .fetch_optional(db.books())
        .await?
        .ok_or(Error::NotFound)?;
    price(terms)
}

fn price(terms: Value) -> Result<Price> {
    serde_json::from_value(terms).map_err(|_| Error::Unreadable("price.terms"))
}

fn model_id(text: &str) -> Result<ModelId> {
    ModelId::parse(text).map_err(|_| Error::Unreadable("price.model_id"))
}
