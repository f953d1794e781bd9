mod get_api_v1_benchmarks {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/benchmarks")
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

mod get_api_v1_datasets_rankings_daily {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/datasets/rankings-daily")
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

mod get_api_v1_models {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/models")
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

mod get_api_v1_models_count {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/models/count")
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

mod get_api_v1_models_user {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/models/user")
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

mod get_api_v1_models_author_slug {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/models/openai/gpt-5-mini")
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

mod get_api_v1_models_author_slug_endpoints {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/models/openai/gpt-5-mini/endpoints")
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

mod get_api_v1_models_author_slug_stats {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/models/openai/gpt-5-mini/stats")
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

mod get_api_v1_providers {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/providers")
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

mod post_api_v1_recommendations {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/recommendations")
        .json(&serde_json::json!({
          "task": "coding",
          "min_context": 100000,
          "needs": ["tools"],
          "weights": {"price": 9}
        }))
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

mod get_api_v1_status {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/status")
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
    ("get_api_v1_benchmarks", get_api_v1_benchmarks::run),
    ("get_api_v1_datasets_rankings_daily", get_api_v1_datasets_rankings_daily::run),
    ("get_api_v1_models", get_api_v1_models::run),
    ("get_api_v1_models_count", get_api_v1_models_count::run),
    ("get_api_v1_models_user", get_api_v1_models_user::run),
    ("get_api_v1_models_author_slug", get_api_v1_models_author_slug::run),
    ("get_api_v1_models_author_slug_endpoints", get_api_v1_models_author_slug_endpoints::run),
    ("get_api_v1_models_author_slug_stats", get_api_v1_models_author_slug_stats::run),
    ("get_api_v1_providers", get_api_v1_providers::run),
    ("post_api_v1_recommendations", post_api_v1_recommendations::run),
    ("get_api_v1_status", get_api_v1_status::run),
];
