//! Failure F21 and goal M7: the database itself is killed under load, and every acknowledged charge is still there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::kills::mixed;
use crate::support::{Cluster, Database, Fleet, Load, Order, Pace, Seen, dice, sized, turn};

const CLIENTS: usize = 16;
const HOLDS_CLOSED_MAX: Duration = Duration::from_secs(60);
/// Nobody who asks while the database is away waits longer than this for being told so.
const TOLD_AFTER_MAX: Duration = Duration::from_secs(6);

/// Every server says soon that it cannot sell anything now.
async fn ask_without_database(fleet: &Fleet, key: &str) -> Vec<Seen> {
    let order = Order::of("openai/gpt-5-mini", "Is anybody there?", "instant");
    let asked = (0..2 * fleet.servers.len()).map(|at| {
        let at = at % fleet.servers.len();
        order.ask(&fleet.client, (at, &fleet.servers[at].base), key)
    });
    let asked = futures_util::future::join_all(asked).await;
    assert!(asked.iter().all(|call| call.status == 503), "{asked:#?}");
    asked
}

#[ignore = "takes a minute: MERCATO_RACES=full cargo nextest run -p server --test races --run-ignored all"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_killed_forgets_nothing_it_acknowledged() {
    let mut dice = dice("outage");
    let turn = turn();
    let mut cluster = Cluster::make();
    let fleet = Fleet::open_on(Pace::Realistic, Database::create_on(cluster.url.clone()).await, turn).await;
    let fleet = Arc::new(fleet);
    let probe = fleet.probe();
    let buyer = fleet.buyer(0).await;
    buyer.pay_in("1000.00").await;
    let load = Load::start(&fleet, vec![buyer.key.clone()], CLIENTS, &mut dice, mixed);
    load.until_count(CLIENTS, Duration::from_secs(60)).await;
    let mut refused = Vec::new();
    for _ in 0..sized(1, 10) {
        tokio::time::sleep(Duration::from_millis(dice.random_range(1_000..3_000))).await;
        let open = fleet.count("select count(*) from hold where state = 'open'").await;
        cluster.kill();
        let since = Instant::now();
        let asked = ask_without_database(&fleet, &buyer.key).await;
        cluster.start();
        eprintln!("killed Postgres with {open} open holds; it was back after {:.1?}", since.elapsed());
        refused.extend(asked);
        load.until_count(load.count() + CLIENTS, Duration::from_secs(60)).await;
    }
    load.until_count(sized(60, 1_000), Duration::from_secs(3_600)).await;
    let calls = load.finish().await;
    let closed_after = fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let looked = probe.finish().await;
    let slowest = refused.iter().filter_map(|call| Some(call.answered_at? - call.asked_at)).max().unwrap();
    eprintln!(
        "{} calls, {} refused while Postgres was away, the slowest after {slowest:.1?}; nothing held {closed_after:.1?} after the load; {} probes, {} missed, 0 wrong",
        calls.len(),
        refused.len(),
        looked.taken,
        looked.missed
    );
    assert!(slowest <= TOLD_AFTER_MAX, "somebody waited {slowest:?} for a refusal");
    fleet.judge(&calls).await;
}
