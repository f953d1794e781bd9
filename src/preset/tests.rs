//! What a request says itself stands; of the rest the preset decides.

use super::*;

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn settings(prompt: Option<&str>, config: Value) -> Settings {
    Settings::parse(prompt.map(str::to_owned), fields(config)).unwrap()
}

fn completed(body: Value, settings: Settings, shape: Shape) -> Value {
    let mut body = fields(body);
    complete(&mut body, &slug("brief"), settings, shape).unwrap();
    Value::Object(body)
}

#[test]
fn a_preset_is_named_in_three_places() {
    for (body, name, model) in [
        (json!({ "preset": "brief", "model": "a/b" }), Some("brief"), json!("a/b")),
        (json!({ "preset": "@preset/brief" }), Some("brief"), Value::Null),
        (json!({ "model": "@preset/brief" }), Some("brief"), Value::Null),
        (json!({ "model": "a/b@preset/brief" }), Some("brief"), json!("a/b")),
        (json!({ "model": "a/b:floor@preset/brief", "preset": "brief" }), Some("brief"), json!("a/b:floor")),
        (json!({ "model": "vertex/claude@2026", "preset": null }), None, json!("vertex/claude@2026")),
        (json!({ "model": 3 }), None, json!(3)),
    ] {
        let mut left = fields(body.clone());
        let taken = take_name(&mut left).unwrap();
        assert_eq!(taken.as_ref().map(Slug::as_str), name, "{body}");
        assert_eq!(left.get("model").cloned().unwrap_or_default(), model, "{body}");
        assert!(!left.contains_key("preset"), "{body}");
    }
    for body in [
        json!({ "preset": 3 }),
        json!({ "preset": "" }),
        json!({ "preset": "Brief" }),
        json!({ "preset": "-brief" }),
        json!({ "preset": "b".repeat(65) }),
        json!({ "model": "@preset/a b" }),
        json!({ "model": "@preset/one", "preset": "two" }),
    ] {
        let refused = take_name(&mut fields(body.clone())).unwrap_err();
        assert_eq!(refused.field.as_deref(), Some("preset"), "{body}");
    }
}

#[test]
fn what_a_request_says_itself_stands() {
    let saved = || {
        settings(
            Some("Be brief."),
            json!({
                "model": "a/b", "models": ["c/d"], "max_tokens": 50, "temperature": 0.2, "stop": "END",
                "reasoning": { "effort": "low" }, "provider": { "sort": "price", "only": ["groq"] }, "max_cost": "0.01",
            }),
        )
    };
    let asked = json!([{ "role": "user", "content": "Hi" }]);
    let all = completed(json!({ "messages": asked, "temperature": null }), saved(), Shape::Chat);
    assert_eq!(
        all,
        json!({
            "model": "a/b", "models": ["c/d"], "max_tokens": 50, "temperature": 0.2, "stop": "END",
            "reasoning": { "effort": "low" }, "provider": { "sort": "price", "only": ["groq"] }, "max_cost": "0.01",
            "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hi" }],
        })
    );
    // By whichever name it is said, and each field whole.
    let said = json!({
        "model": "e/f", "models": [], "max_completion_tokens": 9, "temperature": 1, "stop": ["x"], "max_cost": 1,
        "reasoning_effort": "high", "provider": { "sort": "latency" },
        "messages": [{ "role": "developer", "content": "Be long." }],
    });
    assert_eq!(completed(said.clone(), saved(), Shape::Chat), said);
}

#[test]
fn each_family_is_told_in_its_own_words() {
    let saved = || {
        settings(
            Some("Be brief."),
            json!({ "model": "a/b", "max_tokens": 50, "stop": "END", "reasoning": {} }),
        )
    };
    let told = completed(json!({ "messages": [] }), saved(), Shape::Messages);
    assert_eq!((&told["max_tokens"], &told["stop_sequences"]), (&json!(50), &json!(["END"])));
    assert_eq!((&told["system"], &told["messages"]), (&json!("Be brief."), &json!([])));
    let own = json!({
        "model": "a/b", "max_tokens": 5, "stop_sequences": ["x"], "system": "Mine.", "output_config": { "effort": "low" },
    });
    assert_eq!(completed(own.clone(), saved(), Shape::Messages), own);
    let told = completed(json!({ "input": "Hi" }), saved(), Shape::Responses);
    assert_eq!((&told["max_output_tokens"], &told["instructions"]), (&json!(50), &json!("Be brief.")));
    assert!(told["max_tokens"].is_null());
    for own in
        [json!({ "instructions": "Mine." }), json!({ "input": [{ "role": "system", "content": "Mine." }] })]
    {
        assert_eq!(
            completed(own.clone(), saved(), Shape::Responses)["instructions"],
            own["instructions"],
            "{own}"
        );
    }
}

#[test]
fn a_request_without_a_model_needs_a_preset_with_one() {
    let mut body = fields(json!({ "messages": [] }));
    let refused = complete(&mut body, &slug("brief"), settings(None, json!({})), Shape::Chat).unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("model"));
    assert!(refused.message.contains("preset brief names none"), "{refused}");
    completed(json!({ "messages": [] }), settings(None, json!({ "models": ["a/b"] })), Shape::Chat);
}

#[test]
fn only_what_means_something_is_saved() {
    let kept = settings(Some(""), json!({ "model": "a/b", "seed": null }));
    assert_eq!(kept, Settings { system_prompt: None, config: fields(json!({ "model": "a/b" })) });
    for (field, config) in [
        ("config.messages", json!({ "messages": [] })),
        ("config.quote_id", json!({ "quote_id": "x" })),
        ("config.temperature", json!({ "temperature": "hot" })),
        ("config.max_tokens", json!({ "max_tokens": 0 })),
        ("config.max_tokens", json!({ "max_tokens": 1.5 })),
        ("config.models", json!({ "models": ["a/b", 3] })),
        ("config.provider", json!({ "provider": "groq" })),
        ("config.stop", json!({ "stop": [1] })),
        ("config.model", json!({ "model": "a/b@preset/other" })),
        ("config.model", json!({ "models": ["@preset/other"] })),
        ("config", json!({ "stop": "a\0b" })),
        ("config", json!({ "stop": "x".repeat(BYTES_MAX) })),
    ] {
        let refused = Settings::parse(None, fields(config.clone())).unwrap_err();
        assert_eq!(refused.field.as_deref(), Some(field), "{config}");
    }
    assert!(Settings::parse(Some("x".repeat(BYTES_MAX)), Fields::new()).is_err());
}
