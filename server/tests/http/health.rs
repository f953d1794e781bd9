//! How well vendors answer: measured on real calls, written down, and told on pages and to programs alike.

use std::time::{Duration, Instant};

use engine::Actor;
use serde_json::{Value, json};
use server::simulator::Pace;

use crate::support::{Answer, Buyer, Market};

const MODEL: &str = "openai/gpt-5-mini";

/// Whether a piece of a stream holds a word; the first one is often empty.
fn has_word(piece: &[u8]) -> bool {
    String::from_utf8_lossy(piece).split("\"content\":\"").skip(1).any(|rest| !rest.starts_with('"'))
}

/// Asks in a scenario, and answers when the first word came.
async fn ask(buyer: &Buyer<'_>, model: &str, scenario: &str, stream: bool) -> Option<Duration> {
    let body = json!({
        "model": model, "stream": stream, "max_tokens": 200,
        "messages": [{ "role": "user", "content": format!("Name three harbours. [[simulate: {scenario}]]") }],
    });
    let asked = Instant::now();
    let mut response = buyer.chat(&body).send().await.unwrap();
    let mut first_word = None;
    while let Ok(Some(chunk)) = response.chunk().await {
        if first_word.is_none() && has_word(&chunk) {
            first_word = Some(asked.elapsed());
        }
    }
    first_word
}

async fn told(market: &Market, path: &str) -> Value {
    Answer::to(market.get(path)).await.expect(200).json()
}

/// The only offer that was measured.
async fn offer(market: &Market, span: &str) -> Value {
    let status = told(market, &format!("/api/v1/status?span={span}")).await;
    let vendors = status["vendors"].as_array().unwrap();
    assert_eq!(vendors.len(), 1, "{status}");
    assert_eq!(vendors[0]["offers"].as_array().unwrap().len(), 1, "{status}");
    vendors[0]["offers"][0].clone()
}

async fn page(market: &Market, path: &str) -> String {
    Answer::to(market.get(path)).await.expect(200).text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_in_which_nobody_asked_says_that_nothing_is_known() {
    let market = Market::open().await;
    let status = told(&market, "/api/v1/status").await;
    assert_eq!((&status["now"], &status["vendors"]), (&json!("unknown"), &json!([])), "{status}");
    assert!(page(&market, "/status").await.contains("Nothing was measured yet"));
    assert!(page(&market, &format!("/models/{MODEL}")).await.contains("Not measured yet"));
    let endpoints = told(&market, &format!("/api/v1/models/{MODEL}/endpoints")).await;
    let endpoint = &endpoints["data"]["endpoints"][0];
    for unknown in ["uptime_last_30m", "uptime_last_1d", "latency_last_30m", "throughput_last_30m"] {
        assert_eq!(endpoint[unknown], Value::Null, "{endpoint}");
    }
    Answer::to(market.get("/api/v1/status?span=forever")).await.expect(400);
    Answer::to(market.get("/api/v1/models/nobody/nothing/endpoints")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_vendor_did_counts_against_it() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for stream in [false, true] {
        for scenario in [
            "ok",
            "ok",
            "ok",
            "server-error",
            "truncated",
            "overloaded",
            "empty",
            "unauthorized",
            "rate-limit",
        ] {
            ask(&buyer, MODEL, scenario, stream).await;
        }
    }
    assert_eq!(
        told(&market, "/api/v1/status").await["vendors"],
        json!([]),
        "told before it was written down"
    );
    market.engine.note_health(&Actor::Operator).await.unwrap();
    for span in ["half_hour", "day", "month"] {
        let offer = offer(&market, span).await;
        assert_eq!(offer["model"], MODEL);
        // Three of seven and twice; our refused key and our limit are not the vendor's failure.
        assert_eq!((&offer["attempts"], &offer["failures"]), (&json!(14), &json!(8)), "{offer}");
        assert_eq!((&offer["uptime_bps"], &offer["now"]), (&json!(4_285), &json!("fails_often")), "{offer}");
        let slices = offer["slices"].as_array().unwrap();
        let sum = |of: &str| slices.iter().map(|slice| slice[of].as_u64().unwrap()).sum::<u64>();
        assert_eq!((sum("attempts"), sum("failures")), (14, 8), "{offer}");
        assert!(offer["first_token_ms"]["p50"].as_u64().unwrap() > 0, "{offer}");
    }
    let rows = market.count("select count(*) from offer_minute").await;
    market.engine.note_health(&Actor::Operator).await.unwrap();
    assert_eq!(offer(&market, "day").await["attempts"], 14, "counted twice");
    assert_eq!(market.count("select count(*) from offer_minute").await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_what_programs_are_told() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for scenario in ["ok", "ok", "ok", "server-error"] {
        ask(&buyer, MODEL, scenario, true).await;
    }
    market.engine.note_health(&Actor::Operator).await.unwrap();
    market.run("select ledger.check_recent()").await;
    let status = page(&market, "/status").await;
    for shown in ["75.00", "fails often", "1 of 4 failed", "balanced", &format!("href=\"/models/{MODEL}\"")] {
        assert!(status.contains(shown), "{shown} is not on the page: {status}");
    }
    let model = page(&market, &format!("/models/{MODEL}")).await;
    assert!(model.contains("Measured here, last 24 hours") && model.contains("75.00"), "{model}");
    assert!(!model.contains("Not measured yet"));
    let endpoints = told(&market, &format!("/api/v1/models/{MODEL}/endpoints")).await;
    let endpoint = &endpoints["data"]["endpoints"][0];
    assert_eq!((&endpoint["uptime_last_30m"], &endpoint["uptime_last_1d"]), (&json!(75.0), &json!(75.0)));
    assert!(endpoint["latency_last_30m"]["p50"].is_u64() && endpoint["throughput_last_30m"]["p99"].is_u64());
    assert_eq!((&endpoint["tag"], &endpoint["pricing"]["prompt"].is_string()), (&json!("openai"), &true));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_word_is_measured_as_its_reader_measures_it() {
    let market = Market::open_with(Pace::Realistic).await;
    let buyer = market.paying_buyer().await;
    let heard = ask(&buyer, MODEL, "ok", true).await.expect("nothing was said");
    market.engine.note_health(&Actor::Operator).await.unwrap();
    let offer = offer(&market, "half_hour").await;
    let (heard, told) = (heard.as_millis(), u128::from(offer["first_token_ms"]["mean"].as_u64().unwrap()));
    assert!(told <= heard && heard <= told + 250, "heard after {heard} ms, told {told} ms");
    // The simulator writes 40 to 90 tokens a second.
    let speed = offer["tokens_per_second"]["mean"].as_u64().unwrap();
    assert!((20..=120).contains(&speed), "{offer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_in_mid_answer_does_not_make_the_vendor_fail() {
    let market = Market::open_with(Pace::Realistic).await;
    let buyer = market.paying_buyer().await;
    let body = json!({
        "model": MODEL, "stream": true, "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    let mut response = buyer.chat(&body).send().await.unwrap();
    while let Some(chunk) = response.chunk().await.unwrap() {
        if has_word(&chunk) {
            break;
        }
    }
    drop(response);
    market.until_no_hold_is_open(Duration::from_secs(10)).await;
    market.engine.note_health(&Actor::Operator).await.unwrap();
    let offer = offer(&market, "half_hour").await;
    assert_eq!((&offer["attempts"], &offer["failures"]), (&json!(1), &json!(0)), "{offer}");
    assert_eq!(offer["tokens_per_second"], Value::Null, "half an answer tells nothing of speed: {offer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_write_health_down() {
    let market = Market::open().await;
    assert!(market.engine.note_health(&Actor::Visitor).await.is_err());
}
