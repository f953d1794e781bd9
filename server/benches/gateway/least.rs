//! How quick the machine is at this minute: the two durable statements of the least possible ledger, at the same pace.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::interval;

use crate::latency::Latencies;

/// As the ledger's own benchmark has them, to be compared with.
const SCHEMA: &str = include_str!("../../store/benches/ledger/raw/schema.sql");
const PAIR: &str = include_str!("../../store/benches/ledger/raw/reserve_and_settle.sql");

#[derive(Debug)]
pub struct Least {
    connection: Option<PgConnection>,
    reserve: String,
    settle: String,
}

impl Least {
    /// Nothing where there is no database.
    pub async fn open(database: Option<&str>) -> Result<Self> {
        // Written for `pgbench`: a line that draws the account, then each statement with its one variable.
        let (_, pair) = PAIR.split_once('\n').context("the pair has a first line")?;
        let (reserve, settle) = pair.split_once("\\gset").context("the pair is two statements")?;
        let (reserve, settle) = (reserve.replace(":account", "$1"), settle.replace(":hold_id", "$1"));
        let Some(database) = database else { return Ok(Self { connection: None, reserve, settle }) };
        let mut connection = PgConnection::connect(database).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        Ok(Self { connection: Some(connection), reserve, settle })
    }

    /// What both statements took together, each time.
    pub async fn measure(&mut self, per_second: u64, time: Duration) -> Result<Latencies> {
        let (mut took, begun) = (Vec::new(), Instant::now());
        if let Some(connection) = &mut self.connection {
            let mut ticks = interval(Duration::from_micros(1_000_000 / per_second));
            for account in (1..=100_i32).cycle() {
                ticks.tick().await;
                let asked = Instant::now();
                if asked - begun > time {
                    break;
                }
                let reserve = sqlx::query_scalar(AssertSqlSafe(self.reserve.as_str())).bind(account);
                let hold: i64 = reserve.fetch_one(&mut *connection).await?;
                sqlx::query(AssertSqlSafe(self.settle.as_str())).bind(hold).execute(&mut *connection).await?;
                took.push(asked.elapsed());
            }
        }
        Ok(took.into_iter().collect())
    }
}
