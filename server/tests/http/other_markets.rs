//! What clients of other markets say in their own words is understood, or refused; it is never quietly left undone.

use serde_json::{Value, json};

use crate::support::{Answer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";

fn asking(more: Value) -> Value {
    let mut body =
        json!({ "model": MODEL, "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 9 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_an_answer_finds_its_generation_and_its_receipt() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let asked = |path: &'static str, body: Value| market.post(path).bearer_auth(&buyer.key).json(&body);
    for (path, body) in [
        ("/v1/chat/completions", asking(json!({}))),
        ("/v1/messages", asking(json!({}))),
        ("/v1/responses", json!({ "model": MODEL, "input": "Hi", "max_output_tokens": 16 })),
    ] {
        let answer = Answer::to(asked(path, body)).await.expect(200);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let found = Answer::to(market.get(&format!("/v1/generation?id={id}")).bearer_auth(&buyer.key)).await;
        let found = found.expect(200).json()["data"].clone();
        assert_eq!(found["id"], answer.header("x-generation-id"), "{path}");
        assert_eq!(found["finish_reason"], "length", "{path}: {found}");
        assert!(found["generation_time"].as_i64().is_some_and(|took| took >= 0), "{path}: {found}");
        buyer.get(&format!("/api/v1/receipts/{id}")).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_in_dollars_limits_a_key() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let made = buyer.make_key(json!({ "name": "theirs", "limit": 2.5, "limit_reset": "monthly" })).await;
    assert_eq!((nanos(&made["limit_nanos"]), &made["data"]["limit"]), (2_500_000_000, &json!(2.5)));
    assert_eq!((&made["data"]["hash"], &made["data"]["disabled"]), (&made["id"], &json!(false)));
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let change = async |change: Value| {
        Answer::to(market.request(reqwest::Method::PATCH, &path).bearer_auth(&buyer.token).json(&change))
            .await
    };
    let changed = change(json!({ "limit": 1e-05 })).await.expect(200).json();
    assert_eq!(
        (nanos(&changed["limit_nanos"]), &changed["data"]["limit_remaining"]),
        (10_000, &json!(1e-05))
    );
    assert_eq!(change(json!({ "name": "other" })).await.expect(200).json()["limit_nanos"], "10000");
    assert_eq!(
        change(json!({ "limit": null, "limit_reset": null })).await.expect(200).json()["data"]["limit"],
        Value::Null
    );
    for refused in [
        json!({ "name": "k", "limit": "much" }),
        json!({ "name": "k", "limit": -1 }),
        json!({ "name": "k", "limit": 1, "limit_nanos": "1" }),
    ] {
        buyer.post("/api/v1/keys", &refused).await.expect(400);
    }
    for disabled in [true, false] {
        let told = change(json!({ "disabled": disabled })).await.expect(200).json();
        assert_eq!(told["data"]["disabled"], disabled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_managed_under_both_bases() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let manager = buyer.make_key(json!({ "name": "manager", "scopes": ["management"] })).await;
    let manager = manager["key"].as_str().unwrap();
    let made = market.post("/v1/keys").bearer_auth(manager).json(&json!({ "name": "child" }));
    let made = Answer::to(made).await.expect(201).json();
    let list = Answer::to(market.get("/v1/keys").bearer_auth(manager)).await.expect(200).json();
    assert!(list["data"].as_array().unwrap().iter().any(|key| key["hash"] == made["id"]), "{list}");
    let unknown = "/keys/01a216ca-9340-7040-9751-8ace06a76c7d";
    let theirs = Answer::to(market.get(&format!("/v1{unknown}")).bearer_auth(manager)).await.expect(404);
    assert_eq!(theirs.json()["error"]["metadata"]["error_type"], "not_found");
    let ours = Answer::to(market.get(&format!("/api/v1{unknown}")).bearer_auth(manager)).await.expect(404);
    assert_eq!(ours.header("content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_is_kept_however_its_number_is_written() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking(json!({})).to_string();
    for (written, hold_max) in [("5e-05", 50_000), ("0.30000000000000004", 300_000_000)] {
        let body = body.replacen('{', &format!("{{\"max_cost\":{written},"), 1);
        let asked = market.post("/v1/chat/completions").bearer_auth(&buyer.key);
        let answer =
            Answer::to(asked.header("content-type", "application/json").body(body)).await.expect(200);
        let hold = nanos(&answer.json()["usage"]["cost_details"]["hold_nanos"]);
        assert!(hold <= hold_max, "{written} held {hold}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suffixes_of_other_markets_lead_to_the_model() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for suffix in ["floor", "cheapest", "nitro", "fastest"] {
        let body = asking(json!({ "model": format!("{MODEL}:{suffix}") }));
        let answer = Answer::to(buyer.chat(&body)).await.expect(200);
        assert_eq!(answer.json()["model"], MODEL, "{suffix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_name_their_abilities_in_both_words() {
    let market = Market::open().await;
    let model = Answer::to(market.get(&format!("/v1/models/{MODEL}"))).await.expect(200).json();
    let told = model["supported_parameters"].as_array().unwrap();
    for word in
        ["tools", "tool_choice", "structured_output", "structured_outputs", "response_format", "reasoning"]
    {
        assert!(told.contains(&json!(word)), "{word} is not among {told:?}");
    }
    let found =
        Answer::to(market.get("/v1/models?supported_parameters=structured_outputs,tool_choice")).await;
    assert!(found.expect(200).json()["total"].as_u64().unwrap() > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_refused_in_the_readers_shape() {
    let market = Market::open().await;
    let theirs = Answer::to(market.get("/v1/chat/completions")).await.expect(405);
    assert_eq!(
        (&theirs.json()["error"]["code"], theirs.header("allow")),
        (&json!("method_not_allowed"), "POST")
    );
    let anthropic = Answer::to(market.get("/v1/messages")).await.expect(405);
    assert_eq!(anthropic.json()["type"], "error");
    let ours = Answer::to(market.delete("/api/v1/balance")).await.expect(405);
    assert_eq!((&ours.json()["status"], ours.header("x-should-retry")), (&json!(405), "false"));
}
