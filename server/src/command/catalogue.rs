//! `mercato catalogue`: models brought in from a file, and what that would change.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use engine::{Actor, Foreseen, ImportPlan, PriceOutcome};
use marketplace::fault::Fault;
use marketplace::price::Price;

use super::{Database, open_engine, say};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub enum CatalogueAction {
    /// Keep the models of a file written as `catalogue.toml` is, in the place of those with the same ids. A changed
    /// price begins as a new version now, or when it says; one that leaps waits to be approved. Other facts count when a
    /// server starts.
    Import {
        file: PathBuf,
        /// Show what would change, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// For the audit log.
        #[arg(long, required_unless_present = "dry_run")]
        reason: Option<String>,
    },
}

pub async fn run(config: Config, action: CatalogueAction) -> anyhow::Result<()> {
    let CatalogueAction::Import { file, dry_run, reason } = action;
    let text = read(&file)?;
    let database = Database::open(&config)?;
    let engine = open_engine(&config, &database, None).await?;
    let told = |cause: engine::Error| anyhow!(Fault::from(cause).message);
    let plan = if dry_run {
        engine.plan_import(&Actor::Operator, &text).await
    } else {
        engine.import_catalogue(&Actor::Operator, &text, &reason.unwrap_or_default()).await
    };
    for line in lines(&plan.map_err(told)?) {
        say(&line);
    }
    if dry_run {
        say("dry run: nothing was changed");
    }
    database.close();
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn lines(plan: &ImportPlan) -> Vec<String> {
    let mut lines = Vec::new();
    for model in &plan.models {
        if model.is_new {
            lines.push(format!("+ {}", model.id));
        }
        for fact in &model.facts {
            lines.push(format!("~ {}  {}: {} → {}", model.id, fact.name, fact.before, fact.after));
        }
    }
    lines.extend(plan.prices.iter().map(price_line));
    for gone in &plan.withdrawn {
        lines.push(format!(
            "$ {} by {}  (taken back: the one from {} on)",
            gone.model,
            gone.provider,
            written(gone.from)
        ));
    }
    let new = plan.models.iter().filter(|model| model.is_new).count();
    let changed = plan.models.len() - new;
    lines.push(format!(
        "{new} new, {changed} changed, {} as they are; {} prices change",
        plan.same,
        plan.prices.len() + plan.withdrawn.len()
    ));
    lines
}

/// Terms as they are kept: nano-dollars per million tokens.
fn price_line(price: &Foreseen) -> String {
    let terms = |price: &Price| serde_json::to_string(price).unwrap_or_default();
    let before = price.before.as_ref().map_or_else(|| "none".to_owned(), terms);
    let free = if price.free { ", free" } else { "" };
    let from = price.from.map_or_else(|| "now".to_owned(), written);
    let what = match price.outcome {
        PriceOutcome::First => format!("its first price, from {from} on"),
        PriceOutcome::Begins => format!("a new version, from {from} on"),
        PriceOutcome::Waits => {
            format!("from {from} on, leaps by more than a fifth: waits, see `mercato prices list-waiting`")
        }
        PriceOutcome::Rejected => format!("from {from} on, was turned down: nothing changes"),
        PriceOutcome::Same => "as it is".to_owned(),
    };
    format!("$ {} by {}  {before} → {}{free}  ({what})", price.model, price.provider, terms(&price.after))
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
