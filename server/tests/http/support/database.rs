//! A database nobody else uses, on the server that `DATABASE_URL` names, gone again at the end.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use uuid::Uuid;

pub struct Database {
    pub url: String,
    name: String,
    server: String,
}

impl Database {
    pub async fn create() -> Self {
        let server = std::env::var("DATABASE_URL");
        Self::create_on(server.expect("these tests need DATABASE_URL, for example from `mercato db url`"))
            .await
    }

    /// On the server that this address belongs to.
    pub async fn create_on(server: String) -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        execute(&server, format!("create database {name}")).await.unwrap();
        Self { url: with_name(&server, &name), name, server }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, statement) =
            (self.server.clone(), format!("drop database if exists {} with (force)", self.name));
        // A runtime cannot wait within itself, so this one has a thread of its own. What fails stays behind.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(execute(&server, statement)))
        });
        let _ = dropping.join();
    }
}

async fn execute(server: &str, statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnectOptions::from_str(server)?.connect().await?;
    connection.execute(AssertSqlSafe(statement)).await?;
    connection.close().await
}

/// The same server, another database on it.
fn with_name(url: &str, name: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a database URL has a scheme");
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    format!("{scheme}://{host}/{name}?{query}")
}
