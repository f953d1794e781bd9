//! PostgreSQL's programs: the server starts a private database with them.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::log::{Log, read};
use crate::workspace::{Workspace, is_on_path};

const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";

/// Makes sure that the server can reach or start a database.
pub fn ensure(workspace: &Workspace, log: &Log) -> Result<()> {
    if env::var_os("DATABASE_URL").is_some() { Ok(()) } else { ensure_programs(workspace, log) }
}

/// Makes sure that a database can be started here.
pub fn ensure_programs(workspace: &Workspace, log: &Log) -> Result<()> {
    if are_present(workspace) {
        return Ok(());
    }
    if !debian::is_debian() {
        bail!("no PostgreSQL found: install it (version 15 or newer), or set DATABASE_URL");
    }
    if debian::is_root() {
        refuse_main_cluster().with_context(|| format!("cannot prepare {CLUSTER_SETTINGS}"))?;
    }
    debian::install(workspace, &["postgresql"], log)
        .context("no PostgreSQL found, and DATABASE_URL is not set")
}

fn are_present(workspace: &Workspace) -> bool {
    let named = read(workspace.command("pg_config").arg("--bindir"))
        .is_ok_and(|folder| Path::new(folder.trim()).join("initdb").is_file());
    named || is_on_path("initdb") || has_versioned_folder().unwrap_or(false)
}

/// Debian keeps `initdb` off the path, one folder per major version.
fn has_versioned_folder() -> Result<bool> {
    let mut versions = fs::read_dir("/usr/lib/postgresql")?;
    Ok(versions.any(|version| version.is_ok_and(|version| version.path().join("bin/initdb").is_file())))
}

/// Without this the package would create and start a database for the whole machine.
fn refuse_main_cluster() -> Result<()> {
    let path = Path::new(CLUSTER_SETTINGS);
    let settings = if path.exists() { fs::read_to_string(path)? } else { String::new() };
    if settings.lines().any(|line| line.trim() == "create_main_cluster = false") {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, format!("{settings}\ncreate_main_cluster = false\n"))?;
    Ok(())
}
