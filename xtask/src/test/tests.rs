//! The Rust tests, with the server and the database they need.

use std::process::Command;

use anyhow::Result;

use crate::log::Log;
use crate::progress::Tally;
use crate::test::Bench;
use crate::test::tally;
use crate::workspace::{Profile, Workspace, is_on_path};
use crate::{database as private, server_half};

pub fn server(bench: &mut Bench, log: &Log) -> Result<Tally> {
    server_half::build(bench.workspace, Profile::Dev, log)?;
    Ok(Tally::PASSED)
}

pub fn database(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let url = private::start(bench.workspace)?;
    log.note("the private database is up");
    bench.database_url = Some(url);
    Ok(Tally::PASSED)
}

pub fn stop_database(bench: &mut Bench, _: &Log) -> Result<Tally> {
    bench.database_url()?;
    private::stop(bench.workspace)?;
    Ok(Tally::PASSED)
}

pub fn run(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let mut command = test_command(bench, &[]);
    command.env("DATABASE_URL", bench.database_url()?);
    counted(&mut command, log)
}

pub fn xtask(bench: &mut Bench, log: &Log) -> Result<Tally> {
    counted(&mut test_command(bench, &["--package", "xtask"]), log)
}

/// Whatever runs tests here, still to be told which.
pub fn runner(workspace: &Workspace) -> Command {
    let mut command = workspace.cargo();
    command.args(if is_on_path("cargo-nextest") { &["nextest", "run"][..] } else { &["test"] });
    command.env("CARGO_TERM_COLOR", "never");
    command
}

fn test_command(bench: &Bench, packages: &[&str]) -> Command {
    let mut command = runner(bench.workspace);
    command.arg("--no-fail-fast").args(packages);
    command
}

fn counted(command: &mut Command, log: &Log) -> Result<Tally> {
    let is_success = log.succeeds(command)?;
    Ok(tally::read(&log.text(), is_success))
}
