//! What to measure, and for how long.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What can be named by `--only`.
pub const NAMES: [&str; 8] = ["steady", "saturated", "first", "many", "one", "refusals", "memory", "start"];

#[derive(Clone, Debug, Parser)]
#[command(name = "gateway", about = "Measures what a call through the gateway costs beside the direct one.")]
pub struct Options {
    /// The relay alone, or whole paid calls.
    #[arg(default_value = "relay", value_parser = ["relay", "calls"])]
    pub what: String,
    /// A smoke run: everything once and briefly.
    #[arg(long)]
    quick: bool,
    /// How long each run takes.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How often streams are compared.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Measure only this; may be repeated.
    #[arg(long, value_delimiter = ',', value_parser = NAMES)]
    only: Vec<String>,
    /// For paid calls: any database of a server that allows to make another.
    #[arg(long, env = "DATABASE_URL", default_value = "")]
    pub database_url: String,
    /// For paid calls: accounts to call from, in turn.
    #[arg(long, default_value_t = 100)]
    pub accounts: usize,
    /// Which of the programs this one is.
    #[arg(long, value_enum, default_value = "load", hide = true)]
    pub role: Role,
    #[arg(long, hide = true)]
    pub upstream: Option<SocketAddr>,
    /// Said by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    Load,
    Upstream,
    Relay,
}

impl Options {
    /// With what follows from `--quick`.
    pub fn settled(self) -> Self {
        if self.quick { Self { rounds: 1, seconds: 2, accounts: 4, ..self } } else { self }
    }

    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    pub fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
