//! What a model thought is told or not, as whoever asks wants it; it is paid for either way.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market};

async fn ask(buyer: &Buyer<'_>, stream: bool, more: &Value) -> Answer {
    let mut body = json!({
        "model": "anthropic/claude-haiku-4-5", "max_tokens": 3_000, "stream": stream,
        "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": "Name three harbours. [[simulate: reasoning]]" }],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Answer::to(buyer.chat(&body)).await.expect(200)
}

/// What was thought, what was said, and the tokens that thinking took.
fn read(answer: &Answer, stream: bool) -> (Option<String>, String, Value) {
    if !stream {
        let whole = answer.json();
        let message = &whole["choices"][0]["message"];
        let text = |part: &str| message[part].as_str().map(str::to_owned);
        let tokens = whole["usage"]["completion_tokens_details"]["reasoning_tokens"].clone();
        return (text("reasoning"), text("content").unwrap(), tokens);
    }
    let chunks = answer.chunks();
    let joined = |part: &str| -> Option<String> {
        let pieces = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"][part].as_str());
        pieces.map(str::to_owned).reduce(|all, piece| all + &piece)
    };
    let tokens = chunks.last().unwrap()["usage"]["completion_tokens_details"]["reasoning_tokens"].clone();
    (joined("reasoning"), joined("content").unwrap(), tokens)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_thought_is_told_unless_it_is_not_wanted_and_paid_for_anyway() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    for stream in [false, true] {
        let (thought, said, tokens) = read(&ask(&buyer, stream, &json!({})).await, stream);
        assert!(thought.is_some_and(|thought| !thought.is_empty()) && !said.is_empty());
        assert!(tokens.as_u64().unwrap() > 0, "{tokens}");
        for more in [json!({ "reasoning": { "exclude": true } }), json!({ "include_reasoning": false })] {
            let answer = ask(&buyer, stream, &more).await;
            let (thought, said, hidden) = read(&answer, stream);
            assert_eq!(
                (thought, said.is_empty(), &hidden),
                (None, false, &tokens),
                "{more}: {}",
                answer.text
            );
        }
    }
    market.assert_books_balance().await;
}
