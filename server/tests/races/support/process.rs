//! A process that can be killed, paused and resumed.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Process(Child);

impl Process {
    /// Starts it with everything it logs appended to a file.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        Self(command.stdin(Stdio::null()).stderr(log).spawn().unwrap())
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// As the machine would when it runs out of memory: without a chance to tidy up.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// How much memory it takes up.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    pub fn pause(&self) {
        signal("STOP", self.0.id());
    }

    pub fn resume(&self) {
        signal("CONT", self.0.id());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that is dead already cannot be killed, and that is all right.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn signal(name: &str, id: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().unwrap();
    assert!(sent.success(), "process {id} could not be sent {name}");
}
