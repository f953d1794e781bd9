mod get_api_v1_activity {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/activity")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_balance {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/balance")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_books {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/books")
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_books_blocks_number {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/books/blocks/ID")
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_credits {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/credits")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_generation {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/generation?id=ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_ledger {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/ledger")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_plans {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/plans")
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_receipts_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/receipts/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_statements {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/statements")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_statements_month {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/statements/2026-11")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod put_api_v1_subscription {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .put("http://127.0.0.1:3000/api/v1/subscription")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"plan": "free"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod post_api_v1_top_ups {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/top-ups")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"amount_usd": "10.00"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_top_ups_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/top-ups/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

mod get_api_v1_usage {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/usage")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

pub const ALL: &[super::Example] = &[
    ("get_api_v1_activity", get_api_v1_activity::run),
    ("get_api_v1_balance", get_api_v1_balance::run),
    ("get_api_v1_books", get_api_v1_books::run),
    ("get_api_v1_books_blocks_number", get_api_v1_books_blocks_number::run),
    ("get_api_v1_credits", get_api_v1_credits::run),
    ("get_api_v1_generation", get_api_v1_generation::run),
    ("get_api_v1_ledger", get_api_v1_ledger::run),
    ("get_api_v1_plans", get_api_v1_plans::run),
    ("get_api_v1_receipts_id", get_api_v1_receipts_id::run),
    ("get_api_v1_statements", get_api_v1_statements::run),
    ("get_api_v1_statements_month", get_api_v1_statements_month::run),
    ("put_api_v1_subscription", put_api_v1_subscription::run),
    ("post_api_v1_top_ups", post_api_v1_top_ups::run),
    ("get_api_v1_top_ups_id", get_api_v1_top_ups_id::run),
    ("get_api_v1_usage", get_api_v1_usage::run),
];
