//! What clients of other markets look up: providers, models by their filters, activity; and pages that name their contents.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-5-mini";

async fn chat(buyer: &Buyer<'_>, model: &str) -> i64 {
    let body = json!({ "model": model, "messages": [{ "role": "user", "content": "Name three harbours." }] });
    let answer = Answer::to(buyer.chat(&body)).await.expect(200);
    nanos(&buyer.receipt(answer.header("x-generation-id")).await["charge_nanos"])
}

async fn list(market: &Market, path: &str) -> Vec<Value> {
    let answer = Answer::to(market.get(path)).await.expect(200).json();
    answer["data"].as_array().unwrap().clone()
}

/// Without the models of a machine of one's own, which may be found at any moment.
fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|one| one["id"].as_str().unwrap()).filter(|id| !id.starts_with("ollama/")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_know_who_sells_here() {
    let market = Market::open().await;
    for base in ["/v1", "/api/v1"] {
        let sellers = list(&market, &format!("{base}/providers")).await;
        let openai = sellers.iter().find(|one| one["slug"] == "openai").unwrap();
        assert_eq!((&openai["name"], &openai["available"]), (&json!("OpenAI"), &json!(true)));
        let models = list(&market, "/v1/models?providers=OpenAI").await;
        assert_eq!(openai["models"], models.len());
        let open = models.iter().filter(|model| model["available"] == true).count();
        assert!(open > 0 && openai["available_models"].as_u64().unwrap() <= models.len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_found_by_the_filters_of_other_markets() {
    let market = Market::open().await;
    let all = list(&market, "/v1/models").await;
    let is = |list: &[Value], keep: &dyn Fn(&Value) -> bool| {
        let wanted: Vec<Value> = all.iter().filter(|model| keep(model)).cloned().collect();
        assert!(!wanted.is_empty() && wanted.len() < all.len());
        assert_eq!(ids(list), ids(&wanted));
    };
    let has =
        |model: &Value, field: &str, value: &str| model[field].as_array().unwrap().contains(&json!(value));
    let found = list(&market, "/v1/models?supported_parameters=tools,max_tokens").await;
    is(&found, &|model| has(model, "supported_parameters", "tools"));
    let found = list(&market, "/v1/models?input_modalities=text,image").await;
    is(&found, &|model| {
        let input = &model["architecture"];
        has(input, "input_modalities", "image") && has(input, "input_modalities", "text")
    });
    let found = list(&market, "/v1/models?model_authors=openai,anthropic").await;
    is(&found, &|model| {
        let id = model["id"].as_str().unwrap();
        id.starts_with("openai/")
            || id.starts_with("anthropic/")
            || ["openai", "anthropic"].contains(&model["owned_by"].as_str().unwrap().to_lowercase().as_str())
    });
    let found = list(&market, "/v1/models?context=1000000").await;
    is(&found, &|model| model["context_length"].as_u64() >= Some(1_000_000));
    let count = Answer::to(market.get("/v1/models/count?context=1000000")).await.expect(200).json();
    assert_eq!(count["data"]["count"], found.len());
    let page = list(&market, "/v1/models?context=1000000&offset=1&limit=2").await;
    assert_eq!(ids(&page), ids(&found[1..3]));
    assert!(list(&market, "/v1/models?providers=nobody").await.is_empty());
    let buyer = market.buyer().await;
    let mine = Answer::to(market.get("/v1/models/user").bearer_auth(&buyer.key)).await.expect(200).json();
    assert!(mine["data"].as_array().unwrap().iter().all(|model| model["available"] == true));
    Answer::to(market.get("/v1/models/user")).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_tells_how_well_it_was_answered() {
    let market = Market::open().await;
    let path = format!("/api/v1/models/{MODEL}/stats");
    let told = Answer::to(market.get(&path)).await.expect(200).json();
    let spans = told["data"]["spans"].as_array().unwrap();
    let names: Vec<&str> = spans.iter().map(|span| span["span"].as_str().unwrap()).collect();
    assert_eq!(names, ["half_hour", "day", "month"]);
    assert!(spans.iter().all(|span| span["offers"][0]["provider"] == "openai"), "{told}");
    Answer::to(market.get("/api/v1/models/nobody/nothing/stats")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_is_told_day_by_day_and_to_its_owner_alone() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut paid = 0;
    for model in [MODEL, MODEL, "anthropic/claude-haiku-4-5"] {
        paid += chat(&buyer, model).await;
    }
    let told = buyer.get("/api/v1/usage").await.expect(200).json();
    assert_eq!((nanos(&told["total"]["charge_nanos"]), &told["total"]["calls"]), (paid, &json!(3)));
    assert_eq!(told["data"].as_array().unwrap().len(), 1, "{told}");
    let told = buyer.get("/api/v1/usage?by=model,key").await.expect(200).json();
    let rows = told["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{told}");
    assert_eq!(rows.iter().map(|row| nanos(&row["charge_nanos"])).sum::<i64>(), paid);
    assert!(rows.iter().all(|row| row["key_id"].is_string() && row["day"].is_null()), "{told}");
    let activity =
        Answer::to(market.get("/api/v1/activity").bearer_auth(&buyer.key)).await.expect(200).json();
    let rows = activity["data"].as_array().unwrap();
    let of = |model: &str| rows.iter().find(|row| row["model"] == model).unwrap();
    assert_eq!((&of(MODEL)["requests"], &of(MODEL)["provider_name"]), (&json!(2), &json!("OpenAI")));
    assert!(of(MODEL)["prompt_tokens"].as_u64() > Some(0) && of(MODEL)["usage"].as_f64() > Some(0.0));
    let old = buyer.get("/api/v1/usage?from=2020-01-01&until=2020-02-01").await.expect(200).json();
    assert_eq!(old["data"], json!([]));
    for wrong in ["from=soon", "by=weather", "from=2026-02-01&until=2026-01-01", "from=2000-01-01"] {
        buyer.get(&format!("/api/v1/usage?{wrong}")).await.expect(400);
    }
    let other = market.buyer().await;
    assert_eq!(other.get("/api/v1/usage").await.expect(200).json()["data"], json!([]));
    Answer::to(market.get("/api/v1/usage")).await.expect(401);
    Answer::to(market.get("/v1/activity")).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_sells_is_refused_in_words_their_clients_read() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for path in ["images/edits", "audio/transcriptions", "audio/speech"] {
        for base in ["/v1", "/api/v1"] {
            let post = market.post(&format!("{base}/{path}")).bearer_auth(&buyer.key);
            let refused = Answer::to(post.json(&json!({ "input": "Hi" }))).await.expect(404);
            let error = &refused.json()["error"];
            assert!(error["message"].as_str().unwrap().contains(path), "{error}");
            assert_eq!(refused.header("x-should-retry"), "false");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_sent_again() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for path in
        ["/v1/models", "/api/v1/keys", "/api/v1/balance", "/api/v1/plans", "/v1/providers", "/v1/credits"]
    {
        let get = || market.get(path).bearer_auth(&buyer.key);
        let get = || if path == "/api/v1/keys" { market.get(path).bearer_auth(&buyer.token) } else { get() };
        let first = Answer::to(get()).await.expect(200);
        let name = first.header("etag").to_owned();
        assert!(name.starts_with("W/\""), "{path}: {name}");
        let again = Answer::to(get().header("if-none-match", &name)).await.expect(304);
        assert!(again.text.is_empty() && again.header("etag") == name, "{path}");
        Answer::to(get().header("if-none-match", "W/\"another\"")).await.expect(200);
    }
    let balance = async || Answer::to(market.get("/api/v1/balance").bearer_auth(&buyer.key)).await;
    let before = balance().await.header("etag").to_owned();
    chat(&buyer, MODEL).await;
    assert_ne!(balance().await.header("etag"), before);
    // What fails is never taken for what was there.
    Answer::to(market.get("/api/v1/balance").header("if-none-match", "*")).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_come_in_pages_that_follow_each_other() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    // Two of each age, so that the order is not by age alone.
    market
        .run(
            "insert into conversation (conversation_id, account_id, title, updated_at)
            select gen_random_uuid(), account_id, 'Talk ' || n, now() - n / 2 * interval '1 minute'
            from account, generate_series(1, 7) as n",
        )
        .await;
    for number in 1..=3 {
        chat(&buyer, MODEL).await;
        if number < 3 {
            buyer.make_key(json!({ "name": format!("key {number}") })).await;
        }
    }
    for (path, first, name) in [
        ("/api/v1/ledger", "/api/v1/ledger?limit=2", "before"),
        ("/api/v1/keys", "/api/v1/keys?limit=2", "offset"),
        ("/api/v1/conversations", "/api/v1/conversations?limit=2", "after"),
    ] {
        let whole = buyer.get(path).await.expect(200).json();
        assert_eq!((&whole["has_more"], &whole["next"]), (&json!(false), &Value::Null));
        let (mut seen, mut next) = (Vec::new(), Some(first.to_owned()));
        while let Some(path) = next {
            let page = buyer.get(&path).await.expect(200).json();
            assert!(page["data"].as_array().unwrap().len() <= 2, "{page}");
            seen.extend(page["data"].as_array().unwrap().clone());
            next = page["next"].as_str().map(|at| format!("{first}&{name}={at}"));
        }
        assert_eq!(json!(seen), whole["data"]);
        assert!(seen.len() >= 3, "{path}: {seen:?}");
    }
    buyer.get("/api/v1/conversations?after=nothing").await.expect(400);
}
