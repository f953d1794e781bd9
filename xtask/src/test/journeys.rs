//! The browser journeys and Lighthouse's marks: both start the server themselves, from what was built before.

use anyhow::Result;

use crate::log::Log;
use crate::progress::Tally;
use crate::server_half;
use crate::test::{Bench, tally, tools};

pub fn run(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let workspace = bench.workspace;
    let folder = tools::journeys_folder(workspace)?;
    let mut command = workspace.command("npx");
    command.args(["--no-install", "playwright", "test", "--reporter=list"]);
    command.env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    server_half::describe_for_test(workspace, &mut command);
    let is_success = log.succeeds(command.current_dir(folder))?;
    Ok(tally::read(&log.text(), is_success))
}

/// How fit pages are for everybody: all marks but that of speed, which this busy machine would lower.
pub fn marks(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let workspace = bench.workspace;
    let mut command = workspace.command("node");
    command.arg(tools::journeys_folder(workspace)?.join("pages/lighthouse.mjs")).arg("--without-performance");
    server_half::describe_for_test(workspace, &mut command);
    log.run(&mut command)?;
    Ok(Tally::PASSED)
}
