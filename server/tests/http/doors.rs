//! What is kept out: empty balances, unknown models, oversized bodies, foreign pages and other people's things.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Market, nanos};

fn asking(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_balance_is_told_what_is_required_and_what_is_there() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for path in ["/v1/chat/completions", "/api/v1/chat/completions"] {
        for stream in [false, true] {
            let mut body = asking("openai/gpt-5-mini");
            body["stream"] = json!(stream);
            let request = market.post(path).bearer_auth(&buyer.key).json(&body);
            let error = Answer::to(request).await.expect(402).json()["error"].clone();
            assert_eq!(error["type"], "insufficient_quota");
            let required = nanos(&error["metadata"]["required_nanos"]);
            assert!(required > 0 && nanos(&error["metadata"]["available_nanos"]) == 0, "{error}");
        }
    }
    assert_eq!(market.count("select count(*) from hold").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_balance_is_enough_for_a_free_model() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    // The last shape reports no prompt, so the answer is estimated, and that must cost nothing either.
    for (shape, source) in [("ok", "provider"), ("cached", "estimated")] {
        for stream in [false, true] {
            let content = format!("Hi [[simulate: {shape}]]");
            let body = json!({
                "model": "ollama/llama3.1", "stream": stream, "messages": [{ "role": "user", "content": content }],
            });
            let answer = Answer::to(buyer.chat(&body)).await.expect(200);
            let receipt = buyer.receipt(answer.header("x-generation-id")).await;
            assert_eq!((nanos(&receipt["charge_nanos"]), nanos(&receipt["hold_nanos"])), (0, 0), "{receipt}");
            assert_eq!(receipt["usage_source"], source, "{receipt}");
            if stream {
                assert_eq!(answer.data_lines().last(), Some(&"[DONE]"), "it is not said to have failed");
            }
        }
    }
    assert_eq!(buyer.available().await, 0);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stops_at_its_limit_though_its_owner_has_more() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let key = buyer.make_key(json!({ "name": "small", "limit_nanos": "2000" })).await;
    let request = market.post("/v1/chat/completions").bearer_auth(key["key"].as_str().unwrap());
    let error =
        Answer::to(request.json(&asking("openai/gpt-5-mini"))).await.expect(402).json()["error"].clone();
    assert_eq!(error["metadata"]["available_nanos"], "2000", "{error}");
    assert_eq!(buyer.available().await, 10_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_bought_is_refused_with_the_reason() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let unknown = Answer::to(buyer.chat(&asking("nobody/nothing"))).await.expect(404).json();
    assert_eq!(
        (&unknown["error"]["code"], &unknown["error"]["param"]),
        (&json!("model_not_found"), &json!("model"))
    );
    let retired = Answer::to(buyer.chat(&asking("openai/gpt-4"))).await.expect(404).json();
    let message = retired["error"]["message"].as_str().unwrap();
    assert!(message.contains("openai/gpt-4") && message.contains("Retired"), "{message}");
    assert!(message.contains("openai/gpt-5.6-sol"), "a retired model has a successor: {message}");
    for wrong in ["", "gpt-5-mini", "../../etc/passwd", "openai/", "openai/gpt-5-mini\u{0}"] {
        let status = Answer::to(buyer.chat(&asking(wrong))).await.status;
        assert!(status == 400 || status == 404, "{wrong:?} was answered with {status}");
    }
    assert_eq!(market.count("select count(*) from hold").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_price_here_is_refused_by_its_name() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for (field, value) in [
        ("n", json!(9)),
        ("max_tokens", json!(-5)),
        ("service_tier", json!("priority")),
        ("max_cost", json!("-1")),
        ("messages", json!([])),
        ("messages", json!([{ "role": "emperor", "content": "Hi" }])),
    ] {
        let mut body = asking("openai/gpt-5-mini");
        body[field] = value;
        let error = Answer::to(buyer.chat(&body)).await.expect(400).json();
        assert_eq!(error["error"]["param"], field, "{error}");
    }
    assert_eq!(market.count("select count(*) from hold").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_ten_mebibytes_is_too_large() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut body = asking("openai/gpt-5-mini");
    body["messages"][0]["content"] = json!("a".repeat(10 * 1024 * 1024));
    Answer::to(buyer.chat(&body)).await.expect(413);
    buyer.post("/api/v1/keys", &json!({ "name": "a".repeat(10 * 1024 * 1024) })).await.expect(413);
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_nesting_is_a_bad_request_and_no_crash() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let objects = "{\"a\":".repeat(100_000);
    for body in [
        format!("{open}{close}"),
        format!("{{\"model\":\"openai/gpt-5-mini\",\"messages\":{open}{close}}}"),
        format!("{{\"model\":\"openai/gpt-5-mini\",\"messages\":[],\"metadata\":{objects}"),
    ] {
        let request = market.post("/v1/chat/completions").bearer_auth(&buyer.key).body(body);
        Answer::to(request).await.expect(400);
    }
    Answer::to(market.get("/healthz")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_opens_nothing_under_v1() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let with_cookie =
        |path: &str| market.post(path).header("cookie", buyer.cookie()).json(&asking("openai/gpt-5-mini"));
    Answer::to(with_cookie("/v1/chat/completions")).await.expect(401);
    assert_eq!(market.count("select count(*) from hold").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_changes_nothing_with_a_visitors_cookie() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let pending = buyer.order("5.00").await;
    let state = "select (select count(*) from api_key where revoked_at is null) * 1000
        + (select count(*) from top_up) * 100 + (select count(*) from ledger_tx) * 10
        + (select count(*) from session where ended_at is null)";
    let before = market.count(state).await;
    let key: String =
        sqlx::query_scalar("select api_key_id::text from api_key").fetch_one(&market.db).await.unwrap();
    let doors = [
        (Method::POST, "/_fn/create_key".to_owned(), "name=evil&limit_usd="),
        (Method::POST, "/_fn/revoke_key".to_owned(), "id=x"),
        (Method::POST, "/_fn/switch_key".to_owned(), "id=x&disabled=true"),
        (Method::POST, "/_fn/start_top_up".to_owned(), "amount_usd=10.00"),
        (Method::POST, "/_fn/choose_plan".to_owned(), "plan=starter"),
        (Method::POST, "/_fn/send_confirmation".to_owned(), ""),
        (Method::POST, "/_fn/set_vendor_key".to_owned(), "id=openai&key=evil&reason=evil"),
        (Method::POST, "/_fn/move_vendor".to_owned(), "id=openai&base_url=https://evil.example&reason=evil"),
        (
            Method::PUT,
            "/api/v1/admin/providers/openai/key".to_owned(),
            "{\"key\":\"evil\",\"reason\":\"evil\"}",
        ),
        (Method::POST, "/_fn/sign_out".to_owned(), ""),
        (Method::POST, "/_fn/sign_up".to_owned(), "email=evil@example.org&password=quiet-harbour-lantern-73"),
        (Method::POST, "/_fn/send_message".to_owned(), "model=openai/gpt-5-mini&text=Hi"),
        (Method::POST, pending["checkout_url"].as_str().unwrap().to_owned(), "outcome=paid"),
        (Method::POST, "/api/v1/keys".to_owned(), "{\"name\":\"evil\"}"),
        (Method::DELETE, format!("/api/v1/keys/{key}"), ""),
        (Method::POST, "/api/v1/top-ups".to_owned(), "{\"amount_usd\":\"10.00\"}"),
        (Method::POST, "/api/v1/auth/verification".to_owned(), ""),
        (Method::PUT, "/api/v1/subscription".to_owned(), "{\"plan\":\"starter\"}"),
        (Method::PATCH, "/api/v1/auth/me".to_owned(), "{\"name\":\"Mallory\"}"),
        (Method::POST, "/api/v1/auth/logout".to_owned(), ""),
        (Method::POST, "/api/v1/chat/completions".to_owned(), "{}"),
    ];
    let from_abroad: [&[(&str, &str)]; 4] = [
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null"), ("sec-fetch-site", "same-site")],
    ];
    for (method, path, body) in doors {
        for headers in from_abroad {
            for kind in ["application/x-www-form-urlencoded", "text/plain"] {
                let mut request = market.request(method.clone(), &path).header("cookie", buyer.cookie());
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                let answer = Answer::to(request.header("content-type", kind).body(body)).await;
                assert_eq!(answer.status, 403, "{method} {path} with {headers:?}: {}", answer.text);
            }
        }
    }
    assert_eq!(market.count(state).await, before);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_pages_may_post_with_the_cookie() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let request =
        market.post("/_fn/create_key").header("cookie", buyer.cookie()).header("origin", &market.base);
    let form = request.header("sec-fetch-site", "same-origin").header("accept", "application/json");
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("name=page&limit_usd=");
    let made = Answer::to(form).await.expect(200).json();
    assert!(made["secret"].as_str().unwrap().starts_with("mk_live_"), "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_door_changes_anything_when_it_is_only_looked_at() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for door in ["create_key?name=evil&limit_usd=", "sign_out", "start_top_up?amount_usd=10.00"] {
        let request = market.get(&format!("/_fn/{door}")).header("cookie", buyer.cookie());
        let status = Answer::to(request).await.status;
        assert!(status == 404 || status == 405, "GET /_fn/{door} was answered with {status}");
    }
    assert_eq!(market.count("select count(*) from api_key").await, 1);
    assert_eq!(market.count("select count(*) from top_up").await, 0);
    buyer.get("/api/v1/auth/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_things_are_not_found() {
    let market = Market::open().await;
    let (ada, mallory) = (market.paying_buyer().await, market.paying_buyer().await);
    let call = Answer::to(ada.chat(&asking("openai/gpt-5-mini"))).await.expect(200);
    let top_up = ada.order("5.00").await;
    let said = market.post("/_fn/send_message").bearer_auth(&ada.token);
    let said = said.header("content-type", "application/x-www-form-urlencoded");
    let said = Answer::to(said.body("model=openai/gpt-5-mini&text=My+secret")).await;
    let conversation = said.header("location").strip_prefix("/chat/").unwrap_or_else(|| panic!("{said:?}"));
    let key = ada.get("/api/v1/keys").await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let things = [
        format!("/api/v1/receipts/{}", call.header("x-generation-id")),
        format!("/api/v1/top-ups/{}", top_up["id"].as_str().unwrap()),
        format!("/api/v1/conversations/{conversation}"),
    ];
    for thing in &things {
        ada.get(thing).await.expect(200);
        let refused = mallory.get(thing).await.expect(404);
        assert_eq!(refused.json()["code"], "not_found");
        let by_key = market.get(thing).bearer_auth(&mallory.key);
        Answer::to(by_key).await.expect(404);
    }
    mallory.delete(&format!("/api/v1/keys/{key}")).await.expect(404);
    mallory.choose(&top_up, "paid").await.expect(404);
    Answer::to(market.get("/v1/models").bearer_auth(&ada.key)).await.expect(200);
    assert_eq!(ada.get(&things[1]).await.json()["state"], "pending");
    for list in ["conversations", "ledger"] {
        let text = mallory.get(&format!("/api/v1/{list}")).await.expect(200).text;
        assert!(!text.contains("secret") && !text.contains(call.header("x-generation-id")), "{text}");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_none_is_no_crash() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for place in ["receipts", "top-ups", "conversations"] {
        for id in ["0", "..", "%00", "' or 1=1 --", "00000000-0000-0000-0000-000000000000", "é"] {
            let status = buyer.get(&format!("/api/v1/{place}/{id}")).await.status;
            assert!((400..500).contains(&status), "{place}/{id} was answered with {status}");
        }
    }
}
