//! Whether the books balance.

use sqlx::PgPool;

use crate::Result;

/// A broken invariant: which one, where, and by how much.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: String,
    pub subject: String,
    pub detail: String,
}

pub async fn list_violations(db: &PgPool, limit: i64) -> Result<Vec<Violation>> {
    let rows = sqlx::query_as!(
        Violation,
        r#"select invariant as "invariant!", subject as "subject!", detail as "detail!" from ledger.violation limit $1"#,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Whether the database answers at all.
pub async fn ping(db: &PgPool) -> Result<()> {
    sqlx::query("select 1").execute(db).await?;
    Ok(())
}
