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
}

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
}

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
}

mod post_api_v1_auth_keys {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/keys")
        .json(&serde_json::json!({
          "code": "7tB…",
          "code_challenge_method": "S256",
          "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        }))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod get_api_v1_key {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/key")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod get_api_v1_keys {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/keys")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_keys {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/keys")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({
          "name": "backend",
          "limit_nanos": "5000000000",
          "limit_reset": "day",
          "scopes": ["chat", "read"]
        }))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod delete_api_v1_keys_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .delete("http://127.0.0.1:3000/api/v1/keys/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod get_api_v1_keys_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/keys/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod patch_api_v1_keys_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .patch("http://127.0.0.1:3000/api/v1/keys/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"name": "backend", "limit_nanos": null}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_keys_id_rotate {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/keys/ID/rotate")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"overlap_seconds": 3600}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod put_api_v1_limits_account {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .put("http://127.0.0.1:3000/api/v1/limits/account")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"limit_nanos": "20000000000", "limit_reset": "month"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod put_api_v1_limits_conversations_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .put("http://127.0.0.1:3000/api/v1/limits/conversations/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"limit_nanos": "20000000000", "limit_reset": "month"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_auth_login {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/login")
        .json(&serde_json::json!({
          "email": "ada@example.org",
          "password": "quiet-harbour-lantern-73"
        }))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_auth_logout {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/logout")
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod get_api_v1_auth_me {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/auth/me")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod patch_api_v1_auth_me {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .patch("http://127.0.0.1:3000/api/v1/auth/me")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"name": "Ada"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_auth_register {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/register")
        .json(&serde_json::json!({
          "name": "Ada",
          "email": "ada@example.org",
          "password": "quiet-harbour-lantern-73"
        }))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_auth_reset {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/reset")
        .json(&serde_json::json!({"email": "ada@example.org"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_auth_reset_token {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/reset/ID")
        .json(&serde_json::json!({"password": "quiet-harbour-lantern-74"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod get_api_v1_auth_sessions {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/auth/sessions")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod delete_api_v1_auth_sessions_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .delete("http://127.0.0.1:3000/api/v1/auth/sessions/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_auth_verification {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/verification")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod post_api_v1_auth_verification_token {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .post("http://127.0.0.1:3000/api/v1/auth/verification/ID")
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod get_api_v1_conversations {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/conversations")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod delete_api_v1_conversations_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .delete("http://127.0.0.1:3000/api/v1/conversations/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod get_api_v1_conversations_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .get("http://127.0.0.1:3000/api/v1/conversations/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

mod patch_api_v1_conversations_id {
// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = reqwest::Client::new()
        .patch("http://127.0.0.1:3000/api/v1/conversations/ID")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&serde_json::json!({"title": "Harbours"}))
        .send()
        .await?
        .error_for_status()?;
    println!("{}", answer.text().await?);
    Ok(())
}
}

