//! Several answers to one question, and how likely their words were: held for, paid and told, or refused by name.

use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

const GPT: &str = "openai/gpt-5-mini";
const GEMINI: &str = "google/gemini-2.5-flash";

fn asking(model: &str, more: Value) -> Value {
    let mut body = json!({
        "model": model, "max_tokens": 400, "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn ask(buyer: &Buyer<'_>, body: &Value) -> Answer {
    Answer::to(buyer.chat(body)).await
}

/// What each answer of a stream says, and how it ended.
fn told(chunks: &[Value], text: &str) -> Vec<(String, Value)> {
    let mut told: Vec<(String, Value)> = Vec::new();
    for choice in chunks.iter().filter_map(|chunk| chunk["choices"].get(0)) {
        let at = choice["index"].as_u64().unwrap() as usize;
        told.resize(told.len().max(at + 1), Default::default());
        told[at].0.push_str(choice.pointer(text).and_then(Value::as_str).unwrap_or_default());
        if !choice["finish_reason"].is_null() {
            assert!(told[at].1.is_null(), "an answer ends once: {choice}");
            told[at].1 = choice["finish_reason"].clone();
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn several_answers_are_told_apart_and_paid_together() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut expected = buyer.available().await;
    for model in [GPT, GEMINI] {
        let body = asking(model, json!({ "n": 3 }));
        let answer = ask(&buyer, &body).await.expect(200);
        let whole = answer.json();
        let choices = whole["choices"].as_array().unwrap();
        let texts: Vec<&str> =
            choices.iter().map(|one| one["message"]["content"].as_str().unwrap()).collect();
        let indexes: Vec<&Value> = choices.iter().map(|one| &one["index"]).collect();
        assert_eq!(indexes, [0, 1, 2]);
        assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts.iter().all(|text| text.len() > 40));
        assert!(choices.iter().all(|one| one["finish_reason"] == "stop"), "{whole}");

        let (receipt, truth) = {
            let call = answer.header("x-generation-id");
            (buyer.receipt(call).await, market.truth(call).await)
        };
        let sent = truth["completion_tokens_sent"].as_i64().unwrap();
        assert_eq!((&truth["choices"], &truth["seen_max_tokens"]), (&json!(3), &json!(400)));
        assert_eq!(whole["usage"]["completion_tokens"], sent);
        let used = Used::on_receipt(&receipt);
        assert_eq!(
            (used.output + used.reasoning, &receipt["usage_source"]),
            (sent.into(), &json!("provider"))
        );
        let bill = Prices::of(model).bill(&used, 3_000);
        assert_eq!((nanos(&receipt["charge_nanos"]), &receipt["overrun_nanos"]), (bill.charge, &json!("0")));
        expected -= bill.charge;

        let fields = json!({ "n": 3, "stream": true, "stream_options": { "include_usage": true } });
        let stream = ask(&buyer, &asking(model, fields)).await.expect(200);
        let chunks = stream.chunks();
        let told = told(&chunks, "/delta/content");
        assert_eq!(told.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), texts, "{model}");
        assert!(told.iter().all(|(_, end)| end == "stop"), "{told:?}");
        assert_eq!(chunks.last().unwrap()["usage"]["completion_tokens"], sent);
        assert_eq!(stream.data_lines().last(), Some(&"[DONE]"));
        expected -= bill.charge;
    }
    assert_eq!(buyer.available().await, expected);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hold_and_the_quote_are_for_all_answers() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let quote = async |n: u64| {
        let post = market.post("/api/v1/quote").bearer_auth(&buyer.key);
        Answer::to(post.json(&asking(GPT, json!({ "n": n })))).await.expect(200).json()
    };
    let (one, four) = (quote(1).await, quote(4).await);
    let answers = |n: i128| Used { output: 400 * n, ..Used::default() };
    let more = |n| Prices::of(GPT).bill(&answers(n), 3_000).charge;
    // Each is rounded up once.
    let difference = nanos(&four["max_nanos"]) - nanos(&one["max_nanos"]);
    assert!((difference - more(3)).abs() <= 2, "{one} {four}");
    assert!(nanos(&four["min_nanos"]) <= nanos(&four["likely_nanos"]));
    assert!(nanos(&four["likely_nanos"]) > 3 * nanos(&one["likely_nanos"]));
    let answer = ask(&buyer, &asking(GPT, json!({ "n": 4 }))).await.expect(200);
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    assert_eq!(receipt["hold_nanos"], four["hold_nanos"]);

    // What is left buys shorter answers, all of them alike, and never one longer than its share.
    let cap = format!("0.{:09}", nanos(&one["max_nanos"]));
    let fields = json!({ "n": 4, "max_cost": cap });
    let answer = ask(&buyer, &asking(GPT, fields)).await.expect(200);
    let call = answer.header("x-generation-id");
    let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
    let each = truth["seen_max_tokens"].as_i64().unwrap();
    assert!((90..=100).contains(&each), "{each}");
    assert!(nanos(&receipt["charge_nanos"]) <= nanos(&one["max_nanos"]), "{receipt}");
    let ends: Vec<Value> = (0..4).map(|at| answer.json()["choices"][at]["finish_reason"].clone()).collect();
    assert!(ends.contains(&json!("length")), "{ends:?}");
    assert_eq!(receipt["overrun_nanos"], "0");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_cut_off_or_uncounted_are_all_charged_as_far_as_they_came() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let scene = |scenario: &str| {
        let mut body = asking(GPT, json!({ "n": 3, "stream": true }));
        body["messages"][0]["content"] = json!(format!("Name three harbours. [[simulate: {scenario}]]"));
        body
    };
    let answer = ask(&buyer, &scene("truncated")).await.expect(200);
    let told = told(&answer.chunks(), "/delta/content");
    let bytes: usize = told.iter().map(|(text, _)| text.len()).sum();
    assert!(told.len() == 3 && told.iter().all(|(text, _)| text.len() > 20), "{told:?}");
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    assert_eq!(
        (&receipt["usage_source"], &receipt["usage"]["output"]),
        (&json!("estimated"), &json!(bytes / 4))
    );

    let answer = ask(&buyer, &scene("no-usage")).await.expect(200);
    let call = answer.header("x-generation-id");
    let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
    let sent = truth["completion_tokens_sent"].as_i64().unwrap();
    let counted = receipt["usage"]["output"].as_i64().unwrap();
    assert!((sent..=sent + 9).contains(&counted), "{counted} of {sent}");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_told_all_answers_again() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking(GPT, json!({ "n": 2, "stream": true, "logprobs": true }));
    let ask = || Answer::to(buyer.chat(&body).header("idempotency-key", "twice"));
    let (first, again) = (ask().await.expect(200), ask().await.expect(200));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let told = |answer: &Answer| told(&answer.chunks(), "/delta/content");
    assert_eq!((told(&first), told(&first).len()), (told(&again), 2));
    assert_eq!(market.truths().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_continuations_are_told_apart() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = json!({ "model": GPT, "prompt": "Name three harbours.", "n": 2 });
    let complete = |stream: bool| {
        let mut body = body.clone();
        body["stream"] = json!(stream);
        Answer::to(market.post("/v1/completions").bearer_auth(&buyer.key).json(&body))
    };
    let whole = complete(false).await.expect(200).json();
    let texts: Vec<&str> = (0..2).map(|at| whole["choices"][at]["text"].as_str().unwrap()).collect();
    let streamed = told(&complete(true).await.expect(200).chunks(), "/text");
    assert_eq!(streamed.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), texts);
    assert!(texts[0] != texts[1] && streamed.iter().all(|(_, end)| end == "stop"), "{streamed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn likelihoods_are_told_as_the_vendor_told_them_and_never_unasked() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let fields = json!({ "logprobs": true, "top_logprobs": 2, "n": 2 });
    for (model, at) in [(GPT, 0), (GPT, 1), (GEMINI, 0), (GEMINI, 1)] {
        let whole = ask(&buyer, &asking(model, fields.clone())).await.expect(200).json();
        let mut streaming = asking(model, fields.clone());
        streaming["stream"] = json!(true);
        let chunks = ask(&buyer, &streaming).await.expect(200).chunks();
        let choice = &whole["choices"][at];
        let words = choice["logprobs"]["content"].as_array().unwrap();
        let said: String = words.iter().map(|word| word["token"].as_str().unwrap()).collect();
        assert_eq!(choice["message"]["content"], said);
        assert!(words.iter().all(|word| word["top_logprobs"].as_array().unwrap().len() == 2));
        for word in words {
            assert!(word["logprob"].as_f64().unwrap() < 0.0, "{word}");
            assert_eq!(word["bytes"], json!(word["token"].as_str().unwrap().as_bytes()));
        }
        let mut told = Vec::new();
        for one in chunks.iter().map(|chunk| &chunk["choices"][0]).filter(|one| one["index"] == at) {
            let words = one["logprobs"]["content"].as_array();
            let said: String =
                words.into_iter().flatten().filter_map(|word| word["token"].as_str()).collect();
            assert_eq!(one["delta"]["content"].as_str().unwrap_or_default(), said, "beside its own words");
            told.extend(words.into_iter().flatten().cloned());
        }
        assert_eq!(told, *words);
    }
    for model in [GPT, GEMINI] {
        let plain = ask(&buyer, &asking(model, json!({}))).await.expect(200).json();
        assert_eq!(plain["choices"][0].get("logprobs"), Some(&Value::Null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_tell_likelihoods_answers_without_them_unless_they_are_required() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let silent = [
        "anthropic/claude-haiku-4-5",
        "google/gemini-3.5-flash",
        "cohere/command-a-03-2025",
        "ollama/llama3.1",
    ];
    let wanted = |more: Value| {
        let mut fields = json!({ "logprobs": true, "top_logprobs": 2 });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    for model in silent {
        let plain = ask(&buyer, &asking(model, json!({}))).await.expect(200).json();
        let answer = ask(&buyer, &asking(model, wanted(json!({})))).await.expect(200).json();
        let choice = &answer["choices"][0];
        assert_eq!(choice.get("logprobs"), Some(&Value::Null), "{answer}");
        assert_eq!(choice["message"], plain["choices"][0]["message"]);
        let chunks =
            ask(&buyer, &asking(model, wanted(json!({ "stream": true })))).await.expect(200).chunks();
        let is_told = |chunk: &&Value| !chunk["choices"][0]["logprobs"].is_null();
        assert_eq!(chunks.iter().find(is_told), None);
    }
    let before = market.count("select count(*) from hold").await;
    let required = wanted(json!({ "provider": { "require_parameters": true } }));
    for model in silent {
        let error = ask(&buyer, &asking(model, required.clone())).await.expect(400).json();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(error["error"]["param"] == "logprobs" && message.contains(model), "{error}");
    }
    assert_eq!(market.count("select count(*) from hold").await, before);
    for model in [GPT, GEMINI] {
        let answer = ask(&buyer, &asking(model, required.clone())).await.expect(200).json();
        assert!(!answer["choices"][0]["logprobs"]["content"].as_array().unwrap().is_empty(), "{answer}");
    }
    let models =
        Answer::to(market.get("/v1/models?supported_parameters=top_logprobs")).await.expect(200).json();
    let told: Vec<&str> =
        models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(told.contains(&GEMINI) && told.contains(&"openai/gpt-4o"), "{told:?}");
    assert!(silent.iter().all(|model| !told.contains(model)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_vendor_of_a_model_can_give_is_refused_by_name_before_anything_is_held() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let one_at_a_time = [
        "anthropic/claude-haiku-4-5",
        "cohere/command-a-03-2025",
        "ollama/llama3.1",
        "deepseek/deepseek-flash",
    ];
    for model in one_at_a_time {
        let error = ask(&buyer, &asking(model, json!({ "n": 2 }))).await.expect(400).json();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(error["error"]["param"] == "n" && message.contains(model), "{error}");
    }
    for n in [json!(0), json!(9), json!(-1), json!(1.5), json!("2")] {
        let error = ask(&buyer, &asking(GPT, json!({ "n": n }))).await.expect(400).json();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(error["error"]["param"] == "n" && message.contains("1 to 8"), "{error}");
    }
    assert_eq!(market.count("select count(*) from hold").await, 0);
    // Where several vendors sell a model, one is asked that can.
    let fields = json!({ "n": 2, "provider": { "order": ["groq", "together"] } });
    let answer = ask(&buyer, &asking("openai/gpt-oss-120b", fields)).await.expect(200);
    assert_eq!(answer.json()["choices"].as_array().unwrap().len(), 2);
    assert_ne!(answer.header("x-mercato-provider"), "groq");
    ask(&buyer, &asking("anthropic/claude-haiku-4-5", json!({ "n": 1, "logprobs": false })))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_must_be_called_is_told_or_refused() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let function = |name: &str| json!({ "type": "function", "function": { "name": name } });
    let calling = |model: &str, choice: Value| {
        let mut body =
            asking(model, json!({ "tools": [function("f"), function("g")], "tool_choice": choice }));
        body["messages"][0]["content"] = json!("Look it up. [[simulate: tool-call]]");
        body
    };
    let answer = ask(&buyer, &calling("cohere/command-a-03-2025", function("g"))).await.expect(200).json();
    assert_eq!(answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "g", "{answer}");
    for choice in [function("g"), json!("required")] {
        let error = ask(&buyer, &calling("ollama/llama3.1", choice)).await.expect(400).json();
        let message = error["error"]["message"].as_str().unwrap();
        assert!(error["error"]["param"] == "tool_choice" && message.contains("ollama/llama3.1"), "{error}");
    }
    ask(&buyer, &calling("ollama/llama3.1", json!("auto"))).await.expect(200);
    assert_eq!(market.count("select count(*) from hold").await, 2);
}
