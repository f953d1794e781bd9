//! Sessions: a sign-in that can be ended at once, whatever token is still around.

use chrono::{DateTime, Utc};
use marketplace::account::User;
use marketplace::id::{AccountId, SessionId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::Result;
use crate::account::user;

pub async fn insert_session(db: &PgPool, account: AccountId, expires_at: DateTime<Utc>) -> Result<SessionId> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into session (session_id, account_id, expires_at) values ($1, $2, $3)",
        id,
        account.0,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(SessionId(id))
}

/// The user of a session that is neither ended, expired, idle for two hours nor of a suspended account.
pub async fn find_live_user(db: &PgPool, session: SessionId) -> Result<Option<User>> {
    let row = sqlx::query!(
        r#"
        with live as (
            select s.session_id, s.last_seen_at, a.account_id, a.email, a.name, a.role, a.plan
            from session s join account a using (account_id)
            where s.session_id = $1 and s.ended_at is null and s.expires_at > now()
                and s.last_seen_at > now() - interval '2 hours' and a.suspended_at is null
        ), seen as (
            update session s set last_seen_at = now()
            from live where s.session_id = live.session_id and live.last_seen_at < now() - interval '1 minute'
        )
        select account_id, email, name, role, plan from live
        "#,
        session.0,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| user(row.account_id, &row.email, row.name, &row.role, row.plan)).transpose()
}

pub async fn update_ended(db: &PgPool, session: SessionId) -> Result<()> {
    sqlx::query!("update session set ended_at = now() where session_id = $1 and ended_at is null", session.0)
        .execute(db)
        .await?;
    Ok(())
}
