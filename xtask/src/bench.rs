//! `cargo xtask bench`: how fast the ledger is beside bare `pgbench`, what a call costs beside the direct one, and how
//! long a search takes, and how quick pages are.

mod pages;

use std::env;
use std::process::ExitCode;

use anyhow::Result;

use crate::log::Log;
use crate::workspace::{Profile, Workspace};
use crate::{database, postgres, server_half};

/// What there is to measure.
const LEDGER: [&str; 4] = ["--package", "store", "--bench", "ledger"];
const GATEWAY: [&str; 4] = ["--package", "server", "--bench", "gateway"];
const SEARCH: [&str; 4] = ["--package", "marketplace", "--bench", "search"];

pub fn run(workspace: &Workspace, arguments: &[&str]) -> Result<ExitCode> {
    let log = Log::terminal();
    match arguments.first() {
        // No books, so no database.
        Some(&"relay") => measure(workspace, GATEWAY, None, arguments, &log),
        Some(&"search") => measure(workspace, SEARCH, None, arguments, &log),
        Some(&"pages") => pages::run(workspace, &log),
        Some(&"calls") => with_database(workspace, GATEWAY, arguments, &log),
        _ => with_database(workspace, LEDGER, arguments, &log),
    }
}

/// On the private database, or the one that is named.
fn with_database(workspace: &Workspace, bench: [&str; 4], arguments: &[&str], log: &Log) -> Result<ExitCode> {
    if let Ok(url) = env::var("DATABASE_URL") {
        return measure(workspace, bench, Some(&url), arguments, log);
    }
    postgres::ensure_programs(workspace, log)?;
    // Only the server knows how to start the database; which server does not matter.
    if !workspace.server(Profile::Dev).is_file() {
        server_half::build(workspace, Profile::Dev, log)?;
    }
    let url = database::start(workspace)?;
    let outcome = measure(workspace, bench, Some(&url), arguments, log);
    database::stop(workspace)?;
    outcome
}

/// The measurement makes its own database on that server, and takes it away again.
fn measure(
    workspace: &Workspace,
    bench: [&str; 4],
    url: Option<&str>,
    arguments: &[&str],
    log: &Log,
) -> Result<ExitCode> {
    let mut cargo = workspace.cargo();
    cargo.arg("bench").args(bench).arg("--").args(arguments);
    if let Some(url) = url {
        cargo.env("DATABASE_URL", url);
    }
    log.run(&mut cargo)?;
    Ok(ExitCode::SUCCESS)
}
