//! The site folder the server hands out: browser half, styles, public files, and compressed twins.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::browser_half;
use crate::log::Log;
use crate::style;
use crate::toolchain::Toolchain;
use crate::workspace::{OUTPUT_NAME, Profile, Workspace};

/// Where in the site the browser half and the styles lie.
pub const PACKAGE_FOLDER: &str = "pkg";
const COMPRESSED: [&str; 4] = ["wasm", "js", "css", "svg"];

/// Builds the browser half and everything else the server hands out.
pub fn build(workspace: &Workspace, toolchain: &Toolchain, profile: Profile, log: &Log) -> Result<()> {
    let programs = browser_half::build(workspace, toolchain, profile, log)?;
    let css = style::bundle(&workspace.root.join("style/main.css"))?;
    let package = Path::new(PACKAGE_FOLDER);
    let mut site = Site { root: workspace.site(), profile, placed: BTreeSet::new() };
    for bound in &programs {
        site.place_folder(bound, package, log)?;
    }
    site.place(&package.join(format!("{OUTPUT_NAME}.css")), css.as_bytes(), log)?;
    site.place_folder(&workspace.root.join("public"), Path::new(""), log)?;
    site.remove_others(&site.root)
}

struct Site {
    root: PathBuf,
    profile: Profile,
    placed: BTreeSet<PathBuf>,
}

impl Site {
    fn place_folder(&mut self, from: &Path, to: &Path, log: &Log) -> Result<()> {
        let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = to.join(path.file_name().unwrap_or_default());
            if path.is_dir() {
                self.place_folder(&path, &name, log)?;
            } else {
                self.place(&name, &fs::read(&path)?, log)?;
            }
        }
        Ok(())
    }

    /// Writes a file and its twins, unless they are there already.
    fn place(&mut self, name: &Path, bytes: &[u8], log: &Log) -> Result<()> {
        let path = self.root.join(name);
        let is_new = fs::read(&path).ok().as_deref() != Some(bytes);
        if is_new {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, bytes)?;
        }
        let kind = name.extension().unwrap_or_default().to_string_lossy();
        if self.profile == Profile::Release && COMPRESSED.contains(&kind.as_ref()) {
            self.place_twin(&path, "br", is_new, || brotli(bytes), log)?;
            self.place_twin(&path, "gz", is_new, || gzip(bytes), log)?;
        }
        self.placed.insert(path);
        Ok(())
    }

    fn place_twin(
        &mut self,
        path: &Path,
        kind: &str,
        is_new: bool,
        compress: impl FnOnce() -> Result<Vec<u8>>,
        log: &Log,
    ) -> Result<()> {
        let mut twin = path.as_os_str().to_owned();
        twin.push(format!(".{kind}"));
        let twin = PathBuf::from(twin);
        if is_new || !twin.exists() {
            log.note(&format!("compressing {}", twin.display()));
            fs::write(&twin, compress()?)?;
        }
        self.placed.insert(twin);
        Ok(())
    }

    /// What an earlier build left would be served as if it were current.
    fn remove_others(&self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                self.remove_others(&path)?;
            } else if !self.placed.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let parameters =
        BrotliEncoderParams { quality: 11, size_hint: bytes.len(), ..BrotliEncoderParams::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}
