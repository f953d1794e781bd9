//! The vendors, played by one process that writes down what really happened.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::PROGRAM;
use super::process::Process;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Realistic,
    Instant,
}

pub struct Simulator {
    /// Such as `127.0.0.1:4100`.
    pub addr: String,
    pub truth: PathBuf,
    // Kept for its end.
    _process: Process,
}

impl Simulator {
    pub fn start(pace: Pace, folder: &Path) -> Self {
        let truth = folder.join("truth.jsonl");
        let mut command = Command::new(PROGRAM);
        command.args(["simulate-providers", "--addr", "127.0.0.1:0", "--truth"]).arg(&truth);
        if pace == Pace::Instant {
            command.arg("--instant");
        }
        let mut process =
            Process::start(command.stdout(Stdio::piped()).current_dir(folder), &folder.join("simulator.log"));
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().rsplit("http://").next().unwrap().to_owned();
        assert!(!addr.is_empty(), "the simulator did not start: see {}", folder.display());
        Self { addr, truth, _process: process }
    }

    /// The records so far; one that is being written does not count yet.
    pub fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.truth).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
