//! Requests with an `Idempotency-Key`: who may act, and what the others are answered.

use marketplace::id::{AccountId, CallId, KeyId};
use uuid::Uuid;

use crate::{Db, Error, Result};

/// A request as it asks to act.
#[derive(Debug)]
pub struct NewClaim<'a> {
    /// A fresh id: of this attempt, and of the call if nobody has claimed the key before.
    pub attempt: Uuid,
    pub account: AccountId,
    pub api_key: Option<KeyId>,
    pub route: &'a str,
    pub key: &'a str,
    pub request_hash: &'a [u8],
}

#[derive(Debug, PartialEq, Eq)]
pub enum Claimed {
    /// This request acts, and what it makes has this id.
    Run(CallId),
    Running(CallId),
    Finished(CallId, KeptAnswer),
    /// Its server died in the middle; the books are closed.
    Interrupted(CallId),
    /// The key was used for another body.
    Different,
}

/// An answer as it was given.
#[derive(Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    pub content_type: String,
    /// `None` when it was too large to keep.
    pub sealed_body: Option<Vec<u8>>,
}

/// How long a claim holds without a hold; with one, the hold's own lease counts.
const LEASE_SECONDS: i32 = 30;
/// How many expired keys are deleted in one statement.
const FORGOTTEN_MAX: i32 = 1_000;

pub async fn claim_key(db: &Db, claim: &NewClaim<'_>) -> Result<Claimed> {
    let row = sqlx::query!(
        r#"select outcome as "outcome!", call_id as "call_id!", status, content_type, body
        from ledger.claim_key($1, $2, $3, $4, $5, $6, $7)"#,
        claim.attempt,
        claim.account.0,
        claim.api_key.map(|key| key.0),
        claim.route,
        claim.key,
        claim.request_hash,
        LEASE_SECONDS,
    )
    .fetch_one(db.people())
    .await?;
    let call = CallId(row.call_id);
    match row.outcome.as_str() {
        "run" => Ok(Claimed::Run(call)),
        "running" => Ok(Claimed::Running(call)),
        "interrupted" => Ok(Claimed::Interrupted(call)),
        "different" => Ok(Claimed::Different),
        "finished" => {
            let status = row.status.and_then(|status| u16::try_from(status).ok());
            let answer = KeptAnswer {
                status: status.ok_or(Error::Unreadable("idempotency.status"))?,
                content_type: row.content_type.ok_or(Error::Unreadable("idempotency.content_type"))?,
                sealed_body: row.body,
            };
            Ok(Claimed::Finished(call, answer))
        }
        _ => Err(Error::Unreadable("ledger.claim_key outcome")),
    }
}

/// Keeps the first answer; false when there was one already.
pub async fn keep_answer(db: &Db, account: AccountId, call: CallId, answer: &KeptAnswer) -> Result<bool> {
    let kept = sqlx::query_scalar!(
        r#"select ledger.keep_answer($1, $2, $3, $4, $5) as "kept!""#,
        account.0,
        call.0,
        i32::from(answer.status),
        answer.content_type,
        answer.sealed_body.as_deref(),
    );
    Ok(kept.fetch_one(db.people()).await?)
}

/// Frees a key for which nothing has begun; false when something has.
pub async fn free_key(db: &Db, account: AccountId, attempt: Uuid) -> Result<bool> {
    let freed = sqlx::query_scalar!(r#"select ledger.free_key($1, $2) as "freed!""#, account.0, attempt);
    Ok(freed.fetch_one(db.people()).await?)
}

/// Deletes keys and answers that are over, statement by statement until there are no more; returns how many.
pub async fn delete_expired(db: &Db) -> Result<i64> {
    let mut all = 0;
    loop {
        let forgotten =
            sqlx::query_scalar!(r#"select ledger.forget_keys($1) as "forgotten!""#, FORGOTTEN_MAX);
        let forgotten = forgotten.fetch_one(db.people()).await?;
        all += forgotten;
        if forgotten < i64::from(FORGOTTEN_MAX) {
            return Ok(all);
        }
    }
}
