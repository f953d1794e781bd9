//! What a buyer may ask for, with every adapter: it is said in the vendor's words or refused by name, never left away.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use marketplace::chat::{ChatRequest, Delivery};
use marketplace::id::{ModelId, ProviderId};
use providers::{Dialect, Registry, anthropic};
use serde_json::{Map, Value, json};

use Fate::{Refused, Said, Usual};

/// What becomes of a feature.
#[derive(Clone, Debug)]
enum Fate {
    /// It stands at this place of the request.
    Said(&'static str, Value),
    Refused,
    /// It is what happens anyway, so nothing need be said.
    Usual,
}

/// Every adapter, and the names of models where they make a difference.
const ADAPTERS: [(&str, &str); 10] = [
    ("openai", "m"),
    ("groq", "m"),
    ("mistral", "m"),
    ("anthropic", "2023-06-01"),
    ("anthropic", "2026-10-21"),
    ("google", "gemini-3.5-flash"),
    ("google", "gemini-2.5-flash"),
    ("cohere", "m"),
    ("ollama", "m"),
    ("tgi", "m"),
];

fn dialect(adapter: (&str, &str)) -> Dialect {
    let registry = Registry::simulated("http://simulator");
    let known = registry.find(&ProviderId(adapter.0.to_owned())).unwrap().vendor.dialect;
    let version = anthropic::VERSIONS.into_iter().find(|version| version.name() == adapter.1);
    version.map_or(known, Dialect::Anthropic)
}

fn encode(adapter: (&str, &str), messages: &Value, options: &Value) -> Result<Value, String> {
    let request = ChatRequest {
        model: ModelId::parse("author/model").unwrap(),
        messages: serde_json::from_value(messages.clone()).unwrap(),
        max_output_tokens: Some(77),
        stream: Delivery::Whole,
        options: serde_json::from_value::<Map<String, Value>>(options.clone()).unwrap(),
    };
    let sent = dialect(adapter).encode(&request, adapter.1).map_err(|failure| failure.message)?;
    let version = sent.headers.iter().find(|(name, _)| *name == "anthropic-version");
    assert_eq!(version.map(|(_, version)| *version), (adapter.0 == "anthropic").then_some(adapter.1));
    Ok(serde_json::from_slice(&sent.body).unwrap())
}

fn hello() -> Value {
    json!([{"role": "user", "content": "Hello"}])
}

fn assert_fates(feature: &str, messages: &Value, options: &Value, fates: [Fate; 10]) {
    for (adapter, fate) in ADAPTERS.into_iter().zip(fates) {
        let sent = encode(adapter, messages, options);
        let at = format!("{feature} with {adapter:?}");
        match (fate, sent) {
            (Said(pointer, value), Ok(sent)) => {
                assert_eq!(sent.pointer(pointer), Some(&value), "{at} in {sent}");
            }
            (Usual, Ok(sent)) => assert_eq!(Ok(sent), encode(adapter, messages, &json!({})), "{at}"),
            (Refused, Err(message)) => {
                let names_it = options.as_object().unwrap().keys().any(|field| message.starts_with(field));
                assert!(names_it || message.starts_with("messages"), "{at} was refused with: {message}");
            }
            (fate, sent) => panic!("{at} should be {fate:?} and became {sent:?}"),
        }
    }
}

/// The same fate with all vendors of the OpenAI shape, then with each of the others.
fn forwarded(field: &'static str, value: &Value, others: [Fate; 7]) -> [Fate; 10] {
    let same = || Said(field, value.clone());
    let [a, b, c, d, e, f, g] = others;
    [same(), same(), same(), a, b, c, d, e, f, g]
}

#[test]
fn text_is_said_to_all() {
    let text = || json!("Hello");
    let told = forwarded(
        "/messages/0/content",
        &text(),
        [
            Said("/messages/0/content/0/text", text()),
            Said("/messages/0/content/0/text", text()),
            Said("/contents/0/parts/0/text", text()),
            Said("/contents/0/parts/0/text", text()),
            Said("/messages/0/content/0/text", text()),
            Said("/messages/0/content", text()),
            Said("/inputs", text()),
        ],
    );
    assert_fates("text", &hello(), &json!({}), told);
}

#[test]
fn pictures_are_shown_where_there_are_eyes() {
    let of_user =
        |url: &str| json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]);
    let inline = "data:image/png;base64,aGk=";
    let blob = json!({"mimeType": "image/png", "data": "aGk="});
    let source = json!({"type": "base64", "media_type": "image/png", "data": "aGk="});
    let shown = forwarded(
        "/messages/0/content/0/image_url/url",
        &json!(inline),
        [
            Said("/messages/0/content/0/source", source.clone()),
            Said("/messages/0/content/0/source", source),
            Said("/contents/0/parts/0/inlineData", blob.clone()),
            Said("/contents/0/parts/0/inlineData", blob),
            Said("/messages/0/content/0/image_url/url", json!(inline)),
            Said("/messages/0/images/0", json!("aGk=")),
            Refused,
        ],
    );
    assert_fates("a picture", &of_user(inline), &json!({}), shown);
    let far = "https://example.com/a.png";
    let source = json!({"type": "url", "url": far});
    let shown = forwarded(
        "/messages/0/content/0/image_url/url",
        &json!(far),
        [
            Said("/messages/0/content/0/source", source.clone()),
            Said("/messages/0/content/0/source", source),
            Refused,
            Refused,
            Said("/messages/0/content/0/image_url/url", json!(far)),
            Refused,
            Refused,
        ],
    );
    assert_fates("a picture elsewhere", &of_user(far), &json!({}), shown);
}

#[test]
fn no_answer_may_be_of_anything_but_words() {
    for modalities in [json!(["text", "image"]), json!(["audio"])] {
        let options = json!({ "modalities": modalities });
        assert_fates("images out", &hello(), &options, std::array::from_fn(|_| Refused));
    }
}

#[test]
fn tools_are_offered_where_they_can_be_called() {
    let schema = json!({"type": "object"});
    let function = json!({"name": "f", "parameters": schema});
    let tool = json!({"type": "function", "function": function});
    let of_anthropic = || Said("/tools/0", json!({"name": "f", "input_schema": schema}));
    let of_google =
        || Said("/tools/0/functionDeclarations/0", json!({"name": "f", "parametersJsonSchema": schema}));
    let offered = forwarded(
        "/tools/0",
        &tool,
        [
            of_anthropic(),
            of_anthropic(),
            of_google(),
            of_google(),
            Said("/tools/0", tool.clone()),
            Said("/tools/0", tool.clone()),
            Refused,
        ],
    );
    assert_fates("tools", &hello(), &json!({"tools": [tool]}), offered);
    for (choice, google, cohere) in [("required", "ANY", "REQUIRED"), ("none", "NONE", "NONE")] {
        let of_anthropic = || {
            let kind = if choice == "required" { "any" } else { "none" };
            Said("/tool_choice/type", json!(kind))
        };
        let of_google = || Said("/toolConfig/functionCallingConfig/mode", json!(google));
        let of_ollama = if choice == "none" { Usual } else { Refused };
        let chosen = forwarded(
            "/tool_choice",
            &json!(choice),
            [
                of_anthropic(),
                of_anthropic(),
                of_google(),
                of_google(),
                Said("/tool_choice", json!(cohere)),
                of_ollama,
                Refused,
            ],
        );
        // To Ollama no tool is offered then, which is as good as none.
        let options = json!({"tools": [tool], "tool_choice": choice});
        assert_fates("a choice of tools", &hello(), &options, chosen);
    }
    let options = json!({"tools": [tool], "parallel_tool_calls": false});
    let one_at_a_time = forwarded(
        "/parallel_tool_calls",
        &json!(false),
        [
            Said("/tool_choice/disable_parallel_tool_use", json!(true)),
            Said("/tool_choice/disable_parallel_tool_use", json!(true)),
            Refused,
            Refused,
            Refused,
            Refused,
            Refused,
        ],
    );
    assert_fates("one tool at a time", &hello(), &options, one_at_a_time);
}

#[test]
fn answers_follow_a_schema_where_one_can_be_given() {
    let schema = json!({"type": "object"});
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": schema}});
    let shaped = forwarded(
        "/response_format",
        &format,
        [
            Said("/output_config/format", json!({"type": "json_schema", "schema": schema})),
            Said("/output_config/format", json!({"type": "json_schema", "schema": schema})),
            Said("/generationConfig/responseJsonSchema", schema.clone()),
            Said("/generationConfig/responseJsonSchema", schema.clone()),
            Said("/response_format/json_schema", schema.clone()),
            Said("/format", schema.clone()),
            Said("/parameters/grammar/value", schema.clone()),
        ],
    );
    assert_fates("a schema", &hello(), &json!({"response_format": format}), shaped);
    let object = json!({"type": "json_object"});
    let shaped = forwarded(
        "/response_format",
        &object,
        [
            Refused,
            Refused,
            Said("/generationConfig/responseMimeType", json!("application/json")),
            Said("/generationConfig/responseMimeType", json!("application/json")),
            Said("/response_format/type", json!("json_object")),
            Said("/format", json!("json")),
            Refused,
        ],
    );
    assert_fates("JSON", &hello(), &json!({"response_format": object}), shaped);
}

#[test]
fn thinking_is_asked_for_in_words_or_in_tokens() {
    let thought = |effort: &str, others| {
        let options = json!({ "reasoning_effort": effort });
        assert_fates(effort, &hello(), &options, forwarded("/reasoning_effort", &json!(effort), others));
    };
    thought(
        "high",
        [
            Said("/output_config/effort", json!("high")),
            Said("/output_config/effort", json!("high")),
            Said("/generationConfig/thinkingConfig/thinkingLevel", json!("high")),
            Said("/generationConfig/thinkingConfig/thinkingBudget", json!(24_576)),
            Said("/thinking/type", json!("enabled")),
            Said("/think", json!("high")),
            Refused,
        ],
    );
    thought(
        "low",
        [
            Said("/output_config/effort", json!("low")),
            Said("/output_config/effort", json!("low")),
            Said("/generationConfig/thinkingConfig/thinkingLevel", json!("low")),
            Said("/generationConfig/thinkingConfig/thinkingBudget", json!(1_024)),
            Refused,
            Said("/think", json!("low")),
            Refused,
        ],
    );
    thought(
        "none",
        [
            Usual,
            Usual,
            Refused,
            Said("/generationConfig/thinkingConfig/thinkingBudget", json!(0)),
            Said("/thinking/type", json!("disabled")),
            Said("/think", json!(false)),
            Refused,
        ],
    );
}

#[test]
fn an_answer_stops_and_is_seeded_where_that_can_be_said() {
    let stops = json!(["END"]);
    let stopped = forwarded(
        "/stop",
        &stops,
        [
            Said("/stop_sequences", stops.clone()),
            Said("/stop_sequences", stops.clone()),
            Said("/generationConfig/stopSequences", stops.clone()),
            Said("/generationConfig/stopSequences", stops.clone()),
            Said("/stop_sequences", stops.clone()),
            Said("/options/stop", stops.clone()),
            Said("/parameters/stop", stops.clone()),
        ],
    );
    assert_fates("stop", &hello(), &json!({"stop": stops}), stopped);
    let seed = || json!(7);
    let seeded = [
        Said("/seed", seed()),
        Said("/seed", seed()),
        Said("/random_seed", seed()),
        Refused,
        Refused,
        Said("/generationConfig/seed", seed()),
        Said("/generationConfig/seed", seed()),
        Said("/seed", seed()),
        Said("/options/seed", seed()),
        Said("/parameters/seed", seed()),
    ];
    assert_fates("seed", &hello(), &json!({"seed": 7}), seeded);
}

#[test]
fn a_version_that_takes_no_sampling_is_told_of_none() {
    for (field, value, google, cohere, ollama, tgi) in [
        ("temperature", json!(0.3), "temperature", "/temperature", "temperature", "temperature"),
        ("top_p", json!(0.9), "topP", "/p", "top_p", "top_p"),
    ] {
        let places = [
            format!("/{field}"),
            format!("/generationConfig/{google}"),
            cohere.to_owned(),
            format!("/options/{ollama}"),
            format!("/parameters/{tgi}"),
        ];
        let [own, google, cohere, ollama, tgi] = places.map(|place| &*place.leak());
        let said = |place: &'static str| Said(place, value.clone());
        let fates = forwarded(
            own,
            &value,
            [said(own), Refused, said(google), said(google), said(cohere), said(ollama), said(tgi)],
        );
        assert_fates(field, &hello(), &json!({ field: value }), fates);
    }
    let registry = Registry::simulated("http://simulator");
    let usual = registry.find(&ProviderId("anthropic".to_owned())).unwrap().vendor.dialect;
    assert_eq!(usual, Dialect::Anthropic(anthropic::VERSIONS[0]));
    let newer = ("anthropic", "2026-10-21");
    let usual = encode(newer, &hello(), &json!({"temperature": 1, "top_p": 1.0}));
    assert_eq!(usual, encode(newer, &hello(), &json!({})));
}

#[test]
fn what_is_not_known_travels_on_to_vendors_of_the_openai_shape() {
    for adapter in &ADAPTERS[..3] {
        let sent = encode(*adapter, &hello(), &json!({"x_new": {"a": 1}})).unwrap();
        assert_eq!(sent["x_new"], json!({"a": 1}), "{adapter:?}");
    }
}
