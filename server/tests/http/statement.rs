//! Statements: months that prove themselves, whoever hands them on.

use chrono::Utc;
use marketplace::money::Nanos;
use marketplace::statement::{Month, report, verify};
use serde_json::json;

use crate::support::{Answer, Buyer, Market};

fn this_month() -> Month {
    Month::of(Utc::now())
}

async fn ask(buyer: &Buyer<'_>) -> String {
    let body = json!({
        "model": "openai/gpt-5-mini", "max_tokens": 200, "messages": [{ "role": "user", "content": "Name three harbours." }],
    });
    Answer::to(buyer.chat(&body)).await.expect(200).header("x-generation-id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_passes_the_check_that_everybody_has() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let call = ask(&buyer).await;
    let listed = buyer.get("/api/v1/statements").await.expect(200).json();
    let month = this_month();
    assert_eq!(listed["data"][0], json!({ "month": month, "url": format!("/api/v1/statements/{month}") }));
    let key = Answer::to(market.get("/api/v1/books")).await.expect(200).json()["public_key"].clone();
    for name in [month.to_string(), format!("{month}.json")] {
        let answer = buyer.get(&format!("/api/v1/statements/{name}")).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        let verified = verify(&answer.text, key.as_str()).unwrap();
        assert_eq!(verified.statement.calls[0].id.to_string(), call);
        assert_eq!(verified.statement.totals.closing_nanos, Nanos(buyer.available().await));
        assert!(report(&answer.text, key.as_str()).genuine);
        assert_eq!(answer.json()["statement"]["complete"], false);
        let forged = answer.text.replacen("\"output\":", "\"output\":1", 1);
        assert!(verify(&forged, key.as_str()).is_err(), "a forged copy passed");
        assert!(verify(&answer.text, Some("AAAA")).is_err(), "another key was taken for ours");
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_in_which_nothing_happened_passes_too() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let answer = buyer.get(&format!("/api/v1/statements/{}", this_month())).await.expect(200);
    assert_eq!(verify(&answer.text, None).unwrap().statement.calls, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_month_follows_on_the_one_before_it() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    ask(&buyer).await;
    // What happened so far, the sign-up included, becomes last month's.
    market
        .run(
            "begin; set local session_replication_role = replica;
            update account set created_at = created_at - interval '1 month';
            update ledger_tx set created_at = created_at - interval '1 month';
            update ledger_entry set created_at = created_at - interval '1 month';
            update usage_call set settled_at = settled_at - interval '1 month';
            update usage_day_state set until = until - interval '1 month'; commit",
        )
        .await;
    ask(&buyer).await;
    let read = async |month: Month| {
        let answer = buyer.get(&format!("/api/v1/statements/{month}")).await.expect(200);
        verify(&answer.text, None).unwrap().statement
    };
    let (before, now) = (read(this_month().previous()).await, read(this_month()).await);
    assert_eq!((before.calls.len(), now.calls.len()), (1, 1));
    assert_eq!(before.wallets[0].closing, now.wallets[0].opening);
    assert_eq!(before.wallets[0].closing.version, 2);
    let months = buyer.get("/api/v1/statements").await.expect(200).json();
    assert_eq!(months["data"].as_array().unwrap().len(), 2, "{months}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_the_statement_of_another() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let call = ask(&buyer).await;
    market.run("update account set created_at = created_at - interval '3 months'").await;
    let other = market.buyer().await;
    let (month, before) = (this_month(), this_month().previous());
    buyer.get(&format!("/api/v1/statements/{before}")).await.expect(200);
    other.get(&format!("/api/v1/statements/{before}")).await.expect(404);
    let theirs = other.get(&format!("/api/v1/statements/{month}")).await.expect(200);
    assert!(!theirs.text.contains(&call), "{}", theirs.text);
    Answer::to(market.get(&format!("/api/v1/statements/{month}"))).await.expect(401);
    Answer::to(market.get("/api/v1/statements")).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_must_be_one_and_must_have_come() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    for wrong in
        ["2026-13", "2026-1", "november", "2026-11-01", "2026-11.pdf", "%20", "2026-11%00", "9999999-01"]
    {
        buyer.get(&format!("/api/v1/statements/{wrong}")).await.expect(400);
    }
    buyer.get(&format!("/api/v1/statements/{}", this_month().next())).await.expect(404);
    buyer.get("/api/v1/statements/1999-12").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spreadsheet_gets_figures_and_no_formulas() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let call = ask(&buyer).await;
    market
        .run(
            "begin; set local session_replication_role = replica;
            update ledger_tx set reason = '=HYPERLINK(\"http://evil.example\")' where kind = 'top_up'; commit",
        )
        .await;
    let by_ending = buyer.get(&format!("/api/v1/statements/{}.csv", this_month())).await.expect(200);
    assert!(by_ending.header("content-type").starts_with("text/csv"), "{:?}", by_ending.headers);
    assert!(by_ending.header("content-disposition").contains(".csv"), "{:?}", by_ending.headers);
    let rows: Vec<&str> = by_ending.text.lines().collect();
    assert_eq!(rows.len(), 3, "{}", by_ending.text);
    assert!(
        rows[1].contains(",paid,USD,1,top_up,\"'=HYPERLINK(\"\"http://evil.example\"\")\",10,0,10,"),
        "{}",
        rows[1]
    );
    assert!(rows[2].contains(&call), "{}", rows[2]);
    let by_wish = market.get(&format!("/api/v1/statements/{}", this_month())).header("accept", "text/csv");
    let by_wish = Answer::to(by_wish.bearer_auth(&buyer.token)).await.expect(200);
    assert_eq!(by_wish.text, by_ending.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_led_to_the_page_which_adds_up() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    ask(&buyer).await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let get =
        |path: String| Answer::to(market.get(&path).bearer_auth(&buyer.token).header("accept", browser));
    let led = get(format!("/api/v1/statements/{}", this_month())).await.expect(303);
    assert_eq!(led.header("location"), format!("/statements/{}", this_month()));
    let page = get(format!("/statements/{}", this_month())).await.expect(200);
    assert!(page.text.contains("opening + received − spent = closing ✓"), "{}", page.text);
    assert!(page.text.contains("paid for answers = taken from the balance ✓"), "{}", page.text);
    get("/statements/1999-12".to_owned()).await.expect(404);
    let list = get("/statements".to_owned()).await.expect(200);
    assert!(list.text.contains(&format!("href=\"/statements/{}\"", this_month())), "{}", list.text);
    let key = Answer::to(market.get("/api/v1/books")).await.json()["public_key"].as_str().unwrap().to_owned();
    let check = Answer::to(market.get("/statements/verify").header("accept", browser)).await.expect(200);
    assert!(check.text.contains(&key) && check.text.contains("mercato statement verify"), "{}", check.text);
}
