//! Signing up, in and out.

use serde_json::json;

use crate::support::{Answer, Market, PASSWORD};

async fn register(market: &Market, body: serde_json::Value) -> Answer {
    Answer::to(market.post("/api/v1/auth/register").json(&body)).await
}

async fn log_in(market: &Market, email: &str, password: &str) -> Answer {
    Answer::to(market.post("/api/v1/auth/login").json(&json!({ "email": email, "password": password }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_up_is_signed_in_by_token_and_by_cookie() {
    let market = Market::open().await;
    let made =
        register(&market, json!({ "email": " Ada@Example.org ", "password": PASSWORD, "name": "Ada" }));
    let session = made.await.expect(201).json();
    assert_eq!(session["user"]["email"], "ada@example.org");
    let token = session["token"].as_str().unwrap();
    let by_token = Answer::to(market.get("/api/v1/auth/me").bearer_auth(token)).await.expect(200);
    let cookie = format!("theme=dark; __Host-session={token}");
    let by_cookie = Answer::to(market.get("/api/v1/auth/me").header("cookie", cookie)).await.expect(200);
    assert_eq!(by_token.json(), by_cookie.json());
    assert_eq!(by_token.json(), session["user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_bound_to_its_host_and_hidden_from_scripts() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let answer = log_in(&market, &buyer.email, PASSWORD).await.expect(200);
    let cookie = answer.header("set-cookie");
    let attributes: Vec<&str> = cookie.split("; ").collect();
    assert!(attributes[0].starts_with("__Host-session=ey"), "{cookie}");
    for wanted in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(attributes.contains(&wanted), "{wanted} is missing in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_dead_once_its_owner_logged_out() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    buyer.get("/api/v1/auth/me").await.expect(200);
    let answer = buyer.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    assert!(answer.header("set-cookie").starts_with("__Host-session=;"), "{:?}", answer.headers);
    buyer.get("/api/v1/auth/me").await.expect(401);
    buyer.get("/api/v1/balance").await.expect(401);
    let by_cookie = market.get("/api/v1/auth/me").header("cookie", buyer.cookie());
    Answer::to(by_cookie).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_only_the_session_it_was_asked_with() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let second = log_in(&market, &buyer.email, PASSWORD).await.expect(200).json();
    buyer.post("/api/v1/auth/logout", &json!({})).await.expect(204);
    let me = market.get("/api/v1/auth/me").bearer_auth(second["token"].as_str().unwrap());
    Answer::to(me).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_are_refused_alike() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let wrong = log_in(&market, &buyer.email, "another-harbour-lantern-74").await.expect(401);
    let unknown = log_in(&market, "nobody@example.org", PASSWORD).await.expect(401);
    assert_eq!(wrong.json(), unknown.json());
    assert_eq!(wrong.header("set-cookie"), "");
    assert_eq!(wrong.header("content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_wrong_password_has_to_wait() {
    let market = Market::open().await;
    for _ in 0..10 {
        log_in(&market, "nobody@example.org", "wrong-wrong-wrong").await.expect(401);
    }
    let refused = log_in(&market, "nobody@example.org", "wrong-wrong-wrong").await.expect(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_taken_once_whatever_its_case() {
    let market = Market::open().await;
    register(&market, json!({ "email": "ada@example.org", "password": PASSWORD })).await.expect(201);
    let again =
        register(&market, json!({ "email": "ADA@example.org", "password": PASSWORD })).await.expect(409);
    assert_eq!(again.json()["field"], "email");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weak_password_is_refused_by_the_name_of_its_field() {
    let market = Market::open().await;
    for weak in ["short", "password", "qwertyuiop", "ada.lovelace"] {
        let body = json!({ "email": "ada.lovelace@example.org", "password": weak });
        let refused = register(&market, body).await.expect(400).json();
        assert_eq!(refused["field"], "password", "{weak}: {refused}");
    }
    assert_eq!(market.count("select count(*) from account").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_expected_json_is_a_bad_request() {
    let market = Market::open().await;
    for body in
        ["", "{", "[]", "null", "\"a\"", "{\"email\":\"a@b.c\"}", "{\"email\":1,\"password\":2}", "\u{0}"]
    {
        let request =
            market.post("/api/v1/auth/register").header("content-type", "application/json").body(body);
        let refused = Answer::to(request).await.expect(400);
        assert_eq!(refused.json()["code"], "invalid_request", "{body:?}");
    }
    let not_text = market.post("/api/v1/auth/register").body(vec![0xff, 0xfe, 0x00]);
    Answer::to(not_text).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_chooses_their_own_role_plan_or_balance() {
    let market = Market::open().await;
    let greedy = json!({
        "email": "mallory@example.org", "password": PASSWORD, "role": "admin", "plan": "enterprise",
        "balance_nanos": "1000000000000", "posted": 5, "account_id": "00000000-0000-0000-0000-000000000000",
    });
    let session = register(&market, greedy).await.expect(201).json();
    assert_eq!((&session["user"]["role"], &session["user"]["plan"]), (&json!("user"), &json!("free")));
    let token = session["token"].as_str().unwrap();
    let balance = Answer::to(market.get("/api/v1/balance").bearer_auth(token)).await.expect(200).json();
    assert_eq!(balance["posted_nanos"], "0");
    Answer::to(market.get("/api/v1/admin/overview").bearer_auth(token)).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_is_told_to_sign_in() {
    let market = Market::open().await;
    for path in ["auth/me", "balance", "keys", "ledger", "conversations", "admin/overview"] {
        let refused = Answer::to(market.get(&format!("/api/v1/{path}"))).await.expect(401);
        assert_eq!(refused.header("content-type"), "application/problem+json", "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer", "{path}");
    }
}
