//! `cargo xtask prepare`: asks a database to describe every query, for builds that have none.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use crate::log::Log;
use crate::workspace::{Profile, Workspace};
use crate::{database, postgres, server_half};

/// Where sqlx looks for the descriptions.
pub const FOLDER: &str = ".sqlx";
const DATABASE: &str = "mercato_prepare";

pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let log = Log::terminal();
    if let Ok(url) = env::var("DATABASE_URL") {
        return describe(workspace, &url, &log);
    }
    postgres::ensure_programs(workspace, &log)?;
    // An older server starts the same database; a newer one may not build before we are done.
    if !workspace.server(Profile::Dev).is_file() {
        server_half::build(workspace, Profile::Dev, &log)?;
    }
    let url = database::start(workspace)?;
    let outcome = describe(workspace, &url, &log);
    database::stop(workspace)?;
    outcome
}

fn describe(workspace: &Workspace, server_url: &str, log: &Log) -> Result<ExitCode> {
    let url = database::with_name(server_url, DATABASE)?;
    create_schema(workspace, server_url, &url, log)?;
    let fresh = workspace.target.join("sqlx");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    // Cargo recompiles, and sqlx asks, only what looks changed.
    let entry = workspace.root.join("server/store/src/lib.rs");
    File::options().append(true).open(entry)?.set_modified(SystemTime::now())?;
    let mut check = workspace.cargo();
    check.args(["check", "--package", "store", "--tests"]);
    check.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", &fresh).env("DATABASE_URL", &url);
    log.run(&mut check)?;
    let count = replace(&fresh, &workspace.root.join(FOLDER))?;
    ensure!(count > 0, "no query was described");
    log.note(&format!("{count} queries described in {FOLDER}"));
    Ok(ExitCode::SUCCESS)
}

/// An empty database with all migrations applied, whatever the server's own state is.
fn create_schema(workspace: &Workspace, server_url: &str, url: &str, log: &Log) -> Result<()> {
    let psql = || {
        let mut command = workspace.command("psql");
        command.args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1"]);
        command
    };
    for statement in ["drop database if exists", "create database"] {
        let sql = format!("{statement} {DATABASE}");
        log.run(
            psql().args(["--command", &sql, server_url]).env("PGOPTIONS", "--client-min-messages=warning"),
        )?;
    }
    for file in files(&workspace.root.join("migrations"), "sql")? {
        log.run(psql().arg("--single-transaction").arg("--file").arg(file).arg(url))?;
    }
    Ok(())
}

fn replace(fresh: &Path, kept: &Path) -> Result<usize> {
    fs::create_dir_all(kept)?;
    for old in files(kept, "json")? {
        fs::remove_file(old)?;
    }
    let described = files(fresh, "json")?;
    for file in &described {
        fs::copy(file, kept.join(file.file_name().unwrap_or_default()))?;
    }
    Ok(described.len())
}

/// The files of one kind in a folder, in the order of their names.
fn files(folder: &Path, kind: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == kind) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
