//! Presets: saved settings that complete a request, and count for what it costs as if it had said them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

const MODEL: &str = "openai/gpt-oss-120b";

fn brief() -> Value {
    json!({
        "system_prompt": "Answer with a single word, whatever the question may be, and never with two.",
        "config": { "model": MODEL, "max_tokens": 300, "temperature": 0.2, "provider": { "only": ["cerebras"] } },
    })
}

/// The same, said in the request.
fn spelt_out() -> Value {
    let mut body = brief()["config"].clone();
    body["messages"] = json!([{ "role": "system", "content": brief()["system_prompt"] }, { "role": "user", "content": "Hull?" }]);
    body
}

fn hull() -> Value {
    json!([{ "role": "user", "content": "Hull?" }])
}

async fn save(buyer: &Buyer<'_>, slug: &str, preset: &Value) -> Answer {
    buyer.put(&format!("/v1/presets/{slug}"), preset).await
}

async fn send(buyer: &Buyer<'_>, method: Method, path: &str, secret: &str, body: &Value) -> Answer {
    let asked = buyer.market.request(method, path).bearer_auth(secret);
    Answer::to(if body.is_null() { asked } else { asked.json(body) }).await
}

async fn ask(buyer: &Buyer<'_>, path: &str, body: &Value) -> Answer {
    send(buyer, Method::POST, path, &buyer.key, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_saves_reads_replaces_and_forgets_its_presets() {
    let market = Market::open().await;
    let (buyer, other) = (market.buyer().await, market.buyer().await);
    let made = save(&buyer, "brief", &brief()).await.expect(201).json();
    assert_eq!((&made["slug"], &made["config"]), (&json!("brief"), &brief()["config"]));
    for base in ["/v1", "/api/v1"] {
        let read = buyer.get(&format!("{base}/presets/brief")).await.expect(200).json();
        assert_eq!(read, made);
        assert_eq!(buyer.get(&format!("{base}/presets")).await.expect(200).json()["data"], json!([made]));
    }
    let replaced =
        save(&buyer, "brief", &json!({ "config": { "models": [MODEL] } })).await.expect(200).json();
    assert_eq!((&replaced["system_prompt"], &replaced["created_at"]), (&Value::Null, &made["created_at"]));
    let gone = other.get("/v1/presets/brief").await.expect(404);
    assert_eq!(gone.header("content-type"), "application/problem+json");
    assert!(gone.json()["detail"].as_str().unwrap().contains("brief"), "{}", gone.text);
    other.delete("/v1/presets/brief").await.expect(404);
    buyer.delete("/v1/presets/brief").await.expect(204);
    buyer.get("/v1/presets/brief").await.expect(404);
    assert_eq!(buyer.get("/v1/presets").await.expect(200).json()["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_person_or_a_key_that_manages_may_touch_presets() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    save(&buyer, "brief", &brief()).await.expect(201);
    let manager = buyer.make_key(json!({ "name": "manager", "scopes": ["management"] })).await;
    let manager = manager["key"].as_str().unwrap();
    for (method, path, body) in [
        (Method::GET, "/v1/presets", Value::Null),
        (Method::GET, "/v1/presets/brief", Value::Null),
        (Method::PUT, "/v1/presets/brief", brief()),
        (Method::DELETE, "/v1/presets/brief", Value::Null),
    ] {
        let refused = send(&buyer, method.clone(), path, &buyer.key, &body).await.expect(403);
        assert_eq!(refused.header("content-type"), "application/problem+json");
        let visitor = buyer.market.request(method.clone(), path).json(&body);
        Answer::to(visitor).await.expect(401);
        let done = send(&buyer, method, path, manager, &body).await;
        assert!((200..205).contains(&done.status), "{}", done.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_call_could_be_made_with_is_not_saved() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for (field, preset) in [
        ("config.messages", json!({ "config": { "messages": [] } })),
        ("config.temperature", json!({ "config": { "temperature": "hot" } })),
        ("config.model", json!({ "config": { "model": "no-author" } })),
        ("config.models", json!({ "config": { "models": ["no-author", "a/b", "no-author"] } })),
        ("config.max_cost", json!({ "config": { "max_cost": "a lot" } })),
        ("config.provider.sort", json!({ "config": { "provider": { "sort": "beauty" } } })),
        ("config.reasoning.effort", json!({ "config": { "reasoning": { "effort": 3 } } })),
        ("config", json!({ "system_prompt": "x".repeat(20_000) })),
    ] {
        let refused = save(&buyer, "brief", &preset).await.expect(400).json();
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.starts_with("config"), "{detail}");
        if field != "config.models" {
            assert_eq!(refused["field"], field, "{refused}");
        }
    }
    save(&buyer, "brief", &json!({ "sytem_prompt": "x" })).await.expect(400);
    save(&buyer, "Brief", &brief()).await.expect(400);
    assert_eq!(market.count("select count(*) from preset").await, 0);
    market.run("insert into preset (account_id, slug, settings) select account_id, 'p' || n, '{\"config\":{}}' from account, generate_series(1, 100) n").await;
    let full = save(&buyer, "brief", &brief()).await.expect(409).json();
    assert!(full["detail"].as_str().unwrap().contains("100"), "{full}");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_it_is_named_a_preset_counts_as_if_its_words_were_said() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    save(&buyer, "brief", &brief()).await.expect(201);
    let figures = |told: &Value| {
        ["model", "provider", "input_tokens", "max_output_tokens", "max_nanos", "hold_nanos"]
            .map(|it| told[it].clone())
    };
    let said = figures(&ask(&buyer, "/api/v1/quote", &spelt_out()).await.expect(200).json());
    let held = async |answer: &Answer| {
        assert_eq!(answer.header("x-mercato-provider"), "cerebras");
        nanos(&buyer.receipt(answer.header("x-generation-id")).await["hold_nanos"])
    };
    let hold = held(&ask(&buyer, "/v1/chat/completions", &spelt_out()).await.expect(200)).await;
    for named in [
        json!({ "preset": "brief" }),
        json!({ "model": "@preset/brief" }),
        json!({ "model": format!("{MODEL}@preset/brief") }),
        json!({ "model": MODEL, "preset": "brief", "temperature": null }),
    ] {
        for stream in [false, true] {
            let mut body = named.clone();
            (body["messages"], body["stream"]) = (hull(), json!(stream));
            let quoted = ask(&buyer, "/api/v1/quote", &body).await.expect(200).json();
            assert_eq!(figures(&quoted), said, "{named}");
            assert_eq!(
                held(&ask(&buyer, "/v1/chat/completions", &body).await.expect(200)).await,
                hold,
                "{named}"
            );
        }
    }
    // What the request says stands: another vendor, and an answer twice as long.
    let own = json!({
        "model": "@preset/brief", "messages": hull(), "max_completion_tokens": 600, "provider": { "only": ["groq"] },
    });
    let answer = ask(&buyer, "/v1/chat/completions", &own).await.expect(200);
    assert_eq!(answer.header("x-mercato-provider"), "groq");
    let quoted = ask(&buyer, "/api/v1/quote", &own).await.expect(200).json();
    assert_eq!(quoted["max_output_tokens"], 600);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_completes_requests_of_every_family() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    save(&buyer, "brief", &brief()).await.expect(201);
    let mut holds = Vec::new();
    for (path, body) in [
        ("/v1/messages", json!({ "model": "@preset/brief", "messages": hull() })),
        ("/v1/responses", json!({ "model": "@preset/brief", "input": "Hull?" })),
        ("/v1/completions", json!({ "model": "@preset/brief", "prompt": "Hull?" })),
        ("/v1/chat/completions", json!({ "model": "@preset/brief", "messages": hull() })),
    ] {
        let answer = ask(&buyer, path, &body).await.expect(200);
        assert_eq!(answer.header("x-mercato-provider"), "cerebras", "{path}");
        let truth = market.truth(answer.header("x-generation-id")).await;
        assert_eq!(truth["seen_max_tokens"], 300, "{path}");
        holds.push(nanos(&buyer.receipt(answer.header("x-generation-id")).await["hold_nanos"]));
        if path == "/v1/responses" {
            let said = answer.json();
            assert_eq!((&said["max_output_tokens"], &said["temperature"]), (&json!(300), &json!(0.2)));
            assert_eq!(said["instructions"], brief()["system_prompt"]);
        }
    }
    // The system prompt is paid for by all of them alike.
    assert!(holds.iter().all(|hold| *hold == holds[0]), "{holds:?}");
    let counted = async |body: Value| {
        ask(&buyer, "/v1/messages/count_tokens", &body).await.expect(200).json()["input_tokens"].as_u64()
    };
    let alone = counted(json!({ "model": MODEL, "messages": hull() })).await;
    assert!(counted(json!({ "model": "@preset/brief", "messages": hull() })).await > alone);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_of_a_preset_holds_and_an_unknown_preset_is_named() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let capped = json!({ "config": { "model": MODEL, "max_cost": "0.000000001" } });
    save(&buyer, "capped", &capped).await.expect(201);
    save(&buyer, "nameless", &json!({ "config": { "temperature": 0 } })).await.expect(201);
    for (preset, status, param, word) in [
        ("capped", 402, Value::Null, "cap of"),
        ("absent", 404, json!("preset"), "absent"),
        ("nameless", 400, json!("model"), "nameless"),
        ("No Name", 400, json!("preset"), "small letters"),
    ] {
        let body = json!({ "preset": preset, "max_tokens": 100, "messages": hull() });
        let openai = ask(&buyer, "/v1/chat/completions", &body).await.expect(status).json();
        assert_eq!(openai["error"]["param"], param, "{openai}");
        let anthropic = ask(&buyer, "/v1/messages", &body).await.expect(status).json();
        let quoted = ask(&buyer, "/api/v1/quote", &body).await.expect(status).json();
        for message in [&openai["error"]["message"], &anthropic["error"]["message"], &quoted["detail"]] {
            assert!(message.as_str().unwrap().contains(word), "{preset}: {message}");
        }
    }
    // Somebody else's is as unknown as one that is not there.
    let other = market.paying_buyer().await;
    ask(&other, "/v1/chat/completions", &json!({ "preset": "capped", "messages": hull() })).await.expect(404);
    assert_eq!(market.count("select count(*) from hold").await, 0);
    assert!(market.truths().await.is_empty(), "a vendor was asked all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_once_is_repeated_though_its_preset_is_gone() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    save(&buyer, "brief", &brief()).await.expect(201);
    let body = json!({ "model": "@preset/brief", "messages": hull() });
    let send = async || Answer::to(buyer.chat(&body).header("idempotency-key", "once")).await;
    let first = send().await.expect(200);
    buyer.delete("/v1/presets/brief").await.expect(204);
    let again = send().await.expect(200);
    assert_eq!((again.header("idempotent-replayed"), &again.text), ("true", &first.text));
    assert_eq!(market.count("select count(*) from usage_call").await, 1);
}
