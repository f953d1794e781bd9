//! Races and kills: several servers as processes of their own, a simulator of vendors, one database, and faults.
//!
//! Short by default. `MERCATO_RACES=full` plays the sizes that the specification of the books names, and
//! `MERCATO_SEED` repeats a run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail loudly and tells its figures"
)]

mod aborts;
mod afford;
mod kills;
mod once;
mod outage;
mod reapers;
mod seals;
mod shapes;
mod stalled;
mod support;
mod wire;
