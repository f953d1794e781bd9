//! The private database that tests and query checks use, kept apart from anybody's data.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::log::read;
use crate::workspace::{Profile, Workspace};

/// Starts the private database if need be and returns its URL.
pub fn start(workspace: &Workspace) -> Result<String> {
    let printed = read(mercato(workspace).args(["db", "url"]))?;
    let url = printed.trim();
    ensure!(url.starts_with("postgres"), "`mercato db url` printed no URL: {url}");
    Ok(url.to_owned())
}

pub fn stop(workspace: &Workspace) -> Result<()> {
    read(mercato(workspace).args(["db", "stop"])).map(drop)
}

fn mercato(workspace: &Workspace) -> Command {
    let mut command = workspace.command(workspace.server(Profile::Dev));
    command.env("MERCATO_DATA_DIR", workspace.target.join("test-data"));
    // Somebody's own database must never be mistaken for the private one.
    command.env_remove("DATABASE_URL");
    command
}

/// The same server, another database on it.
pub fn with_name(url: &str, name: &str) -> Result<String> {
    let (scheme, rest) = url.split_once("://").context("a database URL has a scheme")?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.split_once('/').map_or(place, |(host, _)| host);
    let question = if query.is_empty() { "" } else { "?" };
    Ok(format!("{scheme}://{host}/{name}{question}{query}"))
}

#[cfg(test)]
mod tests {
    use super::with_name;

    #[test]
    fn another_database_keeps_host_and_parameters() {
        let url = with_name("postgres://me:secret@/mercato?host=/run/x", "other").unwrap();
        assert_eq!(url, "postgres://me:secret@/other?host=/run/x");
        let url = with_name("postgres://me@%2Frun%2Fx:5432/mercato", "other").unwrap();
        assert_eq!(url, "postgres://me@%2Frun%2Fx:5432/other");
    }
}
