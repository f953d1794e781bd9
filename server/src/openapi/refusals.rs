//! What every operation may be refused with, in the shape of its family.

use engine::{TTL_SECONDS, TTL_SECONDS_MAX};
use http::Request;
use serde_json::{Map, Value, json};

use crate::api::Family;

/// What each status means, whoever is told.
const MEANINGS: [(u16, &str); 15] = [
    (400, "Something in the request cannot be used; the field is named."),
    (401, "No key or session, or one that is not valid."),
    (402, "The money does not reach: what is required, what is available, and what would fit."),
    (403, "This key or account may not do that."),
    (404, "There is no such thing, or it is not yours."),
    (408, "The body did not arrive in time."),
    (409, "It cannot be done as things stand, or the same request is already being answered."),
    (413, "The body is larger than 10 MiB."),
    (422, "It is well formed and cannot be used."),
    (429, "A limit of this minute is reached; `Retry-After` says when to come back."),
    (500, "Something went wrong on our side; nothing was charged."),
    (502, "The vendor failed or cannot be reached; nothing was charged."),
    (503, "The books or the vendor cannot be reached right now."),
    (504, "The vendor did not answer in time."),
    (529, "The vendor is overloaded."),
];

/// What may happen before any handler is reached, and inside all of them.
const ALWAYS: [u16; 6] = [400, 401, 403, 429, 500, 503];

pub fn add(path: &str, method: &str, operation: &mut Value) {
    let is_sale = operation["tags"][0] == "Calls";
    let has_body = matches!(method, "post" | "put" | "patch");
    let mut statuses = ALWAYS.to_vec();
    if has_body {
        statuses.extend([408, 409, 413, 422]);
    }
    if is_sale {
        statuses.extend([402, 502, 504, 529]);
    }
    // A name of something may stand in the address or in the body.
    if has_body || path.contains('{') || path.ends_with("/generation") {
        statuses.push(404);
    }
    if path.ends_with("/top-ups") || path.ends_with("/subscription") {
        statuses.push(402);
    }
    let family = family(path);
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for status in statuses {
        let reference = format!("#/components/responses/{family}{status}");
        responses.entry(status.to_string()).or_insert_with(|| json!({ "$ref": reference }));
    }
    describe_successes(responses, is_sale);
    if method == "get" {
        name_contents(responses);
    }
    if may_be_sent_again(path, method) {
        add_parameters(operation, vec![idempotency_key()]);
    }
    if method == "post" && may_be_told_again(path) {
        add_parameters(operation, cache_headers());
        describe_cache(operation);
    }
}

/// Every refusal in the shape of every family.
pub fn components() -> Value {
    let mut components = Map::new();
    for (family, schema, kind) in [
        ("Problem", "Problem", "application/problem+json"),
        ("OpenAi", "OpenAiError", "application/json"),
        ("Anthropic", "AnthropicError", "application/json"),
    ] {
        for (status, meaning) in MEANINGS {
            let schema = json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") } });
            let mut headers =
                json!({ "x-should-retry": header("Whether the same request may succeed later.") });
            if matches!(status, 429 | 503) {
                headers["retry-after"] = header("Seconds.");
            }
            if matches!(status, 402 | 429) {
                add_what_is_left(&mut headers);
            }
            let response = json!({ "description": meaning, "headers": headers, "content": { kind: schema } });
            components.insert(format!("{family}{status}"), response);
        }
    }
    Value::Object(components)
}

/// As the server itself tells it, for a client that names no version.
fn family(path: &str) -> &'static str {
    match Request::builder().uri(path.replace(['{', '}'], "")).body(()).map(|asked| Family::of(&asked)) {
        Ok(Family::OpenAi) => "OpenAi",
        Ok(Family::Anthropic) => "Anthropic",
        _ => "Problem",
    }
}

fn describe_successes(responses: &mut Map<String, Value>, is_sale: bool) {
    for (status, response) in responses.iter_mut().filter(|(_, response)| response.get("$ref").is_none()) {
        if response["description"].as_str().is_none_or(str::is_empty) {
            response["description"] = json!(match status.as_str() {
                "201" => "Made.",
                "202" => "Begun.",
                "204" => "Done.",
                _ => "The answer.",
            });
        }
        if is_sale && status == "200" {
            let named = "Names the call; its receipt is at `/api/v1/receipts/{id}`.";
            response["headers"] = json!({ "x-generation-id": header(named) });
            add_what_is_left(&mut response["headers"]);
        }
    }
}

/// What has not changed is not sent again.
fn name_contents(responses: &mut Map<String, Value>) {
    let Some(answer) = responses.get_mut("200").filter(|answer| !answer["content"].is_null()) else { return };
    answer["headers"]["etag"] =
        header("Names the contents; sent back as `If-None-Match`, it saves sending them again.");
    responses.insert("304".to_owned(), json!({ "description": "It is as you have it." }));
}

fn add_what_is_left(headers: &mut Value) {
    for unit in ["requests", "tokens"] {
        for (name, description) in [
            ("limit", format!("How many {unit} a minute allows.")),
            ("remaining", format!("How many {unit} are left of this minute.")),
            ("reset", "When the minute is over, such as `12s`.".to_owned()),
        ] {
            headers[format!("x-ratelimit-{name}-{unit}")] = header(&description);
        }
    }
}

fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

/// What costs or moves money.
fn may_be_sent_again(path: &str, method: &str) -> bool {
    let takes = [
        "/completions",
        "/responses",
        "/messages",
        "/embeddings",
        "/generations",
        "/top-ups",
        "/keys",
        "/rotate",
    ];
    // A code is used once already.
    method == "post" && takes.iter().any(|end| path.ends_with(end)) && !path.ends_with("/auth/keys")
}

/// What `X-OpenRouter-Cache` has an effect on.
fn may_be_told_again(path: &str) -> bool {
    ["/completions", "/responses", "/messages", "/embeddings"].iter().any(|end| path.ends_with(end))
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "The same key and body are answered once; asked again, the same answer is repeated.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    })
}

fn cache_headers() -> Vec<Value> {
    let flag = json!({ "type": "string", "enum": ["true", "false"], "default": "false" });
    let seconds =
        json!({ "type": "integer", "minimum": 1, "maximum": TTL_SECONDS_MAX, "default": TTL_SECONDS });
    let told = [
        (
            "X-OpenRouter-Cache",
            "Answers from what was kept for the same request, for nothing, or keeps this answer.",
            &flag,
        ),
        ("X-OpenRouter-Cache-TTL", "For how many seconds the answer is kept.", &seconds),
        (
            "X-OpenRouter-Cache-Clear",
            "Deletes what is kept for this request, and makes the answer anew.",
            &flag,
        ),
    ];
    let parameter = |(name, description, schema): (&str, &str, &Value)| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    told.into_iter().map(parameter).collect()
}

fn describe_cache(operation: &mut Value) {
    let headers = &mut operation["responses"]["200"]["headers"];
    for (name, description) in [
        ("x-openrouter-cache-status", "`HIT` or `MISS`, where the cache was asked for."),
        ("x-openrouter-cache-ttl", "For how many seconds the answer is kept, or still kept."),
        ("x-openrouter-cache-age", "Of a hit: seconds since it was made."),
        ("x-openrouter-cache-source-id", "Of a hit: the call that was paid for it."),
    ] {
        headers[name] = header(description);
    }
}

fn add_parameters(operation: &mut Value, more: Vec<Value>) {
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.extend(more),
        None => operation["parameters"] = json!(more),
    }
}
