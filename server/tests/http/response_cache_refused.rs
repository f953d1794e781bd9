//! What is not kept for those who ask the same again, and who is not told what is kept.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};

use crate::response_cache::{ask, asking, kept, status};
use crate::support::{Answer, Market};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn each_key_and_each_account_is_told_its_own_answers() {
    let market = Market::open().await;
    let (mut buyer, other) = (market.paying_buyer().await, market.paying_buyer().await);
    let body = asking("Name three harbours.", false);
    assert_eq!(status(&ask(&buyer, CHAT, &body, &[]).await.expect(200)), "MISS");
    assert_eq!(status(&ask(&other, CHAT, &body, &[]).await.expect(200)), "MISS");
    let first = std::mem::take(&mut buyer.key);
    buyer.key = buyer.make_key(json!({ "name": "second" })).await["key"].as_str().unwrap().to_owned();
    assert_eq!(status(&ask(&buyer, CHAT, &body, &[]).await.expect(200)), "MISS");
    buyer.key = first;
    assert_eq!(status(&ask(&buyer, CHAT, &body, &[]).await.expect(200)), "HIT");
    assert_eq!((market.truths().await.len(), kept(&market).await), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_told_nothing_that_it_may_not_ask_for_any_more() {
    let market = Market::open().await;
    let mut buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    let made = buyer.make_key(json!({ "name": "narrowed" })).await;
    buyer.key = made["key"].as_str().unwrap().to_owned();
    ask(&buyer, CHAT, &body, &[]).await.expect(200);
    let address = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let change = async |terms: Value| {
        let request = market.request(Method::PATCH, &address).bearer_auth(&buyer.token);
        Answer::to(request.json(&terms)).await.expect(200);
    };
    change(json!({ "models": ["anthropic/*"] })).await;
    ask(&buyer, CHAT, &body, &[]).await.expect(403);
    change(json!({ "models": null, "scopes": ["embeddings", "read"] })).await;
    ask(&buyer, CHAT, &body, &[]).await.expect(403);
    change(json!({ "scopes": ["chat"] })).await;
    assert_eq!(status(&ask(&buyer, CHAT, &body, &[]).await.expect(200)), "HIT");
    buyer.delete(&address).await;
    ask(&buyer, CHAT, &body, &[]).await.expect(401);
    assert_eq!(market.truths().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_again_counts_as_a_request_of_its_minute() {
    let market = Market::open().await;
    let mut buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    let minute = "select extract(epoch from clock_timestamp())::bigint / 60";
    loop {
        let begun = market.count(minute).await;
        let key = buyer.make_key(json!({ "name": "counted", "requests_a_minute": 3 })).await;
        buyer.key = key["key"].as_str().unwrap().to_owned();
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(ask(&buyer, CHAT, &body, &[]).await);
        }
        if market.count(minute).await != begun {
            continue;
        }
        let told: Vec<_> = answers.iter().map(|answer| (answer.status, status(answer))).collect();
        assert_eq!(told, [(200, "MISS"), (200, "HIT"), (200, "HIT"), (429, "")]);
        assert_eq!(answers[1].header("x-ratelimit-remaining-requests"), "1");
        return;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_failed_or_broke_off_are_not_kept() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (scenario, stream, code) in [
        ("server-error", false, 502),
        ("server-error", true, 502),
        ("error-at-9", true, 200),
        ("reset-at-9", true, 200),
        ("reset-at-9", false, 502),
    ] {
        let body = asking(&format!("Name three harbours. [[simulate: {scenario}]]"), stream);
        for _ in 0..2 {
            let answer = ask(&buyer, CHAT, &body, &[]).await;
            assert_eq!(answer.status, code, "{scenario}: {}", answer.text);
            assert_ne!(status(&answer), "HIT", "{scenario}");
        }
        assert_eq!(kept(&market).await, 0, "{scenario}");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_reader_left_is_not_kept() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Tell me a long story. [[simulate: slow]]", true);
    let response = buyer.chat(&body).header("x-openrouter-cache", "true").send().await.unwrap();
    let (mut bytes, mut read) = (response.bytes_stream(), String::new());
    while read.matches("\"content\":").count() < 4 {
        read.push_str(&String::from_utf8_lossy(&bytes.next().await.unwrap().unwrap()));
    }
    drop(bytes);
    market.until_no_hold_is_open(Duration::from_secs(20)).await;
    assert_eq!(market.count("select count(*) from usage_call where finish = 'stopped'").await, 1);
    assert_eq!(kept(&market).await, 0);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_where_money_ran_short_is_not_kept_and_what_was_cut_as_asked_is() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut body = asking("Tell me a long story. [[simulate: many]]", false);
    body["max_tokens"] = json!(20);
    for expected in ["MISS", "HIT"] {
        let answer = ask(&buyer, CHAT, &body, &[]).await.expect(200);
        let finish = &answer.json()["choices"][0]["finish_reason"];
        assert_eq!((finish, status(&answer)), (&json!("length"), expected));
    }
    (body["max_tokens"], body["max_cost"]) = (json!(3_000), json!("0.001"));
    for stream in [false, true] {
        body["stream"] = json!(stream);
        for _ in 0..2 {
            let answer = ask(&buyer, CHAT, &body, &[]).await.expect(200);
            assert!(answer.text.contains(r#""finish_reason":"length""#), "{}", answer.text);
            assert_eq!(status(&answer), "MISS");
        }
    }
    assert_eq!(kept(&market).await, 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_cannot_be_read_in_the_database_nor_put_elsewhere() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let bodies = [asking("Name three harbours.", false), asking("Name four harbours.", false)];
    for body in &bodies {
        ask(&buyer, CHAT, body, &[]).await.expect(200);
    }
    let readable = "select count(*) from idempotency where route = 'cache'
        and (position(convert_to('choices', 'UTF8') in body) > 0 or body is null)";
    assert_eq!(market.count(readable).await, 0);
    // One answer in the place of the other opens no more, and is made anew.
    market
        .run(
            "update idempotency i set body = other.body, source_call_id = other.source_call_id
            from idempotency other where other.route = 'cache' and i.route = 'cache' and other.key <> i.key",
        )
        .await;
    for body in &bodies {
        assert_eq!(status(&ask(&buyer, CHAT, body, &[]).await.expect(200)), "MISS");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_before_anything_is_asked() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    for (name, value) in [
        ("x-openrouter-cache-ttl", "0"),
        ("x-openrouter-cache-ttl", "86401"),
        ("x-openrouter-cache-ttl", "an hour"),
        ("x-openrouter-cache-clear", "perhaps"),
    ] {
        let refused = ask(&buyer, CHAT, &body, &[(name, value)]).await.expect(400);
        assert_eq!(refused.json()["error"]["param"], name, "{value}");
    }
    let request = buyer.market.post("/v1/messages").bearer_auth(&buyer.key).header("x-openrouter-cache", "1");
    let refused = Answer::to(request.json(&body)).await.expect(400);
    assert_eq!(refused.json()["type"], "error");
    // Nobody here promises that nothing is kept, with the cache or without.
    let mut private = body.clone();
    private["provider"] = json!({ "zdr": true });
    ask(&buyer, CHAT, &private, &[]).await.expect(400);
    // Where that is not asked of vendors, it is heeded here.
    let vectors = json!({ "model": "openai/text-embedding-3-small", "input": "a ship", "provider": { "data_collection": "deny" } });
    for _ in 0..2 {
        assert_eq!(status(&ask(&buyer, "/v1/embeddings", &vectors, &[]).await.expect(200)), "");
    }
    assert_eq!(kept(&market).await, 0);
}
