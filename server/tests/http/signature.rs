//! What a vendor seals comes to the caller with the call it belongs to, and goes back with it.

use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Market};

const MODEL: &str = "google/gemini-3.5-flash";

fn tools() -> Value {
    json!([{ "type": "function", "function": { "name": "tides", "parameters": { "type": "object" } } }])
}

async fn ask(buyer: &Buyer<'_>, messages: &Value, stream: bool) -> Answer {
    let body = json!({ "model": MODEL, "max_tokens": 300, "messages": messages, "tools": tools(), "stream": stream });
    Answer::to(buyer.chat(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_geminis_keeps_its_signature_there_and_back() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let question = json!({ "role": "user", "content": "When is high tide? [[simulate: tool-call]]" });
    let whole = ask(&buyer, &json!([question]), false).await.expect(200).json();
    let answer = whole["choices"][0]["message"].clone();
    let call = &answer["tool_calls"][0];
    let sealed = &call["extra_content"]["google"]["thought_signature"];
    assert_eq!((&call["function"]["name"], sealed.is_string()), (&json!("tides"), true), "{answer}");
    let streamed = ask(&buyer, &json!([question]), true).await.expect(200).text;
    let chunks =
        streamed.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let calls: Vec<Value> =
        chunks.filter_map(|chunk| chunk.pointer("/choices/0/delta/tool_calls/0").cloned()).collect();
    assert!(
        calls
            .iter()
            .any(|call| call["index"] == 0
                && call["extra_content"] == answer["tool_calls"][0]["extra_content"]),
        "{streamed}"
    );
    assert!(calls.iter().all(|call| call["function"]["arguments"].is_string()), "{streamed}");
    let result = json!({ "role": "tool", "tool_call_id": call["id"], "content": "At noon" });
    let next = json!([question, answer, result, { "role": "user", "content": "And low tide?" }]);
    ask(&buyer, &next, false).await.expect(200);
    // Callers who keep no signatures are understood too, and those who change them are not.
    let mut forgetful = next.clone();
    forgetful[1]["tool_calls"][0].as_object_mut().unwrap().remove("extra_content");
    ask(&buyer, &forgetful, false).await.expect(200);
    let mut changed = next;
    changed[1]["tool_calls"][0]["extra_content"]["google"]["thought_signature"] = json!("bm9uc2Vuc2U=");
    ask(&buyer, &changed, false).await.expect(400);
    market.assert_books_balance().await;
}
