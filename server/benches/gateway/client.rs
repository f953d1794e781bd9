//! A client that does as little as can be done, so that what is measured is never its own work.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::upstream::TOKEN;

/// Where to ask, and in whose name.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub model: &'static str,
    /// Used in turn.
    pub keys: Vec<String>,
}

#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    answer: Vec<u8>,
}

/// What a stream was like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    pub first: Duration,
    pub widest_gap: Duration,
    pub tokens: usize,
}

impl Target {
    /// The pace is told as the name of a user, which every gateway hands on.
    pub fn request(&self, pace: &str, is_streamed: bool, turn: usize) -> Vec<u8> {
        let model = self.model;
        let body = format!(
            "{{\"model\":\"{model}\",\"user\":\"{pace}\",\"max_tokens\":512,\"stream\":{is_streamed},\"messages\":[\
            {{\"role\":\"system\",\"content\":\"You answer in one sentence.\"}},\
            {{\"role\":\"user\",\"content\":\"Where is the lantern that hung over the harbour gate?\"}}]}}"
        );
        let key = self.keys.get(turn % self.keys.len().max(1)).map_or("none", String::as_str);
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\n\
            content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        [head.into_bytes(), body.into_bytes()].concat()
    }

    pub async fn connect(&self) -> Result<Connection> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        Ok(Connection { socket, answer: Vec::with_capacity(16 << 10) })
    }
}

impl Connection {
    /// Asks, and reads an answer in one piece to its end.
    pub async fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.hear(request).await?;
        self.check(200)
    }

    /// Asks for what is refused.
    pub async fn refused(&mut self, request: &[u8], status: u16) -> Result<()> {
        self.hear(request).await?;
        self.check(status)
    }

    async fn hear(&mut self, request: &[u8]) -> Result<()> {
        self.answer.clear();
        self.socket.write_all(request).await?;
        loop {
            self.read().await?;
            let Some(head) = find(&self.answer, b"\r\n\r\n") else { continue };
            let text = String::from_utf8_lossy(&self.answer[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let Some(length) = length.and_then(|length| length.trim().parse::<usize>().ok()) else {
                bail!("an answer does not say how long it is: {text}");
            };
            if self.answer.len() >= head + 4 + length {
                return Ok(());
            }
        }
    }

    /// Asks, and listens to a stream to its end.
    pub async fn listen(&mut self, request: &[u8]) -> Result<Heard> {
        self.answer.clear();
        let asked = Instant::now();
        self.socket.write_all(request).await?;
        let (mut heard, mut last, mut read) = (Heard::default(), None, 0);
        while !self.answer.ends_with(b"0\r\n\r\n") {
            self.read().await?;
            let now = Instant::now();
            // A token that is cut between two reads counts with the later one.
            let from = read - TOKEN.len().min(read);
            let new = count(&self.answer[from..], TOKEN.as_bytes());
            read = self.answer.len();
            if new == 0 {
                continue;
            }
            match last {
                None => heard.first = now - asked,
                Some(last) => heard.widest_gap = heard.widest_gap.max(now - last),
            }
            last = Some(now);
        }
        heard.tokens = count(&self.answer, TOKEN.as_bytes());
        self.check(200)?;
        if find(&self.answer, b"[DONE]").is_none() {
            bail!("a stream ended without its end");
        }
        Ok(heard)
    }

    async fn read(&mut self) -> Result<()> {
        if self.socket.read_buf(&mut self.answer).await? == 0 {
            bail!("a connection was closed before the end of an answer");
        }
        Ok(())
    }

    fn check(&self, status: u16) -> Result<()> {
        if !self.answer.starts_with(format!("HTTP/1.1 {status}").as_bytes()) {
            bail!("answered with {}", String::from_utf8_lossy(&self.answer));
        }
        Ok(())
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}

fn count(text: &[u8], word: &[u8]) -> usize {
    text.windows(word.len()).filter(|part| *part == word).count()
}
