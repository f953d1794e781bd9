//! Goal M6 and failure F18: fifty identical requests under one `Idempotency-Key` at three servers are one call and one
//! charge, though every server is killed between dispatch and capture and started again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::{Buyer, Ended, Fleet, Order, Pace, Seen, Server, dice, sized};

const AT_ONCE: usize = 50;
/// In one round; every other one is answered before the servers die, the others are cut off.
const KEYS: usize = 10;
const MODELS: [&str; 2] = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"];
const STAGGER_MS_MAX: u64 = 60;
const SPEAKING_MAX: Duration = Duration::from_secs(60);
const HOLDS_CLOSED_MAX: Duration = Duration::from_secs(45);
/// The vendors notice at their next write that nobody listens any more.
const NOTICED_MAX: Duration = Duration::from_secs(10);

/// A key, what is asked under it, and all that was answered.
struct Once {
    order: Order,
    is_long: bool,
    asked: Vec<JoinHandle<Seen>>,
    seen: Vec<Seen>,
}

/// What was counted.
#[derive(Debug, Default)]
struct Figures {
    requests: usize,
    answered: usize,
    told_to_wait: usize,
    repeated: usize,
    cut: usize,
    turned_away: usize,
}

impl Once {
    fn new(round: usize, at: usize, dice: &mut StdRng) -> Self {
        let is_long = at.is_multiple_of(2);
        let scenario = if is_long { "slow" } else { ["ok", "reasoning", "cached"][dice.random_range(0..3)] };
        let order = Order {
            once: Some(format!("order-{round}-{at}")),
            // An answer in one piece is nobody's until it is whole, so only streams are cut off here.
            streamed: is_long || dice.random_bool(0.5),
            ..Order::of(
                MODELS[dice.random_range(0..MODELS.len())],
                &format!("Question {round}, {at}."),
                scenario,
            )
        };
        Self { order, is_long, asked: Vec::new(), seen: Vec::new() }
    }

    /// The same request from everywhere at once.
    fn ask(&mut self, fleet: &Arc<Fleet>, key: &str, dice: &mut StdRng) {
        for _ in 0..AT_ONCE {
            let (fleet, key, order) = (fleet.clone(), key.to_owned(), self.order.clone());
            let at = dice.random_range(0..fleet.servers.len());
            let late = Duration::from_millis(dice.random_range(0..=STAGGER_MS_MAX));
            self.asked.push(tokio::spawn(async move {
                tokio::time::sleep(late).await;
                order.ask(&fleet.client, (at, &fleet.servers[at].base), &key).await
            }));
        }
    }

    /// Once more, at every server in turn.
    async fn ask_again(&self, fleet: &Fleet, key: &str) -> Vec<Seen> {
        let mut seen = Vec::new();
        for (at, server) in fleet.servers.iter().enumerate() {
            seen.push(self.order.ask(&fleet.client, (at, &server.base), key).await);
        }
        seen
    }

    /// The one call that all of its requests were, and the request that made it.
    fn call(&self) -> (Uuid, Option<&Seen>) {
        let name = self.order.once.as_deref().unwrap();
        let calls: HashSet<&str> = self.seen.iter().filter_map(|seen| seen.call_id.as_deref()).collect();
        assert_eq!(calls.len(), 1, "{name} was several calls: {calls:?}");
        let made: Vec<&Seen> =
            self.seen.iter().filter(|seen| seen.status == 200 && !seen.is_repeated).collect();
        assert!(made.len() <= 1, "{name} was made by several requests: {made:#?}");
        (Uuid::parse_str(calls.into_iter().next().unwrap()).unwrap(), made.first().copied())
    }
}

impl Figures {
    fn count(&mut self, seen: &Seen) {
        self.requests += 1;
        match (seen.status, seen.code.as_deref()) {
            (200, _) if seen.is_repeated => self.repeated += 1,
            (200, _) if seen.ended == Ended::Whole => self.answered += 1,
            (409, Some("in_progress")) => self.told_to_wait += 1,
            // The books could not be asked in time, and nothing was begun.
            (503, _) => self.turned_away += 1,
            (200 | 0, _) => self.cut += 1,
            _ => panic!("{seen:#?}"),
        }
    }
}

/// Until the short answers are kept, and of each long one some words are written down.
async fn until_spoken(fleet: &Fleet, round: usize, long: usize) {
    let count = "select count(*) filter (where h.state = 'open' and h.progress_output > 0),
            count(*) filter (where i.state = 'finished')
        from idempotency i join hold h using (call_id) where i.key like $1";
    let begun = Instant::now();
    loop {
        let keys = sqlx::query_as(count).bind(format!("order-{round}-%"));
        let (speaking, finished): (i64, i64) = keys.fetch_one(&fleet.db).await.unwrap();
        if speaking as usize == long && finished as usize == KEYS - long {
            return;
        }
        assert!(begun.elapsed() < SPEAKING_MAX, "{speaking} of {long} speak, {finished} answers are kept");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What came of a key: the same at every server, one charge, one question to a vendor.
async fn assert_once(fleet: &Fleet, once: &Once, again: &[Seen]) -> Uuid {
    let name = once.order.once.as_deref().unwrap();
    let (call, made) = once.call();
    let id = call.to_string();
    assert!(again.iter().all(|seen| seen.call_id.as_deref() == Some(&id)), "{name}: {again:#?}");
    if once.is_long {
        let told = |seen: &Seen| seen.status == 409 && seen.code.as_deref() == Some("interrupted");
        assert!(again.iter().all(told), "{name} was cut off: {again:#?}");
    } else {
        assert!(again.iter().all(|seen| seen.status == 200 && seen.is_repeated), "{name}: {again:#?}");
        assert!(made.is_some_and(|seen| seen.ended == Ended::Whole), "{name}: {made:#?}");
    }
    let debits = "select count(*) from ledger_entry e join ledger_tx t using (tx_id)
        where t.call_id = $1 and e.fund = 'paid'";
    let debits: i64 = sqlx::query_scalar(debits).bind(call).fetch_one(&fleet.db).await.unwrap();
    assert_eq!(debits, 1, "{name} was charged {debits} times");
    call
}

/// A round of keys, in the middle of which every server is killed.
async fn play(
    fleet: &Arc<Fleet>,
    buyer: &Buyer,
    round: usize,
    dice: &mut StdRng,
) -> (Vec<Once>, Vec<Vec<Seen>>) {
    let mut keys: Vec<Once> = (0..KEYS).map(|at| Once::new(round, at, dice)).collect();
    for once in &mut keys {
        once.ask(fleet, &buyer.key, dice);
    }
    until_spoken(fleet, round, keys.iter().filter(|once| once.is_long).count()).await;
    fleet.servers.iter().for_each(Server::kill);
    let starting = fleet.servers.iter().map(|server| server.start(&fleet.client));
    futures_util::future::join_all(starting).await;
    for once in &mut keys {
        for asked in std::mem::take(&mut once.asked) {
            once.seen.push(asked.await.unwrap());
        }
    }
    // The leases of the dead still run, so nobody knows yet what will be charged.
    for once in keys.iter_mut().filter(|once| once.is_long) {
        let early = once.ask_again(fleet, &buyer.key).await;
        let waits = |seen: &Seen| {
            seen.status == 409 && ["in_progress", "interrupted"].contains(&seen.code.as_deref().unwrap())
        };
        assert!(early.iter().all(waits), "a call that was cut off was made again: {early:#?}");
    }
    fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let mut again = Vec::new();
    for once in &keys {
        again.push(once.ask_again(fleet, &buyer.key).await);
    }
    (keys, again)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_identical_requests_are_one_call_though_every_server_dies() {
    let mut dice = dice("once");
    let fleet = Arc::new(Fleet::open(Pace::Realistic).await);
    let probe = fleet.probe();
    let buyer = fleet.buyer(0).await;
    buyer.pay_in(sized("20.00", "200.00")).await;
    let (mut figures, mut made, mut calls) = (Figures::default(), Vec::new(), HashSet::new());
    for round in 0..sized(1, 200 / KEYS) {
        let (keys, again) = play(&fleet, &buyer, round, &mut dice).await;
        for (once, again) in keys.iter().zip(&again) {
            assert!(calls.insert(assert_once(&fleet, once, again).await), "two keys were one call");
            once.seen.iter().for_each(|seen| figures.count(seen));
            made.extend(once.call().1.cloned());
        }
    }
    let begun = Instant::now();
    while fleet.truth().len() < calls.len() {
        assert!(begun.elapsed() < NOTICED_MAX, "a call was charged that no vendor was asked for");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let asked = fleet.truth();
    assert!(
        asked.keys().all(|call| calls.contains(&Uuid::parse_str(call).unwrap())),
        "a vendor heard of others"
    );
    assert_eq!(fleet.count("select count(*) from hold").await as usize, calls.len());
    let looked = probe.finish().await;
    eprintln!(
        "{} keys, {AT_ONCE} requests each, all servers killed between dispatch and capture: {} calls, {} questions to vendors, 1 charge each; {figures:?}; {} probes, 0 wrong",
        calls.len(),
        calls.len(),
        asked.len(),
        looked.taken
    );
    fleet.judge(&made).await;
}
