//! Slices of a minute's requests and tokens, taken for one server at a time.

use marketplace::id::{AccountId, KeyId};
use marketplace::rate::Owner;

use crate::{Db, Error, Result};

/// What was handed out of one limit, and what is left of it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Nothing is counted without one.
    pub limit: Option<i64>,
    pub granted: i64,
    pub left: i64,
}

/// A slice of somebody's minute, good while that minute lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    pub owner: Owner,
    /// The plan, key or address as people call it.
    pub owner_name: String,
    pub requests: Share,
    pub tokens: Share,
    /// Counted from 1970.
    pub minute: i64,
    /// How much of the minute was left when the database looked at its clock.
    pub millis_left: i64,
}

/// What a server needs at least. What it cannot get whole is not given at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    pub requests: i64,
    pub tokens: i64,
}

/// How much somebody may ask in a minute; `None` is as much as they like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub owner: Owner,
    /// The plan, key or address as people call it.
    pub owner_name: String,
    pub requests: Option<i64>,
    pub tokens: Option<i64>,
}

/// A slice as the functions of the database answer it; all of it is missing where none was taken.
pub(crate) struct SliceRow {
    pub owner: Option<String>,
    pub owner_name: Option<String>,
    pub request_limit: Option<i64>,
    pub requests: Option<i64>,
    pub requests_left: Option<i64>,
    pub token_limit: Option<i64>,
    pub tokens: Option<i64>,
    pub tokens_left: Option<i64>,
    pub minute: Option<i64>,
    pub millis_left: Option<i64>,
}

/// Takes slices of an account's plan, whose limits the factor multiplies, and of a key that has limits of its own.
pub async fn take_slices(
    db: &Db,
    account: AccountId,
    key: Option<KeyId>,
    factor: i64,
    (of_plan, of_key): (Need, Need),
) -> Result<Vec<Slice>> {
    let mut step = db.step().await?;
    let rows = sqlx::query_as!(
        SliceRow,
        "select owner, owner_name, request_limit, requests, requests_left, token_limit, tokens, tokens_left, minute,
            millis_left
        from ledger.take_slices($1, $2, $3, $4, $5, $6, $7)",
        account.0,
        key.map(|key| key.0),
        factor,
        of_plan.requests,
        of_plan.tokens,
        of_key.requests,
        of_key.tokens,
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    rows.into_iter().filter_map(|row| row.read().transpose()).collect()
}

/// What an account's plan, whose limits the factor multiplies, and a key with limits of its own allow, for whoever counts
/// elsewhere.
pub async fn list_limits(
    db: &Db,
    account: AccountId,
    key: Option<KeyId>,
    factor: i64,
) -> Result<Vec<Limits>> {
    let mut step = db.step().await?;
    let rows = sqlx::query!(
        "select owner, owner_name, request_limit, token_limit from ledger.rate_limits($1, $2, $3)",
        account.0,
        key.map(|key| key.0),
        factor,
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    let limits = rows.into_iter().map(|row| {
        Ok(Limits {
            owner: owner(&row.owner.unwrap_or_default())?,
            owner_name: row.owner_name.unwrap_or_default(),
            requests: row.request_limit,
            tokens: row.token_limit,
        })
    });
    limits.collect()
}

/// Forgets whoever has asked for nothing in a while.
pub async fn forget(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select ledger.forget_rates() as "forgotten!""#).fetch_one(db.people()).await?)
}

impl SliceRow {
    pub fn read(self) -> Result<Option<Slice>> {
        let Some(owner) = self.owner else { return Ok(None) };
        let share = |limit, granted: Option<i64>, left: Option<i64>| Share {
            limit,
            granted: granted.unwrap_or_default(),
            left: left.unwrap_or_default(),
        };
        Ok(Some(Slice {
            owner: self::owner(&owner)?,
            owner_name: self.owner_name.unwrap_or_default(),
            requests: share(self.request_limit, self.requests, self.requests_left),
            tokens: share(self.token_limit, self.tokens, self.tokens_left),
            minute: self.minute.unwrap_or_default(),
            millis_left: self.millis_left.unwrap_or_default(),
        }))
    }
}

fn owner(name: &str) -> Result<Owner> {
    Owner::parse(name).ok_or(Error::Unreadable("the owner of a slice"))
}
