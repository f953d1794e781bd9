//! Whichever shape tells what a call cost, it names the version of the price it was charged at, as the books have it.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market};

const MODEL: &str = "openai/gpt-5-mini";
/// Sold by several vendors, each at a price of its own.
const SHARED: &str = "openai/gpt-oss-120b";

fn chat(model: &str, text: &str) -> Value {
    json!({ "model": model, "max_tokens": 64, "messages": [{ "role": "user", "content": text }] })
}

/// The details of a cost, wherever this shape has them.
fn details(answer: &Answer) -> Value {
    let told = if answer.header("content-type").starts_with("text/event-stream") {
        let chunks = answer.chunks();
        let places = ["/usage/cost_details", "/response/usage/cost_details"];
        let find = |chunk: &Value| places.iter().find_map(|place| chunk.pointer(place).cloned());
        chunks.iter().rev().find_map(find)
    } else {
        answer.json().pointer("/usage/cost_details").cloned()
    };
    told.unwrap_or_else(|| panic!("no details in {}", answer.text))
}

/// What was told is what the row of the call was charged at.
async fn assert_named(buyer: &Buyer<'_>, what: &str, answer: &Answer) -> Value {
    let call = answer.header("x-generation-id");
    let price = "select price_id::text from usage_call where call_id = $1::uuid";
    let booked: String = sqlx::query_scalar(price).bind(call).fetch_one(&buyer.market.db).await.unwrap();
    let (told, receipt) = (details(answer), buyer.receipt(call).await);
    assert_eq!(told["price_version"], booked, "{what}: {told}");
    assert_eq!(receipt["price_version"], booked, "{what}");
    let generation = buyer.market.get(&format!("/v1/generation?id={call}")).bearer_auth(&buyer.key);
    let generation = Answer::to(generation).await.expect(200).json();
    assert_eq!(generation["data"]["receipt"]["price_version"], booked, "{what}");
    json!(booked)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_names_the_price_it_was_charged_at() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut streaming = chat(MODEL, "Hi");
    streaming["stream_options"] = json!({ "include_usage": true });
    let completing = json!({ "model": MODEL, "prompt": "Hi", "max_tokens": 64, "stream_options": { "include_usage": true } });
    let shapes = [
        ("/v1/chat/completions", streaming, true),
        ("/v1/messages", chat(MODEL, "Hi"), true),
        ("/v1/responses", json!({ "model": MODEL, "input": "Hi", "max_output_tokens": 64 }), true),
        ("/v1/completions", completing, true),
        ("/v1/embeddings", json!({ "model": "openai/text-embedding-3-small", "input": "Hi" }), false),
        (
            "/v1/images/generations",
            json!({ "model": "stability/stable-image-core", "prompt": "A lighthouse" }),
            false,
        ),
    ];
    for (path, body, may_stream) in shapes {
        for stream in [false, true].into_iter().filter(|stream| may_stream || !stream) {
            let mut body = body.clone();
            if may_stream {
                body["stream"] = json!(stream);
            }
            let answer = Answer::to(market.post(path).bearer_auth(&buyer.key).json(&body)).await.expect(200);
            assert_named(&buyer, &format!("{path} {stream}"), &answer).await;
        }
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_and_the_call_under_it_name_the_same() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut body = chat(MODEL, "Name three harbours.");
    let quote = market.post("/api/v1/quote").bearer_auth(&buyer.key).json(&body);
    let quote = Answer::to(quote).await.expect(200).json();
    market
        .run(
            "select ledger.set_price(gen_random_uuid(), model_id, provider,
                terms || jsonb_build_object('output', (terms ->> 'output')::bigint * 11 / 10), false)
            from price where model_id = 'openai/gpt-5-mini' and upper_inf(valid_during)",
        )
        .await;
    let mut plain = Answer::to(buyer.chat(&body)).await;
    if plain.status == 503 {
        plain = Answer::to(buyer.chat(&body)).await;
    }
    let new = assert_named(&buyer, "after the change", &plain.expect(200)).await;
    assert_ne!(new, quote["price_version"]);
    body["quote_id"] = quote["quote_id"].clone();
    let promised = Answer::to(buyer.chat(&body)).await.expect(200);
    assert_eq!(assert_named(&buyer, "as promised", &promised).await, quote["price_version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_in_second_place_is_named_with_their_own_price() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let order = json!({ "order": ["groq", "cerebras"] });
    let mut versions = Vec::new();
    for text in ["Hi", "Hi [[simulate: groq=overloaded]]"] {
        let mut body = chat(SHARED, text);
        body["provider"] = order.clone();
        let answer = Answer::to(buyer.chat(&body)).await.expect(200);
        let by = answer.header("x-mercato-provider").to_owned();
        versions.push((by, assert_named(&buyer, text, &answer).await));
    }
    let by: Vec<&str> = versions.iter().map(|(by, _)| by.as_str()).collect();
    assert_eq!(by, ["groq", "cerebras"]);
    assert_ne!(versions[0].1, versions[1].1);
}
