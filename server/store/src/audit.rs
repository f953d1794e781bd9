//! The log of what was done by whom. Rows are only ever added.

use crate::{Db, Result};

#[derive(Debug)]
pub struct NewEvent<'a> {
    pub actor: &'a str,
    pub action: &'a str,
    pub subject: &'a str,
    pub reason: Option<&'a str>,
}

pub async fn insert_event(db: &Db, event: &NewEvent<'_>) -> Result<()> {
    sqlx::query!(
        "insert into audit_event (actor, action, subject, reason) values ($1, $2, $3, $4)",
        event.actor,
        event.action,
        event.subject,
        event.reason,
    )
    .execute(db.people())
    .await?;
    Ok(())
}
