//! What servers remember of keys: a key in use is not looked up for each request, and is refused all the same when it is over.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Fellow, Market};

const MODEL: &str = "openai/gpt-5-mini";
/// Every server knows of a change when this is over.
const SOON: Duration = Duration::from_secs(1);

fn asking() -> Value {
    json!({ "model": MODEL, "messages": [{ "role": "user", "content": "Hi" }] })
}

async fn buyer(market: &Market) -> Buyer<'_> {
    let buyer = market.paying_buyer().await;
    market.run("update account set plan = 'enterprise'").await;
    buyer
}

/// The id of a new key, and its secret.
async fn key(buyer: &Buyer<'_>) -> (String, String) {
    let made = buyer.make_key(json!({ "name": "known" })).await;
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

async fn chat_at(fellow: &Fellow, key: &str) -> u16 {
    Answer::to(fellow.post("/v1/chat/completions").bearer_auth(key).json(&asking())).await.status
}

async fn chat(market: &Market, key: &str) -> u16 {
    Answer::to(market.post("/v1/chat/completions").bearer_auth(key).json(&asking())).await.status
}

async fn change(buyer: &Buyer<'_>, id: &str, terms: Value) {
    let request = buyer.market.request(Method::PATCH, &format!("/api/v1/keys/{id}"));
    Answer::to(request.bearer_auth(&buyer.token).json(&terms)).await.expect(200);
}

/// Changes each of these keys in another way, and says how it is refused from then on.
async fn take_away(buyer: &Buyer<'_>, keys: &[(String, String)]) -> [u16; 7] {
    let [(scoped, _), (kept, _), (elsewhere, _), (rotated, _), (expired, _), (disabled, _), (revoked, _)] =
        keys
    else {
        unreachable!()
    };
    let change = async |id: &str, terms: Value| change(buyer, id, terms).await;
    change(scoped, json!({ "scopes": ["read"] })).await;
    change(kept, json!({ "models": ["anthropic/*"] })).await;
    change(elsewhere, json!({ "addresses": ["203.0.113.0/24"] })).await;
    buyer.post(&format!("/api/v1/keys/{rotated}/rotate"), &json!({ "overlap_seconds": 0 })).await.expect(200);
    sqlx::query("update api_key set expires_at = now() where api_key_id = $1::uuid")
        .bind(expired)
        .execute(&buyer.market.db)
        .await
        .unwrap();
    change(disabled, json!({ "disabled": true })).await;
    buyer.delete(&format!("/api/v1/keys/{revoked}")).await.expect(204);
    [403, 403, 403, 401, 401, 401, 401]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_from_a_key_is_gone_at_every_server_within_a_second() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let fellow = market.fellow().await;
    let mut keys = Vec::new();
    for _ in 0..8 {
        keys.push(key(&buyer).await);
    }
    // Again and again, until they are known for longer than a moment.
    for _ in 0..4 {
        for (_, secret) in &keys {
            assert_eq!(chat_at(&fellow, secret).await, 200);
        }
    }
    let refusals = take_away(&buyer, &keys[..7]).await;
    tokio::time::sleep(SOON).await;
    for ((_, secret), refused) in keys.iter().zip(refusals) {
        assert_eq!(chat_at(&fellow, secret).await, refused);
    }
    let ((id, enabled), (_, other)) = (&keys[5], &keys[7]);
    change(&buyer, id, json!({ "disabled": false })).await;
    assert_eq!(chat_at(&fellow, enabled).await, 200, "what is enabled works at once");
    assert_eq!(chat_at(&fellow, other).await, 200);
    market.run("update account set suspended_at = now()").await;
    tokio::time::sleep(SOON).await;
    Answer::to(fellow.get("/v1/models").bearer_auth(other)).await.expect(401);
    // What is given back works at once.
    market.run("update account set suspended_at = null").await;
    assert_eq!(chat_at(&fellow, other).await, 200);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_from_a_key_is_gone_at_once_where_it_was_taken() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let mut keys = Vec::new();
    for _ in 0..7 {
        keys.push(key(&buyer).await);
    }
    for (_, secret) in keys.iter().chain(&keys) {
        assert_eq!(chat(&market, secret).await, 200);
    }
    let refusals = take_away(&buyer, &keys).await;
    for ((_, secret), refused) in keys.iter().zip(refusals) {
        assert_eq!(chat(&market, secret).await, refused);
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_paid_call_begins_with_a_key_that_was_revoked_or_disabled_elsewhere() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let fellow = market.fellow().await;
    for round in 0..6 {
        let (id, secret) = key(&buyer).await;
        assert_eq!(chat_at(&fellow, &secret).await, 200);
        let asked = market.truths().await.len();
        let word = if round % 2 == 0 {
            buyer.delete(&format!("/api/v1/keys/{id}")).await.expect(204);
            "invalid_api_key"
        } else {
            change(&buyer, &id, json!({ "disabled": true })).await;
            "key_disabled"
        };
        // Nobody has told the other server yet, and the books know.
        let refused = fellow.post("/v1/chat/completions").bearer_auth(&secret).json(&asking());
        let refused = Answer::to(refused).await.expect(401).json();
        assert_eq!(refused["error"]["code"], word, "round {round}");
        assert_eq!(market.truths().await.len(), asked);
    }
    market.assert_books_balance().await;
}

/// Money that was set aside before may be used once more, until that server hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_frequent_use_makes_at_most_one_more_call_when_it_was_revoked_elsewhere() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let fellow = market.fellow().await;
    for _ in 0..3 {
        let (id, secret) = key(&buyer).await;
        for _ in 0..3 {
            assert_eq!(chat_at(&fellow, &secret).await, 200);
        }
        buyer.delete(&format!("/api/v1/keys/{id}")).await.expect(204);
        let revoked = Instant::now();
        let mut more = 0;
        while chat_at(&fellow, &secret).await == 200 {
            more += 1;
        }
        assert!(more <= 1, "{more} calls began with a key that was revoked");
        assert!(revoked.elapsed() < SOON + SOON, "{:?}", revoked.elapsed());
    }
    market.until_no_hold_is_open(4 * SOON).await;
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_works_at_once_at_every_server() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let fellow = market.fellow().await;
    let (id, first) = key(&buyer).await;
    assert_eq!([chat_at(&fellow, &first).await, chat(&market, &first).await], [200, 200]);
    let path = format!("/api/v1/keys/{id}/rotate");
    let rotated = buyer.post(&path, &json!({ "overlap_seconds": 2 })).await.expect(200).json();
    let second = rotated["key"].as_str().unwrap();
    assert_eq!([chat_at(&fellow, second).await, chat(&market, second).await], [200, 200]);
    // The one before is known no longer than it works.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!([chat_at(&fellow, &first).await, chat(&market, &first).await], [401, 401]);
    assert_eq!(chat_at(&fellow, second).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_use_is_not_looked_up_for_each_request() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    let (_, stranger) = key(&buyer).await;
    let ask = |key: &str| Answer::to(market.get("/v1/models").bearer_auth(key));
    for _ in 0..4 {
        ask(&buyer.key).await.expect(200);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    // Nobody can be looked up any more.
    market.run("revoke execute on function sign_in.know_key from mercato_runtime").await;
    ask(&stranger).await.expect(503);
    let mut known = false;
    for _ in 0..50 {
        known |= ask(&buyer.key).await.status == 200;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(known, "the key was forgotten at once");
    market.run("grant execute on function sign_in.know_key to mercato_runtime").await;
    ask(&stranger).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_look_up_their_key_together() {
    let market = Market::open().await;
    let buyer = buyer(&market).await;
    // Counts the looks, and makes each last long enough for the others to come.
    market
        .run(
            "create sequence sign_in.looks;
            alter function sign_in.know_key rename to look_at_key;
            do $$ begin execute format(
                'create function sign_in.know_key(%s) returns %s language plpgsql security definer as %L',
                pg_get_function_arguments('sign_in.look_at_key'::regproc),
                pg_get_function_result('sign_in.look_at_key'::regproc),
                'begin
                    perform nextval(''sign_in.looks''), pg_sleep(0.1);
                    return query select * from sign_in.look_at_key($1, $2, $3, $4, $5);
                end'
            ); end $$;
            grant execute on function sign_in.know_key to mercato_runtime",
        )
        .await;
    // Whoever waits too long looks for themselves, as on a busy machine; one quiet moment is enough to see that they need not.
    let mut fewest = usize::MAX;
    for _ in 0..10 {
        let (_, secret) = key(&buyer).await;
        tokio::time::sleep(SOON).await;
        let before = market.count("select last_value from sign_in.looks").await;
        let asked = (0..30).map(|_| Answer::to(market.get("/v1/models").bearer_auth(&secret)));
        let answers = join_all(asked).await;
        assert!(answers.iter().all(|answer| answer.status == 200), "{:?}", answers.first());
        let looks = market.count("select last_value from sign_in.looks").await - before;
        fewest = fewest.min(usize::try_from(looks).unwrap());
        if fewest <= 5 {
            return;
        }
    }
    panic!("{fewest} looks for 30 requests");
}
