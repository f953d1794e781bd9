//! Whole paid calls: the program itself with key, limits, hold and durable charge in PostgreSQL.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::time::sleep;

use crate::client::Target;
use crate::options::Options;
use crate::process::Process;
use crate::relay::{Measured, Wanted};

const DATABASE: &str = "mercato_bench_calls";
/// A model on sale that our upstream answers for.
const MODEL: &str = "openai/gpt-5.6-luna";

/// Starts the program on a database of its own, and fills accounts to call from.
pub async fn open(upstream: &Process, options: &Options) -> Result<Measured> {
    close(options).await?;
    let server = server(options)?;
    let mut connection = server.connect().await?;
    sqlx::query(AssertSqlSafe(format!("create database {DATABASE}"))).execute(&mut connection).await?;
    let url = server.database(DATABASE).to_url_lossy();
    let process = start(url.as_str(), upstream.address)?;
    until_ready(process.address).await?;
    let mut keys = Vec::new();
    for number in 0..options.accounts {
        keys.push(fill(process.address, number).await?);
    }
    let mut connection = PgConnection::connect(url.as_str()).await?;
    let beneath: Vec<i32> = sqlx::query_scalar(
        "select pid from pg_stat_activity where pid <> pg_backend_pid()
        and (datname = current_database() or backend_type in ('walwriter', 'checkpointer', 'background writer'))",
    )
    .fetch_all(&mut connection)
    .await?;
    Ok(Measured {
        direct: Target { address: upstream.address, model: "lantern", keys: Vec::new() },
        gateway: Target { address: process.address, model: MODEL, keys },
        process,
        beneath: beneath.into_iter().filter_map(|process| u32::try_from(process).ok()).collect(),
        database: Some(url.into()),
        wanted: Wanted {
            steady: ["≤ +2.0 ms", "≤ +4 ms", "≤ +10 ms"],
            saturated: ["≥ 1,000/s", "≤ 0.45 ms", "≤ 1.2 ms"],
            streams: ["≤ +2.5 ms", "≤ +8 ms", "≤ +10 ms"],
        },
    })
}

/// Another process on the same books.
pub fn again(options: &Options, upstream: SocketAddr) -> Result<Process> {
    start(server(options)?.database(DATABASE).to_url_lossy().as_str(), upstream)
}

/// The key of somebody who never paid.
pub async fn broke(address: SocketAddr) -> Result<String> {
    let (client, token) = register(address, "bench-broke@example.org").await?;
    make_key(&client, address, &token).await
}

/// Takes the database away, also one that an earlier measurement left.
pub async fn close(options: &Options) -> Result<()> {
    let mut connection = server(options)?.connect().await?;
    let statement = AssertSqlSafe(format!("drop database if exists {DATABASE} with (force)"));
    sqlx::query(statement).execute(&mut connection).await?;
    Ok(())
}

fn server(options: &Options) -> Result<PgConnectOptions> {
    PgConnectOptions::from_str(&options.database_url).context("DATABASE_URL is not set")
}

fn start(database: &str, upstream: SocketAddr) -> Result<Process> {
    // Free now, and nobody else takes it in the moment until it is listened on.
    let address = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.local_addr()?;
    let child = Command::new(env!("CARGO_BIN_EXE_mercato"))
        .arg("serve")
        .current_dir(std::env::temp_dir())
        .env("DATABASE_URL", database)
        .env("MERCATO_ADDR", address.to_string())
        .env("MERCATO_DEMO", "off")
        // Counted as everywhere, and limited by nothing but the machine.
        .env("MERCATO_RATE_FACTOR", "1000000")
        .env("MERCATO_DATA_DIR", std::env::temp_dir().join(DATABASE))
        .env("MERCATO_EGRESS_ALLOW", upstream.to_string())
        .env("OPENAI_BASE_URL", format!("http://{upstream}/v1"))
        .env("OPENAI_API_KEY", "none")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(std::env::temp_dir().join(format!("{DATABASE}.log")))?)
        .spawn()
        .context("the program cannot be started")?;
    Ok(Process::of(child, address))
}

async fn until_ready(address: SocketAddr) -> Result<()> {
    for _ in 0..300 {
        let asked = reqwest::get(format!("http://{address}/readyz")).await;
        if asked.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
    bail!("the program was not ready in time")
}

/// Makes an account with money in it, and returns its key.
async fn fill(address: SocketAddr, number: usize) -> Result<String> {
    let (client, token) = register(address, &format!("bench-{number}@example.org")).await?;
    let top_up = post(&client, address, "/api/v1/top-ups", &token, json!({ "amount_usd": "100.00" })).await?;
    let page = text(&top_up["checkout_url"])?;
    let page = if page.starts_with('/') { format!("http://{address}{page}") } else { page };
    let form = client.post(page).header("content-type", "application/x-www-form-urlencoded");
    form.bearer_auth(&token).body("outcome=paid").send().await?.error_for_status()?;
    make_key(&client, address, &token).await
}

/// Opens an account, and returns its token.
async fn register(address: SocketAddr, email: &str) -> Result<(Client, String)> {
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let account = json!({ "email": email, "password": "quiet-harbour-lantern-73" });
    let registered = client.post(format!("http://{address}/api/v1/auth/register")).json(&account).send();
    let registered: Value = registered.await?.error_for_status()?.json().await?;
    let token = text(&registered["token"])?;
    Ok((client, token))
}

async fn make_key(client: &Client, address: SocketAddr, token: &str) -> Result<String> {
    text(&post(client, address, "/api/v1/keys", token, json!({ "name": "bench" })).await?["key"])
}

async fn post(client: &Client, address: SocketAddr, path: &str, token: &str, body: Value) -> Result<Value> {
    let sent = client.post(format!("http://{address}{path}")).bearer_auth(token).json(&body).send();
    let answer = sent.await?.error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?).unwrap_or_default())
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).context("an answer lacks a field")
}
