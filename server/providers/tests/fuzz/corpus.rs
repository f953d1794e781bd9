//! What a run begins with, and where it keeps what it found.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Every body of the fixtures, and what earlier runs of this target kept.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut bodies = bodies(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
    // The expectations are no answer of anybody, and too large to be changed a thousand times.
    bodies.retain(|body| body.len() < 16 << 10);
    bodies.extend(kept(target));
    bodies
}

pub fn kept(target: &str) -> Vec<Vec<u8>> {
    bodies(&folder(target))
}

pub fn keep(target: &str, what: &str, body: &[u8]) -> PathBuf {
    let folder = folder(target);
    fs::create_dir_all(&folder).unwrap();
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let path = folder.join(format!("{what}-{:016x}", hasher.finish()));
    fs::write(&path, body).unwrap();
    path
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

/// In the order of their names, so that the same seed means the same run everywhere.
fn bodies(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| if path.is_dir() { bodies(&path) } else { vec![fs::read(path).unwrap()] };
    paths.into_iter().flat_map(read).collect()
}
