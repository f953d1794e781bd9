//! API keys, known by their digest only.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::account::User;
use marketplace::billing::Window;
use marketplace::id::{AccountId, KeyId};
use marketplace::money::Nanos;
use marketplace::secret_key::ApiKey;
use uuid::Uuid;

use crate::account::user;
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
    .await?;
    Ok(row.into())
}

/// Whose key this is, as long as it may be used.
pub async fn find_owner(db: &Db, digest: &[u8]) -> Result<Option<(KeyId, User)>> {
    let mut step = db.step().await?;
    let row = sqlx::query!(
        r#"select api_key_id as "api_key_id!", account_id as "account_id!", email as "email!", name, role as "role!",
            plan as "plan!" from sign_in.find_key($1)"#,
        digest,
    )
    .fetch_optional(&mut *step)
    .await?;
    step.done();
    row.map(|row| {
        Ok((KeyId(row.api_key_id), user(row.account_id, &row.email, row.name, &row.role, row.plan)?))
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
