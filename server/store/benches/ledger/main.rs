//! How fast the ledger is beside the bare machine: `cargo xtask bench`, or `cargo bench -p store` with `DATABASE_URL`.
//!
//! Each figure is the median of several runs, ours and bare `pgbench` in turn. Nothing is asserted: only the ratios can be
//! compared between machines, and only on a quiet one.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what this program is for")]

mod growth;
mod load;
mod market;
mod moves;
mod options;
mod pgbench;
mod replay;
mod table;

use anyhow::Result;
use clap::Parser as _;

use crate::options::Options;
use crate::table::Table;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse().settled();
    let mut table = Table::default();
    moves::measure(&options, &mut table).await?;
    replay::measure(&options, &mut table).await?;
    growth::of_entries(&options, &mut table).await?;
    growth::of_accounts(&options, &mut table).await?;
    println!("{table}");
    market::drop_database(&options).await
}
