//! Valkey's or Redis's server, which tests start for themselves.

use anyhow::{Result, ensure};

use crate::debian;
use crate::log::Log;
use crate::workspace::{Workspace, is_on_path};

/// As the tests look for it. The last two are the same programs under the name of a tool.
const PROGRAMS: [&str; 4] = ["valkey-server", "redis-server", "valkey-check-rdb", "redis-check-rdb"];
/// Has the program too, and unlike the server's package starts no service on this machine.
const PACKAGE: &str = "redis-tools";

pub fn ensure_program(workspace: &Workspace, log: &Log) -> Result<()> {
    if is_present() {
        return Ok(());
    }
    ensure!(debian::is_debian(), "no Valkey found: install it, or Redis 5 or newer");
    debian::install(workspace, &[PACKAGE], log)?;
    ensure!(is_present(), "{PACKAGE} brought no server here; please install valkey-server or redis-server");
    Ok(())
}

fn is_present() -> bool {
    PROGRAMS.into_iter().any(is_on_path)
}
