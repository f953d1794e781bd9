//! A program of the measurement, and what it takes of the machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// Ends with whoever started it, because it reads until nobody writes.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// Starts this very program in another role, which says where it listens.
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let told = child.stdout.take().context("a program has no output")?;
        let mut line = String::new();
        BufReader::new(told).read_line(&mut line)?;
        let address = line.trim().parse().context("a program did not say where it listens")?;
        Ok(Self { child, address })
    }

    /// A program that was started otherwise.
    pub fn of(child: Child, address: SocketAddr) -> Self {
        Self { child, address }
    }

    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(self.child.id())
    }

    /// Its share of memory in KiB.
    pub fn memory_kib(&self) -> Result<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let figure = line.and_then(|line| line.split_whitespace().next()).context("memory is not told")?;
        Ok(figure.parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time that all threads of a program have run, to the nanosecond.
pub fn cpu_of(process: u32) -> Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let Ok(told) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += told.split_whitespace().next().and_then(|run| run.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// Waits until whoever started this program ends.
pub async fn until_alone() {
    let waiting = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    // Whatever is read, or not, the other end is gone.
    let _ = waiting.await;
}
