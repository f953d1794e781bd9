//! What only the whole program has: one account that everybody calls from, refusals, memory after long use, a cold start.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::calls;
use crate::client::Target;
use crate::latency::Latencies;
use crate::options::Options;
use crate::process::Process;
use crate::relay::Measured;
use crate::steady::{self, CONNECTIONS};
use crate::table::{Table, rate, time};
use crate::upstream::AT_ONCE;

/// Calls between two looks at the memory.
const LONG_USE: usize = 100_000;
const STARTS: usize = 5;

pub async fn measure(measured: &Measured, options: &Options, table: &mut Table) -> Result<()> {
    if options.wants("one") {
        let mut gateway = measured.gateway.clone();
        gateway.keys.truncate(1);
        steady::saturate(&gateway, steady::WARMING).await?;
        let (begun, done) = (Instant::now(), steady::saturate(&gateway, options.time()).await?);
        let rate = rate(done.len(), begun.elapsed());
        table.add(
            &format!("{CONNECTIONS} connections, one account"),
            "–".into(),
            rate,
            "–".into(),
            "≥ 350/s",
        );
    }
    if options.wants("refusals") {
        let (ours, model) = (measured.gateway.keys.clone(), measured.gateway.model);
        let refused = [
            ("a bad key", 401, vec!["mk-none".to_owned()], model),
            ("an unknown model", 404, ours, "openai/none"),
            ("no money", 402, vec![calls::broke(measured.gateway.address).await?], model),
        ];
        for (what, status, keys, model) in refused {
            let target = Target { keys, model, ..measured.gateway.clone() };
            refuse(what, status, &target, options, table).await?;
        }
    }
    if options.wants("memory") {
        remember(measured, table).await?;
    }
    Ok(())
}

/// A second process on the same books, again and again: how long until it has answered a call.
pub async fn start(
    measured: &Measured,
    upstream: &Process,
    options: &Options,
    table: &mut Table,
) -> Result<()> {
    if !options.wants("start") {
        return Ok(());
    }
    let mut took = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begun = Instant::now();
        let process = calls::again(options, upstream.address)?;
        let target = Target { address: process.address, ..measured.gateway.clone() };
        let request = target.request(AT_ONCE, false, 0);
        loop {
            let answered = match target.connect().await {
                Ok(mut connection) => connection.ask(&request).await,
                Err(cause) => Err(cause),
            };
            match answered {
                Ok(()) => break,
                Err(cause) if begun.elapsed() > Duration::from_secs(30) => return Err(cause),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        took.push(begun.elapsed());
    }
    let median = took.into_iter().collect::<Latencies>().percentile(50);
    table.add("start to first answered call", "–".into(), time(median), "–".into(), "≤ 500 ms");
    Ok(())
}

/// One after the other, then from all connections at once.
async fn refuse(
    what: &str,
    status: u16,
    target: &Target,
    options: &Options,
    table: &mut Table,
) -> Result<()> {
    let mut connection = target.connect().await?;
    let mut took = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < options.time() / 4 {
        let asked = Instant::now();
        connection.refused(&target.request(AT_ONCE, false, 0), status).await?;
        took.push(asked.elapsed());
    }
    let median = took.into_iter().collect::<Latencies>().percentile(50);
    let (begun, time_of_all) = (Instant::now(), options.time() / 4);
    let mut asking = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let target = target.clone();
        asking.spawn(async move {
            let (mut connection, mut done) = (target.connect().await?, 0_usize);
            while begun.elapsed() < time_of_all {
                connection.refused(&target.request(AT_ONCE, false, done), status).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let done: Vec<usize> = asking.join_all().await.into_iter().collect::<Result<_>>()?;
    let all = rate(done.into_iter().sum(), begun.elapsed());
    table.add(&format!("refused for {what} p50"), "–".into(), time(median), "–".into(), "≤ 1 ms");
    table.add(&format!("refused for {what}"), "–".into(), all, "–".into(), "≥ 8,000/s");
    Ok(())
}

/// What it takes of the machine after all that went before, and after a hundred thousand calls more.
async fn remember(measured: &Measured, table: &mut Table) -> Result<()> {
    let before = measured.process.memory_kib()?;
    let mut done = 0;
    while done < LONG_USE {
        done += steady::saturate(&measured.gateway, Duration::from_secs(5)).await?.len();
    }
    let after = measured.process.memory_kib()?;
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    table.add("memory before long use", "–".into(), mib(before), "–".into(), "≤ 80 MiB");
    table.add("memory after 100,000 calls more", "–".into(), mib(after), "–".into(), "≤ 5 MiB more");
    Ok(())
}
