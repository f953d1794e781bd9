//! The map of every address, and what lies around all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::middleware;
use axum::routing::get;
use engine::Engine;
use http::{HeaderName, HeaderValue, StatusCode, header};
use leptos::prelude::LeptosOptions;
use marketplace::network::Network;
use tokio::runtime::Handle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use crate::config::Config;
use crate::{api, auth, catalogue, crawlers, live, metrics, pages};

/// What handlers may ask for.
#[derive(Clone, Debug, FromRef)]
pub struct Site {
    pub engine: Engine,
    pub options: LeptosOptions,
}

/// Requests may be this large; pictures in a prompt count as base64.
pub const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `proxies` are those that are believed when they say who asks; pages are drawn on the threads of `drawing`.
pub fn router(engine: Engine, config: &Config, proxies: Vec<Network>, drawing: Handle) -> Router {
    let options = LeptosOptions::builder()
        .output_name("mercato")
        .site_root(config.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(config.addr)
        .build();
    let door = auth::Door { engine: engine.clone(), proxies: proxies.into() };
    let site = Site { engine: engine.clone(), options };
    let inside = Router::new()
        .merge(pages::routes(&site, drawing))
        .merge(api::routes())
        .merge(crawlers::routes())
        .merge(catalogue::routes())
        .route("/api/v1/chat/live", get(live::connect))
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(door, auth::identify))
        .layer(middleware::from_fn_with_state(config.patience.body, api::read_in_time))
        .layer(middleware::from_fn(api::write_heads));
    outermost(
        compressed(inside)
            .merge(files(config))
            .merge(metrics::routes(engine, config.metrics_token.clone()))
            .route("/healthz", get(|| async { "ok" }))
            .route("/readyz", get(ready)),
    )
    .with_state(site)
}

/// What lies around everything that is written for the one who asks.
pub fn compressed<S: Clone + Send + Sync + 'static>(inside: Router<S>) -> Router<S> {
    inside
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn(api::elsewhere::answer_other_sites))
        .layer(CompressionLayer::new())
}

/// What lies around every address.
pub fn outermost<S: Clone + Send + Sync + 'static>(inside: Router<S>) -> Router<S> {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    inside
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(header(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
}

/// The browser half and pictures. A missing file is a 404, never the app.
fn files(config: &Config) -> Router<Site> {
    let root = &config.site_root;
    let pkg = ServeDir::new(root.join("pkg")).precompressed_br().precompressed_gzip();
    let file = |name: &str| ServeFile::new(root.join(name)).precompressed_br().precompressed_gzip();
    let fresh =
        SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Router::new()
        .nest_service("/pkg", pkg)
        .route_service("/favicon.svg", file("favicon.svg"))
        .route_service("/icons.svg", file("icons.svg"))
        .route_service("/verify.js", file("verify.js"))
        .layer(fresh)
}

async fn ready(State(engine): State<Engine>) -> StatusCode {
    let ready = tokio::time::timeout(Duration::from_secs(2), engine.is_ready()).await;
    if ready == Ok(true) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
