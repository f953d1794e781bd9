//! Readers and servers that come too late: nobody pays for words that waited, or is told what is not in the books.

use std::time::Duration;

use engine::{Actor, Call, CallEvent, Order, Routing};
use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Message, Role};
use marketplace::fault::Code;
use marketplace::id::ModelId;
use serde_json::{Map, Value, json};
use server::simulator::Pace;
use uuid::Uuid;

use crate::support::{Answer, Buyer, Market, nanos};

const PROMPT_CLOSING: Duration = Duration::from_secs(2);
/// More than one round of writing progress down.
const WRITTEN_DOWN: Duration = Duration::from_millis(1_200);
/// Two rounds of it, with the time a busy machine takes.
const FORWARDING_MAX: Duration = Duration::from_secs(5);
/// The background task that closes abandoned holds looks every five seconds.
const REAPED: Duration = Duration::from_secs(8);
/// Words that were handed over and perhaps not read.
const ON_THE_WAY_BYTES: usize = 16;
/// A busy machine may sleep through the whole of a short answer.
const TRIES: usize = 10;

async fn begin(buyer: &Buyer<'_>, scenario: &str) -> Call {
    let actor: Actor = buyer.market.engine.recognise_key(&buyer.key).await.unwrap();
    let text = format!("Tell me a story. [[simulate: {scenario}]]");
    let request = ChatRequest {
        model: ModelId::parse("openai/gpt-5-mini").unwrap(),
        messages: vec![Message::text(Role::User, text)],
        max_output_tokens: None,
        stream: Delivery::Streamed,
        options: Map::new(),
    };
    buyer
        .market
        .engine
        .chat(
            &actor,
            Order {
                request,
                conversation: None,
                cap: None,
                run: None,
                id: None,
                routing: Routing::default(),
            },
        )
        .await
        .unwrap()
}

/// Takes so many pieces of text, and says how many bytes they were.
async fn take(call: &mut Call, pieces: usize) -> usize {
    let (mut taken, mut bytes) = (0, 0);
    while taken < pieces {
        if let CallEvent::Chat(ChatEvent::Text(text)) = call.next().await.unwrap() {
            taken += 1;
            bytes += text.len();
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_wait_for_a_reader_are_not_paid() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut call = begin(&buyer, "many").await;
    let (id, bytes) = (call.id, take(&mut call, 20).await);
    tokio::time::sleep(WRITTEN_DOWN).await;
    let written: i64 = sqlx::query_scalar("select progress_output from hold where call_id = $1")
        .bind(id.0)
        .fetch_one(&market.db)
        .await
        .unwrap();
    let most = ((bytes + ON_THE_WAY_BYTES) / 4) as i64;
    assert!(written <= most, "{bytes} bytes were read, and {written} tokens would be charged after a crash");
    drop(call);
    market.until_no_hold_is_open(PROMPT_CLOSING).await;
    let receipt = buyer.receipt(&id.to_string()).await;
    let output = receipt["usage"]["output"].as_i64().unwrap();
    assert!(output > 0 && output <= most, "{bytes} bytes were read: {receipt}");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_pays_for_the_whole_answer_in_the_end() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut call = begin(&buyer, "no-usage").await;
    let (id, mut bytes) = (call.id, take(&mut call, 5).await);
    tokio::time::sleep(WRITTEN_DOWN).await;
    while let Some(event) = call.next().await {
        match event {
            CallEvent::Chat(ChatEvent::Text(text)) => bytes += text.len(),
            CallEvent::Settled { .. } => break,
            _ => {}
        }
    }
    let receipt = buyer.receipt(&id.to_string()).await;
    // We count it ourselves, much as the one who wrote it does.
    let truth = market.truth(&id.to_string()).await;
    let sent = truth["completion_tokens_sent"].as_u64().unwrap();
    let output = receipt["usage"]["output"].as_u64().unwrap();
    assert_eq!(truth["completion_bytes_sent"], bytes, "it was not read to its end");
    assert!((sent..=sent + 3).contains(&output), "{sent} tokens were sent: {receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_taken_for_dead_tells_no_charge_that_is_not_in_the_books() {
    let market = Market::open_with(Pace::Realistic).await;
    let buyer = market.paying_buyer().await;
    // Begun at different moments, so that some end before their server hears that they are no longer its own.
    let calls = (0..8).map(|at| finish_after_reaping(&buyer, Duration::from_millis(60 * at)));
    for (call, chunks) in futures_util::future::join_all(calls).await {
        let receipt = buyer.receipt(&call).await;
        assert_eq!(receipt["finish"], "interrupted", "{receipt}");
        let told = chunks.iter().find_map(|chunk| chunk["usage"]["cost_details"]["charge_nanos"].as_str());
        assert_eq!(told, None, "the books say {receipt}");
        assert_eq!(chunks.last().unwrap()["error"]["code"], "unavailable", "{chunks:?}");
        assert_eq!(nanos(&receipt["charge_nanos"]), 0);
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_taken_for_dead_stops_forwarding() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut call = begin(&buyer, "slow").await;
    take(&mut call, 2).await;
    assert!(close_elsewhere(&market, call.id.0).await, "the answer was over before it was reaped");
    let end = async {
        loop {
            if let CallEvent::Failed { fault, .. } = call.next().await.unwrap() {
                return fault.code;
            }
        }
    };
    // The story would go on for a minute and a half.
    let code = tokio::time::timeout(FORWARDING_MAX, end).await.expect("it is forwarded on and on");
    assert_eq!(code, Code::Unavailable);
    market.assert_books_balance().await;
}

/// Goal M14: nothing of an answer in one piece has arrived before its end.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_whose_server_dies_costs_nothing() {
    let market = Market::open().await;
    let (fellow, buyer) = (market.fellow().await, market.paying_buyer().await);
    let body = json!({
        "model": "openai/gpt-5-mini",
        "messages": [{ "role": "user", "content": "Tell me a story. [[simulate: slow]]" }],
    });
    let request = fellow.post("/v1/chat/completions").bearer_auth(&buyer.key).json(&body);
    let doomed = tokio::spawn(async move { request.send().await?.text().await });
    while market.count("select count(*) from hold where state = 'open'").await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(2 * WRITTEN_DOWN).await;
    fellow.die();
    assert!(doomed.await.unwrap().is_err(), "a dead server answered");
    market.run("update hold set lease_until = now() - interval '1 second' where state = 'open'").await;
    market.until_no_hold_is_open(REAPED).await;
    assert_eq!(buyer.available().await, 10_000_000_000, "somebody paid for an answer that never came");
    market.assert_books_balance().await;
}

/// A short slow answer whose hold is closed by somebody else before its end; on a busy machine it may be over sooner, then another is asked for.
async fn finish_after_reaping(buyer: &Buyer<'_>, wait: Duration) -> (String, Vec<Value>) {
    tokio::time::sleep(wait).await;
    let body = json!({
        "model": "openai/gpt-5-mini", "stream": true, "max_tokens": 4, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "Tell me a story. [[simulate: slow]]" }],
    });
    for _ in 0..TRIES {
        let response = buyer.chat(&body).send().await.unwrap();
        let call = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
        tokio::time::sleep(Duration::from_millis(450)).await;
        if close_elsewhere(buyer.market, Uuid::parse_str(&call).unwrap()).await {
            return (call, Answer::read(response).await.chunks());
        }
    }
    panic!("every answer was over before it could be reaped");
}

/// Closes a hold as the reaper of another server does, and says whether it was still open.
async fn close_elsewhere(market: &Market, call: Uuid) -> bool {
    let reaped = "select applied from ledger.capture($1, 0, 0, 0, 0, 0, 0, 'none', 0, 0, 'interrupted')";
    sqlx::query_scalar(reaped).bind(call).fetch_one(&market.db).await.unwrap()
}
