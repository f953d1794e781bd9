//! The state of the books, as anybody may read it and check it.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::{Answer, Market};

async fn json_of(market: &Market, path: &str) -> Value {
    Answer::to(market.get(path)).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_block_is_told_signed_and_the_same_again() {
    let market = Market::open().await;
    market.paying_buyer().await;
    while market.count("select count(*) from ledger_block").await == 0 {
        market.run("select ledger.seal_block()").await;
    }
    let books = json_of(&market, "/api/v1/books").await;
    let path = format!("/api/v1/books/blocks/{}", books["block"]);
    let seal = json_of(&market, &path).await;
    assert_eq!(seal["hash"], books["block_hash"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let message = format!(
        "mercato-seal|{}|{}|{}|{}",
        seal["block"],
        seal["entries"],
        text(&seal["hash"]),
        text(&seal["sealed_at"])
    );
    let key = STANDARD.decode(text(&books["public_key"])).unwrap();
    let signature = STANDARD.decode(text(&seal["signature"])).unwrap();
    UnparsedPublicKey::new(&ED25519, key).verify(message.as_bytes(), &signature).unwrap();
    market.paying_buyer().await;
    market.run("select ledger.seal_block()").await;
    assert_eq!(json_of(&market, &path).await, seal);
    for missing in ["0", "-1", "999", "9223372036854775807", "-9223372036854775808", "first"] {
        Answer::to(market.get(&format!("/api/v1/books/blocks/{missing}"))).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_books_says_what_programs_are_told() {
    let market = Market::open().await;
    market.paying_buyer().await;
    market.run("select ledger.check_recent()").await;
    let key = json_of(&market, "/api/v1/books").await["public_key"].as_str().unwrap().to_owned();
    let page = Answer::to(market.get("/books")).await.expect(200).text;
    assert!(page.contains(&key) && page.contains("chip good"), "{page}");
    assert!(page.contains("href=\"/books\">Books balanced "), "the foot of the page is silent: {page}");
    market.run("update book_state set safe_since = now(), reason = 'a test'").await;
    let page = Answer::to(market.get("/books")).await.expect(200).text;
    assert!(page.contains("not balanced") && page.contains("Paid calls are refused"), "{page}");
}
