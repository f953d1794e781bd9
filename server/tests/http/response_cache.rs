//! `X-OpenRouter-Cache`: what is asked again is answered as before, and costs nothing.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market};

const CHAT: &str = "/v1/chat/completions";
const MODEL: &str = "openai/gpt-5-mini";

pub fn asking(content: &str, stream: bool) -> Value {
    let messages = json!([{ "role": "user", "content": content }]);
    let mut body = json!({ "model": MODEL, "max_tokens": 400, "messages": messages });
    if stream {
        body["stream"] = json!(true);
    }
    body
}

/// Asks for the cache, with these headers more.
pub async fn ask(buyer: &Buyer<'_>, path: &str, body: &Value, more: &[(&str, &str)]) -> Answer {
    let mut request = buyer.market.post(path).bearer_auth(&buyer.key).header("x-openrouter-cache", "true");
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Answer::to(request.json(body)).await
}

pub fn status(answer: &Answer) -> &str {
    answer.header("x-openrouter-cache-status")
}

pub async fn kept(market: &Market) -> i64 {
    market.count("select count(*) from idempotency where route = 'cache'").await
}

/// Everything that a call would leave behind.
async fn traces(market: &Market) -> [i64; 6] {
    [
        market.count("select count(*) from hold").await,
        market.count("select count(*) from ledger_tx").await,
        market.count("select count(*) from ledger_entry").await,
        market.count("select count(*) from usage_call").await,
        market.count("select count(*) from call_attempt").await,
        i64::try_from(market.truths().await.len()).unwrap(),
    ]
}

/// Asks twice: the first answer is made, and the second is told again and leaves no trace.
async fn ask_twice(buyer: &Buyer<'_>, path: &str, body: &Value) -> (Answer, Answer) {
    let market = buyer.market;
    let first = ask(buyer, path, body, &[]).await.expect(200);
    assert_eq!((status(&first), first.header("x-openrouter-cache-ttl")), ("MISS", "300"), "{path}");
    let (before, left) = (traces(market).await, buyer.available().await);
    let again = ask(buyer, path, body, &[]).await.expect(200);
    assert_eq!(status(&again), "HIT", "{path}");
    assert_eq!((traces(market).await, buyer.available().await), (before, left), "{path}: a hit left traces");
    let call = first.header("x-generation-id");
    assert!(!call.is_empty());
    for name in ["x-generation-id", "x-openrouter-cache-source-id"] {
        assert_eq!(again.header(name), call, "{path}");
    }
    assert_eq!(again.header("content-type"), first.header("content-type"), "{path}");
    let seconds = |name: &str| again.header(name).parse::<u64>().unwrap();
    let (age, ttl) = (seconds("x-openrouter-cache-age"), seconds("x-openrouter-cache-ttl"));
    assert!(age < 300 && (1..=300).contains(&ttl), "{path}: {age} and {ttl}");
    (first, again)
}

/// No number is left in a report of usage but zeros, and no amount.
#[track_caller]
fn assert_nothing_used(usage: &Value) {
    assert_eq!(usage["cost"], 0, "{usage}");
    assert!(usage["balance_after"].is_null(), "{usage}");
    let (mut open, mut numbers) = (vec![usage], 0);
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Number(_) => {
                assert_eq!(*value, 0, "{usage}");
                numbers += 1;
            }
            Value::String(text) => assert!(
                text.parse::<i64>().is_ok_and(|n| n == 0) || !text.contains(char::is_numeric),
                "{usage}"
            ),
            _ => {}
        }
    }
    assert!(numbers > 2, "{usage}");
}

fn without_usage(answer: &Answer) -> Value {
    let mut told = answer.json();
    told["usage"].take();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_again_is_told_again_and_costs_nothing() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let chat = asking("Name three harbours.", false);
    let message =
        json!({ "model": "anthropic/claude-haiku-4-5", "max_tokens": 90, "messages": chat["messages"] });
    for (path, body) in [
        (CHAT, chat.clone()),
        ("/api/v1/chat/completions", chat.clone()),
        ("/v1/messages", message),
        ("/v1/responses", json!({ "model": MODEL, "input": "Name three harbours." })),
        ("/v1/completions", json!({ "model": MODEL, "prompt": "Three harbours:", "max_tokens": 90 })),
        (
            "/v1/embeddings",
            json!({ "model": "openai/text-embedding-3-small", "input": ["a ship", "a harbour"] }),
        ),
    ] {
        let (first, again) = ask_twice(&buyer, path, &body).await;
        assert_eq!(without_usage(&again), without_usage(&first), "{path}");
        assert_nothing_used(&again.json()["usage"]);
        assert!(first.json()["usage"]["cost"].as_f64().unwrap() > 0.0, "{path}");
    }
    assert_eq!(kept(&market).await, 6);
    market.assert_books_balance().await;
}

/// One part of a stream's deltas, joined.
fn joined(answer: &Answer) -> String {
    let chunks = answer.chunks();
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_told_again_as_a_whole_stream() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    // Under this base every stream ends with its usage.
    let (first, again) =
        ask_twice(&buyer, "/api/v1/chat/completions", &asking("Name three harbours.", true)).await;
    assert!(again.header("content-type").starts_with("text/event-stream"));
    assert_eq!(again.header("x-accel-buffering"), "no");
    assert!(!joined(&first).is_empty());
    assert_eq!(joined(&again), joined(&first));
    assert_eq!(again.data_lines().last(), Some(&"[DONE]"));
    let whole: String = again.data_lines().iter().map(|line| format!("data: {line}\n\n")).collect();
    assert_eq!(again.text, whole, "something stands between the lines");
    let (chunks, id) = (again.chunks(), first.chunks()[0]["id"].clone());
    assert!(chunks.iter().all(|chunk| chunk["id"] == id && chunk["object"] == "chat.completion.chunk"));
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert_nothing_used(&chunks.last().unwrap()["usage"]);
    market.assert_books_balance().await;
}

/// The kinds of a stream's events, each once where several of a kind follow each other.
fn outline(answer: &Answer) -> Vec<String> {
    let names = answer.text.lines().filter_map(|line| line.strip_prefix("event: "));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.dedup();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_of_other_dialects_are_told_again_event_by_event() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut message = asking("Name three harbours.", true);
    message["model"] = json!("anthropic/claude-haiku-4-5");
    let response = json!({ "model": MODEL, "input": "Name three harbours.", "stream": true });
    for (path, body, place) in
        [("/v1/messages", message, "/usage"), ("/v1/responses", response, "/response/usage")]
    {
        let (first, again) = ask_twice(&buyer, path, &body).await;
        assert_eq!(outline(&again), outline(&first), "{path}");
        assert!(outline(&again).len() > 4, "{path}");
        let events = again.chunks();
        let told: Vec<&Value> = events
            .iter()
            .filter_map(|event| event.pointer(place))
            .filter(|usage| usage.is_object())
            .collect();
        assert_eq!(told.len(), 1, "{path}");
        assert_nothing_used(told[0]);
        if let Some(begun) = events[0].pointer("/message/usage") {
            assert_eq!((&begun["input_tokens"], &begun["output_tokens"]), (&json!(0), &json!(0)));
        }
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_is_made_and_the_same_in_another_order_is_not() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    assert_eq!(status(&ask(&buyer, CHAT, &body, &[]).await.expect(200)), "MISS");
    let mut others = vec![asking("Name four harbours.", false), asking("Name three harbours.", true)];
    for (field, value) in [("temperature", json!(0.5)), ("max_cost", json!("0.05")), ("seed", json!(1))] {
        let mut other = body.clone();
        other[field] = value;
        others.push(other);
    }
    for other in &others {
        assert_eq!(status(&ask(&buyer, CHAT, other, &[]).await.expect(200)), "MISS", "{other}");
    }
    assert_eq!(kept(&market).await, 6);
    let turned = r#"{"messages": [{"content": "Name three harbours.", "role": "user"}], "max_tokens": 400,
        "model": "openai/gpt-5-mini"}"#;
    let request = market.post(CHAT).bearer_auth(&buyer.key).header("x-openrouter-cache", "true");
    let again = Answer::to(request.body(turned)).await.expect(200);
    assert_eq!(status(&again), "HIT");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_ask_for_it_pays_and_not_a_statement_is_about_the_cache() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    ask(&buyer, CHAT, &body, &[]).await.expect(200);
    // Any statement about it would now fail.
    market.run("drop function ledger.find_cached, ledger.cache_answer, ledger.forget_cached").await;
    for said in [None, Some("false")] {
        let request = buyer.chat(&body);
        let request =
            said.into_iter().fold(request, |request, said| request.header("x-openrouter-cache", said));
        let answer = Answer::to(request.header("x-openrouter-cache-clear", "true")).await.expect(200);
        assert_eq!((status(&answer), answer.header("x-openrouter-cache-ttl")), ("", ""));
    }
    let stream = Answer::to(buyer.chat(&asking("Name three harbours.", true))).await.expect(200);
    assert_eq!((status(&stream), stream.data_lines().last()), ("", Some(&"[DONE]")));
    assert_eq!((market.truths().await.len(), kept(&market).await), (4, 1));
    assert!(ask(&buyer, CHAT, &body, &[]).await.status >= 500);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_again_as_long_as_was_wished() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (body, day) = (asking("Name three harbours.", false), ("x-openrouter-cache-ttl", "86400"));
    let first = ask(&buyer, CHAT, &body, &[day]).await.expect(200);
    assert_eq!((status(&first), first.header(day.0)), ("MISS", day.1));
    // How long it lasts was said when it was kept.
    market.run("update idempotency set created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour'").await;
    let again = ask(&buyer, CHAT, &body, &[]).await.expect(200);
    assert_eq!(status(&again), "HIT");
    let seconds = |name: &str| again.header(name).parse::<u64>().unwrap();
    assert!((3_600..3_900).contains(&seconds("x-openrouter-cache-age")));
    assert!((82_500..=82_800).contains(&seconds("x-openrouter-cache-ttl")));
    market.run("update idempotency set expires_at = now()").await;
    let anew = ask(&buyer, CHAT, &body, &[]).await.expect(200);
    assert_eq!(status(&anew), "MISS");
    assert_ne!(anew.header("x-generation-id"), first.header("x-generation-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn clearing_makes_the_answer_anew_and_keeps_that() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (body, clear) = (asking("Name three harbours.", false), ("x-openrouter-cache-clear", "true"));
    let first = ask(&buyer, CHAT, &body, &[]).await.expect(200);
    let anew = ask(&buyer, CHAT, &body, &[clear]).await.expect(200);
    assert_eq!(status(&anew), "MISS");
    assert_ne!(anew.header("x-generation-id"), first.header("x-generation-id"));
    let again = ask(&buyer, CHAT, &body, &[]).await.expect(200);
    assert_eq!((status(&again), again.header("x-generation-id")), ("HIT", anew.header("x-generation-id")));
    // What was kept is gone even if nothing new comes.
    market.run("update api_key set limit_nanos = spent_nanos where spent_nanos > 0").await;
    ask(&buyer, CHAT, &body, &[clear]).await.expect(402);
    assert_eq!(kept(&market).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_stands_for_calls_and_not_for_what_is_told_again() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (body, other) = (asking("Name three harbours.", false), asking("Name four harbours.", false));
    ask(&buyer, CHAT, &body, &[]).await.expect(200);
    assert_eq!(status(&ask(&buyer, CHAT, &body, &[("idempotency-key", "k")]).await.expect(200)), "HIT");
    // The key was not used up, so it may stand for another body.
    let made = ask(&buyer, CHAT, &other, &[("idempotency-key", "k")]).await.expect(200);
    assert_eq!((status(&made), made.header("idempotent-replayed")), ("MISS", ""));
    let repeated = ask(&buyer, CHAT, &other, &[("idempotency-key", "k")]).await.expect(200);
    assert_eq!((repeated.header("idempotent-replayed"), &repeated.text), ("true", &made.text));
    let told_again = ask(&buyer, CHAT, &other, &[]).await.expect(200);
    assert_eq!(status(&told_again), "HIT");
    assert_nothing_used(&told_again.json()["usage"]);
    assert_eq!(market.truths().await.len(), 2);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_for_a_preset_as_it_was_then() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let save = async |config: Value| {
        let saved = buyer.put("/v1/presets/brief", &json!({ "config": config })).await;
        assert!([200, 201].contains(&saved.status), "{saved:?}");
    };
    let body = json!({ "preset": "brief", "messages": [{ "role": "user", "content": "Hull?" }] });
    let told = async || status(&ask(&buyer, CHAT, &body, &[]).await.expect(200)).to_owned();
    save(json!({ "model": MODEL, "max_tokens": 400 })).await;
    assert_eq!((told().await, told().await), ("MISS".to_owned(), "HIT".to_owned()));
    save(json!({ "model": MODEL, "max_tokens": 401 })).await;
    assert_eq!(told().await, "MISS", "what an earlier preset asked for was told");
}
