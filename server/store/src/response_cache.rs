//! Answers that are told again to the same request. They lie among those of idempotency keys.

use marketplace::id::{AccountId, CallId, KeyId};

use crate::{Db, Error, Result};

/// An answer to be kept.
#[derive(Debug)]
pub struct NewCached<'a> {
    pub account: AccountId,
    pub api_key: Option<KeyId>,
    /// SHA-256 of all that the answer depends on.
    pub request_hash: &'a [u8],
    /// The call that it came from.
    pub call: CallId,
    pub content_type: &'a str,
    pub sealed_body: &'a [u8],
    pub ttl_seconds: u32,
}

/// How much an account may keep; the oldest make room.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub bytes: i64,
    pub answers: i64,
}

/// An answer that was kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Cached {
    pub call: CallId,
    pub content_type: String,
    pub sealed_body: Vec<u8>,
    pub age_seconds: u64,
    pub left_seconds: u64,
}

pub async fn insert_cached(db: &Db, new: &NewCached<'_>, room: Room) -> Result<()> {
    let kept = sqlx::query!(
        "select ledger.cache_answer($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.account.0,
        new.api_key.map(|key| key.0),
        new.request_hash,
        new.call.0,
        new.content_type,
        new.sealed_body,
        i32::try_from(new.ttl_seconds).unwrap_or(i32::MAX),
        room.bytes,
        room.answers,
    );
    kept.execute(db.people()).await?;
    Ok(())
}

pub async fn find_cached(db: &Db, account: AccountId, request_hash: &[u8]) -> Result<Option<Cached>> {
    let row = sqlx::query!(
        r#"select call_id as "call_id!", content_type as "content_type!", body as "body!",
            age_seconds as "age_seconds!", left_seconds as "left_seconds!"
        from ledger.find_cached($1, $2)"#,
        account.0,
        request_hash,
    )
    .fetch_optional(db.people())
    .await?;
    row.map(|row| {
        let seconds = |seconds| u64::try_from(seconds).map_err(|_| Error::Unreadable("ledger.find_cached"));
        Ok(Cached {
            call: CallId(row.call_id),
            content_type: row.content_type,
            sealed_body: row.body,
            age_seconds: seconds(row.age_seconds)?,
            left_seconds: seconds(row.left_seconds)?,
        })
    })
    .transpose()
}

pub async fn delete_cached(db: &Db, account: AccountId, request_hash: &[u8]) -> Result<()> {
    sqlx::query!("select ledger.forget_cached($1, $2)", account.0, request_hash).execute(db.people()).await?;
    Ok(())
}
