//! What is refused or fails is told in Anthropic's dialect, at the beginning or in the middle.

use serde_json::{Value, json};

use super::{MODELS, asking, events, send, with};
use crate::support::{Answer, Market, nanos};

/// An error in Anthropic's shape, which names the request in head and body.
#[track_caller]
pub fn refused(answer: Answer, status: u16, kind: &str) -> Value {
    let answer = answer.expect(status);
    let body = answer.json();
    assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!(kind)), "{body}");
    assert!(!body["error"]["message"].as_str().unwrap().is_empty(), "{body}");
    assert!(!answer.header("request-id").is_empty(), "{:?}", answer.headers);
    assert_eq!(answer.header("request-id"), answer.header("x-request-id"));
    assert_eq!(body["request_id"], answer.header("request-id"));
    body["error"]["details"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_in_its_own_words() {
    let market = Market::open().await;
    let (buyer, poor) = (market.paying_buyer().await, market.buyer().await);
    let body = asking("openai/gpt-5-mini", "Hi");
    let post = || market.post("/api/v1/messages").json(&body);
    refused(Answer::to(post()).await, 401, "authentication_error");
    let wrong = format!("mk_live_{}", "0".repeat(49));
    refused(Answer::to(post().header("x-api-key", &wrong)).await, 401, "authentication_error");
    refused(Answer::to(post().bearer_auth(&wrong)).await, 401, "authentication_error");
    for stream in [false, true] {
        let body = with(body.clone(), json!({ "stream": stream }));
        let short = refused(Answer::to(send(&poor, &body)).await, 402, "billing_error");
        assert!(nanos(&short["required_nanos"]) > 0 && nanos(&short["available_nanos"]) == 0, "{short}");
    }
    let unknown = asking("nobody/nothing", "Hi");
    let details = refused(Answer::to(send(&buyer, &unknown)).await, 404, "not_found_error");
    assert_eq!(details["error_code"], "not_found");
    for more in [
        json!({ "max_tokens": null }),
        json!({ "messages": [] }),
        json!({ "messages": [{ "role": "robot", "content": "Hi" }] }),
        json!({ "messages": [{ "role": "user", "content": [{ "type": "document", "source": {} }] }] }),
        json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }),
        json!({ "speed": "fast" }),
    ] {
        let answer = Answer::to(send(&buyer, &with(body.clone(), more))).await;
        refused(answer, 400, "invalid_request_error");
    }
    let broken = buyer.market.post("/v1/messages").header("x-api-key", &buyer.key).body("{");
    refused(Answer::to(broken).await, 400, "invalid_request_error");
    let elsewhere = market.post("/v1/messages/batches").header("x-api-key", &buyer.key);
    refused(Answer::to(elsewhere).await, 404, "not_found_error");
    assert_eq!(market.count("select count(*) from hold").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_is_told_with_its_status_or_in_the_middle() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for (scenario, status, kind) in [
            ("overloaded", 529, "overloaded_error"),
            ("rate-limit", 429, "rate_limit_error"),
            ("server-error", 502, "api_error"),
        ] {
            for stream in [false, true] {
                let body = asking(model, format!("Hi [[simulate: {scenario}]]"));
                let answer = Answer::to(send(&buyer, &with(body, json!({ "stream": stream })))).await;
                assert_eq!(answer.header("x-should-retry"), "true");
                refused(answer, status, kind);
            }
        }
        let body = asking(model, "Name three harbours. [[simulate: error-at-5]]");
        let answer = Answer::to(send(&buyer, &with(body, json!({ "stream": true })))).await.expect(200);
        let said = events(&answer);
        let last = said.last().unwrap();
        assert_eq!(last["type"], "error", "{model}: {last}");
        assert!(
            ["overloaded_error", "api_error"].contains(&last["error"]["type"].as_str().unwrap()),
            "{last}"
        );
        assert!(!said.iter().any(|event| event["type"] == "message_stop"), "{model} claims to be done");
    }
    market.assert_books_balance().await;
}
