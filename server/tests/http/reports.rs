//! What providers bill: taken down, compared with the books, and what nobody can be asked for booked as a leak.

use std::time::Duration;

use chrono::{Days, NaiveDate, Utc};
use engine::{CallEvent, Order, Routing};
use marketplace::chat::{ChatEvent, ChatRequest, Delivery, Message, Role};
use marketplace::id::ModelId;
use marketplace::money::Nanos;
use serde_json::{Map, Value, json};

use crate::support::{Answer, Buyer, Market, nanos};

/// Its provider goes on when we hang up; another's stops.
const GOES_ON: &str = "mistral/mistral-small-2603";
const STOPS: &str = "openai/gpt-5-mini";
const HEADER: &str = "day,model,amount_usd";

fn yesterday() -> NaiveDate {
    Utc::now().date_naive() - Days::new(1)
}

/// Reads some words of a long answer and leaves. Answers what the call cost for its provider.
async fn leave(buyer: &Buyer<'_>, model: &str) -> i64 {
    let market = buyer.market;
    let request = ChatRequest {
        model: ModelId::parse(model).unwrap(),
        messages: vec![Message::text(Role::User, "Tell me a story. [[simulate: many]]".to_owned())],
        max_output_tokens: Some(4_000),
        stream: Delivery::Streamed,
        options: Map::new(),
    };
    let actor = market.engine.recognise_key(&buyer.key).await.unwrap();
    let order =
        Order { request, conversation: None, cap: None, run: None, id: None, routing: Routing::default() };
    let mut call = market.engine.chat(&actor, order).await.unwrap();
    let mut words = 0;
    while words < 20 {
        words += usize::from(matches!(call.next().await.unwrap(), CallEvent::Chat(ChatEvent::Text(_))));
    }
    let id = call.id;
    drop(call);
    market.until_no_hold_is_open(Duration::from_secs(2)).await;
    let receipt = buyer.receipt(&id.to_string()).await;
    assert_eq!((&receipt["finish"], &receipt["usage_source"]), (&json!("stopped"), &json!("estimated")));
    nanos(&receipt["provider_cost_nanos"])
}

/// Reports come when a day is over.
async fn let_a_day_pass(market: &Market) {
    market
        .run(
            "begin; set local session_replication_role = replica;
            update usage_call set settled_at = settled_at - interval '1 day';
            update usage_day_state set until = until - 1; commit",
        )
        .await;
}

fn report(model: &str, amount: i64) -> String {
    format!("{HEADER}\n{},{model},{}\n", yesterday(), Nanos(amount).decimal())
}

async fn rows(admin: &crate::support::Operator<'_>) -> Vec<Value> {
    let path = format!("reconciliation?from={}&to={}", yesterday(), yesterday());
    admin.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_bills_for_a_left_answer_is_the_houses_and_never_the_buyers() {
    let market = Market::open().await;
    let (admin, buyer) = (market.operator().await, market.paying_buyer().await);
    let booked = leave(&buyer, GOES_ON).await;
    let (before, billed) = (buyer.available().await, booked + 1_000);
    let_a_day_pass(&market).await;
    assert_eq!(rows(&admin).await[0]["state"], "missing");
    // The provider knows the model by a name of its own.
    let import = |amount| report("mistral-small-2603", amount);
    let taken = admin.post_csv("providers/mistral/reports", &import(billed)).await.expect(200).json();
    assert_eq!((&taken["new"], nanos(&taken["abort_leak_nanos"])), (&json!(1), 1_000));
    let row = rows(&admin).await[0].clone();
    assert_eq!((&row["model"], &row["state"]), (&json!(GOES_ON), &json!("agrees")), "{row}");
    assert_eq!((nanos(&row["booked_nanos"]), nanos(&row["difference_nanos"])), (billed, 0), "{row}");
    let again = admin.post_csv("providers/mistral/reports", &import(billed)).await.expect(200).json();
    assert_eq!((&again["unchanged"], nanos(&again["abort_leak_nanos"])), (&json!(1), 0));
    let less = admin.post_csv("providers/mistral/reports", &import(booked)).await.expect(200).json();
    assert_eq!((&less["corrected"], nanos(&less["abort_leak_nanos"])), (&json!(1), -1_000));
    assert_eq!(buyer.available().await, before);
    let leaked = "select sum(amount)::bigint from ledger_entry where account = 'platform:abort_leak'";
    assert_eq!(market.count(leaked).await, 0);
    let audited =
        "select count(*) from audit_event where action = 'report.import' and subject = 'provider:mistral'
        and reason like '1 lines: %'";
    assert_eq!(market.count(audited).await, 3);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_explain_stays_a_difference() {
    let market = Market::open().await;
    let (admin, buyer) = (market.operator().await, market.paying_buyer().await);
    let booked = leave(&buyer, STOPS).await;
    let_a_day_pass(&market).await;
    let text = report(STOPS, booked + 5_000_000);
    let taken = admin.post_csv("providers/openai/reports", &text).await.expect(200).json();
    assert_eq!(nanos(&taken["abort_leak_nanos"]), 0, "this provider stops when we hang up");
    let row = rows(&admin).await[0].clone();
    assert_eq!((&row["state"], nanos(&row["difference_nanos"])), (&json!("differs"), 5_000_000), "{row}");
    let metrics = Answer::to(market.get("/metrics")).await.expect(200).text;
    assert!(metrics.contains("mercato_provider_reports{state=\"differing\"} 1\n"), "{metrics}");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_read_is_refused_by_its_line_and_changes_nothing() {
    let market = Market::open().await;
    let (admin, buyer) = (market.operator().await, market.buyer().await);
    let good = format!("{},{STOPS},1.00", yesterday());
    for (text, said) in [
        (String::new(), "line 1"),
        (format!("{good}\n"), "line 1"),
        (format!("{HEADER}\n{good}\n{},{STOPS},2.00\n", Utc::now().date_naive()), "line 3"),
        (format!("{HEADER}\n{good}\n{good}\n"), "line 3"),
        (format!("{HEADER}\n{good}\n2020-01-01,{STOPS},-1\n"), "line 3"),
    ] {
        let refused = admin.post_csv("providers/openai/reports", &text).await.expect(400).json();
        assert!(refused["detail"].as_str().unwrap().contains(said), "{refused}");
    }
    let whole = format!("{HEADER}\n{good}\n");
    admin.post_csv("providers/nobody/reports", &whole).await.expect(404);
    let send = |request: reqwest::RequestBuilder| Answer::to(request.body(whole.clone()));
    let path = "/api/v1/admin/providers/openai/reports";
    send(market.post(path).bearer_auth(&buyer.token)).await.expect(403);
    send(market.post(path).bearer_auth(&buyer.key)).await.expect(403);
    send(market.post(path)).await.expect(401);
    buyer.get("/api/v1/admin/reconciliation?from=2026-01-01&to=2026-01-02").await.expect(403);
    for days in ["", "?from=2026-01-01", "?from=today&to=2026-01-01", "?from=2026-01-02&to=2026-01-01"] {
        admin.get(&format!("reconciliation{days}")).await.expect(400);
    }
    admin.get("reconciliation?from=2020-01-01&to=2026-01-01").await.expect(400);
    assert_eq!(market.count("select count(*) from provider_report").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_taken_and_shown_at_the_command_line_too() {
    let market = Market::open().await;
    let file = std::env::temp_dir().join(format!("report-{}.csv", uuid::Uuid::now_v7().simple()));
    std::fs::write(&file, report(STOPS, 1_500_000_000)).unwrap();
    let import = ["reconcile", "import", "--provider", "openai", file.to_str().unwrap()];
    let said = market.mercato(&import).await;
    assert!(said.worked && said.text.contains("1 lines: 1 new"), "{said:?}");
    let shown = market.mercato(&["reconcile", "show"]).await;
    let line = shown.text.lines().find(|line| line.contains(STOPS)).unwrap_or_else(|| panic!("{shown:?}"));
    assert!(line.contains("reported       $1.500000000") && line.ends_with("differs"), "{line}");
    std::fs::write(&file, "nonsense").unwrap();
    let refused = market.mercato(&import).await;
    assert!(!refused.worked && refused.text.contains("line 1"), "{refused:?}");
    std::fs::remove_file(&file).unwrap();
}
