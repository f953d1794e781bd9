//! Goals M7, M8, M13 and M14: servers die and freeze in the middle of answers; nothing is lost, minted or overcharged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use uuid::Uuid;

use crate::support::{Ended, Fleet, Load, Order, Pace, Seen, dice, is_full, sized};

const BUYERS: usize = 4;
const MODELS: [&str; 4] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4-5",
    "deepseek/deepseek-flash",
    "mistral/mistral-small-2603",
];
const FROZEN: Duration = Duration::from_secs(19);
const HOLDS_CLOSED_MAX: Duration = Duration::from_secs(45);
const CLOSED_AFTER_LEASE_MAX_MS: i64 = 30_000;
const KILLS_WITH_HOLDS_PERCENT_MIN: usize = 30;
const DEBITS_FULL: usize = 10_000;
const DEBITS: &str = "select count(*) from usage_call where charge > 0";
const CALLS_WAIT_MAX: Duration = Duration::from_secs(3 * 3600);

/// What happened to servers.
#[derive(Debug, Default)]
struct Faults {
    kills: usize,
    kills_with_holds: usize,
    holds_killed: i64,
    holds_frozen: i64,
    freezes: usize,
}

/// Answers of many kinds: long and short, quick and slow, streamed and whole, read at once and late.
pub fn mixed(dice: &mut StdRng) -> Order {
    let model = MODELS[dice.random_range(0..MODELS.len())];
    let (scenario, max_tokens, dawdling) = match dice.random_range(0..100) {
        0..52 => ("ok", None, 0),
        52..60 => ("many", Some(1_500), 0),
        60..65 => ("many", Some(1_500), 2),
        65..75 => ("slow", Some(40), 0),
        75..82 => ("reasoning", None, 0),
        82..90 => ("cached", None, 0),
        _ => ("no-usage", None, 0),
    };
    let streamed = dawdling > 0 || dice.random_range(0..100) < 85;
    let text = format!("Tell me about harbour {}.", dice.random_range(0..1_000));
    Order {
        max_tokens,
        streamed,
        dawdling: Duration::from_secs(dawdling),
        ..Order::of(model, &text, scenario)
    }
}

struct Nemesis<'a> {
    fleet: &'a Arc<Fleet>,
    key: &'a str,
    faults: Faults,
    calls: Vec<Seen>,
}

impl Nemesis<'_> {
    /// How many holds this server has open now; a call tells which of the instances in the books it is.
    async fn open_holds(&mut self, at: usize) -> i64 {
        let order = Order::of(MODELS[0], "Briefly: who are you?", "instant");
        let seen = order.ask(&self.fleet.client, (at, &self.fleet.servers[at].base), self.key).await;
        assert_eq!((seen.status, seen.ended), (200, Ended::Whole), "{seen:?}");
        let call = Uuid::parse_str(seen.call_id.as_deref().unwrap()).unwrap();
        self.calls.push(seen);
        let open = "select count(*) from hold where state = 'open'
            and instance_id = (select instance_id from hold where call_id = $1)";
        sqlx::query_scalar(open).bind(call).fetch_one(&self.fleet.db).await.unwrap()
    }

    async fn kill(&mut self, at: usize) {
        let open = self.open_holds(at).await;
        self.fleet.servers[at].kill();
        self.faults.kills += 1;
        self.faults.kills_with_holds += usize::from(open > 0);
        self.faults.holds_killed += open;
        self.fleet.servers[at].start(&self.fleet.client).await;
    }

    /// Freezes one server for longer than its leases, and kills others meanwhile.
    async fn freeze_one_kill_others(&mut self, kills: usize, dice: &mut StdRng) {
        let frozen = dice.random_range(0..self.fleet.servers.len());
        self.faults.holds_frozen += self.open_holds(frozen).await;
        self.fleet.servers[frozen].pause();
        self.faults.freezes += 1;
        let since = Instant::now();
        for _ in 0..kills {
            tokio::time::sleep(Duration::from_millis(dice.random_range(1_000..3_000))).await;
            let others = self.fleet.servers.len() - 1;
            let at = (frozen + 1 + dice.random_range(0..others)) % self.fleet.servers.len();
            self.kill(at).await;
        }
        tokio::time::sleep(FROZEN.saturating_sub(since.elapsed())).await;
        self.fleet.servers[frozen].resume();
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.kill(frozen).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_die_or_freeze_lose_mint_and_overcharge_nothing() {
    let mut dice = dice("kills");
    let fleet = Arc::new(Fleet::open(Pace::Realistic).await);
    let probe = fleet.probe();
    let mut keys = Vec::new();
    for at in 0..BUYERS {
        let buyer = fleet.buyer(at % fleet.servers.len()).await;
        buyer.pay_in(sized("100.00", "1000.00")).await;
        keys.push(buyer.key);
    }
    let clients = sized(16, 64);
    let load = Load::start(&fleet, keys.clone(), clients, &mut dice, mixed);
    load.until_count(clients, Duration::from_secs(60)).await;
    let mut nemesis = Nemesis { fleet: &fleet, key: &keys[0], faults: Faults::default(), calls: Vec::new() };
    for _ in 0..sized(1, 5) {
        nemesis.freeze_one_kill_others(sized(3, 9), &mut dice).await;
    }
    let (faults, mut calls) = (nemesis.faults, nemesis.calls);
    load.until_count(sized(120, DEBITS_FULL), CALLS_WAIT_MAX).await;
    while is_full() && fleet.count(DEBITS).await < DEBITS_FULL as i64 {
        load.until_count(load.count() + clients, CALLS_WAIT_MAX).await;
    }
    calls.extend(load.finish().await);
    let closed_after = fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let looked = probe.finish().await;
    assert!(calls.iter().all(|call| call.status != 402), "somebody was refused who had enough");
    assert!(
        faults.kills_with_holds * 100 >= faults.kills * KILLS_WITH_HOLDS_PERCENT_MIN,
        "too few kills hit a server with open holds: {faults:?}"
    );
    let slowest = "select coalesce(max(extract(epoch from h.closed_at - h.lease_until) * 1000), 0)::bigint
        from hold h join usage_call u using (call_id) where u.finish = 'interrupted'";
    let slowest = fleet.count(slowest).await;
    assert!(slowest <= CLOSED_AFTER_LEASE_MAX_MS, "a hold was closed {slowest} ms after its lease");
    let debits = fleet.count(DEBITS).await;
    let reaped = fleet.count("select count(*) from usage_call where finish = 'interrupted'").await;
    eprintln!("{faults:?}");
    eprintln!(
        "{} calls, {debits} debits, {reaped} settled by a reaper, the last {slowest} ms after its lease; nothing held {closed_after:.1?} after the load; {} probes, {} missed, 0 wrong",
        calls.len(),
        looked.taken,
        looked.missed
    );
    assert!(reaped > 0, "no answer was cut off by a fault, so nothing shows what that gives away");
    fleet.judge(&calls).await;
}
