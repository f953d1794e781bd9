//! Reaching the database, and bringing its schema up to date.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use crate::{Error, Result};

pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// A pool whose statements give up rather than wait for ever, on a server that keeps what it commits.
pub async fn connect(url: &str, connections_max: u32) -> Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?.application_name("mercato").options([
        ("statement_timeout", "5s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "5s"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(5))
        // Asking before each use costs a round trip and, when cancelled, can hand over a broken connection.
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    refuse_to_forget(&pool).await?;
    Ok(pool)
}

/// Runs the migrations that are missing, on a connection of its own without the pool's time limits.
pub async fn migrate(url: &str) -> Result<()> {
    let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn refuse_to_forget(pool: &PgPool) -> Result<()> {
    let durable = sqlx::query_as::<_, (String, String)>(
        "select current_setting('synchronous_commit'), current_setting('fsync')",
    )
    .fetch_one(pool)
    .await?;
    match durable {
        (commit, _) if commit == "off" => Err(Error::NotDurable("synchronous_commit")),
        (_, fsync) if fsync == "off" => Err(Error::NotDurable("fsync")),
        _ => Ok(()),
    }
}
