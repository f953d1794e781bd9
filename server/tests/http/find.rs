//! Finding a model: side by side, by what it is for, in a drawing; and what programs read that look for pages.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

async fn page(market: &Market, path: &str) -> String {
    Answer::to(market.get(path)).await.expect(200).text
}

async fn recommend(market: &Market, wish: &Value) -> Answer {
    Answer::to(market.post("/api/v1/recommendations").json(wish)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_models_stand_side_by_side_without_scripts() {
    let market = Market::open().await;
    let compared = page(&market, "/compare?models=openai/gpt-5-mini,anthropic/claude-haiku-4-5").await;
    for wanted in
        ["GPT-5 Mini", "Claude Haiku 4.5", "lowest", "Context, tokens", "What a dollar buys", "+ fee", "≠"]
    {
        assert!(compared.contains(wanted), "{wanted} is missing in {compared}");
    }
    // A third is added by a form, which keeps those that are there; each is taken away by a link.
    assert!(
        compared.contains(r#"name="models" value="openai/gpt-5-mini,anthropic/claude-haiku-4-5""#),
        "{compared}"
    );
    assert!(compared.contains(r#"href="/compare?models=openai/gpt-5-mini""#), "{compared}");
    let differing =
        page(&market, "/compare?models=openai/gpt-5-mini,anthropic/claude-haiku-4-5&rows=differences").await;
    assert!(differing.len() < compared.len() && differing.contains("Show all rows"));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_comparisons_are_answered_with_a_page_that_says_what_is_odd() {
    let market = Market::open().await;
    assert!(page(&market, "/compare").await.contains("Nothing to compare yet"));
    let unknown = page(&market, "/compare?models=nobody/nothing,openai/gpt-5-mini").await;
    assert!(unknown.contains("No model goes by “nobody/nothing”"), "{unknown}");
    let script = page(&market, "/compare?models=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!script.contains("<script>alert(1)"), "{script}");
    for odd in
        ["models=%F0%9F%92%B0", "models=%00", "models=%zz", "models=,,,,", "models=a&models=a&rows=%20"]
    {
        page(&market, &format!("/compare?{odd}")).await;
    }
    page(&market, &format!("/compare?models={}", "a,".repeat(2_000))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recommendations_show_every_part_and_what_the_second_lacks() {
    let market = Market::open().await;
    let wish =
        json!({ "task": "coding", "weights": { "price": 9 }, "needs": ["tools"], "min_context": 100_000 });
    let told = recommend(&market, &wish).await.expect(200).json();
    assert_eq!((&told["weights"]["price"], &told["weights"]["quality"]), (&json!(9), &json!(9)), "{told}");
    let data = told["data"].as_array().unwrap();
    assert!(data.len() >= 2, "{told}");
    let scores: Vec<u64> = data.iter().map(|one| one["score"].as_u64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for one in data {
        let parts = one["parts"].as_object().unwrap();
        assert_eq!(parts.len(), 7, "{one}");
        // Nobody has asked anything here, so nothing is known of how fast or reliably they answer.
        for unknown in ["speed", "reliability"] {
            let part = &parts[unknown];
            assert_eq!(
                (&part["points"], &part["least"], &part["most"]),
                (&Value::Null, &json!(0), &json!(1_000))
            );
        }
        let weighed = |bound: &str| -> u64 {
            parts.values().map(|part| part["weight"].as_u64().unwrap() * part[bound].as_u64().unwrap()).sum()
        };
        let weights: u64 = parts.values().map(|part| part["weight"].as_u64().unwrap()).sum();
        assert_eq!(
            one["score_least"],
            weighed("least") / weights,
            "the score is the mean of its parts: {one}"
        );
        assert!(one["why"].as_str().unwrap().len() > 10, "{one}");
    }
    let runner_up = &told["runner_up"];
    assert_eq!(runner_up["id"], data[1]["id"], "{told}");
    for change in runner_up["would_win_if"].as_array().unwrap() {
        assert!(
            ["price_at_most", "weight", "points_at_least"].contains(&change["what"].as_str().unwrap()),
            "{change}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hard_wishes_are_kept_by_everything_that_is_recommended() {
    let market = Market::open().await;
    let wish = json!({ "task": "chat", "max_price_usd_per_mtok": "1.50", "needs": ["open_weights"], "min_context": 32_000 });
    let told = recommend(&market, &wish).await.expect(200).json();
    let data = told["data"].as_array().unwrap();
    assert!(!data.is_empty(), "{told}");
    for one in data {
        let id = one["id"].as_str().unwrap();
        let model = Answer::to(market.get(&format!("/api/v1/models/{id}"))).await.expect(200).json();
        assert_eq!(model["available"], true, "{model}");
        assert!(model["context_length"].as_u64().unwrap() >= 32_000, "{model}");
        let dollars = |which: &str| model["pricing"][which].as_str().unwrap().parse::<f64>().unwrap() * 1e6;
        assert!(dollars("prompt") <= 1.5 && dollars("completion") <= 1.5, "{model}");
    }
    let none =
        recommend(&market, &json!({ "task": "chat", "min_context": u64::MAX })).await.expect(200).json();
    assert_eq!((&none["data"], &none["runner_up"]), (&json!([]), &Value::Null));
    assert!(none["left_out"]["too_short"].as_u64().unwrap() > 10, "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_makes_no_sense_is_refused_by_its_field() {
    let market = Market::open().await;
    for (field, wish) in [
        ("task", json!({ "task": "world domination" })),
        ("weights", json!({ "task": "chat", "weights": { "looks": 3 } })),
        ("weights", json!({ "task": "chat", "weights": { "price": 11 } })),
        ("weights", json!({ "task": "drawing", "weights": { "price": 0, "reliability": 0, "privacy": 0 } })),
        ("max_price_usd_per_mtok", json!({ "task": "chat", "max_price_usd_per_mtok": -1 })),
        ("max_price_usd_per_mtok", json!({ "task": "chat", "max_price_usd_per_mtok": "lots" })),
        ("needs", json!({ "task": "chat", "needs": ["telepathy"] })),
        ("needs", json!({ "task": "chat", "needs": ["<b>"] })),
    ] {
        let refused = recommend(&market, &wish).await.expect(400).json();
        assert!(refused.to_string().contains(field), "{wish} was refused with {refused}");
    }
    recommend(&market, &json!({})).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_recommends_what_the_address_asks_and_says_what_makes_no_sense() {
    let market = Market::open().await;
    let told = page(&market, "/recommend?task=documents&context=10&max_price=5&needs=tools").await;
    for wanted in
        ["Read long documents", "Every part of it", "of 100", "Left out:", "would put it first", "Unknown"]
    {
        assert!(told.to_lowercase().contains(&wanted.to_lowercase()), "{wanted} is missing in {told}");
    }
    assert!(told.contains("Sign in to see what your own last month would have cost"), "{told}");
    assert!(page(&market, "/recommend?min_context=999999999999").await.contains("No model is all of that"));
    assert!(page(&market, "/recommend?needs=telepathy").await.contains("telepathy"));
    page(&market, "/recommend?task=%F0%9F%92%B0&price=-1&min_context=-9&max_price=nan").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyers_own_month_is_played_again_at_other_prices() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = json!({
        "model": "openai/gpt-5-mini", "max_tokens": 50, "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    let mut paid = 0;
    for _ in 0..2 {
        let call = Answer::to(buyer.chat(&body)).await.expect(200);
        paid += nanos(&buyer.receipt(call.header("x-generation-id")).await["charge_nanos"]);
    }
    let request = market.get("/recommend?task=chat").header("cookie", buyer.cookie());
    let told = Answer::to(request).await.expect(200).text;
    assert!(told.contains("2 chats"), "{told}");
    let shown = marketplace::money::Nanos(paid).cost();
    assert!(paid > 0 && told.contains(&shown), "{shown} is missing in {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drawing_has_a_table_that_says_the_same() {
    let market = Market::open().await;
    for path in ["/plot", "/plot?x=GPQA", "/plot?x=%3Cnonsense%3E"] {
        let drawn = page(&market, path).await;
        let dots = drawn.matches("<circle").count();
        let table = drawn.split("The same as a table").nth(1).unwrap();
        let rows = table.matches(r#"<th scope="row">"#).count();
        assert!(dots > 5 && dots == rows, "{path}: {dots} dots and {rows} rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pricing_adds_up_and_names_the_plans() {
    let market = Market::open().await;
    let pricing = page(&market, "/pricing").await;
    for wanted in ["30 % of what you pay", "The provider gets", "You pay", "Starter", "never charged"] {
        assert!(pricing.contains(wanted), "{wanted} is missing in {pricing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_models_page_tells_its_price_history_similar_models_and_code_in_four_languages() {
    let market = Market::open().await;
    let model = page(&market, "/models/openai/gpt-5-mini").await;
    for wanted in [
        "Price history here",
        "in force",
        "Similar models",
        "Compare",
        "curl",
        "Python",
        "JavaScript",
        "Rust",
    ] {
        assert!(model.contains(wanted), "{wanted} is missing in {model}");
    }
    assert!(model.contains(&format!("{}/v1/chat/completions", market.base)), "the reader's own address");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_find_every_model_and_are_told_what_this_is() {
    let market = Market::open().await;
    let map = Answer::to(market.get("/sitemap.xml")).await.expect(200);
    assert!(map.header("content-type").starts_with("application/xml"));
    let listed = Answer::to(market.get("/api/v1/models")).await.expect(200).json()["total"].as_u64().unwrap();
    let places: Vec<&str> =
        map.text.split("<loc>").skip(1).map(|rest| rest.split_once('<').unwrap().0).collect();
    assert!(places.len() as u64 >= listed + 8, "{} places and {listed} models", places.len());
    assert!(places.iter().all(|place| place.starts_with(&market.base)), "{places:?}");
    for place in ["/", "/models/openai/gpt-5-mini", "/pricing", "/compare"] {
        assert!(places.contains(&format!("{}{place}", market.base).as_str()), "{place} is missing");
    }
    let robots = page(&market, "/robots.txt").await;
    assert!(robots.contains(&format!("Sitemap: {}/sitemap.xml", market.base)), "{robots}");
    assert!(robots.contains("Disallow: /admin"), "{robots}");
    let summary = page(&market, "/llms.txt").await;
    assert!(summary.starts_with("# Mercato") && summary.contains("openai/gpt-5-mini"), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_has_a_name_and_a_sentence_of_its_own() {
    let market = Market::open().await;
    let head = |text: &str| text.split_once("</head>").unwrap().0.to_owned();
    let mut told = std::collections::HashSet::new();
    for path in [
        "/",
        "/models",
        "/models/openai/gpt-5-mini",
        "/compare",
        "/recommend",
        "/plot",
        "/pricing",
        "/status",
        "/books",
    ] {
        let head = head(&page(&market, path).await);
        let description = head.split(r#"<meta name="description" content=""#).nth(1).unwrap();
        assert!(
            told.insert(description.split_once('"').unwrap().0.to_owned()),
            "{path} says what another page says"
        );
        for wanted in ["og:title", "og:description", r#"rel="canonical""#, "<title>"] {
            assert_eq!(head.matches(wanted).count(), 1, "{wanted} of {path}: {head}");
        }
    }
    assert!(!head(&page(&market, "/sign-in").await).contains("og:title"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_leads_to_what_may_have_been_meant() {
    let market = Market::open().await;
    let missing = Answer::to(market.get("/gpt-5-mini")).await.expect(404).text;
    assert!(
        missing.contains("Perhaps one of these") && missing.contains("/models/openai/gpt-5-mini"),
        "{missing}"
    );
    let model = Answer::to(market.get("/models/nobody/gpt-5-mini")).await.expect(404).text;
    assert!(model.contains(r#"value="nobody gpt 5 mini""#), "{model}");
    for odd in ["/%F0%9F%92%B0", "/%00", "/a%2F..%2Fb", "/%3Cu%3Emine%3C/u%3E"] {
        let told = Answer::to(market.get(odd)).await.expect(404).text;
        assert!(!told.contains("<u>"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ones_own_month_would_have_cost_follows_every_call_and_every_price() {
    let market = Market::open().await;
    let (buyer, other) = (market.paying_buyer().await, market.paying_buyer().await);
    let replay = async |buyer: &Buyer<'_>| {
        let told = buyer.post("/api/v1/recommendations", &json!({ "task": "chat" })).await.expect(200).json();
        (told["data"][0]["id"].clone(), told["data"][0]["replay"].clone())
    };
    assert_eq!(replay(&buyer).await.1, Value::Null);
    let stranger = recommend(&market, &json!({ "task": "chat" })).await.expect(200).json();
    assert_eq!(stranger["data"][0]["replay"], Value::Null);
    let body = json!({ "model": "openai/gpt-5-mini", "messages": [{ "role": "user", "content": "Name three harbours." }] });
    let mut paid = 0;
    for calls in 1..=3 {
        let call = Answer::to(buyer.chat(&body)).await.expect(200).header("x-generation-id").to_owned();
        paid += nanos(&buyer.receipt(&call).await["charge_nanos"]);
        // Twice, for the second is told from what was kept.
        for _ in 0..2 {
            let told = replay(&buyer).await.1;
            assert_eq!((&told["calls"], nanos(&told["paid_nanos"])), (&json!(calls), paid), "{told}");
        }
    }
    assert_eq!(replay(&other).await.1, Value::Null, "the calls are nobody else's");
    let wish = json!({ "task": "chat", "weights": { "quality": 10, "price": 0 } });
    let would_have = async || {
        let told = buyer.post("/api/v1/recommendations", &wish).await.expect(200).json();
        let first = &told["data"][0];
        (first["id"].as_str().unwrap().to_owned(), nanos(&first["replay"]["would_have_nanos"]))
    };
    let (id, before) = would_have().await;
    assert!(before > 0, "{id} is free");
    let dearer = "select ledger.set_price(gen_random_uuid(), model_id, provider,
            terms || jsonb_build_object('output', (terms ->> 'output')::bigint * 11 / 10), false)
        from price where model_id = $1 and valid_during @> now()";
    sqlx::query(dearer).bind(&id).execute(&market.db).await.unwrap();
    let begun = std::time::Instant::now();
    while would_have().await.1 == before {
        assert!(begun.elapsed().as_secs() < 30, "the price of {id} changed and the month did not");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
