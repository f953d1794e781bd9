//! `Idempotency-Key` among many: requests at once, several servers, callers who leave and servers that die.

use std::time::Duration;

use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use server::simulator::Pace;
use uuid::Uuid;

use crate::idempotency::{asking, chat};
use crate::support::{Answer, Buyer, Fellow, Market, nanos};

pub const HEADER: &str = "idempotency-key";
pub const AT_ONCE: usize = 50;
const PROMPT: Duration = Duration::from_secs(5);
/// The background task that closes abandoned holds looks every five seconds.
pub const REAPED: Duration = Duration::from_secs(8);

/// Asks until the answer is no longer being written.
pub async fn until_answered(request: impl Fn() -> RequestBuilder) -> Answer {
    for _ in 0..100 {
        let answer = Answer::to(request()).await;
        if answer.status != 409 || answer.header("retry-after").is_empty() {
            return answer;
        }
        assert_eq!(answer.header("x-should-retry"), "true", "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the key never came to an answer");
}

pub fn code(answer: &Answer) -> String {
    answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}

pub fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// A chat completion to be asked of the first, second or third server.
pub fn post_somewhere(market: &Market, fellows: &[Fellow], at: usize) -> RequestBuilder {
    let path = "/v1/chat/completions";
    at.checked_sub(1).map_or_else(|| market.post(path), |at| fellows[at].post(path))
}

/// M6 of RELIABILITY. `M6_KEYS=200 M6_SEED=7` runs it in full.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_identical_requests_at_three_servers_are_one_call_and_one_charge() {
    let (keys, seed) =
        (from_environment("M6_KEYS", 6), from_environment("M6_SEED", rand::random::<u32>().into()));
    println!("M6_KEYS={keys} M6_SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let market = Market::open().await;
    let (fellows, buyer) = ([market.fellow().await, market.fellow().await], market.paying_buyer().await);
    let (mut first, mut repeated, mut told_to_wait, mut paid) = (0, 0, 0, 0);
    for key in 0..keys {
        let scenario = ["ok", "instant", "reasoning", "server-error"][dice.random_range(0..4)];
        let stream = dice.random_bool(0.5);
        let body = asking(&format!("Question {key}. [[simulate: {scenario}]]"), stream);
        let requests = (0..AT_ONCE).map(|_| {
            let request = post_somewhere(&market, &fellows, dice.random_range(0..3));
            let request = request.bearer_auth(&buyer.key).header(HEADER, format!("key-{key}")).json(&body);
            let late =
                Duration::from_millis(if dice.random_bool(0.7) { 0 } else { dice.random_range(0..60) });
            async move {
                tokio::time::sleep(late).await;
                Answer::to(request).await
            }
        });
        let answers = futures_util::future::join_all(requests.collect::<Vec<_>>()).await;
        let expected = if scenario == "server-error" { 502 } else { 200 };
        let what = format!("key {key}, {scenario}, stream {stream}, seed {seed}");
        let (answered, waiting): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == expected);
        assert!(waiting.iter().all(|answer| answer.status == 409 && code(answer) == "in_progress"), "{what}");
        let acted: Vec<_> =
            answered.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).collect();
        assert_eq!(acted.len(), 1, "{what}");
        let call = acted[0].header("x-generation-id");
        assert!(answers.iter().all(|answer| answer.header("x-generation-id") == call), "{what}");
        let asked = market.truths().await.iter().filter(|truth| truth["request_id"] == call).count();
        assert_eq!(asked, 1, "{what}");
        let debits = market.debits(call).await;
        assert_eq!(debits.len(), usize::from(expected == 200), "{what}: {debits:?}");
        (first, repeated) = (first + 1, repeated + answered.len() - 1);
        (told_to_wait, paid) = (told_to_wait + waiting.len(), paid - debits.iter().sum::<i64>());
    }
    println!("{first} acted, {repeated} were repeated, {told_to_wait} were told to wait");
    assert_eq!(market.truths().await.len() as u64, keys, "seed {seed}");
    assert_eq!(market.count("select count(*) from hold").await.cast_unsigned(), keys, "seed {seed}");
    assert_eq!(buyer.available().await, 10_000_000_000 - paid, "seed {seed}");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_identical_orders_and_key_creations_make_one_each() {
    let market = Market::open().await;
    let (fellow, buyer) = (market.fellow().await, market.buyer().await);
    let before = market.count("select count(*) from api_key").await;
    for (path, body) in
        [("/api/v1/top-ups", json!({ "amount_usd": "10.00" })), ("/api/v1/keys", json!({ "name": "laptop" }))]
    {
        let requests = (0..AT_ONCE).map(|at| {
            let request = if at % 2 == 0 { market.post(path) } else { fellow.post(path) };
            Answer::to(request.bearer_auth(&buyer.token).header(HEADER, "k").json(&body))
        });
        let answers = futures_util::future::join_all(requests).await;
        assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status)), "{answers:?}");
        let made: Vec<Value> =
            answers.iter().filter(|answer| answer.status == 201).map(Answer::json).collect();
        assert!(!made.is_empty() && made.iter().all(|one| *one == made[0]), "{made:?}");
    }
    assert_eq!(market.count("select count(*) from top_up").await, 1);
    assert_eq!(market.count("select count(*) from api_key").await, before + 1);
}

/// Sends a request to be streamed slowly, and reads until the first word.
async fn first_words(request: RequestBuilder) -> (String, impl StreamExt) {
    let response = request.send().await.unwrap();
    let call = response.headers()["x-generation-id"].to_str().unwrap().to_owned();
    let (mut bytes, mut read) = (response.bytes_stream(), String::new());
    while read.matches("\"content\":").count() < 3 {
        read.push_str(&String::from_utf8_lossy(&bytes.next().await.unwrap().unwrap()));
    }
    (call, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_while_the_answer_is_written_is_told_when_to_ask_again() {
    let market = Market::open().await;
    let (fellow, buyer) = (market.fellow().await, market.paying_buyer().await);
    let body = asking("Name a harbour. [[simulate: slow]]", true);
    let (call, rest) = first_words(buyer.chat(&body).header(HEADER, "k")).await;
    let request = fellow.post("/v1/chat/completions").bearer_auth(&buyer.key).header(HEADER, "k").json(&body);
    let early = Answer::to(request).await.expect(409);
    assert_eq!((code(&early).as_str(), early.header("retry-after")), ("in_progress", "2"));
    assert_eq!((early.header("x-should-retry"), early.header("x-generation-id")), ("true", call.as_str()));
    drop(rest);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_a_stream_hears_what_came_and_that_it_was_cut_short() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours. [[simulate: slow]]", true);
    let (call, rest) = first_words(buyer.chat(&body).header(HEADER, "k")).await;
    drop(rest);
    market.until_no_hold_is_open(PROMPT).await;
    let again = until_answered(|| buyer.chat(&body).header(HEADER, "k")).await.expect(200);
    assert_eq!(
        (again.header("idempotent-replayed"), again.header("x-generation-id")),
        ("true", call.as_str())
    );
    let chunks = again.chunks();
    assert!(
        chunks
            .iter()
            .any(|chunk| chunk["choices"][0]["delta"]["content"].as_str().is_some_and(|text| text.len() > 3))
    );
    let last = chunks.last().unwrap();
    assert_eq!(
        (&last["error"]["code"], &last["choices"][0]["finish_reason"]),
        (&json!("interrupted"), &json!("error"))
    );
    assert_eq!(last["error"]["metadata"]["generation_id"], call);
    assert!(!again.data_lines().contains(&"[DONE]"));
    let receipt = buyer.receipt(&call).await;
    assert_eq!(
        (receipt["finish"].as_str(), market.debits(&call).await.len()),
        (Some("stopped"), 1),
        "{receipt}"
    );
    assert!(nanos(&receipt["charge_nanos"]) < nanos(&receipt["hold_nanos"]), "{receipt}");
    assert_eq!(market.truths().await.len(), 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_before_the_first_word_is_told_so_and_pays_nothing() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("[[simulate: hang]]", true);
    let request = || buyer.chat(&body).header(HEADER, "k");
    assert!(tokio::time::timeout(Duration::from_millis(600), request().send()).await.is_err());
    market.until_no_hold_is_open(PROMPT).await;
    let again = until_answered(request).await.expect(409);
    assert_eq!((code(&again).as_str(), again.header("x-should-retry")), ("interrupted", "false"));
    assert_eq!(buyer.available().await, 10_000_000_000);
    assert_eq!(market.count("select count(*) from hold").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_an_answer_in_one_piece_finds_it_whole() {
    let market = Market::open_with(Pace::Realistic).await;
    let buyer = market.paying_buyer().await;
    let body = asking("Explain a harbour in one sentence.", false);
    let request = || buyer.chat(&body).header(HEADER, "k");
    assert!(tokio::time::timeout(Duration::from_millis(150), request().send()).await.is_err());
    let again = until_answered(request).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let call = again.header("x-generation-id");
    assert_eq!(
        (again.json()["id"].as_str(), market.debits(call).await.len()),
        (Some(format!("gen-{call}").as_str()), 1)
    );
    assert_eq!(market.truths().await.len(), 1);
    market.assert_books_balance().await;
}

/// As if the leases of servers that no longer answer had ended.
pub async fn let_leases_end(market: &Market) {
    for end in [
        "update hold set lease_until = now() - interval '1 second' where state = 'open'",
        "update idempotency set lease_until = now() - interval '1 second' where state = 'running'",
    ] {
        sqlx::query(end).execute(&market.db).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outlives_the_server_that_gave_it() {
    let market = Market::open().await;
    let (fellow, buyer) = (market.fellow().await, market.paying_buyer().await);
    let body = asking("Name three harbours.", true);
    let request = fellow.post("/v1/chat/completions").bearer_auth(&buyer.key).header(HEADER, "k");
    let first = Answer::to(request.json(&body)).await.expect(200);
    fellow.die();
    let again = chat(&buyer, "k", &body).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("x-generation-id"), first.header("x-generation-id"));
    assert_eq!(market.truths().await.len(), 1);
}

/// A server that died after the books were closed and before the answer was kept has left the key like this.
#[tokio::test(flavor = "multi_thread")]
async fn a_charged_call_without_a_kept_answer_is_named_when_its_server_had_its_time() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    let call = chat(&buyer, "k", &body).await.expect(200).header("x-generation-id").to_owned();
    let forget = "update idempotency set state = 'running', status = null, content_type = null, body = null";
    sqlx::query(forget).execute(&market.db).await.unwrap();
    assert_eq!(code(&chat(&buyer, "k", &body).await.expect(409)), "in_progress");
    let long_ago = "update hold set closed_at = closed_at - interval '31 seconds'";
    sqlx::query(long_ago).execute(&market.db).await.unwrap();
    let told = chat(&buyer, "k", &body).await.expect(409);
    assert_eq!((code(&told).as_str(), told.header("x-generation-id")), ("interrupted", call.as_str()));
    assert_eq!(market.truths().await.len(), 1);
}

/// Claims a key as a server does that dies right after.
async fn claim_and_die(market: &Market, buyer: &Buyer<'_>, body: &Value) -> Uuid {
    let claim = "select call_id from account a join api_key k using (account_id), ledger.claim_key(
        $1, a.account_id, k.api_key_id, 'chat/completions', 'k', sha256(convert_to($2, 'UTF8')), 30)
        where a.email = $3";
    let claim = sqlx::query_scalar(claim).bind(Uuid::now_v7()).bind(body.to_string()).bind(&buyer.email);
    claim.fetch_one(&market.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_server_died_before_the_hold_is_taken_over_under_its_id() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let body = asking("Name three harbours.", false);
    let call = claim_and_die(&market, &buyer, &body).await;
    assert_eq!(code(&chat(&buyer, "k", &body).await.expect(409)), "in_progress");
    let_leases_end(&market).await;
    chat(&buyer, "k", &asking("Name four harbours.", false)).await.expect(422);
    let answers = futures_util::future::join_all((0..8).map(|_| chat(&buyer, "k", &body))).await;
    assert!(answers.iter().all(|answer| answer.header("x-generation-id") == call.to_string()), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(market.truths().await.len(), 1);
    assert_eq!(market.debits(&call.to_string()).await.len(), 1);
    market.assert_books_balance().await;
}

/// The reply to a reserve was lost, or a server taken for dead was only slow: the hold is there already.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_there_already_is_not_opened_again() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let reserve = "create function reserve_before() returns trigger language plpgsql as $$ begin
        perform ledger.reserve(new.call_id, new.account_id, new.api_key_id, null, null, null, 'openai/gpt-5-mini',
            'openai', (select price_id from price where model_id = 'openai/gpt-5-mini'), 3000, 1000000, 1000000, null, null,
            new.call_id, 15);
        return new;
    end $$";
    sqlx::query(reserve).execute(&market.db).await.unwrap();
    let trigger = "create trigger reserve_before after insert on idempotency
        for each row execute function reserve_before()";
    sqlx::query(trigger).execute(&market.db).await.unwrap();
    let body = asking("Name three harbours.", false);
    let told = chat(&buyer, "k", &body).await.expect(409);
    assert_eq!((code(&told).as_str(), told.header("retry-after")), ("in_progress", "2"));
    let_leases_end(&market).await;
    market.until_no_hold_is_open(REAPED).await;
    let told = chat(&buyer, "k", &body).await.expect(409);
    assert_eq!(code(&told), "interrupted");
    assert_eq!(buyer.receipt(told.header("x-generation-id")).await["charge_nanos"], "0");
    assert_eq!(buyer.available().await, 10_000_000_000);
    assert_eq!(market.truths().await.len(), 0);
    market.assert_books_balance().await;
}
