//! The process of a running cluster, as its `postmaster.pid` describes it.

use std::{
    fs,
    io::ErrorKind,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// How long a running postmaster may take to answer or to be gone.
const SETTLING_WAIT_MAX: Duration = Duration::from_secs(60);

/// Where a running postmaster listens.
#[derive(Debug)]
pub struct Postmaster {
    pub port: u16,
    pub socket_folder: PathBuf,
}

impl Postmaster {
    /// The postmaster once it answers, or none if there is none or it has just stopped.
    pub fn settled(data: &Path) -> Result<Option<Self>> {
        let started = Instant::now();
        while let Some(description) = description(data)? {
            if let Some(postmaster) = Self::ready(&description).filter(Self::answers) {
                return Ok(Some(postmaster));
            }
            if started.elapsed() > SETTLING_WAIT_MAX {
                bail!(
                    "a Postgres runs on {} but does not answer; stop it with `mercato db stop` and try again",
                    data.display()
                );
            }
            sleep(Duration::from_millis(100));
        }
        Ok(None)
    }

    pub fn is_alive(data: &Path) -> Result<bool> {
        Ok(description(data)?.is_some())
    }

    fn ready(description: &str) -> Option<Self> {
        let lines: Vec<&str> = description.lines().map(str::trim).collect();
        let [_pid, _data, _since, port, socket_folder, _address, _memory, "ready"] = lines[..] else {
            return None;
        };
        Some(Self { port: port.parse().ok()?, socket_folder: socket_folder.into() })
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.socket_folder.join(format!(".s.PGSQL.{}", self.port))).is_ok()
    }
}

/// The text of `postmaster.pid` if its process lives.
fn description(data: &Path) -> Result<Option<String>> {
    let file = data.join("postmaster.pid");
    let description = match fs::read_to_string(&file) {
        Ok(description) => description,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(pid) = description.lines().next().and_then(|line| line.trim().parse().ok()) else {
        return Ok(None);
    };
    match program_of(pid) {
        Some(program) if ["postgres", "postmaster"].contains(&program.as_str()) => Ok(Some(description)),
        Some(_) => {
            // Postgres itself sees only that the number is taken, and would refuse to start.
            tracing::warn!("removing a postmaster.pid whose process is dead or another program");
            fs::remove_file(&file)?;
            Ok(None)
        }
        // A number that nobody has is no obstacle to Postgres.
        None => Ok(None),
    }
}

/// The file name of the program that this process runs; empty for one that is dead but not buried.
fn program_of(pid: u32) -> Option<String> {
    let program = if cfg!(target_os = "linux") {
        let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let program = command_line.split(|byte| *byte == 0).next()?;
        String::from_utf8_lossy(program).into_owned()
    } else {
        let output = Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output().ok()?;
        if !output.status.success() {
            return None;
        }
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let name = program.rsplit('/').next().unwrap_or_default();
    Some(name.to_owned())
}
