//! Failures F24 and F25: one server dies, another freezes until it is taken for dead. Many reapers at once close each
//! of their holds once, and the one that wakes up again changes nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use crate::support::{Ended, Fleet, Order, Pace, Seen, sized};

const BUYERS: usize = 6;
const DYING: usize = 0;
const FREEZING: usize = 1;
/// Beside the server that lives on.
const REAPERS: usize = 8;
const LEASE: Duration = Duration::from_secs(15);
/// Leases are renewed every half second until the end.
const LEASES_RUN: Duration = Duration::from_secs(13);
const CLOSED_AFTER_LEASE_MAX: Duration = Duration::from_secs(30);
/// Until the first words are there and have been written down.
const SPEAKING: Duration = Duration::from_secs(4);

fn begin(fleet: &Arc<Fleet>, at: usize, key: &str, order: Order) -> JoinHandle<Seen> {
    let (fleet, key) = (fleet.clone(), key.to_owned());
    tokio::spawn(async move { order.ask(&fleet.client, (at, &fleet.servers[at].base), &key).await })
}

/// Streams at two servers. Some readers read late: they get what was on its way when their server died.
fn begin_streams(fleet: &Arc<Fleet>, keys: &[String]) -> Vec<JoinHandle<Seen>> {
    let long = |scenario| Order::of("openai/gpt-5-mini", "Tell me a long story.", scenario);
    let late = || Order { dawdling: SPEAKING + Duration::from_secs(1), ..long("many") };
    let short = || Order { max_tokens: Some(40), ..long("slow") };
    let key = |at: usize| &keys[at % keys.len()];
    let mut streams = Vec::new();
    for at in 0..sized(48, 200) {
        streams.push(begin(fleet, DYING, key(at), long("slow")));
    }
    for at in 0..sized(6, 20) {
        streams.push(begin(fleet, DYING, key(at), late()));
        streams.push(begin(fleet, FREEZING, key(at), long("slow")));
        streams.push(begin(fleet, FREEZING, key(at), short()));
    }
    streams
}

/// Reaps from many connections at the same moment, and says how many holds were closed.
async fn reap_at_once(fleet: &Fleet) -> i64 {
    let start = Arc::new(Barrier::new(REAPERS));
    let reapers = (0..REAPERS).map(|_| {
        let (db, start) = (fleet.db.clone(), start.clone());
        tokio::spawn(async move {
            let mut connection = db.acquire().await.unwrap();
            start.wait().await;
            let reap = sqlx::query_scalar::<_, i64>("select ledger.reap(gen_random_uuid(), 5)");
            reap.fetch_one(&mut *connection).await.unwrap()
        })
    });
    futures_util::future::join_all(reapers).await.into_iter().map(Result::unwrap).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_reapers_close_each_hold_of_a_dead_or_frozen_server_once() {
    let fleet = Arc::new(Fleet::open(Pace::Realistic).await);
    let probe = fleet.probe();
    let mut keys = Vec::new();
    for at in 0..BUYERS {
        let buyer = fleet.buyer(at % fleet.servers.len()).await;
        buyer.pay_in("10.00").await;
        keys.push(buyer.key);
    }
    let streams = begin_streams(&fleet, &keys);
    tokio::time::sleep(SPEAKING).await;
    fleet.servers[FREEZING].pause();
    fleet.servers[DYING].kill();
    let since = Instant::now();
    let open = fleet.count("select count(*) from hold where state = 'open'").await;
    // The short ones may be over by then; the others last for minutes.
    let lasting = streams.len() - sized(6, 20);
    assert!(open as usize * 10 >= lasting * 9, "only {open} holds were open when the servers failed");
    tokio::time::sleep(LEASES_RUN).await;
    let early = fleet.count("select count(*) from usage_call where finish = 'interrupted'").await;
    assert_eq!(early, 0, "a hold was closed while its lease ran");
    // From before the first lease ends, so that the server that lives is not alone.
    let mut by_test = 0;
    while fleet.count("select count(*) from hold where state = 'open'").await > 0 {
        by_test += reap_at_once(&fleet).await;
        assert!(since.elapsed() < LEASE + CLOSED_AFTER_LEASE_MAX, "a hold is open long after its lease");
    }
    let closed_after = since.elapsed();
    fleet.servers[FREEZING].resume();
    let mut seen = Vec::new();
    for stream in streams {
        seen.push(stream.await.unwrap());
    }
    let cut = seen.iter().filter(|call| call.ended == Ended::Cut).count();
    let failed = seen.iter().filter(|call| call.ended == Ended::Failed).count();
    let usages = fleet.count("select count(*) from usage_call where finish = 'interrupted'").await;
    assert_eq!(usages, open, "not every hold was closed by a reaper");
    let paid = "select count(*) from (select call_id from ledger_tx where kind = 'usage' group by 1 having count(*) > 1) t";
    assert_eq!(fleet.count(paid).await, 0, "a hold was paid twice");
    let looked = probe.finish().await;
    eprintln!(
        "{open} holds of two failed servers, all closed {closed_after:.1?} after: {by_test} by {REAPERS} reapers of the test, {} by the server that lived; {cut} streams broke off, {failed} were told; {} probes, 0 wrong",
        open - by_test,
        looked.taken
    );
    assert!(by_test > 0, "the reapers of the test came too late to race");
    fleet.judge(&seen).await;
}
