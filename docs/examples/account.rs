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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

pub const ALL: &[super::Example] = &[
    ("post_api_v1_auth_login", post_api_v1_auth_login::run),
    ("post_api_v1_auth_logout", post_api_v1_auth_logout::run),
    ("get_api_v1_auth_me", get_api_v1_auth_me::run),
    ("patch_api_v1_auth_me", patch_api_v1_auth_me::run),
    ("post_api_v1_auth_register", post_api_v1_auth_register::run),
    ("post_api_v1_auth_reset", post_api_v1_auth_reset::run),
    ("post_api_v1_auth_reset_token", post_api_v1_auth_reset_token::run),
    ("get_api_v1_auth_sessions", get_api_v1_auth_sessions::run),
    ("delete_api_v1_auth_sessions_id", delete_api_v1_auth_sessions_id::run),
    ("post_api_v1_auth_verification", post_api_v1_auth_verification::run),
    ("post_api_v1_auth_verification_token", post_api_v1_auth_verification_token::run),
];
