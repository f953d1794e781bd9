//! Pages: Leptos draws them, this file says with which context and headers.

mod site;

use std::panic::resume_unwind;

use app::context::{preview, theme};
use app::shell::{App, Theme, document};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Form, Router};
use engine::{Engine, Outcome};
use http::{HeaderValue, Request, StatusCode, header};
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use marketplace::fault::Fault;
use marketplace::id::TopUpId;
use serde::Deserialize;
use tokio::runtime::Handle;
use tracing::Instrument as _;

use crate::api::{ApiError, Family};
use crate::auth::Asking;
use crate::routes::Site;

pub fn routes(site: &Site, drawing: Handle) -> Router<Site> {
    let pages = generate_route_list(App);
    Router::new()
        .leptos_routes_with_context(site, pages, provide_page_context, document)
        .route("/_fn/{*name}", post(call_function))
        .layer(middleware::from_fn_with_state(drawing, draw_apart))
        .route("/pay/{id}", post(pay))
        .route("/auth", post(site::decide))
}

/// A page takes a millisecond of a processor or more, which no stream of an answer should have to wait for.
async fn draw_apart(State(drawing): State<Handle>, request: Request<Body>, next: Next) -> Response {
    match drawing.spawn(next.run(request).in_current_span()).await {
        Ok(page) => page,
        Err(failure) => match failure.try_into_panic() {
            // Whoever catches panics of other addresses catches this one too.
            Ok(panic) => resume_unwind(panic),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    }
}

/// Every unknown address: a page that says so, unless a program asked.
pub async fn not_found(request: Request<Body>) -> Response {
    let path = request.uri().path();
    if ["/api/", "/v1/", "/_fn/", "/pkg/"].iter().any(|prefix| path.starts_with(prefix)) {
        return ApiError::of(Family::of(&request), Fault::not_found("This address")).into_response();
    }
    let mut page = leptos_axum::render_app_async_with_context(provide_page_context, document)(request).await;
    *page.status_mut() = StatusCode::NOT_FOUND;
    page
}

async fn call_function(request: Request<Body>) -> impl IntoResponse {
    leptos_axum::handle_server_fns_with_context(|| (), request).await
}

#[derive(Deserialize)]
struct Choice {
    outcome: Outcome,
}

/// The test gateway's form.
async fn pay(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
    Form(choice): Form<Choice>,
) -> Result<Redirect, ApiError> {
    engine.pay_at_test_gateway(&actor, TopUpId::parse(&id)?, choice.outcome).await?;
    Ok(Redirect::to("/billing"))
}

fn provide_page_context() {
    provide_context(Theme(theme()));
    if let Some(preview) = preview() {
        provide_context(preview);
    }
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else { return };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; object-src 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
