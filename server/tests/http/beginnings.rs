//! An answer that begins and says nothing is none: somebody else may be asked, and the buyer sees only the one who speaks.

use std::net::SocketAddr;

use engine::Registry;
use serde_json::{Value, json};

use crate::support::{Answer, Market, Vendor, Vendors, nanos};
use server::simulator::Pace;

/// Sold by Groq, who begins and breaks off here, then by Together at the same price.
const MODEL: &str = "openai/gpt-oss-120b";
const ROLE: &str =
    r#"{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const WORD: &str = r#"{"id":"c1","choices":[{"index":0,"delta":{"content":"Hull"},"finish_reason":null}]}"#;
const ERROR: &str = r#"{"error":{"message":"The server had an error.","type":"server_error"}}"#;

fn lines(chunks: &[&str]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

/// A market where Groq says these things to everybody, and Together answers well.
async fn market_of(groq: &Vendor) -> Market {
    let groq = groq.addr;
    let registry = move |simulator: SocketAddr| {
        let registry = Registry::from_settings(|name| match name {
            "GROQ_BASE_URL" => Some(format!("http://{groq}/v1")),
            "TOGETHER_BASE_URL" => Some(format!("http://{simulator}/together/v1")),
            "GROQ_API_KEY" | "TOGETHER_API_KEY" => Some("simulated".to_owned()),
            _ => None,
        });
        Vendors { registry: registry.unwrap(), egress: format!("{simulator},{groq}"), own_models: None }
    };
    Market::open_among(Pace::Instant, registry).await
}

fn question(stream: bool, more: &Value) -> Value {
    let mut body = json!({
        "model": MODEL, "max_tokens": 200, "stream": stream,
        "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    body["provider"] = more.clone();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_is_asked_when_nothing_came_but_the_beginning() {
    for (chunks, outcome) in [(vec![ROLE], "truncated_stream"), (vec![ROLE, ERROR], "server_error")] {
        let groq = Vendor::saying("text/event-stream", lines(&chunks)).await;
        let market = market_of(&groq).await;
        let buyer = market.paying_buyer().await;
        for stream in [true, false] {
            let answer = Answer::to(buyer.chat(&question(stream, &json!({ "allow_fallbacks": true })))).await;
            let answer = answer.expect(200);
            assert_eq!(answer.header("x-mercato-provider"), "together");
            assert_eq!(answer.header("x-mercato-attempts"), "2");
            if stream {
                let chunks = answer.chunks();
                let roles = chunks.iter().filter(|chunk| chunk["choices"][0]["delta"]["role"].is_string());
                assert_eq!(roles.count(), 1, "{}", answer.text);
                assert!(chunks.iter().all(|chunk| chunk["provider"] == "Together"), "{}", answer.text);
            }
            let call = answer.header("x-generation-id");
            let receipt = buyer.receipt(call).await;
            let told = |number: usize| {
                (&receipt["attempts"][number]["provider"], &receipt["attempts"][number]["outcome"])
            };
            assert_eq!(told(0), (&json!("groq"), &json!(outcome)), "{receipt}");
            assert_eq!(told(1), (&json!("together"), &json!("answered")), "{receipt}");
            assert_eq!(market.debits(call).await, [-nanos(&receipt["charge_nanos"])]);
        }
        assert_eq!(groq.times_asked(), 2);
        market.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anybody_else_it_is_refused_with_a_status_and_costs_nothing() {
    let groq = Vendor::saying("text/event-stream", lines(&[ROLE])).await;
    let market = market_of(&groq).await;
    let buyer = market.paying_buyer().await;
    let alone = json!({ "allow_fallbacks": false });
    let refused = Answer::to(buyer.chat(&question(true, &alone))).await.expect(502);
    let call = refused.header("x-generation-id");
    assert_eq!(buyer.receipt(call).await["charge_nanos"], "0");
    assert_eq!(market.debits(call).await, Vec::<i64>::new());
    assert!(market.truths().await.is_empty(), "somebody else was asked");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_asked_after_the_first_word() {
    let groq = Vendor::saying("text/event-stream", lines(&[ROLE, WORD, ERROR])).await;
    let market = market_of(&groq).await;
    let buyer = market.paying_buyer().await;
    let answer =
        Answer::to(buyer.chat(&question(true, &json!({ "allow_fallbacks": true })))).await.expect(200);
    assert_eq!(answer.header("x-mercato-provider"), "groq");
    let last = answer.chunks().pop().unwrap();
    assert!(last["error"]["message"].is_string(), "{}", answer.text);
    assert!(market.truths().await.is_empty(), "somebody else was asked");
    market.assert_books_balance().await;
}
