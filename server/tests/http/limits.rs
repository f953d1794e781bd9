//! Time limits fire when they say, the vendor is hung up on, and nobody pays for silence.

use std::time::{Duration, Instant};

use engine::{Actor, Limits, Order, Routing};
use marketplace::chat::{ChatRequest, Delivery, Message, Role};
use marketplace::id::ModelId;
use serde_json::{Map, Value, json};
use server::simulator::Pace;

use crate::support::{Answer, Market, nanos};

const LIMIT: Duration = Duration::from_secs(2);
const PROMPT_CLOSING: Duration = Duration::from_secs(2);

/// What a call met whose vendor took too long.
struct Waited {
    answer: Answer,
    receipt: Value,
    truth: Value,
}

async fn wait_for(limits: Limits, scenario: &str, stream: bool) -> Waited {
    let market = Market::open_within(Pace::Instant, limits).await;
    let buyer = market.paying_buyer().await;
    let text = format!("Tell me a story. [[simulate: {scenario}]]");
    let body = json!({
        "model": "openai/gpt-5-mini", "stream": stream, "messages": [{ "role": "user", "content": text }],
    });
    let answer = Answer::to(buyer.chat(&body)).await;
    market.until_no_hold_is_open(PROMPT_CLOSING).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let truths = market.truths().await;
    assert_eq!(truths.len(), 1, "the vendor was not asked once: {truths:?}");
    let call = truths[0]["request_id"].as_str().unwrap();
    let receipt = buyer.receipt(call).await;
    assert_eq!(buyer.available().await, 10_000_000_000 - nanos(&receipt["charge_nanos"]));
    market.assert_books_balance().await;
    Waited { answer, receipt, truth: truths[0].clone() }
}

impl Waited {
    /// The vendor was hung up on after the limit.
    #[track_caller]
    fn assert_in_time(&self) {
        let at =
            |name: &str| self.truth[name].as_u64().unwrap_or_else(|| panic!("no {name}: {}", self.truth));
        let waited = Duration::from_millis(at("disconnected_at_ms") - at("started_at_ms"));
        assert_near(waited);
    }

    #[track_caller]
    fn assert_free(&self) {
        assert_eq!(nanos(&self.receipt["charge_nanos"]), 0, "{}", self.receipt);
        assert!(self.answer.status >= 500, "{} {}", self.answer.status, self.answer.text);
    }

    /// Broken off in words, and paid as far as it came.
    #[track_caller]
    fn assert_paid_as_far_as_it_came(&self) {
        let chunks = self.answer.chunks();
        let texts = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
        let bytes: usize = texts.map(str::len).sum();
        let last = chunks.last().unwrap();
        assert!(last["error"]["message"].is_string(), "{last}");
        assert_eq!(last["choices"][0]["finish_reason"], "error", "{last}");
        assert_eq!(self.receipt["usage"]["output"].as_u64(), Some(bytes as u64 / 4), "{}", self.receipt);
        assert!(nanos(&self.receipt["charge_nanos"]) > 0, "{}", self.receipt);
    }
}

#[track_caller]
fn assert_near(waited: Duration) {
    // Beside other tests a task may be woken late; a tenth is asked where nothing else runs.
    let late =
        if std::env::var("MERCATO_RACES").is_ok_and(|size| size == "full") { LIMIT / 10 } else { LIMIT };
    assert!(waited >= LIMIT * 9 / 10 && waited <= LIMIT + late, "{waited:?} instead of {LIMIT:?}");
}

/// Goal F5.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_word_that_never_comes_is_given_up_in_time() {
    let waited = wait_for(Limits { first_event: LIMIT, ..Limits::default() }, "hang", true).await;
    waited.assert_free();
    waited.assert_in_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_that_never_comes_is_given_up_in_time() {
    let waited = wait_for(Limits { total: LIMIT, ..Limits::default() }, "hang", false).await;
    waited.assert_free();
    waited.assert_in_time();
}

/// Goal F6.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stops_coming_is_given_up_in_time_and_nobody_else_is_asked() {
    let waited = wait_for(Limits { gap: LIMIT, ..Limits::default() }, "stall-at-9", true).await;
    waited.assert_paid_as_far_as_it_came();
    waited.assert_in_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_ends_is_given_up_in_time() {
    let waited = wait_for(Limits { total: LIMIT, ..Limits::default() }, "slow", true).await;
    waited.assert_paid_as_far_as_it_came();
    waited.assert_in_time();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_takes_nothing_is_given_up_in_time() {
    let market = Market::open_within(Pace::Instant, Limits { reader: LIMIT, ..Limits::default() }).await;
    let buyer = market.paying_buyer().await;
    let actor: Actor = market.engine.recognise_key(&buyer.key).await.unwrap();
    let request = ChatRequest {
        model: ModelId::parse("openai/gpt-5-mini").unwrap(),
        messages: vec![Message::text(Role::User, "Tell me a story. [[simulate: many]]")],
        max_output_tokens: None,
        stream: Delivery::Streamed,
        options: Map::new(),
    };
    let routing = Routing::default();
    let order = Order { request, routing, conversation: None, cap: None, run: None, id: None };
    let begun = Instant::now();
    let call = market.engine.chat(&actor, order).await.unwrap();
    market.until_no_hold_is_open(2 * LIMIT).await;
    assert_near(begun.elapsed());
    let receipt = buyer.receipt(&call.id.to_string()).await;
    assert_eq!((nanos(&receipt["charge_nanos"]), &receipt["finish"]), (0, &json!("stopped")), "{receipt}");
}
