//! `Idempotency-Key`: a request acts once, however often it is sent, and is answered alike.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, Vendor, nanos};

const TEN_DOLLARS: i64 = 10_000_000_000;
const HEADER: &str = "idempotency-key";

pub fn asking(content: &str, stream: bool) -> Value {
    let mut body = json!({
        "model": "openai/gpt-5-mini", "max_tokens": 400, "messages": [{ "role": "user", "content": content }],
    });
    if stream {
        body["stream"] = json!(true);
        body["stream_options"] = json!({ "include_usage": true });
    }
    body
}

pub async fn chat(buyer: &Buyer<'_>, key: &str, body: &Value) -> Answer {
    Answer::to(buyer.chat(body).header(HEADER, key)).await
}

/// A request by a person rather than by one of their programs.
async fn post(buyer: &Buyer<'_>, path: &str, key: &str, body: &Value) -> Answer {
    let request = buyer.market.post(path).bearer_auth(&buyer.token).header(HEADER, key);
    Answer::to(request.json(body)).await
}

fn is_repeated(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

/// One part of a stream's deltas, joined.
fn joined(answer: &Answer, part: &str) -> String {
    let chunks = answer.chunks();
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"][part].as_str()).collect()
}

async fn assert_one_call(market: &Market) {
    assert_eq!(market.truths().await.len(), 1, "vendors were asked again");
    assert_eq!(market.count("select count(*) from hold").await, 1);
    assert!(market.count("select count(*) from ledger_tx where kind = 'usage'").await <= 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_made_once_and_answered_alike() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    let first = chat(&buyer, "order-1", &body).await.expect(200);
    let again = chat(&buyer, "order-1", &body).await.expect(200);
    let elsewhere = market.post("/api/v1/chat/completions").bearer_auth(&buyer.key).header(HEADER, "order-1");
    let elsewhere = Answer::to(elsewhere.json(&body)).await.expect(200);
    assert!(!is_repeated(&first) && is_repeated(&again) && is_repeated(&elsewhere));
    for repeated in [again, elsewhere] {
        assert_eq!(repeated.text, first.text);
        for name in ["x-generation-id", "content-type"] {
            assert_eq!(repeated.header(name), first.header(name));
        }
    }
    let charge = nanos(&buyer.receipt(first.header("x-generation-id")).await["charge_nanos"]);
    assert_eq!(buyer.available().await, TEN_DOLLARS - charge);
    assert_one_call(&market).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_repeated_as_a_stream_of_the_same_answer_usage_and_cost() {
    for scenario in ["ok", "reasoning", "many"] {
        let market = Market::open().await;
        let buyer = market.paying_buyer().await;
        let mut body = asking(&format!("Name three harbours. [[simulate: {scenario}]]"), true);
        body["max_tokens"] = json!(3_000);
        let first = chat(&buyer, "k", &body).await.expect(200);
        let again = chat(&buyer, "k", &body).await.expect(200);
        assert!(is_repeated(&again) && again.header("content-type").starts_with("text/event-stream"));
        assert_eq!(again.header("x-generation-id"), first.header("x-generation-id"));
        for part in ["role", "content", "reasoning"] {
            assert_eq!(joined(&again, part), joined(&first, part), "{scenario}");
        }
        assert!(!joined(&again, "content").is_empty(), "{scenario}");
        // What follows the words is the same to the byte: how it ended, usage and cost, `[DONE]`.
        let (said, repeated) = (first.data_lines(), again.data_lines());
        assert_eq!(repeated[repeated.len() - 3..], said[said.len() - 3..], "{scenario}");
        assert_eq!((repeated[0], repeated.last()), (said[0], Some(&"[DONE]")), "{scenario}");
        let whole: String = repeated.iter().map(|line| format!("data: {line}\n\n")).collect();
        assert_eq!(again.text, whole, "{scenario}: something stands between the lines");
        let (ids, expected) = (again.chunks(), &first.chunks()[0]);
        let is_same = |chunk: &Value| {
            ["id", "created", "model", "object"].iter().all(|name| chunk[name] == expected[name])
        };
        assert!(ids.iter().all(is_same), "{scenario}: {ids:?}");
        assert_one_call(&market).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_calls_of_a_stream_are_repeated_whole() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let said = include_str!("../../providers/fixtures/openai/chat_stream_tool_calls.sse");
    let vendor = Vendor::saying("text/event-stream", said.to_owned()).await;
    let fellow = market.fellow_buying_from(vendor.addr).await;
    let send = || {
        let request = fellow.post("/v1/chat/completions").bearer_auth(&buyer.key).header(HEADER, "k");
        Answer::to(request.json(&asking("What is the weather?", true)))
    };
    let (first, again) = (send().await.expect(200), send().await.expect(200));
    assert!(is_repeated(&again));
    assert_eq!(tool_calls(&again), tool_calls(&first));
    assert!(tool_calls(&again).iter().any(|call| call.contains('{')), "{:?}", tool_calls(&again));
    assert!(again.chunks().len() < first.chunks().len(), "its pieces were not joined");
    assert_eq!(vendor.times_asked(), 1);
}

/// Each tool call as its id, its name and its joined arguments.
fn tool_calls(answer: &Answer) -> Vec<String> {
    let mut calls: Vec<String> = Vec::new();
    for chunk in answer.chunks() {
        for piece in chunk["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let at = piece["index"].as_u64().unwrap() as usize;
            calls.resize(calls.len().max(at + 1), String::new());
            for part in [&piece["id"], &piece["function"]["name"], &piece["function"]["arguments"]] {
                calls[at].push_str(part.as_str().unwrap_or_default());
            }
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_one_word_of_1_to_255_visible_characters() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (orders, calls) = (market.count("select count(*) from top_up").await, asking("Hi", false));
    let routes: [(&str, &str, &Value); 4] = [
        ("/v1/chat/completions", &buyer.key, &calls),
        ("/api/v1/chat/completions", &buyer.key, &calls),
        ("/api/v1/top-ups", &buyer.token, &json!({ "amount_usd": "10.00" })),
        ("/api/v1/keys", &buyer.token, &json!({ "name": "laptop" })),
    ];
    for (path, secret, body) in routes {
        let request = || market.post(path).bearer_auth(secret).json(body);
        let long = "k".repeat(256);
        let wrong: [&[u8]; 6] = [b"", b"a b", b"a\tb", "é".as_bytes(), b"\xff", long.as_bytes()];
        for key in wrong {
            let refused = Answer::to(request().header(HEADER, key)).await.expect(400);
            assert!(refused.text.contains("Idempotency-Key"), "{path}: {}", refused.text);
        }
        Answer::to(request().header(HEADER, "a").header(HEADER, "b")).await.expect(400);
    }
    assert_eq!(market.count("select count(*) from idempotency").await, 0);
    assert_eq!(market.count("select count(*) from api_key").await, 1);
    assert_eq!(market.count("select count(*) from top_up").await, orders);
    assert_eq!(market.truths().await.len(), 0);
    chat(&buyer, &"k".repeat(255), &calls).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_body_under_the_same_key_is_refused() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    chat(&buyer, "k", &asking("Name three harbours.", false)).await.expect(200);
    for other in [asking("Name four harbours.", false), asking("Name three harbours.", true)] {
        let refused = chat(&buyer, "k", &other).await.expect(422);
        assert_eq!(refused.json()["error"]["code"], "unprocessable");
        assert_eq!(refused.header("x-should-retry"), "false");
    }
    post(&buyer, "/api/v1/top-ups", "k", &json!({ "amount_usd": "10.00" })).await.expect(201);
    post(&buyer, "/api/v1/top-ups", "k", &json!({ "amount_usd": "11.00" })).await.expect(422);
    post(&buyer, "/api/v1/keys", "k", &json!({ "name": "laptop" })).await.expect(201);
    post(&buyer, "/api/v1/keys", "k", &json!({ "name": "phone" })).await.expect(422);
    assert_one_call(&market).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_before_it_began_leaves_the_key_free() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let body = asking("Name three harbours.", false);
    for _ in 0..2 {
        let short = chat(&buyer, "k", &body).await.expect(402);
        assert!(!is_repeated(&short));
    }
    let mut unknown = body.clone();
    unknown["model"] = json!("openai/no-such-model");
    chat(&buyer, "k", &unknown).await.expect(404);
    let mut wrong = body.clone();
    wrong["messages"] = json!([]);
    chat(&buyer, "k", &wrong).await.expect(400);
    let nobody = market.post("/v1/chat/completions").header(HEADER, "k").json(&body);
    Answer::to(nobody).await.expect(401);
    let by_program = market.post("/api/v1/keys").bearer_auth(&buyer.key).header(HEADER, "k");
    Answer::to(by_program.json(&json!({ "name": "child" }))).await.expect(403);
    post(&buyer, "/api/v1/top-ups", "k", &json!({ "amount_usd": "0.50" })).await.expect(400);
    assert_eq!(market.count("select count(*) from idempotency").await, 0);
    buyer.pay_in("10.00").await;
    assert!(!is_repeated(&chat(&buyer, "k", &body).await.expect(200)));
    assert!(is_repeated(&chat(&buyer, "k", &body).await.expect(200)));
    assert_one_call(&market).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_call_had_begun_is_repeated() {
    for (scenario, status) in [("server-error", 502), ("rate-limit", 429), ("empty", 502), ("truncated", 502)]
    {
        let market = Market::open().await;
        let buyer = market.paying_buyer().await;
        let body = asking(&format!("Name three harbours. [[simulate: {scenario}]]"), false);
        let first = chat(&buyer, "k", &body).await.expect(status);
        let again = chat(&buyer, "k", &body).await.expect(status);
        assert_eq!((is_repeated(&again), &again.text), (true, &first.text), "{scenario}");
        assert_eq!(again.header("x-generation-id"), first.header("x-generation-id"), "{scenario}");
        assert_eq!(again.header("x-should-retry"), "false", "{scenario}: in vain");
        assert_one_call(&market).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_failed_is_repeated_with_its_failure() {
    for (scenario, status) in [("server-error", 502), ("error-at-9", 200), ("reset-at-9", 200)] {
        let market = Market::open().await;
        let buyer = market.paying_buyer().await;
        let body = asking(&format!("Name three harbours. [[simulate: {scenario}]]"), true);
        let first = chat(&buyer, "k", &body).await.expect(status);
        let again = chat(&buyer, "k", &body).await.expect(status);
        assert!(is_repeated(&again), "{scenario}");
        if status == 200 {
            assert_eq!(joined(&again, "content"), joined(&first, "content"), "{scenario}");
            assert!(!joined(&again, "content").is_empty(), "{scenario}");
            let last = |answer: &Answer| answer.chunks().last().unwrap().clone();
            assert_eq!(last(&again), last(&first), "{scenario}");
            assert!(last(&again)["error"].is_object(), "{scenario}: {}", last(&again));
        } else {
            assert_eq!(again.text, first.text, "{scenario}");
        }
        assert_one_call(&market).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_caller_and_each_route_has_keys_of_its_own() {
    let market = Market::open().await;
    let (buyer, other) = (market.paying_buyer().await, market.paying_buyer().await);
    let second = buyer.make_key(json!({ "name": "second" })).await["key"].as_str().unwrap().to_owned();
    let body = asking("Name three harbours.", false);
    let by = |secret: &str| -> RequestBuilder {
        market.post("/api/v1/chat/completions").bearer_auth(secret).header(HEADER, "k").json(&body)
    };
    let mut calls = Vec::new();
    for secret in [&buyer.key, &second, &buyer.token, &other.key] {
        let answer = Answer::to(by(secret)).await.expect(200);
        assert!(!is_repeated(&answer));
        calls.push(answer.header("x-generation-id").to_owned());
    }
    post(&buyer, "/api/v1/top-ups", "k", &json!({ "amount_usd": "10.00" })).await.expect(201);
    post(&buyer, "/api/v1/keys", "k", &json!({ "name": "third" })).await.expect(201);
    for (secret, call) in [&buyer.key, &second, &buyer.token, &other.key].into_iter().zip(&calls) {
        assert_eq!(Answer::to(by(secret)).await.expect(200).header("x-generation-id"), call);
    }
    assert_eq!(market.truths().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_made_once_and_its_page_stays_the_same() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let body = json!({ "amount_usd": "10.00" });
    let first = post(&buyer, "/api/v1/top-ups", "k", &body).await.expect(201);
    let again = post(&buyer, "/api/v1/top-ups", "k", &body).await.expect(201);
    assert_eq!((is_repeated(&again), again.json()), (true, first.json()));
    assert_eq!(market.count("select count(*) from top_up").await, 1);
    buyer.choose(&first.json(), "paid").await.expect(303);
    post(&buyer, "/api/v1/top-ups", "k", &body).await.expect(201);
    assert_eq!(buyer.available().await, TEN_DOLLARS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_repeated_though_the_database_cannot_give_it_away() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let body = json!({ "name": "laptop" });
    let first = post(&buyer, "/api/v1/keys", "k", &body).await.expect(201).json();
    let again = post(&buyer, "/api/v1/keys", "k", &body).await.expect(201);
    assert_eq!((is_repeated(&again), &again.json()), (true, &first));
    let secret = first["key"].as_str().unwrap();
    Answer::to(market.get("/v1/models").bearer_auth(secret)).await.expect(200);
    assert_eq!(market.count("select count(*) from api_key").await, 2);
    let rows = "select count(*) from idempotency i where i::text like '%' || $1 || '%'
        or position(convert_to($1, 'UTF8') in i.body) > 0 or length(i.body) < length($1)";
    let readable: i64 = sqlx::query_scalar(rows).bind(&secret[8..]).fetch_one(&market.db).await.unwrap();
    assert_eq!(readable, 0, "the key can be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_too_large_to_keep_is_named_instead() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let chunk = |delta: Value, usage: Value| {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": null }]);
        let chunk = json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, "usage": usage });
        format!("data: {chunk}\n\n")
    };
    let piece = chunk(json!({ "content": "w".repeat(70 * 1024) }), Value::Null).repeat(4);
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 90, "total_tokens": 99 });
    let end = chunk(json!({}), usage).replace("\"finish_reason\":null", "\"finish_reason\":\"stop\"");
    let vendor = Vendor::saying("text/event-stream", format!("{piece}{end}data: [DONE]\n\n")).await;
    let fellow = market.fellow_buying_from(vendor.addr).await;
    let mut body = asking("Write a book.", true);
    body["max_tokens"] = json!(100_000);
    let send = || {
        let request = fellow.post("/v1/chat/completions").bearer_auth(&buyer.key).header(HEADER, "k");
        Answer::to(request.json(&body))
    };
    let first = send().await.expect(200);
    assert_eq!(joined(&first, "content").len(), 4 * 70 * 1024);
    let call = first.header("x-generation-id");
    let again = send().await.expect(409);
    let error = &again.json()["error"];
    assert_eq!((&error["code"], &error["metadata"]["generation_id"]), (&json!("not_kept"), &json!(call)));
    assert_eq!((again.header("x-generation-id"), again.header("x-should-retry")), (call, "false"));
    assert!(nanos(&buyer.receipt(call).await["charge_nanos"]) > 0);
    assert_eq!(vendor.times_asked(), 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_for_a_day() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    let first = chat(&buyer, "k", &body).await.expect(200);
    let shift = |hours: i32| {
        let shift =
            "update idempotency set expires_at = created_at + interval '1 day' - make_interval(hours => $1)";
        sqlx::query(shift).bind(hours).execute(&market.db)
    };
    assert_eq!(market.count("select ledger.forget_keys(10)").await, 0);
    shift(23).await.unwrap();
    assert!(is_repeated(&chat(&buyer, "k", &body).await.expect(200)));
    shift(24).await.unwrap();
    let second = chat(&buyer, "k", &body).await.expect(200);
    assert!(!is_repeated(&second));
    assert_ne!(second.header("x-generation-id"), first.header("x-generation-id"));
    assert_eq!(market.count("select count(*) from idempotency").await, 1);
    shift(24).await.unwrap();
    assert_eq!(market.count("select ledger.forget_keys(10)").await, 1);
    assert_eq!(market.count("select count(*) from idempotency").await, 0);
    assert_eq!(market.truths().await.len(), 2);
    market.assert_books_balance().await;
}
