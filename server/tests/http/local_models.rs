//! Models on a server of the operator's own: found, called for nothing, and gone again.

use serde_json::json;

use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "ollama/qwen3:4b";

impl Market {
    /// Does something to the simulated machine, in the words of the server that runs on it.
    async fn on_the_machine(&self, action: &str, model: &str) {
        let url = format!("http://{}/ollama/api/{action}", self.simulator_addr());
        let client = reqwest::Client::new();
        let request = if action == "delete" { client.delete(url) } else { client.post(url) };
        let done = request.json(&json!({ "model": model })).send().await.unwrap();
        assert!(done.status().is_success(), "{action} {model}");
    }
}

async fn listed(market: &Market, model: &str) -> Answer {
    Answer::to(market.get(&format!("/v1/models/{model}"))).await
}

async fn chat(buyer: &Buyer<'_>, model: &str) -> Answer {
    let messages = json!([{ "role": "user", "content": "Name three harbours." }]);
    Answer::to(buyer.chat(&json!({ "model": model, "max_tokens": 100, "messages": messages }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_on_ones_own_machine_is_found_and_costs_nothing() {
    let market = Market::open().await;
    let (admin, buyer) = (market.operator().await, market.buyer().await);
    let ids = admin.find_local_models().await;
    let has = |id: &str| ids.as_array().unwrap().contains(&json!(id));
    assert!(has(MODEL) && has("ollama/llama3.1") && has("tgi/simulated/continuation-7b"), "{ids}");
    let model = listed(&market, MODEL).await.expect(200).json();
    assert_eq!((&model["name"], &model["free"]), (&json!("qwen3:4b (local)"), &json!(true)));
    assert_eq!((&model["available"], &model["context_length"]), (&json!(true), &json!(40_960)));
    let parameters = json!(["streaming", "tools", "reasoning", "tool_choice", "include_reasoning"]);
    assert_eq!(model["supported_parameters"], parameters);
    // Nobody has paid anything in, and the month's free tokens are left alone.
    let before = buyer.balance().await;
    for model in [MODEL, "tgi/simulated/continuation-7b"] {
        let id = chat(&buyer, model).await.expect(200).header("x-generation-id").to_owned();
        let receipt = buyer.receipt(&id).await;
        assert_eq!((nanos(&receipt["charge_nanos"]), &receipt["model"]), (0, &json!(model)), "{receipt}");
        assert_eq!((nanos(&receipt["hold_nanos"]), &receipt["free_tokens"]), (0, &json!(0)), "{receipt}");
    }
    assert_eq!(buyer.balance().await, before);
    let free =
        "select count(*) from price where model_id = 'ollama/qwen3:4b' and free and upper_inf(valid_during)";
    assert_eq!(market.count(free).await, 1);
    // It is free, not open to everybody.
    let stranger = Buyer { key: "sk-nobody".to_owned(), ..market.buyer().await };
    chat(&stranger, MODEL).await.expect(401);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_taken_off_the_machine_is_gone_and_one_that_is_put_there_comes() {
    let market = Market::open().await;
    let (admin, buyer) = (market.operator().await, market.buyer().await);
    admin.find_local_models().await;
    market.on_the_machine("delete", "qwen3:4b").await;
    market.on_the_machine("delete", "llama3.1").await;
    market.on_the_machine("pull", "phi4").await;
    let ids = admin.find_local_models().await;
    let has = |id: &str| ids.as_array().unwrap().contains(&json!(id));
    assert!(has("ollama/phi4") && !has(MODEL) && !has("ollama/llama3.1"), "{ids}");
    listed(&market, MODEL).await.expect(404);
    chat(&buyer, MODEL).await.expect(404);
    // What the catalogue describes stays described, and says why it cannot be called.
    let known = listed(&market, "ollama/llama3.1").await.expect(200).json();
    assert_eq!(known["available"], false);
    assert!(known["unavailable_because"].as_str().unwrap().contains("does not have it"), "{known}");
    let refused = chat(&buyer, "ollama/llama3.1").await.expect(404).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("does not have it"), "{refused}");
    chat(&buyer, "ollama/phi4:latest").await.expect(200);
    market.on_the_machine("pull", "qwen3:4b").await;
    assert!(admin.find_local_models().await.as_array().unwrap().contains(&json!(MODEL)));
    chat(&buyer, MODEL).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_may_have_the_machine_looked_at() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.post("/api/v1/admin/local-models", &json!({})).await.expect(403);
    Answer::to(market.post("/api/v1/admin/local-models").json(&json!({}))).await.expect(401);
}
