//! What becomes slower as the ledger grows: section 9 of the goals. Each size is compared with the smallest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use chrono::{Days, Utc};
use sqlx::Connection as _;
use store::books::check_recent;
use store::known_key::{Wanted, find_known};
use store::ledger::{capture_many, get_balance, list_lines};
use store::overview::get_overview;
use store::spending::list_spent;

use crate::load::{Load, drive};
use crate::market::{Market, used};
use crate::moves::{ENTRIES_A_CALL, debits_in_groups, duel, reservations, warm};
use crate::options::Options;
use crate::pgbench::{DEBIT, RESERVE};
use crate::table::{Table, micros, rate, ratio, time};

const ACCOUNTS: i64 = 10_000;
const CHECKS: i64 = 5;
const NEW_CALLS: i64 = 1_000;
/// Who have a fifth of all calls, and the new ones: each has a whole page of them, whatever size the ledger had.
const BUSY_ACCOUNTS: u64 = 100;

struct OfSize {
    size: i64,
    /// Ours and the bare machine's, a second.
    moves: (u64, u64),
    /// What takes how long, with what is wanted of its growth.
    times: Vec<(&'static str, Duration, &'static str)>,
}

/// Ledgers of so many entries.
pub async fn of_entries(options: &Options, table: &mut Table) -> Result<()> {
    if !options.wants("entries") {
        return Ok(());
    }
    let mut sizes = Vec::new();
    for &entries in &options.scale {
        let market = Market::with(options, ACCOUNTS, entries / i64::from(ENTRIES_A_CALL)).await?;
        warm(options, &market).await?;
        let debits = async || debits_in_groups(options, &market).await;
        let moves = duel(options, &market, DEBIT, debits).await?;
        let checked = check_what_is_new(&market).await?;
        let times = vec![
            ("running check of 1,000 new calls", checked, "constant"),
            ("read a balance", balances(options, &market).await?.percentile(50), "constant"),
            ("last 50 lines of a busy account", last_pages(options, &market).await?.percentile(50), "≤ 2"),
            ("30 days of a busy account", days(options, &market).await?, "≤ 1.5"),
            ("operator's overview", overview(&market).await?, "–"),
        ];
        sizes.push(OfSize { size: entries, moves, times });
    }
    show(table, "entries", "debits, against the bare machine", "≥ 0.7", &sizes);
    Ok(())
}

/// Markets with so many accounts and keys.
pub async fn of_accounts(options: &Options, table: &mut Table) -> Result<()> {
    if !options.wants("accounts") {
        return Ok(());
    }
    let mut sizes = Vec::new();
    for &accounts in &options.accounts {
        let market = Market::with(options, accounts, 0).await?;
        warm(options, &market).await?;
        let reserve = async || reservations(options, &market).await;
        let moves = duel(options, &market, RESERVE, reserve).await?;
        let times = vec![("find the owner of a key", owners(options, &market).await?, "≤ 1 ms more")];
        sizes.push(OfSize { size: accounts, moves, times });
    }
    show(table, "accounts", "reservations, against the bare machine", "constant", &sizes);
    Ok(())
}

fn show(table: &mut Table, of: &str, moves: &str, wanted: &str, sizes: &[OfSize]) {
    let Some(least) = sizes.first() else { return };
    for size in sizes {
        let number = size.size;
        // How ours stands to the bare machine of the same minute, against how it stood in the smallest.
        let change = ratio(size.moves.0 * least.moves.1, least.moves.0 * size.moves.1);
        let (ours, raw) = (rate(size.moves.0), rate(size.moves.1));
        table.add("9", &format!("{moves}, {number} {of}"), ours, raw, change, wanted);
        for ((what, time_now, wanted), (_, time_then, _)) in size.times.iter().zip(&least.times) {
            let (ours, then) = (time(*time_now), time(*time_then));
            let change = ratio(micros(*time_now), micros(*time_then));
            table.add("9", &format!("{what}, {number} {of}"), ours, then, change, wanted);
        }
    }
}

async fn balances(options: &Options, market: &Arc<Market>) -> Result<Load> {
    let market = Arc::clone(market);
    drive(1, options.time(), move || {
        let market = Arc::clone(&market);
        async move {
            get_balance(&market.db, market.some_account(market.accounts)).await?;
            Ok(true)
        }
    })
    .await
}

async fn last_pages(options: &Options, market: &Arc<Market>) -> Result<Load> {
    let market = Arc::clone(market);
    drive(1, options.time(), move || {
        let market = Arc::clone(&market);
        async move {
            list_lines(&market.db, market.some_account(BUSY_ACCOUNTS), None, 50).await?;
            Ok(true)
        }
    })
    .await
}

async fn owners(options: &Options, market: &Arc<Market>) -> Result<Duration> {
    let market = Arc::clone(market);
    let found = drive(1, options.time(), move || {
        let market = Arc::clone(&market);
        async move {
            let digest = market.some_number(market.accounts).to_be_bytes().repeat(4);
            Ok(find_known(&market.db, &digest, Wanted::default()).await?.0.is_ok())
        }
    });
    Ok(found.await?.percentile(50))
}

async fn days(options: &Options, market: &Arc<Market>) -> Result<Duration> {
    let market = Arc::clone(market);
    let until = Utc::now().date_naive() + Days::new(1);
    let read = drive(1, options.time(), move || {
        let market = Arc::clone(&market);
        async move {
            list_spent(&market.db, market.some_account(BUSY_ACCOUNTS), until - Days::new(30), until).await?;
            Ok(true)
        }
    });
    Ok(read.await?.percentile(50))
}

async fn overview(market: &Market) -> Result<Duration> {
    let begun = Instant::now();
    get_overview(&market.db).await?;
    Ok(begun.elapsed())
}

/// How long the running check takes that has little to look at: a thousand new calls, and what was written in the
/// minute before, which it reads again. The middle of several checks.
async fn check_what_is_new(market: &Market) -> Result<Duration> {
    // Whatever was made until now, however much that is.
    let mut root = market.root().await?;
    sqlx::query("select ledger.check_recent()").execute(&mut root).await?;
    root.close().await?;
    let mut times = Vec::new();
    for _ in 0..CHECKS {
        let calls = market.open_calls(NEW_CALLS, BUSY_ACCOUNTS).await?;
        for group in calls.chunks(100) {
            let used: Vec<_> = group.iter().copied().map(used).collect();
            capture_many(&market.db, &used).await?;
        }
        let begun = Instant::now();
        let broken = check_recent(&market.db).await?.context("nobody else checks here")?;
        ensure!(broken.is_empty(), "the books that were made do not balance: {broken:?}");
        times.push(begun.elapsed());
    }
    Ok(Load::new(Duration::ZERO, times).percentile(50))
}
