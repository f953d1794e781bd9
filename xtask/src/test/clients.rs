//! Conversations led by the vendors' own client libraries, in Python.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::log::Log;
use crate::progress::Tally;
use crate::server_half;
use crate::test::{Bench, tally};

pub fn run(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let workspace = bench.workspace;
    let folder = workspace.root.join("end2end");
    let mut scripts = Vec::new();
    for entry in fs::read_dir(folder.join("clients")).context("cannot read end2end/clients")? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("_client.py") {
            scripts.push(path);
        }
    }
    ensure!(!scripts.is_empty(), "end2end/clients has no script that ends in _client.py");
    scripts.sort();
    let mut is_success = true;
    for script in scripts {
        let mut command = workspace.command(folder.join(".venv/bin/python"));
        server_half::describe_for_test(workspace, command.arg(script));
        is_success &= log.succeeds(&mut command)?;
    }
    Ok(tally::read(&log.text(), is_success))
}
