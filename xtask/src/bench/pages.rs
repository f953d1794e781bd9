//! How quick pages are, in the server's time and in a visitor's: scripts that start the release and look at it.

use std::process::ExitCode;

use anyhow::Result;

use crate::log::Log;
use crate::test::tools;
use crate::workspace::{Profile, Workspace};
use crate::{debian, postgres, server_half, site, toolchain};

pub fn run(workspace: &Workspace, log: &Log) -> Result<ExitCode> {
    debian::install(workspace, &["wrk"], log)?;
    tools::install_node_packages(workspace, log)?;
    tools::install_chromium(workspace, log)?;
    postgres::ensure_programs(workspace, log)?;
    let toolchain = toolchain::ensure(workspace, log)?;
    site::build(workspace, &toolchain, Profile::Release, log)?;
    server_half::build(workspace, Profile::Release, log)?;
    let mut is_met = true;
    for script in ["bench.mjs", "lighthouse.mjs"] {
        let mut node = workspace.command("node");
        node.arg(tools::journeys_folder(workspace)?.join("pages").join(script));
        server_half::describe_to_scripts(workspace, Profile::Release, &mut node);
        is_met &= log.succeeds(&mut node)?;
    }
    Ok(if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
