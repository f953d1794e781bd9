//! A call over a connection of our own, of which we read exactly as much as we want.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{Answer, Buyer};

/// No test waits longer for the next bytes.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Connection {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Asks for a chat completion, and reads nothing yet.
    pub async fn ask(buyer: &Buyer<'_>, body: &Value) -> Self {
        Self::ask_over(TcpSocket::new_v4().unwrap(), buyer, body).await
    }

    /// The same with so little room for what comes that the other side soon notices that nobody reads.
    pub async fn ask_in_a_narrow_place(buyer: &Buyer<'_>, body: &Value) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        Self::ask_over(socket, buyer, body).await
    }

    async fn ask_over(socket: TcpSocket, buyer: &Buyer<'_>, body: &Value) -> Self {
        let addr = buyer.market.base.strip_prefix("http://").unwrap().parse().unwrap();
        let mut socket = socket.connect(addr).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (body, key) = (body.to_string(), &buyer.key);
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all((head + &body).as_bytes()).await.unwrap();
        Self { socket, read: Vec::new() }
    }

    /// Reads until this was said.
    pub async fn until(&mut self, said: &str) {
        while !self.text().contains(said) {
            let more = timeout(PATIENCE, self.socket.read_buf(&mut self.read)).await.expect("nothing came");
            assert_ne!(more.unwrap(), 0, "ended before {said}: {}", self.text());
        }
    }

    /// Reads whatever comes in this time.
    pub async fn read_for(&mut self, time: Duration) {
        let reading =
            async { while self.socket.read_buf(&mut self.read).await.is_ok_and(|bytes| bytes > 0) {} };
        let _ = timeout(time, reading).await;
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }

    /// The call, once its head was read.
    pub fn call(&self) -> String {
        let text = self.text();
        let line = text.lines().find_map(|line| line.strip_prefix("x-generation-id: "));
        line.unwrap_or_else(|| panic!("no call in {text}")).to_owned()
    }

    /// How many bytes of the answer's text were read.
    pub fn answer_bytes(&self) -> usize {
        let read = Answer { status: 200, headers: reqwest::header::HeaderMap::new(), text: self.text() };
        let chunks = read.whole_chunks();
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).map(str::len).sum()
    }
}

/// The time as the simulator writes it down.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}
