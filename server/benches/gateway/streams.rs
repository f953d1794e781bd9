//! Streams: how much later the first token comes, how much wider the gaps are, and what an open one takes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Heard, Target};
use crate::latency::Latencies;
use crate::options::Options;
use crate::relay::Measured;
use crate::table::{Table, rate, time};
use crate::upstream::{BRIEF, LONG, tokens};

const MANY: usize = 500;
/// People do not all begin at the same moment: within a second, which is about as long as a brief stream lasts.
const BEGINNING: Duration = Duration::from_secs(1);
/// How many streams follow each other on a connection.
const AGAIN: usize = 3;

pub async fn measure(measured: &Measured, options: &Options, table: &mut Table) -> Result<()> {
    if options.wants("first") {
        for (streams, repeated) in [(10, 2), (100, 1)] {
            compare(measured, streams, options.rounds * repeated, table).await?;
        }
    }
    if options.wants("many") {
        many(measured, table).await?;
    }
    Ok(())
}

/// One way and the other in turn, so that both see the machine alike.
async fn compare(measured: &Measured, streams: usize, rounds: usize, table: &mut Table) -> Result<()> {
    let (mut direct, mut gateway) = (Vec::new(), Vec::new());
    listen(&measured.gateway, streams, BRIEF, 1).await?;
    let mut cpu = Duration::ZERO;
    for _ in 0..rounds {
        direct.extend(listen(&measured.direct, streams, BRIEF, AGAIN).await?);
        let before = measured.process.cpu()?;
        gateway.extend(listen(&measured.gateway, streams, BRIEF, AGAIN).await?);
        cpu += measured.process.cpu()? - before;
    }
    let first = |heard: &[Heard]| heard.iter().map(|heard| heard.first).collect::<Latencies>();
    let gap = |heard: &[Heard]| heard.iter().map(|heard| heard.widest_gap).collect::<Latencies>();
    for (of, name, hundredth, wanted) in [
        (first as fn(&[Heard]) -> Latencies, "first token", 50, measured.wanted.streams[0]),
        (first, "first token", 99, measured.wanted.streams[1]),
        (gap, "widest gap", 50, "–"),
        (gap, "widest gap", 99, measured.wanted.streams[2]),
    ] {
        let (direct, gateway) = (of(&direct).percentile(hundredth), of(&gateway).percentile(hundredth));
        table.add_times(&format!("{streams} streams {name} p{hundredth}"), direct, gateway, wanted);
    }
    let each = time(cpu / u32::try_from(gateway.len())?.max(1));
    table.add(&format!("{streams} streams CPU a stream of 40"), "–".into(), each, "–".into(), "≤ 4.3 ms");
    Ok(())
}

/// Five hundred people reading at once.
async fn many(measured: &Measured, table: &mut Table) -> Result<()> {
    let direct = listen(&measured.direct, MANY, LONG, 1).await?;
    let (idle, cpu) = (measured.process.memory_kib()?, measured.process.cpu()?);
    let begun = Instant::now();
    let listening = listen(&measured.gateway, MANY, LONG, 1);
    let looking = async {
        sleep(Duration::from_secs(8)).await;
        measured.process.memory_kib()
    };
    let (gateway, busy) = tokio::join!(listening, looking);
    let (gateway, took) = (gateway?, begun.elapsed());
    let (cpu, tokens) = (measured.process.cpu()? - cpu, gateway.iter().map(|heard| heard.tokens).sum());
    let each = busy?.saturating_sub(idle) / MANY as u64;
    let name = |what: &str| format!("{MANY} streams {what}");
    table.add(&name("memory a stream"), "–".into(), format!("{each} KiB"), "–".into(), "≤ 64 KiB");
    table.add(&name("tokens"), "–".into(), rate(tokens, took), "–".into(), "10,000/s offered");
    let share = cpu.as_micros() * 100 / took.as_micros().max(1);
    table.add(&name("CPU"), "–".into(), format!("{share} % of a core"), "–".into(), "–");
    let first = |heard: &[Heard]| heard.iter().map(|heard| heard.first).collect::<Latencies>();
    let gap = |heard: &[Heard]| heard.iter().map(|heard| heard.widest_gap).collect::<Latencies>();
    let (first_direct, first_gateway) = (first(&direct).percentile(99), first(&gateway).percentile(99));
    table.add_times(&name("first token p99"), first_direct, first_gateway, "≤ +150 ms");
    let (gap_direct, gap_gateway) = (gap(&direct).percentile(99), gap(&gateway).percentile(99));
    table.add_times(&name("widest gap p99"), gap_direct, gap_gateway, "–");
    Ok(())
}

/// So many streams at a time, and on each connection so many after each other.
async fn listen(target: &Target, streams: usize, pace: &'static str, times: usize) -> Result<Vec<Heard>> {
    let mut listening = JoinSet::new();
    for place in 0..streams {
        let target = target.clone();
        listening.spawn(async move {
            let mut connection = target.connect().await?;
            sleep(BEGINNING * u32::try_from(place)? / u32::try_from(streams)?).await;
            let (wanted, _) = tokens(pace);
            let mut all = Vec::new();
            for _ in 0..times {
                let heard = connection.listen(&target.request(pace, true, place)).await?;
                if heard.tokens != wanted as usize {
                    bail!("{} tokens were heard of {wanted}", heard.tokens);
                }
                all.push(heard);
            }
            anyhow::Ok(all)
        });
    }
    let heard: Vec<_> = listening.join_all().await.into_iter().collect::<Result<_>>()?;
    Ok(heard.into_iter().flatten().collect())
}
