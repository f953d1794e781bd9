//! The sender against a vendor on a real socket that behaves badly.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "sender/local.rs"]
mod local;
#[path = "sender/untold.rs"]
mod untold;
#[path = "support/vendor.rs"]
mod vendor;

use std::time::{Duration, Instant};

use marketplace::chat::{ChatEvent, Delivery, Failure, FailureClass, Finish};
use marketplace::id::ProviderId;
use providers::{Answer, Egress, Limits, Registry, Sender};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use self::vendor::{Vendor, end, listen, request, reset, say};

const EVENT_STREAM: (&str, &str) = ("content-type", "text/event-stream");
const HELLO: &[u8] =
    b"data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";
const STOP: &[u8] =
    b"data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

/// Asks a vendor that answers with `serve`; the vendor keeps its connection until the asking is over.
async fn ask(
    limits: Limits,
    delivery: Delivery,
    serve: impl AsyncFnOnce(&mut TcpStream),
) -> Result<Vec<ChatEvent>, Failure> {
    let vendor = Vendor::start().await;
    let (sender, provider, request) = (vendor.sender(limits), vendor.provider("openai"), request(delivery));
    let over = tokio::sync::Notify::new();
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        serve(&mut socket).await;
        over.notified().await;
    };
    let asking = async {
        let result = match sender.open(&provider, &request, "gpt", "call-1").await {
            Ok(answer) => Ok(listen(answer).await),
            Err(failure) => Err(failure),
        };
        over.notify_one();
        result
    };
    tokio::join!(asking, serving).0
}

fn limits() -> Limits {
    Limits {
        first_event: Duration::from_millis(300),
        gap: Duration::from_millis(200),
        total: Duration::from_secs(1),
        ..Limits::default()
    }
}

fn last_failure(events: &[ChatEvent]) -> FailureClass {
    match events.last() {
        Some(ChatEvent::Failed(failure)) => failure.class,
        last => panic!("{last:?} is no failure"),
    }
}

async fn open(vendor: &Vendor) -> (Answer, TcpStream) {
    let (sender, provider, request) =
        (vendor.sender(Limits::default()), vendor.provider("openai"), request(Delivery::Streamed));
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        say(&mut socket, 200, &[EVENT_STREAM], &[HELLO]).await;
        socket
    };
    let (answer, socket) = tokio::join!(sender.open(&provider, &request, "gpt", "call-1"), serving);
    (answer.unwrap(), socket)
}

#[tokio::test]
async fn a_request_carries_the_key_and_asks_for_no_compression() {
    for (provider, path, key) in [
        ("openai", "POST /openai/v1/chat/completions ", "authorization: bearer simulated"),
        ("anthropic", "POST /anthropic/v1/messages ", "x-api-key: simulated"),
        ("google", "POST /google/v1beta/models/gpt:generateContent ", "x-goog-api-key: simulated"),
        ("cohere", "POST /cohere/v2/chat ", "authorization: bearer simulated"),
        ("ollama", "POST /ollama/api/chat ", "authorization: bearer simulated"),
    ] {
        let vendor = Vendor::start().await;
        let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider(provider));
        let request = request(Delivery::Whole);
        let serving = async {
            let (text, mut socket) = vendor.asked().await;
            say(&mut socket, 500, &[], &[b"no"]).await;
            end(&mut socket).await;
            text
        };
        let (result, text) = tokio::join!(sender.open(&provider, &request, "gpt", "call-1"), serving);
        assert_eq!(result.unwrap_err().class, FailureClass::ServerError);
        let lower = text.to_lowercase();
        assert!(text.starts_with(path), "{text}");
        for line in [key, "accept-encoding: identity", "x-client-request-id: call-1"] {
            assert!(lower.contains(&format!("\r\n{line}\r\n")), "{text}");
        }
    }
}

#[tokio::test]
async fn a_server_of_ones_own_is_asked_without_a_key_and_waited_for() {
    let vendor = Vendor::start().await;
    let (sender, mut provider) = (vendor.sender(limits()), vendor.provider("ollama"));
    provider.key = None;
    let request = request(Delivery::Streamed);
    let serving = async {
        let (text, mut socket) = vendor.asked().await;
        // Longer than a vendor elsewhere may take to begin.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let line = br#"{"message":{"content":"Hi"},"done":true,"done_reason":"stop"}"#;
        say(&mut socket, 200, &[("content-type", "application/x-ndjson")], &[line]).await;
        end(&mut socket).await;
        text
    };
    let (answer, text) = tokio::join!(sender.open(&provider, &request, "llama", "call-1"), serving);
    assert!(!text.to_lowercase().contains("authorization"), "{text}");
    let events = listen(answer.unwrap()).await;
    assert!(matches!(events.last(), Some(ChatEvent::Finished { finish: Finish::Stop, .. })), "{events:?}");
}

#[tokio::test]
async fn a_connection_broken_after_the_finish_loses_nothing() {
    let vendor = Vendor::start().await;
    let (answer, mut socket) = open(&vendor).await;
    let serving = async {
        socket.write_all(format!("{:x}\r\n", STOP.len()).as_bytes()).await.unwrap();
        socket.write_all(STOP).await.unwrap();
        reset(socket).await;
    };
    let (events, ()) = tokio::join!(listen(answer), serving);
    let finished = ChatEvent::Finished { finish: Finish::Stop, native: "stop".to_owned() };
    assert_eq!(events.last(), Some(&finished));
}

#[tokio::test]
async fn a_connection_broken_before_the_finish_is_a_truncated_answer() {
    let vendor = Vendor::start().await;
    let (answer, socket) = open(&vendor).await;
    let (events, ()) = tokio::join!(listen(answer), reset(socket));
    assert!(events.contains(&ChatEvent::Text("Hello".to_owned())));
    assert_eq!(last_failure(&events), FailureClass::TruncatedStream);
}

#[tokio::test]
async fn dropping_an_answer_hangs_up_within_a_second() {
    let vendor = Vendor::start().await;
    let (answer, mut socket) = open(&vendor).await;
    let dropped = Instant::now();
    drop(answer);
    let read = tokio::time::timeout(Duration::from_secs(1), socket.read(&mut [0; 16])).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?} after {:?}", dropped.elapsed());
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing_and_does_not_start_the_clock_again() {
    let vendor = Vendor::start().await;
    let sender = vendor.sender(Limits { gap: Duration::from_millis(300), ..Limits::default() });
    let (provider, request) = (vendor.provider("openai"), request(Delivery::Streamed));
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        say(&mut socket, 200, &[EVENT_STREAM], &[HELLO]).await;
        socket
    };
    let (answer, _socket) = tokio::join!(sender.open(&provider, &request, "gpt", "call-1"), serving);
    let mut answer = answer.unwrap();
    let (mut events, begun) = (Vec::new(), Instant::now());
    while begun.elapsed() < Duration::from_secs(2) {
        match tokio::time::timeout(Duration::from_millis(50), answer.next()).await {
            Ok(Some(event)) => events.push(event),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert!(events.contains(&ChatEvent::Text("Hello".to_owned())));
    assert_eq!(last_failure(&events), FailureClass::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn comments_do_not_count_as_an_answer() {
    let result = ask(limits(), Delivery::Streamed, async |socket| {
        say(socket, 200, &[EVENT_STREAM], &[]).await;
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            // The asking side may have hung up by now, as it should.
            let _ = socket.write_all(b"4\r\n: a\n\r\n").await;
        }
    });
    assert_eq!(result.await.unwrap_err().class, FailureClass::Timeout);
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let result = ask(limits(), Delivery::Streamed, async |socket| {
        say(socket, 200, &[EVENT_STREAM], &[HELLO]).await;
        for piece in STOP.chunks(20) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            socket.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
            socket.write_all(&[piece, b"\r\n"].concat()).await.unwrap();
        }
        end(socket).await;
    });
    assert!(matches!(result.await.unwrap().last(), Some(ChatEvent::Finished { .. })));
}

#[tokio::test]
async fn a_connection_that_is_never_made_is_given_up_in_time() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Once its queue is full, nobody is even told that it is.
    let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let connect = Duration::from_secs(2);
    let egress = Egress::parse(&address.to_string()).unwrap();
    let sender = Sender::with_limits(egress, Limits { connect, ..Limits::default() }).unwrap();
    let registry = Registry::simulated(&format!("http://{address}"));
    let provider = registry.find(&ProviderId("openai".to_owned())).unwrap();
    let asked = Instant::now();
    let result = sender.open(provider, &request(Delivery::Streamed), "gpt", "call-1").await;
    let took = asked.elapsed();
    // Nothing was sent, so somebody else may be asked.
    assert_eq!(result.unwrap_err().class, FailureClass::Unreachable);
    // A tenth, where nothing else runs: beside other tests a task may be woken late.
    let late = if std::env::var("MERCATO_RACES").is_ok_and(|size| size == "full") { 10 } else { 1 };
    assert!(took >= connect * 9 / 10 && took <= connect + connect / late, "{took:?} instead of {connect:?}");
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_vendor_that_never_answers_is_given_up() {
    for delivery in [Delivery::Streamed, Delivery::Whole] {
        let result = ask(limits(), delivery, async |_| {}).await;
        assert_eq!(result.unwrap_err().class, FailureClass::Timeout);
    }
}

#[tokio::test]
async fn an_end_is_an_end_though_the_connection_stays_open() {
    let begun = Instant::now();
    let result = ask(Limits::default(), Delivery::Streamed, async |socket| {
        say(socket, 200, &[EVENT_STREAM], &[HELLO, STOP, b"data: [DONE]\n\n"]).await;
    });
    let events = result.await.unwrap();
    assert!(matches!(events.last(), Some(ChatEvent::Finished { finish: Finish::Stop, .. })));
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Vendor::start().await;
    let target = format!("http://{}/", elsewhere.address);
    let result = ask(Limits::default(), Delivery::Streamed, async |socket| {
        say(socket, 307, &[("location", &target)], &[]).await;
        end(socket).await;
    });
    assert_eq!(result.await.unwrap_err().class, FailureClass::ServerError);
    assert!(tokio::time::timeout(Duration::from_millis(100), elsewhere.asked()).await.is_err());
}

#[tokio::test]
async fn a_page_with_status_200_is_no_answer() {
    for delivery in [Delivery::Streamed, Delivery::Whole] {
        let result = ask(Limits::default(), delivery, async |socket| {
            say(socket, 200, &[("content-type", "text/html")], &[b"<html>Welcome</html>"]).await;
            end(socket).await;
        });
        assert_eq!(result.await.unwrap_err().class, FailureClass::MalformedStream);
    }
}

#[tokio::test]
async fn an_error_that_comes_first_in_a_stream_is_no_answer() {
    let result = ask(Limits::default(), Delivery::Streamed, async |socket| {
        let error = br#"data: {"error":{"message":"your key simulated is overloaded","type":"x"}}"#;
        say(socket, 200, &[EVENT_STREAM], &[error, b"\n\n"]).await;
        end(socket).await;
    });
    let failure = result.await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Overloaded);
    assert_eq!(failure.message, "your key [key] is overloaded");
}

#[tokio::test]
async fn an_answer_in_one_piece_is_read_though_a_stream_was_asked_for() {
    let result = ask(Limits::default(), Delivery::Streamed, async |socket| {
        let body = br#"{"id":"a","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
        say(socket, 200, &[("content-type", "application/json; charset=utf-8")], &[body]).await;
        end(socket).await;
    });
    assert!(result.await.unwrap().contains(&ChatEvent::Text("Hi".to_owned())));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused() {
    let small = Limits { answer_bytes_max: 1000, ..Limits::default() };
    let result = ask(small, Delivery::Whole, async |socket| {
        say(socket, 200, &[("content-type", "application/json")], &[&[b' '; 2000]]).await;
    });
    assert_eq!(result.await.unwrap_err().class, FailureClass::MalformedStream);
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_never_called() {
    let vendor = Vendor::start().await;
    let sender = Sender::with_limits(Egress::default(), limits()).unwrap();
    let result = sender.open(&vendor.provider("openai"), &request(Delivery::Whole), "gpt", "call-1").await;
    assert_eq!(result.unwrap_err().message, "127.0.0.1 must be reached by https");
    assert!(tokio::time::timeout(Duration::from_millis(100), vendor.asked()).await.is_err());
}

#[tokio::test]
async fn a_failed_connection_does_not_tell_the_address() {
    let vendor = Vendor::start().await;
    let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
    drop(vendor);
    let failure = sender.open(&provider, &request(Delivery::Whole), "gpt", "call-1").await.unwrap_err();
    assert_eq!((failure.class, failure.message.contains("127.0.0.1")), (FailureClass::Unreachable, false));
}

#[tokio::test]
async fn a_finished_answer_leaves_its_connection_to_the_next() {
    let vendor = Vendor::start().await;
    let (sender, provider, request) =
        (vendor.sender(Limits::default()), vendor.provider("openai"), request(Delivery::Streamed));
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        say(&mut socket, 200, &[EVENT_STREAM], &[HELLO, STOP, b"data: [DONE]\n\n"]).await;
        end(&mut socket).await;
        // Only a second request on the same connection makes this read return anything.
        assert!(socket.read(&mut [0; 16]).await.unwrap() > 0);
    };
    let asking = async {
        listen(sender.open(&provider, &request, "gpt", "call-1").await.unwrap()).await;
        let second = sender.open(&provider, &request, "gpt", "call-2");
        assert!(second.await.is_err());
    };
    tokio::time::timeout(Duration::from_secs(5), async { tokio::join!(asking, serving) }).await.unwrap();
}
