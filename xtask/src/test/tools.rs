//! What the checks need on this machine: found, installed, or named.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::log::{Log, read};
use crate::progress::Tally;
use crate::test::Bench;
use crate::workspace::{Workspace, is_on_path};
use crate::{debian, postgres, toolchain, valkey};

const CHROMIUM: &str = "/usr/bin/chromium";
const NODE_MAJOR_MIN: u32 = 20;

pub fn wasm_library(bench: &mut Bench, log: &Log) -> Result<Tally> {
    bench.toolchain = Some(toolchain::ensure(bench.workspace, log)?);
    Ok(Tally::PASSED)
}

pub fn postgres_programs(bench: &mut Bench, log: &Log) -> Result<Tally> {
    postgres::ensure_programs(bench.workspace, log)?;
    Ok(Tally::PASSED)
}

pub fn valkey_program(bench: &mut Bench, log: &Log) -> Result<Tally> {
    valkey::ensure_program(bench.workspace, log)?;
    Ok(Tally::PASSED)
}

pub fn node_packages(bench: &mut Bench, log: &Log) -> Result<Tally> {
    install_node_packages(bench.workspace, log)?;
    Ok(Tally::PASSED)
}

pub fn install_node_packages(workspace: &Workspace, log: &Log) -> Result<()> {
    let folder = journeys_folder(workspace)?;
    if !is_on_path("npm") {
        debian::install(workspace, &["nodejs", "npm"], log)?;
    }
    ensure_node_version(workspace)?;
    let lock = folder.join("package-lock.json");
    let manifest = if lock.is_file() { lock.clone() } else { folder.join("package.json") };
    once_per_content(&manifest, &folder.join("node_modules/.installed"), || {
        let mut npm = workspace.command("npm");
        npm.arg(if lock.is_file() { "ci" } else { "install" }).args(["--no-audit", "--no-fund"]);
        // The journeys run in the system's Chromium.
        log.run(npm.current_dir(&folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))
    })
}

pub fn chromium(bench: &mut Bench, log: &Log) -> Result<Tally> {
    install_chromium(bench.workspace, log)?;
    Ok(Tally::PASSED)
}

pub fn install_chromium(workspace: &Workspace, log: &Log) -> Result<()> {
    if !Path::new(CHROMIUM).is_file() {
        debian::install(workspace, &["chromium"], log)?;
    }
    ensure!(Path::new(CHROMIUM).is_file(), "please install Chromium as {CHROMIUM}");
    Ok(())
}

pub fn python_packages(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let workspace = bench.workspace;
    let folder = journeys_folder(workspace)?;
    let requirements = folder.join("requirements.txt");
    let venv = folder.join(".venv");
    once_per_content(&requirements, &venv.join(".installed"), || {
        let create = |python| log.succeeds(workspace.command(python).args(["-m", "venv"]).arg(&venv));
        if !create("python3").unwrap_or(false) {
            debian::install(workspace, &["python3-venv"], log)?;
            ensure!(create("/usr/bin/python3")?, "python3 cannot make a virtual environment");
        }
        let mut pip = workspace.command(venv.join("bin/pip"));
        log.run(pip.args(["install", "--quiet", "--requirement"]).arg(&requirements))
    })?;
    Ok(Tally::PASSED)
}

/// Where the journeys, and the clients that take part in them, live.
pub fn journeys_folder(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.root.join("end2end");
    ensure!(folder.join("package.json").is_file(), "end2end/package.json is missing");
    Ok(folder)
}

fn ensure_node_version(workspace: &Workspace) -> Result<()> {
    let version = read(workspace.command("node").arg("--version"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    let is_enough = major.parse::<u32>().is_ok_and(|major| major >= NODE_MAJOR_MIN);
    ensure!(is_enough, "Node {NODE_MAJOR_MIN} or newer is needed, found {}", version.trim());
    Ok(())
}

/// Skips what was done already for a file of the same content.
fn once_per_content(file: &Path, stamp: &Path, action: impl FnOnce() -> Result<()>) -> Result<()> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if fs::read(stamp).is_ok_and(|done| done == content) {
        return Ok(());
    }
    action()?;
    fs::write(stamp, content)?;
    Ok(())
}
