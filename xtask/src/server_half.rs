//! The server half: built with cargo, started with what it must know of the site.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Error, Result};

use crate::log::Log;
use crate::site::PACKAGE_FOLDER;
use crate::workspace::{OUTPUT_NAME, Profile, Workspace};

pub fn build(workspace: &Workspace, profile: Profile, log: &Log) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["build", "--package", "server"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    log.run(&mut command)
}

/// The built server, told where the site is.
pub fn command(workspace: &Workspace, profile: Profile) -> Command {
    let mut command = workspace.command(workspace.server(profile));
    describe_site(workspace, &mut command);
    command
}

/// Tells somebody who will start a server to test which one, and where its site is.
pub fn describe_for_test(workspace: &Workspace, command: &mut Command) {
    describe_to_scripts(workspace, Profile::Dev, command);
}

/// The same for a server of either profile.
pub fn describe_to_scripts(workspace: &Workspace, profile: Profile, command: &mut Command) {
    describe_site(workspace, command);
    command.env("MERCATO_BIN", workspace.server(profile));
    // Tests spend and delete: they must never meet anybody's own database.
    command.env_remove("DATABASE_URL");
}

fn describe_site(workspace: &Workspace, command: &mut Command) {
    command.env("LEPTOS_OUTPUT_NAME", OUTPUT_NAME);
    command.env("LEPTOS_SITE_ROOT", workspace.site());
    command.env("LEPTOS_SITE_PKG_DIR", PACKAGE_FOLDER);
}

/// Replaces this process, so that signals reach the server directly. Returns only on failure.
pub fn become_server(workspace: &Workspace, arguments: &[&str]) -> Error {
    let mut command = command(workspace, Profile::Release);
    let failure = command.arg("serve").args(arguments).exec();
    Error::new(failure).context("cannot start the server")
}
