//! Money on the move: reservations, captures, both, on many accounts and on one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use marketplace::id::CallId;
use store::ledger::{Capture, capture, capture_many, settle};

use crate::load::{Load, drive, median};
use crate::market::{Market, used};
use crate::options::Options;
use crate::pgbench::{DEBIT, GROUPED, ONE_ACCOUNT, RESERVE, RESERVE_AND_SETTLE, Script};
use crate::table::Table;

const ACCOUNTS: i64 = 10_000;
const TASKS: usize = 16;
/// More than can be captured in a second.
const CALLS_A_SECOND: i64 = 12_000;
/// An entry of the buyer, one of the provider, one of ours.
pub const ENTRIES_A_CALL: u32 = 3;
const GROUP: usize = 100;
const WARMING: Duration = Duration::from_secs(1);

pub async fn measure(options: &Options, table: &mut Table) -> Result<()> {
    let wanted = ["debit", "debit-alone", "pairs", "grouped", "reserve", "shared", "one-account"];
    if !wanted.into_iter().any(|name| options.wants(name)) {
        return Ok(());
    }
    let market = Market::with(options, ACCOUNTS, 0).await?;
    warm(options, &market).await?;
    if options.wants("debit") {
        let (ours, raw) =
            duel(options, &market, DEBIT, async || debits_in_groups(options, &market).await).await?;
        table.add_rates("P20", "debits, 16 tasks, captured in groups", ours, raw, "≥ 0.3 / 0.6");
    }
    if options.wants("debit-alone") {
        let (ours, raw) =
            duel(options, &market, DEBIT, async || debits_alone(options, &market).await).await?;
        table.add_rates("P20", "debits, 16 tasks, a commit each", ours, raw, "≥ 0.3 / 0.6");
    }
    if options.wants("pairs") {
        let ours = async || pairs(options.time(), &market, TASKS, market.accounts).await;
        let (ours, raw) = duel(options, &market, RESERVE_AND_SETTLE, ours).await?;
        table.add_rates("P21", "reserve + settle, 16 tasks", ours, raw, "≥ 0.3 / 0.6");
    }
    if options.wants("grouped") {
        let ours = async || hundreds(options, &market).await;
        let (ours, raw) = duel(options, &market, GROUPED, ours).await?;
        let (ours, raw) = (ours * u64::from(ENTRIES_A_CALL) * GROUP as u64, raw * GROUP as u64);
        table.add_rates("P22", "entries, 100 captures a commit", ours, raw, "– / 5000/s");
    }
    if options.wants("reserve") {
        let ours = async || reservations(options, &market).await;
        let (ours, raw) = runs(options, &market, RESERVE, ours).await?;
        table.add_latencies("P23", "reserve, 16 tasks, p50 · p99", &ours, &raw, "≤ 5 · 30 / 3 · 12 ms");
        table.add_rates("", "the same, a second", ours.per_second(), raw.per_second(), "–");
    }
    if options.wants("shared") {
        let ours = async || pairs(options.time(), &market, 2 * TASKS, 100).await;
        let (ours, raw) = duel(options, &market, RESERVE_AND_SETTLE, ours).await?;
        table.add_rates("P6", "reserve + settle, 32 tasks, 100 accounts", ours, raw, "≥ 0.17 / 0.33");
    }
    if options.wants("one-account") {
        let ours = async || pairs(options.time(), &market, TASKS, 1).await;
        let (ours, raw) = duel(options, &market, ONE_ACCOUNT, ours).await?;
        table.add_rates("P7", "reserve + settle, 16 tasks, one account", ours, raw, "≥ 150/s / 350/s");
    }
    Ok(())
}

/// Opens every connection and plans every statement before the first measurement, for tables that are no longer empty.
pub async fn warm(options: &Options, market: &Arc<Market>) -> Result<()> {
    pairs(WARMING, market, TASKS, market.accounts).await?;
    RESERVE_AND_SETTLE.run(options, market)?;
    market.tell("vacuum analyze").await?;
    pairs(WARMING, market, TASKS, market.accounts).await.map(drop)
}

/// The bare machine and ours in turn; the median of each.
pub async fn runs(
    options: &Options,
    market: &Market,
    raw: Script,
    mut ours: impl AsyncFnMut() -> Result<Load>,
) -> Result<(Load, Load)> {
    let (mut our_runs, mut raw_runs) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        raw_runs.push(raw.run(options, market)?);
        our_runs.push(ours().await?);
    }
    Ok((median(our_runs), median(raw_runs)))
}

/// The same, as rates.
pub async fn duel(
    options: &Options,
    market: &Market,
    raw: Script,
    ours: impl AsyncFnMut() -> Result<Load>,
) -> Result<(u64, u64)> {
    let (ours, raw) = runs(options, market, raw, ours).await?;
    Ok((ours.per_second(), raw.per_second()))
}

/// Calls that are waiting to be captured.
type Open = Arc<Mutex<VecDeque<CallId>>>;

async fn open(options: &Options, market: &Market) -> Result<Open> {
    let seconds = i64::try_from(options.time().as_secs())?;
    Ok(Arc::new(Mutex::new(
        market.open_calls(seconds * CALLS_A_SECOND, market.accounts.min(10_000)).await?.into(),
    )))
}

fn take(open: &Open, count: usize) -> Vec<Capture> {
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    let count = count.min(open.len());
    open.drain(..count).map(used).collect()
}

/// Calls that are captured as the engine does it: whatever waits, in one commit.
pub async fn debits_in_groups(options: &Options, market: &Arc<Market>) -> Result<Load> {
    let (open, db) = (open(options, market).await?, market.db.clone());
    drive(TASKS, options.time(), move || {
        let (db, next) = (db.clone(), take(&open, 1).pop());
        async move {
            let Some(next) = next else { return Ok(false) };
            settle(&db, &next).await?;
            Ok(true)
        }
    })
    .await
}

async fn debits_alone(options: &Options, market: &Arc<Market>) -> Result<Load> {
    let (open, db) = (open(options, market).await?, market.db.clone());
    drive(TASKS, options.time(), move || {
        let (db, next) = (db.clone(), take(&open, 1).pop());
        async move {
            let Some(next) = next else { return Ok(false) };
            capture(&db, &next).await?;
            Ok(true)
        }
    })
    .await
}

/// One writer, as each server has, with a hundred captures each time.
async fn hundreds(options: &Options, market: &Arc<Market>) -> Result<Load> {
    let (open, db) = (open(options, market).await?, market.db.clone());
    drive(1, options.time(), move || {
        let (db, next) = (db.clone(), take(&open, GROUP));
        async move { Ok(next.len() == GROUP && capture_many(&db, &next).await?.len() == GROUP) }
    })
    .await
}

pub async fn reservations(options: &Options, market: &Arc<Market>) -> Result<Load> {
    let market = Arc::clone(market);
    drive(TASKS, options.time(), move || {
        let market = Arc::clone(&market);
        async move { market.reserve(market.accounts).await.map(|_| true) }
    })
    .await
}

/// Whole calls but for the vendor: set aside, then captured in a group.
async fn pairs(time: Duration, market: &Arc<Market>, tasks: usize, among: u64) -> Result<Load> {
    let market = Arc::clone(market);
    drive(tasks, time, move || {
        let market = Arc::clone(&market);
        async move {
            let call = market.reserve(among).await?;
            settle(&market.db, &used(call)).await?;
            Ok(true)
        }
    })
    .await
}
