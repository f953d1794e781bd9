//! What only a real connection shows: who leaves, what breaks and what hangs.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Writes the request to a fresh connection.
pub async fn connect(running: &Running, path: &str, scenario: &str) -> TcpStream {
    let body = json!({
        "model": format!("some-model~{scenario}"),
        "messages": [{"role": "user", "content": "Why is the sea salty?"}],
        "stream": true,
    })
    .to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: vendor\r\nauthorization: Bearer key\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(running.addr).await.unwrap();
    socket.write_all((head + &body).as_bytes()).await.unwrap();
    socket
}

pub async fn started(pace: Pace) -> Running {
    start(([127, 0, 0, 1], 0).into(), Options { pace, truth_log: None }).await.unwrap()
}

/// Reads until what arrived is enough.
pub async fn read_until(socket: &mut TcpStream, enough: impl Fn(&str) -> bool) {
    let mut seen = Vec::new();
    while !enough(&String::from_utf8_lossy(&seen)) {
        assert_ne!(socket.read_buf(&mut seen).await.unwrap(), 0, "ended too early");
    }
}

async fn wait_for_truth(running: &Running) -> Value {
    wait_for_truths(running, 1).await.remove(0)
}

pub async fn wait_for_truths(running: &Running, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let mut socket = TcpStream::connect(running.addr).await.unwrap();
        socket.write_all(b"GET /truth HTTP/1.1\r\nhost: vendor\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let lines = answer.lines().filter(|line| line.starts_with('{'));
        let records: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        if records.len() >= count {
            return records;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was recorded");
}

#[tokio::test]
async fn caller_who_leaves_is_recorded_as_disconnected() {
    let running = started(Pace::Realistic).await;
    let mut socket = connect(&running, OPENAI, "slow").await;
    read_until(&mut socket, |seen| !openai_text(&parse(seen)).is_empty()).await;
    drop(socket);
    let truth = wait_for_truth(&running).await;
    assert_eq!(truth["finished"], "disconnected");
    assert!((1..20).contains(&truth["completion_tokens_sent"].as_u64().unwrap()));
}

#[tokio::test]
async fn reset_connection_ends_without_a_last_chunk() {
    let running = started(Pace::Instant).await;
    let mut socket = connect(&running, OPENAI, "reset-at-2").await;
    let mut answer = Vec::new();
    // Whether this ends or fails depends on what the system had sent by then.
    let _ = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(openai_text(&parse(&answer)).len(), 2);
    assert!(!answer.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn stalled_answer_holds_the_connection_until_the_simulator_stops() {
    let running = started(Pace::Instant).await;
    let mut socket = connect(&running, OPENAI, "stall-at-0").await;
    read_until(&mut socket, |seen| seen.contains("\r\n\r\n")).await;
    let mut more = [0; 1];
    assert!(tokio::time::timeout(Duration::from_millis(100), socket.read(&mut more)).await.is_err());
    drop(running);
    let end = tokio::time::timeout(Duration::from_secs(5), socket.read(&mut more)).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)));
}
