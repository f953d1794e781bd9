//! What the gateway adds to a call, beside the same call made directly: `cargo xtask bench relay`.
//!
//! The upstream, what is measured and the load are programs of their own, so that each one's work can be told apart.
//! Nothing is asserted: only what is added can be compared between machines, and only on a quiet one.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is what this program is for")]

mod calls;
mod client;
mod latency;
mod least;
mod options;
mod paid;
mod process;
mod relay;
mod steady;
mod streams;
mod table;
mod upstream;

use anyhow::Result;
use clap::Parser as _;
use tokio::runtime::{Builder, Runtime};

use crate::options::{Options, Role};
use crate::process::Process;
use crate::table::Table;

fn main() -> Result<()> {
    let options = Options::parse().settled();
    match options.role {
        Role::Upstream => one_thread()?.block_on(upstream::serve()),
        // As the product runs.
        Role::Relay => Builder::new_multi_thread().enable_all().build()?.block_on(relay::serve(&options)),
        Role::Load => one_thread()?.block_on(measure(&options)),
    }
}

fn one_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn measure(options: &Options) -> Result<()> {
    let upstream = Process::start(&["--role", "upstream"])?;
    let measured = match options.what.as_str() {
        "calls" => calls::open(&upstream, options).await?,
        _ => relay::open(&upstream)?,
    };
    let mut table = Table::default();
    steady::measure(&measured, options, &mut table).await?;
    streams::measure(&measured, options, &mut table).await?;
    if options.what == "calls" {
        paid::measure(&measured, options, &mut table).await?;
        paid::start(&measured, &upstream, options, &mut table).await?;
    }
    println!("{table}");
    drop(measured);
    if options.what == "calls" { calls::close(options).await } else { Ok(()) }
}
