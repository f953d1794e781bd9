//! Where the output of a step goes: to the terminal, or to a file that is shown only on failure.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

pub struct Log {
    file: Option<(PathBuf, File)>,
}

impl Log {
    pub fn terminal() -> Self {
        Self { file: None }
    }

    pub fn file(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file: Some((path, file)) })
    }

    /// Tells the reader what is being done.
    pub fn note(&self, text: &str) {
        match &self.file {
            None => eprintln!("{text}"),
            // A log that cannot be written must not fail the step it describes.
            Some((_, file)) => drop(writeln!(&mut &*file, "{text}")),
        }
    }

    /// Runs to the end; anything but success is an error.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        ensure!(self.succeeds(command)?, "{} failed", describe(command));
        Ok(())
    }

    /// Runs to the end and says whether it went well.
    pub fn succeeds(&self, command: &mut Command) -> Result<bool> {
        if let Some((_, file)) = &self.file {
            self.note(&format!("$ {}", describe(command)));
            command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file.try_clone()?);
        }
        let status = command.status().with_context(|| format!("cannot run {}", describe(command)))?;
        Ok(status.success())
    }

    /// What was written so far; nothing for a terminal.
    pub fn text(&self) -> String {
        let path = self.file.as_ref().map(|(path, _)| path);
        path.and_then(|path| fs::read(path).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

/// Runs to the end and returns what was printed to standard output.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", describe(command)))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {}", describe(command), complaint.trim());
    Ok(String::from_utf8(output.stdout)?)
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
