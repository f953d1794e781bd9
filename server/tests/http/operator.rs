//! What operators change, what buyers may spend at most, and books that do not add up.

use engine::Actor;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, PASSWORD, nanos};

/// An operator's session.
async fn operator(market: &Market, email: &str) -> String {
    market.engine.create_admin(&Actor::Operator, email, PASSWORD).await.unwrap();
    let who = json!({ "email": email, "password": PASSWORD });
    let answer = Answer::to(market.post("/api/v1/auth/login").json(&who)).await.expect(200);
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn send(market: &Market, token: &str, path: &str, body: &Value) -> Answer {
    Answer::to(market.post(&format!("/api/v1/admin/{path}")).bearer_auth(token).json(body)).await
}

async fn id_of(buyer: &Buyer<'_>) -> String {
    let me = buyer.get("/api/v1/auth/me").await.expect(200).json();
    me["user"]["id"].as_str().or(me["id"].as_str()).unwrap().to_owned()
}

fn question(extra: Value) -> Value {
    let mut body = json!({
        "model": "openai/gpt-5-mini", "max_tokens": 200, "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_adjustment_waits_for_a_second_operator() {
    let market = Market::open().await;
    let (one, two) = (operator(&market, "one@example.org").await, operator(&market, "two@example.org").await);
    let buyer = market.buyer().await;
    let path = format!("users/{}/adjustments", id_of(&buyer).await);
    let large = json!({ "amount_usd": "500.01", "reason": "an outage" });
    send(&market, &buyer.token, &path, &large).await.expect(403);
    send(&market, &one, &path, &json!({ "amount_usd": "5", "reason": "" })).await.expect(400);
    let waiting = send(&market, &one, &path, &large).await.expect(202).json();
    assert_eq!(buyer.available().await, 0);
    let approve = format!("adjustments/{}/approve", waiting["id"].as_str().unwrap());
    send(&market, &one, &approve, &json!({})).await.expect(409);
    assert_eq!(send(&market, &two, &approve, &json!({})).await.expect(200).json()["state"], "posted");
    send(&market, &two, &approve, &json!({})).await.expect(409);
    assert_eq!(buyer.available().await, 500_010_000_000);
    send(&market, &one, &path, &json!({ "amount_usd": "-0.01", "reason": "rounding" })).await.expect(201);
    assert_eq!(buyer.available().await, 500_000_000_000);
    let audited = market
        .count("select count(*) from audit_event where action like 'balance.%' and actor like 'account:%'");
    assert_eq!(audited.await, 3);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_is_spent_before_the_buyers_own_money() {
    let market = Market::open().await;
    let admin = operator(&market, "one@example.org").await;
    let buyer = market.paying_buyer().await;
    let path = format!("users/{}/grants", id_of(&buyer).await);
    let past = json!({ "amount_usd": "1", "expires_at": "2020-01-01T00:00:00Z", "reason": "welcome" });
    send(&market, &admin, &path, &past).await.expect(400);
    let gift = json!({ "amount_usd": "1", "expires_at": "2999-01-01T00:00:00Z", "reason": "welcome" });
    send(&market, &admin, &path, &gift).await.expect(201);
    assert_eq!(buyer.available().await, 11_000_000_000);
    let call =
        Answer::to(buyer.chat(&question(json!({})))).await.expect(200).header("x-generation-id").to_owned();
    let charge = nanos(&buyer.receipt(&call).await["charge_nanos"]);
    assert!(charge > 0);
    assert_eq!(market.debits(&call).await, Vec::<i64>::new(), "the buyer's own money was touched");
    assert_eq!(buyer.available().await, 11_000_000_000 - charge);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_address_chats_on_free_tokens_and_is_charged_nothing() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    Answer::to(buyer.chat(&question(json!({})))).await.expect(402);
    market.run("update account set verified_at = now()").await;
    assert_eq!(buyer.balance().await["free_tokens_left"], 1_000);
    let call =
        Answer::to(buyer.chat(&question(json!({})))).await.expect(200).header("x-generation-id").to_owned();
    let receipt = buyer.receipt(&call).await;
    let used = receipt["free_tokens"].as_i64().unwrap();
    assert_eq!((nanos(&receipt["charge_nanos"]), nanos(&receipt["commission_nanos"])), (0, 0));
    assert!(used > 0 && nanos(&receipt["provider_cost_nanos"]) > 0, "{receipt}");
    assert_eq!(buyer.balance().await["free_tokens_left"], 1_000 - used);
    let owed = "select sum(amount)::bigint from ledger_entry where account in ('platform:promo_expense', 'provider:openai:payable')";
    assert_eq!(market.count(owed).await, 0);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_at_its_cap_and_says_so() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let within = |cap: &str| question(json!({ "run_id": "nightly", "max_run_cost": cap }));
    Answer::to(buyer.chat(&question(json!({ "max_run_cost": 1 })))).await.expect(400);
    Answer::to(buyer.chat(&question(json!({ "run_id": "" })))).await.expect(400);
    Answer::to(buyer.chat(&within("0.01"))).await.expect(200);
    let refused = Answer::to(buyer.chat(&within("0.000001"))).await.expect(402);
    assert!(refused.text.contains("this run"), "{}", refused.text);
    Answer::to(buyer.chat(&question(json!({})))).await.expect(200);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_paid_at_once_and_ends_with_what_was_paid() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.pay_in("15.00").await;
    let choose = async |plan: &str| {
        let put = market.request(reqwest::Method::PUT, "/api/v1/subscription").bearer_auth(&buyer.token);
        Answer::to(put.json(&json!({ "plan": plan }))).await
    };
    choose("gold").await.expect(404);
    choose("pro").await.expect(402);
    assert_eq!(choose("starter").await.expect(200).json()["state"], "begun");
    assert_eq!(choose("starter").await.expect(200).json()["state"], "running");
    assert_eq!(choose("free").await.expect(200).json()["state"], "ending");
    let balance = buyer.balance().await;
    assert_eq!((nanos(&balance["available_nanos"]), &balance["plan"]), (5_000_000_000, &json!("starter")));
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_do_not_add_up_stop_paid_calls_and_nothing_else() {
    let market = Market::open().await;
    let admin = operator(&market, "one@example.org").await;
    let buyer = market.paying_buyer().await;
    let books = || async { Answer::to(market.get("/api/v1/books")).await.expect(200).json() };
    market.run("update wallet set posted = posted + 1 where fund = 'paid'").await;
    let found = send(&market, &admin, "ledger/verification", &json!({})).await.expect(200).json();
    assert_eq!(found["broken"][0]["invariant"], "I3");
    assert_eq!(books().await["balanced"], false);
    let refused = Answer::to(buyer.chat(&question(json!({})))).await.expect(503);
    assert_eq!(refused.header("retry-after"), "60");
    buyer.pay_in("1.00").await;
    buyer.get("/api/v1/ledger").await.expect(200);
    market.run("update wallet set posted = posted - 1 where fund = 'paid'").await;
    // The payment meanwhile wrote the wrong balance down, which a person must set right as well.
    market
        .run("set session_replication_role = replica; update ledger_entry set balance_after = balance_after - 1
            where wallet_version = 2; update ledger_entry set hash = ledger.link((select hash from ledger_entry
            where wallet_version = 1), tx_id, line, account_id, fund, asset, amount, wallet_version, balance_after)
            where wallet_version = 2; update wallet set chain_head = (select hash from ledger_entry
            where wallet_version = 2) where fund = 'paid' and version = 2; reset session_replication_role")
        .await;
    let found = send(&market, &admin, "ledger/verification", &json!({})).await.expect(200).json();
    assert_eq!(found, json!({ "balanced": true, "broken": [] }));
    assert_eq!(books().await["stopped_since"], Value::Null);
    Answer::to(buyer.chat(&question(json!({})))).await.expect(200);
}
