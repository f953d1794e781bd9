//! Conversations in the words of Google, Cohere, Ollama and Text Generation Inference.

use super::*;

const GOOGLE: &str = "/google/v1beta/models/some-model";
const COHERE: &str = "/cohere/v2/chat";
const OLLAMA: &str = "/ollama/api/chat";
const QUESTION: &str = "Why is the sea salty?";

/// Asks one of the three for an answer of at most so many tokens.
fn asked(path: &str, scenario: &str, stream: bool, max_tokens: u64) -> Request<Body> {
    let message = json!({"role": "user", "content": QUESTION});
    let (path, body) = match path {
        GOOGLE => {
            let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let contents = json!([{"role": "user", "parts": [{"text": QUESTION}]}]);
            let config = json!({"maxOutputTokens": max_tokens});
            (format!("{GOOGLE}:{method}"), json!({"contents": contents, "generationConfig": config}))
        }
        COHERE => {
            let body =
                json!({"model": "m", "messages": [message], "stream": stream, "max_tokens": max_tokens});
            (COHERE.to_owned(), body)
        }
        _ => {
            let options = json!({"num_predict": max_tokens});
            let body = json!({"model": "m", "messages": [message], "stream": stream, "options": options});
            (OLLAMA.to_owned(), body)
        }
    };
    let mut request = request(&path, scenario, &body);
    request.headers_mut().insert("x-goog-api-key", "key".parse().unwrap());
    request
}

/// The objects of a stream, framed or one a line.
async fn streamed(simulator: &Simulator, path: &str, scenario: &str) -> Vec<Value> {
    let (status, body) = send(simulator, asked(path, scenario, true, 5_000)).await;
    assert_eq!(status, StatusCode::OK);
    let body = body.unwrap();
    match path {
        OLLAMA => body.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        _ => parse(&body),
    }
}

fn text(path: &str, events: &[Value]) -> Vec<String> {
    let pointer = match path {
        GOOGLE => "/candidates/0/content/parts/0/text",
        COHERE => "/delta/message/content/text",
        _ => "/message/content",
    };
    let said =
        events.iter().filter(|event| !event["candidates"][0]["content"]["parts"][0]["thought"].is_boolean());
    let texts = said.filter_map(|event| event.pointer(pointer)?.as_str());
    texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn google_counts_in_every_event_and_its_thoughts_beside_the_answer() {
    let simulator = instant();
    let events = streamed(&simulator, GOOGLE, "reasoning").await;
    let shown = text(GOOGLE, &events).len();
    let [first, .., last] = events.as_slice() else { panic!("too short") };
    assert_eq!(first["usageMetadata"]["thoughtsTokenCount"], 1);
    assert!(first["usageMetadata"].get("candidatesTokenCount").is_none(), "zero is left out");
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last["usageMetadata"]["candidatesTokenCount"], shown);
    let truth = &truths(&simulator)[0];
    let thoughts = truth["reasoning_tokens"].as_u64().unwrap();
    assert_eq!((&truth["model"], &truth["vendor"]), (&json!("some-model"), &json!("google")));
    assert_eq!(truth["completion_tokens_sent"], shown as u64 + thoughts);
    assert_eq!(truth["usage_reported"], last["usageMetadata"]);
    assert!(thoughts > 0);
}

#[tokio::test]
async fn google_breaks_off_in_json_that_is_no_event() {
    let (_, body) = send(&instant(), asked(GOOGLE, "error-at-2", true, 5_000)).await;
    let body = body.unwrap();
    assert_eq!(text(GOOGLE, &parse(&body)).len(), 2);
    let (_, error) = body.rsplit_once("\n\n").unwrap();
    let error: Value = serde_json::from_str(error).unwrap();
    assert_eq!(error["error"]["status"], "INTERNAL");
}

#[tokio::test]
async fn google_wants_its_key_in_a_header_and_streams_events_only() {
    let simulator = instant();
    let mut keyless = asked(GOOGLE, "ok", false, 9);
    keyless.headers_mut().remove("x-goog-api-key");
    let (status, body) = json(&simulator, keyless).await;
    assert_eq!(
        (status, &body["error"]["details"][0]["reason"]),
        (StatusCode::BAD_REQUEST, &json!("API_KEY_INVALID"))
    );
    let mut array = asked(GOOGLE, "ok", true, 9);
    *array.uri_mut() = format!("{GOOGLE}:streamGenerateContent").parse().unwrap();
    assert_eq!(json(&simulator, array).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn cohere_bills_less_than_it_reads_and_thinks_in_a_part_of_its_own() {
    let simulator = instant();
    let events = streamed(&simulator, COHERE, "reasoning").await;
    let mut kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.dedup();
    let block = "content-start content-delta content-end";
    assert_eq!(kinds.join(" "), format!("message-start {block} {block} message-end"));
    let delta = &events[events.len() - 1]["delta"];
    let prompt = tokens::count(QUESTION) + 4;
    assert_eq!(delta["usage"]["billed_units"]["input_tokens"].as_f64(), Some(prompt as f64));
    assert!(delta["usage"]["tokens"]["input_tokens"].as_f64() > Some(prompt as f64));
    assert_eq!(
        (&delta["finish_reason"], delta["usage"]["billed_units"]["output_tokens"].is_f64()),
        (&json!("COMPLETE"), true)
    );
    assert!(truths(&simulator)[0]["reasoning_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn ollama_streams_lines_unless_told_not_to_and_asks_for_no_key() {
    let simulator = instant();
    let mut keyless = asked(OLLAMA, "ok", true, 9);
    keyless.headers_mut().remove("authorization");
    let response = router(simulator.clone()).oneshot(keyless).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let body = json!({"model": "m", "messages": [{"role": "user", "content": QUESTION}]});
    let (_, lines) = send(&simulator, request(OLLAMA, "ok", &body)).await;
    assert!(lines.unwrap().lines().count() > 5, "what is not said is streamed");
}

#[tokio::test]
async fn ollama_does_not_count_a_prompt_it_remembers() {
    let simulator = instant();
    let counted = async |scenario| {
        let events = streamed(&simulator, OLLAMA, scenario).await;
        let last = events.last().unwrap().clone();
        assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
        assert_eq!(last["eval_count"], text(OLLAMA, &events).len());
        last.get("prompt_eval_count").cloned()
    };
    assert_eq!(counted("ok").await, Some(json!(tokens::count(QUESTION) + 4)));
    assert_eq!(counted("cached").await, None);
}

#[tokio::test]
async fn each_answers_whole_as_it_streams_and_keeps_its_bound() {
    for path in [GOOGLE, COHERE, OLLAMA] {
        let simulator = instant();
        let (_, whole) = json(&simulator, asked(path, "ok", false, 5_000)).await;
        let whole = match path {
            COHERE => whole["message"]["content"][0]["text"].as_str().unwrap().to_owned(),
            _ => text(path, &[whole]).concat(),
        };
        // Both name the model in their own way, which would change the answer.
        assert_eq!(whole, text(path, &streamed(&simulator, path, "split-utf8").await).concat(), "{path}");
        let (_, short) = json(&simulator, asked(path, "ok", false, 7)).await;
        let reason = ["/candidates/0/finishReason", "/finish_reason", "/done_reason"]
            .into_iter()
            .find_map(|pointer| short.pointer(pointer)?.as_str());
        assert!(["MAX_TOKENS", "length"].contains(&reason.unwrap()), "{short}");
        let truths = truths(&simulator);
        assert_eq!(
            (&truths[2]["completion_tokens_sent"], &truths[2]["seen_max_tokens"]),
            (&json!(7), &json!(7))
        );
    }
}

#[tokio::test]
async fn each_fails_in_its_own_words() {
    let simulator = instant();
    for (path, scenario, status, pointer) in [
        (GOOGLE, "rate-limit", 429, "/error/details/0/retryDelay"),
        (GOOGLE, "server-error", 500, "/error/message"),
        (GOOGLE, "overloaded", 503, "/error/message"),
        (COHERE, "rate-limit", 429, "/message"),
        (COHERE, "unauthorized", 401, "/message"),
        (COHERE, "overloaded", 503, "/message"),
        (OLLAMA, "server-error", 500, "/error"),
        (OLLAMA, "overloaded", 503, "/error"),
    ] {
        let (told, body) = json(&simulator, asked(path, scenario, false, 9)).await;
        assert_eq!(told, status, "{path} {scenario}");
        assert!(body.pointer(pointer).is_some_and(Value::is_string), "{path} {scenario}: {body}");
    }
    let cohere = streamed(&simulator, COHERE, "error-at-2").await;
    assert_eq!(cohere.last().unwrap()["delta"]["finish_reason"], "ERROR");
    let ollama = streamed(&simulator, OLLAMA, "error-at-2").await;
    assert!(ollama.last().unwrap()["error"].is_string());
}

#[tokio::test]
async fn each_may_report_nothing_twice_or_what_is_not_true() {
    let simulator = instant();
    for path in [GOOGLE, COHERE, OLLAMA] {
        streamed(&simulator, path, "no-usage").await;
        streamed(&simulator, path, "ok").await;
        streamed(&simulator, path, "huge-usage").await;
        let truths = truths(&simulator);
        let [.., none, fair, huge] = truths.as_slice() else { panic!("too few") };
        assert_eq!(none["usage_reported"], Value::Null, "{path}");
        let output = |truth: &Value| {
            ["/candidatesTokenCount", "/billed_units/output_tokens", "/eval_count"]
                .into_iter()
                .find_map(|pointer| truth["usage_reported"].pointer(pointer)?.as_f64())
                .unwrap()
        };
        assert_eq!(output(huge), output(fair) * 10.0, "{path}");
        let twice = streamed(&simulator, path, "double-usage").await;
        assert_eq!(twice[twice.len() - 1], twice[twice.len() - 2], "{path}");
    }
}

#[tokio::test]
async fn google_signs_a_call_and_takes_it_back_only_so() {
    let simulator = instant();
    let mut request = asked(GOOGLE, "tool-call", false, 5_000);
    let tools = json!([{"functionDeclarations": [{"name": "tides"}]}]);
    let question = json!({"role": "user", "parts": [{"text": QUESTION}]});
    *request.body_mut() = Body::from(json!({"contents": [question], "tools": tools}).to_string());
    let (_, body) = json(&simulator, request).await;
    let call = body["candidates"][0]["content"]["parts"][1].clone();
    assert_eq!(
        (&call["functionCall"]["name"], call["thoughtSignature"].is_string()),
        (&json!("tides"), true)
    );
    let mut unsigned = call.clone();
    unsigned.as_object_mut().unwrap().remove("thoughtSignature");
    for (call, status) in [(call, StatusCode::OK), (unsigned, StatusCode::BAD_REQUEST)] {
        let mut request = asked(GOOGLE, "ok", false, 9);
        let contents = json!([question, {"role": "model", "parts": [call]}]);
        *request.body_mut() = Body::from(json!({"contents": contents}).to_string());
        assert_eq!(json(&simulator, request).await.0, status);
    }
}

const TGI: &str = "/tgi/generate";

fn continued(scenario: &str, stream: bool, max_tokens: u64) -> Request<Body> {
    let path = if stream { "/tgi/generate_stream" } else { TGI };
    let parameters = json!({"max_new_tokens": max_tokens, "details": true});
    request(path, scenario, &json!({"inputs": QUESTION, "parameters": parameters}))
}

#[tokio::test]
async fn a_continued_text_is_told_token_by_token_and_then_whole() {
    let simulator = instant();
    let (_, body) = send(&simulator, continued("ok", true, 5_000)).await;
    let body = body.unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let events: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let [tokens @ .., last] = events.as_slice() else { panic!("too short") };
    let told: String = tokens.iter().map(|event| event["token"]["text"].as_str().unwrap()).collect();
    assert_eq!((&last["generated_text"], &last["token"]["special"]), (&json!(told), &json!(true)));
    let prompt = tokens::count(QUESTION) + 4;
    let details = &last["details"];
    assert_eq!(
        (&details["input_length"], &details["generated_tokens"]),
        (&json!(prompt), &json!(tokens.len()))
    );
    let whole = router(simulator.clone()).oneshot(continued("ok", false, 5_000)).await.unwrap();
    assert_eq!(whole.headers()["x-prompt-tokens"], prompt.to_string().as_str());
    // Read no further, its record is closed.
    drop(whole);
    let (_, short) = json(&simulator, continued("ok", false, 7)).await;
    assert_eq!(
        (&short["details"]["finish_reason"], &short["details"]["generated_tokens"]),
        (&json!("length"), &json!(7))
    );
    let truths = truths(&simulator);
    assert_eq!((&truths[0]["vendor"], &truths[0]["dialect"]), (&json!("tgi"), &json!("tgi")));
    assert_eq!((&truths[2]["completion_tokens_sent"], &truths[2]["seen_max_tokens"]), (&json!(7), &json!(7)));
}

#[tokio::test]
async fn a_server_of_continuations_fails_in_its_own_words() {
    let simulator = instant();
    for (scenario, status, kind) in [
        ("rate-limit", 429, "overloaded"),
        ("overloaded", 429, "overloaded"),
        ("server-error", 424, "generation"),
    ] {
        let (told, body) = json(&simulator, continued(scenario, false, 9)).await;
        assert_eq!((told.as_u16(), &body["error_type"]), (status, &json!(kind)), "{scenario}");
    }
    let (told, body) = json(&simulator, continued("ok", false, 0)).await;
    assert_eq!((told.as_u16(), &body["error_type"]), (422, &json!("validation")));
    let (_, body) = send(&simulator, continued("error-at-2", true, 9)).await;
    assert!(body.unwrap().trim_end().ends_with(r#""error_type":"generation"}"#));
}

#[tokio::test]
async fn models_of_ones_own_machine_come_and_go() {
    let simulator = instant();
    let names = async || {
        let list = Request::get("/ollama/api/tags").body(Body::empty()).unwrap();
        let (_, list) = json(&simulator, list).await;
        let names = list["models"].as_array().unwrap().iter();
        names.map(|model| model["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let show = || request("/ollama/api/show", "ok", &json!({"model": "qwen3:4b"}));
    assert!(names().await.contains(&"qwen3:4b".to_owned()));
    let (_, shown) = json(&simulator, show()).await;
    assert_eq!(shown["capabilities"], json!(["completion", "tools", "thinking"]));
    assert_eq!(shown["model_info"]["simulated.context_length"], 40_960);
    let mut remove = request("/ollama/api/delete", "ok", &json!({"model": "qwen3:4b"}));
    *remove.method_mut() = axum::http::Method::DELETE;
    assert_eq!(send(&simulator, remove).await.0, StatusCode::OK);
    assert_eq!(json(&simulator, show()).await.0, StatusCode::NOT_FOUND);
    send(&simulator, request("/ollama/api/pull", "ok", &json!({"model": "phi4"}))).await.1.unwrap();
    let now = names().await;
    assert!(now.contains(&"phi4:latest".to_owned()) && !now.contains(&"qwen3:4b".to_owned()));
}
