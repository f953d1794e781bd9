//! Several servers on one fresh database, with one simulator behind them.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use reqwest::Client;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::server::Server;
use super::simulator::{Pace, Simulator};
use super::{Database, Probe, Proxy};

/// How many servers race.
pub const SERVERS: usize = 3;
/// Enough for the driver to look at the books while it judges them.
const LOOKING_CONNECTIONS: u32 = 12;

pub struct Fleet {
    pub servers: Vec<Server>,
    pub client: Client,
    /// Whoever looks here sees every row; the servers have the rights they are given.
    pub db: PgPool,
    pub folder: PathBuf,
    simulator: Simulator,
    // Used by nobody any more when it is dropped.
    _database: Database,
    // Two fleets on one small machine would only slow each other down.
    _turn: File,
}

/// What really happened to one call.
pub struct Truth(pub Value);

impl Fleet {
    pub async fn open(pace: Pace) -> Self {
        Self::open_with(pace, &[]).await
    }

    /// Servers with settings of their own.
    pub async fn open_with(pace: Pace, settings: &[(&str, &str)]) -> Self {
        let turn = turn();
        let database = Database::create().await;
        let url = database.url.clone();
        Self::open_at(pace, (database, &url), turn, settings).await
    }

    pub async fn open_on(pace: Pace, database: Database, turn: File) -> Self {
        let url = database.url.clone();
        Self::open_at(pace, (database, &url), turn, &[]).await
    }

    /// With a wire between servers and database that the test can spoil; whoever looks has a better one.
    pub async fn open_over_wire(
        pace: Pace,
        functions: &'static [&'static str],
        dice: StdRng,
    ) -> (Arc<Self>, Proxy) {
        let turn = turn();
        let database = Database::create().await;
        let wire = Proxy::open(&database.url, functions, dice).await;
        let fleet = Self::open_at(pace, (database, &wire.url), turn, &[]).await;
        (Arc::new(fleet), wire)
    }

    /// Servers that reach their database at an address.
    async fn open_at(
        pace: Pace,
        (database, url): (Database, &str),
        turn: File,
        settings: &[(&str, &str)],
    ) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(Uuid::now_v7().simple().to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let simulator = Simulator::start(pace, &folder);
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .unwrap();
        let servers: Vec<Server> =
            (0..SERVERS).map(|number| Server::new(number, url, &simulator.addr, &folder, settings)).collect();
        // The first one brings the schema up to date, the others find it so.
        servers[0].start(&client).await;
        futures_util::future::join_all(servers[1..].iter().map(|server| server.start(&client))).await;
        let db = PgPoolOptions::new()
            .max_connections(LOOKING_CONNECTIONS)
            .acquire_timeout(Duration::from_secs(60))
            .connect(&database.url)
            .await
            .unwrap();
        Self { servers, client, db, folder, simulator, _database: database, _turn: turn }
    }

    /// Looks at the books all the time from now on.
    pub fn probe(&self) -> Probe {
        Probe::start(self.db.clone())
    }

    /// Everything the vendors did so far, by call.
    pub fn truth(&self) -> HashMap<String, Truth> {
        let records = self.simulator.records();
        let count = records.len();
        let by_call: HashMap<String, Truth> = records
            .into_iter()
            .map(|record| (record["request_id"].as_str().unwrap().to_owned(), Truth(record)))
            .collect();
        assert_eq!(by_call.len(), count, "a call reached its vendor twice");
        by_call
    }

    pub fn truth_file(&self) -> &PathBuf {
        &self.simulator.truth
    }

    /// A single number out of the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }

    /// Waits until nothing is held any more, and says how long that took.
    pub async fn until_nothing_is_held(&self, at_most: Duration) -> Duration {
        let begun = Instant::now();
        loop {
            let held = self.count("select coalesce(sum(held), 0)::bigint from wallet").await;
            let open = self.count("select count(*) from hold where state = 'open'").await;
            if held == 0 && open == 0 {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < at_most,
                "{held} are held for {open} calls after {:?}",
                begun.elapsed()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Truth {
    fn during(&self) -> (u64, u64) {
        (self.0["started_at_ms"].as_u64().unwrap(), self.0["ended_at_ms"].as_u64().unwrap())
    }

    /// How many of these calls were under way at the moment when most of them were.
    pub fn at_once_most(calls: &[&Self]) -> usize {
        let spans: Vec<(u64, u64)> = calls.iter().map(|call| call.during()).collect();
        let under_way = |at: u64| spans.iter().filter(|(start, end)| (*start..=*end).contains(&at)).count();
        spans.iter().map(|(start, _)| under_way(*start)).max().unwrap_or(0)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        } else {
            eprintln!("logs and books are kept in {}", self.folder.display());
        }
    }
}

/// Waits until no other fleet of this machine is at work.
pub fn turn() -> File {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("races.lock");
    let turn = File::options().create(true).append(true).open(place).unwrap();
    turn.lock().unwrap();
    turn
}
