//! Running a program to its end; what it complains about becomes the error.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};

pub fn run(mut command: Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {}", name_of(&command)))?;
    check(&command, output)
}

/// Runs a program with this short text as its input.
pub fn feed(mut command: Command, text: &str) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", name_of(&command)))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that failed before reading says better itself what was wrong.
        input.write_all(text.as_bytes()).ok();
    }
    let output = child.wait_with_output()?;
    check(&command, output)
}

fn check(command: &Command, output: Output) -> Result<Output> {
    if output.status.success() {
        return Ok(output);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    bail!("{} failed ({}): {}", name_of(command), output.status, complaint.trim())
}

fn name_of(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
