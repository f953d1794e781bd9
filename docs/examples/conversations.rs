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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
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

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    main()
}
}

pub const ALL: &[super::Example] = &[
    ("get_api_v1_conversations", get_api_v1_conversations::run),
    ("delete_api_v1_conversations_id", delete_api_v1_conversations_id::run),
    ("get_api_v1_conversations_id", get_api_v1_conversations_id::run),
    ("patch_api_v1_conversations_id", patch_api_v1_conversations_id::run),
];
