//! Reaching the database, as the role each kind of work is allowed, and bringing its schema up to date.

mod step;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use marketplace::id::AccountId;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgPool, Postgres};

pub(crate) use self::step::{Kept, Step};
use crate::ledger::{Ahead, Capture, Doubted, Doubts, Grouping, Wanted};
use crate::{Error, Result, seeded};

pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Few, because only operators' pages and start-up read across accounts.
const BOOKS_CONNECTIONS_MAX: u32 = 2;

/// The database as the server uses it. Row security stands behind every account's connection.
#[derive(Clone, Debug)]
pub struct Db {
    people: PgPool,
    kept: Arc<Kept>,
    reserving: Grouping<Wanted>,
    doubting: Grouping<Doubted>,
    doubts: Arc<Doubts>,
    ahead: Arc<Ahead>,
    capturing: Grouping<Capture>,
    books: PgPool,
}

impl Db {
    /// Connections whose statements give up rather than wait for ever, on a server that keeps what it commits.
    pub async fn connect(url: &str, connections_max: u32) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)?.application_name("mercato").options([
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "5s"),
            // Giving a connection back rolls back as a matter of form; no warning is wanted for that.
            ("client_min_messages", "error"),
        ]);
        Self::open(options, connections_max).await
    }

    pub async fn open(options: PgConnectOptions, connections_max: u32) -> Result<Self> {
        let people = pool(options.clone(), connections_max, "set role mercato_runtime").await?;
        let books = pool(options, BOOKS_CONNECTIONS_MAX, "set role mercato_admin").await?;
        refuse_to_forget(&people).await?;
        let kept = Arc::new(Kept::of(&people));
        let reserving = Grouping::start(&people, &kept);
        let doubting = Grouping::start(&people, &kept);
        let capturing = Grouping::start(&people, &kept);
        Ok(Self {
            people,
            kept,
            reserving,
            doubting,
            doubts: Arc::default(),
            ahead: Arc::default(),
            capturing,
            books,
        })
    }

    /// For the ledger's functions, which name the account they work for.
    pub(crate) fn people(&self) -> &PgPool {
        &self.people
    }

    /// For the steps of a call, which are worth not to wait: one statement that leaves nothing behind.
    pub(crate) async fn step(&self) -> Result<Step<'_>> {
        self.kept.take(&self.people).await
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The queue of calls that have ended.
    pub(crate) fn capturing(&self) -> &Grouping<Capture> {
        &self.capturing
    }

    /// The queue of those who want money set aside.
    pub(crate) fn reserving(&self) -> &Grouping<Wanted> {
        &self.reserving
    }

    /// The queue of those who want it though they had none a moment ago.
    pub(crate) fn doubting(&self) -> &Grouping<Doubted> {
        &self.doubting
    }

    pub(crate) fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// What is set aside for calls that have yet to come.
    pub(crate) fn ahead(&self) -> &Ahead {
        &self.ahead
    }

    /// For operators, who read every account.
    pub(crate) fn books(&self) -> &PgPool {
        &self.books
    }

    /// An operator's connection for work over the whole history, which may take its time.
    pub(crate) async fn patient(&self) -> Result<PoolConnection<Postgres>> {
        let mut connection = self.books.acquire().await?;
        sqlx::query("set statement_timeout = '1h'").execute(&mut *connection).await?;
        Ok(connection)
    }

    /// A connection that sees the rows of this account and no others, until it is given back.
    pub(crate) async fn of(&self, account: AccountId) -> Result<PoolConnection<Postgres>> {
        let mut connection = self.people.acquire().await?;
        sqlx::query("select set_config('app.account', $1, false)")
            .bind(account.0.to_string())
            .execute(&mut *connection)
            .await?;
        Ok(connection)
    }
}

async fn pool(options: PgConnectOptions, connections_max: u32, role: &'static str) -> Result<PgPool> {
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(5))
        // Asking before each use costs a round trip and, when cancelled, can hand over a broken connection.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(role).await?;
                Ok(())
            })
        })
        // A cancelled borrower may leave a transaction open (sqlx issue 4385) and leaves its account behind.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection
                    .execute("rollback; reset all; select set_config('app.account', '', false)")
                    .await?;
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Runs the migrations that are missing, on a connection of its own without the pool's time limits.
pub async fn migrate(url: &str) -> Result<()> {
    let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
    MIGRATOR.run(&mut connection).await?;
    seeded::plant(&mut connection).await?;
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
