//! A fresh database with buyers who have paid in and one model for sale, seen as the server sees it.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Charge, Price, Rates, TakeRate};
use marketplace::usage::{Tokens, UsageSource};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use store::Db;
use store::ledger::{Capture, Reservation, Reserved, reserve};
use store::price::{Offer, set_prices};
use store::spending::add_up_day;
use uuid::Uuid;

use crate::options::Options;

const DATABASE: &str = "mercato_bench";
/// What each buyer has paid in.
const PAID_IN: i64 = 1_000_000_000_000;
/// `bench.account(0)` in `fill.sql`.
const ACCOUNT_0: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0000;

#[derive(Debug)]
pub struct Market {
    pub url: String,
    pub db: Db,
    pub accounts: u64,
    model: ModelId,
    provider: ProviderId,
    price: PriceId,
    instance: Uuid,
    turn: AtomicU64,
}

impl Market {
    /// So many buyers, who have made so many calls.
    pub async fn with(options: &Options, accounts: i64, calls: i64) -> Result<Arc<Self>> {
        eprintln!("filling a database: {accounts} accounts, {calls} settled calls");
        drop_database(options).await?;
        let server = PgConnectOptions::from_str(&options.database_url)?;
        let mut connection = server.connect().await?;
        sqlx::raw_sql("create database mercato_bench").execute(&mut connection).await?;
        connection.close().await?;
        let url = with_database(&options.database_url)?;
        store::migrate(&url).await?;
        let db = Db::connect(&url, options.connections).await?;
        let (model, provider) = (ModelId::parse("openai/gpt-5-mini")?, ProviderId("openai".to_owned()));
        let rates = Rates { input: Rate(250_000_000), output: Rate(2_000_000_000), ..Rates::default() };
        let price = Price { rates, ..Price::default() };
        let offer = Offer { model: &model, provider: &provider, price: &price, free: false, from: None };
        let Some(price) = set_prices(&db, &[offer]).await?.pop() else { bail!("no price was set") };
        let market = Self {
            url,
            db,
            accounts: accounts.unsigned_abs(),
            model,
            provider,
            price,
            instance: Uuid::now_v7(),
            turn: AtomicU64::new(0),
        };
        market.fill(accounts, calls).await?;
        Ok(Arc::new(market))
    }

    async fn fill(&self, accounts: i64, calls: i64) -> Result<()> {
        let mut root = self.root().await?;
        sqlx::raw_sql(include_str!("raw/schema.sql")).execute(&mut root).await?;
        sqlx::raw_sql(include_str!("fill.sql")).execute(&mut root).await?;
        // Checking that what is generated refers to what is generated takes most of the time; only a superuser may not.
        let unchecked = sqlx::raw_sql("set session_replication_role = replica").execute(&mut root).await;
        drop(unchecked);
        sqlx::query("call bench.open_accounts(1, $1, $2)")
            .bind(accounts)
            .bind(PAID_IN)
            .execute(&mut root)
            .await?;
        if calls > 0 {
            sqlx::query("call bench.settle_calls($1, $2, $3, $4)")
                .bind(calls)
                .bind(accounts.min(10_000))
                .bind(self.price.0)
                .bind(PAID_IN)
                .execute(&mut root)
                .await?;
        }
        root.close().await?;
        self.tell("vacuum analyze").await?;
        self.tell("update usage_day_state set until = now() - interval '366 days'").await?;
        while add_up_day(&self.db).await?.is_some() {}
        self.tell("vacuum analyze usage_day").await?;
        self.tell("checkpoint").await
    }

    /// One statement with every right.
    pub async fn tell(&self, statement: &'static str) -> Result<()> {
        let mut root = self.root().await?;
        sqlx::raw_sql(statement).execute(&mut root).await?;
        Ok(root.close().await?)
    }

    /// With every right and all the time in the world, to prepare and to look.
    pub async fn root(&self) -> Result<PgConnection> {
        Ok(PgConnectOptions::from_str(&self.url)?.disable_statement_logging().connect().await?)
    }

    /// Opens calls of the first accounts that somebody will capture, and names them.
    pub async fn open_calls(&self, calls: i64, among: u64) -> Result<Vec<CallId>> {
        let mut root = self.root().await?;
        sqlx::query("call bench.open_calls($1, $2, $3)")
            .bind(calls)
            .bind(among.cast_signed())
            .bind(self.price.0)
            .execute(&mut root)
            .await?;
        sqlx::raw_sql("analyze hold").execute(&mut root).await?;
        let open = "select call_id from hold where state = 'open' order by call_id";
        let open: Vec<Uuid> = sqlx::query_scalar(open).fetch_all(&mut root).await?;
        root.close().await?;
        Ok(open.into_iter().map(CallId).collect())
    }

    /// One of the first `among` accounts, each as likely as the others.
    pub fn some_account(&self, among: u64) -> AccountId {
        account(self.some_number(among))
    }

    pub fn some_number(&self, among: u64) -> u64 {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        // The steps of the golden ratio scatter evenly.
        1 + (turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33) % among
    }

    /// Sets 30 nano-dollars aside for a call of one of the first accounts.
    pub async fn reserve(&self, among: u64) -> Result<CallId> {
        let wanted = Reservation {
            call: CallId(Uuid::now_v7()),
            account: self.some_account(among),
            key: None,
            conversation: None,
            model: &self.model,
            provider: &self.provider,
            price: self.price,
            take: TakeRate::STANDARD,
            want: Nanos(30),
            least: Nanos(10),
            free_tokens: None,
            run: None,
            instance: self.instance,
        };
        match reserve(&self.db, &wanted).await? {
            Reserved::Held { .. } => Ok(wanted.call),
            refused => bail!("a reservation was refused: {refused:?}"),
        }
    }
}

/// The account with this number, from 1.
pub fn account(number: u64) -> AccountId {
    AccountId(Uuid::from_u128(ACCOUNT_0 + u128::from(number)))
}

/// What a call has used: 10 of the 30 nano-dollars.
pub fn used(call: CallId) -> Capture {
    Capture {
        call,
        tokens: Tokens { input: 1, output: 1, ..Tokens::default() },
        source: UsageSource::Provider,
        charge: Charge { provider_cost: Nanos(7), commission: Nanos(3), charge: Nanos(10) },
        finish: "stop".to_owned(),
        taken: None,
    }
}

pub async fn drop_database(options: &Options) -> Result<()> {
    let mut connection = PgConnectOptions::from_str(&options.database_url)?.connect().await?;
    let gone = "set client_min_messages = warning; drop database if exists mercato_bench with (force)";
    // Each on its own: a database cannot be dropped within a transaction.
    for statement in gone.split("; ") {
        sqlx::raw_sql(statement).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

/// The same server, our own database on it.
fn with_database(url: &str) -> Result<String> {
    let Some((scheme, rest)) = url.split_once("://") else { bail!("a database URL has a scheme") };
    let (place, query) =
        rest.split_once('?').map_or((rest, String::new()), |(place, query)| (place, format!("?{query}")));
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    Ok(format!("{scheme}://{host}/{DATABASE}{query}"))
}
