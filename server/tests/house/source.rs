//! Every Rust file of the repository.

use std::fs;
use std::path::Path;

use crate::manifest::root;

#[derive(Debug)]
pub struct Source {
    /// From the root of the repository.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.trim_end_matches(".rs")
    }

    /// The text without the tests at its end.
    pub fn production(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.stem() == "tests"
    }
}

pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["src", "app", "frontend", "server", "xtask"] {
        collect(&root().join(folder), folder, &mut found);
    }
    assert!(found.len() > 150, "only {} files were found", found.len());
    found
}

/// The files that are shipped.
pub fn production() -> Vec<Source> {
    sources().into_iter().filter(|source| !source.is_test()).collect()
}

fn collect(folder: &Path, name: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{name}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, found);
        } else if name.ends_with(".rs") {
            found.push(Source { text: fs::read_to_string(&path).unwrap(), path: name });
        }
    }
}
