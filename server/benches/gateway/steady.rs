//! Calls answered in one piece: at a steady hundred a second, and as many as can be.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::client::{Connection, Target};
use crate::latency::Latencies;
use crate::least::Least;
use crate::options::Options;
use crate::relay::Measured;
use crate::table::{Table, rate, time};
use crate::upstream::AT_ONCE;

const PER_SECOND: u64 = 100;
pub const CONNECTIONS: usize = 32;
/// What comes first pays for what is made once.
pub const WARMING: Duration = Duration::from_secs(1);

pub async fn measure(measured: &Measured, options: &Options, table: &mut Table) -> Result<()> {
    if options.wants("steady") {
        // Before and after, since the machine changes within a minute.
        let mut least = Least::open(measured.database.as_deref()).await?;
        least.measure(PER_SECOND, WARMING).await?;
        let before = least.measure(PER_SECOND, options.time() / 2).await?.percentile(50);
        alternate(measured, WARMING).await?;
        let cpu = measured.process.cpu()?;
        let (direct, gateway) = alternate(measured, options.time()).await?;
        let (cpu, done) = (measured.process.cpu()? - cpu, gateway.len());
        let wanted = measured.wanted.steady;
        for (hundredth, wanted) in [50, 90, 99].into_iter().zip(wanted) {
            let (direct, gateway) = (direct.percentile(hundredth), gateway.percentile(hundredth));
            table.add_times(&format!("{PER_SECOND}/s p{hundredth}"), direct, gateway, wanted);
        }
        let each = time(cpu / u32::try_from(done)?.max(1));
        table.add(&format!("{PER_SECOND}/s CPU a request"), "–".into(), each, "–".into(), "–");
        let after = least.measure(PER_SECOND, options.time() / 2).await?.percentile(50);
        if measured.database.is_some() {
            let least = (before + after) / 2;
            let added = gateway.percentile(50).saturating_sub(direct.percentile(50));
            let times = format!("{:.2} times", added.as_secs_f64() / least.as_secs_f64());
            table.add(
                &format!("{PER_SECOND}/s p50 of the least ledger"),
                "–".into(),
                time(least),
                times,
                "–",
            );
        }
    }
    if options.wants("saturated") {
        saturate(&measured.gateway, WARMING).await?;
        let direct = saturate(&measured.direct, options.time() / 2).await?;
        let (cpu, beneath) = (measured.process.cpu()?, measured.beneath()?);
        let begun = Instant::now();
        let done = saturate(&measured.gateway, options.time()).await?.len();
        let took = begun.elapsed();
        let (cpu, beneath) = (measured.process.cpu()? - cpu, measured.beneath()?.saturating_sub(beneath));
        let each = |cpu: Duration| anyhow::Ok(time(cpu / u32::try_from(done)?.max(1)));
        let name = format!("{CONNECTIONS} connections");
        let direct = rate(direct.len(), options.time() / 2);
        table.add(&name, direct, rate(done, took), "–".into(), measured.wanted.saturated[0]);
        let wanted = measured.wanted.saturated[1];
        table.add(&format!("{name} CPU a request"), "–".into(), each(cpu)?, "–".into(), wanted);
        if beneath > Duration::ZERO {
            let wanted = measured.wanted.saturated[2];
            let name = format!("{name} CPU a request with PostgreSQL");
            table.add(&name, "–".into(), each(cpu + beneath)?, "–".into(), wanted);
        }
    }
    Ok(())
}

/// Calls at a steady pace whether or not the last ones are answered, one way and the other in turn.
async fn alternate(measured: &Measured, time: Duration) -> Result<(Latencies, Latencies)> {
    let targets = [&measured.direct, &measured.gateway].map(|target| Arc::new(target.clone()));
    let idle: [Arc<Mutex<Vec<Connection>>>; 2] = Default::default();
    let mut calls = JoinSet::new();
    let mut ticks = interval(Duration::from_micros(1_000_000 / PER_SECOND / 2));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    for turn in 0.. {
        ticks.tick().await;
        if begun.elapsed() > time {
            break;
        }
        let way = turn % 2;
        let (target, idle) = (Arc::clone(&targets[way]), Arc::clone(&idle[way]));
        calls.spawn(async move {
            let request = target.request(AT_ONCE, false, turn / 2);
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match free {
                Some(connection) => connection,
                None => target.connect().await?,
            };
            let asked = Instant::now();
            connection.ask(&request).await?;
            let took = asked.elapsed();
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            anyhow::Ok((way, took))
        });
    }
    let done: Vec<_> = calls.join_all().await.into_iter().collect::<Result<_>>()?;
    let of = |wanted: usize| done.iter().filter(|(way, _)| *way == wanted).map(|(_, took)| *took).collect();
    Ok((of(0), of(1)))
}

/// Each connection asks again as soon as it is answered.
pub async fn saturate(target: &Target, time: Duration) -> Result<Latencies> {
    let begun = Instant::now();
    let mut asking = JoinSet::new();
    for place in 0..CONNECTIONS {
        let target = target.clone();
        asking.spawn(async move {
            let mut connection = target.connect().await?;
            let mut took = Vec::new();
            for turn in (place..).step_by(CONNECTIONS) {
                let asked = Instant::now();
                if asked - begun > time {
                    break;
                }
                connection.ask(&target.request(AT_ONCE, false, turn)).await?;
                took.push(asked.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let took: Vec<_> = asking.join_all().await.into_iter().collect::<Result<_>>()?;
    Ok(took.into_iter().flatten().collect())
}
