//! Goal M1: many calls at once never spend more than there is, however many servers they go through.
//!
//! Every call is capped at two cents and its vendor claims ten times the truth, so each costs exactly its hold:
//! nothing is given back that a later call could spend, and the number of successes does not depend on timing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use tokio::sync::Barrier;

use crate::support::{Buyer, Ended, Fleet, Order, Pace, Seen, Truth, sized};

const CLIENTS: usize = 64;
/// One dollar buys this many.
const DOLLAR_CALLS: usize = 50;
const CALL_NANOS: i64 = 20_000_000;
const AFFORDED: [usize; 3] = [1, 7, 50];
const MODELS: [&str; 2] = ["openai/gpt-6-astra", "anthropic/claude-fable-5-1"];
const KEY_ROUNDS_SHORT: usize = 1;
const ROUNDS_FULL: usize = 20;
const OVERLAPPING_PERCENT_MIN: usize = 90;
const LOOK_EVERY: Duration = Duration::from_millis(10);
const HOLDS_CLOSED_MAX: Duration = Duration::from_secs(45);

fn two_cents(model: &str, text: &str) -> Order {
    Order { max_cost: Some("0.02"), ..Order::of(model, text, "huge-usage") }
}

fn story(model: &str) -> Order {
    two_cents(model, "Tell me a story.")
}

/// Lets clients go at the same moment, a third at each server.
async fn race(fleet: &Arc<Fleet>, key: &str, order: &Order, clients: usize) -> Vec<Seen> {
    let start = Arc::new(Barrier::new(clients));
    let racers = (0..clients).map(|racer| {
        let (fleet, start, order, key) = (fleet.clone(), start.clone(), order.clone(), key.to_owned());
        tokio::spawn(async move {
            let at = racer % fleet.servers.len();
            start.wait().await;
            order.ask(&fleet.client, (at, &fleet.servers[at].base), &key).await
        })
    });
    futures_util::future::join_all(racers).await.into_iter().map(Result::unwrap).collect()
}

/// Watches the least that any wallet has left, until it is told to stop.
fn watch(db: PgPool, is_over: Arc<AtomicBool>) -> tokio::task::JoinHandle<(i64, usize)> {
    tokio::spawn(async move {
        let (mut least, mut looks) = (i64::MAX, 0);
        while !is_over.load(Relaxed) {
            let left = "select min(least(posted, posted - held)) from wallet";
            let left: Option<i64> = sqlx::query_scalar(left).fetch_one(&db).await.unwrap();
            least = least.min(left.unwrap_or(i64::MAX));
            looks += 1;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        (least, looks)
    })
}

/// Exactly `afforded` succeed, the others are refused before a vendor hears of them, and all of that at once.
async fn assert_exactly(
    fleet: &Arc<Fleet>,
    key: &str,
    afforded: usize,
    order: &Order,
    name: &str,
) -> Vec<Seen> {
    let before = fleet.truth();
    let seen = race(fleet, key, order, CLIENTS).await;
    let served = seen.iter().filter(|call| call.status == 200 && call.ended == Ended::Whole).count();
    let refused = seen.iter().filter(|call| call.status == 402).count();
    assert_eq!((served, refused), (afforded, CLIENTS - afforded), "{name}: {seen:#?}");
    let truth = fleet.truth();
    let heard: Vec<&Truth> =
        truth.iter().filter(|(call, _)| !before.contains_key(*call)).map(|(_, record)| record).collect();
    assert_eq!(heard.len(), afforded, "{name}: the vendor heard of other calls");
    let at_once = Truth::at_once_most(&heard);
    let last_asked = seen.iter().map(|call| call.asked_at).max().unwrap();
    let waiting = seen.iter().filter(|call| call.answered_at.is_some_and(|at| at > last_asked)).count();
    eprintln!(
        "{name:<34} {served:>3} served {refused:>3} refused  {at_once:>3} at once, {waiting} of {CLIENTS} asked before the first answer"
    );
    assert!(at_once * 100 >= afforded * OVERLAPPING_PERCENT_MIN, "{name}: only {at_once} calls were at once");
    assert!(waiting * 100 >= CLIENTS * OVERLAPPING_PERCENT_MIN, "{name}: only {waiting} clients raced");
    for call in seen.iter().filter(|call| call.status == 200) {
        assert_eq!(call.told_hold.as_deref(), Some("20000000"), "{name}: a call did not hold two cents");
    }
    seen
}

/// Leaves the buyer with what so many calls cost.
async fn leave_for(fleet: &Arc<Fleet>, buyer: &Buyer, calls: usize, model: &str) -> Vec<Seen> {
    buyer.pay_in("1.00").await;
    let spent =
        race(fleet, &buyer.key, &two_cents(model, "Why are there tides?"), DOLLAR_CALLS - calls).await;
    assert!(spent.iter().all(|call| call.ended == Ended::Whole), "{spent:#?}");
    assert_eq!(buyer.available().await, calls as i64 * CALL_NANOS);
    spent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_affords_k_calls_makes_exactly_k() {
    let fleet = Arc::new(Fleet::open(Pace::Realistic).await);
    let (probe, is_over) = (fleet.probe(), Arc::new(AtomicBool::new(false)));
    let watching = watch(fleet.db.clone(), is_over.clone());
    let buyer = fleet.buyer(0).await;
    let mut calls = Vec::new();
    for afforded in AFFORDED {
        for round in 0..sized(2, ROUNDS_FULL) {
            let model = MODELS[round % MODELS.len()];
            calls.extend(leave_for(&fleet, &buyer, afforded, model).await);
            let name = format!("wallet for {afforded}, round {round}");
            calls.extend(assert_exactly(&fleet, &buyer.key, afforded, &story(model), &name).await);
            assert_eq!(buyer.available().await, 0);
        }
    }
    fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    is_over.store(true, Relaxed);
    let (least, looks) = watching.await.unwrap();
    assert!(least >= 0, "a wallet was at {least}");
    let looked = probe.finish().await;
    eprintln!("never below {least} in {looks} looks; {} probes of the books, 0 wrong", looked.taken);
    fleet.judge(&calls).await;
}

/// Asks at one server again and again until it is refused.
async fn spend(fleet: Arc<Fleet>, key: String, at: usize) -> Vec<Seen> {
    let order = story(MODELS[0]);
    let mut calls = Vec::new();
    loop {
        let seen = order.ask(&fleet.client, (at, &fleet.servers[at].base), &key).await;
        let is_refused = seen.status == 402;
        calls.push(seen);
        if is_refused {
            return calls;
        }
    }
}

/// Each server sets money aside for the next call of these agents, and none may be missing for a call that is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_that_go_on_until_they_are_refused_spend_all_there_is() {
    let fleet = Arc::new(Fleet::open(Pace::Instant).await);
    let (probe, is_over) = (fleet.probe(), Arc::new(AtomicBool::new(false)));
    let watching = watch(fleet.db.clone(), is_over.clone());
    let mut calls = Vec::new();
    for round in 0..sized(2, ROUNDS_FULL) {
        let buyer = fleet.buyer(round % fleet.servers.len()).await;
        buyer.pay_in("1.00").await;
        let agents =
            (0..fleet.servers.len()).map(|at| tokio::spawn(spend(fleet.clone(), buyer.key.clone(), at)));
        let seen = futures_util::future::join_all(agents).await.into_iter().flat_map(Result::unwrap);
        let seen: Vec<Seen> = seen.collect();
        let served = seen.iter().filter(|call| call.status == 200 && call.ended == Ended::Whole).count();
        assert_eq!((served, buyer.available().await), (DOLLAR_CALLS, 0), "round {round}: {seen:#?}");
        calls.extend(seen);
    }
    fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    is_over.store(true, Relaxed);
    let (least, looks) = watching.await.unwrap();
    assert!(least >= 0, "a wallet was at {least}");
    let found = fleet.count("select count(*) from hold where surplus > 0").await;
    let looked = probe.finish().await;
    eprintln!(
        "{found} of {} calls found their hold made; never below {least} in {looks} looks; {} probes, 0 wrong",
        calls.len(),
        looked.taken
    );
    assert!(found > 0, "no call found its hold made, so this test says nothing");
    fleet.judge(&calls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_whose_limit_affords_k_calls_makes_exactly_k() {
    let fleet = Arc::new(Fleet::open(Pace::Realistic).await);
    let probe = fleet.probe();
    let buyer = fleet.buyer(1).await;
    buyer.pay_in(sized("10.00", "100.00")).await;
    // Of more keys than the free plan allows.
    sqlx::query("update account set plan = 'enterprise'").execute(&fleet.db).await.unwrap();
    let mut calls = Vec::new();
    for afforded in AFFORDED {
        for round in 0..sized(KEY_ROUNDS_SHORT, ROUNDS_FULL) {
            let limit = (afforded as i64 * CALL_NANOS).to_string();
            let key = buyer.make_key(json!({ "name": "limited", "limit_nanos": limit })).await;
            let name = format!("key for {afforded}, round {round}");
            let order = story(MODELS[round % MODELS.len()]);
            calls.extend(assert_exactly(&fleet, &key, afforded, &order, &name).await);
        }
    }
    fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let spent = fleet
        .count("select coalesce(sum(spent_nanos), 0)::bigint from api_key where spent_nanos <> coalesce(limit_nanos, 0)");
    assert_eq!(spent.await, 0, "a key spent something else than its limit");
    probe.finish().await;
    fleet.judge(&calls).await;
}

/// What an account or a run has spent and still holds of its budget.
const BUDGETS_BESIDE_THEIR_LIMIT: &str =
    "select count(*) from budget where held_nanos <> 0 or spent_nanos <> limit_nanos";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_affords_k_calls_makes_exactly_k() {
    let fleet = Arc::new(Fleet::open(Pace::Realistic).await);
    let probe = fleet.probe();
    let (team, buyer) = (fleet.buyer(2).await, fleet.buyer(0).await);
    for buyer in [&team, &buyer] {
        buyer.pay_in(sized("10.00", "100.00")).await;
    }
    let (mut calls, mut team_limit) = (Vec::new(), 0);
    for afforded in AFFORDED {
        for round in 0..sized(KEY_ROUNDS_SHORT, ROUNDS_FULL) {
            let model = MODELS[round % MODELS.len()];
            // The account's budget goes on from what it has spent; each run has one of its own.
            team_limit += afforded as i64 * CALL_NANOS;
            team.limit(&fleet, team_limit).await;
            let name = format!("account budget for {afforded}, round {round}");
            calls.extend(assert_exactly(&fleet, &team.key, afforded, &story(model), &name).await);
            assert_eq!(fleet.count(BUDGETS_BESIDE_THEIR_LIMIT).await, 0, "{name}");
            let cents = 2 * afforded;
            let run = (format!("run-{afforded}-{round}"), format!("{}.{:02}", cents / 100, cents % 100));
            let order = Order { run: Some(run), ..story(model) };
            let name = format!("run for {afforded}, round {round}");
            calls.extend(assert_exactly(&fleet, &buyer.key, afforded, &order, &name).await);
            assert_eq!(fleet.count(BUDGETS_BESIDE_THEIR_LIMIT).await, 0, "{name}");
        }
    }
    fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let looked = probe.finish().await;
    eprintln!("every budget spent to the nano-dollar; {} probes of the books, 0 wrong", looked.taken);
    fleet.judge(&calls).await;
}
