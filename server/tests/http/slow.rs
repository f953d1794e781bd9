//! Goals R4, R6 and F16: a head or a body that does not come in time is not waited for, and nobody else notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::door::Patience;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::{Answer, Market};

const LIMIT: Duration = Duration::from_secs(1);
/// Rests are longer than heads.
const REST: Duration = Duration::from_secs(3);
/// No test waits longer for the other side to hang up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two bytes of somebody slow.
const DRIP: Duration = Duration::from_millis(100);
const MANY: usize = 1_000;
/// Long enough for all of them to come, and for others to be measured beside them.
const MANY_LIMIT: Duration = Duration::from_secs(15);
const HEALTHY: usize = 50;
/// A loaded machine may be late by this without telling anything.
const LATE: Duration = Duration::from_millis(500);
const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const WELL: &str = "GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n";

/// The same market behind a door with little patience.
async fn hurried(market: &Market) -> SocketAddr {
    let patience = Patience { head: LIMIT, body: LIMIT, idle: REST, ..Patience::default() };
    let base = market.serve_also(|config| config.patience = patience).await;
    base.strip_prefix("http://").unwrap().parse().unwrap()
}

/// Writes byte by byte until the other side has had enough; everything that it said by then, and how long that took.
async fn drip(mut socket: TcpStream, bytes: &[u8]) -> (String, Duration) {
    let (begun, mut said) = (Instant::now(), Vec::new());
    let (mut reader, mut writer) = socket.split();
    let writing = async {
        for byte in bytes {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(DRIP).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = writing => {}
        // A reset says as well that it is over.
        _ = timeout(PATIENCE, reader.read_to_end(&mut said)) => {}
    }
    assert!(begun.elapsed() < PATIENCE, "nobody hung up");
    (String::from_utf8_lossy(&said).into_owned(), begun.elapsed())
}

#[track_caller]
fn assert_near(waited: Duration, limit: Duration) {
    let late =
        if std::env::var("MERCATO_RACES").is_ok_and(|size| size == "full") { limit / 10 } else { 3 * LIMIT };
    assert!(waited >= limit * 9 / 10 && waited <= limit + late, "{waited:?} instead of {limit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_in_time_is_hung_up_on() {
    let market = Market::open().await;
    let door = hurried(&market).await;
    let endless = format!("GET / HTTP/1.1\r\nhost: here\r\nx-long: {}", "x".repeat(400));
    // The beginning of HTTP/2 says which protocol it is only when it is whole.
    for head in ["", &endless, &PREFACE[..16]] {
        let (said, waited) = drip(TcpStream::connect(door).await.unwrap(), head.as_bytes()).await;
        assert_eq!(said, "", "{head}");
        assert_near(waited, LIMIT);
    }
    let mut socket = TcpStream::connect(door).await.unwrap();
    socket.write_all(PREFACE.as_bytes()).await.unwrap();
    assert_near(drip(socket, b"").await.1, LIMIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_rest_longer_than_a_head_may_take() {
    let market = Market::open().await;
    let door = hurried(&market).await;
    let ask = async |socket: &mut TcpStream| {
        socket.write_all(WELL.as_bytes()).await.unwrap();
        let mut said = [0; 1_024];
        let length = timeout(PATIENCE, socket.read(&mut said)).await.unwrap().unwrap();
        assert!(said[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said[..length]));
    };
    let mut socket = TcpStream::connect(door).await.unwrap();
    ask(&mut socket).await;
    sleep(LIMIT * 3 / 2).await;
    ask(&mut socket).await;
    // A second head has no more time than the first one.
    let (said, waited) = drip(socket, &WELL.as_bytes()[..30]).await;
    assert_eq!(said, "");
    assert_near(waited, LIMIT);
    // Nor does it rest for ever.
    let mut socket = TcpStream::connect(door).await.unwrap();
    ask(&mut socket).await;
    let (said, waited) = drip(socket, b"").await;
    assert_eq!(said, "");
    assert_near(waited, REST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_in_time_is_refused_in_the_words_of_its_family() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let door = hurried(&market).await;
    let body = json!({
        "model": "openai/gpt-5-mini", "max_tokens": 100, "messages": [{ "role": "user", "content": "x".repeat(400) }],
    });
    let late = json!("The body did not arrive within 1 seconds");
    for (path, message, kind) in [
        ("/v1/chat/completions", "/error/message", ("/error/type", "invalid_request_error")),
        ("/v1/embeddings", "/error/message", ("/error/metadata/error_type", "request_timeout")),
        ("/v1/messages", "/error/message", ("/error/type", "timeout_error")),
        ("/api/v1/keys", "/detail", ("/code", "request_timeout")),
    ] {
        let (key, length) = (&buyer.key, body.to_string().len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut socket = TcpStream::connect(door).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let (said, waited) = drip(socket, body.to_string().as_bytes()).await;
        assert_near(waited, LIMIT);
        let (head, text) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {said}"));
        assert!(head.starts_with("HTTP/1.1 408"), "{path}: {said}");
        assert!(head.contains("x-should-retry: true"), "{path}: {said}");
        let answer: Value = serde_json::from_str(text).unwrap();
        assert_eq!(answer.pointer(message), Some(&late), "{path}: {answer}");
        assert_eq!(answer.pointer(kind.0), Some(&json!(kind.1)), "{path}: {answer}");
        // An error of this family names its request, wherever it comes from.
        assert_eq!(answer["request_id"].is_string(), path == "/v1/messages", "{path}: {answer}");
    }
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert!(market.truths().await.is_empty(), "a vendor was asked all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_take_longer_than_its_question() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let door = hurried(&market).await;
    let body = json!({
        "model": "openai/gpt-5-mini", "stream": true, "max_tokens": 12,
        "messages": [{ "role": "user", "content": "Tell me a story. [[simulate: slow]]" }],
    });
    let begun = Instant::now();
    let asked = market.client().post(format!("http://{door}/v1/chat/completions")).bearer_auth(&buyer.key);
    let answer = Answer::to(asked.json(&body)).await.expect(200);
    assert!(begun.elapsed() > LIMIT, "not slow enough to show anything");
    assert_eq!(answer.data_lines().last(), Some(&"[DONE]"));
    market.assert_books_balance().await;
}

/// How long each of these healthy requests took, sorted.
async fn healthy(market: &Market, door: SocketAddr) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..HEALTHY {
        let begun = Instant::now();
        let answer = market.client().get(format!("http://{door}/v1/models")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort();
    took
}

/// Goal R6.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slow_heads_hold_nobody_up_and_are_all_hung_up_on() {
    let market = Market::open().await;
    let patience = Patience { head: MANY_LIMIT, ..Patience::default() };
    let base = market.serve_also(|config| config.patience = patience).await;
    let door: SocketAddr = base.strip_prefix("http://").unwrap().parse().unwrap();
    let alone = healthy(&market, door).await;
    let (begun, open) = (Instant::now(), Arc::<AtomicUsize>::default());
    let slow: Vec<_> = (0..MANY)
        .map(|_| {
            let open = open.clone();
            tokio::spawn(async move {
                let mut socket = TcpStream::connect(door).await.unwrap();
                socket.write_all(b"GET / HTTP/1.1\r\nhost: he").await.unwrap();
                open.fetch_add(1, Relaxed);
                let mut said = Vec::new();
                let ended = timeout(PATIENCE, socket.read_to_end(&mut said)).await;
                assert!(ended.is_ok() && said.is_empty(), "nobody hung up");
                begun.elapsed()
            })
        })
        .collect();
    while open.load(Relaxed) < MANY {
        assert!(begun.elapsed() < MANY_LIMIT, "some were hung up on before the last came");
        sleep(DRIP).await;
    }
    let beside = healthy(&market, door).await;
    assert!(begun.elapsed() < MANY_LIMIT, "they were measured beside nobody");
    let mut last = Duration::ZERO;
    for slow in slow {
        last = last.max(slow.await.unwrap());
    }
    let (worst, before) = (beside[HEALTHY - 1], alone[HEALTHY - 1]);
    eprintln!(
        "{MANY} slow heads: others {before:?} at worst before, {worst:?} beside them; the last gone {last:?} after the first"
    );
    assert!(worst <= 3 * before + LATE, "{worst:?} instead of {before:?}");
    assert!(last <= 2 * MANY_LIMIT, "{last:?}");
}
