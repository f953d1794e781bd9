//! The bare machine: PostgreSQL's own `pgbench` with scripts that do the least a ledger could do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::load::Load;
use crate::market::Market;
use crate::options::Options;

/// One script with as many clients as the row of PERFORMANCE it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    pub name: &'static str,
    pub clients: usize,
    pub accounts: u64,
}

pub const DEBIT: Script = Script { name: "debit", clients: 16, accounts: 10_000 };
pub const RESERVE_AND_SETTLE: Script = Script { name: "reserve_and_settle", clients: 16, accounts: 10_000 };
pub const ONE_ACCOUNT: Script = Script { name: "reserve_and_settle", clients: 16, accounts: 1 };
pub const RESERVE: Script = Script { name: "reserve", clients: 16, accounts: 10_000 };
pub const GROUPED: Script = Script { name: "grouped", clients: 4, accounts: 10_000 };

impl Script {
    pub fn run(&self, options: &Options, market: &Market) -> Result<Load> {
        let log = env::temp_dir().join(format!("mercato-pgbench-{}", process::id()));
        fs::create_dir_all(&log)?;
        let loaded = self.run_logging_into(&log, options, market);
        fs::remove_dir_all(&log)?;
        loaded
    }

    fn run_logging_into(&self, log: &Path, options: &Options, market: &Market) -> Result<Load> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ledger/raw").join(self.name);
        let mut command = Command::new(find()?);
        command.args(["--no-vacuum", "--protocol=prepared", "--log"]);
        command.arg("--file").arg(script.with_extension("sql"));
        command.arg("--log-prefix").arg(log.join("run"));
        command.arg("--client").arg(self.clients.to_string());
        command.arg("--jobs").arg(self.clients.min(2).to_string());
        command.arg("--time").arg(options.time().as_secs().to_string());
        command.arg("--define").arg(format!("accounts={}", self.accounts));
        let output = command.arg(&market.url).output().context("cannot run pgbench")?;
        ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
        let mut latencies = Vec::new();
        for file in fs::read_dir(log)? {
            // Client, number, microseconds, file, and the moment it ended.
            let text = fs::read_to_string(file?.path())?;
            let third = |line: &str| line.split(' ').nth(2)?.parse().ok().map(Duration::from_micros);
            latencies.extend(text.lines().filter_map(third));
        }
        ensure!(!latencies.is_empty(), "pgbench did nothing");
        Ok(Load::new(options.time(), latencies))
    }
}

/// Beside the other programs of PostgreSQL, of the newest version if there are several.
fn find() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("MERCATO_PG_BIN") {
        return Ok(Path::new(&folder).join("pgbench"));
    }
    let mut folders = Vec::new();
    if let Ok(told) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort_unstable();
    folders.extend(versions.into_iter().rev());
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    match folders.into_iter().map(|folder| folder.join("pgbench")).find(|program| program.is_file()) {
        Some(program) => Ok(program),
        None => {
            bail!("found no pgbench: install PostgreSQL's programs, or set MERCATO_PG_BIN to their folder")
        }
    }
}
