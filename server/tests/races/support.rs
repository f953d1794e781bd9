//! What a race needs: servers to race on, buyers, faults, and judges of the books.

mod books;
mod buyer;
mod call;
mod cluster;
#[path = "../http/support/database.rs"]
mod database;
mod fleet;
mod load;
mod probe;
mod process;
mod proxy;
mod server;
mod simulator;

pub use books::Books;
pub use buyer::Buyer;
pub use call::{Ended, Order, Seen};
pub use cluster::Cluster;
pub use database::Database;
pub use fleet::{Fleet, Truth, turn};
pub use load::Load;
pub use probe::Probe;
pub use proxy::{Proxy, Trouble};
pub use server::Server;
pub use simulator::Pace;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_mercato");

/// A size of the short run, or of the full one.
pub fn sized<T>(short: T, full: T) -> T {
    if is_full() { full } else { short }
}

pub fn is_full() -> bool {
    std::env::var("MERCATO_RACES").is_ok_and(|size| size == "full")
}

/// Dice that fall the same way again when their seed is given as `MERCATO_SEED`.
pub fn dice(name: &str) -> StdRng {
    let given =
        std::env::var("MERCATO_SEED").ok().map(|seed| seed.parse().expect("MERCATO_SEED is a number"));
    let seed = given.unwrap_or_else(rand::random);
    eprintln!("{name}: MERCATO_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
