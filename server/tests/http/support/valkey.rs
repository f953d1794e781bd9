//! A Valkey of its own for a test, or a Redis where that is what the machine has: in memory only, in a folder of its own.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use uuid::Uuid;

const STARTED: Duration = Duration::from_secs(30);
/// The programs to look for, and the name to start each under: Debian has the server in a package that starts none, where
/// it goes by the name of a tool.
const PROGRAMS: [(&str, &str); 4] = [
    ("valkey-server", "valkey-server"),
    ("redis-server", "redis-server"),
    ("valkey-check-rdb", "valkey-server"),
    ("redis-check-rdb", "redis-server"),
];

pub struct Valkey {
    folder: PathBuf,
    process: Child,
}

impl Valkey {
    pub fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("mercato-valkey-{}", Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        let process = start_in(&folder);
        let valkey = Self { folder, process };
        valkey.until_it_answers();
        valkey
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// `kill -9`; what it knew is lost.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.process = start_in(&self.folder);
        self.until_it_answers();
    }

    /// It still takes what it is sent, and answers nothing.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// What it says to a command without spaces in its arguments, as it stands on the wire.
    pub fn says(&self, command: &str) -> String {
        self.try_to_say(command).unwrap()
    }

    fn try_to_say(&self, command: &str) -> std::io::Result<String> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(STARTED))?;
        // It hangs up after `QUIT`, so everything up to the end is the answer and its `OK`.
        write!(stream, "{command}\r\nQUIT\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text.strip_suffix("+OK\r\n").unwrap_or(&text).trim_end().to_owned())
    }

    fn until_it_answers(&self) {
        let begun = Instant::now();
        while !self.try_to_say("PING").is_ok_and(|answer| answer == "+PONG") {
            assert!(begun.elapsed() < STARTED, "Valkey does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

fn start_in(folder: &Path) -> Child {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = |name: &str| std::env::split_paths(&path).map(|at| at.join(name)).find(|at| at.is_file());
    let (program, name) = PROGRAMS
        .iter()
        .find_map(|(program, name)| Some((find(program)?, *name)))
        .expect("install Valkey or Redis: Debian's `redis-tools` is enough");
    Command::new(program)
        .arg0(name)
        .args(["--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Valkey {
    fn drop(&mut self) {
        // One that was killed already cannot be killed, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
