//! Too little money: what is refused says what would fit, and whoever says so beforehand is helped at once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

const DEAR: &str = "openai/gpt-6-astra";

fn essay(more: Value) -> Value {
    let mut body = json!({
        "model": DEAR, "max_tokens": 2_000,
        "messages": [{ "role": "user", "content": "Write a long essay on tides." }],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Somebody with ten dollars, a key of which may spend five cents a day.
async fn with_small_key(market: &Market) -> Buyer<'_> {
    let mut buyer = market.paying_buyer().await;
    let key = json!({ "name": "small", "limit_nanos": "50000000", "limit_reset": "day" });
    buyer.key = buyer.make_key(key).await["key"].as_str().unwrap().to_owned();
    buyer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_money_says_whose_limit_it_is_and_what_would_fit() {
    let market = Market::open().await;
    let buyer = with_small_key(&market).await;
    let refused = Answer::to(buyer.chat(&essay(json!({ "on_insufficient": "refuse" })))).await.expect(402);
    assert_eq!(refused.header("x-should-retry"), "false");
    let told = refused.json()["error"]["metadata"].clone();
    assert_eq!((&told["limit"], &told["available_nanos"]), (&json!("key"), &json!("50000000")), "{told}");
    assert!(nanos(&told["required_nanos"]) > 50_000_000 && told["resets_at"].as_str().is_some(), "{told}");
    let fits = told["affordable_output_tokens"].as_u64().unwrap();
    assert!((16..2_000).contains(&fits), "{told}");
    assert_eq!(market.truths().await.len(), 0);
    // Both pieces of advice are true to the token.
    let exactly = json!({ "on_insufficient": "refuse", "max_tokens": fits });
    let more = json!({ "on_insufficient": "refuse", "max_tokens": fits + 1 });
    Answer::to(buyer.chat(&essay(more))).await.expect(402);
    let other = json!({ "on_insufficient": "refuse", "model": told["cheapest_model"]["id"] });
    let other = Answer::to(buyer.chat(&essay(other))).await.expect(200);
    let held = &buyer.receipt(other.header("x-generation-id")).await["hold_nanos"];
    assert_eq!(held, &told["cheapest_model"]["required_nanos"]);
    let spent = nanos(&buyer.receipt(other.header("x-generation-id")).await["charge_nanos"]);
    if spent == 0 {
        Answer::to(buyer.chat(&essay(exactly))).await.expect(200);
    }
    market.assert_books_balance().await;
}

/// The same request in each dialect, and where its refusal tells programs what they need to know.
fn in_each_dialect(more: &Value) -> [(&'static str, Value, &'static str); 3] {
    let chat = essay(more.clone());
    let mut response =
        json!({ "model": DEAR, "max_output_tokens": 2_000, "input": "Write a long essay on tides." });
    response.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    [
        ("/v1/chat/completions", chat.clone(), "/error/metadata"),
        ("/v1/messages", chat, "/error/details"),
        ("/v1/responses", response, "/error/metadata"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_owns_the_limit_is_named_with_what_is_missing_and_what_would_fit() {
    let market = Market::open().await;
    let (small, limited) = (with_small_key(&market).await, market.paying_buyer().await);
    let put = market.request(Method::PUT, "/api/v1/limits/account").bearer_auth(&limited.token);
    let five_cents = json!({ "limit_nanos": "50000000", "limit_reset": "month" });
    Answer::to(put.json(&five_cents)).await.expect(200);
    let free = market.paying_buyer().await;
    let in_a_run = json!({ "run_id": "nightly", "max_run_cost": "0.05" });
    for (owner, buyer, more, begins_anew) in [
        ("key", &small, json!({}), true),
        ("account", &limited, json!({}), true),
        ("run", &free, in_a_run, false),
        ("max_cost", &free, json!({ "max_cost": "0.05" }), false),
    ] {
        let mut more = more;
        more["on_insufficient"] = json!("refuse");
        for (path, body, place) in in_each_dialect(&more) {
            let post = market.post(path).bearer_auth(&buyer.key).json(&body);
            let refused = Answer::to(post).await.expect(402);
            let body = refused.json();
            let told = body.pointer(place).unwrap();
            let what = format!("{owner} at {path}: {body}");
            assert_eq!(
                (&told["limit"], &told["available_nanos"]),
                (&json!(owner), &json!("50000000")),
                "{what}"
            );
            assert!(nanos(&told["required_nanos"]) > 50_000_000, "{what}");
            assert_eq!(told["resets_at"].is_string(), begins_anew, "{what}");
            assert!((16..2_000).contains(&told["affordable_output_tokens"].as_u64().unwrap()), "{what}");
            let cheapest = &told["cheapest_model"];
            assert!(cheapest["id"].as_str().is_some_and(|id| id != DEAR), "{what}");
            assert!(nanos(&cheapest["required_nanos"]) <= 50_000_000, "{what}");
            assert!(body["error"]["message"].as_str().unwrap().contains("0.05"), "{what}");
            assert_eq!(refused.header("x-should-retry"), "false");
        }
    }
    assert_eq!(market.truths().await.len(), 0);
    assert_eq!(market.count("select count(*) from hold where state = 'open'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_shortened_refused_or_another_s_as_its_caller_said() {
    let market = Market::open().await;
    let buyer = with_small_key(&market).await;
    let shortened =
        Answer::to(buyer.chat(&essay(json!({ "on_insufficient": "clamp_output" })))).await.expect(200);
    let receipt = buyer.receipt(shortened.header("x-generation-id")).await;
    assert_eq!((&receipt["model"], nanos(&receipt["hold_nanos"]) <= 50_000_000), (&json!(DEAR), true));
    let cheaper =
        Answer::to(buyer.chat(&essay(json!({ "on_insufficient": "cheaper_model" })))).await.expect(200);
    let told = cheaper.json();
    assert_ne!(told["model"], DEAR);
    assert_eq!(told["mercato"]["reason"], "cheaper", "{told}");
    assert_eq!(buyer.receipt(cheaper.header("x-generation-id")).await["model"], told["model"]);
    // Nothing is so cheap that it costs nothing: then it is refused after all.
    let penniless = market.buyer().await;
    let refused = essay(json!({ "on_insufficient": "cheaper_model", "model": "openai/gpt-4o" }));
    let refused = Answer::to(penniless.chat(&refused)).await;
    if refused.status != 200 {
        let told = refused.expect(402).json();
        assert_eq!(told["error"]["metadata"]["limit"], "balance", "{told}");
        assert!(told["error"]["metadata"]["cheapest_model"].is_null(), "{told}");
    }
    Answer::to(buyer.chat(&essay(json!({ "on_insufficient": "beg" })))).await.expect(400);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cheaper_model_can_do_what_was_asked() {
    let market = Market::open().await;
    let buyer = with_small_key(&market).await;
    let body = essay(json!({
        "on_insufficient": "refuse",
        "tools": [{ "type": "function", "function": { "name": "look", "parameters": { "type": "object" } } }],
        "messages": [{ "role": "user", "content": [
            { "type": "text", "text": "What is this?" },
            { "type": "image_url", "image_url": { "url": "https://example.org/a.png" } },
        ] }],
    }));
    let told = Answer::to(buyer.chat(&body)).await.expect(402).json();
    let cheapest = told["error"]["metadata"]["cheapest_model"]["id"].as_str().unwrap().to_owned();
    let model = Answer::to(market.get(&format!("/v1/models/{cheapest}"))).await.expect(200).json();
    assert!(model["supported_parameters"].as_array().unwrap().contains(&json!("tools")), "{model}");
    assert!(
        model["architecture"]["input_modalities"].as_array().unwrap().contains(&json!("image")),
        "{model}"
    );
}
