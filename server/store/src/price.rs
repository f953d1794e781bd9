//! Prices: versions that are never changed and may begin later, and leaps that wait to be approved.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::id::{ModelId, PriceId, ProviderId};
use marketplace::operator::PriceChange;
use marketplace::price::Price;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Db, Error, Result};

/// A price that a model is to have from a moment on. All that is said of a model at a vendor counts together.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    pub model: &'a ModelId,
    pub provider: &'a ProviderId,
    pub price: &'a Price,
    pub free: bool,
    /// At once, where it is not told or has come.
    pub from: Option<DateTime<Utc>>,
}

/// A version that calls are charged under now, or will be.
#[derive(Clone, Debug)]
pub struct Standing {
    pub id: PriceId,
    pub model: ModelId,
    pub provider: ProviderId,
    pub price: Price,
    pub free: bool,
    /// `None` for one in force.
    pub begins: Option<DateTime<Utc>>,
}

/// A price as it was, is or will be in force.
#[derive(Clone, Debug)]
pub struct PriceVersion {
    pub provider: ProviderId,
    pub price: Price,
    pub free: bool,
    pub from: String,
    /// `None` where nothing is known to follow.
    pub until: Option<String>,
    pub tense: Tense,
}

/// How a version stands to this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tense {
    Over,
    InForce,
    Later,
}

/// What became of a wish for a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Which of the wishes it was, from 0.
    pub at: usize,
    /// What it follows.
    pub before: Option<Price>,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was none.
    First,
    Same,
    /// A new version begins.
    Begins,
    /// It leaps, and waits to be approved.
    Waits,
    /// It leaps, and was turned down before.
    Rejected,
}

/// A price that was to begin and is wished for no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    pub model: ModelId,
    pub provider: ProviderId,
    pub from: DateTime<Utc>,
}

/// What servers look for again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// Grows whenever a version is made, begins or is taken back.
    pub version: i64,
    /// Until the next one begins.
    pub next_in: Option<Duration>,
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

/// Asks that these be the prices, and returns the versions in force, in the same order. A leap waits to be approved, so
/// the version may be the one there was.
pub async fn set_prices(db: &Db, offers: &[Offer<'_>]) -> Result<Vec<PriceId>> {
    let Columns { models, providers, wishes } = Columns::of(offers);
    // In one order everywhere, so that two servers that start at once do not wait for each other.
    let in_force = sqlx::query_scalar!(
        r#"
        select s.in_force
        from (
            select model_id, provider, jsonb_agg(wish) as wishes
            from unnest($1::text[], $2::text[], $3::jsonb[]) as o (model_id, provider, wish)
            group by model_id, provider order by model_id, provider
        ) as o cross join lateral ledger.set_prices(o.model_id, o.provider, o.wishes) as s
        order by s.place
        "#,
        &models,
        &providers,
        &wishes,
    )
    .fetch_all(db.books())
    .await?;
    Ok(in_force.into_iter().flatten().map(PriceId).collect())
}

/// What setting these prices would do, and which would be taken back; nothing is changed. Of what is over nothing is told.
pub async fn foresee_prices(db: &Db, offers: &[Offer<'_>]) -> Result<(Vec<Granted>, Vec<Withdrawn>)> {
    let Columns { models, providers, wishes } = Columns::of(offers);
    let rows = sqlx::query!(
        r#"select place, before, outcome as "outcome!", model_id, provider, begins_at
        from ledger.foresee_prices($1, $2, $3)"#,
        &models,
        &providers,
        &wishes,
    )
    .fetch_all(db.books())
    .await?;
    let (mut granted, mut withdrawn) = (Vec::new(), Vec::new());
    for row in rows {
        if let (Some(model), Some(provider), Some(from)) = (row.model_id, row.provider, row.begins_at) {
            withdrawn.push(Withdrawn { model: model_id(&model)?, provider: ProviderId(provider), from });
            continue;
        }
        let at = row.place.and_then(|place| usize::try_from(place).ok());
        granted.push(Granted {
            at: at.ok_or(Error::Unreadable("ledger.foresee_prices place"))?,
            before: row.before.map(price).transpose()?,
            outcome: outcome(&row.outcome)?,
        });
    }
    Ok((granted, withdrawn))
}

fn outcome(text: &str) -> Result<Outcome> {
    match text {
        "first" => Ok(Outcome::First),
        "same" => Ok(Outcome::Same),
        "begins" => Ok(Outcome::Begins),
        "waits" => Ok(Outcome::Waits),
        "rejected" => Ok(Outcome::Rejected),
        _ => Err(Error::Unreadable("ledger.set_prices outcome")),
    }
}

/// Offers as the database takes many of them: a list for each column.
struct Columns {
    models: Vec<String>,
    providers: Vec<String>,
    wishes: Vec<Value>,
}

impl Columns {
    fn of(offers: &[Offer<'_>]) -> Self {
        let wish = |(at, offer): (usize, &Offer<'_>)| {
            json!({
                "place": at, "price_id": Uuid::now_v7(), "terms": offer.price, "free": offer.free, "from": offer.from,
            })
        };
        Self {
            models: offers.iter().map(|offer| offer.model.to_string()).collect(),
            providers: offers.iter().map(|offer| offer.provider.to_string()).collect(),
            wishes: offers.iter().enumerate().map(wish).collect(),
        }
    }
}

/// The versions in force and those to begin, which come in their order.
pub async fn list_standing(db: &Db) -> Result<Vec<Standing>> {
    let rows = sqlx::query!(
        r#"select price_id, model_id, provider, terms, free,
            case when lower(valid_during) > now() then lower(valid_during) end as begins
        from price where valid_during @> now() or lower(valid_during) > now()
        order by model_id, lower(valid_during)"#
    )
    .fetch_all(db.books())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Standing {
                id: PriceId(row.price_id),
                model: model_id(&row.model_id)?,
                provider: ProviderId(row.provider),
                price: price(row.terms)?,
                free: row.free,
                begins: row.begins,
            })
        })
        .collect()
}

/// Whether prices change, by the clock of the books.
pub async fn get_news(db: &Db) -> Result<News> {
    let row = sqlx::query!(
        r#"select count(*) + count(*) filter (where lower(valid_during) <= now())
                + count(*) filter (where isempty(valid_during)) as "version!",
            ceil(extract(epoch from min(lower(valid_during)) filter (where lower(valid_during) > now()) - now())
                * 1000)::bigint as next_in_ms
        from price"#
    )
    .fetch_one(db.books())
    .await?;
    let next_in = row.next_in_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    Ok(News { version: row.version, next_in })
}

/// The last versions of a model's prices at all its vendors, newest first. What was taken back before it began was none.
pub async fn list_versions(db: &Db, model: &ModelId, most: i64) -> Result<Vec<PriceVersion>> {
    let rows = sqlx::query!(
        r#"select provider, terms, free, lower(valid_during) as "from!", upper(valid_during) as until,
            valid_during @> now() as "is_in_force!", lower(valid_during) > now() as "is_later!"
        from price where model_id = $1 and not isempty(valid_during)
        order by lower(valid_during) desc, provider limit $2"#,
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
                tense: match (row.is_in_force, row.is_later) {
                    (true, _) => Tense::InForce,
                    (_, true) => Tense::Later,
                    _ => Tense::Over,
                },
            })
        })
        .collect()
}

/// The changes that wait to be approved, oldest first.
pub async fn list_waiting(db: &Db) -> Result<Vec<PriceChange>> {
    let rows = sqlx::query!(
        "select c.price_id, c.model_id, c.provider, p.terms as before, c.terms as after, c.free, c.proposed_at, c.begins_at
        from price_change c join price p on p.price_id = c.replaces
        where c.state = 'waiting' order by c.proposed_at, c.model_id"
    )
    .fetch_all(db.books())
    .await?;
    let told = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    rows.into_iter()
        .map(|row| {
            Ok(PriceChange {
                id: PriceId(row.price_id),
                model: model_id(&row.model_id)?,
                provider: ProviderId(row.provider),
                before: price(row.before)?,
                after: price(row.after)?,
                free: row.free,
                proposed_at: told(row.proposed_at),
                begins_at: row.begins_at.map(told),
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
