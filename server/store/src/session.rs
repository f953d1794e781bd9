//! Sessions: a sign-in that can be ended at once, whatever token is still around.

use chrono::{DateTime, SecondsFormat, Utc};
use marketplace::account::{SignIn, User};
use marketplace::id::{AccountId, SessionId};
use uuid::Uuid;

use crate::account::user;
use crate::{Db, Error, Result};

pub async fn insert_session(db: &Db, account: AccountId, expires_at: DateTime<Utc>) -> Result<SessionId> {
    let id = Uuid::now_v7();
    sqlx::query!("select sign_in.open_session($1, $2, $3)", id, account.0, expires_at,)
        .execute(db.people())
        .await?;
    Ok(SessionId(id))
}

/// The user of a session that is neither ended, expired, idle for two hours nor of a suspended account.
pub async fn find_live_user(db: &Db, session: SessionId) -> Result<Option<User>> {
    let row = sqlx::query!(
        r#"
        select account_id as "account_id!", email as "email!", name, role as "role!", plan as "plan!",
            verified_at is not null as "verified!"
        from sign_in.find_session($1)
        "#,
        session.0,
    )
    .fetch_optional(db.people())
    .await?;
    row.map(|row| {
        let user = user(row.account_id, &row.email, row.name, &row.role, row.plan)?;
        Ok(User { email_verified: row.verified, ..user })
    })
    .transpose()
}

pub async fn update_ended(db: &Db, session: SessionId) -> Result<()> {
    sqlx::query!("select sign_in.end_session($1)", session.0).execute(db.people()).await?;
    Ok(())
}

/// The sign-ins that still open something, newest first.
pub async fn list_live(db: &Db, account: AccountId) -> Result<Vec<SignIn>> {
    let rows = sqlx::query!(
        "select session_id, created_at, last_seen_at, expires_at from session
        where account_id = $1 and ended_at is null and expires_at > now() and last_seen_at > now() - interval '2 hours'
        order by last_seen_at desc, session_id",
        account.0,
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Ok(rows
        .into_iter()
        .map(|row| SignIn {
            id: SessionId(row.session_id),
            is_this_one: false,
            created_at: time(row.created_at),
            last_seen_at: time(row.last_seen_at),
            expires_at: time(row.expires_at),
        })
        .collect())
}

/// Ends a sign-in of this account; somebody else's is not found.
pub async fn update_ended_of(db: &Db, account: AccountId, session: SessionId) -> Result<()> {
    let ended = sqlx::query_scalar!("select sign_in.end_session_of($1, $2)", account.0, session.0);
    match ended.fetch_one(db.people()).await? {
        Some(true) => Ok(()),
        _ => Err(Error::NotFound),
    }
}
