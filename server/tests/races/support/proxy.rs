//! The wire between servers and their database, which can be slow and can break right after a statement was carried out.
//!
//! It reads as much of PostgreSQL's protocol as it takes to know which statement is being executed
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

/// The answer to a statement that was carried out, and after which no transaction is open.
const READY: &[u8] = b"Z\x00\x00\x00\x05I";
const SSL_REQUEST: u32 = 80_877_103;
const READ_BYTES: usize = 64 * 1024;

pub struct Proxy {
    /// Where servers reach the database through this wire.
    pub url: String,
    wire: Arc<Wire>,
    accepting: JoinHandle<()>,
}

/// What the wire does to those who use it.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    None,
    /// Every answer is this late.
    Slow(Duration),
    /// Of a hundred statements that change the books, so many are carried out and their answer is lost with the
    /// connection.
    Breaking(u64),
}

struct Wire {
    database: PgConnectOptions,
    delay_ms: AtomicU64,
    broken_percent: AtomicU64,
    breaks: AtomicUsize,
    dice: Mutex<StdRng>,
    /// Functions whose statements may break.
    functions: &'static [&'static str],
}

impl Proxy {
    pub async fn open(database_url: &str, functions: &'static [&'static str], dice: StdRng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = through(database_url, &listener.local_addr().unwrap().to_string());
        let wire = Arc::new(Wire {
            database: PgConnectOptions::from_str(database_url).unwrap(),
            delay_ms: AtomicU64::new(0),
            broken_percent: AtomicU64::new(0),
            breaks: AtomicUsize::new(0),
            dice: Mutex::new(dice),
            functions,
        });
        let accepted = wire.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(accepted.clone().carry(client));
            }
        });
        Self { url, wire, accepting }
    }

    pub fn trouble(&self, trouble: Trouble) {
        let (delay, percent) = match trouble {
            Trouble::None => (Duration::ZERO, 0),
            Trouble::Slow(delay) => (delay, 0),
            Trouble::Breaking(percent) => (Duration::ZERO, percent),
        };
        self.wire.delay_ms.store(delay.as_millis() as u64, SeqCst);
        self.wire.broken_percent.store(percent, SeqCst);
    }

    /// How many connections broke after their statement was carried out.
    pub fn breaks(&self) -> usize {
        self.wire.breaks.load(SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The same database at another address.
fn through(url: &str, addr: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let place = rest.split('?').next().unwrap();
    let (host, name) = place.split_once('/').unwrap();
    let user = host.rsplit_once('@').map_or("", |(user, _)| user);
    format!("{scheme}://{user}@{addr}/{name}?sslmode=disable")
}

impl Wire {
    async fn carry(self: Arc<Self>, client: TcpStream) {
        client.set_nodelay(true).unwrap();
        // A database that is gone hangs up on whoever comes by this wire as well.
        if let Some(folder) = self.database.get_socket() {
            let socket = folder.join(format!(".s.PGSQL.{}", self.database.get_port()));
            if let Ok(database) = UnixStream::connect(socket).await {
                self.join(client, database).await;
            }
        } else if let Ok(database) =
            TcpStream::connect((self.database.get_host(), self.database.get_port())).await
        {
            database.set_nodelay(true).unwrap();
            self.join(client, database).await;
        }
    }

    /// Carries bytes both ways until one side ends, or the wire breaks.
    async fn join(&self, client: TcpStream, database: impl AsyncRead + AsyncWrite + Send) {
        let (from_client, to_client) = client.into_split();
        let (from_database, to_database) = tokio::io::split(database);
        let is_doomed = AtomicBool::new(false);
        tokio::select! {
            _ = self.ask(from_client, to_database, &is_doomed) => {}
            _ = self.answer(from_database, to_client, &is_doomed) => {}
        }
    }

    async fn ask(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        is_doomed: &AtomicBool,
    ) -> std::io::Result<()> {
        let (mut messages, mut buffer) = (Messages::default(), vec![0; READ_BYTES]);
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return to.shutdown().await;
            }
            let executes = messages.read(&buffer[..read], self.functions);
            if executes && self.dice.lock().unwrap().random_range(0..100) < self.broken_percent.load(SeqCst) {
                is_doomed.store(true, SeqCst);
            }
            to.write_all(&buffer[..read]).await?;
        }
    }

    async fn answer(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        is_doomed: &AtomicBool,
    ) -> std::io::Result<()> {
        let (mut buffer, mut unheard) = (vec![0; READ_BYTES], Vec::new());
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return to.shutdown().await;
            }
            if is_doomed.load(SeqCst) {
                unheard.extend_from_slice(&buffer[..read]);
                // Only now it is certain that the database has committed.
                if unheard.ends_with(READY) {
                    self.breaks.fetch_add(1, SeqCst);
                    return Ok(());
                }
                continue;
            }
            tokio::time::sleep(Duration::from_millis(self.delay_ms.load(SeqCst))).await;
            to.write_all(&buffer[..read]).await?;
        }
    }
}

/// What one client says: which of its statements call one of the functions.
#[derive(Default)]
struct Messages {
    waiting: Vec<u8>,
    has_begun: bool,
    watched: HashSet<Vec<u8>>,
}

impl Messages {
    /// Reads on; true when one of the watched statements is executed.
    fn read(&mut self, bytes: &[u8], functions: &[&str]) -> bool {
        self.waiting.extend_from_slice(bytes);
        let mut executes = false;
        while let Some((kind, message)) = self.next() {
            let mut parts = message.split(|byte| *byte == 0);
            match kind {
                // Parse: the name of the statement, then its text.
                b'P' => {
                    let (name, text) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                    let text = String::from_utf8_lossy(text);
                    if functions.iter().any(|function| text.contains(function)) {
                        self.watched.insert(name.to_vec());
                    }
                }
                // Bind: the name of the portal, then of the statement.
                b'B' => executes |= parts.nth(1).is_some_and(|name| self.watched.contains(name)),
                _ => {}
            }
        }
        executes
    }

    /// The next whole message. The first one of a connection, and what asks for encryption before it, have no kind.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let at = usize::from(self.has_begun);
        let length = self.waiting.get(at..at + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let whole = at + length;
        if self.waiting.len() < whole {
            return None;
        }
        let message: Vec<u8> = self.waiting.drain(..whole).collect();
        if self.has_begun {
            return Some((message[0], message[5..].to_vec()));
        }
        self.has_begun = message.get(4..8) != Some(&SSL_REQUEST.to_be_bytes());
        Some((0, Vec::new()))
    }
}
