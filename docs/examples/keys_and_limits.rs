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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

pub const ALL: &[super::Example] = &[
    ("post_api_v1_auth_keys", post_api_v1_auth_keys::run),
    ("get_api_v1_key", get_api_v1_key::run),
    ("get_api_v1_keys", get_api_v1_keys::run),
    ("post_api_v1_keys", post_api_v1_keys::run),
    ("delete_api_v1_keys_id", delete_api_v1_keys_id::run),
    ("get_api_v1_keys_id", get_api_v1_keys_id::run),
    ("patch_api_v1_keys_id", patch_api_v1_keys_id::run),
    ("post_api_v1_keys_id_rotate", post_api_v1_keys_id_rotate::run),
    ("put_api_v1_limits_account", put_api_v1_limits_account::run),
    ("put_api_v1_limits_conversations_id", put_api_v1_limits_conversations_id::run),
];
