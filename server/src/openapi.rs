//! `/openapi.json`: the description of the interface, made from the handlers and types that are really there.

mod refusals;
pub mod shapes;

use std::sync::LazyLock;

use axum::response::IntoResponse;
use http::{StatusCode, header};
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::api;

/// As it is served and kept beside the code. It is made once.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
        text.push('\n');
        text
    });
    &TEXT
}

/// Every operation with its answers and refusals.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, operations) in paths {
            let operations = operations.as_object_mut().into_iter().flatten();
            for (method, operation) in operations {
                name(path, method, operation);
                refusals::add(path, method, operation);
            }
        }
    }
    document["components"]["responses"] = refusals::components();
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "An API key, `mk_live_…`, or the token of a session.",
        },
        "api_key": {
            "type": "apiKey", "in": "header", "name": "x-api-key",
            "description": "An API key, as Anthropic’s clients send it.",
        },
    });
    document["security"] = json!([{ "bearer": [] }, { "api_key": [] }]);
    document["servers"] = json!([{ "url": "/" }]);
    document
}

/// What stands under both bases is one handler, and must not be two operations of one name.
fn name(path: &str, method: &str, operation: &mut Value) {
    let words = path.replace(['/', '-', '.'], "_").replace(['{', '}'], "");
    operation["operationId"] = json!(format!("{method}{words}"));
}

/// Cached by whoever likes: a description belongs to nobody. The layer around the interface names its contents.
pub async fn describe() -> impl IntoResponse {
    let about = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")];
    (StatusCode::OK, about, text())
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mercato",
        description = "One balance, one key, many AI models. Compatible operations stand under both `/v1` and `/api/v1`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(),
    ),
    tags(
        (name = "Calls", description = "Asking models, and what that would cost."),
        (name = "Models", description = "What there is, at what price, and how well it answers."),
        (name = "Money", description = "Balance, payments, receipts, statements and the books."),
        (name = "Keys and limits", description = "API keys, and the most that may be spent."),
        (name = "Presets", description = "Settings of calls, saved under short names."),
        (name = "Account", description = "Signing up, in and out."),
        (name = "Conversations", description = "What was talked about on the pages."),
    ),
    nest((path = "/api/v1", api = Compatible), (path = "/v1", api = Compatible)),
    paths(
        api::quote::quote,
        api::recommendations::recommend,
        api::status::read_status,
        api::billing::read_balance,
        api::billing::start_top_up,
        api::billing::read_top_up,
        api::billing::list_ledger,
        api::billing::read_receipt,
        api::statements::list_statements,
        api::statements::read_statement,
        api::usage::read_usage,
        api::billing::list_plans,
        api::billing::choose_plan,
        api::operator::read_books,
        api::operator::read_block,
        api::limits::limit_account,
        api::limits::limit_conversation,
        api::account::register,
        api::account::log_in,
        api::account::log_out,
        api::account::read_me,
        api::account::change_me,
        api::account::list_sessions,
        api::account::end_session,
        api::letters::send_confirmation,
        api::letters::confirm_address,
        api::letters::forget_password,
        api::letters::reset_password,
        api::conversations::list_conversations,
        api::conversations::read_conversation,
        api::conversations::rename_conversation,
        api::conversations::delete_conversation,
    ),
    components(schemas(shapes::Problem, shapes::OpenAiError, shapes::AnthropicError)),
)]
struct Description;

/// What clients of other vendors and markets know.
#[derive(OpenApi)]
#[openapi(paths(
    api::chat::complete,
    api::responses::create,
    api::messages::create,
    api::messages::count_tokens,
    api::completions::complete,
    api::embeddings::embed,
    api::images::generate,
    api::moderations::moderate,
    api::models::list_models,
    api::models::count_models,
    api::models::list_buyable,
    api::models::read_model,
    api::models::read_endpoints,
    api::models::read_stats,
    api::providers::list_providers,
    api::rankings::list_rankings,
    api::rankings::list_benchmarks,
    api::keys::list_keys,
    api::keys::create_key,
    api::keys::read_key,
    api::keys::change_key,
    api::keys::revoke_key,
    api::keys::rotate_key,
    api::site_keys::fetch_site_key,
    api::presets::list_presets,
    api::presets::read_preset,
    api::presets::save_preset,
    api::presets::delete_preset,
    api::credit::read_key,
    api::credit::read_credits,
    api::credit::read_generation,
    api::usage::read_activity,
))]
struct Compatible;
