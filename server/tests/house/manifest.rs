//! Reading manifests and the lock file, as far as the rules need it.

use std::fs;
use std::path::PathBuf;

#[derive(Debug)]
pub struct Dependency {
    pub name: String,
    pub optional: bool,
}

pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file of the repository.
pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What the crate in this folder ships with; tests may use more.
pub fn dependencies(folder: &str) -> Vec<Dependency> {
    let manifest = text(format!("{folder}/Cargo.toml").trim_start_matches('/'));
    let mut is_dependency = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            is_dependency = section == "dependencies" || section.ends_with(".dependencies");
            // The table of versions is not a use of any.
            is_dependency &= section != "workspace.dependencies";
        } else if let Some((name, rest)) = line.split_once('=').filter(|_| is_dependency) {
            let name = name.trim().split('.').next().unwrap_or_default().to_owned();
            if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                found.push(Dependency { name, optional: rest.contains("optional = true") });
            }
        }
    }
    found
}

/// Every package of the lock file with its version.
pub fn locked() -> Vec<(String, [u64; 3])> {
    let lock = text("Cargo.lock");
    let value = |package: &str, field: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .skip(1)
        .filter_map(|package| Some((value(package, "name")?, version(&value(package, "version")?)?)))
        .collect()
}

fn version(text: &str) -> Option<[u64; 3]> {
    let plain = text.split(['-', '+']).next()?;
    let parts: Vec<u64> = plain.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}
