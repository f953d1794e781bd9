//! Whether the books balance: the check that runs all the time, the whole one, and the seals over both.

use chrono::{DateTime, Utc};

use crate::{Db, Result};

/// A broken invariant: which one, where, and by how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: String,
    pub subject: String,
    pub detail: String,
}

/// A sealed block of everything that was written in a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub number: i64,
    pub entries: i64,
    pub hash: Vec<u8>,
    pub sealed_at: DateTime<Utc>,
}

/// The last check of one scope.
#[derive(Clone, Debug)]
pub struct Check {
    pub finished_at: DateTime<Utc>,
    pub entries: i64,
    pub broken: Vec<String>,
}

/// Everything that can be broken, in the order of RELIABILITY: see `ledger.violation`.
pub const INVARIANTS: [&str; 12] =
    ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12"];

/// The violations of one invariant over the whole history.
pub async fn list_violations(db: &Db, invariant: &str, limit: i64) -> Result<Vec<Violation>> {
    let rows = sqlx::query_as!(
        Violation,
        r#"select invariant as "invariant!", subject as "subject!", detail as "detail!"
        from ledger.violation where invariant = $1 limit $2"#,
        invariant,
        limit,
    );
    Ok(rows.fetch_all(&mut *db.patient().await?).await?)
}

/// Blocks whose entries are no longer what was sealed.
pub async fn list_broken_blocks(db: &Db) -> Result<Vec<i64>> {
    let rows = sqlx::query_scalar!(
        r#"select block_no as "block_no!" from ledger.broken_block order by 1 limit 100"#
    );
    Ok(rows.fetch_all(&mut *db.patient().await?).await?)
}

/// Checks what was written since the last time. `None` when another server is at it.
pub async fn check_recent(db: &Db) -> Result<Option<Vec<String>>> {
    Ok(sqlx::query_scalar!("select ledger.check_recent()").fetch_one(db.people()).await?)
}

/// Notes what a check of the whole history found; one that found nothing lets paid calls begin again.
pub async fn note_whole_check(
    db: &Db,
    broken: &[String],
    started_at: DateTime<Utc>,
    actor: &str,
) -> Result<()> {
    sqlx::query!("select ledger.note_whole_check($1, $2, $3)", broken, started_at, actor)
        .execute(&mut *db.patient().await?)
        .await?;
    Ok(())
}

pub async fn seal_block(db: &Db) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!("select ledger.seal_block()").fetch_one(db.people()).await?)
}

/// Blocks after this one, oldest first.
pub async fn list_blocks(db: &Db, after: i64, limit: i64) -> Result<Vec<Block>> {
    let rows = sqlx::query_as!(
        Block,
        "select block_no as number, entries, hash, sealed_at from ledger_block where block_no > $1
        order by block_no limit $2",
        after,
        limit,
    );
    Ok(rows.fetch_all(db.books()).await?)
}

pub async fn find_last_block(db: &Db) -> Result<Option<Block>> {
    let row = sqlx::query_as!(
        Block,
        "select block_no as number, entries, hash, sealed_at from ledger_block order by block_no desc limit 1"
    );
    Ok(row.fetch_optional(db.books()).await?)
}

pub async fn find_last_check(db: &Db, scope: &str) -> Result<Option<Check>> {
    let row = sqlx::query_as!(
        Check,
        "select finished_at, entries, broken from book_check where scope = $1 order by check_id desc limit 1",
        scope,
    );
    Ok(row.fetch_optional(db.books()).await?)
}

/// Since when paid calls are refused because the books do not add up, and why.
pub async fn find_stop(db: &Db) -> Result<Option<(DateTime<Utc>, String)>> {
    let row = sqlx::query!(
        r#"select safe_since as "since!", coalesce(reason, '') as "reason!" from book_state where safe_since is not null"#
    );
    Ok(row.fetch_optional(db.books()).await?.map(|row| (row.since, row.reason)))
}

/// Whether the database answers at all.
pub async fn ping(db: &Db) -> Result<()> {
    sqlx::query("select 1").execute(db.people()).await?;
    Ok(())
}
