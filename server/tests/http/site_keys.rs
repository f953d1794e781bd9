//! A site asks for a key at `/auth`, its visitor decides, and the site fetches the key with a code and a proof (PKCE).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::address::page;
use crate::support::{Answer, Buyer, Market, nanos};

const CALLBACK: &str = "https://app.example.org/back?state=7";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref())
}

/// The form of the page as a browser without scripts posts it.
async fn decide(buyer: &Buyer<'_>, more: &[(&str, &str)]) -> Answer {
    let challenge = challenge(VERIFIER);
    let mut fields = vec![
        ("choice", "agree"),
        ("callback_url", CALLBACK),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    fields.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    fields.extend(more);
    let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    let request = buyer.market.post("/auth").header("cookie", buyer.cookie());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    Answer::to(request.header("origin", &buyer.market.base).body(form.join("&"))).await
}

fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Where the page between leads to.
fn target(answer: &Answer) -> String {
    let (_, rest) = answer.text.split_once("content=\"0;url=").unwrap_or_else(|| panic!("{}", answer.text));
    rest.split('"').next().unwrap().replace("&amp;", "&")
}

fn code(answer: &Answer) -> String {
    target(answer).rsplit_once("code=").unwrap().1.to_owned()
}

async fn fetch(market: &Market, code: &str, verifier: &str) -> Answer {
    let body = json!({ "code": code, "code_verifier": verifier, "code_challenge_method": "S256" });
    Answer::to(market.post("/api/v1/auth/keys").json(&body)).await
}

async fn keys(buyer: &Buyer<'_>) -> Vec<Value> {
    buyer.get("/api/v1/keys").await.expect(200).json()["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_gets_a_key_that_somebody_agreed_to_give_it() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let agreed = decide(&buyer, &[("limit_usd", "2.50"), ("limit_reset", "month")]).await.expect(200);
    assert!(target(&agreed).starts_with("https://app.example.org/back?state=7&code="), "{}", agreed.text);
    for (name, value) in
        [("referrer-policy", "no-referrer"), ("cache-control", "no-store"), ("x-frame-options", "DENY")]
    {
        assert_eq!(agreed.header(name), value, "{name}");
    }
    let fetched = fetch(&market, &code(&agreed), VERIFIER).await.expect(200);
    assert_eq!(fetched.header("cache-control"), "no-store");
    let me = buyer.get("/api/v1/auth/me").await.expect(200).json();
    assert_eq!(fetched.json()["user_id"], me["id"]);
    let secret = fetched.json()["key"].as_str().unwrap().to_owned();
    let body = json!({ "model": "openai/gpt-5-mini", "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 9 });
    Answer::to(market.post("/v1/chat/completions").bearer_auth(&secret).json(&body)).await.expect(200);
    let listed = keys(&buyer).await;
    let of_site = listed.iter().find(|key| key["name"] == "https://app.example.org").unwrap();
    assert_eq!((nanos(&of_site["limit_nanos"]), &of_site["limit_reset"]), (2_500_000_000, &json!("month")));
    assert!(!of_site["scopes"].as_array().unwrap().contains(&json!("management")));
    let actions: Vec<String> = sqlx::query_scalar(
        "select action from audit_event where subject = 'site:https://app.example.org' or reason = 'for https://app.example.org'
        order by action",
    )
    .fetch_all(&market.db)
    .await
    .unwrap();
    assert_eq!(actions, ["key.mint", "site.agree"]);
    let kept: i64 = sqlx::query_scalar(
        "select count(*) from site_code where digest = convert_to($1, 'UTF8') or site like '%' || $1",
    )
    .bind(code(&agreed))
    .fetch_one(&market.db)
    .await
    .unwrap();
    assert_eq!(kept, 0, "the database can give the code away");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_comes_again_revokes_its_key_if_the_proof_comes_with_it() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let code = code(&decide(&buyer, &[]).await.expect(200));
    let secret = fetch(&market, &code, VERIFIER).await.expect(200).json()["key"].as_str().unwrap().to_owned();
    let works = async || Answer::to(market.get("/v1/key").bearer_auth(&secret)).await.status;
    // Who has only seen the code can do the site no harm.
    fetch(&market, &code, "somebody-else").await.expect(403);
    assert_eq!(works().await, 200);
    let again = fetch(&market, &code, VERIFIER).await.expect(403);
    assert_eq!(again.json()["error"]["metadata"]["error_type"], "permission_denied");
    assert_eq!(works().await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_worth_nothing_when_wrongly_proven_late_or_made_up() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let first = code(&decide(&buyer, &[]).await.expect(200));
    fetch(&market, &first, "a-guess").await.expect(403);
    fetch(&market, &first, VERIFIER).await.expect(403);
    let late = code(&decide(&buyer, &[]).await.expect(200));
    market.run("update site_code set expires_at = now()").await;
    fetch(&market, &late, VERIFIER).await.expect(403);
    let suspended = code(&decide(&buyer, &[]).await.expect(200));
    market.run("update account set suspended_at = now()").await;
    fetch(&market, &suspended, VERIFIER).await.expect(403);
    for code in ["", "x", &"A".repeat(43), "\u{0}"] {
        fetch(&market, code, VERIFIER).await.expect(403);
    }
    let odd = json!({ "code": "x", "code_verifier": "y", "code_challenge_method": "S512" });
    let odd = Answer::to(market.post("/v1/auth/keys").json(&odd)).await.expect(400);
    assert_eq!(odd.json()["error"]["param"], "code_challenge_method");
    Answer::to(market.post("/v1/auth/keys").json(&json!({}))).await.expect(400);
    market.run("update account set suspended_at = null").await;
    assert_eq!(keys(&buyer).await.len(), 1, "only the key that was there before");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_bring_one_code_at_once_one_gets_a_key() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let code = code(&decide(&buyer, &[]).await.expect(200));
    let answers = futures_util::future::join_all((0..8).map(|_| fetch(&market, &code, VERIFIER))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403, 403, 403, 403, 403, 403]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_comes_again_while_its_key_is_made_takes_that_key_away_too() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let code = code(&decide(&buyer, &[]).await.expect(200));
    market
        .run(
            "create function made_slowly() returns trigger language plpgsql as
                $$ begin perform pg_sleep(1); return new; end $$;
            create trigger slow before insert on api_key for each row execute function made_slowly()",
        )
        .await;
    let again = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        fetch(&market, &code, VERIFIER).await.expect(403)
    };
    let (given, _) = futures_util::join!(fetch(&market, &code, VERIFIER), again);
    let given = given.expect(200).json();
    Answer::to(market.get("/v1/key").bearer_auth(given["key"].as_str().unwrap())).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_challenge_and_both_bases_are_understood() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let plain = [("code_challenge", "plain-word"), ("code_challenge_method", "plain")];
    let code = code(&decide(&buyer, &plain).await.expect(200));
    let body = json!({ "code": code, "code_verifier": "plain-word" });
    Answer::to(market.post("/v1/auth/keys").json(&body)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_gives_nothing_and_the_site_is_told() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let declined = decide(&buyer, &[("choice", "decline")]).await.expect(200);
    assert_eq!(target(&declined), "https://app.example.org/back?state=7&error=access_denied");
    let codes: i64 =
        sqlx::query_scalar("select count(*) from site_code").fetch_one(&market.db).await.unwrap();
    assert_eq!(codes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_who_asks_and_a_stranger_signs_in_first() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let challenge = challenge(VERIFIER);
    let path = format!(
        "/auth?callback_url={}&code_challenge={challenge}&code_challenge_method=S256",
        escape(CALLBACK)
    );
    let seen = page(&buyer, &path).await;
    assert!(seen.contains("https://app.example.org<") && seen.contains("Give it a key"), "{seen}");
    assert!(seen.contains("action=\"/auth\""), "{seen}");
    let stranger = Answer::to(market.get(&path)).await.expect(200);
    assert!(stranger.text.contains("/sign-in?next=/auth%3Fcallback_url"), "{}", stranger.text);
    assert!(!stranger.text.contains("Give it a key"));
    let policy = stranger.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_odd_address_is_ever_called_back() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for odd in [
        "javascript:alert(1)",
        "http://example.org/",
        "//example.org",
        "https://user@example.org/",
        "https://example.org/?code=mine",
        "data:text/html,x",
        "myapp://back",
        "",
    ] {
        for choice in ["agree", "decline"] {
            let answer = decide(&buyer, &[("callback_url", odd), ("choice", choice)]).await.expect(303);
            assert!(answer.header("location").starts_with("/auth?"), "{odd}: {:?}", answer.headers);
        }
        let path =
            format!("/auth?callback_url={}&code_challenge=abc&code_challenge_method=plain", escape(odd));
        assert!(!page(&buyer, &path).await.contains("Give it a key"), "{odd}");
    }
    for (field, value) in [("code_challenge", ""), ("code_challenge_method", "none"), ("limit_usd", "much")] {
        decide(&buyer, &[(field, value)]).await.expect(303);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_agrees_for_somebody_else() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let form = format!(
        "choice=agree&callback_url={}&code_challenge={}&code_challenge_method=S256",
        escape(CALLBACK),
        challenge(VERIFIER)
    );
    let post = || {
        market.post("/auth").header("content-type", "application/x-www-form-urlencoded").body(form.clone())
    };
    let elsewhere = post().header("cookie", buyer.cookie()).header("origin", "https://app.example.org");
    Answer::to(elsewhere.header("sec-fetch-site", "cross-site")).await.expect(403);
    // Neither a stranger nor a program with a key of theirs.
    Answer::to(post()).await.expect(303);
    Answer::to(post().bearer_auth(&buyer.key)).await.expect(303);
    let codes: i64 =
        sqlx::query_scalar("select count(*) from site_code").fetch_one(&market.db).await.unwrap();
    assert_eq!(codes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_room_for_a_key_gives_none() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for name in ["second", "third"] {
        buyer.make_key(json!({ "name": name })).await;
    }
    let full = decide(&buyer, &[]).await.expect(303);
    assert!(full.header("location").ends_with("&refused=keys"), "{:?}", full.headers);
    let told = page(&buyer, full.header("location")).await;
    assert!(told.contains("your plan allows no more"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_other_sites_ask_with_a_key_and_never_with_a_cookie() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let elsewhere = |request: reqwest::RequestBuilder| {
        request.header("origin", "https://app.example.org").header("sec-fetch-site", "cross-site")
    };
    let first = elsewhere(market.request(reqwest::Method::OPTIONS, "/api/v1/chat/completions"))
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let first = Answer::to(first).await.expect(204);
    assert_eq!(first.header("access-control-allow-origin"), "*");
    assert_eq!(first.header("access-control-allow-headers"), "authorization,content-type");
    let body = json!({ "model": "openai/gpt-5-mini", "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 9 });
    for base in ["/v1", "/api/v1"] {
        let asked = elsewhere(market.post(&format!("{base}/chat/completions")).json(&body));
        let answer = Answer::to(asked.bearer_auth(&buyer.key)).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-allow-credentials").is_empty());
    }
    let by_cookie =
        elsewhere(market.post("/api/v1/keys").header("cookie", buyer.cookie()).json(&json!({ "name": "x" })));
    Answer::to(by_cookie).await.expect(403);
    let by_cookie =
        elsewhere(market.post("/v1/keys").header("cookie", buyer.cookie()).json(&json!({ "name": "x" })));
    Answer::to(by_cookie).await.expect(401);
    let page = Answer::to(elsewhere(market.get("/models"))).await.expect(200);
    assert!(page.header("access-control-allow-origin").is_empty());
    assert_eq!(keys(&buyer).await.len(), 1);
}
