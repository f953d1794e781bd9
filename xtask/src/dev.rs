//! `cargo xtask dev`: serves, and rebuilds whatever a changed file touches.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;

use crate::log::Log;
use crate::toolchain::Toolchain;
use crate::workspace::{Profile, Workspace};
use crate::{postgres, server_half, site, toolchain};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(5);
const SITE_SOURCES: [&str; 5] = ["src", "app", "frontend", "style", "public"];
const SERVER_SOURCES: [&str; 5] = ["src", "app", "server", "migrations", "catalogue.toml"];

/// Every file of some sources with the time of its last change.
type Snapshot = Vec<(PathBuf, SystemTime)>;

pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let log = Log::terminal();
    postgres::ensure(workspace, &log)?;
    let toolchain = toolchain::ensure(workspace, &log)?;
    let mut site_seen = Snapshot::new();
    let mut server_seen = Snapshot::new();
    let mut site_is_due = true;
    let mut server_is_due = true;
    let mut server: Option<Child> = None;
    loop {
        let site_now = snapshot(workspace, &SITE_SOURCES);
        let server_now = snapshot(workspace, &SERVER_SOURCES);
        let changed = site_now != site_seen || server_now != server_seen;
        site_is_due |= site_now != site_seen;
        server_is_due |= server_now != server_seen;
        (site_seen, server_seen) = (site_now, server_now);
        if changed {
            match rebuild(workspace, &toolchain, &mut site_is_due, &mut server_is_due, &log) {
                Ok(false) => log.note("site rebuilt: reload the page"),
                Ok(true) => server = Some(restart(workspace, server)?),
                // A mistake in the source is the ordinary case here: wait for the next try.
                Err(error) => log.note(&format!("error: {error:#}")),
            }
        }
        sleep(LOOK_EVERY);
    }
}

/// Builds what is due, and says whether the server is a new one.
fn rebuild(
    workspace: &Workspace,
    toolchain: &Toolchain,
    site_is_due: &mut bool,
    server_is_due: &mut bool,
    log: &Log,
) -> Result<bool> {
    if *site_is_due {
        site::build(workspace, toolchain, Profile::Dev, log)?;
        *site_is_due = false;
    }
    if !*server_is_due {
        return Ok(false);
    }
    server_half::build(workspace, Profile::Dev, log)?;
    *server_is_due = false;
    Ok(true)
}

fn restart(workspace: &Workspace, running: Option<Child>) -> Result<Child> {
    if let Some(mut server) = running {
        stop(workspace, &mut server)?;
    }
    Ok(server_half::command(workspace, Profile::Dev).arg("serve").spawn()?)
}

/// Asks first: the server has a database to leave in order.
fn stop(workspace: &Workspace, server: &mut Child) -> Result<()> {
    workspace.command("kill").arg(server.id().to_string()).status()?;
    let asked = Instant::now();
    while server.try_wait()?.is_none() {
        if asked.elapsed() > PATIENCE {
            server.kill()?;
        }
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn snapshot(workspace: &Workspace, sources: &[&str]) -> Snapshot {
    let mut files = Snapshot::new();
    for source in sources {
        // A file that vanishes while we look is seen as gone in the next round.
        let _ = add_files(&workspace.root.join(source), &mut files);
    }
    files.sort();
    files
}

fn add_files(path: &Path, files: &mut Snapshot) -> Result<()> {
    let about = fs::metadata(path)?;
    if !about.is_dir() {
        files.push((path.to_owned(), about.modified()?));
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        add_files(&entry?.path(), files)?;
    }
    Ok(())
}
