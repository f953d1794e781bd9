//! Vendors that fail, break off or report nonsense: nothing is charged twice, too high or for nothing.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos, now_ms};

const MODELS: [&str; 2] = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"];

/// A call that was made, with what it left behind.
struct Made {
    what: String,
    model: &'static str,
    answer: Answer,
    receipt: Value,
    debits: Vec<i64>,
    truth: Value,
}

impl Made {
    fn amount(&self, name: &str) -> i64 {
        nanos(&self.receipt[format!("{name}_nanos")])
    }

    /// The text that the buyer received.
    fn text(&self) -> String {
        if self.answer.header("content-type").starts_with("text/event-stream") {
            let chunks = self.answer.chunks();
            let deltas = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]);
            return deltas.filter_map(|delta| delta["content"].as_str()).collect();
        }
        self.answer.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
    }

    fn assert_free(&self) {
        let Self { what, receipt, debits, .. } = self;
        assert!(debits.is_empty(), "{what} moved {debits:?}");
        assert_eq!(self.amount("charge"), 0, "{what}: {receipt}");
        assert_eq!(self.amount("released"), self.amount("hold"), "{what}: {receipt}");
        assert!(self.amount("hold") > 0, "{what}: {receipt}");
    }

    /// Whole and uncounted, it is charged by our own count, and by no number of the vendor's. A letter that takes several
    /// tokens is one to the simulator.
    fn assert_counted_by_us(&self) {
        let sent = i128::from(self.truth["completion_tokens_sent"].as_i64().unwrap());
        assert!(sent > 40, "{}", self.what);
        self.assert_estimated(sent..=sent + 3);
    }

    /// Cut off, it is charged by what was delivered, four bytes a token.
    fn assert_charged_as_far_as_it_came(&self) {
        let came = self.text().len() as i128 / 4;
        self.assert_estimated(came..=came);
    }

    fn assert_estimated(&self, output: RangeInclusive<i128>) {
        let Self { what, receipt, debits, .. } = self;
        assert_eq!(receipt["usage_source"], "estimated", "{what}");
        let used = Used::on_receipt(receipt);
        assert!(output.contains(&used.output), "{what}: {output:?}, {receipt}");
        assert!(used.input > 0, "{what}: {receipt}");
        let bill = Prices::of(self.model).bill(&used, 3_000);
        assert_eq!((self.amount("charge"), self.amount("overrun")), (bill.charge, 0), "{what}: {receipt}");
        assert!(bill.charge > 0 && bill.charge <= self.amount("hold"), "{what}: {receipt}");
        assert_eq!(*debits, [-bill.charge], "{what}");
    }
}

/// Makes one call in a scenario and checks what must hold however it ends.
async fn make(buyer: &Buyer<'_>, model: &'static str, scenario: &str, stream: bool, status: u16) -> Made {
    let (market, what) = (buyer.market, format!("{scenario} of {model}, stream {stream}"));
    let before = buyer.available().await;
    let text = format!("Name three harbours. [[simulate: {scenario}]]");
    let body = json!({
        "model": model, "stream": stream, "max_tokens": 400, "messages": [{ "role": "user", "content": text }],
    });
    let answer = Answer::to(buyer.chat(&body)).await;
    assert_eq!(answer.status, status, "{what}: {}", answer.text);
    let newest = "select call_id::text from hold order by opened_at desc limit 1";
    let call: String = sqlx::query_scalar(newest).fetch_one(&market.db).await.unwrap();
    let (receipt, debits) = (buyer.receipt(&call).await, market.debits(&call).await);
    let balance = buyer.balance().await;
    assert_eq!(balance["held_nanos"], "0", "{what} left a hold");
    assert_eq!(buyer.available().await, before + debits.iter().sum::<i64>(), "{what}");
    market.assert_books_balance().await;
    Made { what, model, answer, receipt, debits, truth: market.truth(&call).await }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_cannot_be_trusted_is_replaced_by_our_own_count() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for scenario in ["no-usage", "null-usage", "negative-usage", "overflow-usage", "overcached-usage"] {
            for stream in [false, true] {
                make(&buyer, model, scenario, stream, 200).await.assert_counted_by_us();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explicit_zero_is_a_price_of_zero() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for stream in [false, true] {
            let made = make(&buyer, model, "zero-usage", stream, 200).await;
            made.assert_free();
            assert!(!made.text().is_empty(), "{}", made.what);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_reported_again_and_again_is_charged_once() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for scenario in ["double-usage", "cumulative-usage"] {
            let made = make(&buyer, model, scenario, true, 200).await;
            let bill = Prices::of(model).bill(&Used::reported(&made.truth["usage_reported"]), 3_000);
            assert_eq!(made.debits, [-bill.charge], "{}", made.what);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_never_pays_more_than_the_hold_whatever_is_reported() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for stream in [false, true] {
            let made = make(&buyer, model, "huge-usage", stream, 200).await;
            let bill = Prices::of(model).bill(&Used::reported(&made.truth["usage_reported"]), 3_000);
            let (hold, overrun) = (made.amount("hold"), made.amount("overrun"));
            assert_eq!(made.amount("charge"), bill.charge, "{}: {}", made.what, made.receipt);
            assert_eq!(made.debits, [-bill.charge.min(hold)], "{}", made.what);
            assert_eq!(overrun, (bill.charge - hold).max(0), "{}: {}", made.what, made.receipt);
            assert!(overrun > 0, "{} was not huge: {}", made.what, made.receipt);
        }
    }
    let overruns = "select count(*) from ledger_entry where account = 'platform:overrun' and amount < 0";
    assert_eq!(market.count(overruns).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_costs_nothing_and_says_nothing_of_our_keys() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for stream in [false, true] {
            for (scenario, status) in [
                ("server-error", 502),
                ("html", 502),
                ("redirect", 502),
                ("gzip-bomb", 502),
                ("unauthorized", 502),
                ("overloaded", 529),
                ("rate-limit", 429),
            ] {
                let made = make(&buyer, model, scenario, stream, status).await;
                made.assert_free();
                assert!(made.answer.json()["error"]["message"].is_string(), "{}", made.answer.text);
                assert_eq!(made.answer.header("x-should-retry"), "true", "{}", made.what);
                for inside in ["Incorrect API key", "x-api-key", "nginx", "<html", "127.0.0.1"] {
                    assert!(!made.answer.text.contains(inside), "{} tells: {}", made.what, made.answer.text);
                }
                if scenario == "rate-limit" {
                    assert_eq!(made.answer.header("retry-after"), "2");
                }
            }
        }
    }
    let was_followed = market.truths().await.iter().any(|record| record["vendor"] == "trap");
    assert!(!was_followed, "a redirect led to a private address");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_costs_nothing() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for stream in [false, true] {
            make(&buyer, model, "empty", stream, 502).await.assert_free();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_that_did_not_arrive_whole_costs_nothing() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for scenario in ["truncated", "error-at-5", "reset-at-5"] {
            make(&buyer, model, scenario, false, 502).await.assert_free();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_is_charged_as_far_as_it_came() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for scenario in ["truncated", "error-at-5", "reset-at-5"] {
            let made = make(&buyer, model, scenario, true, 200).await;
            made.assert_charged_as_far_as_it_came();
            assert_broken_off(&made);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_in_mid_answer_is_not_asked_again() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        for scenario in ["truncated", "error-at-5", "reset-at-5"] {
            let made = make(&buyer, model, scenario, true, 200).await;
            let call = made.answer.header("x-generation-id");
            let truths = market.truths().await;
            let asked = truths.iter().filter(|record| record["request_id"] == call).count();
            assert_eq!(asked, 1, "{} was asked more than once", made.what);
            let said = made.truth["completion_bytes_sent"].as_u64().unwrap();
            assert!(made.text().len() as u64 <= said, "{} was heard twice: {}", made.what, made.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_told_within_a_second() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in MODELS {
        let body = json!({
            "model": model, "stream": true,
            "messages": [{ "role": "user", "content": "Name three harbours. [[simulate: reset-at-5]]" }],
        });
        let answer = Answer::to(buyer.chat(&body)).await.expect(200);
        let told_at_ms = now_ms();
        let broken_at_ms =
            market.truth(answer.header("x-generation-id")).await["ended_at_ms"].as_u64().unwrap();
        assert!(told_at_ms - broken_at_ms < 1_000, "{model}: told after {} ms", told_at_ms - broken_at_ms);
    }
}

/// Goal F10: whoever has nothing left but the hold ends with nothing, and not with less.
#[tokio::test(flavor = "multi_thread")]
async fn an_overrun_leaves_an_empty_wallet_and_a_figure_that_alarms() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.pay_in("1.00").await;
    for stream in [true, false].into_iter().cycle() {
        let body = json!({
            "model": "openai/gpt-6-astra", "stream": stream, "max_tokens": 4_096,
            "messages": [{ "role": "user", "content": "Write a long essay on tides. [[simulate: huge-usage]]" }],
        });
        let status = Answer::to(buyer.chat(&body)).await.status;
        market.assert_books_balance().await;
        if status != 200 {
            assert_eq!(status, 402);
            break;
        }
    }
    assert_eq!(buyer.available().await, 0);
    assert!(market.count("select count(*) from usage_call where overrun > 0").await > 1);
    let figures = Answer::to(market.get("/metrics")).await.expect(200).text;
    let figure = figures.lines().find_map(|line| line.strip_prefix("mercato_overrun_usd ")).unwrap();
    assert!(figure.parse::<f64>().unwrap() > 0.0, "{figure}");
}

/// A stream that failed says so in its last chunk, and never claims to be done.
#[track_caller]
fn assert_broken_off(made: &Made) {
    let chunks = made.answer.chunks();
    let last = chunks.last().unwrap_or_else(|| panic!("{} was silent", made.what));
    assert_eq!(last["choices"][0]["finish_reason"], "error", "{}: {last}", made.what);
    assert!(last["error"]["message"].is_string(), "{}: {last}", made.what);
    assert!(!made.answer.data_lines().contains(&"[DONE]"), "{} claims to be done", made.what);
}
