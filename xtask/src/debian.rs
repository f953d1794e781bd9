//! Packages of Debian and its derivatives: installed when we may, named when we may not.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, ensure};

use crate::log::{Log, read};
use crate::workspace::{Workspace, is_on_path};

pub fn is_debian() -> bool {
    is_on_path("apt-get") && is_on_path("dpkg-query")
}

pub fn is_root() -> bool {
    read(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

/// Installs whichever of the packages are missing.
pub fn install(workspace: &Workspace, packages: &[&str], log: &Log) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    ensure!(is_debian(), "please install: {names}");
    ensure!(is_root(), "please run: sudo apt-get install --no-install-recommends {names}");
    update_once(workspace, log)?;
    log.note(&format!("installing {names}"));
    let mut command = apt_get(workspace);
    // Refusing to remove keeps an older compiler somebody relies on.
    command.args(["install", "--yes", "--quiet", "--no-install-recommends", "--no-remove"]);
    log.run(command.args(missing))
}

fn update_once(workspace: &Workspace, log: &Log) -> Result<()> {
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.get().is_none() {
        log.run(apt_get(workspace).args(["update", "--quiet"]))?;
        DONE.get_or_init(|| ());
    }
    Ok(())
}

fn apt_get(workspace: &Workspace) -> Command {
    let mut command = workspace.command("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_installed(package: &str) -> bool {
    read(Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]))
        .is_ok_and(|status| status == "installed")
}
