//! What the sender never does, whoever is at the other end.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "support/vendor.rs"]
mod vendor;

use std::io::Write;
use std::net::TcpStream as StdStream;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use marketplace::chat::{ChatEvent, Delivery, FailureClass};
use providers::Limits;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use self::vendor::{Vendor, end, listen, request, reset, say};

const EVENT_STREAM: (&str, &str) = ("content-type", "text/event-stream");
const JSON: (&str, &str) = ("content-type", "application/json");
const HELLO: &[u8] =
    b"data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";
const WHOLE: &[u8] = br#"{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;

/// The sockets of this program that lead to that address, as the client made them.
fn sockets_to(address: std::net::SocketAddr) -> Vec<StdStream> {
    let own = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let numbers = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let copies = numbers.filter_map(|number| pidfd_getfd(&own, number, PidfdGetfdFlags::empty()).ok());
    copies
        .map(StdStream::from)
        .filter(|socket| socket.peer_addr().is_ok_and(|peer| peer == address))
        .collect()
}

#[tokio::test]
async fn a_connection_to_a_vendor_sends_at_once() {
    let vendor = Vendor::start().await;
    let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        let sockets = sockets_to(vendor.address);
        say(&mut socket, 200, &[JSON], &[WHOLE]).await;
        end(&mut socket).await;
        sockets
    };
    let whole = request(Delivery::Whole);
    let (answer, sockets) = tokio::join!(sender.open(&provider, &whole, "gpt", "call-1"), serving);
    answer.unwrap();
    assert!(!sockets.is_empty() && sockets.iter().all(|socket| socket.nodelay().unwrap()), "{sockets:?}");
}

#[tokio::test]
async fn what_was_sent_is_never_sent_again() {
    for used_before in [false, true] {
        let vendor = Vendor::start().await;
        let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
        let whole = request(Delivery::Whole);
        let serving = async {
            let (_, mut socket) = vendor.asked().await;
            if used_before {
                say(&mut socket, 200, &[JSON], &[WHOLE]).await;
                end(&mut socket).await;
                assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0, "the connection was not used again");
            }
            // Asked, and gone without a word.
            reset(socket).await;
        };
        let asking = async {
            if used_before {
                sender.open(&provider, &whole, "gpt", "call-1").await.unwrap();
            }
            sender.open(&provider, &whole, "gpt", "call-2").await
        };
        let (result, ()) = tokio::join!(asking, serving);
        assert_eq!(result.unwrap_err().class, FailureClass::ServerError);
        assert!(timeout(Duration::from_millis(500), vendor.asked()).await.is_err(), "asked a second time");
    }
}

#[test]
fn the_proxies_of_the_environment_are_not_asked() {
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_was_sent_is_never_sent_again"])
        .envs(
            ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"]
                .map(|name| (name, "http://127.0.0.1:9")),
        )
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_call_that_is_given_up_before_it_is_answered_hangs_up_within_a_second() {
    let vendor = Vendor::start().await;
    let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
    let streamed = request(Delivery::Streamed);
    let mut socket = tokio::select! {
        _ = sender.open(&provider, &streamed, "gpt", "call-1") => unreachable!("nobody answered"),
        (_, socket) = vendor.asked() => socket,
    };
    let read = timeout(Duration::from_secs(1), socket.read(&mut [0; 16])).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?}");
}

#[tokio::test]
async fn nothing_is_unpacked() {
    // The first bytes of a file that unpacks into gigabytes.
    let bomb = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xec, 0xc1, 1, 1, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee];
    for (delivery, kind) in [(Delivery::Streamed, EVENT_STREAM), (Delivery::Whole, JSON)] {
        for (status, class) in [(200, FailureClass::MalformedStream), (429, FailureClass::RateLimited)] {
            let vendor = Vendor::start().await;
            let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
            let serving = async {
                let (_, mut socket) = vendor.asked().await;
                say(&mut socket, status, &[kind, ("content-encoding", "gzip")], &[&bomb]).await;
                end(&mut socket).await;
            };
            let asked = request(delivery);
            let (result, ()) = tokio::join!(sender.open(&provider, &asked, "gpt", "call-1"), serving);
            assert_eq!(result.unwrap_err().class, class);
        }
    }
}

#[tokio::test]
async fn a_stream_without_end_is_ended() {
    let vendor = Vendor::start().await;
    let sender = vendor.sender(Limits { stream_bytes_max: 100_000, ..Limits::default() });
    let (provider, streamed) = (vendor.provider("openai"), request(Delivery::Streamed));
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        say(&mut socket, 200, &[EVENT_STREAM], &[]).await;
        let chunk = [format!("{:x}\r\n", HELLO.len()).as_bytes(), HELLO, b"\r\n"].concat();
        // Until the other end has enough of it.
        while socket.write_all(&chunk).await.is_ok() {}
    };
    let asking = async { listen(sender.open(&provider, &streamed, "gpt", "call-1").await.unwrap()).await };
    let (events, ()) =
        timeout(Duration::from_secs(5), async { tokio::join!(asking, serving) }).await.unwrap();
    assert!(
        matches!(events.last(), Some(ChatEvent::Failed(failure)) if failure.class == FailureClass::MalformedStream)
    );
}

#[tokio::test]
async fn a_reader_who_stalls_holds_the_vendor_back() {
    const OFFERED: usize = 64 << 20;
    let vendor = Vendor::start().await;
    let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
    let streamed = request(Delivery::Streamed);
    let serving = async {
        let (_, mut socket) = vendor.asked().await;
        say(&mut socket, 200, &[EVENT_STREAM], &[HELLO]).await;
        let chunk = [format!("{:x}\r\n", HELLO.len()).as_bytes(), HELLO, b"\r\n"].concat().repeat(1_000);
        let mut written = 0;
        while written < OFFERED
            && let Ok(Ok(bytes)) = timeout(Duration::from_millis(500), socket.write(&chunk)).await
        {
            written += bytes;
        }
        written
    };
    let (answer, written) = tokio::join!(sender.open(&provider, &streamed, "gpt", "call-1"), serving);
    // What got away lies in the buffers of the two sockets, which the system bounds.
    assert!(written < OFFERED / 2, "{written} bytes were taken that nobody reads");
    drop(answer);
}

/// Everything that is logged, to be looked through.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_a_key_nor_a_word_of_a_conversation_is_logged() {
    const KEY: &str = "canary-of-the-key-17";
    let logged = Logged::default();
    let writer = logged.clone();
    let level = tracing_subscriber::filter::LevelFilter::TRACE;
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(level)
        .with_writer(move || writer.clone())
        .init();
    let complaint = format!(r#"{{"error":{{"message":"no such key: {KEY}","type":"x"}}}}"#);
    for (status, kind, body) in [
        (200, JSON, WHOLE.to_vec()),
        (401, JSON, complaint.clone().into_bytes()),
        (200, EVENT_STREAM, [HELLO, format!("data: {complaint}\n\n").as_bytes()].concat()),
    ] {
        let vendor = Vendor::start().await;
        let (sender, mut provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
        provider.key = Some(SecretString::from(KEY));
        let mut asked = request(if kind == JSON { Delivery::Whole } else { Delivery::Streamed });
        asked.messages =
            vec![marketplace::chat::Message::text(marketplace::chat::Role::User, "canary-of-the-prompt")];
        let serving = async {
            let (_, mut socket) = vendor.asked().await;
            say(&mut socket, status, &[kind], &[&body]).await;
            end(&mut socket).await;
        };
        let asking = async {
            match sender.open(&provider, &asked, "gpt", "call-1").await {
                Ok(answer) => listen(answer).await,
                Err(failure) => vec![ChatEvent::Failed(failure)],
            }
        };
        let (events, ()) = tokio::join!(asking, serving);
        assert!(!format!("{events:?} {sender:?} {provider:?}").contains(KEY), "{events:?}");
    }
    let logged = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("vendor{provider.id=\"openai\" model=\"gpt\" call.id=\"call-1\""), "{logged}");
    for secret in [KEY, "canary-of-the-prompt", "Hello"] {
        assert!(!logged.contains(secret), "{secret} was logged");
    }
}
