//! Adding everything up again: the audit of a ledger with a million entries.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sqlx::Connection as _;
use store::books::{INVARIANTS, list_violations};

use crate::market::Market;
use crate::moves::ENTRIES_A_CALL;
use crate::options::Options;
use crate::table::{Table, micros, ratio, time};

/// Every wallet made anew from its entries in a scratch table and compared row by row.
const REBUILD: &str = "
    create temporary table rebuilt as
    select account_id, fund, sum(amount)::bigint as posted, max(wallet_version) as version
    from ledger_entry where account_id is not null group by account_id, fund;
    with there as (select account_id, fund, posted, version from wallet where version > 0)
    select 1 / (count(*) = 0)::integer
    from (
        (table there except table rebuilt) union all (table rebuilt except table there)
    ) as difference";

pub async fn measure(options: &Options, table: &mut Table) -> Result<()> {
    if !options.wants("replay") {
        return Ok(());
    }
    let market = Market::with(options, 10_000, options.replayed / i64::from(ENTRIES_A_CALL)).await?;
    let mut root = market.root().await?;
    let mut bare = Vec::new();
    let mut rebuilt = Vec::new();
    let mut checks = vec![Vec::new(); INVARIANTS.len()];
    for _ in 0..options.runs {
        let begun = Instant::now();
        let sums =
            "select count(*) from (select account, sum(amount) from ledger_entry group by account) as sums";
        sqlx::query(sums).execute(&mut root).await?;
        bare.push(begun.elapsed());
        let begun = Instant::now();
        sqlx::raw_sql(REBUILD).execute(&mut root).await?;
        rebuilt.push(begun.elapsed());
        sqlx::raw_sql("drop table rebuilt").execute(&mut root).await?;
        for (invariant, times) in INVARIANTS.iter().zip(&mut checks) {
            let begun = Instant::now();
            let broken = list_violations(&market.db, invariant, 10).await?;
            ensure!(broken.is_empty(), "the books that were made do not balance: {broken:?}");
            times.push(begun.elapsed());
        }
    }
    root.close().await?;
    let bare = median(bare);
    let mut add = |goal: &str, what: String, ours: Duration, wanted: &str| {
        table.add(goal, &what, time(ours), time(bare), ratio(micros(ours), micros(bare)), wanted);
    };
    let checks: Vec<Duration> = checks.into_iter().map(median).collect();
    let of = |names: &[&str]| -> Duration {
        INVARIANTS.iter().zip(&checks).filter(|(name, _)| names.contains(name)).map(|(_, time)| *time).sum()
    };
    let entries = options.replayed;
    let replay = format!("{entries} entries into balances and chains (I3, I6, I11)");
    add("P25", replay, of(&["I3", "I6", "I11"]), "≤ 60 / 10 s");
    add("", "all invariants, as `mercato ledger verify`".to_owned(), checks.iter().sum(), "–");
    add("M3", format!("wallets rebuilt from {entries} entries"), median(rebuilt), "– / 60 s");
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
