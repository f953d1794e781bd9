//! What anybody may know of models, and nothing of who asked them.

use serde_json::{Value, json};

use crate::support::{Answer, Market};

/// Has so many accounts ask a model for as many tokens each on a day, and ranks the day.
async fn used(market: &Market, day: &str, model: &str, accounts: i64, tokens: i64) {
    let add = "insert into usage_day select account_id, $1::date, $2, 'openai', null, 1, 0, 0, $4, 0, 0, 0, 0, 0, 0, 0
        from account order by created_at, account_id limit $3";
    let add = sqlx::query(add).bind(day).bind(model).bind(accounts).bind(tokens);
    add.execute(&market.db).await.unwrap();
}

async fn rank(market: &Market, day: &str) {
    sqlx::query("select ledger.rank_models($1::date)").bind(day).execute(&market.db).await.unwrap();
}

async fn ranking(market: &Market, query: &str) -> Answer {
    Answer::to(market.get(&format!("/v1/datasets/rankings-daily?{query}"))).await.expect(200)
}

fn rows(answer: &Answer) -> Vec<(String, String, String)> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let data = answer.json()["data"].as_array().unwrap().clone();
    data.iter()
        .map(|row| (text(row, "date"), text(row, "model_permaslug"), text(row, "total_tokens")))
        .collect()
}

fn row(date: &str, model: &str, tokens: &str) -> (String, String, String) {
    (date.to_owned(), model.to_owned(), tokens.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_names_what_many_have_used_and_hides_what_few_have() {
    let market = Market::open().await;
    for _ in 0..6 {
        market.buyer().await;
    }
    used(&market, "2026-01-02", "openai/gpt-5-mini", 5, 1_234).await;
    used(&market, "2026-01-02", "anthropic/claude-haiku-4-5", 6, 9_000).await;
    // Four accounts use one model, six another: together they are many, and neither is told.
    used(&market, "2026-01-02", "mistral/mistral-large-4", 4, 50_000).await;
    used(&market, "2026-01-02", "google/gemini-4-argon", 2, 999).await;
    rank(&market, "2026-01-02").await;
    let told = ranking(&market, "start_date=2026-01-01&end_date=2026-01-31").await;
    // All that is left over comes from four accounts.
    let named = [
        row("2026-01-02", "anthropic/claude-haiku-4-5", "54000"),
        row("2026-01-02", "openai/gpt-5-mini", "6000"),
    ];
    assert_eq!(rows(&told), named);
    assert_eq!(told.json()["meta"]["as_of"], "2026-01-03T00:00:00Z");
    assert!(!told.text.contains("mistral") && !told.text.contains("account"), "{}", told.text);
    market.run("update usage_day set account_id = (select account_id from account order by created_at desc, account_id desc limit 1)
        where model_id = 'google/gemini-4-argon' and account_id = (select account_id from account order by created_at, account_id limit 1)").await;
    market.run("delete from model_day").await;
    rank(&market, "2026-01-02").await;
    let told = ranking(&market, "start_date=2026-01-02&end_date=2026-01-02").await;
    assert_eq!(rows(&told)[2], row("2026-01-02", "other", "201000"), "five accounts have part in it now");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_models_are_named_and_read_page_by_page() {
    let market = Market::open().await;
    for _ in 0..5 {
        market.buyer().await;
    }
    for at in 0..53 {
        used(&market, "2026-01-02", &format!("many/model-{at}"), 5, 1_000 * (100 - at)).await;
    }
    rank(&market, "2026-01-02").await;
    let whole = rows(&ranking(&market, "start_date=2026-01-01&end_date=2026-01-31").await);
    assert_eq!(
        (whole.len(), &whole[0], &whole[50].1),
        (51, &row("2026-01-02", "many/model-0", "500000"), &"other".to_owned())
    );
    let mut read = Vec::new();
    let mut next = Some("0".to_owned());
    while let Some(offset) = next {
        let page =
            ranking(&market, &format!("start_date=2026-01-01&end_date=2026-01-31&limit=20&offset={offset}"))
                .await;
        read.extend(rows(&page));
        next = page.json()["next"].as_str().map(str::to_owned);
    }
    assert_eq!(read, whole);
    let path = "/api/v1/datasets/rankings-daily?start_date=2026-01-01&end_date=2026-01-31";
    let first = Answer::to(market.get(path)).await.expect(200);
    Answer::to(market.get(path).header("if-none-match", first.header("etag"))).await.expect(304);
    for wrong in [
        "start_date=x",
        "start_date=2026-02-01&end_date=2026-01-01",
        "start_date=2020-01-01&end_date=2026-01-01",
    ] {
        let refused =
            Answer::to(market.get(&format!("/v1/datasets/rankings-daily?{wrong}"))).await.expect(400);
        assert!(refused.json()["error"]["param"].is_string(), "{}", refused.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_score_names_its_source() {
    let market = Market::open().await;
    let told = Answer::to(market.get("/api/v1/benchmarks?limit=5")).await.expect(200).json();
    let scores = told["data"].as_array().unwrap();
    assert_eq!((scores.len(), &told["has_more"]), (5, &json!(true)));
    for score in scores {
        assert!(!score["source"].as_str().unwrap().is_empty() && score["licence"].is_string(), "{score}");
    }
}
