//! Goal R9: what we count ourselves where a vendor counts nothing, beside what was really used.

use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

/// A family of models that count alike.
const FAMILIES: [&str; 5] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4-5",
    "google/gemini-3.5-flash",
    "cohere/command-a-03-2025",
    "mistral/mistral-large-4",
];
/// Short and long, in words, code, JSON and scripts without spaces. The answers take them up.
const QUESTIONS: [&str; 8] = [
    "How are lighthouses lit?",
    "Write a long essay on tides.",
    "How do I sort a list of names in Python?",
    "Explain in one sentence what a harbour is.",
    "What does this do: fn f(x: &[u8]) -> usize { x.iter().filter(|b| **b == b'\\n').count() }",
    "Read {\"id\":\"call_01\",\"amount\":\"1250000\",\"tags\":[\"a\",\"b\"]} to me.",
    "灯塔最初用木柴点燃，后来改用油灯，自一八七五年起使用电力。为什么？",
    "Ship it 🚢🌊 – 👩‍👩‍👧‍👦 or not? 👋🏽",
];
/// Of so many answers one comes without a count.
const ONE_IN: i64 = 100;
/// Hundredths of the true charge that an estimate may be apart from it.
const APART_MAX: i64 = 5;

/// What a call was charged, and what it would have been had its vendor counted.
async fn charges(buyer: &Buyer<'_>, model: &str, question: &str) -> (i64, i64) {
    let body = json!({
        "model": model, "stream": true,
        "messages": [{ "role": "user", "content": format!("{question} [[simulate: no-usage]]") }],
    });
    let answer = Answer::to(buyer.chat(&body)).await.expect(200);
    let call = answer.header("x-generation-id");
    let (receipt, truth) = (buyer.receipt(call).await, buyer.market.truth(call).await);
    assert_eq!(receipt["usage_source"], "estimated", "{receipt}");
    assert!(nanos(&receipt["charge_nanos"]) <= nanos(&receipt["hold_nanos"]), "{receipt}");
    let count = |value: &Value| i128::from(value.as_i64().unwrap());
    let used = Used {
        input: count(&truth["prompt_tokens"]),
        output: count(&truth["completion_tokens_sent"]),
        ..Used::default()
    };
    (nanos(&receipt["charge_nanos"]), Prices::of(model).bill(&used, 3_000).charge)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_counted_is_marked_and_estimated_within_a_twentieth() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (mut apart_sum, mut revenue) = (0_i64, 0_i64);
    for model in FAMILIES {
        let (mut charged, mut true_charge) = (0_i64, 0_i64);
        for question in QUESTIONS {
            let (estimate, truth) = charges(&buyer, model, question).await;
            (charged, true_charge) = (charged + estimate, true_charge + truth);
        }
        let apart_bps = (charged - true_charge) * 10_000 / true_charge;
        eprintln!(
            "{model}: estimated {charged}, true {true_charge} nano-dollars, {apart_bps} hundredths of a percent apart"
        );
        assert!(apart_bps.abs() <= APART_MAX * 100, "{model} is estimated {apart_bps} bps off");
        apart_sum += (charged - true_charge).abs();
        revenue += true_charge * ONE_IN;
    }
    let share_bps = apart_sum * 10_000 / revenue;
    eprintln!("with one answer in {ONE_IN} uncounted: {share_bps} hundredths of a percent of revenue");
    assert!(share_bps < 50);
    let unmarked = "select count(*) from usage_call where usage_source <> 'estimated'";
    assert_eq!(market.count(unmarked).await, 0);
}
