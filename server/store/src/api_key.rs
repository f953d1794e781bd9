//! API keys, known by their digest only.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::account::User;
use marketplace::billing::Window;
use marketplace::id::{AccountId, KeyId};
use marketplace::money::Nanos;
use marketplace::secret_key::ApiKey;
use uuid::Uuid;

use crate::account::user;
use crate::error::OnConstraint;
use crate::{Db, Error, Result};

#[derive(Debug)]
pub struct NewKey<'a> {
    pub name: &'a str,
    pub prefix: &'a str,
    pub digest: &'a [u8],
    pub limit: Option<Nanos>,
    pub limit_reset: Option<Window>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a key is to be from now on.
#[derive(Debug)]
pub struct KeyTerms<'a> {
    pub name: &'a str,
    pub limit: Option<Nanos>,
    pub limit_reset: Option<Window>,
    pub expires_at: Option<DateTime<Utc>>,
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
    created_at: DateTime<Utc>,
}

/// Refuses what is more than the account's plan allows.
pub async fn insert_key(db: &Db, account: AccountId, new: &NewKey<'_>) -> Result<ApiKey> {
    let row = sqlx::query_as!(
        KeyRow,
        "insert into api_key (api_key_id, account_id, name, prefix, digest, limit_nanos, limit_resets, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        returning api_key_id, name, prefix, limit_nanos, limit_resets, spent_nanos, held_nanos, expires_at, last_used_at, revoked_at, created_at",
        Uuid::now_v7(),
        account.0,
        new.name,
        new.prefix,
        new.digest,
        new.limit.map(|limit| limit.0),
        new.limit_reset.map(Window::as_str),
        new.expires_at,
    )
    .fetch_one(&mut *db.of(account).await?)
    .await
    .on_constraint("api_key_within_plan", Error::TooManyKeys)?;
    Ok(row.into())
}

/// Whose key this is, as long as it may be used.
pub async fn find_owner(db: &Db, digest: &[u8]) -> Result<Option<(KeyId, User)>> {
    let row = sqlx::query!(
        r#"select api_key_id as "api_key_id!", account_id as "account_id!", email as "email!", name, role as "role!",
            plan as "plan!", sign_in.is_verified(account_id) as "verified!"
        from sign_in.find_key($1)"#,
        digest,
    )
    .fetch_optional(db.people())
    .await?;
    row.map(|row| {
        let user = user(row.account_id, &row.email, row.name, &row.role, row.plan)?;
        Ok((KeyId(row.api_key_id), User { email_verified: row.verified, ..user }))
    })
    .transpose()
}

pub async fn list_keys(db: &Db, account: AccountId) -> Result<Vec<ApiKey>> {
    let rows = sqlx::query_as!(
        KeyRow,
        "select api_key_id, name, prefix, limit_nanos, limit_resets, spent_nanos, held_nanos, expires_at, last_used_at, revoked_at, created_at
        from api_key where account_id = $1 order by revoked_at is not null, created_at desc",
        account.0,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

pub async fn find_key(db: &Db, account: AccountId, key: KeyId) -> Result<Option<ApiKey>> {
    let row = sqlx::query_as!(
        KeyRow,
        "select api_key_id, name, prefix, limit_nanos, limit_resets, spent_nanos, held_nanos, expires_at, last_used_at, revoked_at, created_at
        from api_key where account_id = $1 and api_key_id = $2",
        account.0,
        key.0,
    )
    .fetch_optional(&mut *db.of(account).await?)
    .await?;
    Ok(row.map(ApiKey::from))
}

/// Changes a key that is not revoked, unless its limit would be below what it has spent.
pub async fn update_terms(db: &Db, account: AccountId, key: KeyId, terms: &KeyTerms<'_>) -> Result<()> {
    let outcome = sqlx::query_scalar!(
        r#"select ledger.change_key($1, $2, $3, $4, $5, $6) as "outcome!""#,
        account.0,
        key.0,
        terms.name,
        terms.limit.map(|limit| limit.0),
        terms.limit_reset.map(Window::as_str),
        terms.expires_at,
    );
    match outcome.fetch_one(db.people()).await?.as_str() {
        "changed" => Ok(()),
        "below_spent" => Err(Error::BelowSpent),
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

pub async fn update_revoked(db: &Db, account: AccountId, key: KeyId) -> Result<()> {
    let changed = sqlx::query!(
        "update api_key set revoked_at = coalesce(revoked_at, now()) where account_id = $1 and api_key_id = $2",
        account.0,
        key.0,
    )
    .execute(&mut *db.of(account).await?)
    .await?;
    if changed.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self {
            id: KeyId(row.api_key_id),
            name: row.name,
            prefix: row.prefix,
            limit_nanos: row.limit_nanos.map(Nanos),
            limit_reset: row.limit_resets.as_deref().and_then(Window::parse),
            spent_nanos: Nanos(row.spent_nanos),
            held_nanos: Nanos(row.held_nanos),
            created_at: time(row.created_at),
            expires_at: row.expires_at.map(time),
            last_used_at: row.last_used_at.map(time),
            revoked: row.revoked_at.is_some(),
        }
    }
}
