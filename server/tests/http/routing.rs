//! Which vendor answers: what callers prefer, whom else is asked when one fails, and what that costs.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use engine::Registry;
use serde_json::{Value, json};
use server::simulator::Pace;

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, Vendors, nanos};

/// Sold by Groq and Together at the same price, then dearer by Hugging Face and Cerebras.
const MODEL: &str = "openai/gpt-oss-120b";
const DEARER: [(&str, i128, i128); 2] =
    [("huggingface", 250_000_000, 690_000_000), ("cerebras", 350_000_000, 750_000_000)];

/// A question in which each vendor is told how to behave.
fn question(scenarios: &str, more: Value) -> Value {
    let text = format!("Name three harbours. [[simulate: {scenarios}]]");
    let mut body =
        json!({ "model": MODEL, "max_tokens": 200, "messages": [{ "role": "user", "content": text }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn ask(buyer: &Buyer<'_>, scenarios: &str, more: Value) -> Answer {
    Answer::to(buyer.chat(&question(scenarios, more))).await
}

/// Which vendors were really asked for a call, in order.
async fn asked(market: &Market, call: &str) -> Vec<String> {
    let mut records = market.truths().await;
    records.retain(|record| record["request_id"] == call);
    records.sort_by_key(|record| record["started_at_ms"].as_u64());
    records.iter().map(|record| record["vendor"].as_str().unwrap().to_owned()).collect()
}

/// Who was asked and what came of it, as the receipt has it.
fn attempts(receipt: &Value) -> Vec<(&str, &str)> {
    let attempts = receipt["attempts"].as_array().unwrap().iter();
    attempts.map(|one| (one["provider"].as_str().unwrap(), one["outcome"].as_str().unwrap_or("?"))).collect()
}

/// The call was charged once, at the price of this vendor.
async fn assert_charged(buyer: &Buyer<'_>, call: &str, provider: &str) -> Value {
    let receipt = buyer.receipt(call).await;
    let mut prices = Prices::of(MODEL);
    if let Some((_, input, output)) = DEARER.iter().find(|(id, ..)| *id == provider) {
        prices = Prices { input: *input, cached_input: *input, output: *output, reasoning: *output };
    }
    let bill = prices.bill(&Used::on_receipt(&receipt), 3_000);
    assert_eq!(receipt["provider"], provider, "{receipt}");
    assert_eq!(nanos(&receipt["charge_nanos"]), bill.charge, "{receipt}");
    assert!(bill.charge > 0 && bill.charge <= nanos(&receipt["hold_nanos"]), "{receipt}");
    assert_eq!(buyer.market.debits(call).await, [-bill.charge], "{receipt}");
    receipt
}

async fn assert_free(buyer: &Buyer<'_>, call: &str) -> Value {
    let receipt = buyer.receipt(call).await;
    assert_eq!(buyer.market.debits(call).await, Vec::<i64>::new());
    assert_eq!((&receipt["charge_nanos"], &receipt["released_nanos"]), (&json!("0"), &receipt["hold_nanos"]));
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cheapest_answers_and_says_so() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for stream in [false, true] {
        let answer = ask(&buyer, "ok", json!({ "stream": stream })).await.expect(200);
        assert_eq!(answer.header("x-mercato-provider"), "groq");
        assert_eq!((answer.header("x-mercato-reason"), answer.header("x-mercato-attempts")), ("price", "1"));
        let said = if stream { answer.chunks()[0].clone() } else { answer.json() };
        assert_eq!((&said["provider"], &said["model"]), (&json!("Groq"), &json!(MODEL)));
        assert_eq!(
            (&said["mercato"]["provider"], &said["mercato"]["reason"]),
            (&json!("groq"), &json!("price"))
        );
        let call = answer.header("x-generation-id");
        let receipt = assert_charged(&buyer, call, "groq").await;
        assert_eq!(attempts(&receipt), [("groq", "answered")]);
        let generation = market.get(&format!("/api/v1/generation?id={call}")).bearer_auth(&buyer.key);
        let generation = Answer::to(generation).await.expect(200).json();
        assert_eq!(generation["data"]["provider_name"], "groq");
        assert_eq!(generation["data"]["provider_responses"][0]["outcome"], "answered");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_preference_decides_who_answers() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (more, provider, reason) in [
        (json!({ "provider": { "order": ["Cerebras", "groq"] } }), "cerebras", "order"),
        (json!({ "provider": { "only": ["huggingface"] } }), "huggingface", "price"),
        (json!({ "provider": { "ignore": ["groq"] } }), "together", "price"),
        (json!({ "provider": { "ignore": ["groq", "together"], "sort": "price" } }), "huggingface", "price"),
        (json!({ "provider": { "max_price": { "prompt": 0.22, "completion": "0.86" } } }), "groq", "price"),
        (json!({ "model": format!("{MODEL}:floor") }), "groq", "price"),
        // Nobody has measured anything, and what is unknown decides nothing.
        (json!({ "model": format!("{MODEL}:nitro") }), "groq", "price"),
        (json!({ "provider": { "sort": "latency" } }), "groq", "price"),
        // One offer alone has a name of its own.
        (json!({ "model": "cerebras/gpt-oss-120b" }), "cerebras", "only_offer"),
        (json!({ "model": "huggingface/openai/gpt-oss-120b" }), "huggingface", "only_offer"),
    ] {
        let answer = ask(&buyer, "ok", more.clone()).await.expect(200);
        let told = (answer.header("x-mercato-provider"), answer.header("x-mercato-reason"));
        assert_eq!(told, (provider, reason), "{more}");
        let call = answer.header("x-generation-id");
        assert_eq!(asked(&market, call).await, [provider], "{more}");
        assert_charged(&buyer, call, provider).await;
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_that_leave_nobody_are_told_one_by_one() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let provider =
        json!({ "only": ["groq", "cerebras"], "ignore": ["groq"], "max_price": { "prompt": 0.4 } });
    let refused = ask(&buyer, "ok", json!({ "provider": provider })).await.expect(404).json();
    assert_eq!(
        refused["error"]["message"],
        "No offer of openai/gpt-oss-120b is left: groq is in provider.ignore; together is not in provider.only; \
         huggingface is not in provider.only; cerebras costs more than provider.max_price (prompt 0.4)"
    );
    assert_eq!(refused["error"]["param"], "provider");
    for (field, more) in [
        ("provider.sort", json!({ "provider": { "sort": "beauty" } })),
        ("provider.zdr", json!({ "provider": { "zdr": true } })),
        ("models", json!({ "models": ["openai/no-such-model"] })),
    ] {
        let refused = ask(&buyer, "ok", more.clone()).await;
        assert!((400..405).contains(&refused.status), "{more}: {}", refused.text);
        assert_eq!(refused.json()["error"]["param"], field, "{more}");
    }
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert!(market.truths().await.is_empty(), "a vendor was asked all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_can_stand_in_for_one_that_is_retired_or_fails() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let retired = ask(&buyer, "ok", json!({ "model": "openai/gpt-4" })).await.expect(404).json();
    let message = retired["error"]["message"].as_str().unwrap();
    assert!(message.contains("use openai/gpt-5.6-sol instead"), "{message}");
    for more in [
        json!({ "model": "openai/gpt-4", "models": ["openai/gpt-5-mini"] }),
        json!({ "model": null, "models": ["openai/gpt-4", "openai/gpt-5-mini"] }),
    ] {
        let answer = ask(&buyer, "ok", more).await.expect(200);
        assert_eq!(answer.json()["model"], "openai/gpt-5-mini");
    }
    let more = json!({ "model": "openai/gpt-5-mini", "models": ["zai/glm-5.3"], "provider": { "only": ["openai", "zai"] } });
    let answer = ask(&buyer, "openai=server-error", more).await.expect(200);
    assert_eq!(
        (answer.json()["model"].as_str(), answer.header("x-mercato-attempts")),
        (Some("zai/glm-5.3"), "2")
    );
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    assert_eq!(receipt["model"], "zai/glm-5.3");
    assert_eq!(attempts(&receipt), [("openai", "server_error"), ("zai", "answered")]);
    let bill = Prices::of("zai/glm-5.3").bill(&Used::on_receipt(&receipt), 3_000);
    assert_eq!(nanos(&receipt["charge_nanos"]), bill.charge);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropics_clients_choose_in_the_same_way() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let text = "Name three harbours. [[simulate: cerebras=overloaded]]";
    for stream in [false, true] {
        let body = json!({
            "model": MODEL, "max_tokens": 200, "stream": stream, "provider": { "order": ["cerebras", "huggingface"] },
            "messages": [{ "role": "user", "content": text }],
        });
        let answer =
            Answer::to(market.post("/v1/messages").header("x-api-key", &buyer.key).json(&body)).await;
        let answer = answer.expect(200);
        assert_eq!(answer.header("x-mercato-provider"), "huggingface");
        let said = if stream { answer.chunks()[0]["message"].clone() } else { answer.json() };
        assert_eq!(
            (&said["provider"], &said["mercato"]["reason"]),
            (&json!("Hugging Face"), &json!("failover"))
        );
        assert_eq!(said["mercato"]["failed"][0]["outcome"], "overloaded");
        assert_charged(&buyer, answer.header("x-generation-id"), "huggingface").await;
    }
}

// F2: a vendor that refuses the connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_cannot_be_reached_is_replaced_or_told_at_once_and_never_paid() {
    let closed = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap().local_addr().unwrap();
    let registry = |simulator: SocketAddr| {
        let registry = Registry::from_settings(|name| match name {
            "GROQ_BASE_URL" | "OPENAI_BASE_URL" => Some(format!("http://{closed}/v1")),
            "TOGETHER_BASE_URL" => Some(format!("http://{simulator}/together/v1")),
            "GROQ_API_KEY" | "OPENAI_API_KEY" | "TOGETHER_API_KEY" => Some("simulated".to_owned()),
            _ => None,
        });
        Vendors { registry: registry.unwrap(), egress: format!("{simulator},{closed}"), own_models: None }
    };
    let market = Market::open_among(Pace::Instant, registry).await;
    let buyer = market.paying_buyer().await;
    for stream in [false, true] {
        let begun = Instant::now();
        let answer = ask(&buyer, "ok", json!({ "stream": stream })).await.expect(200);
        assert!(begun.elapsed() < Duration::from_secs(6));
        let call = answer.header("x-generation-id");
        let receipt = assert_charged(&buyer, call, "together").await;
        assert_eq!(attempts(&receipt), [("groq", "unreachable"), ("together", "answered")]);
        assert_eq!(
            (answer.header("x-mercato-reason"), answer.header("x-mercato-attempts")),
            ("failover", "2")
        );
        for more in [
            json!({ "stream": stream, "model": "openai/gpt-5-mini" }),
            json!({ "stream": stream, "provider": { "allow_fallbacks": false } }),
        ] {
            let begun = Instant::now();
            let refused = ask(&buyer, "ok", more).await.expect(502);
            assert!(begun.elapsed() < Duration::from_secs(6));
            assert!(refused.json()["error"]["message"].as_str().unwrap().ends_with("cannot be reached"));
            let receipt = assert_free(&buyer, refused.header("x-generation-id")).await;
            assert_eq!(receipt["attempts"][0]["outcome"], "unreachable");
        }
    }
    market.assert_books_balance().await;
}

// F3: a vendor that has no room.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_without_room_is_replaced_or_its_waiting_time_is_passed_on() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for stream in [false, true] {
        for scenario in ["rate-limit", "overloaded"] {
            let answer =
                ask(&buyer, &format!("groq={scenario}"), json!({ "stream": stream })).await.expect(200);
            let call = answer.header("x-generation-id");
            assert_eq!(asked(&market, call).await, ["groq", "together"]);
            assert_charged(&buyer, call, "together").await;
        }
        let alone = json!({ "stream": stream, "provider": { "only": ["groq"] } });
        let refused = ask(&buyer, "rate-limit", alone.clone()).await.expect(429);
        assert_eq!(refused.header("retry-after"), "2");
        assert_free(&buyer, refused.header("x-generation-id")).await;
        let refused = ask(&buyer, "overloaded", alone).await.expect(529);
        assert_free(&buyer, refused.header("x-generation-id")).await;
        // The second one has no room either: nobody else is asked.
        let refused = ask(&buyer, "rate-limit", json!({ "stream": stream })).await.expect(429);
        let call = refused.header("x-generation-id");
        assert_eq!(asked(&market, call).await, ["groq", "together"]);
        let receipt = assert_free(&buyer, call).await;
        assert_eq!(attempts(&receipt), [("groq", "rate_limited"), ("together", "rate_limited")]);
    }
    market.assert_books_balance().await;
}

// F4: a vendor that fails after it has read the request.
#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_at_its_work_is_replaced_once_if_that_is_wanted() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for stream in [false, true] {
        for (scenario, outcome) in [("server-error", "server_error"), ("html", "malformed_stream")] {
            let wanted = json!({ "stream": stream, "provider": { "allow_fallbacks": true } });
            let answer = ask(&buyer, &format!("groq={scenario}"), wanted.clone()).await.expect(200);
            let call = answer.header("x-generation-id");
            assert_eq!(asked(&market, call).await, ["groq", "together"], "{scenario}");
            let receipt = assert_charged(&buyer, call, "together").await;
            assert_eq!(attempts(&receipt)[1], ("together", "answered"), "{scenario}");
            assert_eq!(attempts(&receipt)[0].0, "groq", "{scenario} was told as {outcome}");
            let refused =
                ask(&buyer, &format!("groq={scenario}"), json!({ "stream": stream })).await.expect(502);
            assert_eq!(asked(&market, refused.header("x-generation-id")).await, ["groq"]);
            assert_free(&buyer, refused.header("x-generation-id")).await;
            let refused = ask(&buyer, scenario, wanted).await.expect(502);
            assert_eq!(asked(&market, refused.header("x-generation-id")).await, ["groq", "together"]);
            assert_free(&buyer, refused.header("x-generation-id")).await;
        }
    }
    let rows =
        market.count("select count(*) from call_attempt where number = 2 and outcome = 'answered'").await;
    assert_eq!(rows, 4);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_covers_the_dearer_of_the_two_and_a_cap_is_kept() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let order = json!({ "order": ["groq", "cerebras"] });
    let answer = ask(&buyer, "groq=overloaded", json!({ "provider": order })).await.expect(200);
    let dear = assert_charged(&buyer, answer.header("x-generation-id"), "cerebras").await;
    let cheap = json!({ "provider": { "only": ["groq"] } });
    let answer = ask(&buyer, "ok", cheap).await.expect(200);
    let cheap = assert_charged(&buyer, answer.header("x-generation-id"), "groq").await;
    assert!(nanos(&dear["hold_nanos"]) > nanos(&cheap["hold_nanos"]));
    // A cap below what the dearer one may cost: its answer is made to fit.
    let cap = nanos(&cheap["hold_nanos"]);
    let more = json!({ "provider": order, "max_cost": format!("0.{cap:09}") });
    let answer = ask(&buyer, "groq=overloaded", more).await.expect(200);
    let call = answer.header("x-generation-id").to_owned();
    let receipt = assert_charged(&buyer, &call, "cerebras").await;
    assert!(nanos(&receipt["hold_nanos"]) <= cap, "{receipt}");
    let truths = market.truths().await;
    let limits = |vendor: &str| {
        let record = truths.iter().find(|record| record["request_id"] == *call && record["vendor"] == vendor);
        record.unwrap()["seen_max_tokens"].as_u64().unwrap()
    };
    assert!(limits("cerebras") < limits("groq"), "both were allowed the same answer");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_keeps_failing_is_passed_over_and_that_can_be_seen() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let only = json!({ "provider": { "only": ["groq"] } });
    for _ in 0..20 {
        ask(&buyer, "server-error", only.clone()).await.expect(502);
    }
    let metrics = Answer::to(market.get("/metrics")).await.expect(200).text;
    let line = format!("mercato_breaker_state{{provider=\"groq\",model=\"{MODEL}\"}} 2");
    assert!(metrics.lines().any(|found| found == line), "{line} is missing in\n{metrics}");
    let answer = ask(&buyer, "ok", json!({})).await.expect(200);
    assert_eq!(asked(&market, answer.header("x-generation-id")).await, ["together"]);
    // Where there is nobody else, it is asked all the same.
    let answer = ask(&buyer, "ok", only).await.expect(200);
    assert_eq!(answer.header("x-mercato-provider"), "groq");
    market.assert_books_balance().await;
}
