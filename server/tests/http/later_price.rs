//! Prices that are known before they begin: told beside the one in force, and in force at their moment by themselves.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";
/// A machine may be slow, but not so slow.
const AT_MOST: Duration = Duration::from_secs(30);
/// What another server would do whose catalogue has the same price and a tenth dearer one from a moment on.
const WISHES: &str = "select ledger.set_prices(model_id, provider, jsonb_build_array(
        jsonb_build_object('place', 0, 'price_id', gen_random_uuid(), 'terms', terms, 'free', false),
        jsonb_build_object('place', 1, 'price_id', gen_random_uuid(), 'free', false, 'from', clock_timestamp() + WHEN,
            'terms', terms || jsonb_build_object('output', (terms ->> 'output')::bigint * 11 / 10))
    )) from price where model_id = 'openai/gpt-5-mini' and valid_during @> now()";

async fn plan(market: &Market, when: &str) {
    let wishes = WISHES.replace("WHEN", &format!("interval '{when}'"));
    sqlx::query(sqlx::AssertSqlSafe(wishes)).execute(&market.db).await.unwrap();
}

async fn page(market: &Market) -> String {
    let path = format!("/models/{MODEL}?words_in=1000&words_out=1000&calls=1");
    Answer::to(market.get(&path)).await.expect(200).text
}

/// What a call costs by the calculator on the model's page.
async fn calculated(market: &Market) -> String {
    let page = page(market).await;
    let amount = page.split("A call, ").nth(1).unwrap().split("<span class=\"num\">").nth(1).unwrap();
    amount.split('<').next().unwrap().to_owned()
}

async fn listed(market: &Market) -> Value {
    Answer::to(market.get(&format!("/v1/models/{MODEL}"))).await.expect(200).json()
}

fn question(text: &str) -> Value {
    json!({ "model": MODEL, "max_tokens": 400, "messages": [{ "role": "user", "content": text }] })
}

async fn quote(buyer: &Buyer<'_>) -> Value {
    let body = question("Name three harbours.");
    Answer::to(buyer.market.post("/api/v1/quote").bearer_auth(&buyer.key).json(&body))
        .await
        .expect(200)
        .json()
}

/// Begins a slow answer, and gives the rest of it to whoever waits.
async fn begin(buyer: &Buyer<'_>) -> (String, impl Future<Output = ()> + use<>) {
    let mut body = question("Name a harbour. [[simulate: slow]]");
    body["stream"] = json!(true);
    let response = buyer.chat(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let call = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let mut bytes = response.bytes_stream();
    bytes.next().await.unwrap().unwrap();
    (call, async move { while bytes.next().await.transpose().unwrap().is_some() {} })
}

async fn until(market: &Market, what: &str, is_so: impl AsyncFn(&Market) -> bool) {
    let begun = Instant::now();
    while !is_so(market).await {
        assert!(begun.elapsed() < AT_MOST, "{what}: not so after {AT_MOST:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_to_come_is_told_and_the_one_in_force_sold() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let before = (calculated(&market).await, listed(&market).await["provider_price"].clone());
    plan(&market, "40 days").await;
    until(&market, "the server knows", async |market| {
        listed(market).await["later_prices"].as_array().is_some_and(|later| later.len() == 1)
    })
    .await;
    let told = listed(&market).await["later_prices"][0].clone();
    assert_eq!(
        (&told["provider_price"]["output"], &told["free"]),
        (&json!(2_200_000_000_i64), &json!(false))
    );
    let page = page(&market).await;
    assert!(page.contains(">From ") && page.contains("$0.3572 in, $3.1429 out"), "{page}");
    let history = page.split("Price history here").nth(1).unwrap();
    assert!(history.contains("To begin") && history.contains("In force"), "{history}");
    assert_eq!((calculated(&market).await, listed(&market).await["provider_price"].clone()), before);
    let call = Answer::to(buyer.chat(&question("And now?"))).await.expect(200);
    let receipt = buyer.receipt(call.header("x-generation-id")).await;
    let bill = Prices::of(MODEL).bill(&Used::on_receipt(&receipt).merged(), 3_000);
    assert_eq!(nanos(&receipt["charge_nanos"]), bill.charge, "{receipt}");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_begins_in_two_seconds_changes_calculator_quote_and_receipt_of_a_running_server() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let old = listed(&market).await["provider_price"].clone();
    let (old_page, old_quote) = (calculated(&market).await, quote(&buyer).await);
    let (early, rest) = begin(&buyer).await;
    plan(&market, "2 seconds").await;
    until(&market, "the page tells the new price", async |market| calculated(market).await != old_page).await;
    assert_eq!(market.count("select count(*) from price where model_id = 'openai/gpt-5-mini' and lower(valid_during) <= now()").await, 2);
    let new_quote = quote(&buyer).await;
    assert_ne!(new_quote["price_version"], old_quote["price_version"]);
    assert!(nanos(&new_quote["likely_nanos"]) > nanos(&old_quote["likely_nanos"]), "{new_quote}");
    let now = listed(&market).await;
    assert_eq!(
        (&now["provider_price"]["output"], &now["later_prices"]),
        (&json!(2_200_000_000_i64), &json!([]))
    );
    let late = Answer::to(buyer.chat(&question("Name three harbours."))).await.expect(200);
    let late = buyer.receipt(late.header("x-generation-id")).await;
    assert_eq!(late["price_version"], new_quote["price_version"]);
    let output = |receipt: &Value| {
        let lines = receipt["lines"].as_array().unwrap();
        lines.iter().find(|line| line["component"] == "output").unwrap()["price_nanos_per_mtok"].clone()
    };
    assert_eq!(output(&late), 2_200_000_000_i64, "{late}");
    // Whoever was promised the old price pays it, and so does a call that had begun.
    let mut promised = question("Name three harbours.");
    promised["quote_id"] = old_quote["quote_id"].clone();
    let promised = Answer::to(buyer.chat(&promised)).await.expect(200);
    let promised = buyer.receipt(promised.header("x-generation-id")).await;
    rest.await;
    market.until_no_hold_is_open(AT_MOST).await;
    for receipt in [promised, buyer.receipt(&early).await] {
        assert_eq!(receipt["price_version"], old_quote["price_version"], "{receipt}");
        assert_eq!(output(&receipt), old["output"], "{receipt}");
        let bill = Prices::of(MODEL).bill(&Used::on_receipt(&receipt).merged(), 3_000);
        assert_eq!(nanos(&receipt["charge_nanos"]), bill.charge, "{receipt}");
    }
    market.assert_books_balance().await;
}
