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

