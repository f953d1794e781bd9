//! A program of the measurement, and what it takes of the machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux tells everybody times in hundredths of a second.
const MILLIS_A_TICK: u64 = 10;

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

/// The time that a program has run, with all threads that it ever had, to the hundredth of a second.
pub fn cpu_of(process: u32) -> Result<Duration> {
    let told = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // proc(5): what follows the name, which may hold spaces, begins with the third field; 14 and 15 are user and system time.
    let fields = told.rsplit(") ").next().unwrap_or_default().split_whitespace();
    let ticks = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * MILLIS_A_TICK))
}

/// Waits until whoever started this program ends.
pub async fn until_alone() {
    let waiting = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    // Whatever is read, or not, the other end is gone.
    let _ = waiting.await;
}
