//! Whether something may be said: judged for nothing, within the limits of key and minute.

use serde_json::{Value, json};

use crate::support::{Answer, Market};

async fn judge(market: &Market, key: &str, body: &Value) -> Answer {
    Answer::to(market.post("/v1/moderations").bearer_auth(key).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_judged_each_by_itself_and_nothing_is_paid() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for path in ["/v1/moderations", "/api/v1/moderations"] {
        let body = json!({ "input": ["A quiet harbour", "I will kill the lights"] });
        let answer = Answer::to(market.post(path).bearer_auth(&buyer.key).json(&body)).await.expect(200);
        let told = answer.json();
        assert_eq!(
            (&told["model"], &told["usage"]["cost"]),
            (&json!("openai/omni-moderation-latest"), &json!(0))
        );
        let flagged: Vec<&Value> =
            told["results"].as_array().unwrap().iter().map(|one| &one["flagged"]).collect();
        assert_eq!(flagged, [false, true]);
        let second = &told["results"][1];
        assert_eq!(
            (&second["categories"]["violence"], &second["categories"]["hate"]),
            (&json!(true), &json!(false))
        );
        assert!(second["category_scores"]["violence"].as_f64().unwrap() > 0.5, "{second}");
        assert_ne!(answer.header("x-ratelimit-limit-requests"), "");
    }
    let parts = json!([
        { "type": "text", "text": "What is this?" },
        { "type": "image_url", "image_url": { "url": "https://example.org/a.png" } },
    ]);
    let told =
        judge(&market, &buyer.key, &json!({ "model": "omni-moderation-latest", "input": parts })).await;
    assert_eq!(told.expect(200).json()["results"].as_array().unwrap().len(), 1);
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert_eq!(market.count("select count(*) from usage_call").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_models_and_limits_of_a_key_hold_here_too() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    market.run("update account set plan = 'enterprise'").await;
    let secret = async |terms: Value| {
        let mut key = json!({ "name": "judge" });
        key.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        buyer.make_key(key).await["key"].as_str().unwrap().to_owned()
    };
    let body = json!({ "input": "A quiet harbour" });
    let reader = secret(json!({ "scopes": ["read"] })).await;
    judge(&market, &reader, &body).await.expect(403);
    let other = secret(json!({ "models": ["anthropic/*"] })).await;
    judge(&market, &other, &body).await.expect(403);
    let listed = secret(json!({ "models": ["openai/omni-moderation-latest"] })).await;
    judge(&market, &listed, &body).await.expect(200);
    Answer::to(market.post("/v1/moderations").json(&body)).await.expect(401);
    let narrow = secret(json!({ "requests_a_minute": 1 })).await;
    let mut statuses = Vec::new();
    // At most one minute ends meanwhile.
    for _ in 0..3 {
        statuses.push(judge(&market, &narrow, &body).await.status);
    }
    assert!(statuses[0] == 200 && statuses.contains(&429), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_is_refused_in_openais_words() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for (body, status, param) in [
        (json!({}), 400, json!("input")),
        (json!({ "input": "" }), 400, json!("input")),
        (json!({ "input": [] }), 400, json!("input")),
        (json!({ "input": [1, 2] }), 400, json!("input")),
        (json!({ "input": "Hi", "model": 3 }), 400, json!("model")),
        (json!({ "input": "Hi", "model": "openai/gpt-5-mini" }), 404, json!("model")),
        (json!({ "input": "Hi [[simulate: rate-limit]]" }), 429, Value::Null),
        (json!({ "input": "Hi [[simulate: server-error]]" }), 502, Value::Null),
        (json!({ "input": "Hi [[simulate: overloaded]]" }), 529, Value::Null),
    ] {
        let error = judge(&market, &buyer.key, &body).await.expect(status).json();
        assert_eq!(error["error"]["param"], param, "{body}: {error}");
    }
}
