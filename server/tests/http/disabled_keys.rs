//! Keys that are disabled for a while: refused in the words of each family, by everybody, until they are enabled again.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use server::simulator::Pace;

use crate::support::{Answer, Buyer, Connection, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";

fn asking() -> Value {
    json!({ "model": MODEL, "max_tokens": 64, "messages": [{ "role": "user", "content": "Name three harbours." }] })
}

/// The id of a new key, and its secret.
async fn key(buyer: &Buyer<'_>, terms: Value) -> (String, String) {
    let made = buyer.make_key(terms).await;
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

async fn change(market: &Market, by: &str, id: &str, change: Value) -> Answer {
    let request = market.request(Method::PATCH, &format!("/api/v1/keys/{id}"));
    Answer::to(request.bearer_auth(by).json(&change)).await
}

async fn recorded(market: &Market, id: &str) -> Vec<String> {
    let actions = "select action from audit_event where subject = 'key:' || $1 order by at";
    sqlx::query_scalar(actions).bind(id).fetch_all(&market.db).await.unwrap()
}

/// It is refused, and says what it is and who changes that, and how.
fn assert_says_disabled(refused: &Answer, message: &Value, id: &str) {
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(refused.header("x-should-retry"), "false");
    let message = message.as_str().unwrap_or_default();
    for said in
        ["is disabled", "Its owner", "/keys", &format!("PATCH /api/v1/keys/{id}"), r#"{"disabled": false}"#]
    {
        assert!(message.contains(said), "{said} is missing in {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_in_the_words_of_each_family_until_it_is_enabled() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (id, secret) = key(&buyer, json!({ "name": "notebook" })).await;
    let by_key = |request: RequestBuilder| Answer::to(request.bearer_auth(&secret));
    let chat = || by_key(market.post("/v1/chat/completions").json(&asking()));
    let messages = || by_key(market.post("/v1/messages").json(&asking()));
    let spent = chat().await.expect(200).json()["usage"]["cost_details"]["charge_nanos"].clone();
    let told = change(&market, &buyer.token, &id, json!({ "disabled": true })).await.expect(200).json();
    assert_eq!((&told["disabled"], &told["data"]["disabled"]), (&json!(true), &json!(true)));
    assert_eq!(told["revoked"], false);

    let asked = market.truths().await.len();
    let refused = chat().await;
    let error = refused.json()["error"].clone();
    assert_says_disabled(&refused, &error["message"], &id);
    assert_eq!((&error["type"], &error["code"]), (&json!("authentication_error"), &json!("key_disabled")));
    assert_eq!(error["metadata"]["error_type"], "key_disabled");
    let refused = messages().await;
    let body = refused.json();
    assert_says_disabled(&refused, &body["error"]["message"], &id);
    assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!("authentication_error")));
    assert_eq!(body["error"]["details"]["error_code"], "key_disabled");
    let refused = by_key(market.get("/api/v1/balance")).await;
    let problem = refused.json();
    assert_says_disabled(&refused, &problem["detail"], &id);
    assert_eq!((&problem["code"], &problem["status"]), (&json!("key_disabled"), &json!(401)));
    by_key(market.get("/v1/key")).await.expect(401);
    assert_eq!(market.truths().await.len(), asked, "a vendor was asked");

    let told = change(&market, &buyer.token, &id, json!({ "disabled": false })).await.expect(200).json();
    assert_eq!((&told["disabled"], &told["spent_nanos"]), (&json!(false), &spent));
    chat().await.expect(200);
    messages().await.expect(200);
    assert_eq!(recorded(&market, &id).await, ["key.mint", "key.disable", "key.enable"]);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_terms_stay_as_they_are_and_change_while_it_is_disabled() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let terms = json!({ "name": "notebook", "limit": 2.5, "limit_reset": "daily", "models": ["openai/*"], "disabled": true });
    let (id, secret) = key(&buyer, terms).await;
    let is_let_in = async || Answer::to(market.get("/v1/key").bearer_auth(&secret)).await.status == 200;
    assert!(!is_let_in().await, "it was made disabled");
    let mut before = buyer.get(&format!("/api/v1/keys/{id}")).await.expect(200).json();
    let renamed = change(&market, &buyer.token, &id, json!({ "name": "laptop" })).await.expect(200).json();
    assert_eq!((&renamed["name"], &renamed["disabled"]), (&json!("laptop"), &json!(true)));
    buyer.post(&format!("/api/v1/keys/{id}/rotate"), &json!({ "overlap_seconds": 600 })).await.expect(200);
    assert!(!is_let_in().await);
    let both = json!({ "disabled": false, "name": "notebook" });
    let mut after = change(&market, &buyer.token, &id, both).await.expect(200).json();
    assert!(is_let_in().await);
    for told in [&mut before, &mut after] {
        let told = told.as_object_mut().unwrap();
        // Another secret has another prefix.
        for other in ["data", "disabled", "prefix", "label", "old_secret_until", "last_used_at"] {
            told.remove(other);
        }
    }
    assert_eq!(after, before);
    // Said once more, it is no other turn.
    change(&market, &buyer.token, &id, json!({ "disabled": false })).await.expect(200);
    let actions = ["key.mint", "key.change", "key.rotate", "key.enable", "key.change", "key.change"];
    assert_eq!(recorded(&market, &id).await, actions);
    change(&market, &buyer.token, &id, json!({ "disabled": "yes" })).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_can_be_disabled_and_what_is_revoked_cannot_be_enabled() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let (id, secret) = key(&buyer, json!({ "name": "notebook" })).await;
    sqlx::query("update api_key set expires_at = now() where api_key_id = $1::uuid")
        .bind(&id)
        .execute(&market.db)
        .await
        .unwrap();
    let told = change(&market, &buyer.token, &id, json!({ "disabled": true })).await.expect(200).json();
    assert_eq!(told["disabled"], true);
    let refused = Answer::to(market.get("/v1/key").bearer_auth(&secret)).await.expect(401).json();
    assert_eq!(refused["error"]["code"], "invalid_api_key", "what is over does not come back by enabling it");
    buyer.delete(&format!("/api/v1/keys/{id}")).await.expect(204);
    change(&market, &buyer.token, &id, json!({ "disabled": false })).await.expect(404);
    let told = buyer.get(&format!("/api/v1/keys/{id}")).await.expect(200).json();
    assert_eq!((&told["revoked"], &told["disabled"]), (&json!(true), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_manages_disables_others_and_is_disabled_by_people() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (manager_id, manager) = key(&buyer, json!({ "name": "manager", "scopes": ["management"] })).await;
    let (id, secret) = key(&buyer, json!({ "name": "notebook" })).await;
    let (off, on) = (json!({ "disabled": true }), json!({ "disabled": false }));
    let told = change(&market, &manager, &id, off.clone()).await.expect(200).json();
    assert_eq!((&told["hash"], &told["data"]["disabled"]), (&json!(id), &json!(true)));
    let chat = || Answer::to(market.post("/v1/chat/completions").bearer_auth(&secret).json(&asking()));
    chat().await.expect(401);
    // What runs models does not let itself in again, nor anybody else.
    change(&market, &secret, &id, on.clone()).await.expect(401);
    change(&market, &buyer.key, &id, on.clone()).await.expect(403);
    change(&market, &manager, &id, on.clone()).await.expect(200);
    chat().await.expect(200);
    change(&market, &manager, &manager_id, off.clone()).await.expect(403);
    change(&market, &buyer.token, &manager_id, off.clone()).await.expect(200);
    change(&market, &manager, &id, off).await.expect(401);
    change(&market, &buyer.token, &manager_id, on).await.expect(200);
    Answer::to(market.get("/v1/keys").bearer_auth(&manager)).await.expect(200);
}

/// What began is heard to its end and paid; nothing begins after it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_begun_is_finished_and_paid() {
    let market = Market::open_with(Pace::Realistic).await;
    let mut buyer = market.paying_buyer().await;
    let (id, secret) = key(&buyer, json!({ "name": "notebook" })).await;
    buyer.key = secret;
    let body = json!({ "model": MODEL, "stream": true, "messages": asking()["messages"] });
    let mut connection = Connection::ask(&buyer, &body).await;
    connection.until("\"content\":\"").await;
    change(&market, &buyer.token, &id, json!({ "disabled": true })).await.expect(200);
    Answer::to(buyer.chat(&body)).await.expect(401);
    connection.until("[DONE]").await;
    market.until_no_hold_is_open(Duration::from_secs(10)).await;
    let receipt = buyer.receipt(&connection.call()).await;
    assert_eq!((&receipt["finish"], &receipt["usage_source"]), (&json!("stop"), &json!("provider")));
    assert!(nanos(&receipt["charge_nanos"]) > 0, "{receipt}");
    market.assert_books_balance().await;
}
