//! Where things are, and commands that behave as if typed at the workspace root.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The name leptos was compiled with; the files of the browser half carry it.
pub const OUTPUT_NAME: &str = "mercato";

/// How much trouble the compiler takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// Small and quick to run.
    Release,
}

pub struct Workspace {
    pub root: PathBuf,
    /// Where cargo builds: `target`, unless `CARGO_TARGET_DIR` says otherwise.
    pub target: PathBuf,
}

impl Workspace {
    pub fn find() -> Result<Self> {
        // Read now, not when compiled: the checkout may have moved since.
        let manifest = env::var("CARGO_MANIFEST_DIR").context("please run `cargo xtask`")?;
        let root = Path::new(&manifest).parent().context("xtask lies in the workspace")?.to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        Ok(Self { target: root.join(target), root })
    }

    /// A command at the root, freed of what the cargo that started us left in the environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os().filter(|(name, _)| is_left_by_cargo(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.current_dir(&self.root);
        command
    }

    /// Cargo as a person would call it here. Queries are checked against `.sqlx`, never a database.
    pub fn cargo(&self) -> Command {
        let mut command = self.command("cargo");
        command.env("SQLX_OFFLINE", "true");
        command
    }

    /// What the site builder leaves for the server: pages' scripts, styles and public files.
    pub fn site(&self) -> PathBuf {
        self.target.join("site")
    }

    /// The server program of that profile.
    pub fn server(&self, profile: Profile) -> PathBuf {
        self.target.join(match profile {
            Profile::Dev => "debug/mercato",
            Profile::Release => "release/mercato",
        })
    }
}

/// Whether a program of that name is on the `PATH`.
pub fn is_on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|paths| env::split_paths(&paths).any(|folder| folder.join(program).is_file()))
}

/// `cargo run` describes the running package and its libraries to us; another cargo must not
/// take that for its own.
fn is_left_by_cargo(name: &str) -> bool {
    matches!(name, "CARGO" | "LD_LIBRARY_PATH" | "DYLD_FALLBACK_LIBRARY_PATH" | "RUST_RECURSION_COUNT")
        || name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
}
