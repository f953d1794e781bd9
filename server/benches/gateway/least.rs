//! How quick the machine is at this minute: the two durable statements of the least possible ledger, at the same pace.

use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use tokio::time::interval;

use crate::latency::Latencies;

/// As the ledger's own benchmark has it, to be compared with.
const SCHEMA: &str = include_str!("../../store/benches/ledger/raw/schema.sql");
const RESERVE: &str = "
    with set_aside as (
        update raw.account set held = held + 30 where account_id = $1 and balance - held >= 30 returning account_id
    )
    insert into raw.hold (account_id, amount) select account_id, 30 from set_aside returning hold_id";
const SETTLE: &str = "
    with closed as (
        update raw.hold set state = 'captured' where hold_id = $1 and state = 'open' returning account_id, amount
    ), debited as (
        update raw.account a set held = a.held - c.amount, balance = a.balance - 10
        from closed c where a.account_id = c.account_id
        returning a.account_id, a.balance
    )
    insert into raw.entry (account_id, amount, balance_after) select account_id, -10, balance from debited";

#[derive(Debug)]
pub struct Least(Option<PgConnection>);

impl Least {
    /// Nothing where there is no database.
    pub async fn open(database: Option<&str>) -> Result<Self> {
        let Some(database) = database else { return Ok(Self(None)) };
        let mut connection = PgConnection::connect(database).await?;
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
        Ok(Self(Some(connection)))
    }

    /// What both statements took together, each time.
    pub async fn measure(&mut self, per_second: u64, time: Duration) -> Result<Latencies> {
        let (mut took, begun) = (Vec::new(), Instant::now());
        if let Some(connection) = &mut self.0 {
            let mut ticks = interval(Duration::from_micros(1_000_000 / per_second));
            for account in (1..=100_i32).cycle() {
                ticks.tick().await;
                let asked = Instant::now();
                if asked - begun > time {
                    break;
                }
                let hold: i64 = sqlx::query_scalar(RESERVE).bind(account).fetch_one(&mut *connection).await?;
                sqlx::query(SETTLE).bind(hold).execute(&mut *connection).await?;
                took.push(asked.elapsed());
            }
        }
        Ok(took.into_iter().collect())
    }
}
