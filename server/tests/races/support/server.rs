//! One `mercato serve`, on a port that it keeps when it is killed and started again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use engine::Registry;
use reqwest::Client;

use super::PROGRAM;
use super::process::Process;

const CONNECTIONS: &str = "10";
/// 32 bytes in base64, the same for every server of a test.
const MASTER_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const STARTING_MAX: Duration = Duration::from_secs(60);

pub struct Server {
    pub base: String,
    /// Whether it is neither paused nor being started: where new calls are sent.
    is_up: AtomicBool,
    settings: Vec<(String, String)>,
    folder: PathBuf,
    log: PathBuf,
    process: Mutex<Option<Process>>,
}

impl Server {
    pub fn new(
        number: usize,
        database_url: &str,
        simulator: &str,
        folder: &Path,
        more: &[(&str, &str)],
    ) -> Self {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut settings = vec![
            ("DATABASE_URL".to_owned(), database_url.to_owned()),
            ("MERCATO_ADDR".to_owned(), addr.to_string()),
            ("MERCATO_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()),
            ("MERCATO_DEMO".to_owned(), "off".to_owned()),
            // Races are for money, which no plan's limit is to get ahead of.
            ("MERCATO_RATE_FACTOR".to_owned(), "10000".to_owned()),
            ("MERCATO_EGRESS_ALLOW".to_owned(), simulator.to_owned()),
            ("MERCATO_DB_CONNECTIONS".to_owned(), CONNECTIONS.to_owned()),
            ("MERCATO_DATA_DIR".to_owned(), folder.to_string_lossy().into_owned()),
            ("RUST_LOG".to_owned(), "info,tower_http=warn,sqlx=warn".to_owned()),
        ];
        settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        for provider in Registry::simulated(&format!("http://{simulator}")).iter() {
            settings.push((provider.vendor.base_url_var.to_owned(), provider.base_url.clone()));
            settings.push((provider.vendor.key_var.to_owned(), "simulated".to_owned()));
        }
        Self {
            base: format!("http://{addr}"),
            is_up: AtomicBool::new(false),
            settings,
            folder: folder.to_owned(),
            log: folder.join(format!("server-{number}.log")),
            process: Mutex::new(None),
        }
    }

    /// Starts it, after a kill again, and waits until it can be asked. Answers how long that took.
    pub async fn start(&self, client: &Client) -> Duration {
        let begun = Instant::now();
        let mut command = Command::new(PROGRAM);
        command.arg("serve").envs(self.settings.iter().cloned()).current_dir(&self.folder);
        let process = Process::start(command.stdout(Stdio::null()), &self.log);
        *self.process.lock().unwrap() = Some(process);
        let ready = format!("{}/readyz", self.base);
        loop {
            let answer = client.get(&ready).timeout(Duration::from_secs(2)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(begun.elapsed() < STARTING_MAX, "{} did not start:\n{}", self.base, log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.is_up.store(true, Relaxed);
        begun.elapsed()
    }

    /// What `mercato ledger verify` says with the settings of this server.
    pub fn verify_books(&self) -> (bool, String) {
        let mut command = Command::new(PROGRAM);
        command.args(["ledger", "verify"]).envs(self.settings.iter().cloned()).current_dir(&self.folder);
        let output = command.output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.success(), words.into_owned())
    }

    pub fn is_up(&self) -> bool {
        self.is_up.load(Relaxed)
    }

    pub fn kill(&self) {
        self.is_up.store(false, Relaxed);
        self.process.lock().unwrap().as_mut().unwrap().kill();
    }

    pub fn resident_bytes(&self) -> u64 {
        self.process.lock().unwrap().as_ref().unwrap().resident_bytes()
    }

    pub fn pause(&self) {
        self.is_up.store(false, Relaxed);
        self.process.lock().unwrap().as_ref().unwrap().pause();
    }

    pub fn resume(&self) {
        self.process.lock().unwrap().as_ref().unwrap().resume();
        self.is_up.store(true, Relaxed);
    }
}
