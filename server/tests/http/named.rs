//! What stands behind a model's name: who answers then, and what is said of an end that means nothing.

use engine::{Actor, Registry};
use serde_json::{Value, json};
use server::simulator::Pace;

use crate::support::{Answer, Buyer, Market, Vendor, Vendors, nanos};

/// Sold by Groq and Together at the same price, then dearer by Hugging Face and Cerebras.
const MODEL: &str = "openai/gpt-oss-120b";
/// Its author sells a million tokens of it, others somewhat more.
const LONG: &str = "deepseek/deepseek-v4-pro";
const FREE: &str = "zai/glm-4.7-flash";

fn question(model: &str) -> Value {
    json!({ "model": model, "max_tokens": 1_500, "messages": [{ "role": "user", "content": "Name three harbours." }] })
}

async fn ask(buyer: &Buyer<'_>, body: &Value) -> Answer {
    Answer::to(buyer.chat(body)).await
}

async fn ask_as_anthropic(buyer: &Buyer<'_>, body: &Value) -> Answer {
    Answer::to(buyer.market.post("/v1/messages").header("x-api-key", &buyer.key).json(body)).await
}

async fn quote(buyer: &Buyer<'_>, body: &Value) -> Answer {
    Answer::to(buyer.market.post("/api/v1/quote").bearer_auth(&buyer.key).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_decides_who_answers_in_both_families_and_in_a_quote() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (model, providers) in [
        (format!("{MODEL}:cerebras"), vec!["cerebras"]),
        (format!("{MODEL}:hugging-face"), vec!["huggingface"]),
        (format!("{MODEL}:thinking:together"), vec!["together"]),
        // Nobody has measured anything, and the cheapest can call functions.
        (format!("{MODEL}:exacto"), vec!["groq"]),
        (format!("{LONG}:extended"), vec!["together", "huggingface"]),
        (LONG.to_owned(), vec!["deepseek"]),
        (format!("{FREE}:free"), vec!["zai"]),
        ("ollama/llama2:13b:free".to_owned(), vec!["ollama"]),
    ] {
        let body = question(&model);
        let told = quote(&buyer, &body).await.expect(200).json();
        assert!(providers.contains(&told["provider"].as_str().unwrap()), "{model}: {told}");
        for answer in [ask(&buyer, &body).await, ask_as_anthropic(&buyer, &body).await] {
            let answer = answer.expect(200);
            assert_eq!(answer.header("x-mercato-provider"), told["provider"], "{model}");
            let (said, named) = (answer.json(), model.split(':').next().unwrap());
            assert!(said["model"].as_str().unwrap().starts_with(named), "{model}: {said}");
            let receipt = buyer.receipt(answer.header("x-generation-id")).await;
            assert_eq!(nanos(&receipt["charge_nanos"]) == 0, model.ends_with(":free"), "{receipt}");
        }
    }
    let counted =
        json!({ "model": "claude-haiku-4-5:thinking", "messages": [{ "role": "user", "content": "Hi" }] });
    let counted = market.post("/v1/messages/count_tokens").header("x-api-key", &buyer.key).json(&counted);
    Answer::to(counted).await.expect(200);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_free_offer_is_asked_before_a_paid_one_that_stands_in() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut body = question(&format!("{FREE}:free"));
    body["models"] = json!([format!("{MODEL}:cerebras")]);
    body["messages"][0]["content"] = json!("Hi [[simulate: zai=overloaded]]");
    let answer = ask(&buyer, &body).await.expect(200);
    assert_eq!((answer.header("x-mercato-provider"), answer.header("x-mercato-attempts")), ("cerebras", "2"));
    body["models"] = json!([format!("{MODEL}:thinking")]);
    let refused = ask(&buyer, &body).await.expect(400).json();
    assert_eq!(refused["error"]["param"], "models", "{refused}");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_means_nothing_is_told_with_those_that_do() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (model, status, words) in [
        (format!("{MODEL}:turbo"), 404, vec![":turbo", ":exacto", ":fastest", ":groq", ":cerebras"]),
        (format!("{MODEL}:anthropic"), 404, vec![":anthropic", ":groq"]),
        (format!("{MODEL}:free"), 404, vec![MODEL, "free of charge"]),
        ("openai/no-such-model:floor".to_owned(), 404, vec!["openai/no-such-model:floor"]),
        ("ollama/llama3.1:thinking".to_owned(), 400, vec!["ollama/llama3.1", "reason"]),
        ("perplexity/sonar:exacto".to_owned(), 404, vec!["perplexity/sonar", "functions"]),
        ("claude-haiku-4-5:thinking".to_owned(), 400, vec!["max_tokens", "claude-haiku-4-5"]),
    ] {
        let mut body = question(&model);
        body["max_tokens"] = json!(1_000);
        let anthropic = ask_as_anthropic(&buyer, &body).await.expect(status).json();
        if !model.contains('/') {
            body["model"] = json!(format!("anthropic/{model}"));
        }
        let openai = ask(&buyer, &body).await.expect(status).json();
        let quoted = quote(&buyer, &body).await.expect(status).json();
        for message in [&anthropic["error"]["message"], &openai["error"]["message"], &quoted["detail"]] {
            let message = message.as_str().unwrap();
            assert!(words.iter().all(|word| message.contains(word)), "{model}: {message}");
        }
    }
    assert!(market.truths().await.is_empty(), "a vendor was asked all the same");
    assert_eq!(market.count("select count(*) from hold").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn exacto_asks_whoever_left_the_fewest_calls_without_an_answer() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (only, scenario, status) in
        [("groq", "server-error", 502), ("groq", "ok", 200), ("together", "ok", 200)]
    {
        let mut body = question(MODEL);
        body["messages"][0]["content"] = json!(format!("Hi [[simulate: {scenario}]]"));
        body["provider"] = json!({ "only": [only], "allow_fallbacks": false });
        ask(&buyer, &body).await.expect(status);
    }
    market.engine.note_health(&Actor::Operator).await.unwrap();
    for body in [
        question(&format!("{MODEL}:exacto")),
        json!({ "model": MODEL, "provider": { "sort": "exacto" }, "messages": question(MODEL)["messages"] }),
    ] {
        let answer = ask(&buyer, &body).await.expect(200);
        assert_eq!(
            (answer.header("x-mercato-provider"), answer.header("x-mercato-reason")),
            ("together", "success")
        );
    }
}

/// A market all of whose vendors say this, whatever they are asked.
async fn among(said: Value) -> (Market, Vendor) {
    let vendor = Vendor::saying("application/json", said.to_string()).await;
    let addr = vendor.addr;
    let vendors = move |_| Vendors {
        registry: Registry::simulated(&format!("http://{addr}")),
        egress: addr.to_string(),
        own_models: None,
    };
    (Market::open_among(Pace::Instant, vendors).await, vendor)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_told_to_think_unless_the_request_says_how_hard() {
    let (market, vendor) = among(json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hull" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6 },
    }))
    .await;
    let buyer = market.paying_buyer().await;
    for (model, more, effort) in [
        ("openai/gpt-5-mini", json!({}), Value::Null),
        ("openai/gpt-5-mini:thinking", json!({}), json!("medium")),
        ("openai/gpt-5-mini:thinking", json!({ "reasoning_effort": "low" }), json!("low")),
        ("openai/gpt-5-mini:thinking", json!({ "reasoning": { "effort": "high" } }), json!("high")),
        ("openai/gpt-5-mini", json!({ "reasoning": { "effort": "low", "exclude": true } }), json!("low")),
    ] {
        let mut body = question(model);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ask(&buyer, &body).await.expect(200);
        let heard = vendor.heard();
        assert_eq!((&heard["reasoning_effort"], &heard["reasoning"]), (&effort, &Value::Null), "{heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropics_models_are_told_to_think_in_their_own_words() {
    let (market, vendor) = among(json!({
        "id": "x", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{ "type": "text", "text": "Hull" }], "usage": { "input_tokens": 5, "output_tokens": 1 },
    }))
    .await;
    let buyer = market.paying_buyer().await;
    for (model, more, thinking) in [
        (
            "anthropic/claude-haiku-4-5:thinking",
            json!({}),
            json!({ "type": "enabled", "budget_tokens": 1_024 }),
        ),
        ("anthropic/claude-haiku-5-5:thinking", json!({}), json!({ "type": "adaptive" })),
        (
            "anthropic/claude-haiku-5-5:thinking",
            json!({ "thinking": { "type": "disabled" } }),
            json!({ "type": "disabled" }),
        ),
    ] {
        let mut body = question(model);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        for answer in [ask(&buyer, &body).await, ask_as_anthropic(&buyer, &body).await] {
            answer.expect(200);
            let heard = vendor.heard();
            assert_eq!((&heard["thinking"], &heard["output_config"]), (&thinking, &Value::Null), "{heard}");
        }
    }
}
