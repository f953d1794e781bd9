//! `mercato prices`: changes by more than a fifth that wait for an operator.

use anyhow::anyhow;
use clap::Subcommand;
use engine::Actor;
use marketplace::fault::Fault;
use marketplace::id::PriceId;
use marketplace::operator::PriceChange;
use marketplace::price::Price;

use super::{Database, open_engine, say};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub enum PricesAction {
    /// Show the changes that wait; until they are approved the old prices are in force.
    ListWaiting,
    /// Put a waiting price in force, at once or when it is to begin. Running servers take it over within a second.
    Approve { id: String },
    /// Turn a waiting price down; the same change is not proposed again.
    Reject { id: String },
}

pub async fn run(config: Config, action: PricesAction) -> anyhow::Result<()> {
    let database = Database::open(&config)?;
    let engine = open_engine(&config, &database, None).await?;
    let told = |cause: engine::Error| anyhow!(Fault::from(cause).message);
    match action {
        PricesAction::ListWaiting => {
            let waiting = engine.list_waiting_prices(&Actor::Operator).await.map_err(told)?;
            if waiting.is_empty() {
                say("no price waits to be approved");
            }
            for change in &waiting {
                say(&line(change)?);
            }
        }
        PricesAction::Approve { id } => {
            engine.approve_price(&Actor::Operator, parsed(&id)?).await.map_err(told)?;
            say("the price is in force, or will be when it is to begin");
        }
        PricesAction::Reject { id } => {
            engine.reject_price(&Actor::Operator, parsed(&id)?).await.map_err(told)?;
            say("the price was turned down");
        }
    }
    database.close();
    Ok(())
}

fn parsed(id: &str) -> anyhow::Result<PriceId> {
    PriceId::parse(id).map_err(|_| anyhow!("{id} is not the id of a price"))
}

/// Terms as they are kept: nano-dollars per million tokens.
fn line(change: &PriceChange) -> anyhow::Result<String> {
    let terms = |price: &Price| serde_json::to_string(price);
    let free = if change.free { ", free" } else { "" };
    let from = change.begins_at.as_ref().map_or_else(String::new, |at| format!(", from {at} on"));
    Ok(format!(
        "{} {} by {}, since {}\n  now  {}\n  then {}{free}{from}",
        change.id,
        change.model,
        change.provider,
        change.proposed_at,
        terms(&change.before)?,
        terms(&change.after)?
    ))
}
