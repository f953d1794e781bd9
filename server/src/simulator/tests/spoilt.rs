//! Conversations with vendors that are not well.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::sockets::{connect, read_until, started, wait_for_truths};
use super::*;

#[tokio::test]
async fn usage_can_be_absent_null_impossible_or_grow() {
    let simulator = instant();
    for (scenario, usage) in [("no-usage", None), ("null-usage", Some(Value::Null))] {
        let (_, body) = json(&simulator, asking(OPENAI, scenario, json!({}))).await;
        assert_eq!(body.get("usage").cloned(), usage, "{scenario}");
        let (_, body) = json(&simulator, asking(ANTHROPIC, scenario, json!({}))).await;
        assert_eq!(body.get("usage").cloned(), usage, "{scenario}");
    }
    let (_, body) = json(&simulator, asking(OPENAI, "overflow-usage", json!({}))).await;
    assert_eq!(body["usage"]["completion_tokens"], i64::MAX);
    let (_, body) = json(&simulator, asking(OPENAI, "overcached-usage", json!({}))).await;
    let usage = &body["usage"];
    assert!(usage["prompt_tokens_details"]["cached_tokens"].as_i64() > usage["prompt_tokens"].as_i64());
    let events = events(&simulator, asking(OPENAI, "cumulative-usage", streamed())).await;
    let counts: Vec<i64> =
        events.iter().filter_map(|event| event["usage"]["completion_tokens"].as_i64()).collect();
    assert!(counts.len() > 20 && counts.is_sorted(), "{counts:?}");
    assert_eq!(truths(&simulator).last().unwrap()["completion_tokens_sent"], *counts.last().unwrap());
}

#[tokio::test]
async fn a_flood_goes_on_until_it_is_bounded() {
    let simulator = instant();
    let (_, body) = json(&simulator, asking(OPENAI, "flood", json!({"max_tokens": 40_000}))).await;
    assert_eq!(
        (&body["usage"]["completion_tokens"], &body["choices"][0]["finish_reason"]),
        (&json!(40_000), &json!("length"))
    );
}

#[tokio::test]
async fn a_redirect_leads_into_a_trap_that_is_written_down() {
    let running = started(Pace::Instant).await;
    let mut socket = connect(&running, OPENAI, "redirect").await;
    read_until(&mut socket, |seen| seen.contains("location: http://vendor/trap")).await;
    socket.write_all(b"GET /trap HTTP/1.1\r\nhost: vendor\r\n\r\n").await.unwrap();
    read_until(&mut socket, |seen| seen.contains("200 OK")).await;
    let simulator = instant();
    router(simulator.clone()).oneshot(Request::get("/trap").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(
        (&truths(&simulator)[0]["vendor"], &truths(&simulator)[0]["request_id"]),
        (&json!("trap"), &Value::Null)
    );
}

#[tokio::test]
async fn a_bomb_is_small_until_it_is_unpacked() {
    let response = router(instant()).oneshot(asking(OPENAI, "gzip-bomb", json!({}))).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let packed = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(packed.starts_with(&[0x1f, 0x8b, 8]) && packed.len() < 7 << 20, "{} bytes", packed.len());
}

#[tokio::test]
async fn a_reset_is_no_polite_end() {
    let running = started(Pace::Instant).await;
    let mut socket = connect(&running, OPENAI, "reset-at-2").await;
    let error = socket.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_silence_is_written_down_when_the_caller_has_had_enough() {
    let running = started(Pace::Instant).await;
    for (scenario, answers) in [("hang", false), ("stall-at-0", true)] {
        let mut socket = connect(&running, OPENAI, scenario).await;
        if answers {
            read_until(&mut socket, |seen| seen.contains("\r\n\r\n")).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let left_at_ms = truth::since_epoch().as_millis() as u64;
        drop(socket);
        let truth = wait_for_truths(&running, 1 + usize::from(answers)).await.pop().unwrap();
        let seen_at_ms = truth["disconnected_at_ms"].as_u64().unwrap();
        assert_eq!(truth["finished"], scenario);
        assert!((left_at_ms..left_at_ms + 1_000).contains(&seen_at_ms), "left at {left_at_ms}: {truth}");
        assert!(truth["request_bytes"].as_u64().unwrap() > 50, "{truth}");
    }
}
