//! The REST surface. Our own routes answer with RFC 9457 problems, compatible ones with their family's errors.

mod body;
mod asked;
pub mod etag;
pub mod elsewhere;
mod in_time;
mod page;
mod error;
mod heads;
pub mod idempotency;
mod response_cache;
pub(crate) mod account;
pub(crate) mod letters;
pub(crate) mod keys;
pub(crate) mod site_keys;
pub(crate) mod limits;
mod rate;
pub(crate) mod models;
pub(crate) mod recommendations;
pub(crate) mod billing;
pub(crate) mod statements;
pub mod sale;
pub mod chat;
pub(crate) mod quote;
pub(crate) mod presets;
pub(crate) mod completions;
pub(crate) mod responses;
pub(crate) mod embeddings;
pub(crate) mod images;
pub(crate) mod messages;
pub(crate) mod moderations;
pub(crate) mod conversations;
pub(crate) mod credit;
pub(crate) mod operator;
mod reports;
mod prices;
pub(crate) mod providers;
pub(crate) mod rankings;
pub(crate) mod status;
mod unsold;
pub(crate) mod usage;
mod vendors;

use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};

pub use error::{ApiError, Family};
pub use heads::write_heads;
pub use in_time::read_in_time;

use crate::openapi;
use crate::routes::Site;

pub fn routes() -> Router<Site> {
    Router::new()
        .route("/api/v1/auth/register", post(account::register))
        .route("/api/v1/auth/login", post(account::log_in))
        .route("/api/v1/auth/logout", post(account::log_out))
        .route("/api/v1/auth/me", get(account::read_me).patch(account::change_me))
        .route("/api/v1/auth/verification", post(letters::send_confirmation))
        .route("/api/v1/auth/verification/{token}", post(letters::confirm_address))
        .route("/api/v1/auth/reset", post(letters::forget_password))
        .route("/api/v1/auth/reset/{token}", post(letters::reset_password))
        .route("/api/v1/auth/sessions", get(account::list_sessions))
        .route("/api/v1/auth/sessions/{id}", delete(account::end_session))
        .route("/api/v1/limits/account", put(limits::limit_account))
        .route("/api/v1/limits/conversations/{id}", put(limits::limit_conversation))
        .route("/api/v1/balance", get(billing::read_balance))
        .route("/api/v1/top-ups", post(billing::start_top_up))
        .route("/api/v1/top-ups/{id}", get(billing::read_top_up))
        .route("/api/v1/ledger", get(billing::list_ledger))
        .route("/api/v1/receipts/{id}", get(billing::read_receipt))
        .route("/api/v1/statements", get(statements::list_statements))
        .route("/api/v1/statements/{month}", get(statements::read_statement))
        .route("/api/v1/webhooks/payments/{processor}", post(billing::receive_payment_event))
        .route("/api/v1/conversations", get(conversations::list_conversations))
        .route("/api/v1/plans", get(billing::list_plans))
        .route(
            "/api/v1/conversations/{id}",
            get(conversations::read_conversation)
                .patch(conversations::rename_conversation)
                .delete(conversations::delete_conversation),
        )
        .route("/api/v1/subscription", put(billing::choose_plan))
        .route("/api/v1/quote", post(quote::quote))
        .route("/api/v1/usage", get(usage::read_usage))
        .route("/api/v1/recommendations", post(recommendations::recommend))
        .route("/api/v1/status", get(status::read_status))
        .route("/api/v1/books", get(operator::read_books))
        .route("/api/v1/books/blocks/{number}", get(operator::read_block))
        .route("/api/v1/admin/overview", get(operator::read_overview))
        .route("/api/v1/admin/ledger/verification", post(operator::verify_books))
        .route("/api/v1/admin/local-models", post(operator::find_local_models))
        .route("/api/v1/admin/users/{id}/adjustments", post(operator::adjust_balance))
        .route("/api/v1/admin/users/{id}/grants", post(operator::give_promo))
        .route("/api/v1/admin/adjustments/{id}/approve", post(operator::approve_adjustment))
        .route("/api/v1/admin/adjustments/{id}/reject", post(operator::reject_adjustment))
        .route("/api/v1/admin/providers", get(vendors::list_vendors).post(vendors::add_vendor))
        .route("/api/v1/admin/providers/{id}", delete(vendors::remove_vendor))
        .route("/api/v1/admin/providers/{id}/address", put(vendors::move_vendor))
        .route(
            "/api/v1/admin/providers/{id}/key",
            put(vendors::set_vendor_key).delete(vendors::clear_vendor_key),
        )
        .route("/api/v1/admin/providers/{id}/reports", post(reports::import_report))
        .route("/api/v1/admin/reconciliation", get(reports::read_reconciliation))
        .route("/api/v1/admin/prices/waiting", get(prices::list_waiting_prices))
        .route("/api/v1/admin/prices/{id}/approve", post(prices::approve_price))
        .route("/api/v1/admin/prices/{id}/reject", post(prices::reject_price))
        .nest("/api/v1", compatible())
        .nest("/v1", compatible())
        .route("/openapi.json", get(openapi::describe))
        .method_not_allowed_fallback(unsold::refuse_method)
        .layer(middleware::from_fn(etag::name_contents))
}

/// What clients of other vendors expect, under both bases they are configured with.
fn compatible() -> Router<Site> {
    Router::new()
        .route("/models", get(models::list_models))
        .route("/models/count", get(models::count_models))
        .route("/models/user", get(models::list_buyable))
        .route("/models/{*id}", get(models::read_model))
        .route("/providers", get(providers::list_providers))
        .merge(keys())
        .route("/presets", get(presets::list_presets))
        .route(
            "/presets/{slug}",
            get(presets::read_preset).put(presets::save_preset).delete(presets::delete_preset),
        )
        .route("/auth/keys", post(site_keys::fetch_site_key))
        .route("/datasets/rankings-daily", get(rankings::list_rankings))
        .route("/benchmarks", get(rankings::list_benchmarks))
        .route("/activity", get(usage::read_activity))
        .route("/chat/completions", post(chat::complete))
        .route("/completions", post(completions::complete))
        .route("/responses", post(responses::create))
        .route("/responses/{id}", get(responses::find).delete(responses::find))
        .route("/embeddings", post(embeddings::embed))
        .route("/images/generations", post(images::generate))
        .route("/messages", post(messages::create))
        .route("/messages/count_tokens", post(messages::count_tokens))
        .route("/key", get(credit::read_key))
        .route("/credits", get(credit::read_credits))
        .route("/generation", get(credit::read_generation))
        .route("/moderations", post(moderations::moderate))
        .route("/images/edits", post(unsold::refuse))
        .route("/images/variations", post(unsold::refuse))
        .route("/audio/{*what}", post(unsold::refuse))
}

/// What programs do with keys, ours and those that know other markets.
fn keys() -> Router<Site> {
    Router::new()
        .route("/keys", get(keys::list_keys).post(keys::create_key))
        .route("/keys/{id}", get(keys::read_key).patch(keys::change_key).delete(keys::revoke_key))
        .route("/keys/{id}/rotate", post(keys::rotate_key))
        .layer(middleware::from_fn(error::in_family))
}
