//! Bodies that no client should send, wherever money is spent: the error of its family, never a 500, never a charge.

use std::time::Duration;

use serde_json::{Value, json};
use server::simulator::Pace;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, Buyer, Connection, Market, nanos};

const TEN_DOLLARS: i64 = 10_000_000_000;
const HUNDRED_MEGABYTES: usize = 100 << 20;
/// More than any reader of JSON goes down.
const DEEP: usize = 200;

/// An address where money is spent, what is asked there, and what it reads of that.
struct Door {
    path: &'static str,
    body: Value,
    fields: &'static [&'static str],
}

const OF_ALL: [&str; 5] = ["model", "max_cost", "run_id", "max_run_cost", "user"];
const OF_CHATS: [&str; 20] = [
    "messages",
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "stop",
    "tools",
    "tool_choice",
    "response_format",
    "models",
    "provider",
    "metadata",
    "max_completion_tokens",
    "stream_options",
    "n",
    "seed",
    "reasoning_effort",
    "modalities",
    "logit_bias",
    "service_tier",
];
const OF_MESSAGES: [&str; 14] = [
    "messages",
    "max_tokens",
    "stream",
    "temperature",
    "top_k",
    "stop_sequences",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "models",
    "provider",
    "metadata",
];

fn chat() -> Door {
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let body = json!({ "model": "openai/gpt-5-mini", "max_tokens": 16, "messages": messages });
    Door { path: "/chat/completions", body, fields: &OF_CHATS }
}

fn message() -> Door {
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let body = json!({ "model": "anthropic/claude-haiku-4-5", "max_tokens": 16, "messages": messages });
    Door { path: "/messages", body, fields: &OF_MESSAGES }
}

fn completion() -> Door {
    let body = json!({ "model": "openai/gpt-5-mini", "max_tokens": 16, "prompt": "Hi" });
    let fields =
        &["prompt", "max_tokens", "stream", "stop", "suffix", "echo", "logprobs", "models", "provider"];
    Door { path: "/completions", body, fields }
}

fn embedding() -> Door {
    let body = json!({ "model": "openai/text-embedding-3-small", "input": "Hi" });
    Door { path: "/embeddings", body, fields: &["input", "encoding_format", "dimensions", "input_type"] }
}

fn picture() -> Door {
    let body = json!({ "model": "stability/stable-image-core", "prompt": "A quay" });
    let fields = &["prompt", "n", "size", "quality", "seed", "negative_prompt", "response_format", "stream"];
    Door { path: "/images/generations", body, fields }
}

fn doors() -> [Door; 5] {
    [chat(), message(), completion(), embedding(), picture()]
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Values that are wrong nearly everywhere.
fn values() -> Vec<Value> {
    let deep = serde_json::from_str(&nested(60)).unwrap();
    let mut values = vec![deep, Value::Null, json!(-1), json!(1.5), json!(u64::MAX), json!(1e300)];
    values.extend(["", "\u{0}", "🌊".repeat(2_000).as_str()].map(Value::from));
    values.extend([json!([]), json!({}), json!([{}]), json!([null]), json!({ "type": 7 })]);
    values
}

/// Whatever is wrong with it, an answer is a success that is paid, or a refusal in the words of its family.
#[track_caller]
fn assert_documented(path: &str, what: &str, answer: &Answer) {
    let what = || format!("{what} at {path}: {} {}", answer.status, answer.text);
    if answer.status == 200 {
        return;
    }
    assert!([400, 401, 402, 403, 404, 413, 422].contains(&answer.status), "{}", what());
    assert_eq!(answer.header("content-type"), "application/json", "{}", what());
    assert_eq!(answer.header("x-should-retry"), "false", "{}", what());
    let body = answer.json();
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", what());
    assert!(body["error"]["type"].is_string(), "{}", what());
    assert_eq!(body["type"] == "error", path.ends_with("messages"), "{}", what());
}

async fn send(buyer: &Buyer<'_>, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    Answer::to(buyer.market.post(path).bearer_auth(&buyer.key).body(body)).await
}

/// Goes on writing as clients do, and reads what was answered also where the rest was not wanted any more.
async fn send_regardless(buyer: &Buyer<'_>, path: &str, body: &[u8]) -> Answer {
    let addr = buyer.market.base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let (key, length) = (&buyer.key, body.len());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let _ = socket.write_all(body).await;
    let mut read = Vec::new();
    while socket.read_buf(&mut read).await.is_ok_and(|bytes| bytes > 0) {}
    let read = String::from_utf8(read).unwrap();
    let (head, text) = read.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {read:?}"));
    let (line, fields) = head.split_once("\r\n").unwrap();
    let fields = fields.lines().filter_map(|field| field.split_once(": "));
    let headers = fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    Answer { status: line.split(' ').nth(1).unwrap().parse().unwrap(), headers, text: text.to_owned() }
}

async fn assert_charged(buyer: &Buyer<'_>, charged: i64) {
    assert_eq!(buyer.available().await, TEN_DOLLARS - charged);
    assert_eq!(buyer.market.count("select count(*) from hold where state = 'open'").await, 0);
    buyer.market.assert_books_balance().await;
}

/// Puts every wrong value into every field that is read.
async fn sweep(door: Door) {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let path = format!("/v1{}", door.path);
    let mut charged = 0;
    for field in OF_ALL.iter().chain(door.fields) {
        for value in values() {
            let mut body = door.body.clone();
            body[field] = value.clone();
            let answer = send(&buyer, &path, body.to_string()).await;
            let shown: String = value.to_string().chars().take(40).collect();
            assert_documented(&path, &format!("{field} = {shown}"), &answer);
            if answer.status == 200 {
                charged += nanos(&answer.json()["usage"]["cost_details"]["charge_nanos"]);
            }
        }
    }
    assert_charged(&buyer, charged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_in_a_chat_is_refused_or_harmless() {
    sweep(chat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_in_a_message_is_refused_or_harmless() {
    sweep(message()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_in_a_completion_is_refused_or_harmless() {
    sweep(completion()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_in_an_embedding_is_refused_or_harmless() {
    sweep(embedding()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_for_a_picture_is_refused_or_harmless() {
    sweep(picture()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_at_all_is_a_bad_request() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for door in doors() {
        let whole = door.body.to_string();
        let broken: Vec<Vec<u8>> = vec![
            Vec::new(),
            b"null".to_vec(),
            b"42".to_vec(),
            b"[]".to_vec(),
            b"\"model\"".to_vec(),
            b"{".to_vec(),
            b"\xef\xbb\xbf{}".to_vec(),
            b"\0".to_vec(),
            vec![0; 1_000],
            b"model=openai/gpt-5-mini".to_vec(),
            whole.as_bytes()[..whole.len() - 1].to_vec(),
            format!("{whole}{whole}").into_bytes(),
            whole.replace("Hi", "H\0i").replace("quay", "qu\0y").into_bytes(),
            [&whole.as_bytes()[..whole.len() - 1], b",\"user\":\"\xff\xfe\"}"].concat(),
            format!("{},\"x\":{}}}", &whole[..whole.len() - 1], nested(DEEP)).into_bytes(),
            format!("{},\"x\":{}}}", &whole[..whole.len() - 1], "{\"a\":".repeat(100_000)).into_bytes(),
            nested(100_000).into_bytes(),
        ];
        for base in ["/v1", "/api/v1"] {
            let path = format!("{base}{}", door.path);
            for body in &broken {
                let answer = send(&buyer, &path, body.clone()).await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
                assert_documented(&path, &shown, &answer);
                assert_eq!(answer.status, 400, "{shown:?} at {path}: {}", answer.text);
            }
        }
    }
    assert!(market.truths().await.is_empty(), "a vendor was asked");
    assert_charged(&buyer, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_are_too_large_and_are_told_so() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let megabytes = vec![b' '; HUNDRED_MEGABYTES];
    for door in doors() {
        let path = format!("/v1{}", door.path);
        let answer = send_regardless(&buyer, &path, &megabytes).await;
        assert_documented(&path, "100 MB", &answer);
        assert_eq!(answer.status, 413, "{}", answer.text);
    }
    assert_charged(&buyer, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_there_is_not_is_refused_however_it_is_written() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let long = format!("openai/{}", "x".repeat(10_000));
    for name in [
        "nobody/nothing",
        "/",
        "gpt",
        "openai/",
        "/gpt-5-mini",
        "a/b/c/d/e",
        "../../etc/passwd",
        "openai/gpt-5-mini~hang",
        "openai/gpt-5-mini\u{0}",
        "openai/gpt-5-mini ",
        "openai/gpt-5-mini:nonsense",
        "'; drop table account; --",
        "openai/🌊",
        &long,
    ] {
        for door in doors() {
            let path = format!("/v1{}", door.path);
            let mut body = door.body;
            body["model"] = json!(name);
            let answer = send(&buyer, &path, body.to_string()).await;
            assert_documented(&path, name, &answer);
            assert!([400, 404].contains(&answer.status), "{name} at {path}: {}", answer.text);
        }
    }
    assert!(market.truths().await.is_empty(), "a vendor was asked");
    assert_charged(&buyer, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_buys_without_a_key() {
    let market = Market::open().await;
    for door in doors() {
        for base in ["/v1", "/api/v1"] {
            let path = format!("{base}{}", door.path);
            let answer = Answer::to(market.post(&path).json(&door.body)).await;
            assert_documented(&path, "no key", &answer);
            assert_eq!(answer.status, 401, "{path}: {}", answer.text);
        }
    }
    assert!(market.truths().await.is_empty(), "a vendor was asked");
}

/// What began is heard to its end and paid; nothing begins after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_in_the_middle_of_an_answer_breaks_nothing() {
    let market = Market::open_with(Pace::Realistic).await;
    let mut buyer = market.paying_buyer().await;
    let made = buyer.make_key(json!({ "name": "lost" })).await;
    buyer.key = made["key"].as_str().unwrap().to_owned();
    let messages = json!([{ "role": "user", "content": "Name three harbours, briefly." }]);
    let body = json!({ "model": "openai/gpt-5-mini", "stream": true, "messages": messages });
    let mut connection = Connection::ask(&buyer, &body).await;
    connection.until("\"content\":\"").await;
    buyer.delete(&format!("/api/v1/keys/{}", made["id"].as_str().unwrap())).await.expect(204);
    Answer::to(buyer.chat(&body)).await.expect(401);
    connection.until("[DONE]").await;
    market.until_no_hold_is_open(Duration::from_secs(10)).await;
    let receipt = buyer.receipt(&connection.call()).await;
    assert_eq!((&receipt["finish"], &receipt["usage_source"]), (&json!("stop"), &json!("provider")));
    assert_charged(&buyer, nanos(&receipt["charge_nanos"])).await;
}
