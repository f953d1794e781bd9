//! What a watcher may read, and who may not.

use serde_json::json;

use crate::support::{Answer, Market};

const FIGURES: [&str; 30] = [
    "mercato_uptime_seconds",
    "mercato_calls_running",
    "mercato_models_unpriced",
    "mercato_models_for_sale",
    "mercato_payment_required_total",
    "mercato_rate_limited_total",
    "mercato_provider_failures_total",
    "mercato_failovers_total",
    "mercato_breaker_state",
    "mercato_captures_retried_total",
    "mercato_holds_reaped_total",
    "mercato_webhook_failures_total",
    "mercato_auth_failures_total",
    "mercato_db_connections_max",
    "mercato_db_connections",
    "mercato_db_connections_idle",
    "mercato_database_up",
    "mercato_books_broken",
    "mercato_books_violations",
    "mercato_holds_open",
    "mercato_hold_oldest_age_seconds",
    "mercato_overrun_usd",
    "mercato_abort_leak_usd",
    "mercato_crash_leak_usd",
    "mercato_revenue_last_hour_usd",
    "mercato_revenue_estimated_ratio",
    "mercato_prices_waiting",
    "mercato_books_check_age_seconds",
    "mercato_books_whole_check_age_seconds",
    "mercato_books_seal_age_seconds",
];

async fn read(market: &Market) -> String {
    let answer = Answer::to(market.get("/metrics")).await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"), "{answer:?}");
    answer.text
}

/// The value of one figure, labels included in its name.
#[track_caller]
fn figure<'a>(text: &'a str, name: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{name} is missing in\n{text}"))
}

fn question(scenario: &str) -> serde_json::Value {
    let text = format!("Name three harbours. [[simulate: {scenario}]]");
    json!({ "model": "openai/gpt-5-mini", "max_tokens": 200, "messages": [{ "role": "user", "content": text }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_there_with_its_meaning_and_kind() {
    let market = Market::open().await;
    let admin = market.operator().await;
    market.paying_buyer().await;
    // Transactions of other databases on this server may hold a seal back for a moment.
    while market.count("select count(*) from ledger_block").await == 0 {
        market.run("select ledger.seal_block()").await;
    }
    admin.post("ledger/verification", &json!({})).await.expect(200);
    market.run("select ledger.check_recent()").await;
    let text = read(&market).await;
    for name in FIGURES {
        for line in [format!("# HELP {name} "), format!("# TYPE {name} ")] {
            assert!(text.lines().any(|found| found.starts_with(&line)), "{line} is missing in\n{text}");
        }
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
    }
    assert_eq!(figure(&text, "mercato_books_broken"), "0");
    assert_eq!(figure(&text, "mercato_books_violations{check=\"whole\",invariant=\"I3\"}"), "0");
    assert_eq!(figure(&text, "mercato_db_connections_max{pool=\"people\"}"), "10");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_counted() {
    let market = Market::open().await;
    let (poor, buyer) = (market.buyer().await, market.paying_buyer().await);
    Answer::to(poor.chat(&question("text"))).await.expect(402);
    Answer::to(buyer.chat(&question("server-error"))).await.expect(502);
    Answer::to(buyer.chat(&question("no-usage"))).await.expect(200);
    Answer::to(buyer.chat(&question("huge-usage"))).await.expect(200);
    let wrong = json!({ "email": buyer.email, "password": "not-the-right-words-19" });
    Answer::to(market.post("/api/v1/auth/login").json(&wrong)).await.expect(401);
    Answer::to(market.get("/v1/models").bearer_auth("mk_live_nonsense")).await.expect(401);
    Answer::to(market.get("/api/v1/balance").bearer_auth("nonsense")).await.expect(401);
    Answer::to(market.post("/api/v1/webhooks/payments/test").body("{}")).await.expect(401);
    let narrow = buyer.make_key(json!({ "name": "narrow", "requests_a_minute": 1 })).await;
    let mut limited = 0;
    // At most one minute ends meanwhile.
    for _ in 0..4 {
        let ask = market.post("/v1/chat/completions").bearer_auth(narrow["key"].as_str().unwrap());
        limited += i32::from(Answer::to(ask.json(&question("text"))).await.status == 429);
    }
    assert!(limited >= 2, "{limited}");
    let text = read(&market).await;
    let refused = figure(&text, "mercato_rate_limited_total{limit=\"key\",unit=\"requests\"}");
    assert_eq!(refused, limited.to_string());
    for (name, value) in [
        ("mercato_payment_required_total", "1"),
        ("mercato_provider_failures_total{provider=\"openai\"}", "1"),
        ("mercato_auth_failures_total{what=\"password\"}", "1"),
        ("mercato_auth_failures_total{what=\"key\"}", "1"),
        ("mercato_auth_failures_total{what=\"session\"}", "1"),
        ("mercato_webhook_failures_total{what=\"refused\"}", "1"),
        ("mercato_holds_open", "0"),
    ] {
        assert_eq!(figure(&text, name), value, "{name}");
    }
    assert_ne!(figure(&text, "mercato_overrun_usd"), "0");
    let share: f64 = figure(&text, "mercato_revenue_estimated_ratio").parse().unwrap();
    assert!(share > 0.0 && share < 1.0, "one of two charged calls was estimated: {share}");
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_do_not_add_up_are_an_alarm() {
    let market = Market::open().await;
    let admin = market.operator().await;
    market.paying_buyer().await;
    market.run("update wallet set posted = posted + 1 where fund = 'paid' and posted > 0").await;
    admin.post("ledger/verification", &json!({})).await.expect(200);
    let text = read(&market).await;
    assert_eq!(figure(&text, "mercato_books_broken"), "1");
    assert_eq!(figure(&text, "mercato_books_violations{check=\"whole\",invariant=\"I3\"}"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_only_this_machine_may_look_and_no_proxy_on_it() {
    let market = Market::open().await;
    Answer::to(market.get("/metrics")).await.expect(200);
    for header in ["x-forwarded-for", "x-real-ip", "forwarded"] {
        Answer::to(market.get("/metrics").header(header, "203.0.113.9")).await.expect(404);
    }
    Answer::to(market.post("/metrics")).await.expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_token_whoever_has_it_may_look_and_nobody_else() {
    let market = Market::open().await;
    let admin = market.buyer().await;
    let base = market.serve_also(|config| config.metrics_token = Some("watch-me".to_owned())).await;
    let ask = |token: Option<&str>| {
        let request = market.client().get(format!("{base}/metrics"));
        Answer::to(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    };
    ask(Some("watch-me")).await.expect(200);
    for wrong in [None, Some(""), Some("watch-m"), Some("watch-me-too"), Some(admin.token.as_str())] {
        assert_eq!(ask(wrong).await.expect(401).header("www-authenticate"), "Bearer");
    }
    let basic = market.client().get(format!("{base}/metrics")).header("authorization", "Basic watch-me");
    Answer::to(basic).await.expect(401);
}
