//! Failures F22 and F23: the wire to the database breaks after a commit whose answer nobody hears, or is slow.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::kills::mixed;
use crate::support::{Ended, Fleet, Order, Pace, Seen, Trouble, dice, sized};

/// What changes the books. Whether it happened is unknown when its answer is lost.
const CHANGING: [&str; 3] = ["ledger.reserve", "ledger.capture", "ledger.checkpoint"];
const BROKEN_PERCENT: u64 = 30;
const BREAKS_MIN: usize = 10;
const AT_ONCE: usize = 16;
/// What a client waits before it sends the same request again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const TRIES_MAX: usize = 60;
const HOLDS_CLOSED_MAX: Duration = Duration::from_secs(45);

const LATE: Duration = Duration::from_secs(2);
const CROWD: usize = 64;
/// Waiting for two connections, and for two answers on them.
const TOLD_AFTER_MAX: Duration = Duration::from_secs(20);
const RECOVERED_MAX: Duration = Duration::from_secs(15);

/// Asks as a careful client does: the same request under the same key until it is known what became of it.
async fn ask_until_known(fleet: &Fleet, key: &str, order: &Order, dice: &mut StdRng) -> Vec<Seen> {
    let mut seen = Vec::new();
    for _ in 0..TRIES_MAX {
        let at = dice.random_range(0..fleet.servers.len());
        let answer = order.ask(&fleet.client, (at, &fleet.servers[at].base), key).await;
        let is_known = match (answer.status, answer.code.as_deref()) {
            (503, _) | (409, Some("in_progress")) => false,
            (200, _) | (409, Some("interrupted")) => true,
            _ => panic!("{answer:#?}"),
        };
        seen.push(answer);
        if is_known {
            return seen;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    panic!("nobody knows what became of this: {seen:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_charges_nobody_twice() {
    let mut dice = dice("lost answers");
    let wire_dice = StdRng::seed_from_u64(dice.random());
    let (fleet, wire) = Fleet::open_over_wire(Pace::Realistic, &CHANGING, wire_dice).await;
    let probe = fleet.probe();
    let buyer = fleet.buyer(0).await;
    buyer.pay_in(sized("200.00", "5000.00")).await;
    wire.trouble(Trouble::Breaking(BROKEN_PERCENT));
    let orders: Vec<(Order, StdRng)> = (0..sized(60, 2_000))
        .map(|at| {
            let order = Order { once: Some(format!("order-{at}")), ..mixed(&mut dice) };
            (order, StdRng::seed_from_u64(dice.random()))
        })
        .collect();
    let count = orders.len();
    let asking = orders.into_iter().map(|(order, mut dice)| {
        let (fleet, key) = (&fleet, &buyer.key);
        async move { ask_until_known(fleet, key, &order, &mut dice).await }
    });
    let seen: Vec<Vec<Seen>> = futures_util::stream::iter(asking).buffer_unordered(AT_ONCE).collect().await;
    wire.trouble(Trouble::None);
    let closed_after = fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    for tries in &seen {
        let calls: HashSet<&str> = tries.iter().filter_map(|one| one.call_id.as_deref()).collect();
        assert_eq!(calls.len(), 1, "one request was several calls: {tries:#?}");
    }
    let looked = probe.finish().await;
    let again = seen.iter().filter(|tries| tries.len() > 1).count();
    let interrupted = seen.iter().filter(|tries| tries.last().is_some_and(|last| last.status == 409)).count();
    eprintln!(
        "{count} requests, {} commits whose answer was lost, {again} asked again, {interrupted} were broken off; nothing held {closed_after:.1?} after; {} probes, 0 wrong",
        wire.breaks(),
        looked.taken
    );
    assert!(wire.breaks() >= BREAKS_MIN, "only {} answers were lost", wire.breaks());
    assert_eq!(
        fleet.count("select count(*) from hold").await as usize,
        count,
        "a request was held for twice"
    );
    let twice = "select count(*) from (select from ledger_tx where kind = 'usage' group by call_id having count(*) > 1) as t";
    assert_eq!(fleet.count(twice).await, 0, "a call was charged twice");
    let made: Vec<Seen> =
        seen.into_iter().flatten().filter(|one| one.status == 200 && !one.is_repeated).collect();
    fleet.judge(&made).await;
}

/// Many calls at once, a third at each server.
async fn crowd(fleet: &Arc<Fleet>, key: &str) -> Vec<Seen> {
    let order = Order::of("openai/gpt-5-mini", "Is anybody there?", "instant");
    let asked = (0..CROWD).map(|at| {
        let at = at % fleet.servers.len();
        order.ask(&fleet.client, (at, &fleet.servers[at].base), key)
    });
    futures_util::future::join_all(asked).await
}

/// Until every server serves again, one call after the other.
async fn recover(fleet: &Fleet, key: &str) -> (Vec<Seen>, Duration) {
    let (order, begun) = (Order::of("openai/gpt-5-mini", "And now?", "instant"), Instant::now());
    let mut seen = Vec::new();
    for (at, server) in fleet.servers.iter().enumerate() {
        loop {
            let answer = order.ask(&fleet.client, (at, &server.base), key).await;
            let is_served = answer.status == 200 && answer.ended == Ended::Whole;
            seen.push(answer);
            if is_served {
                break;
            }
            assert!(begun.elapsed() < RECOVERED_MAX, "{} does not recover: {seen:#?}", server.base);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    (seen, begun.elapsed())
}

#[ignore = "takes a minute: MERCATO_RACES=full cargo nextest run -p server --test races --run-ignored all"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_database_turns_callers_away_and_recovers() {
    let wire_dice = dice("a slow database");
    let (fleet, wire) = Fleet::open_over_wire(Pace::Realistic, &CHANGING, wire_dice).await;
    let probe = fleet.probe();
    let buyer = fleet.buyer(0).await;
    buyer.pay_in("50.00").await;
    let mut seen = Vec::new();
    for _ in 0..sized(1, 5) {
        wire.trouble(Trouble::Slow(LATE));
        let slow = crowd(&fleet, &buyer.key).await;
        wire.trouble(Trouble::None);
        let served = slow.iter().filter(|call| call.status == 200).count();
        let refused: Vec<&Seen> = slow.iter().filter(|call| call.status == 503).collect();
        assert_eq!(served + refused.len(), CROWD, "{slow:#?}");
        assert!(!refused.is_empty(), "nobody was turned away from a database that is {LATE:?} late");
        let slowest =
            refused.iter().filter_map(|call| Some(call.answered_at? - call.asked_at)).max().unwrap();
        assert!(slowest <= TOLD_AFTER_MAX, "somebody waited {slowest:?} for a refusal");
        let (after, recovered) = recover(&fleet, &buyer.key).await;
        eprintln!(
            "a database {LATE:?} late: of {CROWD} at once {served} served, {} turned away, the slowest after {slowest:.1?}; well again after {recovered:.1?}",
            refused.len()
        );
        seen.extend(slow);
        seen.extend(after);
    }
    // Every connection that was in use meanwhile must be as good as new.
    let after = crowd(&fleet, &buyer.key).await;
    assert!(after.iter().all(|call| call.status == 200 && call.ended == Ended::Whole), "{after:#?}");
    seen.extend(after);
    fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let looked = probe.finish().await;
    eprintln!("{} probes of the books, {} missed, 0 wrong", looked.taken, looked.missed);
    fleet.judge(&seen).await;
}
