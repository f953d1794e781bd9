//! The page's channel: news in order, numbered from one, that can be stopped and read again.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{Buyer, Market, nanos};

const PATIENCE: Duration = Duration::from_secs(10);
const MODEL: &str = "openai/gpt-5-mini";

struct Channel(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Channel {
    /// Opens the channel as a page of `origin` would, with the visitor's cookie.
    async fn open(buyer: &Buyer<'_>, origin: Option<&str>) -> Result<Self, Error> {
        let url = format!("{}/api/v1/chat/live", buyer.market.base.replace("http://", "ws://"));
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("cookie", HeaderValue::from_str(&buyer.cookie()).unwrap());
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        connect_async(request).await.map(|(socket, _)| Self(socket))
    }

    async fn own(buyer: &Buyer<'_>) -> Self {
        Self::open(buyer, Some(&buyer.market.base)).await.unwrap()
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("no news came in time");
            if let Message::Text(text) = message.expect("the channel was closed").unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The news up to the first of a type, that one included.
    async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let news = self.next().await;
            assert!(kind == "error" || news["type"] != "error", "{news}");
            let is_last = news["type"] == kind;
            all.push(news);
            if is_last {
                return all;
            }
        }
    }
}

fn say(text: &str) -> Value {
    json!({ "type": "send", "model": MODEL, "text": text, "max_output_tokens": 300 })
}

fn kinds(news: &[Value]) -> Vec<&str> {
    news.iter().map(|news| news["type"].as_str().unwrap()).filter(|kind| *kind != "tick").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn news_come_in_order_from_the_quote_to_the_balance() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut channel = Channel::own(&buyer).await;
    channel.send(say("Name three harbours.")).await;
    let news = channel.until("balance").await;
    let numbers: Vec<u64> = news.iter().map(|news| news["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=news.len() as u64).collect::<Vec<_>>());
    let conversation = &news[0]["conversation_id"];
    assert!(conversation.is_string() && news.iter().all(|news| news["conversation_id"] == *conversation));
    let kinds = kinds(&news);
    let (deltas, end) = kinds[2..].split_at(kinds.len() - 4);
    assert_eq!((&kinds[..2], end), (&["quoted", "held"][..], &["settled", "balance"][..]));
    assert!(!deltas.is_empty() && deltas.iter().all(|kind| *kind == "delta"), "{kinds:?}");
    let (held, settled) = (&news[1], &news[news.len() - 2]);
    assert_eq!(news[0]["max_nanos"], held["hold_nanos"], "the largest figure of the quote is the hold");
    let receipt = buyer.receipt(held["call_id"].as_str().unwrap()).await;
    assert_eq!(settled["receipt"]["charge"], receipt["charge_nanos"]);
    assert_eq!(nanos(&news[news.len() - 1]["available_nanos"]), buyer.available().await);
    let text: String = news.iter().filter_map(|news| news["text"].as_str()).collect();
    let path = format!("/api/v1/conversations/{}", conversation.as_str().unwrap());
    let transcript = buyer.get(&path).await.expect(200).json();
    assert_eq!(transcript["turns"][1]["text"], text, "what was shown is what is kept");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_answer_is_paid_as_far_as_it_came() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut channel = Channel::own(&buyer).await;
    channel.send(say("Tell me a story. [[simulate: slow]]")).await;
    let begun = channel.until("delta").await;
    channel.until("delta").await;
    channel.send(json!({ "type": "stop", "conversation_id": begun[0]["conversation_id"] })).await;
    let end = channel.until("balance").await;
    let settled = &end[end.len() - 2];
    assert_eq!((&settled["type"], &settled["finish"]), (&json!("settled"), &json!("stopped")));
    let charge = nanos(&settled["receipt"]["charge"]);
    assert!(0 < charge && charge < nanos(&begun[1]["hold_nanos"]), "{settled}");
    assert_eq!(buyer.available().await, 10_000_000_000 - charge);
    assert_eq!(buyer.balance().await["held_nanos"], "0");
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_on_without_its_reader_and_can_be_resumed() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut channel = Channel::own(&buyer).await;
    let mut ask = say("Name a harbour. [[simulate: slow]]");
    ask["max_output_tokens"] = json!(12);
    channel.send(ask).await;
    let mut seen = channel.until("delta").await;
    drop(channel);
    let mut again = Channel::own(&buyer).await;
    let last_seq = seen.last().unwrap()["seq"].clone();
    let conversation = seen[0]["conversation_id"].clone();
    again.send(json!({ "type": "resume", "conversation_id": conversation, "last_seq": last_seq })).await;
    seen.extend(again.until("balance").await);
    let numbers: Vec<u64> = seen.iter().map(|news| news["seq"].as_u64().unwrap()).collect();
    assert_eq!(
        numbers,
        (1..=seen.len() as u64).collect::<Vec<_>>(),
        "nothing is lost and nothing told twice"
    );
    // After the end the same can be read once more.
    again.send(json!({ "type": "resume", "conversation_id": conversation, "last_seq": 0 })).await;
    assert_eq!(again.until("balance").await, seen);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_told_and_the_channel_stays_open() {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let mut channel = Channel::own(&buyer).await;
    for (message, code) in [
        (json!({ "type": "dance" }), "invalid_request"),
        (say("  "), "invalid_request"),
        (say("I have no money."), "payment_required"),
        (json!({ "type": "stop", "conversation_id": "00000000-0000-0000-0000-000000000000" }), "not_found"),
    ] {
        channel.send(message).await;
        assert_eq!(channel.until("error").await.last().unwrap()["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_gives_the_whole_hold_back() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let mut channel = Channel::own(&buyer).await;
    channel.send(say("[[simulate: server-error]]")).await;
    let news = channel.until("error").await;
    assert_eq!(kinds(&news), ["quoted", "held", "released", "error"]);
    assert_eq!(news[2]["released_nanos"], news[1]["hold_nanos"]);
    assert_eq!(buyer.available().await, 10_000_000_000);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_or_stops_anothers_answer() {
    let market = Market::open().await;
    let (ada, mallory) = (market.paying_buyer().await, market.paying_buyer().await);
    let mut channel = Channel::own(&ada).await;
    channel.send(say("My secret. [[simulate: slow]]")).await;
    let conversation = channel.until("delta").await[0]["conversation_id"].clone();
    let mut other = Channel::own(&mallory).await;
    let mut intrude = say("What did she say?");
    intrude["conversation_id"] = conversation.clone();
    for message in [
        json!({ "type": "resume", "conversation_id": conversation, "last_seq": 0 }),
        json!({ "type": "stop", "conversation_id": conversation }),
        intrude,
    ] {
        other.send(message).await;
        assert_eq!(other.until("error").await.last().unwrap()["code"], "not_found");
    }
    channel.until("delta").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_cannot_open_the_channel() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let port = market.base.rsplit(':').next().unwrap();
    let alike = format!("http://127.0.0.1.evil.example:{port}");
    for origin in ["https://evil.example", "null", "", &alike, "http://127.0.0.1"] {
        match Channel::open(&buyer, Some(origin)).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403, "{origin}"),
            other => panic!("{origin:?}: {:?}", other.err()),
        }
    }
}
