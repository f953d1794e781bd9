//! Buying pictures: what is drawn, what each costs, and what is refused without a charge.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use marketplace::statement::verify;
use serde_json::{Value, json};

use crate::oracle::{Prices, Used};
use crate::support::{Answer, Buyer, Market, nanos};

const IMAGINE: &str = "xai/grok-imagine-image-2.0";
const CORE: &str = "stability/stable-image-core";
const GPT: &str = "openai/gpt-image-2";
const SDXL: &str = "stability/stable-diffusion-xl-1024-v1-0";
const BANANA: &str = "google/gemini-2.5-flash-image";

async fn draw(buyer: &Buyer<'_>, model: &str, fields: Value) -> Answer {
    let mut body = json!({ "model": model, "prompt": "A lighthouse at dusk" });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    Answer::to(buyer.market.post("/v1/images/generations").bearer_auth(&buyer.key).json(&body)).await
}

/// Width and height of a picture in PNG.
fn sides(item: &Value) -> (u32, u32) {
    let bytes = STANDARD.decode(item["b64_json"].as_str().unwrap()).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (side(16), side(20))
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_every_vendor_cost_what_an_independent_reckoning_says() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut expected = buyer.available().await;
    for (model, fields, drawn) in [
        (CORE, json!({}), vec![(1_024, 1_024)]),
        ("stability/sd3.5-medium", json!({"size": "1344x756", "seed": 7}), vec![(1_344, 768)]),
        (IMAGINE, json!({"n": 3, "size": "128x64"}), vec![(128, 64); 3]),
        (SDXL, json!({"n": 2, "size": "1344x768", "negative_prompt": "fog"}), vec![(1_344, 768); 2]),
        (BANANA, json!({"size": "1344x756"}), vec![(1_344, 768)]),
        ("google/gemini-3-pro-image", json!({}), vec![(1_024, 1_024)]),
        (GPT, json!({"n": 2, "size": "64x64", "quality": "low"}), vec![(64, 64); 2]),
    ] {
        let answer = draw(&buyer, model, fields).await.expect(200);
        let (body, call) = (answer.json(), answer.header("x-generation-id"));
        let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
        let data = body["data"].as_array().unwrap();
        assert_eq!(data.iter().map(sides).collect::<Vec<_>>(), drawn, "{model}");
        let count = |name: &str| i128::from(truth["usage_reported"][name].as_i64().unwrap_or(0));
        let used = match model {
            GPT => Used { input: count("input_tokens"), output: count("output_tokens"), ..Used::default() },
            _ => Used { output: count("pictures"), ..Used::default() },
        };
        let bill = Prices::of(model).bill(&used, 3_000);
        let told =
            ["provider_cost", "commission", "charge"].map(|part| nanos(&receipt[format!("{part}_nanos")]));
        assert_eq!(told, [bill.provider_cost, bill.commission, bill.charge], "{model}: {receipt}");
        assert_eq!((&receipt["usage_source"], &receipt["overrun_nanos"]), (&json!("provider"), &json!("0")));
        assert_eq!(body["usage"]["cost_details"]["charge_nanos"], receipt["charge_nanos"]);
        assert_eq!(
            (&body["usage"]["pictures"], &body["output_format"]),
            (&json!(drawn.len()), &json!("png"))
        );
        assert_eq!(market.debits(call).await, [-bill.charge]);
        expected -= bill.charge;
    }
    assert_eq!(buyer.available().await, expected);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_pictures_are_held_and_those_that_come_are_paid() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let few = json!({"n": 3, "size": "64x64", "prompt": "A ship [[simulate: truncated]]"});
    let answer = draw(&buyer, IMAGINE, few).await.expect(200);
    let receipt = buyer.receipt(answer.header("x-generation-id")).await;
    let prices = Prices::of(IMAGINE);
    let of = |pictures| prices.bill(&Used { output: pictures, ..Used::default() }, 3_000).charge;
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 2);
    assert_eq!((nanos(&receipt["hold_nanos"]), nanos(&receipt["charge_nanos"])), (of(3), of(2)));
    let line = &receipt["lines"][0];
    assert_eq!((&line["component"], &line["tokens"]), (&json!("pictures"), &json!(2)));
    assert_eq!(receipt["lines"].as_array().unwrap().len(), 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_draws_the_same_picture() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut drawn = Vec::new();
    for seed in [7, 7, 8] {
        let answer = draw(&buyer, CORE, json!({ "seed": seed })).await.expect(200).json();
        assert_eq!(answer["data"][0]["seed"], seed);
        drawn.push(answer["data"][0]["b64_json"].as_str().unwrap().to_owned());
    }
    assert!(drawn[0] == drawn[1] && drawn[1] != drawn[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_drawn_is_refused_without_a_charge() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (model, fields, status, code, param) in [
        ("nobody/nothing", json!({}), 404, "model_not_found", "model"),
        ("openai/gpt-5-mini", json!({}), 404, "wrong_endpoint", "model"),
        ("openai/text-embedding-3-small", json!({}), 404, "wrong_endpoint", "model"),
        ("openai/dall-e-3", json!({}), 404, "model_not_found", "model"),
        (CORE, json!({"n": 2}), 400, "invalid_request", "n"),
        (IMAGINE, json!({"n": 11}), 400, "invalid_request", "n"),
        (IMAGINE, json!({"prompt": " "}), 400, "invalid_request", "prompt"),
        (IMAGINE, json!({"prompt": "a".repeat(40_000)}), 400, "invalid_request", "prompt"),
        (IMAGINE, json!({"size": "big"}), 400, "invalid_request", "size"),
        (IMAGINE, json!({"response_format": "url"}), 400, "invalid_request", "response_format"),
        (CORE, json!({"size": "1000x700"}), 400, "invalid_request", ""),
        (SDXL, json!({"size": "512x512"}), 400, "invalid_request", ""),
        (BANANA, json!({"n": 2}), 400, "invalid_request", "n"),
        (GPT, json!({"negative_prompt": "fog"}), 400, "invalid_request", ""),
        (IMAGINE, json!({"max_cost": "0.01"}), 402, "payment_required", ""),
    ] {
        let error = draw(&buyer, model, fields.clone()).await.expect(status).json()["error"].take();
        assert_eq!(error["code"], code, "{model} {fields}: {error}");
        assert_eq!(error["param"].as_str().unwrap_or_default(), param, "{model} {fields}: {error}");
    }
    let embedding = json!({"model": IMAGINE, "input": "a"});
    let refused = market.post("/v1/embeddings").bearer_auth(&buyer.key).json(&embedding);
    assert_eq!(Answer::to(refused).await.expect(404).json()["error"]["code"], "wrong_endpoint");
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert!(market.truths().await.is_empty(), "a vendor was asked");
    assert_eq!(buyer.available().await, 10_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_draws_nothing_is_not_paid_for() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for model in [IMAGINE, CORE, SDXL, BANANA] {
        for (scenario, status) in
            [("server-error", 502), ("rate-limit", 429), ("html", 502), ("unauthorized", 502)]
        {
            let answer = draw(&buyer, model, json!({"prompt": format!("a [[simulate: {scenario}]]")})).await;
            assert_eq!(answer.status, status, "{model} {scenario}: {}", answer.text);
            let receipt = buyer.receipt(answer.header("x-generation-id")).await;
            assert_eq!((&receipt["charge_nanos"], &receipt["usage_source"]), (&json!("0"), &json!("none")));
        }
    }
    assert_eq!(buyer.available().await, 10_000_000_000);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_with_a_key_is_drawn_and_paid_once() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let request = |size: &'static str, key: &'static str| {
        let post =
            market.post("/api/v1/images/generations").bearer_auth(&buyer.key).header("idempotency-key", key);
        Answer::to(post.json(&json!({"model": IMAGINE, "prompt": "a ship", "size": size, "n": 10})))
    };
    let (first, second) =
        (request("64x64", "small").await.expect(200), request("64x64", "small").await.expect(200));
    assert_eq!((&first.text, second.header("idempotent-replayed")), (&second.text, "true"));
    let large = request("1024x1024", "large").await.expect(200);
    let again = request("1024x1024", "large").await.expect(409);
    assert_eq!(again.json()["error"]["code"], "not_kept");
    assert_eq!(again.header("x-generation-id"), large.header("x-generation-id"));
    assert_eq!(market.truths().await.len(), 2);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_with_pictures_is_stated_and_proves_itself() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    draw(&buyer, IMAGINE, json!({"n": 2, "size": "64x64"})).await.expect(200);
    let months = buyer.get("/api/v1/statements").await.expect(200).json();
    let month = months["data"][0]["month"].as_str().unwrap().to_owned();
    let statement = buyer.get(&format!("/api/v1/statements/{month}")).await.expect(200);
    let stated = verify(&statement.text, None).unwrap().statement;
    assert_eq!((stated.calls.len(), stated.calls[0].usage.output), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_offers_what_its_model_does() {
    let market = Market::open().await;
    for (model, has, has_not) in [
        ("openai/gpt-5-mini", "/v1/chat/completions", "/v1/embeddings"),
        ("openai/text-embedding-3-small", "/v1/embeddings", "/chat?model="),
        (IMAGINE, "/v1/images/generations", "/chat?model="),
        (IMAGINE, "a picture, fee included", "per million tokens, fee included"),
        (GPT, "per million tokens, fee included", "/chat?model="),
    ] {
        let page = Answer::to(market.get(&format!("/models/{model}"))).await.expect(200).text;
        assert!(page.contains(has) && !page.contains(has_not), "{model}");
    }
    let listed = Answer::to(market.get(&format!("/v1/models/{IMAGINE}"))).await.expect(200).json();
    assert_eq!((&listed["pricing"]["completion"], &listed["pricing"]["prompt"]), (&json!("0"), &json!("0")));
    assert_eq!(listed["pricing"]["image"], "0.085714285714286");
}
