//! A vendor on a real socket, saying exactly the bytes it is told to.

use std::net::SocketAddr;

use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Message, Role};
use marketplace::id::{ModelId, ProviderId};
use providers::{Answer, ConfiguredProvider, Egress, Limits, Registry, Sender};
use serde_json::Map;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Vendor {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Vendor {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// Waits for a request and returns it whole, with the connection to answer on.
    pub async fn asked(&self) -> (String, TcpStream) {
        let (mut socket, _) = self.listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (mut request, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let read = socket.read(&mut piece).await.unwrap();
            assert!(read > 0, "the request was cut off");
            request.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&request).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.to_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").and_then(|length| length.trim().parse::<usize>().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                return (text, socket);
            }
        }
    }

    pub fn sender(&self, limits: Limits) -> Sender {
        Sender::with_limits(Egress::parse(&self.address.to_string()).unwrap(), limits).unwrap()
    }

    pub fn provider(&self, id: &str) -> ConfiguredProvider {
        let registry = Registry::simulated(&format!("http://{}", self.address));
        registry.find(&ProviderId(id.to_owned())).unwrap().clone()
    }
}

/// Says the head of an answer and then its body, one piece a write.
pub async fn say(socket: &mut TcpStream, status: u16, head: &[(&str, &str)], pieces: &[&[u8]]) {
    let lines: String = head.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status} Composed\r\n{lines}transfer-encoding: chunked\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        socket.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
        socket.write_all(piece).await.unwrap();
        socket.write_all(b"\r\n").await.unwrap();
    }
}

pub async fn end(socket: &mut TcpStream) {
    socket.write_all(b"0\r\n\r\n").await.unwrap();
}

/// Breaks the connection off, after what was said has arrived.
pub async fn reset(socket: TcpStream) {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    socket.set_zero_linger().unwrap();
}

pub fn request(stream: Delivery) -> ChatRequest {
    ChatRequest {
        model: ModelId::parse("openai/gpt-6-luna").unwrap(),
        messages: vec![Message::text(Role::User, "Hello")],
        max_output_tokens: Some(100),
        stream,
        options: Map::new(),
    }
}

pub async fn listen(mut answer: Answer) -> Vec<ChatEvent> {
    let mut events = Vec::new();
    while let Some(event) = answer.next().await {
        events.push(event);
    }
    events
}
