//! The sealed root of everything else that is secured. Nothing here can be read without a master key.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::{Db, Result};

/// A secret under its data key, and that under a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which master key.
    pub master: String,
    pub wrapped_key: Vec<u8>,
    pub sealed: Vec<u8>,
}

pub async fn find_root(db: &Db) -> Result<Option<Sealed>> {
    Ok(sqlx::query_as!(Sealed, "select master, wrapped_key, sealed from root_secret")
        .fetch_optional(db.books())
        .await?)
}

/// Keeps the root, unless there is one already.
pub async fn keep_root(db: &Db, root: &Sealed) -> Result<()> {
    sqlx::query!("select ledger.keep_root($1, $2, $3)", root.master, root.wrapped_key, root.sealed)
        .execute(db.books())
        .await?;
    Ok(())
}

/// Puts a data key that was sealed anew in the place of the one that was read. False when that has changed.
pub async fn rewrap_root(db: &Db, before: &[u8], after: &Sealed) -> Result<bool> {
    let kept = sqlx::query_scalar!(
        r#"select ledger.rewrap_root($1, $2, $3) as "kept!""#,
        before,
        after.master,
        after.wrapped_key
    );
    Ok(kept.fetch_one(db.books()).await?)
}

/// Gives up everything that is sealed, for the master key is lost. Answers how many keys of vendors that were.
pub async fn abandon(url: &str, reason: &str) -> Result<i64> {
    let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
    connection.execute("set role mercato_owner").await?;
    // Described nowhere, for it is written as the owner and not as any role that queries are checked for.
    let count: i64 = sqlx::query_scalar(
        "with root as (delete from root_secret), cleared as (
            update vendor_secret
            set version = version + 1, host = null, master = null, wrapped_key = null, sealed = null,
                changed_at = now(), changed_by = 'operator'
            where sealed is not null returning vendor
        ), audited as (
            insert into audit_event (actor, action, subject, reason)
            values ('operator', 'secrets.abandon', 'master_key', $1)
        )
        select count(*) from cleared",
    )
    .bind(reason)
    .fetch_one(&mut connection)
    .await?;
    connection.close().await?;
    Ok(count)
}
