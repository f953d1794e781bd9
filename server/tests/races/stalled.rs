//! Goals F15 and R5: many readers who stop reading, how much of their server they keep, and that they are given up.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::{Buyer, Fleet, Pace, sized};

const FLOOD_TOKENS: u64 = 40_000;
const WARM_UP: usize = 20;
/// Long enough for every queue to be full.
const LOOKING: Duration = Duration::from_secs(10);
/// More at once would have to wait for the vendor.
const AT_ONCE: usize = 10;
const LOOK_EVERY: Duration = Duration::from_millis(500);
const KEPT_BYTES_MAX: u64 = 256 << 10;
/// Of an answer of 40,000.
const PAID_TOKENS_MAX: i64 = 1_000;
const CLOSED_MAX: Duration = Duration::from_secs(30);
/// A connection that was reset says so when it is looked at.
const RESET_MAX: Duration = Duration::from_secs(5);

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

/// Whether the other side has hung up on a reader who reads at last.
async fn is_hung_up_on(mut socket: TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = timeout(RESET_MAX, socket.read_to_end(&mut rest)).await;
    // An answer that was not cut off would have its end.
    read.is_ok() && !String::from_utf8_lossy(&rest).contains("[DONE]")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_who_stall_keep_little_of_their_server_and_are_given_up() {
    let (readers, patience): (usize, u64) = (sized(60, 500), sized(40, 180));
    let patience_seconds = patience.to_string();
    let settings = [("MERCATO_READER_SECONDS", patience_seconds.as_str())];
    let fleet = Fleet::open_with(Pace::Instant, &settings).await;
    let buyer = fleet.buyer(0).await;
    buyer.pay_in("500.00").await;
    // What a server takes at its first calls it takes only once.
    let warm = futures_util::future::join_all((0..WARM_UP).map(|_| ask_and_stall(&fleet, &buyer))).await;
    drop(warm);
    fleet.until_nothing_is_held(CLOSED_MAX).await;
    let (server, holds) = (&fleet.servers[0], "select count(*) from hold where state = 'open'");
    let before = server.resident_bytes();
    let stalling = (0..readers).map(|_| ask_and_stall(&fleet, &buyer));
    let stalled: Vec<TcpStream> = futures_util::stream::iter(stalling).buffered(AT_ONCE).collect().await;
    let (begun, mut most, mut stalled_most) = (Instant::now(), 0, 0);
    while begun.elapsed() < LOOKING {
        most = most.max(server.resident_bytes());
        stalled_most = stalled_most.max(fleet.count(holds).await);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    assert_eq!(stalled_most, readers as i64, "some were given up before the last came");
    let kept = most.saturating_sub(before) / readers as u64;
    eprintln!("{readers} stalled readers: {} KiB each of a server of {} MiB", kept >> 10, before >> 20);
    fleet.until_nothing_is_held(Duration::from_secs(patience) + CLOSED_MAX).await;
    eprintln!(
        "given up {:?} after the last came, {} MiB left",
        begun.elapsed(),
        server.resident_bytes() >> 20
    );
    let hung_up_on = futures_util::future::join_all(stalled.into_iter().map(is_hung_up_on)).await;
    assert!(hung_up_on.iter().all(|is_so| *is_so), "some connections are still open");
    assert!(kept <= KEPT_BYTES_MAX, "{kept} bytes a reader");
    // What the system took for a reader counts as forwarded, and it took little.
    let most_paid = "select coalesce(max(output), 0) from usage_call";
    assert!(fleet.count(most_paid).await < PAID_TOKENS_MAX, "a reader pays for what nobody sent them");
    let paid = "select count(*) from usage_call where finish = 'stopped' and usage_source = 'estimated' and output > 0";
    assert!(fleet.count(paid).await >= readers as i64, "not all pay as far as it came");
    let broken = fleet.count("select count(*) from ledger.violation").await;
    assert_eq!(broken, 0, "the books do not balance");
}
