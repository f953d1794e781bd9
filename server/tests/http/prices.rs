//! Prices that change while the market is open, that leap, or that are not there.

use engine::{CallEvent, Order, Routing};
use marketplace::chat::{ChatRequest, Delivery, Message, Role};
use marketplace::id::ModelId;
use serde_json::{Map, Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";
/// A tenth dearer than in the catalogue, which nobody need approve.
const STEP: &str = r#"{"input": 275000000, "output": 2200000000, "cached_input": 27500000}"#;
/// Twice as dear.
const LEAP: &str = r#"{"input": 500000000, "output": 4000000000, "cached_input": 50000000}"#;

/// What another server with another catalogue would do at its start.
async fn set_price(market: &Market, terms: &str) {
    sqlx::query("select ledger.set_price(gen_random_uuid(), $1, 'openai', $2::text::jsonb, false)")
        .bind(MODEL)
        .bind(terms)
        .execute(&market.db)
        .await
        .unwrap();
}

async fn in_force(market: &Market) -> String {
    let version = "select price_id::text from price where model_id = $1 and valid_during @> now()";
    sqlx::query_scalar(version).bind(MODEL).fetch_one(&market.db).await.unwrap()
}

async fn chat(buyer: &Buyer<'_>) -> Answer {
    let body = json!({
        "model": MODEL, "max_tokens": 100, "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    Answer::to(buyer.chat(&body)).await
}

async fn input_price(market: &Market) -> Value {
    let model = Answer::to(market.get(&format!("/v1/models/{MODEL}"))).await.expect(200).json();
    model["provider_price"]["input"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_edited_in_mid_call_settles_on_the_old_one_and_sells_at_the_new() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let old = in_force(&market).await;
    let actor = market.engine.recognise_key(&buyer.key).await.unwrap();
    let request = ChatRequest {
        model: ModelId::parse(MODEL).unwrap(),
        messages: vec![Message::text(Role::User, "Tell me a story. [[simulate: many]]".to_owned())],
        max_output_tokens: None,
        stream: Delivery::Streamed,
        options: Map::new(),
    };
    let order =
        Order { request, conversation: None, cap: None, run: None, id: None, routing: Routing::default() };
    let mut call = market.engine.chat(&actor, order).await.unwrap();
    let id = call.id.to_string();
    call.next().await.unwrap();
    set_price(&market, STEP).await;
    while let Some(event) = call.next().await {
        assert!(!matches!(event, CallEvent::Failed { .. }), "{event:?}");
    }
    let receipt = buyer.receipt(&id).await;
    assert_eq!(receipt["price_version"], old);
    let bill = Prices::of(MODEL).bill(&Used::on_receipt(&receipt), 3_000);
    assert_eq!(nanos(&receipt["charge_nanos"]), bill.charge, "{receipt}");
    // A server that has not seen it yet says that the price has changed, and has it for the next to ask.
    let mut next = chat(&buyer).await;
    if next.status == 503 {
        assert_eq!(next.header("retry-after"), "1");
        next = chat(&buyer).await;
    }
    let next = next.expect(200).header("x-generation-id").to_owned();
    let new = in_force(&market).await;
    assert_ne!(new, old);
    assert_eq!(buyer.receipt(&next).await["price_version"], new);
    assert_eq!(input_price(&market).await, 275_000_000);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leap_waits_for_an_operator_and_is_sold_at_once_when_approved() {
    let market = Market::open().await;
    let (admin, buyer) = (market.operator().await, market.paying_buyer().await);
    let old = in_force(&market).await;
    set_price(&market, LEAP).await;
    let call = chat(&buyer).await.expect(200).header("x-generation-id").to_owned();
    assert_eq!(buyer.receipt(&call).await["price_version"], old);
    let waiting = admin.get("prices/waiting").await.expect(200).json()["data"].clone();
    assert_eq!((&waiting[0]["model"], &waiting[0]["after"]["input"]), (&json!(MODEL), &json!(500_000_000)));
    let id = waiting[0]["id"].as_str().unwrap();
    let approve = format!("prices/{id}/approve");
    buyer.post(&format!("/api/v1/admin/{approve}"), &json!({})).await.expect(403);
    buyer.get("/api/v1/admin/prices/waiting").await.expect(403);
    admin.post("prices/01890000-0000-7000-8000-000000000000/approve", &json!({})).await.expect(404);
    admin.post("prices/nonsense/approve", &json!({})).await.expect(400);
    assert_eq!(admin.post(&approve, &json!({})).await.expect(200).json()["state"], "approved");
    admin.post(&approve, &json!({})).await.expect(409);
    assert_eq!(in_force(&market).await, id);
    assert_eq!(input_price(&market).await, 500_000_000);
    let call = chat(&buyer).await.expect(200).header("x-generation-id").to_owned();
    assert_eq!(buyer.receipt(&call).await["price_version"], id);
    assert_eq!(market.count("select count(*) from audit_event where action = 'price.approve'").await, 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_catalogue_leaps_starts_at_the_old_price_and_its_operator_decides() {
    let market = Market::open().await;
    // As if an earlier catalogue had said so and it was approved then.
    set_price(&market, LEAP).await;
    let approve =
        "select ledger.decide_price(price_id, 'approve', 'test') from price_change where state = 'waiting'";
    sqlx::query(approve).execute(&market.db).await.unwrap();
    let none = market.mercato(&["prices", "list-waiting"]).await;
    // Its own catalogue asks for the half at its start.
    assert!(none.worked && none.text.contains(MODEL), "{none:?}");
    let id = none.text.split(' ').next().unwrap().to_owned();
    let terms = "select (terms ->> 'input')::bigint from price where model_id = 'openai/gpt-5-mini' and upper_inf(valid_during)";
    assert_eq!(market.count(terms).await, 500_000_000);
    let wrong = market.mercato(&["prices", "approve", "nonsense"]).await;
    assert!(!wrong.worked && wrong.text.contains("nonsense"), "{wrong:?}");
    let approved = market.mercato(&["prices", "approve", &id]).await;
    assert!(approved.worked && approved.text.contains("in force"), "{approved:?}");
    assert_eq!(market.count(terms).await, 250_000_000);
    let again = market.mercato(&["prices", "reject", &id]).await;
    assert!(!again.worked && again.text.contains("decided"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_price_in_force_is_neither_for_sale_nor_called() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let before = unpriced(&market).await;
    market.run("update price set valid_during = tstzrange(lower(valid_during), now()) where model_id = 'openai/gpt-5-mini'").await;
    chat(&buyer).await.expect(503);
    let refused = chat(&buyer).await.expect(404).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("No price"), "{refused}");
    let listed = Answer::to(market.get(&format!("/v1/models/{MODEL}"))).await.expect(200).json();
    assert_eq!((&listed["available"], &listed["pricing"]), (&json!(false), &Value::Null), "{listed}");
    let open = Answer::to(market.get("/v1/models?sale=open&q=gpt-5-mini")).await.expect(200).json();
    let found = open["data"].as_array().unwrap().iter().any(|model| model["id"] == MODEL);
    assert!(!found, "it is among what is for sale: {open}");
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert_eq!(unpriced(&market).await, before + 1);
}

/// How many listed models want a price, as a watcher reads it.
async fn unpriced(market: &Market) -> u64 {
    let metrics = Answer::to(market.get("/metrics")).await.expect(200).text;
    let figure = metrics.lines().find_map(|line| line.strip_prefix("mercato_models_unpriced "));
    figure.unwrap().parse().unwrap()
}
