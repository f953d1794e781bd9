//! Checks that read the source or what was built of it, and run nothing of ours.

use std::fs;

use anyhow::{Result, ensure};

use crate::log::{Log, read};
use crate::progress::Tally;
use crate::site::{self, PACKAGE_FOLDER};
use crate::test::Bench;
use crate::toolchain::WASM;
use crate::workspace::{OUTPUT_NAME, Profile};
use crate::{browser_half, prepare};

/// What a visitor has to fetch before a page wakes, in bytes after brotli: growth past this fails.
const BROWSER_HALF_BYTES_MAX: usize = 349_000;
const NATIVE: [&str; 14] = [
    "aws-lc-rs",
    "axum",
    "engine",
    "getrandom",
    "hyper",
    "leptos_axum",
    "libc",
    "mio",
    "rand",
    "reqwest",
    "rustls",
    "sqlx",
    "store",
    "tokio",
];
const BANNED: [&str; 4] = ["native-tls", "openssl-sys", "ring", "rsa"];

pub fn format(bench: &mut Bench, log: &Log) -> Result<Tally> {
    log.run(bench.workspace.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Tally::PASSED)
}

pub fn query_descriptions(bench: &mut Bench, _: &Log) -> Result<Tally> {
    let count = fs::read_dir(bench.workspace.root.join(prepare::FOLDER)).map_or(0, Iterator::count);
    ensure!(count > 0, "{} is missing: run `cargo xtask prepare`", prepare::FOLDER);
    Ok(Tally::PASSED)
}

/// Fails when a native crate leaks into what the browser has to fetch.
pub fn browser_half_crates(bench: &mut Bench, log: &Log) -> Result<Tally> {
    for package in ["frontend", "statement"] {
        let tree = ["--package", package, "--target", WASM, "--edges", "normal,no-proc-macro"];
        refuse(bench, &tree, &NATIVE, log)?;
    }
    Ok(Tally::PASSED)
}

/// Fails when a second family of cryptography slips in.
pub fn server_half_crates(bench: &mut Bench, log: &Log) -> Result<Tally> {
    refuse(bench, &["--package", "server", "--edges", "normal,build"], &BANNED, log)
}

pub fn site(bench: &mut Bench, log: &Log) -> Result<Tally> {
    site::build(bench.workspace, bench.toolchain()?, Profile::Release, log)?;
    Ok(Tally::PASSED)
}

pub fn size(bench: &mut Bench, _: &Log) -> Result<Tally> {
    let package = bench.workspace.site().join(PACKAGE_FOLDER);
    let size = |name: String| fs::read(package.join(name)).map(|bytes| bytes.len());
    let raw = size(format!("{OUTPUT_NAME}.wasm"))?;
    let compressed = size(format!("{OUTPUT_NAME}.wasm.br"))?;
    print!("{raw} bytes, {compressed} with brotli, at most {BROWSER_HALF_BYTES_MAX} … ");
    ensure!(
        compressed <= BROWSER_HALF_BYTES_MAX,
        "{compressed} bytes of wasm after brotli, at most {BROWSER_HALF_BYTES_MAX} are allowed"
    );
    Ok(Tally::PASSED)
}

pub fn browser_half_lints(bench: &mut Bench, log: &Log) -> Result<Tally> {
    browser_half::lint(bench.workspace, bench.toolchain()?, log)?;
    Ok(Tally::PASSED)
}

pub fn server_half_lints(bench: &mut Bench, log: &Log) -> Result<Tally> {
    log.run(bench.workspace.cargo().args(["clippy", "--all-targets", "--", "-D", "warnings"]))?;
    Ok(Tally::PASSED)
}

pub fn xtask_lints(bench: &mut Bench, log: &Log) -> Result<Tally> {
    let arguments = ["clippy", "--package", "xtask", "--all-targets", "--", "-D", "warnings"];
    log.run(bench.workspace.cargo().args(arguments))?;
    Ok(Tally::PASSED)
}

fn refuse(bench: &Bench, tree: &[&str], names: &[&str], log: &Log) -> Result<Tally> {
    let mut command = bench.workspace.cargo();
    let printed = read(command.args(["tree", "--prefix", "none"]).args(tree))?;
    let first_words = printed.lines().filter_map(|line| line.split_whitespace().next());
    let mut found: Vec<&str> = first_words.filter(|name| names.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    log.note(&printed);
    ensure!(found.is_empty(), "not allowed here: {}", found.join(", "));
    Ok(Tally::PASSED)
}
