//! The head of an answer: what clients of each family read there, whether they are answered or refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Answer, Market};

/// Where something is sold, and what is asked there.
fn sales() -> [(&'static str, Value); 6] {
    let messages = || json!([{ "role": "user", "content": "Hi" }]);
    let chat =
        |stream: bool| json!({ "model": "openai/gpt-5-mini", "messages": messages(), "stream": stream });
    [
        ("/chat/completions", chat(false)),
        ("/chat/completions", chat(true)),
        ("/completions", json!({ "model": "openai/gpt-5-mini", "prompt": "Hi" })),
        ("/responses", json!({ "model": "openai/gpt-5-mini", "input": "Hi" })),
        ("/embeddings", json!({ "model": "openai/text-embedding-3-small", "input": "Hi" })),
        (
            "/messages",
            json!({ "model": "anthropic/claude-haiku-4-5", "max_tokens": 16, "messages": messages() }),
        ),
    ]
}

#[track_caller]
fn number(answer: &Answer, header: &str) -> u64 {
    let text = answer.header(header);
    text.parse().unwrap_or_else(|_| panic!("{header} is {text:?}: {:?}", answer.headers))
}

#[track_caller]
fn assert_counted(answer: &Answer, path: &str) {
    for unit in ["requests", "tokens"] {
        let limit = number(answer, &format!("x-ratelimit-limit-{unit}"));
        assert!(number(answer, &format!("x-ratelimit-remaining-{unit}")) < limit, "{path}");
        let reset = answer.header(&format!("x-ratelimit-reset-{unit}"));
        assert!(
            reset.strip_suffix('s').is_some_and(|seconds| seconds.parse::<u8>().unwrap() <= 60),
            "{path}"
        );
    }
    assert_read(answer, path);
}

#[track_caller]
fn assert_read(answer: &Answer, path: &str) {
    assert!(!answer.header("x-request-id").is_empty(), "{path}: {:?}", answer.headers);
    if path.ends_with("/messages") {
        assert_eq!(answer.header("request-id"), answer.header("x-request-id"), "{path}");
        assert_eq!(answer.header("openai-processing-ms"), "", "{path}");
    } else {
        assert!(number(answer, "openai-processing-ms") < 60_000, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_or_refused_names_itself_its_time_and_its_limits() {
    let market = Market::open().await;
    let (buyer, poor) = (market.paying_buyer().await, market.buyer().await);
    let (mut requests, mut calls) = (BTreeSet::new(), BTreeSet::new());
    for base in ["/v1", "/api/v1"] {
        for (path, body) in sales() {
            let path = format!("{base}{path}");
            let ask = |key: &str| Answer::to(market.post(&path).bearer_auth(key).json(&body));
            let (sold, refused) = (ask(&buyer.key).await.expect(200), ask(&poor.key).await.expect(402));
            assert_counted(&sold, &path);
            assert_counted(&refused, &path);
            assert!(calls.insert(sold.header("x-generation-id").to_owned()), "{path}");
            for answer in [&sold, &refused] {
                assert!(requests.insert(answer.header("x-request-id").to_owned()), "{path}");
            }
            let stranger = Answer::to(market.post(&path).json(&body)).await.expect(401);
            assert_read(&stranger, &path);
            assert_eq!(stranger.header("x-generation-id"), "");
            let call = sold.header("x-generation-id");
            assert_ne!(buyer.receipt(call).await["charge_nanos"], "0", "{path}");
        }
        for path in ["/models", "/models/openai/gpt-5-mini", "/key"] {
            let path = format!("{base}{path}");
            assert_read(&Answer::to(market.get(&path).bearer_auth(&buyer.key)).await.expect(200), &path);
        }
    }
    assert!(!calls.contains(""), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_is_told_is_the_time_it_took() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let timed = async |directive: &str| {
        let content = format!("Hi [[simulate: {directive}]]");
        let body = json!({
            "model": "openai/gpt-5-mini", "max_tokens": 40, "messages": [{ "role": "user", "content": content }],
        });
        let begun = std::time::Instant::now();
        let answer = Answer::to(buyer.chat(&body)).await.expect(200);
        (number(&answer, "openai-processing-ms"), begun.elapsed().as_millis())
    };
    let (told, passed) = timed("slow").await;
    assert!(told >= 200 && u128::from(told) <= passed, "{told} of {passed} ms");
}
