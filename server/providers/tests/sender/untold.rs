//! Vendors whose models do not tell how likely their words were: they are asked again without it.

use marketplace::chat::{ChatEvent, Delivery, FailureClass, REQUIRE_PARAMETERS};
use providers::Limits;
use serde_json::{Value, json};

use super::vendor::{Vendor, end, listen, request, say};

const OPENAI: &str = "logprobs are not supported with reasoning models.";
const ANSWER: &[u8] = br#"{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;

/// What a vendor was asked that refuses with these words at first, and how that ended.
async fn asked(words: &str, options: Value) -> (Vec<Value>, Result<Vec<ChatEvent>, FailureClass>) {
    let vendor = Vendor::start().await;
    let (sender, provider) = (vendor.sender(Limits::default()), vendor.provider("openai"));
    let mut request = request(Delivery::Whole);
    request.options = serde_json::from_value(options).unwrap();
    let refusal = json!({"error": {"message": words, "type": "invalid_request_error", "param": "logprobs"}});
    let mut bodies = Vec::new();
    let serving = async {
        loop {
            let (text, mut socket) = vendor.asked().await;
            bodies.push(serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap());
            let head = [("content-type", "application/json"), ("connection", "close")];
            match bodies.len() {
                1 => say(&mut socket, 400, &head, &[refusal.to_string().as_bytes()]).await,
                _ => say(&mut socket, 200, &head, &[ANSWER]).await,
            }
            end(&mut socket).await;
        }
    };
    let result = tokio::select! {
        result = sender.open(&provider, &request, "gpt", "call-1") => result,
        () = serving => unreachable!("it serves for ever"),
    };
    let told = match result {
        Ok(answer) => Ok(listen(answer).await),
        Err(failure) => Err(failure.class),
    };
    (bodies, told)
}

#[tokio::test]
async fn a_model_that_does_not_tell_likelihoods_answers_without_them() {
    for words in [OPENAI, "Logprobs is not enabled for models/gemini-2.5-flash"] {
        let (bodies, told) = asked(words, json!({"logprobs": true, "top_logprobs": 2, "seed": 7})).await;
        assert_eq!((bodies.len(), &bodies[0]["top_logprobs"]), (2, &json!(2)));
        let mut first = bodies[0].clone();
        first.as_object_mut().unwrap().retain(|field, _| !field.contains("logprobs"));
        assert_eq!(first, bodies[1], "nothing else is left out");
        assert!(told.unwrap().contains(&ChatEvent::Text("Hi".to_owned())));
    }
}

#[tokio::test]
async fn any_other_refusal_is_told_and_so_is_this_one_to_who_insists() {
    let refused = Err(FailureClass::InvalidRequest);
    for (words, options) in [
        (OPENAI, json!({"logprobs": true, REQUIRE_PARAMETERS: true})),
        (OPENAI, json!({"top_logprobs": 2})),
        ("Invalid 'top_logprobs': expected at most 20.", json!({"logprobs": true, "top_logprobs": 50})),
        ("The seed is not supported.", json!({"logprobs": true, "seed": 7})),
    ] {
        let (bodies, told) = asked(words, options).await;
        assert_eq!((bodies.len(), told), (1, refused.clone()), "{words}");
        assert_eq!(bodies[0].get(REQUIRE_PARAMETERS), None, "it only concerns us");
    }
}
