//! Goal M10: a call costs what its price was when it began, and what has no sound price is not for sale.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";
const ANSWERS: usize = 12;
const EDITS: usize = 6;
const ANSWERED: Duration = Duration::from_secs(20);

/// A tenth dearer with every edit.
const EDIT: &str = "select ledger.set_price(gen_random_uuid(), model_id, provider,
        terms || jsonb_build_object('input', (terms ->> 'input')::bigint + 1, 'output', (terms ->> 'output')::bigint * 11 / 10),
        false)
    from price where model_id = 'openai/gpt-5-mini' and upper_inf(valid_during)";

/// Streams a slow answer from its first word to its end, and says which call it was.
async fn listen(buyer: &Buyer<'_>, begun: &tokio::sync::Semaphore) -> String {
    let body = json!({
        "model": MODEL, "stream": true, "max_tokens": 24,
        "messages": [{ "role": "user", "content": "Name a harbour. [[simulate: slow]]" }],
    });
    let response = buyer.chat(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let call = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let mut bytes = response.bytes_stream();
    let first = bytes.next().await.unwrap().unwrap();
    begun.add_permits(1);
    let mut text = String::from_utf8_lossy(&first).into_owned();
    while let Some(more) = bytes.next().await {
        text.push_str(&String::from_utf8_lossy(&more.unwrap()));
    }
    assert!(text.trim_end().ends_with("[DONE]"), "{text}");
    call
}

/// The version of the price that a call was charged under.
async fn price_of(market: &Market, call: &str) -> String {
    let price = "select price_id::text from usage_call where call_id = $1::uuid";
    sqlx::query_scalar(price).bind(call).fetch_one(&market.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_edited_in_the_middle_of_answers_changes_none_of_them() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let first = "select price_id::text from price where model_id = 'openai/gpt-5-mini'";
    let first: String = sqlx::query_scalar(first).fetch_one(&market.db).await.unwrap();
    let begun = tokio::sync::Semaphore::new(0);
    let editing = async {
        let _all = begun.acquire_many(ANSWERS as u32).await.unwrap();
        for _ in 0..EDITS {
            market.run(EDIT).await;
            let body = json!({ "model": MODEL, "messages": [{ "role": "user", "content": "And now?" }] });
            let asked = Answer::to(buyer.chat(&body)).await;
            if asked.status == 200 {
                // A server that knows the new price already sells at that one.
                assert_ne!(price_of(&market, asked.header("x-generation-id")).await, first);
            } else {
                assert_eq!((asked.status, asked.header("retry-after")), (503, "1"), "{}", asked.text);
            }
        }
    };
    let listening = futures_util::future::join_all((0..ANSWERS).map(|_| listen(&buyer, &begun)));
    let (calls, ()) = tokio::join!(listening, editing);
    market.until_no_hold_is_open(ANSWERED).await;
    assert_eq!(
        market.count("select count(*) from price where model_id = 'openai/gpt-5-mini'").await,
        1 + EDITS as i64
    );
    for call in &calls {
        let receipt = buyer.receipt(call).await;
        let bill = Prices::of(MODEL).bill(&Used::on_receipt(&receipt).merged(), 3_000);
        assert_eq!(nanos(&receipt["charge_nanos"]), bill.charge, "{receipt}");
        assert_eq!(price_of(&market, call).await, first, "{receipt}");
    }
    market.assert_books_balance().await;
    println!(
        "{} of {ANSWERS} answers settled at the price they began with, through {EDITS} edits",
        calls.len()
    );
}

/// Tries to put a price among the others, with every right there is.
async fn assert_refused(market: &Market, kinds: &[(&str, Value, bool)]) {
    for (what, terms, free) in kinds {
        let insert = "insert into price (price_id, model_id, provider, terms, free, valid_during)
            values (gen_random_uuid(), 'openai/unsound', 'openai', $1, $2, tstzrange(now(), null))";
        let stored = sqlx::query(insert).bind(terms).bind(free).execute(&market.db).await;
        assert!(stored.is_err(), "a price was stored: {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsound_price_cannot_be_stored() {
    let market = Market::open().await;
    let kinds = [
        ("negative input", json!({ "input": -1, "output": 5 }), false),
        ("negative output", json!({ "input": 5, "output": -1 }), false),
        ("negative part", json!({ "input": 5, "output": 5, "cached_input": -1 }), false),
        ("negative tier", json!({ "input": 5, "output": 5, "long_context": { "output": -1 } }), false),
        ("negative though free", json!({ "input": -1, "output": 0 }), true),
        ("null", json!({ "input": null, "output": 5 }), false),
        ("not a number", json!({ "input": "NaN", "output": 5 }), false),
        ("zero by mistake", json!({ "input": 0, "output": 0 }), false),
    ];
    assert_refused(&market, &kinds).await;
    for change in [
        "update price set terms = terms || '{\"output\": 1}' where model_id = 'openai/gpt-5-mini'",
        "update price set free = true where model_id = 'openai/gpt-5-mini'",
        "delete from price where model_id = 'openai/gpt-5-mini'",
        "insert into price select gen_random_uuid(), model_id, provider, terms, free, valid_during from price
            where model_id = 'openai/gpt-5-mini'",
    ] {
        assert!(sqlx::query(change).execute(&market.db).await.is_err(), "let through: {change}");
    }
    println!("{} kinds of unsound prices and 4 changes of history: 0 stored", kinds.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_with_a_part_missing_or_unreadable_cannot_be_stored() {
    let market = Market::open().await;
    let kinds = [
        ("no output", json!({ "input": 5 }), false),
        ("no input", json!({ "output": 5 }), false),
        ("nothing", Value::Null, true),
        ("a part that is not a number", json!({ "input": 5, "output": 5, "cached_input": "NaN" }), false),
        ("a fraction", json!({ "input": 0.5, "output": 5 }), true),
    ];
    assert_refused(&market, &kinds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_model_without_a_price_can_be_called() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let listed = Answer::to(market.get("/v1/models").bearer_auth(&buyer.key)).await.expect(200).json();
    let models = listed["data"].as_array().unwrap();
    let priced = "select model_id from price where upper_inf(valid_during)";
    let priced: Vec<String> = sqlx::query_scalar(priced).fetch_all(&market.db).await.unwrap();
    let mut unpriced = 0;
    for model in models.iter().map(|model| model["id"].as_str().unwrap()) {
        if priced.iter().any(|one| one == model) {
            continue;
        }
        let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Are you free?" }] });
        let refused = Answer::to(buyer.chat(&body)).await;
        assert!((400..600).contains(&refused.status), "{model} has no price and answered {}", refused.text);
        unpriced += 1;
    }
    assert!(unpriced > 0, "every model has a price");
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert_eq!(market.truths().await.len(), 0, "a vendor was asked for a model without a price");
    println!("{unpriced} models without a price, 0 of them callable");
}
