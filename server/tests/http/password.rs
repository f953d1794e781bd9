//! A forgotten password, chosen anew by letter.

use serde_json::{Value, json};

use crate::support::{Answer, Market, PASSWORD};

const NEW: &str = "slow-meadow-compass-91";

async fn forget(market: &Market, email: &str) -> Answer {
    Answer::to(market.post("/api/v1/auth/reset").json(&json!({ "email": email }))).await
}

async fn reset(market: &Market, secret: &str, password: &str) -> Answer {
    let request = market.post(&format!("/api/v1/auth/reset/{secret}"));
    Answer::to(request.json(&json!({ "password": password }))).await
}

async fn log_in(market: &Market, email: &str, password: &str) -> Answer {
    let who = json!({ "email": email, "password": password });
    Answer::to(market.post("/api/v1/auth/login").json(&who)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_whether_an_address_has_an_account() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let (known, unknown) = (forget(&market, &buyer.email).await, forget(&market, "nobody@example.org").await);
    assert_eq!((known.status, known.text.as_str()), (202, ""));
    assert_eq!((unknown.status, unknown.text.as_str()), (202, ""));
    let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    market.letters(&buyer.email, 2).await;
    assert!(market.letters_now("nobody@example.org").is_empty());
    forget(&market, "no address").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_chosen_once_and_ends_every_session() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    market.letters(&buyer.email, 1).await;
    forget(&market, &buyer.email).await.expect(202);
    let secret = market.secret(&buyer.email, 2).await;
    let weak = reset(&market, &secret, "password1").await.expect(400);
    assert_eq!(weak.json()["field"], "password");
    buyer.get("/api/v1/auth/me").await.expect(200);
    reset(&market, &secret, NEW).await.expect(204);
    buyer.get("/api/v1/auth/me").await.expect(401);
    log_in(&market, &buyer.email, PASSWORD).await.expect(401);
    let session = log_in(&market, &buyer.email, NEW).await.expect(200).json();
    assert_eq!(session["user"]["email_verified"], true, "a letter was read");
    reset(&market, &secret, PASSWORD).await.expect(404);
    log_in(&market, &buyer.email, NEW).await.expect(200);
    Answer::to(market.get("/v1/models").bearer_auth(&buyer.key)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_for_a_password_is_good_for_half_an_hour_and_for_nothing_else() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let confirming = market.secret(&buyer.email, 1).await;
    reset(&market, &confirming, NEW).await.expect(404);
    forget(&market, &buyer.email).await.expect(202);
    let secret = market.secret(&buyer.email, 2).await;
    Answer::to(market.post(&format!("/api/v1/auth/verification/{secret}"))).await.expect(404);
    let lasts = "select max(extract(epoch from expires_at - created_at))::bigint from one_time_secret
        where purpose = 'reset_password'";
    assert_eq!(market.count(lasts).await, 30 * 60);
    market.run("update one_time_secret set expires_at = now()").await;
    reset(&market, &secret, NEW).await.expect(404);
    log_in(&market, &buyer.email, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_and_again_sends_one_letter_a_minute() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    market.letters(&buyer.email, 1).await;
    forget(&market, &buyer.email).await.expect(202);
    market.letters(&buyer.email, 2).await;
    for _ in 0..3 {
        forget(&market, &buyer.email).await.expect(202);
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(market.letters_now(&buyer.email).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_work_without_scripts() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    market.letters(&buyer.email, 1).await;
    let seen = Answer::to(market.get("/forgot")).await.expect(200).text;
    assert!(seen.contains("Send the letter"), "{seen}");
    let post = |door: &str, body: String| {
        let request = market.post(&format!("/_fn/{door}")).header("accept", "text/html");
        Answer::to(request.header("content-type", "application/x-www-form-urlencoded").body(body))
    };
    let sent = post("forget_password", format!("email={}", buyer.email)).await.expect(302);
    assert_eq!(sent.header("location"), "/forgot?done=1");
    let secret = market.secret(&buyer.email, 2).await;
    let seen = Answer::to(market.get(&format!("/reset?token={secret}"))).await.expect(200).text;
    assert!(seen.contains("New password"), "{seen}");
    let changed = post("reset_password", format!("token={secret}&password={NEW}")).await.expect(302);
    assert_eq!(changed.header("location"), "/reset?done=1");
    log_in(&market, &buyer.email, NEW).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_hold_no_more_than_they_must() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let letter = market.letters(&buyer.email, 1).await.remove(0);
    let me: Value = buyer.get("/api/v1/auth/me").await.expect(200).json();
    for secret in [PASSWORD, &buyer.token, &buyer.key, me["id"].as_str().unwrap()] {
        assert!(!letter.contains(secret), "{letter}");
    }
    assert!(letter.contains(&format!("{}/confirm?token=", market.base)), "{letter}");
}
