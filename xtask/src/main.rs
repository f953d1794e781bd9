//! `cargo xtask`: builds both halves, serves, tests; knows nothing of what the product does.

mod bench;
mod browser_half;
mod database;
mod debian;
mod dev;
mod log;
mod postgres;
mod prepare;
mod progress;
mod server_half;
mod site;
mod style;
mod test;
mod toolchain;
mod valkey;
mod workspace;

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::log::Log;
use crate::workspace::{Profile, Workspace};

const USAGE: &str = "\
usage: cargo xtask <command>

  serve [-- arguments]  build everything for release and start the server
  build [--dev]         the same without starting; --dev: a server without optimisation
  dev                   build quickly, serve, and rebuild whenever a file changes
  test                  every check that continuous integration runs
  bugs                  put known bugs in, one at a time, and see whether the tests notice
  lint-wasm             clippy for the browser half
  prepare               refresh .sqlx, the query descriptions that builds without a database need
  bench [arguments]     the ledger's speed beside bare pgbench; --help lists the arguments
  bench relay           what the gateway adds to a call, without the ledger
  bench calls           what a whole paid call adds
  bench search          how long a search of the catalogue takes
  bench pages           what a page costs the server and how long a visitor waits for it";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let workspace = Workspace::find()?;
    match words.as_slice() {
        ["serve"] => serve(&workspace, &[]),
        ["serve", "--", rest @ ..] => serve(&workspace, rest),
        ["build"] => build(&workspace, Profile::Release),
        ["build", "--dev"] => build(&workspace, Profile::Dev),
        ["dev"] => dev::run(&workspace),
        ["test"] => test::run(&workspace),
        ["bugs"] => test::bugs::run(&workspace),
        ["lint-wasm"] => lint_wasm(&workspace),
        ["prepare"] => prepare::run(&workspace),
        ["bench", rest @ ..] => bench::run(&workspace, rest),
        _ => bail!("{USAGE}"),
    }
}

fn serve(workspace: &Workspace, arguments: &[&str]) -> Result<ExitCode> {
    build(workspace, Profile::Release)?;
    Err(server_half::become_server(workspace, arguments))
}

fn build(workspace: &Workspace, server_profile: Profile) -> Result<ExitCode> {
    let log = Log::terminal();
    postgres::ensure(workspace, &log)?;
    let toolchain = toolchain::ensure(workspace, &log)?;
    site::build(workspace, &toolchain, Profile::Release, &log)?;
    server_half::build(workspace, server_profile, &log)?;
    Ok(ExitCode::SUCCESS)
}

fn lint_wasm(workspace: &Workspace) -> Result<ExitCode> {
    let log = Log::terminal();
    let toolchain = toolchain::ensure(workspace, &log)?;
    browser_half::lint(workspace, &toolchain, &log)?;
    Ok(ExitCode::SUCCESS)
}
