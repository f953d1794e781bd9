//! A Postgres of our own from the machine's programs, for when `DATABASE_URL` names no other.

mod account;
mod binaries;
mod cluster;
mod dump;
mod place;
mod postmaster;
mod program;

#[cfg(test)]
mod tests;

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tracing::{info, warn};

pub use self::dump::{backup, restore};
use self::{cluster::Cluster, postmaster::Postmaster};

const DATABASE: &str = "mercato";

/// A running private Postgres.
#[expect(missing_debug_implementations, reason = "the address has the password in it")]
pub struct Private {
    /// With the password in it.
    pub url: String,
    pub data_dir: PathBuf,
    pub version: u32,
    pub started_by_us: bool,
    cluster: Cluster,
    /// Locked for sharing by everybody who uses the cluster.
    users: File,
}

/// What stopping found.
#[derive(Debug, PartialEq)]
pub enum Stopped {
    Now { data_dir: PathBuf },
    WasNotRunning,
}

/// Finds, makes and starts the cluster as far as that has not happened yet.
pub fn start(data_dir_override: Option<&Path>) -> Result<Private> {
    let cluster = Cluster::locate(data_dir_override)?;
    cluster.place.create(&cluster.account)?;
    let _lock = cluster.lock()?;
    cluster.initialise()?;
    let data_dir = cluster.place.data();
    let started_by_us = Postmaster::settled(&data_dir)?.is_none();
    if started_by_us {
        cluster.launch()?;
    }
    cluster.ensure_database()?;
    let url = cluster.url(DATABASE)?;
    let users = cluster.place.open_private("users", OpenOptions::new().append(true), &cluster.account)?;
    users.lock_shared().context("cannot lock the private Postgres")?;
    let version = cluster.programs.major;
    info!(
        data_dir = %data_dir.display(),
        version,
        started_by_us,
        "private Postgres {version} keeps its data in {}; look inside with: psql \"$(mercato db url)\"",
        data_dir.display()
    );
    Ok(Private { url, data_dir, version, started_by_us, cluster, users })
}

/// Stops the cluster, whoever started and uses it.
pub fn stop(data_dir_override: Option<&Path>) -> Result<Stopped> {
    let cluster = Cluster::locate(data_dir_override)?;
    let data_dir = cluster.place.data();
    if !data_dir.exists() {
        return Ok(Stopped::WasNotRunning);
    }
    let _lock = cluster.lock()?;
    if !Postmaster::is_alive(&data_dir)? {
        return Ok(Stopped::WasNotRunning);
    }
    cluster.halt()?;
    Ok(Stopped::Now { data_dir })
}

impl Private {
    /// Stops the cluster on a clean exit, if we started it and no other server has come to use it.
    pub fn stop_if_ours(self) {
        if !self.started_by_us {
            return;
        }
        match self.stop_unless_shared() {
            Ok(true) => info!("stopped the private Postgres"),
            Ok(false) => info!("left the private Postgres running for the other server that uses it"),
            Err(error) => warn!("could not stop the private Postgres: {error:#}"),
        }
    }

    fn stop_unless_shared(self) -> Result<bool> {
        let _lock = self.cluster.lock()?;
        self.users.unlock()?;
        match self.users.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        if Postmaster::is_alive(&self.data_dir)? {
            self.cluster.halt()?;
        }
        Ok(true)
    }
}
