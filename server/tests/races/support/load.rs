//! Many clients that call one after the other until they are told to stop.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;

use super::{Fleet, Order, Seen};

/// A client whose server is not there looks again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    fleet: Arc<Fleet>,
    keys: Vec<String>,
    is_over: AtomicBool,
    calls: Mutex<Vec<Seen>>,
    count: AtomicUsize,
}

impl Load {
    /// Starts so many clients; `choose` makes up each order.
    pub fn start(
        fleet: &Arc<Fleet>,
        keys: Vec<String>,
        clients: usize,
        dice: &mut StdRng,
        choose: fn(&mut StdRng) -> Order,
    ) -> Self {
        let (is_over, calls, count) = (AtomicBool::new(false), Mutex::default(), AtomicUsize::new(0));
        let shared = Arc::new(Shared { fleet: fleet.clone(), keys, is_over, calls, count });
        let clients = (0..clients)
            .map(|_| tokio::spawn(shared.clone().call_on(StdRng::seed_from_u64(dice.random()), choose)))
            .collect();
        Self { shared, clients }
    }

    /// How many calls have ended.
    pub fn count(&self) -> usize {
        self.shared.count.load(Relaxed)
    }

    /// Waits until so many calls have ended.
    pub async fn until_count(&self, calls: usize, at_most: Duration) {
        let begun = Instant::now();
        while self.count() < calls {
            assert!(begun.elapsed() < at_most, "only {} calls of {calls} after {at_most:?}", self.count());
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Begins no more calls, and answers what was seen of all once the last has ended.
    pub async fn finish(self) -> Vec<Seen> {
        self.shared.is_over.store(true, Relaxed);
        futures_util::future::join_all(self.clients).await.into_iter().for_each(Result::unwrap);
        std::mem::take(&mut *self.shared.calls.lock().unwrap())
    }
}

impl Shared {
    async fn call_on(self: Arc<Self>, mut dice: StdRng, choose: fn(&mut StdRng) -> Order) {
        while !self.is_over.load(Relaxed) {
            let at = dice.random_range(0..self.fleet.servers.len());
            let server = &self.fleet.servers[at];
            if !server.is_up() {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            let key = &self.keys[dice.random_range(0..self.keys.len())];
            let order = choose(&mut dice);
            let seen = order.ask(&self.fleet.client, (at, &server.base), key).await;
            if seen.status == 0 {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            self.calls.lock().unwrap().push(seen);
            self.count.fetch_add(1, Relaxed);
        }
    }
}
