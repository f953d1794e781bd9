//! Goal M8: buyers who hang up, at any moment, never lock their own money away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::{Ended, Fleet, Order, Pace, Seen, dice, sized};

const CLIENTS: usize = 16;
/// What the balance affords at once; three times what the clients need at once.
const HOLD_DOLLARS: &str = "0.04";
const MODELS: [&str; 2] = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"];
const SCENARIOS: [&str; 4] = ["ok", "slow", "many", "hang"];
/// From before the hold is made to the middle of the answer.
const STAY_MS_MAX: u64 = 1_500;
const EARLY_MS_MAX: u64 = 40;
/// What a client that left does before it calls again.
const PAUSE: Duration = Duration::from_millis(100);
const HOLDS_CLOSED_MAX: Duration = Duration::from_secs(45);

async fn leave_again_and_again(fleet: Arc<Fleet>, key: String, mut dice: StdRng, times: usize) -> Vec<Seen> {
    let mut all = Vec::new();
    for time in 0..times {
        let scenario = SCENARIOS[dice.random_range(0..SCENARIOS.len())];
        // Every third leaves while its hold is still being made.
        let stay = dice.random_range(0..=if time % 3 == 0 { EARLY_MS_MAX } else { STAY_MS_MAX });
        let order = Order {
            max_cost: Some(HOLD_DOLLARS),
            leaving: Some(Duration::from_millis(stay)),
            // An answer in one piece is heard to its end, so only the quick ones are asked for.
            streamed: scenario != "many" || time % 2 != 0,
            ..Order::of(MODELS[time % MODELS.len()], "Tell me a long story.", scenario)
        };
        let at = dice.random_range(0..fleet.servers.len());
        all.push(order.ask(&fleet.client, (at, &fleet.servers[at].base), &key).await);
        tokio::time::sleep(PAUSE).await;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hangs_up_can_call_again_at_once() {
    let mut dice = dice("aborts");
    let fleet = Arc::new(Fleet::open(Pace::Realistic).await);
    let probe = fleet.probe();
    let buyer = fleet.buyer(0).await;
    // What is heard until they leave is paid for, and at full size that is more than two dollars.
    buyer.pay_in(sized("2.00", "20.00")).await;
    let times = sized(320, 10_000) / CLIENTS;
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let dice = StdRng::seed_from_u64(dice.random());
        tokio::spawn(leave_again_and_again(fleet.clone(), buyer.key.clone(), dice, times))
    });
    let seen = futures_util::future::join_all(clients).await;
    let seen: Vec<Seen> = seen.into_iter().flat_map(Result::unwrap).collect();
    let took = begun.elapsed();
    let refused: Vec<&Seen> = seen.iter().filter(|call| call.status == 402).collect();
    assert!(refused.is_empty(), "{} false refusals: {:#?}", refused.len(), refused[0]);
    let closed_after = fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let left = seen.iter().filter(|call| call.ended == Ended::Left).count();
    assert!(left * 10 >= seen.len() * 8, "only {left} of {} hung up", seen.len());
    let calls = fleet.count("select count(*) from hold").await;
    let reaped = fleet.count("select count(*) from usage_call where finish = 'interrupted'").await;
    let unasked = fleet.count("select count(*) from usage_call where usage_source = 'none'").await;
    eprintln!(
        "{left} of {} calls left in {took:.1?}: {calls} holds, {unasked} given back whole, {reaped} left to the reaper, 0 false refusals, nothing held {closed_after:.1?} after the last",
        seen.len()
    );
    assert_eq!(reaped, 0, "a hold whose caller left was not closed by its own server");
    assert!(unasked > 0, "nobody left early enough");
    let looked = probe.finish().await;
    eprintln!("{} probes of the books, 0 wrong", looked.taken);
    fleet.judge(&seen).await;
}
