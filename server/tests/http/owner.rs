//! What owners see and change themselves: sign-ins, the terms of a key, conversations, and credits as programs ask.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, PASSWORD};

async fn patch(buyer: &Buyer<'_>, market: &Market, path: &str, body: &Value) -> Answer {
    Answer::to(market.request(Method::PATCH, path).bearer_auth(&buyer.token).json(body)).await
}

fn question() -> Value {
    json!({ "model": "openai/gpt-5-mini", "messages": [{ "role": "user", "content": "Name three harbours." }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_elsewhere_is_listed_and_ended_at_once() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let login = json!({ "email": buyer.email, "password": PASSWORD });
    let other = Answer::to(market.post("/api/v1/auth/login").json(&login)).await.expect(200).json();
    let other = other["token"].as_str().unwrap();
    let list = buyer.get("/api/v1/auth/sessions").await.expect(200).json();
    let list = list["data"].as_array().unwrap();
    assert_eq!(list.len(), 2, "{list:?}");
    let elsewhere = list.iter().find(|one| one["is_this_one"] == false).unwrap()["id"].as_str().unwrap();
    let stranger = market.buyer().await;
    stranger.delete(&format!("/api/v1/auth/sessions/{elsewhere}")).await.expect(404);
    Answer::to(market.get("/api/v1/auth/me").bearer_auth(other)).await.expect(200);
    buyer.delete(&format!("/api/v1/auth/sessions/{elsewhere}")).await.expect(204);
    Answer::to(market.get("/api/v1/auth/me").bearer_auth(other)).await.expect(401);
    buyer.get("/api/v1/auth/me").await.expect(200);
    Answer::to(market.get("/api/v1/auth/sessions").bearer_auth(&buyer.key)).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_changes_in_what_is_named_and_stays_as_it_is_in_the_rest() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let made = buyer
        .make_key(json!({ "name": "laptop", "limit_nanos": "5000000000", "limit_reset": "month" }))
        .await;
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let changed = patch(&buyer, &market, &path, &json!({ "name": "desk" })).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["limit_nanos"]), (&json!("desk"), &json!("5000000000")));
    assert_eq!(changed["limit_reset"], "month");
    let key = made["key"].as_str().unwrap();
    Answer::to(market.post("/v1/chat/completions").bearer_auth(key).json(&question())).await.expect(200);
    let below = patch(&buyer, &market, &path, &json!({ "limit_nanos": "1" })).await.expect(409).json();
    assert_eq!(below["field"], "limit_nanos");
    let free = patch(&buyer, &market, &path, &json!({ "limit_nanos": null })).await.expect(200).json();
    assert_eq!((&free["limit_nanos"], &free["limit_reset"]), (&Value::Null, &Value::Null));
    for wrong in [json!({ "name": "" }), json!({ "limit_nanos": "0" }), json!({ "limit_reset": "year" })] {
        patch(&buyer, &market, &path, &wrong).await.expect(400);
    }
    let stranger = market.buyer().await;
    patch(&stranger, &market, &path, &json!({ "name": "mine" })).await.expect(404);
    buyer.delete(&path).await.expect(204);
    patch(&buyer, &market, &path, &json!({ "name": "back" })).await.expect(404);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_its_key_its_credits_and_its_generation() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let answer = Answer::to(buyer.chat(&question())).await.expect(200);
    let call = answer.header("x-generation-id").to_owned();
    let cost = answer.json()["usage"]["cost"].clone();
    for base in ["/v1", "/api/v1"] {
        let get = |path: &str| market.get(&format!("{base}/{path}")).bearer_auth(&buyer.key);
        let key = Answer::to(get("key")).await.expect(200).json()["data"].clone();
        assert_eq!((&key["usage"], &key["usage_monthly"], &key["limit"]), (&cost, &cost, &Value::Null));
        let credits = Answer::to(get("credits")).await.expect(200).json()["data"].clone();
        assert_eq!((&credits["total_credits"], &credits["total_usage"]), (&json!(10), &cost));
        let generation =
            Answer::to(get(&format!("generation?id={call}"))).await.expect(200).json()["data"].clone();
        assert_eq!((&generation["total_cost"], &generation["model"]), (&cost, &json!("openai/gpt-5-mini")));
        assert_eq!(generation["receipt"]["id"], call.as_str());
        let unknown = Answer::to(get("generation?id=00000000-0000-0000-0000-000000000000")).await.expect(404);
        assert_eq!(unknown.json()["error"]["code"], "not_found");
        Answer::to(market.get(&format!("{base}/key"))).await.expect(401);
    }
    let stranger = market.buyer().await;
    let other = market.get(&format!("/v1/generation?id={call}")).bearer_auth(&stranger.key);
    Answer::to(other).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_renamed_and_forgotten_while_its_receipts_stay() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let form = "model=openai%2Fgpt-5-mini&text=Name+three+harbours.&conversation=";
    let said = market.post("/_fn/send_message").header("cookie", buyer.cookie());
    let said = said.header("content-type", "application/x-www-form-urlencoded").body(form);
    assert!(Answer::to(said).await.header("location").starts_with("/chat/"));
    let list = buyer.get("/api/v1/conversations").await.expect(200).json();
    let path = format!("/api/v1/conversations/{}", list["data"][0]["id"].as_str().unwrap());
    let there = buyer.get(&path).await.expect(200).json();
    let call = there["turns"][1]["call_id"].as_str().unwrap().to_owned();
    patch(&buyer, &market, &path, &json!({ "title": "Harbours" })).await.expect(200);
    patch(&buyer, &market, &path, &json!({ "title": " " })).await.expect(400);
    let list = buyer.get("/api/v1/conversations").await.expect(200).json();
    assert_eq!(list["data"][0]["title"], "Harbours");
    let stranger = market.buyer().await;
    patch(&stranger, &market, &path, &json!({ "title": "Mine" })).await.expect(404);
    stranger.delete(&path).await.expect(404);
    buyer.delete(&path).await.expect(204);
    buyer.get(&path).await.expect(404);
    assert_eq!(market.count("select count(*) from message").await, 0);
    buyer.receipt(&call).await;
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_and_a_conversation_may_spend_is_set_by_their_owner() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let put = async |path: &str, limit: Value| {
        let body = json!({ "limit_nanos": limit });
        let request =
            market.request(Method::PUT, &format!("/api/v1/limits/{path}")).bearer_auth(&buyer.token);
        Answer::to(request.json(&body)).await
    };
    assert_eq!(put("account", json!("1000")).await.expect(200).json()["limit_nanos"], "1000");
    let refused = Answer::to(buyer.chat(&question())).await.expect(402);
    assert!(refused.text.contains("your spending limit"), "{}", refused.text);
    put("account", json!("1000000000")).await.expect(200);
    Answer::to(buyer.chat(&question())).await.expect(200);
    put("account", json!("1")).await.expect(409);
    put("account", json!("0")).await.expect(400);
    put("account", Value::Null).await.expect(200);
    let form = "model=openai%2Fgpt-5-mini&text=Name+three+harbours.&conversation=";
    let said = market.post("/_fn/send_message").header("cookie", buyer.cookie());
    let said = said.header("content-type", "application/x-www-form-urlencoded").body(form);
    let place = Answer::to(said).await.header("location").to_owned();
    let conversation = place.trim_start_matches("/chat/");
    put(&format!("conversations/{conversation}"), json!("1000")).await.expect(200);
    let form = format!("{form}{conversation}");
    let more = market.post("/_fn/send_message").header("cookie", buyer.cookie());
    Answer::to(more.header("content-type", "application/x-www-form-urlencoded").body(form)).await;
    assert_eq!(market.count("select count(*) from hold where conversation_id is not null").await, 1);
    put("conversations/00000000-0000-0000-0000-000000000000", json!("1000")).await.expect(404);
    let by_key = market.request(Method::PUT, "/api/v1/limits/account").bearer_auth(&buyer.key);
    Answer::to(by_key.json(&json!({ "limit_nanos": null }))).await.expect(403);
    market.assert_books_balance().await;
}
