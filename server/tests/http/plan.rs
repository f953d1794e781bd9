//! Plans as the API and the billing page tell them, and what a plan allows.

use reqwest::Method;
use serde_json::{Value, json};

use crate::address::{page, submit};
use crate::support::{Answer, Buyer, Market};

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_read_the_plans() {
    let market = Market::open().await;
    let plans = Answer::to(market.get("/api/v1/plans")).await.expect(200).json();
    let plans = plans["data"].as_array().unwrap();
    let ids: Vec<&str> = plans.iter().map(|plan| plan["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["free", "starter", "pro", "enterprise"]);
    let starter = json!({
        "id": "starter", "name": "Starter", "fee_nanos": "10000000000", "free_tokens": 1000,
        "requests_a_minute": 120, "tokens_a_minute": 1_000_000, "keys_max": 10, "history_days": 365,
    });
    assert_eq!(plans[1], starter);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_beyond_the_plan_is_refused_in_plain_words() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.make_key(json!({ "name": "second" })).await;
    let third = buyer.make_key(json!({ "name": "third" })).await;
    let refused = buyer.post("/api/v1/keys", &json!({ "name": "fourth" })).await.expect(409).json();
    assert!(refused["detail"].as_str().unwrap().contains("The plan Free allows 3 keys"), "{refused}");
    buyer.delete(&format!("/api/v1/keys/{}", third["id"].as_str().unwrap())).await.expect(204);
    buyer.make_key(json!({ "name": "fourth" })).await;
    buyer.pay_in("10.00").await;
    submit(&buyer, "choose_plan", "/billing", "plan=starter").await.expect(302);
    buyer.make_key(json!({ "name": "fifth" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_chosen_by_a_form_that_says_its_fee_before() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let before = page(&buyer, "/billing").await;
    assert!(before.contains("$10.0000 is taken from your balance now"), "{before}");
    let refused = submit(&buyer, "choose_plan", "/billing", "plan=starter").await.expect(302);
    let told = refused.header("location").replace(&market.base, "");
    assert!(page(&buyer, &told).await.contains("does not cover this plan"), "{told}");
    buyer.pay_in("15.00").await;
    let chosen = submit(&buyer, "choose_plan", "/billing", "plan=starter").await.expect(302);
    assert_eq!(chosen.header("location"), "/billing?done=plan");
    assert_eq!(buyer.balance().await["plan"], "starter");
    let after = page(&buyer, "/billing?done=plan").await;
    assert!(after.contains("Your choice of plan is taken") && after.contains("not given back"), "{after}");
    submit(&buyer, "choose_plan", "/billing", "plan=free").await.expect(302);
    assert!(page(&buyer, "/billing").await.contains("Keep Starter"));
    market.assert_books_balance().await;
}

async fn rename(buyer: &Buyer<'_>, change: &Value) -> Answer {
    let request = buyer.market.request(Method::PATCH, "/api/v1/auth/me").bearer_auth(&buyer.token);
    Answer::to(request.json(change)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_changes_their_name_and_nothing_else() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let greedy = json!({ "name": " Ada ", "role": "admin", "plan": "pro", "email_verified": true });
    rename(&buyer, &greedy).await.expect(200);
    let me = buyer.get("/api/v1/auth/me").await.expect(200).json();
    let seen = (&me["name"], &me["role"], &me["plan"], &me["email_verified"]);
    assert_eq!(seen, (&json!("Ada"), &json!("user"), &json!("free"), &json!(false)));
    rename(&buyer, &json!({})).await.expect(200);
    rename(&buyer, &json!({ "name": "a".repeat(101) })).await.expect(400);
    assert_eq!(buyer.get("/api/v1/auth/me").await.json()["name"], "Ada");
    rename(&buyer, &json!({ "name": "" })).await.expect(200);
    assert_eq!(buyer.get("/api/v1/auth/me").await.json()["name"], Value::Null);
    let by_key = market.request(Method::PATCH, "/api/v1/auth/me").bearer_auth(&buyer.key);
    Answer::to(by_key.json(&json!({ "name": "Eve" }))).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_is_shown_with_the_day_it_ends() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let me = buyer.get("/api/v1/auth/me").await.expect(200).json();
    let give = "select ledger.give_promo(gen_random_uuid(), $1::uuid, 2500000000, '2999-01-02T00:00:00Z', 'a welcome', 'test')";
    sqlx::query(give).bind(me["id"].as_str().unwrap()).execute(&market.db).await.unwrap();
    assert_eq!(buyer.balance().await["promo_nanos"], "2500000000");
    let seen = page(&buyer, "/billing").await;
    for wanted in ["Given by the house", "a welcome", "2999-01-02", "$2.5000"] {
        assert!(seen.contains(wanted), "{wanted} is missing");
    }
}
