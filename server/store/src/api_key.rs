//! API keys, known by their digest only.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::billing::Window;
use marketplace::id::{AccountId, KeyId};
use marketplace::money::Nanos;
use marketplace::scope::Scope;
use marketplace::secret_key::ApiKey;
use uuid::Uuid;

use crate::error::OnConstraint;
use crate::known_key::scopes;
use crate::{Db, Error, Result};

/// The secret of a key, as far as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Secret<'a> {
    pub prefix: &'a str,
    pub digest: &'a [u8],
}

/// What a key is to be from now on.
#[derive(Debug)]
pub struct KeyTerms<'a> {
    pub name: &'a str,
    pub limit: Option<Nanos>,
    pub limit_reset: Option<Window>,
    pub expires_at: Option<DateTime<Utc>>,
    pub scopes: &'a [Scope],
    pub models: Option<&'a [String]>,
    pub addresses: Option<&'a [String]>,
    pub requests_a_minute: Option<i32>,
    pub tokens_a_minute: Option<i64>,
    /// `None` leaves it as it is; a new key is enabled.
    pub disabled: Option<bool>,
}

/// Who changes a key: what manages keys is a key itself, and does not change its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    Person,
    Key,
}

/// What a key has spent, whatever its limit counts: in all and since the day, week and month began, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpending {
    pub total: Nanos,
    pub today: Nanos,
    pub this_week: Nanos,
    pub this_month: Nanos,
}

struct KeyRow {
    api_key_id: Uuid,
    name: String,
    prefix: String,
    limit_nanos: Option<i64>,
    limit_resets: Option<String>,
    spent_nanos: i64,
    held_nanos: i64,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    scopes: Vec<String>,
    models: Option<Vec<String>>,
    addresses: Option<Vec<String>>,
    requests_a_minute: Option<i32>,
    tokens_a_minute: Option<i64>,
    old_until: Option<DateTime<Utc>>,
}

/// Refuses what is more than the account's plan allows.
pub async fn insert_key(
    db: &Db,
    account: AccountId,
    secret: Secret<'_>,
    terms: &KeyTerms<'_>,
) -> Result<ApiKey> {
    let row = sqlx::query_as!(
        KeyRow,
        "insert into api_key (api_key_id, account_id, name, prefix, digest, limit_nanos, limit_resets, expires_at, scopes,
            models, addresses, requests_a_minute, tokens_a_minute, disabled_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, case when $14 then now() end)
        returning api_key_id, name, prefix, limit_nanos, limit_resets, spent_nanos, held_nanos, expires_at, last_used_at,
            revoked_at, disabled_at, created_at, scopes, models, addresses, requests_a_minute, tokens_a_minute, old_until",
        Uuid::now_v7(),
        account.0,
        terms.name,
        secret.prefix,
        secret.digest,
        terms.limit.map(|limit| limit.0),
        terms.limit_reset.map(Window::as_str),
        terms.expires_at,
        &names(terms.scopes),
        terms.models,
        terms.addresses,
        terms.requests_a_minute,
        terms.tokens_a_minute,
        terms.disabled,
    )
    .fetch_one(&mut *db.of(account).await?)
    .await
    .on_constraint("api_key_within_plan", Error::TooManyKeys)?;
    row.read()
}

pub async fn list_keys(db: &Db, account: AccountId) -> Result<Vec<ApiKey>> {
    let rows = sqlx::query_as!(
        KeyRow,
        "select api_key_id, name, prefix, limit_nanos, limit_resets, spent_nanos, held_nanos, expires_at, last_used_at,
            revoked_at, disabled_at, created_at, scopes, models, addresses, requests_a_minute, tokens_a_minute, old_until
        from api_key where account_id = $1 order by revoked_at is not null, created_at desc",
        account.0,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    rows.into_iter().map(KeyRow::read).collect()
}

pub async fn find_key(db: &Db, account: AccountId, key: KeyId) -> Result<Option<ApiKey>> {
    let row = sqlx::query_as!(
        KeyRow,
        "select api_key_id, name, prefix, limit_nanos, limit_resets, spent_nanos, held_nanos, expires_at, last_used_at,
            revoked_at, disabled_at, created_at, scopes, models, addresses, requests_a_minute, tokens_a_minute, old_until
        from api_key where account_id = $1 and api_key_id = $2",
        account.0,
        key.0,
    )
    .fetch_optional(&mut *db.of(account).await?)
    .await?;
    row.map(KeyRow::read).transpose()
}

/// Changes a key that is not revoked, unless its limit would be below what it has spent.
pub async fn update_terms(
    db: &Db,
    account: AccountId,
    key: KeyId,
    hand: Hand,
    terms: &KeyTerms<'_>,
) -> Result<()> {
    let outcome = sqlx::query_scalar!(
        r#"select ledger.change_key($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) as "outcome!""#,
        account.0,
        key.0,
        hand == Hand::Person,
        terms.name,
        terms.limit.map(|limit| limit.0),
        terms.limit_reset.map(Window::as_str),
        terms.expires_at,
        &names(terms.scopes),
        terms.models,
        terms.addresses,
        terms.requests_a_minute,
        terms.tokens_a_minute,
        terms.disabled,
    );
    outcome_of(&outcome.fetch_one(db.people()).await?)
}

/// Gives a key another secret; the one before works on for the overlap.
pub async fn update_secret(
    db: &Db,
    account: AccountId,
    key: KeyId,
    hand: Hand,
    secret: Secret<'_>,
    overlap_seconds: i64,
) -> Result<()> {
    let outcome = sqlx::query_scalar!(
        r#"select ledger.rotate_key($1, $2, $3, $4, $5, $6) as "outcome!""#,
        account.0,
        key.0,
        hand == Hand::Person,
        secret.digest,
        secret.prefix,
        overlap_seconds,
    );
    outcome_of(&outcome.fetch_one(db.people()).await?)
}

fn outcome_of(outcome: &str) -> Result<()> {
    match outcome {
        "changed" | "rotated" => Ok(()),
        "below_spent" => Err(Error::BelowSpent),
        "for_people" => Err(Error::ForPeople),
        _ => Err(Error::NotFound),
    }
}

pub async fn get_spending(db: &Db, account: AccountId, key: KeyId) -> Result<KeySpending> {
    let row = sqlx::query!(
        r#"
        select coalesce(sum(charge - overrun), 0)::bigint as "total!",
            coalesce(sum(charge - overrun) filter (where settled_at >= ledger.window_start('day')), 0)::bigint as "today!",
            coalesce(sum(charge - overrun) filter (where settled_at >= ledger.window_start('week')), 0)::bigint as "week!",
            coalesce(sum(charge - overrun) filter (where settled_at >= ledger.window_start('month')), 0)::bigint as "month!"
        from usage_call where account_id = $1 and api_key_id = $2
        "#,
        account.0,
        key.0,
    )
    .fetch_one(&mut *db.of(account).await?)
    .await?;
    Ok(KeySpending {
        total: Nanos(row.total),
        today: Nanos(row.today),
        this_week: Nanos(row.week),
        this_month: Nanos(row.month),
    })
}

pub async fn update_revoked(db: &Db, account: AccountId, key: KeyId, hand: Hand) -> Result<()> {
    let changed = sqlx::query!(
        "update api_key set revoked_at = coalesce(revoked_at, now())
        where account_id = $1 and api_key_id = $2 and ($3 or not scopes @> array['management'])",
        account.0,
        key.0,
        hand == Hand::Person,
    )
    .execute(&mut *db.of(account).await?)
    .await?;
    if changed.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}

fn names(scopes: &[Scope]) -> Vec<String> {
    scopes.iter().map(|scope| scope.as_str().to_owned()).collect()
}

impl KeyRow {
    fn read(self) -> Result<ApiKey> {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Ok(ApiKey {
            id: KeyId(self.api_key_id),
            name: self.name,
            prefix: self.prefix,
            limit_nanos: self.limit_nanos.map(Nanos),
            limit_reset: self.limit_resets.as_deref().and_then(Window::parse),
            spent_nanos: Nanos(self.spent_nanos),
            held_nanos: Nanos(self.held_nanos),
            created_at: time(self.created_at),
            expires_at: self.expires_at.map(time),
            last_used_at: self.last_used_at.map(time),
            revoked: self.revoked_at.is_some(),
            disabled: self.revoked_at.or(self.disabled_at).is_some(),
            scopes: scopes(&self.scopes)?,
            models: self.models,
            addresses: self.addresses,
            requests_a_minute: self.requests_a_minute,
            tokens_a_minute: self.tokens_a_minute,
            // One that is over is no news.
            old_secret_until: self.old_until.filter(|until| *until > Utc::now()).map(time),
        })
    }
}
