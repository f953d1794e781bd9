//! Requests and tokens a minute counted in Valkey: as exactly as in the database, and there when Valkey is not.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::rates::{
    Counting, admit_all_of_a_key_at_three_servers, admit_all_of_a_plan, asking, count_an_address, figure,
    give_tokens_back, strict,
};
use crate::support::{Answer, Buyer, Fellow, Market, Valkey};

const UP: &str = "mercato_valkey_up";

fn in_valkey() -> Counting {
    Counting::InValkey(Valkey::start())
}

async fn ask(server: &Fellow, buyer: &Buyer<'_>) -> Answer {
    let request = server.post("/v1/chat/completions").bearer_auth(&buyer.key);
    Answer::to(request.json(&asking("Hi"))).await
}

/// Asks until Valkey has counted it: a machine that is busy may be kept waiting for it, and then the database counts.
async fn ask_counted_there(server: &Fellow, buyer: &Buyer<'_>, valkey: &Valkey) {
    while valkey.says("DBSIZE") == ":0" {
        until(server, UP, 1).await;
        ask(server, buyer).await.expect(200);
    }
}

async fn until(server: &Fellow, name: &str, wanted: i64) {
    let begun = Instant::now();
    while figure(server, name).await != wanted {
        assert!(begun.elapsed() < Duration::from_secs(150), "{name} does not become {wanted}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plans_requests_are_admitted_to_the_last_and_no_further() {
    admit_all_of_a_plan(in_valkey()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_together_admit_exactly_what_a_key_allows() {
    admit_all_of_a_key_at_three_servers(in_valkey()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_minute_are_counted_and_given_back_when_they_were_not_used() {
    give_tokens_back(in_valkey()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_at_one_address_are_counted_together_whatever_their_keys() {
    count_an_address(in_valkey()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_valkey_the_database_counts_and_with_the_next_minute_valkey_again() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut valkey = Valkey::start();
    // Of a plan with few requests each is a slice.
    let server = market
        .fellow_with(market.simulator_addr(), |command| {
            strict(command);
            command.env("MERCATO_VALKEY_URL", valkey.url());
        })
        .await;
    ask_counted_there(&server, &buyer, &valkey).await;

    valkey.kill();
    for _ in 0..3 {
        let answer = ask(&server, &buyer).await.expect(200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), "20");
    }
    assert_eq!(figure(&server, UP).await, 0);
    assert!(figure(&server, "mercato_valkey_lost_total").await >= 1);
    assert_eq!(market.count("select count(*) from sign_in.rate_window").await, 1);
    // Money does not depend on it.
    Answer::to(server.get("/readyz")).await.expect(200);

    valkey.start_again();
    assert_eq!(valkey.says("DBSIZE"), ":0", "asked before the minute was over");
    ask_counted_there(&server, &buyer, &valkey).await;
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_valkey_that_hangs_keeps_nobody_waiting() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let valkey = Valkey::start();
    let server = market
        .fellow_with(market.simulator_addr(), |command| {
            strict(command);
            command.env("MERCATO_VALKEY_URL", valkey.url());
        })
        .await;
    ask(&server, &buyer).await.expect(200);
    valkey.hang();
    let begun = Instant::now();
    let answers = futures_util::future::join_all((0..10).map(|_| ask(&server, &buyer))).await;
    for answer in answers {
        answer.expect(200);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(figure(&server, UP).await, 0);
    Answer::to(server.get("/readyz")).await.expect(200);
    // A server that starts now does not wait for it either.
    let late = market
        .fellow_with(market.simulator_addr(), |command| {
            command.env("MERCATO_VALKEY_URL", valkey.url());
        })
        .await;
    ask(&late, &buyer).await.expect(200);
    assert_eq!(figure(&late, UP).await, 0);
    valkey.go_on();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_used_stops_the_start() {
    let market = Market::open().await;
    for wrong in ["valkey:6379", "redis://:hush@valkey:6379/many"] {
        let said = market
            .mercato_with(&["ledger", "verify"], |command| {
                command.env("MERCATO_VALKEY_URL", wrong);
            })
            .await;
        assert!(!said.worked && said.text.contains("MERCATO_VALKEY_URL is not an address"), "{}", said.text);
        assert!(!said.text.contains("hush"), "{}", said.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_valkey_and_is_never_logged() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let valkey = Valkey::start();
    assert_eq!(valkey.says("CONFIG SET requirepass hush"), "+OK");
    for (password, up) in [("hush", 1), ("hush-hush", 0)] {
        let log = std::env::temp_dir().join(format!("mercato-log-{}", uuid::Uuid::now_v7().simple()));
        let server = market
            .fellow_with(market.simulator_addr(), |command| {
                command
                    .env("MERCATO_VALKEY_URL", format!("{}?pass={password}", valkey.url()))
                    .env("RUST_LOG", "debug,redis=trace")
                    .stderr(File::create(&log).unwrap());
            })
            .await;
        ask(&server, &buyer).await.expect(200);
        until(&server, UP, up).await;
        let logged = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        assert!(logged.contains("Valkey at ") && !logged.contains("hush"), "{logged}");
    }
}
