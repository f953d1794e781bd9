//! A model that its vendor offers in the protocol of responses only: bought like any other.

use engine::Registry;
use serde_json::json;
use server::simulator::Pace;

use crate::support::{Answer, Market, Vendors, nanos};

const MODEL: &str = "openai/deep";

async fn market() -> Market {
    let stanza = r#"[[model]]
        id = "openai/deep"
        name = "Deep"
        publisher = "openai"
        provider = "openai"
        upstream = "deep"
        protocol = "openai_responses"
        kind = "chat"
        status = "active"
        max_output_tokens = 4096
        price = { input = "2", output = "8" }"#;
    let vendors = |simulator: std::net::SocketAddr| Vendors {
        registry: Registry::simulated(&format!("http://{simulator}")),
        egress: simulator.to_string(),
        own_models: Some(stanza.to_owned()),
    };
    Market::open_among(Pace::Instant, vendors).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_another_protocol_is_asked_in_it_and_paid_as_it_counts() {
    let market = market().await;
    let buyer = market.paying_buyer().await;
    let mut said = Vec::new();
    for stream in [false, true] {
        let body = json!({
            "model": MODEL, "stream": stream, "max_tokens": 300,
            "messages": [
                { "role": "system", "content": "Be brief" },
                { "role": "user", "content": "Name three harbours." },
            ],
        });
        let answer = Answer::to(buyer.chat(&body)).await.expect(200);
        let call = answer.header("x-generation-id");
        let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
        assert_eq!((&truth["dialect"], &truth["finished"]), (&json!("openai_responses"), &json!("complete")));
        let told = ["input", "output"].map(|part| receipt["usage"][part].clone());
        let counted = ["prompt_tokens", "completion_tokens_sent"].map(|part| truth[part].clone());
        assert_eq!((&receipt["usage_source"], told), (&json!("provider"), counted), "{receipt}");
        assert!(nanos(&receipt["charge_nanos"]) > 0);
        said.push(match stream {
            false => answer.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned(),
            true => {
                let chunks = answer.chunks();
                let pieces =
                    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
                pieces.collect()
            }
        });
    }
    assert_eq!(said[0], said[1]);
    assert!(!said[0].is_empty());
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_a_failure_and_an_uncounted_answer_come_through_it_too() {
    let market = market().await;
    let buyer = market.paying_buyer().await;
    let ask = |scenario: &str| {
        let content = format!("Name three harbours. [[simulate: {scenario}]]");
        let tool = json!({ "type": "function", "function": { "name": "look_up", "parameters": { "type": "object" } } });
        let body = json!({
            "model": MODEL, "stream": true, "tools": [tool], "messages": [{ "role": "user", "content": content }],
        });
        Answer::to(buyer.chat(&body))
    };
    let called = ask("tool-call").await.expect(200);
    let chunks = called.chunks();
    let calls = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]["function"]);
    let (names, arguments): (Vec<_>, Vec<_>) =
        calls.map(|call| (call["name"].as_str(), call["arguments"].as_str())).unzip();
    assert_eq!(names.into_iter().flatten().collect::<Vec<_>>(), ["look_up"]);
    let arguments: String = arguments.into_iter().flatten().collect();
    assert!(
        serde_json::from_str::<serde_json::Value>(&arguments).unwrap()["about"].is_string(),
        "{arguments}"
    );
    for (scenario, source) in [("no-usage", "estimated"), ("error-at-5", "estimated"), ("ok", "provider")] {
        let answer = ask(scenario).await.expect(200);
        let receipt = buyer.receipt(answer.header("x-generation-id")).await;
        assert_eq!(receipt["usage_source"], source, "{scenario}: {receipt}");
    }
    market.assert_books_balance().await;
}
