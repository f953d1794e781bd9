//! Goals R3, F12, F13 and F14: readers who hang up at any moment, and what their vendors and their books say of it.
#![expect(clippy::print_stderr, reason = "a test tells its figures")]

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use server::simulator::Pace;

use crate::oracle::{Prices, Used};
use crate::support::{Buyer, Connection, Market, now_ms};

const MODELS: [&str; 2] = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"];
const AT_ONCE: usize = 20;
const STAY_MS_MAX: u64 = 1_800;
const PROMPT_CLOSING: Duration = Duration::from_secs(3);
/// How soon a vendor must see that its caller has left.
const HUNG_UP_MS_MAX: u64 = 1_000;
/// How far what is billed may be from what was read, in tokens of four bytes.
const TOKENS_APART_MAX: u64 = 16;
/// Each call is known to its vendor by how much it asks for.
const MAX_TOKENS_LEAST: usize = 1_000;

/// Short in continuous integration, long by `MERCATO_RACES=full`.
fn times() -> usize {
    if std::env::var("MERCATO_RACES").is_ok_and(|size| size == "full") { 1_000 } else { 80 }
}

fn dice() -> StdRng {
    let given = std::env::var("MERCATO_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(rand::random);
    eprintln!("MERCATO_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

struct Left {
    bytes: u64,
    at_ms: u64,
}

async fn stay_and_leave(buyer: &Buyer<'_>, number: usize, stay_ms: u64) -> Left {
    let body = json!({
        "model": MODELS[number % MODELS.len()], "stream": true, "max_tokens": MAX_TOKENS_LEAST + number,
        "messages": [{ "role": "user", "content": "Write a long story of the sea." }],
    });
    let mut connection = Connection::ask(buyer, &body).await;
    connection.read_for(Duration::from_millis(stay_ms)).await;
    let bytes = connection.answer_bytes() as u64;
    drop(connection);
    Left { bytes, at_ms: now_ms() }
}

/// What was billed, by call.
async fn billed(market: &Market) -> HashMap<String, (u64, i64, String)> {
    let query = "select call_id::text, output + reasoning, charge, usage_source from usage_call";
    let rows: Vec<(String, i64, i64, String)> = sqlx::query_as(query).fetch_all(&market.db).await.unwrap();
    rows.into_iter().map(|(call, output, charge, source)| (call, (output as u64, charge, source))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_at_any_moment_is_billed_for_what_was_read_and_their_vendor_hung_up_on() {
    let market = Market::open_with(Pace::Realistic).await;
    let buyer = market.buyer().await;
    buyer.pay_in("50.00").await;
    let (mut dice, times) = (dice(), times());
    let stays: Vec<u64> = (0..times).map(|_| dice.random_range(0..=STAY_MS_MAX)).collect();
    let leaving = stays.iter().enumerate().map(|(number, stay)| stay_and_leave(&buyer, number, *stay));
    let left: Vec<Left> = futures_util::stream::iter(leaving).buffered(AT_ONCE).collect().await;
    market.until_no_hold_is_open(PROMPT_CLOSING).await;
    tokio::time::sleep(Duration::from_millis(HUNG_UP_MS_MAX)).await;
    let (truths, billed) = (market.truths().await, billed(&market).await);
    let holds = market.count("select count(*) from hold").await as usize;
    assert_eq!(billed.len(), holds, "a call left nothing in the books");
    let (mut early, mut slowest_ms, mut furthest) = (0, 0_u64, 0_u64);
    for truth in &truths {
        let number = truth["seen_max_tokens"].as_u64().unwrap() as usize - MAX_TOKENS_LEAST;
        let (left, call) = (&left[number], truth["request_id"].as_str().unwrap());
        let (output, charge, source) = &billed[call];
        assert_eq!(truth["finished"], "disconnected", "{truth}");
        let seen_ms = truth["disconnected_at_ms"].as_u64().unwrap().saturating_sub(left.at_ms);
        assert!(seen_ms <= HUNG_UP_MS_MAX, "hung up on after {seen_ms} ms: {truth}");
        let apart = output.abs_diff(left.bytes / 4);
        assert!(apart <= TOKENS_APART_MAX, "{} bytes read, {output} tokens billed: {truth}", left.bytes);
        if truth["completion_tokens_sent"] == 0 {
            early += 1;
            assert_eq!((*charge, source.as_str()), (0, "none"), "{truth}");
        }
        (slowest_ms, furthest) = (slowest_ms.max(seen_ms), furthest.max(apart));
    }
    eprintln!(
        "{times} left, {holds} holds, {} reached a vendor, {early} left before the first word; hung up on after {slowest_ms} ms at most; billed and read at most {furthest} tokens apart",
        truths.len()
    );
    assert!(early > 0 && early < truths.len(), "nobody left early, or everybody");
    market.assert_books_balance().await;
}

/// Asks, reads to the last words of the stream, and leaves before its end is said.
async fn leave_at_the_end(buyer: &Buyer<'_>, number: usize, wait_ms: u64) -> String {
    let body = json!({
        "model": MODELS[number % MODELS.len()], "stream": true, "max_tokens": 40,
        "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    let mut connection = Connection::ask(buyer, &body).await;
    let last = if number.is_multiple_of(3) { "\"finish_reason\":\"length\"" } else { "data: [DONE]" };
    connection.until(last).await;
    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    connection.call()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_right_after_the_last_word_pays_once_and_in_full() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.pay_in("50.00").await;
    let (mut dice, times) = (dice(), times());
    let waits: Vec<u64> = (0..times).map(|_| dice.random_range(0..=5)).collect();
    let calls = waits.iter().enumerate().map(|(number, wait)| leave_at_the_end(&buyer, number, *wait));
    let calls: Vec<String> = futures_util::stream::iter(calls).buffered(AT_ONCE).collect().await;
    market.until_no_hold_is_open(PROMPT_CLOSING).await;
    let (truths, billed) = (market.truths().await, billed(&market).await);
    let reported: HashMap<&str, &Value> = truths
        .iter()
        .map(|truth| (truth["request_id"].as_str().unwrap(), &truth["usage_reported"]))
        .collect();
    for (number, call) in calls.iter().enumerate() {
        let bill =
            Prices::of(MODELS[number % MODELS.len()]).bill(&Used::reported(reported[call.as_str()]), 3_000);
        assert_eq!(billed[call].1, bill.charge, "{call}");
        assert_eq!(market.debits(call).await, [-bill.charge], "{call}");
    }
    eprintln!("{times} left at the last word, each paid once and in full");
    market.assert_books_balance().await;
}
