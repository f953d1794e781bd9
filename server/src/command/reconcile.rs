//! `mercato reconcile`: what providers bill, beside what is booked.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use chrono::{Days, NaiveDate, Utc};
use clap::Subcommand;
use engine::Actor;
use marketplace::fault::Fault;
use marketplace::money::Nanos;
use marketplace::operator::Reconciled;

use super::{Database, open_engine, say};
use crate::config::Config;

const SHOWN_DAYS: u64 = 30;

#[derive(Debug, Subcommand)]
pub enum ReconcileAction {
    /// Take down what a provider billed: a file of lines `day,model,amount_usd` under that header.
    Import {
        /// As the registry calls it, such as `openai`.
        #[arg(long)]
        provider: String,
        file: PathBuf,
    },
    /// Show the books beside the reports, by day, provider and model.
    Show {
        /// The first UTC day; by default thirty days before the last.
        #[arg(long)]
        from: Option<NaiveDate>,
        /// The last UTC day; by default today.
        #[arg(long)]
        to: Option<NaiveDate>,
    },
}

pub async fn run(config: Config, action: ReconcileAction) -> anyhow::Result<()> {
    match action {
        ReconcileAction::Import { provider, file } => import(&config, &provider, &file).await,
        ReconcileAction::Show { from, to } => {
            let to = to.unwrap_or_else(|| Utc::now().date_naive());
            show(&config, from.or_else(|| to.checked_sub_days(Days::new(SHOWN_DAYS))).unwrap_or(to), to).await
        }
    }
}

async fn import(config: &Config, provider: &str, file: &Path) -> anyhow::Result<()> {
    let csv = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let database = Database::open(config)?;
    let engine = open_engine(config, &database, None).await?;
    let taken = engine.import_provider_report(&Actor::Operator, provider, &csv).await.map_err(told)?;
    say(&format!(
        "{} lines: {} new, {} corrected, {} unchanged",
        taken.lines, taken.new, taken.corrected, taken.unchanged
    ));
    for (leak, what) in
        [(taken.abort_leak_nanos, "stopped calls"), (taken.crash_leak_nanos, "calls whose server died")]
    {
        if leak != Nanos::ZERO {
            say(&format!("booked {} as billed for {what} beyond what was booked", leak.exact()));
        }
    }
    database.close();
    Ok(())
}

async fn show(config: &Config, from: NaiveDate, to: NaiveDate) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let engine = open_engine(config, &database, None).await?;
    let rows = engine.reconciliation(&Actor::Operator, from, to).await.map_err(told)?;
    if rows.is_empty() {
        say(&format!("nothing is booked and nothing was reported from {from} to {to}"));
    }
    for row in &rows {
        say(&line(row));
    }
    database.close();
    Ok(())
}

fn line(row: &Reconciled) -> String {
    let figure = |amount: Option<Nanos>| amount.map_or_else(|| "-".to_owned(), Nanos::exact);
    format!(
        "{} {:<12} {:<40} booked {:>18} reported {:>18} difference {:>18} {}",
        row.day,
        row.provider.0,
        row.model,
        row.booked_nanos.exact(),
        figure(row.reported_nanos),
        figure(row.difference_nanos),
        row.state.as_str()
    )
}

/// Why it was not done, as callers are told.
fn told(cause: engine::Error) -> anyhow::Error {
    anyhow!(Fault::from(cause).message)
}
