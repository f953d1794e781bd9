//! The compiler of the browser half, and the wasm standard library it needs.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::log::{Log, read};
use crate::workspace::Workspace;

pub const WASM: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// Who compiles the browser half.
pub enum Toolchain {
    /// The one that compiles the server.
    Active,
    /// Debian's `rustc-web`, with a library we built from its sources.
    Debian { library: Library },
}

/// Where Debian's compiler finds the library we built.
pub enum Library {
    /// In its own system root: no flag needed.
    System,
    /// In a system root of ours, because the other one was not ours to change.
    Private(PathBuf),
}

/// Finds a compiler for the browser half, installing what is missing.
pub fn ensure(workspace: &Workspace, log: &Log) -> Result<Toolchain> {
    if active_has_wasm(workspace) {
        return Ok(Toolchain::Active);
    }
    // Before rustup is asked, because without a network it takes long to say no.
    if let Some(library) = debian_library(workspace) {
        return Ok(Toolchain::Debian { library });
    }
    let mut rustup = workspace.command("rustup");
    if log.succeeds(rustup.args(["target", "add", WASM])).unwrap_or(false) && active_has_wasm(workspace) {
        return Ok(Toolchain::Active);
    }
    if !debian::is_debian() {
        bail!("the browser half needs Rust's library for {WASM}: run `rustup target add {WASM}`");
    }
    let packages = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"];
    debian::install(workspace, &packages, log)?;
    debian::install(workspace, &[&matching_linker(workspace)?], log)?;
    build_library(workspace, log)?;
    let library = debian_library(workspace)
        .with_context(|| format!("{DEBIAN_RUSTC} still cannot compile for {WASM}"))?;
    Ok(Toolchain::Debian { library })
}

impl Toolchain {
    /// `cargo <subcommand>` on the browser half, in a folder of its own so that neither half
    /// waits for, or throws away, what the other has built.
    pub fn cargo(&self, workspace: &Workspace, subcommand: &str) -> Command {
        let mut command = match self {
            Self::Active => workspace.cargo(),
            Self::Debian { library } => debian_cargo(workspace, library, subcommand),
        };
        command.args([subcommand, "--package", "frontend", "--package", "statement", "--target", WASM]);
        command.arg("--target-dir").arg(target(workspace));
        command
    }

    /// Installs the lints that belong to the compiler.
    pub fn ensure_clippy(&self, workspace: &Workspace, log: &Log) -> Result<()> {
        match self {
            Self::Active => Ok(()),
            Self::Debian { .. } => debian::install(workspace, &["rust-web-clippy"], log),
        }
    }
}

/// Where the browser half is built.
pub fn target(workspace: &Workspace) -> PathBuf {
    workspace.target.join("front")
}

fn active_has_wasm(workspace: &Workspace) -> bool {
    read(workspace.command("rustc").args(["--print", "target-libdir", "--target", WASM]))
        .is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

fn debian_cargo(workspace: &Workspace, library: &Library, subcommand: &str) -> Command {
    // `cargo clippy` would prefer a `cargo-clippy` of rustup's.
    let program = if subcommand == "clippy" { "/usr/bin/cargo-clippy" } else { DEBIAN_CARGO };
    let mut command = workspace.command(program);
    command.env("RUSTC", DEBIAN_RUSTC).env("CARGO", DEBIAN_CARGO);
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC_WRAPPER");
    if let Library::Private(root) = library {
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", format!("--sysroot={}", root.display()));
    }
    command
}

/// The library that makes Debian's compiler compile and link for the browser, if there is one.
fn debian_library(workspace: &Workspace) -> Option<Library> {
    let private = private_root(workspace);
    if !Path::new(DEBIAN_RUSTC).is_file() || !Path::new(DEBIAN_CARGO).is_file() {
        None
    } else if compiles_for_wasm(workspace, None).unwrap_or(false) {
        Some(Library::System)
    } else if compiles_for_wasm(workspace, Some(&private)).unwrap_or(false) {
        Some(Library::Private(private))
    } else {
        None
    }
}

/// Tries it, since a library left by an older compiler looks the same but is refused.
fn compiles_for_wasm(workspace: &Workspace, root: Option<&Path>) -> Result<bool> {
    fs::create_dir_all(target(workspace))?;
    let mut command = workspace.command(DEBIAN_RUSTC);
    command.args(["--target", WASM, "--crate-type", "cdylib", "--crate-name", "probe", "-"]);
    command.arg("-o").arg(target(workspace).join("probe.wasm"));
    if let Some(root) = root {
        command.arg("--sysroot").arg(root);
    }
    let mut compiler = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    if let Some(mut source) = compiler.stdin.take() {
        source.write_all(b"#[unsafe(no_mangle)] pub extern \"C\" fn probe() { println!() }")?;
    }
    Ok(compiler.wait()?.success())
}

/// Debian's `rust-lld` is a link to the linker of the compiler's own LLVM.
fn matching_linker(workspace: &Workspace) -> Result<String> {
    let description = read(workspace.command(DEBIAN_RUSTC).args(["--version", "--verbose"]))?;
    let version = description.lines().find_map(|line| line.strip_prefix("LLVM version: "));
    let major = version.and_then(|version| version.split('.').next());
    Ok(format!("lld-{}", major.context("rustc does not name its LLVM")?))
}

/// Compiles the packaged sources of the standard library once and puts it where rustc looks.
fn build_library(workspace: &Workspace, log: &Log) -> Result<()> {
    log.note("building the wasm standard library, once");
    let folder = target(workspace).join("std-library");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(
        folder.join("Cargo.toml"),
        "[package]\nname = \"std-library\"\nedition = \"2024\"\n\n[lib]\n\n[workspace]\n",
    )?;
    fs::write(folder.join("src/lib.rs"), "#![no_std]\n")?;
    let mut command = debian_cargo(workspace, &Library::System, "build");
    // The sources are those of this very compiler, so its unstable door is safe to open.
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(&folder);
    command.args(["build", "--release", "-Zbuild-std=std,panic_abort,proc_macro", "--target", WASM]);
    log.run(command.arg("--target-dir").arg(folder.join("target")))?;

    let root = match debian::is_root() {
        true => PathBuf::from(read(workspace.command(DEBIAN_RUSTC).args(["--print", "sysroot"]))?.trim()),
        false => private_root(workspace),
    };
    let built = folder.join("target").join(WASM).join("release/deps");
    replace_libraries(&built, &root.join("lib/rustlib").join(WASM).join("lib"))
}

fn replace_libraries(from: &Path, to: &Path) -> Result<()> {
    // Two versions of one library side by side make rustc refuse both.
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let (Some(name), true) = (path.file_name(), path.extension().is_some_and(|kind| kind == "rlib")) {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn private_root(workspace: &Workspace) -> PathBuf {
    target(workspace).join("std-root")
}
