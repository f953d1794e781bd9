//! `mercato serve`: from nothing to listening, and a clean end.

use std::time::Duration;

use anyhow::Context;
use engine::{Actor, Engine, Registry};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Database, open_engine};
use crate::config::{Config, Demo, Environment};
use crate::door::Door;
use crate::{routes, simulator};

/// How long open streams may go on after a stop was asked for.
const GRACE: Duration = Duration::from_secs(25);

pub async fn serve(config: Config, drawing: Handle) -> anyhow::Result<()> {
    let database = {
        let config = config.clone();
        tokio::task::spawn_blocking(move || Database::open(&config)).await??
    };
    let simulator = start_simulator(&config, &database).await?;
    let base = simulator.as_ref().map(|running| format!("http://{}", running.addr));
    let engine = open_engine(&config, &database, base.as_deref()).await?;
    if !engine.sends_letters() {
        warn!(
            "no letters can be sent, so addresses cannot be confirmed; set MERCATO_SMTP_URL and MERCATO_MAIL_FROM"
        );
    }
    create_first_admin(&engine, &config).await;
    let door = Door::open(config.addr, config.patience).await.with_context(|| {
        format!("{} cannot be listened on; set MERCATO_ADDR to another address", config.addr)
    })?;
    let address = door.address()?;
    engine.set_own_address(format!("http://{address}"));
    let router = routes::router(engine.clone(), &config, config.proxies()?, drawing);
    info!("serving http://{address}");
    let stopping = CancellationToken::new();
    tokio::select! {
        () = door.serve(router, stopping.clone()) => {}
        () = stop_after_grace(&stopping) => {}
    }
    engine.put_all_back().await;
    if let Err(cause) = engine.note_health(&Actor::Operator).await {
        warn!(%cause, "what was measured of vendors in the last minute is lost");
    }
    tokio::task::spawn_blocking(move || database.close()).await?;
    Ok(())
}

/// Stops new work at the first signal, and everything when the grace is over.
async fn stop_after_grace(stopping: &CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    info!("stopping; open answers have {} seconds", GRACE.as_secs());
    stopping.cancel();
    tokio::time::sleep(GRACE).await;
}

async fn start_simulator(config: &Config, database: &Database) -> anyhow::Result<Option<simulator::Running>> {
    let configured = async || -> anyhow::Result<bool> {
        let registry = Registry::from_settings(|name| std::env::var(name).ok())?;
        let set_up = registry.iter().any(|provider| provider.is_available());
        Ok(set_up || engine::has_vendor_keys(&database.url).await?)
    };
    let wanted = match config.demo {
        Demo::On => true,
        Demo::Off => false,
        // In production play money would stay in the books and buy real answers once a key is set.
        Demo::Auto => config.env == Environment::Development && !configured().await?,
    };
    if !wanted {
        return Ok(None);
    }
    let options = simulator::Options { pace: simulator::Pace::Realistic, truth_log: None };
    let running = simulator::start(([127, 0, 0, 1], 0).into(), options).await?;
    info!("demo mode: a simulator at {} answers for every vendor", running.addr);
    Ok(Some(running))
}

async fn create_first_admin(engine: &Engine, config: &Config) {
    let (Some(email), Some(password)) = (&config.admin_email, &config.admin_password) else { return };
    if let Err(cause) = engine.create_first_admin(&Actor::Operator, email, password).await {
        warn!(%cause, "the first operator could not be made");
    }
}
