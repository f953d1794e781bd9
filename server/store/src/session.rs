//! Sessions: a sign-in that can be ended at once, whatever token is still around.

use chrono::{DateTime, Utc};
use marketplace::account::User;
use marketplace::id::{AccountId, SessionId};
use uuid::Uuid;

use crate::account::user;
use crate::{Db, Result};

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
