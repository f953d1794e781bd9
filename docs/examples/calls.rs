mod post_api_v1_chat_completions {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/chat/completions")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "openai/gpt-5-mini",
          "messages": [
            {"role": "user", "content": "Name three harbours."}
          ],
          "max_cost": "0.05",
          "max_tokens": 200
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

mod post_api_v1_completions {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/completions")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "openai/gpt-5-mini",
          "prompt": "Three harbours are",
          "max_tokens": 200
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

mod post_api_v1_embeddings {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/embeddings")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "openai/text-embedding-3-small",
          "input": "The quick brown fox"
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

mod post_api_v1_images_generations {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/images/generations")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "openai/gpt-image-2",
          "prompt": "A lighthouse at dusk",
          "size": "1024x1024"
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

mod post_api_v1_messages {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/messages")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "anthropic/claude-haiku-4-5",
          "messages": [
            {"role": "user", "content": "Name three harbours."}
          ],
          "max_tokens": 200
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

mod post_api_v1_messages_count_tokens {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/messages/count_tokens")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "anthropic/claude-haiku-4-5",
          "messages": [
            {"role": "user", "content": "Name three harbours."}
          ]
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

mod post_api_v1_moderations {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/moderations")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "openai/omni-moderation-latest",
          "input": "Is the harbour open tonight?"
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

mod post_api_v1_quote {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/quote")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "openai/gpt-5-mini",
          "messages": [
            {"role": "user", "content": "Name three harbours."}
          ],
          "max_cost": "0.05",
          "max_tokens": 200
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

mod post_api_v1_responses {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/responses")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "model": "openai/gpt-5-mini",
          "input": "Name three harbours.",
          "max_output_tokens": 200
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

pub const ALL: &[super::Example] = &[
    ("post_api_v1_chat_completions", post_api_v1_chat_completions::run),
    ("post_api_v1_completions", post_api_v1_completions::run),
    ("post_api_v1_embeddings", post_api_v1_embeddings::run),
    ("post_api_v1_images_generations", post_api_v1_images_generations::run),
    ("post_api_v1_messages", post_api_v1_messages::run),
    ("post_api_v1_messages_count_tokens", post_api_v1_messages_count_tokens::run),
    ("post_api_v1_moderations", post_api_v1_moderations::run),
    ("post_api_v1_quote", post_api_v1_quote::run),
    ("post_api_v1_responses", post_api_v1_responses::run),
];
