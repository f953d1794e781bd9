//! The calculator on a model's page, the Send button and the receipt tell one number of one call, whatever the model.

use marketplace::money::Nanos;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

/// As the calculator counts: bytes of a word, tokens around a message, and how many words the button expects back.
const WORD_BYTES: usize = 6;
const AROUND: u64 = 7;
const WORDS_BACK: u64 = 233;
/// What the button expects back has to fit.
const ANSWER_TOKENS: u64 = 400;
/// Of three numbers of tokens two are a number of words.
const TRIES: usize = 12;

/// What the page says a call of so many words costs; what is free has no calculator.
async fn calculated(market: &Market, model: &str, words_in: u64, words_out: u64) -> String {
    let path = format!("/models/{model}?words_in={words_in}&words_out={words_out}&calls=1");
    let page = Answer::to(market.get(&path)).await.expect(200).text;
    let Some(after) = page.split("A call, ").nth(1) else { return Nanos::ZERO.cost() };
    let amount = after.split("<span class=\"num\">").nth(1).unwrap();
    amount.split('<').next().unwrap().to_owned()
}

/// The number of words that the calculator takes for so many tokens, if there is one.
fn words_of(tokens: u64) -> Option<u64> {
    let words = tokens * 2 / 3;
    ((words * 3).div_ceil(2) == tokens).then_some(words)
}

/// Sentences of exactly so many words, as the calculator counts them.
fn prose(dice: &mut StdRng, words: u64) -> String {
    let mut word = || {
        (1..WORD_BYTES).map(|_| char::from(dice.random_range(b'a'..=b'z'))).chain([' ']).collect::<String>()
    };
    (0..words).map(|_| word()).collect()
}

/// Asked of the vendor whose price the page and the button tell; another may be cheaper for one call.
fn question(listed: &Value, text: &str) -> Value {
    json!({
        "model": listed["id"], "provider": { "only": [listed["provider"]] }, "max_tokens": ANSWER_TOKENS,
        "messages": [{ "role": "user", "content": text }],
    })
}

/// Calls until the vendor counts what is a number of words both ways; the words and the receipt.
async fn call(buyer: &Buyer<'_>, dice: &mut StdRng, listed: &Value) -> Option<(u64, u64, Value)> {
    for _ in 0..TRIES {
        let words = dice.random_range(5..200);
        let answer = Answer::to(buyer.chat(&question(listed, &prose(dice, words)))).await.expect(200);
        let receipt = buyer.receipt(answer.header("x-generation-id")).await;
        let usage = &receipt["usage"];
        let count = |name: &str| usage[name].as_u64().unwrap_or_else(|| panic!("{receipt}"));
        assert_eq!(count("cached_input") + count("cache_write"), 0, "{receipt}");
        let words = (count("input").checked_sub(AROUND).and_then(words_of), words_of(count("output")));
        if let (Some(words_in), Some(words_out)) = words {
            return Some((words_in, words_out, receipt));
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn calculator_button_and_receipt_tell_one_number_of_every_model() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    buyer.pay_in("500.00").await;
    let seed = std::env::var("MERCATO_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().next_u64());
    eprintln!("one_number: MERCATO_SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let listed = Answer::to(market.get("/v1/models?kind=chat&sale=open")).await.expect(200).json();
    let (mut told, mut charged) = (0, 0);
    for listed in listed["data"].as_array().unwrap() {
        let model = listed["id"].as_str().unwrap();
        let longest = listed["top_provider"]["max_completion_tokens"].as_u64();
        // The page tells what a call costs outside of cheaper hours.
        let has_hours = !listed["provider_price"]["off_peak"].is_null();
        if !has_hours && longest.is_none_or(|most| most >= ANSWER_TOKENS) {
            let words = dice.random_range(1..2_000);
            let body = question(listed, &prose(&mut dice, words));
            let quote = Answer::to(market.post("/api/v1/quote").bearer_auth(&buyer.key).json(&body)).await;
            let likely = Nanos(nanos(&quote.expect(200).json()["likely_nanos"]));
            let page = calculated(&market, model, words, WORDS_BACK).await;
            assert_eq!(page, likely.cost(), "{model}, {words} words");
            told += 1;
        }
        if !has_hours && let Some((words_in, words_out, receipt)) = call(&buyer, &mut dice, listed).await {
            let page = calculated(&market, model, words_in, words_out).await;
            let charge = Nanos(nanos(&receipt["charge_nanos"]));
            assert_eq!(page, charge.cost(), "{model}: {receipt}");
            charged += 1;
        }
    }
    eprintln!("{told} models told one number before a call, {charged} after one");
    assert!(told > 50 && charged > 50, "{told} and {charged}");
    market.assert_books_balance().await;
}
