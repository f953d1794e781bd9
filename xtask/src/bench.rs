//! `cargo xtask bench`: how fast the ledger is beside bare `pgbench`, on the private database or the one that is named.

use std::env;
use std::process::ExitCode;

use anyhow::Result;

use crate::log::Log;
use crate::workspace::{Profile, Workspace};
use crate::{database, postgres, server_half};

pub fn run(workspace: &Workspace, arguments: &[&str]) -> Result<ExitCode> {
    let log = Log::terminal();
    if let Ok(url) = env::var("DATABASE_URL") {
        return measure(workspace, &url, arguments, &log);
    }
    postgres::ensure_programs(workspace, &log)?;
    // Only the server knows how to start the database; which server does not matter.
    if !workspace.server(Profile::Dev).is_file() {
        server_half::build(workspace, Profile::Dev, &log)?;
    }
    let url = database::start(workspace)?;
    let outcome = measure(workspace, &url, arguments, &log);
    database::stop(workspace)?;
    outcome
}

/// The measurement makes its own database on that server, and takes it away again.
fn measure(workspace: &Workspace, url: &str, arguments: &[&str], log: &Log) -> Result<ExitCode> {
    let mut cargo = workspace.cargo();
    cargo.args(["bench", "--package", "store", "--bench", "ledger", "--"]).args(arguments);
    log.run(cargo.env("DATABASE_URL", url))?;
    Ok(ExitCode::SUCCESS)
}
