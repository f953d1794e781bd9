//! What to measure, and for how long.

use std::time::Duration;

use clap::Parser;

/// What can be named by `--only`.
pub const NAMES: [&str; 10] = [
    "debit",
    "debit-alone",
    "pairs",
    "grouped",
    "reserve",
    "shared",
    "one-account",
    "replay",
    "entries",
    "accounts",
];

#[derive(Clone, Debug, Parser)]
#[command(name = "ledger", about = "Measures the ledger beside bare pgbench.")]
pub struct Options {
    /// A smoke run: each figure once, for a second.
    #[arg(long)]
    quick: bool,
    /// Of how many runs each figure is the median.
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
    /// How long each run takes.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Sizes of the ledger to compare, in entries.
    #[arg(long, value_delimiter = ',')]
    pub scale: Vec<i64>,
    /// Numbers of accounts to compare, each with a key.
    #[arg(long, value_delimiter = ',')]
    pub accounts: Vec<i64>,
    /// Entries to replay.
    #[arg(long, default_value_t = 1_000_000)]
    pub replayed: i64,
    /// Measure only this; may be repeated.
    #[arg(long, value_delimiter = ',', value_parser = NAMES)]
    only: Vec<String>,
    /// Connections of the server's pool, as many as it has by default.
    #[arg(long, default_value_t = 10)]
    pub connections: u32,
    /// Any database of a server that allows to make another; the one measured is called `mercato_bench`.
    #[arg(long, env = "DATABASE_URL")]
    pub database_url: String,
    /// Said by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// With what follows from `--quick`.
    pub fn settled(self) -> Self {
        if self.quick { Self { runs: 1, seconds: 1, replayed: 100_000, ..self } } else { self }
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    pub fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
