//! A market of its own for each test: a fresh database, a simulator of vendors and the real router, all on loopback.

mod answer;
mod buyer;
mod connection;
mod database;
mod fellow;
mod operator;
mod program;
mod mail;
mod valkey;
mod vendor;
mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::{Db, Egress, Engine, Limits, MasterKey, Post, RateLimits, Registry, Sender, Settings};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use server::config::{Config, Demo, Environment};
use server::door::{Door, Patience};
use server::routes;
use server::simulator::{self, Pace};
use sqlx::PgPool;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use answer::{Answer, nanos};
pub use buyer::{Buyer, PASSWORD};
pub use connection::{Connection, now_ms};
pub use database::Database;
pub use fellow::Fellow;
pub use operator::Operator;
pub use valkey::Valkey;
pub use vendor::Vendor;
pub use webhook::Webhook;

pub const MASTER_KEY: [u8; 32] = [7; 32];
const DB_CONNECTIONS: u32 = 10;

/// What a market knows of vendors.
pub struct Vendors {
    pub registry: Registry,
    /// The addresses it may reach though they are not public.
    pub egress: String,
    pub own_models: Option<String>,
}

pub struct Market {
    pub base: String,
    pub db: PgPool,
    pub engine: Engine,
    client: Client,
    pub simulator: simulator::Running,
    server: JoinHandle<()>,
    /// Where letters are written to.
    mail: PathBuf,
    // The last field, so that nobody uses the database any more when it is dropped.
    database: Database,
}

impl Market {
    /// A market whose vendors answer at once.
    pub async fn open() -> Self {
        Self::open_with(Pace::Instant).await
    }

    pub async fn open_with(pace: Pace) -> Self {
        Self::open_within(pace, Limits::default()).await
    }

    /// A market that waits this long for vendors and readers.
    pub async fn open_within(pace: Pace, limits: Limits) -> Self {
        Self::open_where(pace, limits, simulated).await
    }

    /// A market with these vendors, given the address of the simulator.
    pub async fn open_among(pace: Pace, vendors: impl FnOnce(SocketAddr) -> Vendors) -> Self {
        Self::open_where(pace, Limits::default(), vendors).await
    }

    /// Tests look at what is held as soon as a call is over, so nothing is set aside for the next one.
    async fn open_where(pace: Pace, limits: Limits, vendors: impl FnOnce(SocketAddr) -> Vendors) -> Self {
        let market = Self::open_keenly(pace, limits, vendors).await;
        market.engine.put_all_back().await;
        market
    }

    /// A market as it is in production, where a third call of a row finds its hold made.
    pub async fn open_setting_aside() -> Self {
        Self::open_keenly(Pace::Instant, Limits::default(), simulated).await
    }

    async fn open_keenly(pace: Pace, limits: Limits, vendors: impl FnOnce(SocketAddr) -> Vendors) -> Self {
        // Dropping the database blocks its thread, and a connection half made must be able to go on meanwhile.
        assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::MultiThread);
        let database = Database::create().await;
        engine::migrate(&database.url).await.unwrap();
        // Tests look at everything; the server works with the rights it has in production.
        let db = PgPool::connect(&database.url).await.unwrap();
        let served = Db::connect(&database.url, DB_CONNECTIONS).await.unwrap();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let simulator =
            simulator::start(anywhere, simulator::Options { pace, truth_log: None }).await.unwrap();
        let Vendors { registry, egress, own_models } = vendors(simulator.addr);
        let sender = Sender::with_limits(Egress::parse(&egress).unwrap(), limits).unwrap();
        let mail = std::env::temp_dir().join(format!("mercato-mail-{}", Uuid::now_v7().simple()));
        let settings = Settings {
            master_key: MasterKey::new(MASTER_KEY),
            older_master_key: None,
            own_models,
            demo: true,
            test_gateway: true,
            seal_file: None,
            post: Post::Folder(mail.clone()),
            public_url: None,
            // Tests ask as much as they like, unless they are about that.
            rates: RateLimits { factor: 10_000, requests_from_address: None },
            valkey: None,
        };
        let engine = Engine::open(served, registry, sender, settings).await.unwrap();
        let patience = Patience { reader: limits.reader, ..Patience::default() };
        let door = Door::open(anywhere, patience).await.unwrap();
        let addr = door.address().unwrap();
        let base = format!("http://{addr}");
        engine.set_own_address(base.clone());
        let router =
            routes::router(engine.clone(), &config(addr, &database.url), Vec::new(), Handle::current());
        let server = tokio::spawn(door.serve(router, CancellationToken::new()));
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base, db, engine, client, simulator, server, mail, database }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// The same market at another address, with other settings; lives as long as the test.
    pub async fn serve_also(&self, change: impl FnOnce(&mut Config)) -> String {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = config(anywhere, &self.database.url);
        change(&mut config);
        let door = Door::open(anywhere, config.patience).await.unwrap();
        let addr = door.address().unwrap();
        let router =
            routes::router(self.engine.clone(), &config, config.proxies().unwrap(), Handle::current());
        tokio::spawn(door.serve(router, CancellationToken::new()));
        format!("http://{addr}")
    }

    /// Where the simulator plays a vendor that speaks as OpenAI does.
    pub fn simulated_url(&self, vendor: &str) -> String {
        format!("http://{}/{vendor}/v1", self.simulator.addr)
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// What the vendor really did for a call.
    pub async fn truth(&self, call_id: &str) -> Value {
        let mut records = self.truths().await.into_iter();
        records
            .find(|record| record["request_id"] == call_id)
            .unwrap_or_else(|| panic!("the simulator knows nothing of the call {call_id}"))
    }

    /// Where all vendors are played.
    pub fn simulator_addr(&self) -> SocketAddr {
        self.simulator.addr
    }

    /// Everything that vendors were asked.
    pub async fn truths(&self) -> Vec<Value> {
        let url = format!("http://{}/truth", self.simulator_addr());
        let lines = self.client.get(url).send().await.unwrap().text().await.unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A single number out of the database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }

    /// Changes the database behind the server's back.
    pub async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db).await.unwrap();
    }

    /// Every invariant holds, each asset sums to zero, no wallet is below it and no hold is left open.
    pub async fn assert_books_balance(&self) {
        let broken: Vec<(String, String, String)> =
            sqlx::query_as("select invariant, subject, detail from ledger.violation")
                .fetch_all(&self.db)
                .await
                .unwrap();
        assert!(broken.is_empty(), "the books do not balance: {broken:?}");
        let sum = self.count("select coalesce(sum(amount), 0)::bigint from ledger_entry").await;
        assert_eq!(sum, 0, "the entries do not sum to zero");
        assert_eq!(self.count("select count(*) from wallet where posted < 0 or posted < held").await, 0);
    }

    /// Waits until every hold is closed, and says how long that took.
    pub async fn until_no_hold_is_open(&self, at_most: Duration) -> Duration {
        let begun = Instant::now();
        while self.count("select count(*) from hold where state = 'open'").await > 0 {
            assert!(begun.elapsed() < at_most, "a hold is still open after {:?}", begun.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        self.server.abort();
        // Most markets write no letter, and then there is no folder.
        let _ = std::fs::remove_dir_all(&self.mail);
    }
}

fn simulated(simulator: SocketAddr) -> Vendors {
    Vendors {
        registry: Registry::simulated(&format!("http://{simulator}")),
        egress: simulator.to_string(),
        own_models: None,
    }
}

fn config(addr: SocketAddr, database_url: &str) -> Config {
    Config {
        addr,
        database_url: Some(database_url.to_owned()),
        data_dir: None,
        env: Environment::Development,
        demo: Demo::On,
        master_key: None,
        master_key_old: None,
        catalogue: None,
        egress_allow: String::new(),
        admin_email: None,
        admin_password: None,
        smtp_url: None,
        mail_from: None,
        public_url: None,
        db_connections: DB_CONNECTIONS,
        patience: Patience::default(),
        allow_private_database: false,
        metrics_token: None,
        trusted_proxies: String::new(),
        rate_factor: None,
        address_requests_a_minute: 0,
        valkey_url: None,
        workers: None,
        site_root: concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site").into(),
    }
}
