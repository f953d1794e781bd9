//! Goals F15 and R5: many readers who stop reading, and how much of their server they keep.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Buyer, Fleet, Pace, sized};

const FLOOD_TOKENS: u64 = 40_000;
const WARM_UP: usize = 20;
/// Long enough for every queue of ours to be full; those of the system take much longer.
const LOOKING: Duration = Duration::from_secs(20);
/// More at once would have to wait for the vendor.
const AT_ONCE: usize = 10;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The goal is 256 KiB.
const KEPT_BYTES_MAX: u64 = 640 << 10;
const CLOSED_MAX: Duration = Duration::from_secs(30);

/// Asks for an answer without an end and reads nothing of it but its head.
async fn ask_and_stall(fleet: &Fleet, buyer: &Buyer) -> TcpStream {
    let addr = fleet.servers[0].base.strip_prefix("http://").unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut socket = socket.connect(addr.parse().unwrap()).await.unwrap();
    let body = json!({
        "model": "openai/gpt-5-mini", "stream": true, "max_tokens": FLOOD_TOKENS,
        "messages": [{ "role": "user", "content": "Tell me everything. [[simulate: flood]]" }],
    });
    let (body, key) = (body.to_string(), &buyer.key);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all((head + &body).as_bytes()).await.unwrap();
    let mut start = [0; 15];
    socket.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_who_stall_keep_little_of_their_server() {
    let fleet = Fleet::open(Pace::Instant).await;
    let buyer = fleet.buyer(0).await;
    buyer.pay_in("500.00").await;
    let readers: usize = sized(60, 500);
    // What a server takes at its first calls it takes only once.
    let warm = futures_util::future::join_all((0..WARM_UP).map(|_| ask_and_stall(&fleet, &buyer))).await;
    drop(warm);
    fleet.until_nothing_is_held(CLOSED_MAX).await;
    let before = fleet.servers[0].resident_bytes();
    let stalling = (0..readers).map(|_| ask_and_stall(&fleet, &buyer));
    let stalled: Vec<TcpStream> = futures_util::stream::iter(stalling).buffered(AT_ONCE).collect().await;
    let (begun, mut most, mut stalled_most) = (Instant::now(), 0, 0);
    while begun.elapsed() < LOOKING {
        most = most.max(fleet.servers[0].resident_bytes());
        stalled_most = stalled_most.max(fleet.count("select count(*) from hold where state = 'open'").await);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    assert_eq!(stalled_most, readers as i64, "some were given up before the last came");
    let kept = most.saturating_sub(before) / readers as u64;
    eprintln!("{readers} stalled readers: {} KiB each of a server of {} MiB", kept >> 10, before >> 20);
    assert!(kept <= KEPT_BYTES_MAX, "{kept} bytes a reader");
    drop(stalled);
    fleet.until_nothing_is_held(CLOSED_MAX).await;
    let broken = fleet.count("select count(*) from ledger.violation").await;
    assert_eq!(broken, 0, "the books do not balance");
}
