//! A vendor that answers as fast as a socket can, so that what is measured is never its slowness.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};

use crate::process::until_alone;

/// The paces: how a stream comes.
pub const AT_ONCE: &str = "at-once";
pub const BRIEF: &str = "brief";
pub const LONG: &str = "long";

/// Before the first token, as a quick model takes.
const THINKING: Duration = Duration::from_millis(200);

/// How a stream comes: so many tokens, so far apart.
pub fn tokens(pace: &str) -> (u32, Duration) {
    match pace {
        BRIEF => (40, Duration::from_millis(20)),
        LONG => (300, Duration::from_millis(50)),
        _ => (40, Duration::ZERO),
    }
}

/// What each token says, to be found again at the other end.
pub const TOKEN: &str = "\"content\":\" lantern\"";

pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", listener.local_addr()?);
    let serving = async {
        while let Ok((socket, _)) = listener.accept().await {
            // Whoever hangs up is not served to the end.
            tokio::spawn(async move { converse(socket).await.ok() });
        }
    };
    tokio::select! {
        () = serving => {}
        () = until_alone() => {}
    }
    Ok(())
}

async fn converse(mut socket: TcpStream) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut waiting = Vec::new();
    while let Some(request) = read(&mut socket, &mut waiting).await? {
        if !request.contains("\"stream\":true") {
            socket.write_all(whole().as_bytes()).await?;
            continue;
        }
        let is_asked = |pace: &&str| request.contains(&format!("\"user\":\"{pace}\""));
        let pace = [AT_ONCE, BRIEF, LONG].into_iter().find(is_asked).unwrap_or(AT_ONCE);
        stream(&mut socket, pace).await?;
    }
    Ok(())
}

/// The next request, head and body.
async fn read(socket: &mut TcpStream, waiting: &mut Vec<u8>) -> Result<Option<String>> {
    loop {
        let head = waiting.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&waiting[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0);
            if waiting.len() >= head + 4 + length {
                let rest = waiting.split_off(head + 4 + length);
                let request = std::mem::replace(waiting, rest);
                return Ok(Some(String::from_utf8_lossy(&request).into_owned()));
            }
        }
        if socket.read_buf(waiting).await? == 0 {
            return Ok(None);
        }
    }
}

fn whole() -> String {
    let body = concat!(
        r#"{"id":"chatcmpl-1","object":"chat.completion","created":1764000000,"model":"at-once","#,
        r#""choices":[{"index":0,"message":{"role":"assistant","content":"The lantern is on the quay, beside the "#,
        r#"harbour office."},"finish_reason":"stop","logprobs":null}],"#,
        r#""usage":{"prompt_tokens":22,"completion_tokens":12,"total_tokens":34}}"#,
    );
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn stream(socket: &mut TcpStream, pace: &str) -> Result<()> {
    let (tokens, gap) = tokens(pace);
    if gap > Duration::ZERO {
        sleep(THINKING).await;
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let token = piece(&format!(r#"[{{"index":0,"delta":{{{TOKEN}}},"finish_reason":null}}]"#));
    socket.write_all(format!("{head}{token}").as_bytes()).await?;
    let begun = Instant::now();
    for place in 1..tokens {
        if gap > Duration::ZERO {
            sleep_until(begun + gap * place).await;
        }
        socket.write_all(token.as_bytes()).await?;
    }
    let end = piece(r#"[{"index":0,"delta":{},"finish_reason":"stop"}]"#);
    let usage = chunked(&format!(
        "data: {{\"id\":\"chatcmpl-1\",\"choices\":[],\"usage\":{{\"prompt_tokens\":22,\"completion_tokens\":{tokens}}}}}\n\n"
    ));
    let done = chunked("data: [DONE]\n\n");
    socket.write_all(format!("{end}{usage}{done}0\r\n\r\n").as_bytes()).await?;
    Ok(())
}

fn piece(choices: &str) -> String {
    chunked(&format!(
        "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"m\",\
        \"choices\":{choices}}}\n\n"
    ))
}

fn chunked(event: &str) -> String {
    format!("{:x}\r\n{event}\r\n", event.len())
}
