//! Conversations led by the client libraries that people already use, in Python and in Node.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::log::Log;
use crate::progress::Tally;
use crate::server_half;
use crate::test::{Bench, tally};

/// Scripts of either language; those for Node are led by one in Python.
const ENDS: [&str; 2] = ["_client.py", "_client.mjs"];
const THROUGH_NODE: &str = "through_node.py";

pub fn run(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let workspace = bench.workspace;
    let folder = workspace.root.join("end2end");
    let mut is_success = true;
    for script in scripts(folder.join("clients"))? {
        let mut command = workspace.command(folder.join(".venv/bin/python"));
        if script.extension().is_some_and(|extension| extension == "mjs") {
            command.arg(script.with_file_name(THROUGH_NODE));
        }
        server_half::describe_for_test(workspace, command.arg(script));
        is_success &= log.succeeds(&mut command)?;
    }
    Ok(tally::read(&log.text(), is_success))
}

fn scripts(folder: PathBuf) -> Result<Vec<PathBuf>> {
    let mut scripts = Vec::new();
    for entry in fs::read_dir(folder).context("cannot read end2end/clients")? {
        let path = entry?.path();
        if ENDS.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            scripts.push(path);
        }
    }
    ensure!(!scripts.is_empty(), "end2end/clients has no script of a client");
    scripts.sort();
    Ok(scripts)
}
