//! `cargo xtask test`: every check, one after the other, whatever the earlier ones said.

pub mod bugs;
mod checks;
mod clients;
mod journeys;
mod tally;
mod tests;
pub mod tools;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::log::Log;
use crate::progress::{Tally, run_step};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// What later steps need of earlier ones; absent when those failed.
pub struct Bench<'a> {
    workspace: &'a Workspace,
    toolchain: Option<Toolchain>,
    database_url: Option<String>,
}

impl Bench<'_> {
    fn toolchain(&self) -> Result<&Toolchain> {
        self.toolchain.as_ref().context("there is no compiler for the browser half")
    }

    fn database_url(&self) -> Result<&str> {
        self.database_url.as_deref().context("the test database is not running")
    }
}

type Step = fn(&mut Bench, &Log) -> Result<Tally>;

const STEPS: &[(&str, Step)] = &[
    ("wasm library", tools::wasm_library),
    ("PostgreSQL", tools::postgres_programs),
    ("Valkey", tools::valkey_program),
    ("Node packages", tools::node_packages),
    ("Chromium", tools::chromium),
    ("Python packages", tools::python_packages),
    ("format", checks::format),
    ("query descriptions", checks::query_descriptions),
    ("no native crate in the browser half", checks::browser_half_crates),
    ("no second cryptography in the server half", checks::server_half_crates),
    ("site", checks::site),
    ("size of the browser half", checks::size),
    ("lints of the browser half", checks::browser_half_lints),
    ("lints of the server half", checks::server_half_lints),
    ("lints of xtask", checks::xtask_lints),
    ("server", tests::server),
    ("test database", tests::database),
    ("tests", tests::run),
    ("tests of xtask", tests::xtask),
    ("journeys", journeys::run),
    ("marks of Lighthouse", journeys::marks),
    ("clients", clients::run),
    // After everything that uses the built server, whose place its tests take for a while.
    ("bugs that are put in are noticed", bugs::step),
    ("test database stopped", tests::stop_database),
];

pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let logs = workspace.target.join("xtask-logs");
    fs::create_dir_all(&logs)?;
    let mut bench = Bench { workspace, toolchain: None, database_url: None };
    let mut total = Tally::default();
    for (index, (name, step)) in STEPS.iter().enumerate() {
        let number = index + 1;
        let log = Log::file(logs.join(format!("{number:02}-{}.log", name.replace(' ', "-"))))?;
        total += run_step(&format!("[{number}/{}] {name}", STEPS.len()), &log, || step(&mut bench, &log));
    }
    println!("{total}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
