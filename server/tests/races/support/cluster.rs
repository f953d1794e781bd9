//! A Postgres made for one test, which may therefore be killed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::PROGRAM;

const STARTING_MAX: Duration = Duration::from_secs(60);

pub struct Cluster {
    pub url: String,
    folder: PathBuf,
}

impl Cluster {
    pub fn make() -> Self {
        // Not below our own folder: the account that Postgres runs as must be able to pass through.
        let folder = std::env::temp_dir().join(format!("mercato-races-{}", Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut cluster = Self { url: String::new(), folder };
        cluster.start();
        cluster
    }

    /// Starts it, after a kill again, and says how long that took.
    pub fn start(&mut self) -> Duration {
        let begun = Instant::now();
        loop {
            let output = self.db("url");
            if output.status.success() {
                self.url = String::from_utf8(output.stdout).unwrap().trim().to_owned();
                return begun.elapsed();
            }
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(begun.elapsed() < STARTING_MAX, "Postgres did not start: {complaint}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// All its processes at once: those that serve a connection would go on for a moment without the first.
    pub fn kill(&self) {
        let file = find(&self.folder, "postmaster.pid").expect("the cluster runs");
        let text = std::fs::read_to_string(file).unwrap();
        let first = text.lines().next().unwrap().trim();
        let others = Command::new("pgrep").args(["-P", first]).output().unwrap().stdout;
        let others = String::from_utf8(others).unwrap();
        // One that ended by itself meanwhile cannot be killed, which is as good.
        Command::new("kill").args(["-KILL", first]).args(others.lines()).status().unwrap();
    }

    fn db(&self, action: &str) -> std::process::Output {
        let mut command = Command::new(PROGRAM);
        command.args(["db", action]).current_dir(&self.folder).env_remove("DATABASE_URL");
        command.env("MERCATO_DATA_DIR", self.folder.join("data")).env("RUST_LOG", "info").output().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.db("stop");
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.file_name()? == name {
            return Some(path);
        }
        if let Some(found) = path.is_dir().then(|| find(&path, name)).flatten() {
            return Some(found);
        }
    }
    None
}
