//! Confirming an address by letter, and the free tokens that come with it.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market, PASSWORD};

const LATER: &str = "update one_time_secret set created_at = created_at - interval '61 seconds'";

async fn is_verified(buyer: &Buyer<'_>) -> bool {
    buyer.get("/api/v1/auth/me").await.expect(200).json()["email_verified"].as_bool().unwrap()
}

async fn confirm(market: &Market, secret: &str) -> Answer {
    Answer::to(market.post(&format!("/api/v1/auth/verification/{secret}"))).await
}

fn question() -> Value {
    json!({
        "model": "openai/gpt-5-mini", "max_tokens": 200, "messages": [{ "role": "user", "content": "Name three harbours." }],
    })
}

/// Posts a form as a browser without scripts does.
pub async fn submit(buyer: &Buyer<'_>, door: &str, from: &str, fields: &str) -> Answer {
    let market = buyer.market;
    let request = market.post(&format!("/_fn/{door}")).header("cookie", buyer.cookie());
    let request = request.header("accept", "text/html").header("referer", format!("{}{from}", market.base));
    let form = request.header("content-type", "application/x-www-form-urlencoded");
    Answer::to(form.body(fields.to_owned())).await
}

/// A page as this person sees it.
pub async fn page(buyer: &Buyer<'_>, path: &str) -> String {
    Answer::to(buyer.market.get(path).header("cookie", buyer.cookie())).await.expect(200).text
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_up_gets_a_letter_whose_link_confirms_the_address_once() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    assert!(!is_verified(&buyer).await);
    assert_eq!(buyer.balance().await["free_tokens_left"], 0);
    let secret = market.secret(&buyer.email, 1).await;
    assert_eq!(secret.len(), 43);
    confirm(&market, &secret).await.expect(204);
    assert!(is_verified(&buyer).await);
    assert_eq!(buyer.balance().await["free_tokens_left"], 1_000);
    let again = confirm(&market, &secret).await.expect(404);
    assert_eq!(again.json()["code"], "not_found");
    let by_key = Answer::to(market.get("/api/v1/auth/me").bearer_auth(&buyer.key)).await.expect(200);
    assert_eq!(by_key.json()["email_verified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_the_page_of_a_letter_confirms_nothing_and_its_form_does() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let secret = market.secret(&buyer.email, 1).await;
    let path = format!("/confirm?token={secret}");
    for _ in 0..2 {
        let seen = Answer::to(market.get(&path)).await.expect(200).text;
        assert!(seen.contains("Confirm my address") && seen.contains(&secret), "{seen}");
    }
    let by_get = format!("/_fn/confirm_address?token={secret}");
    let status = Answer::to(market.get(&by_get)).await.status;
    assert!(status == 404 || status == 405, "{status}");
    assert!(!is_verified(&buyer).await);
    let done = submit(&buyer, "confirm_address", &path, &format!("token={secret}")).await.expect(302);
    assert_eq!(done.header("location"), "/confirm?done=1");
    assert!(is_verified(&buyer).await);
    let again = submit(&buyer, "confirm_address", &path, &format!("token={secret}")).await.expect(302);
    let told = again.header("location").replace(&market.base, "");
    assert!(page(&buyer, &told).await.contains("used already or is too old"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_sent_or_is_too_old_confirms_nothing() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let secret = market.secret(&buyer.email, 1).await;
    let mut other = secret.clone().into_bytes();
    other[5] = if other[5] == b'A' { b'B' } else { b'A' };
    for wrong in ["a", "%00", &"A".repeat(43), &"A".repeat(5_000), std::str::from_utf8(&other).unwrap()] {
        confirm(&market, wrong).await.expect(404);
    }
    let kept = "select count(*) from one_time_secret where position(convert_to($1, 'UTF8') in digest) > 0";
    let kept: i64 = sqlx::query_scalar(kept).bind(&secret).fetch_one(&market.db).await.unwrap();
    assert_eq!(kept, 0, "the database can give the secret away");
    market.run("update one_time_secret set expires_at = now()").await;
    confirm(&market, &secret).await.expect(404);
    assert!(!is_verified(&buyer).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_letter_is_sent_once_a_minute_and_five_times_a_day() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let again = async || buyer.post("/api/v1/auth/verification", &json!({})).await;
    let first = market.secret(&buyer.email, 1).await;
    let refused = again().await.expect(429);
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    for count in 2..=5 {
        market.run(LATER).await;
        again().await.expect(202);
        market.letters(&buyer.email, count).await;
    }
    market.run(LATER).await;
    let refused = again().await.expect(429);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3_600, "{refused:?}");
    let by_key = market.post("/api/v1/auth/verification").bearer_auth(&buyer.key);
    Answer::to(by_key).await.expect(403);
    Answer::to(market.post("/api/v1/auth/verification")).await.expect(401);
    confirm(&market, &first).await.expect(204);
    again().await.expect(409);
    assert_eq!(market.letters_now(&buyer.email).len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_billing_page_says_what_an_unconfirmed_address_misses() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let secret = market.secret(&buyer.email, 1).await;
    let before = page(&buyer, "/billing").await;
    assert!(before.contains("1,000 free tokens a month") && before.contains("Send the letter again"));
    let refused = submit(&buyer, "send_confirmation", "/billing", "").await.expect(302);
    let told = refused.header("location").replace(&market.base, "");
    assert!(page(&buyer, &told).await.contains("wait a minute"), "{told}");
    market.run(LATER).await;
    let sent = submit(&buyer, "send_confirmation", "/billing", "").await.expect(302);
    assert_eq!(sent.header("location"), "/billing?done=letter");
    confirm(&market, &secret).await.expect(204);
    assert!(!page(&buyer, "/billing").await.contains("Send the letter again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_with_three_addresses_has_one_allowance() {
    let market = Market::open().await;
    let mut keys = Vec::new();
    for email in ["a.d.a@gmail.com", "ada+two@gmail.com", "ada@googlemail.com"] {
        let account = json!({ "email": email, "password": PASSWORD });
        let made = Answer::to(market.post("/api/v1/auth/register").json(&account)).await.expect(201).json();
        let token = made["token"].as_str().unwrap().to_owned();
        let mut buyer = Buyer { market: &market, email: email.to_owned(), token, key: String::new() };
        confirm(&market, &market.secret(email, 1).await).await.expect(204);
        buyer.key = buyer.make_key(json!({ "name": "test" })).await["key"].as_str().unwrap().to_owned();
        keys.push(buyer);
    }
    for _ in 0..4 {
        let asked = join_all(keys.iter().map(|buyer| Answer::to(buyer.chat(&question())))).await;
        assert!(asked.iter().all(|answer| [200, 402].contains(&answer.status)), "{asked:?}");
    }
    let given = market.count("select coalesce(sum(amount), 0)::bigint from grant_ where fund = 'free'").await;
    assert_eq!(given, 1_000, "one person was given a month more than once");
    let taken = market.count("select coalesce(sum(free_tokens), 0)::bigint from usage_call").await;
    assert!((1..=1_000).contains(&taken), "{taken}");
    market.assert_books_balance().await;
}
