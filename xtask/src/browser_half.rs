//! The browser half: compiled to wasm, with the script that loads it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::log::Log;
use crate::toolchain::{self, Toolchain, WASM};
use crate::workspace::{OUTPUT_NAME, Profile, Workspace};

/// What is compiled for the browser, and the name that its files bear. The statement's check stands apart, so that
/// nobody else has to fetch it.
const PROGRAMS: [(&str, &str); 2] = [("frontend", OUTPUT_NAME), ("statement", "statement")];

/// Compiles and binds; returns the folders of files that belong into the site's package folder.
pub fn build(
    workspace: &Workspace,
    toolchain: &Toolchain,
    profile: Profile,
    log: &Log,
) -> Result<Vec<PathBuf>> {
    log.run(toolchain.cargo(workspace, "build").args(["--profile", cargo_profile(profile)]))?;
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "wasm-release",
    };
    let target = toolchain::target(workspace);
    let bind = |(package, name)| {
        let compiled = target.join(WASM).join(folder).join(format!("{package}.wasm"));
        bind_if_changed(&compiled, &target.join("bound").join(folder).join(name), name, profile, log)
    };
    PROGRAMS.into_iter().map(bind).collect()
}

/// Runs clippy with the compiler that builds the browser half.
pub fn lint(workspace: &Workspace, toolchain: &Toolchain, log: &Log) -> Result<()> {
    toolchain.ensure_clippy(workspace, log)?;
    let mut clippy = toolchain.cargo(workspace, "clippy");
    // The profile of the build, so that macros and build scripts are compiled once for both.
    log.run(clippy.args(["--profile", cargo_profile(Profile::Release), "--", "-D", "warnings"]))
}

fn cargo_profile(profile: Profile) -> &'static str {
    match profile {
        Profile::Dev => "dev",
        Profile::Release => "wasm-release",
    }
}

fn bind_if_changed(
    compiled: &Path,
    bound: &Path,
    name: &str,
    profile: Profile,
    log: &Log,
) -> Result<PathBuf> {
    let wasm = fs::read(compiled).with_context(|| format!("cannot read {}", compiled.display()))?;
    let print = fingerprint(&wasm);
    let stamp = bound.with_extension("stamp");
    if fs::read_to_string(&stamp).is_ok_and(|known| known == print) {
        return Ok(bound.to_path_buf());
    }
    log.note(&format!("binding {name} for the browser"));
    if bound.exists() {
        fs::remove_dir_all(bound)?;
    }
    let mut bindgen = Bindgen::new();
    bindgen.input_bytes(name, wasm).web(true)?.typescript(false).omit_default_module_path(true);
    if profile == Profile::Release {
        bindgen.remove_name_section(true).remove_producers_section(true);
    }
    bindgen.generate(bound)?;
    // Leptos, compiled with LEPTOS_OUTPUT_NAME, asks for the name without `_bg`.
    fs::rename(bound.join(format!("{name}_bg.wasm")), bound.join(format!("{name}.wasm")))?;
    fs::write(stamp, print)?;
    Ok(bound.to_path_buf())
}

fn fingerprint(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
