//! What a key may do, with which models, from where and how long; and a second secret that overlaps with the first.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::address::submit;
use crate::support::{Answer, Buyer, Market};

const MODEL: &str = "openai/gpt-5-mini";

fn asking(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] })
}

/// Somebody with money and as many keys as they like.
async fn buyer(market: &Market) -> Buyer<'_> {
    let buyer = market.paying_buyer().await;
    market.run("update account set plan = 'enterprise'").await;
    buyer
}

async fn secret(buyer: &Buyer<'_>, terms: Value) -> (String, String) {
    let mut key = json!({ "name": "terms" });
    key.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let made = buyer.make_key(key).await;
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

async fn chat(market: &Market, key: &str, model: &str) -> Answer {
    Answer::to(market.post("/v1/chat/completions").bearer_auth(key).json(&asking(model))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let picture = json!({ "model": "openai/gpt-image-1", "prompt": "A lighthouse" });
    let vector = json!({ "model": "openai/text-embedding-3-small", "input": "Hi" });
    let doors: [(&str, Method, &str, Value); 8] = [
        ("chat", Method::POST, "/v1/chat/completions", asking(MODEL)),
        (
            "chat",
            Method::POST,
            "/v1/messages",
            json!({ "model": MODEL, "max_tokens": 9, "messages": [{ "role": "user", "content": "Hi" }] }),
        ),
        ("embeddings", Method::POST, "/v1/embeddings", vector),
        ("images", Method::POST, "/v1/images/generations", picture),
        ("read", Method::GET, "/api/v1/balance", Value::Null),
        ("read", Method::GET, "/v1/credits", Value::Null),
        ("management", Method::GET, "/api/v1/keys", Value::Null),
        ("management", Method::POST, "/api/v1/keys", json!({ "name": "child" })),
    ];
    for scope in ["chat", "embeddings", "images", "read", "management"] {
        let (_, key) = secret(&buyer, json!({ "scopes": [scope] })).await;
        for (needed, method, path, body) in &doors {
            let request = market.request(method.clone(), path).bearer_auth(&key);
            let request = if body.is_null() { request } else { request.json(body) };
            let answer = Answer::to(request).await;
            assert_eq!(answer.status == 403, scope != *needed, "{scope} at {path}: {}", answer.text);
            if scope != *needed {
                assert!(answer.text.contains(needed) && answer.text.contains("/keys"), "{}", answer.text);
            }
        }
        // Every key may ask about itself and see what is for sale.
        for path in ["/v1/key", "/v1/models"] {
            Answer::to(market.get(path).bearer_auth(&key)).await.expect(200);
        }
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_asks_only_the_models_it_was_made_for() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let (_, key) = secret(&buyer, json!({ "models": [MODEL, "anthropic/*"] })).await;
    chat(&market, &key, MODEL).await.expect(200);
    chat(&market, &key, "anthropic/claude-haiku-4-5").await.expect(200);
    let refused = chat(&market, &key, "openai/gpt-5.6-luna").await.expect(403).json();
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("openai/gpt-5.6-luna") && message.contains("anthropic/*"), "{message}");
    assert_eq!(refused["error"]["param"], "model");
    // Nor in second place.
    let mut body = asking(MODEL);
    body["models"] = json!(["openai/gpt-5.6-luna"]);
    Answer::to(market.post("/v1/chat/completions").bearer_auth(&key).json(&body)).await.expect(403);
    let vector = json!({ "model": "openai/text-embedding-3-small", "input": "Hi" });
    Answer::to(market.post("/v1/embeddings").bearer_auth(&key).json(&vector)).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_only_from_where_it_was_made_for() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let (_, here) = secret(&buyer, json!({ "addresses": ["127.0.0.0/8"] })).await;
    let (id, there) = secret(&buyer, json!({ "addresses": ["203.0.113.0/24"] })).await;
    Answer::to(market.get("/v1/models").bearer_auth(&here)).await.expect(200);
    let from = |base: &str, address: &str| {
        let request = market.client().get(format!("{base}/v1/models")).bearer_auth(&there);
        request.header("x-forwarded-for", address)
    };
    // Whoever is not one of our proxies may claim what they like.
    let refused = Answer::to(from(&market.base, "203.0.113.9")).await.expect(403).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("127.0.0.1"), "{refused}");
    let behind = market.serve_also(|config| config.trusted_proxies = "127.0.0.1".to_owned()).await;
    Answer::to(from(&behind, "203.0.113.9")).await.expect(200);
    Answer::to(from(&behind, "198.51.100.1, 203.0.113.9")).await.expect(200);
    Answer::to(from(&behind, "203.0.113.9, 198.51.100.1")).await.expect(403);
    let path = format!("/api/v1/keys/{id}");
    let anywhere = market.request(Method::PATCH, &path).bearer_auth(&buyer.token);
    Answer::to(anywhere.json(&json!({ "addresses": null }))).await.expect(200);
    Answer::to(from(&market.base, "")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_works_on_beside_its_successor_until_its_time() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let (id, first) = secret(&buyer, json!({ "limit_nanos": "5000000000" })).await;
    let rotate = async |overlap: i64| {
        let body = json!({ "overlap_seconds": overlap });
        buyer.post(&format!("/api/v1/keys/{id}/rotate"), &body).await.expect(200).json()
    };
    let rotated = rotate(3_600).await;
    let second = rotated["key"].as_str().unwrap().to_owned();
    assert!(second != first && rotated["old_secret_until"].is_string(), "{rotated}");
    assert_eq!((&rotated["id"], &rotated["limit_nanos"]), (&json!(id), &json!("5000000000")));
    chat(&market, &first, MODEL).await.expect(200);
    chat(&market, &second, MODEL).await.expect(200);
    market.run("update api_key set old_until = now() where old_until is not null").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    chat(&market, &first, MODEL).await.expect(401);
    chat(&market, &second, MODEL).await.expect(200);
    // Without an overlap the one before stops at once.
    let third = rotate(0).await["key"].as_str().unwrap().to_owned();
    chat(&market, &second, MODEL).await.expect(401);
    chat(&market, &third, MODEL).await.expect(200);
    // What was spent under any of them counts against the one limit.
    let spent = market
        .count("select spent_nanos from api_key where old_digest is null and limit_nanos is not null")
        .await;
    let calls = market.count("select sum(charge - overrun)::bigint from usage_call").await;
    assert!(spent > 0 && spent == calls, "{spent} of {calls}");
    buyer.post(&format!("/api/v1/keys/{id}/rotate"), &json!({ "overlap_seconds": -1 })).await.expect(400);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_manages_makes_keys_and_never_its_like() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let (own, manager) = secret(&buyer, json!({ "scopes": ["management"] })).await;
    let send = |request: RequestBuilder, body: Value| Answer::to(request.bearer_auth(&manager).json(&body));
    let made = send(market.post("/api/v1/keys"), json!({ "name": "child", "scopes": ["chat"] }))
        .await
        .expect(201)
        .json();
    let path = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let patch = || market.request(Method::PATCH, &path);
    send(patch(), json!({ "name": "renamed" })).await.expect(200);
    send(patch(), json!({ "scopes": ["management"] })).await.expect(403);
    send(market.post("/api/v1/keys"), json!({ "name": "heir", "scopes": ["management"] })).await.expect(403);
    let itself = format!("/api/v1/keys/{own}");
    send(market.request(Method::PATCH, &itself), json!({ "name": "self" })).await.expect(403);
    send(market.post(&format!("{itself}/rotate")), json!({})).await.expect(403);
    send(market.request(Method::PUT, "/api/v1/limits/account"), json!({ "limit_nanos": "5000000000" }))
        .await
        .expect(200);
    let rotated = send(market.post(&format!("{path}/rotate")), json!({})).await.expect(200).json();
    chat(&market, rotated["key"].as_str().unwrap(), MODEL).await.expect(200);
    Answer::to(market.delete(&path).bearer_auth(&manager)).await.expect(204);
    let about = Answer::to(market.get("/v1/key").bearer_auth(&manager)).await.expect(200).json();
    assert_eq!(about["data"]["is_management_key"], true);
    // Using it is seen, though it never pays.
    let list = buyer.get("/api/v1/keys").await.expect(200).json();
    let shown = list["data"].as_array().unwrap().iter().find(|key| key["id"] == json!(own)).unwrap().clone();
    assert!(shown["last_used_at"].is_string(), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_that_cannot_be_meant_are_refused_by_name() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    for (field, terms) in [
        ("scopes", json!({ "scopes": [] })),
        ("scopes", json!({ "scopes": ["chat", "management"] })),
        ("models", json!({ "models": [] })),
        ("models", json!({ "models": ["gpt"] })),
        ("models", json!({ "models": ["a/b/*"] })),
        (
            "models",
            json!({ "models": vec!["a/b"; 51].iter().enumerate().map(|(n, name)| format!("{name}{n}")).collect::<Vec<_>>() }),
        ),
        ("addresses", json!({ "addresses": ["example.org"] })),
        ("addresses", json!({ "addresses": ["203.0.113.0/33"] })),
        ("requests_a_minute", json!({ "requests_a_minute": 0 })),
        ("tokens_a_minute", json!({ "tokens_a_minute": -1 })),
    ] {
        let mut key = json!({ "name": "wrong" });
        key.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        let refused = buyer.post("/api/v1/keys", &key).await.expect(400).json();
        assert_eq!(refused["field"], field, "{terms} {refused}");
    }
    let written = buyer
        .make_key(
            json!({ "name": "right", "addresses": ["203.0.113.77/24"], "scopes": ["read-only", "chat"] }),
        )
        .await;
    assert_eq!(written["addresses"], json!(["203.0.113.0/24"]));
    assert_eq!(written["scopes"], json!(["chat", "read"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_the_keys_page_work_without_scripts() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let post = async |door: &str, fields: String| submit(&buyer, door, "/keys", &fields).await;
    let shown = async |answer: &Answer| {
        let once = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let page = market.get("/keys").header("cookie", format!("{}; {once}", buyer.cookie()));
        Answer::to(page.header("accept", "text/html")).await.expect(200).text
    };
    let terms = "limit_usd=5.00&limit_reset=week&asks_scopes=yes&chat=yes&models=openai%2F*%0D%0Aanthropic%2F*&addresses=\
        &expires_on=2099-12-31&requests_a_minute=7&tokens_a_minute=";
    let made = post("create_key", format!("name=Form&{terms}")).await.expect(302);
    assert_eq!(made.header("location"), "/keys");
    let page = shown(&made).await;
    for said in
        ["mk_live_", "only openai/*, anthropic/*", "7 requests a minute", "$5.0000", " a week", "2099-12-31"]
    {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    let list = buyer.get("/api/v1/keys").await.expect(200).json();
    let key = list["data"].as_array().unwrap().iter().find(|key| key["name"] == "Form").unwrap().clone();
    assert_eq!((&key["scopes"], &key["limit_reset"]), (&json!(["chat"]), &json!("week")));
    assert_eq!(key["expires_at"], "2099-12-31T23:59:59Z");
    let id = key["id"].as_str().unwrap();
    let changed =
        post("change_key", format!("id={id}&name=Changed&asks_scopes=yes&read=yes")).await.expect(302);
    assert_eq!(changed.header("location"), "/keys?done=changed");
    let refused = post("change_key", format!("id={id}&name=Changed&asks_scopes=yes")).await;
    assert!(refused.header("location").contains("__err"), "{refused:?}");
    let now = buyer.get(&format!("/api/v1/keys/{id}")).await.expect(200).json();
    assert_eq!(
        (&now["name"], &now["scopes"], &now["models"]),
        (&json!("Changed"), &json!(["read"]), &Value::Null)
    );
    let rotated = post("rotate_key", format!("id={id}&overlap_seconds=3600")).await.expect(302);
    assert!(shown(&rotated).await.contains("The one before still works until"), "the overlap is not told");
    for (disabled, button) in [(true, "Enable"), (false, "Disable")] {
        let switched = post("switch_key", format!("id={id}&disabled={disabled}")).await.expect(302);
        let place = if disabled { "/keys?done=disabled" } else { "/keys?done=enabled" };
        assert_eq!(switched.header("location"), place);
        let page = market.get(place).header("cookie", buyer.cookie()).header("accept", "text/html");
        let page = Answer::to(page).await.expect(200).text;
        assert!(
            page.contains(if disabled { "The key is disabled." } else { "The key is enabled." }),
            "{page}"
        );
        assert_eq!(page.contains(r#"<span class="chip">Disabled<"#), disabled, "{page}");
        // There are the key of the sign-up, which works, and this one.
        assert_eq!(page.matches(&format!(">{button}<")).count(), if disabled { 1 } else { 2 });
        assert_eq!(buyer.get(&format!("/api/v1/keys/{id}")).await.expect(200).json()["disabled"], disabled);
    }
    post("revoke_key", format!("id={id}")).await.expect(302);
    assert_eq!(buyer.get(&format!("/api/v1/keys/{id}")).await.expect(200).json()["revoked"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_certain_models_is_shown_those_alone() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let ids = async |path: &str, key: Option<&str>, version: Option<&str>| -> Vec<String> {
        let mut request = market.get(path);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(version) = version {
            request = request.header("anthropic-version", version);
        }
        let body = Answer::to(request).await.expect(200).json();
        body["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let (_, narrow) = secret(&buyer, json!({ "models": [MODEL, "mistral/*"] })).await;
    for path in ["/v1/models", "/api/v1/models", "/v1/models/user", "/v1/models?kind=chat"] {
        let shown = ids(path, Some(&narrow), None).await;
        assert!(shown.iter().any(|id| id == MODEL), "{path}: {shown:?}");
        assert!(shown.iter().all(|id| id == MODEL || id.starts_with("mistral/")), "{path}: {shown:?}");
    }
    let shown = ids("/v1/models?limit=1000", Some(&narrow), Some("2023-06-01")).await;
    assert!(shown.contains(&MODEL.to_owned()) && !shown.iter().any(|id| id.starts_with("anthropic/")));
    let count = Answer::to(market.get("/v1/models/count").bearer_auth(&narrow)).await.expect(200).json();
    assert_eq!(count["data"]["count"], ids("/v1/models", Some(&narrow), None).await.len());

    // What is shown may be asked, also where the key names it otherwise.
    let (_, renamed) = secret(&buyer, json!({ "models": ["groq/openai/gpt-oss-120b"] })).await;
    assert_eq!(ids("/v1/models", Some(&renamed), None).await, ["openai/gpt-oss-120b"]);
    chat(&market, &renamed, "groq/openai/gpt-oss-120b").await.expect(200);

    let all = ids("/v1/models", None, None).await;
    assert_eq!(ids("/v1/models", Some(&buyer.key), None).await, all);
    assert!(all.len() > 100, "{}", all.len());
}
