//! API keys: made once, shown once, gone at once.

use serde_json::json;

use crate::support::{Answer, Market};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_never_again() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let made = buyer.make_key(json!({ "name": "laptop", "limit_nanos": "5000000000" })).await;
    let secret = made["key"].as_str().unwrap();
    assert_eq!((secret.len(), made["limit_nanos"].as_str()), (57, Some("5000000000")));
    let list = buyer.get("/api/v1/keys").await.expect(200);
    assert!(list.text.contains("laptop"), "{}", list.text);
    assert!(!list.text.contains(secret) && !list.text.contains(&secret[12..]), "{}", list.text);
    let readable =
        "select count(*) from api_key where digest = convert_to($1, 'UTF8') or prefix = $1 or name = $1";
    let kept: i64 = sqlx::query_scalar(readable).bind(secret).fetch_one(&market.db).await.unwrap();
    assert_eq!(kept, 0, "the database can give the key away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_the_compatible_routes_in_either_header() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    Answer::to(market.get("/v1/models").bearer_auth(&buyer.key)).await.expect(200);
    Answer::to(market.get("/v1/models").header("x-api-key", &buyer.key)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_at_once() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let made = buyer.make_key(json!({ "name": "lost" })).await;
    let request = || {
        let body = json!({ "model": "openai/gpt-5-mini", "messages": [{ "role": "user", "content": "Hi" }] });
        market.post("/v1/chat/completions").bearer_auth(made["key"].as_str().unwrap()).json(&body)
    };
    Answer::to(request()).await.expect(200);
    buyer.delete(&format!("/api/v1/keys/{}", made["id"].as_str().unwrap())).await.expect(204);
    let refused = Answer::to(request()).await.expect(401);
    assert_eq!(refused.json()["error"]["code"], "invalid_api_key");
    let list = buyer.get("/api/v1/keys").await.expect(200).json();
    let shown = list["data"].as_array().unwrap().iter().find(|key| key["id"] == made["id"]).unwrap();
    assert_eq!(shown["revoked"], true);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_is_refused() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    sqlx::query("update api_key set expires_at = now() - interval '1 second'")
        .execute(&market.db)
        .await
        .unwrap();
    Answer::to(market.get("/v1/models").bearer_auth(&buyer.key)).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_no_key() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let mistyped = format!("{}0", &buyer.key[..buyer.key.len() - 1]);
    let other = format!("{}1", &buyer.key[..buyer.key.len() - 1]);
    let zeros = format!("mk_live_{}", "0".repeat(49));
    let long = format!("mk_live_{}", "a".repeat(5_000));
    let guesses = [&mistyped, &other, &zeros, &long, "mk_live_", "sk-123", "' or 1=1 --", "e30.e30.e30"];
    for guess in guesses.into_iter().filter(|guess| *guess != buyer.key) {
        let refused = Answer::to(market.get("/v1/models").bearer_auth(guess)).await.expect(401);
        assert_eq!(refused.json()["error"]["type"], "authentication_error", "{guess}");
        Answer::to(market.get("/api/v1/balance").bearer_auth(guess)).await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_cannot_make_list_or_revoke_keys() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let by_key = |request: reqwest::RequestBuilder| request.bearer_auth(&buyer.key);
    let new = json!({ "name": "child" });
    Answer::to(by_key(market.post("/api/v1/keys")).json(&new)).await.expect(403);
    Answer::to(by_key(market.get("/api/v1/keys"))).await.expect(403);
    Answer::to(by_key(market.delete("/api/v1/keys/00000000-0000-0000-0000-000000000000"))).await.expect(403);
    assert_eq!(market.count("select count(*) from api_key").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_must_be_an_amount_and_a_name_must_be_one() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for wrong in [
        json!({ "name": "" }),
        json!({ "name": " " }),
        json!({ "name": "a".repeat(81) }),
        json!({ "name": "a", "limit_nanos": "-1" }),
        json!({ "name": "a", "limit_nanos": "0" }),
        json!({ "name": "a", "limit_nanos": "1.5" }),
        json!({ "name": "a", "limit_nanos": 5 }),
        json!({ "name": "a", "limit_nanos": "99999999999999999999" }),
        json!({ "name": "a", "expires_at": "2020-01-01T00:00:00Z" }),
    ] {
        buyer.post("/api/v1/keys", &wrong).await.expect(400);
    }
}
