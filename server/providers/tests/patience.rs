//! How long a vendor is waited for: each limit by itself, and within a tenth of what it says.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "support/vendor.rs"]
mod vendor;

use std::time::{Duration, Instant};

use marketplace::chat::{ChatEvent, Delivery, FailureClass};
use providers::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use self::vendor::{Vendor, end, listen, request, reset, say};

const LIMIT: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(30);
const EVENT_STREAM: (&str, &str) = ("content-type", "text/event-stream");
const HELLO: &[u8] = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";

fn limits() -> Limits {
    Limits { connect: LONG, first_event: LONG, gap: LONG, total: LONG, ..Limits::default() }
}

/// Asks a vendor that serves so, and expects to give up in time.
async fn give_up(limits: Limits, delivery: Delivery, serve: impl AsyncFnOnce(&mut TcpStream)) {
    let vendor = Vendor::start().await;
    let (sender, provider, asked) = (vendor.sender(limits), vendor.provider("openai"), request(delivery));
    let asking = async {
        let begun = Instant::now();
        let events = match sender.open(&provider, &asked, "gpt", "call-1").await {
            Ok(answer) => listen(answer).await,
            Err(failure) => vec![ChatEvent::Failed(failure)],
        };
        (events, begun.elapsed())
    };
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        serve(&mut socket).await;
        std::future::pending::<()>().await;
        (end(&mut socket).await, reset(socket).await)
    };
    let (events, took) = tokio::select! {
        given_up = asking => given_up,
        _ = serving => unreachable!("a vendor never stops"),
    };
    assert!(
        matches!(events.last(), Some(ChatEvent::Failed(failure)) if failure.class == FailureClass::Timeout),
        "{events:?}"
    );
    assert!(took >= LIMIT && took <= LIMIT + leeway(), "given up after {took:?}");
}

/// A tenth, where `MERCATO_RACES=full` says that nothing else runs: beside other tests a task may be woken late.
fn leeway() -> Duration {
    if std::env::var("MERCATO_RACES").is_ok_and(|size| size == "full") { LIMIT / 10 } else { LIMIT }
}

/// Bytes that say nothing, for ever.
async fn hum(socket: &mut TcpStream) {
    while socket.write_all(b"4\r\n: a\n\r\n").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn every_limit_is_kept() {
    let first_event = Limits { first_event: LIMIT, ..limits() };
    let gap = Limits { gap: LIMIT, ..limits() };
    let total = Limits { total: LIMIT, ..limits() };
    tokio::join!(
        give_up(first_event, Delivery::Streamed, async |_| {}),
        give_up(first_event, Delivery::Streamed, async |socket| {
            say(socket, 200, &[EVENT_STREAM], &[]).await;
            hum(socket).await;
        }),
        give_up(gap, Delivery::Streamed, async |socket| say(socket, 200, &[EVENT_STREAM], &[HELLO]).await),
        give_up(total, Delivery::Streamed, async |socket| {
            say(socket, 200, &[EVENT_STREAM], &[HELLO]).await;
            hum(socket).await;
        }),
        give_up(total, Delivery::Whole, async |_| {}),
        give_up(total, Delivery::Whole, async |socket| {
            say(socket, 200, &[("content-type", "application/json")], &[b"{"]).await;
            hum(socket).await;
        }),
    );
}
