//! Goals M3, M4 and M5: each call equals what an independent oracle makes of the vendor's truth.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::Value;

use crate::support::{Books, Buyer, Ended, Fleet, Order, Pace, Seen, is_full, sized};

/// The ways in which vendors report usage, well or badly.
const SHAPES: [&str; 16] = [
    "ok",
    "cached",
    "reasoning",
    "double-usage",
    "cumulative-usage",
    "zero-usage",
    "huge-usage",
    "no-usage",
    "null-usage",
    "negative-usage",
    "overflow-usage",
    "overcached-usage",
    "empty",
    "truncated",
    "split-utf8",
    "crlf",
];
/// The ways in which they fail.
const FAILURES: [&str; 10] = [
    "rate-limit",
    "server-error",
    "overloaded",
    "html",
    "redirect",
    "gzip-bomb",
    "unauthorized",
    "reset-at-9",
    "error-at-9",
    "error-at-0",
];
/// One for each dialect that is spoken; the last two are free.
const DIALECTS: [&str; 7] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4-5",
    "google/gemini-3.5-flash",
    "cohere/command-a-03-2025",
    "huggingface/openai/gpt-oss-20b",
    "ollama/llama3.1",
    "tgi/simulated/continuation-7b",
];
const CALLS_FULL: usize = 10_000;
const AT_ONCE: usize = 12;
const MODELS_FOUND_MAX: Duration = Duration::from_secs(20);
const HOLDS_CLOSED_MAX: Duration = Duration::from_secs(45);
const QUESTIONS: [&str; 4] = [
    "Name three harbours.",
    "Erkläre Ebbe und Flut: „kurz“ 🌊",
    "How are lighthouses lit?",
    "Write a long essay on tides.",
];

/// Every model that can be called, once those of one's own machine are found.
async fn callable(fleet: &Fleet) -> Vec<String> {
    for server in &fleet.servers {
        let begun = Instant::now();
        while !listed(fleet, &server.base).await.iter().any(|model| DIALECTS.ends_with(&[model.as_str()])) {
            assert!(begun.elapsed() < MODELS_FOUND_MAX, "a server finds no local models");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    listed(fleet, &fleet.servers[0].base).await
}

async fn listed(fleet: &Fleet, base: &str) -> Vec<String> {
    let list = fleet.client.get(format!("{base}/v1/models")).send().await.unwrap();
    let list: Value = list.json().await.unwrap();
    let models = list["data"].as_array().unwrap().iter();
    let open = models.filter(|model| model["available"] == true && model["kind"] == "chat");
    open.map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

fn orders(models: &[String]) -> Vec<Order> {
    let mut orders = Vec::new();
    let mut add = |model: &str, scenario: &str, streamed| {
        let question = QUESTIONS[orders.len() % QUESTIONS.len()];
        orders.push(Order { max_tokens: Some(400), streamed, ..Order::of(model, question, scenario) });
    };
    for dialect in DIALECTS {
        for scenario in SHAPES.into_iter().chain(FAILURES) {
            add(dialect, scenario, true);
            add(dialect, scenario, false);
        }
    }
    for (at, model) in models.iter().enumerate() {
        let shapes = if is_full() { &SHAPES[..] } else { &SHAPES[at % SHAPES.len()..][..1] };
        for (turn, shape) in shapes.iter().enumerate() {
            add(model, shape, (at / SHAPES.len() + turn).is_multiple_of(2));
        }
    }
    orders
}

async fn ask_all(fleet: &Arc<Fleet>, buyer: &Buyer, orders: Vec<Order>) -> Vec<Seen> {
    let calls = orders.into_iter().enumerate().map(|(at, order)| async move {
        let at = at % fleet.servers.len();
        order.ask(&fleet.client, (at, &fleet.servers[at].base), &buyer.key).await
    });
    futures_util::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_charged_as_the_oracle_would() {
    let fleet = Arc::new(Fleet::open(Pace::Instant).await);
    let probe = fleet.probe();
    let models = callable(&fleet).await;
    let buyer = fleet.buyer(0).await;
    buyer.pay_in(sized("100.00", "5000.00")).await;
    let begun = Instant::now();
    let mut seen = ask_all(&fleet, &buyer, orders(&models)).await;
    while is_full() && seen.len() < CALLS_FULL {
        seen.extend(ask_all(&fleet, &buyer, orders(&models)).await);
    }
    let took = begun.elapsed();
    fleet.until_nothing_is_held(HOLDS_CLOSED_MAX).await;
    let looked = probe.finish().await;
    assert!(seen.iter().all(|call| call.ended != Ended::Cut && call.status != 402), "a server broke off");
    let whole = |shape: &str| seen.iter().any(|call| call.scenario == shape && call.ended == Ended::Whole);
    for shape in SHAPES.into_iter().filter(|shape| !["empty", "truncated"].contains(shape)) {
        assert!(whole(shape), "no answer of the shape {shape} was ever whole");
    }
    let asked: HashSet<&str> = seen.iter().map(|call| call.model.as_str()).collect();
    let left_out: Vec<&String> = models.iter().filter(|model| !asked.contains(model.as_str())).collect();
    assert!(left_out.is_empty(), "nobody called {left_out:?}");
    eprintln!(
        "{} calls of {} models in {took:.1?}, {} probes of the books, 0 wrong",
        seen.len(),
        models.len(),
        looked.taken
    );
    let books = fleet.judge(&seen).await;
    assert_commission_does_not_drift(&fleet).await;
    assert_forgeries_are_found(&books);
}

/// Of all charges together the commission is its share, up to one nano-dollar a call.
async fn assert_commission_does_not_drift(fleet: &Fleet) {
    let drift = "select (sum(commission) * 10000 - sum(charge) * 3000)::bigint from usage_call";
    let (drift, calls) = (fleet.count(drift).await, fleet.count("select count(*) from usage_call").await);
    assert!((0..calls * 10_000).contains(&drift), "the commission drifted by {drift} ten-thousandths");
    eprintln!("commission above its exact share: {drift} / 10,000 nano-dollars over {calls} calls");
}

/// An oracle that finds nothing in forged books would prove nothing about the true ones.
fn assert_forgeries_are_found(books: &Books) {
    let changed = |line: &str, table: &str, field: &str, by: i64| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let is_it = line["table"] == table && line["row"][field].as_i64().is_some_and(|value| value != 0);
        line["row"][field] = Value::from(line["row"][field].as_i64().unwrap_or_default() + by);
        is_it.then(|| line.to_string())
    };
    let is_call = |line: &str| line.contains(r#""table": "usage_call""#);
    let forgeries: [(&str, Books); 7] = [
        ("a nano-dollar more", books.forged("ledger.jsonl", |line| changed(line, "usage_call", "charge", 1))),
        (
            "an output token less",
            books.forged("ledger.jsonl", |line| changed(line, "usage_call", "output", -1)),
        ),
        (
            "an entry that is off",
            books.forged("ledger.jsonl", |line| changed(line, "ledger_entry", "amount", 1)),
        ),
        ("a balance that is off", books.forged("ledger.jsonl", |line| changed(line, "wallet", "posted", -1))),
        ("a call that is gone", books.forged("ledger.jsonl", |line| is_call(line).then(String::new))),
        (
            "a call that is there twice",
            books.forged("ledger.jsonl", |line| is_call(line).then(|| format!("{line}\n{line}"))),
        ),
        ("a request asked twice", books.forged("truth.jsonl", |line| Some(format!("{line}\n{line}")))),
    ];
    for (forgery, books) in forgeries {
        let verdict = books.verdict();
        assert!(!verdict.agrees, "the oracle did not find {forgery}");
        eprintln!("found {forgery}: {}", verdict.words);
    }
}
