//! `mercato statement verify`: the check that the page makes too, for whoever trusts no page.

use std::path::Path;

use anyhow::{Context, bail};
use marketplace::statement::report;

use super::say;

pub fn verify(file: &Path, expected_key: Option<&str>) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    // What is not text is no statement, and the check says so.
    let report = report(&String::from_utf8_lossy(&bytes), expected_key);
    if !report.genuine {
        bail!("{} {}", report.headline, report.advice);
    }
    say(&report.headline);
    for (name, figure) in &report.facts {
        say(&format!("  {name}: {figure}"));
    }
    say(&report.advice);
    Ok(())
}
