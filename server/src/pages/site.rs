//! What somebody decides at `/auth`, and the way back to the site that asked.

use app::context::{SiteAsked, site_left, site_place};
use axum::Form;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use engine::{Engine, Error, Wish};
use http::{HeaderName, header};
use marketplace::billing::Window;
use marketplace::fault::{Code, Fault};
use marketplace::money::Nanos;
use serde::Deserialize;

use crate::auth::Asking;

/// Nothing runs on the page between two sites, and nobody may frame it.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Deserialize)]
pub struct Decision {
    choice: Choice,
    callback_url: String,
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
    #[serde(default)]
    limit_usd: String,
    #[serde(default)]
    limit_reset: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Agree,
    Decline,
}

/// The form of the page; without a key to give, it leads back to the page, which says why.
pub async fn decide(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Form(decision): Form<Decision>,
) -> Response {
    let asked = SiteAsked {
        callback: decision.callback_url,
        challenge: decision.code_challenge,
        method: decision.code_challenge_method,
        limit: decision.limit_usd,
    };
    let place = site_place(&asked);
    let back = |why: &str| Redirect::to(&format!("{place}&refused={why}")).into_response();
    let Ok(wish) = Wish::parse(&asked.callback, &asked.challenge, &asked.method) else {
        return back("later");
    };
    if decision.choice == Choice::Decline {
        return leave(&wish.callback.with("error", "access_denied"), &wish);
    }
    let Ok(limit) = limit(&asked.limit) else { return back("limit") };
    let reset = Window::parse(&decision.limit_reset).filter(|_| limit.is_some());
    match engine.agree_to_site(&actor, &wish, limit, reset).await {
        Ok(address) => leave(&address, &wish),
        Err(error) => back(word(error)),
    }
}

fn limit(text: &str) -> Result<Option<Nanos>, Fault> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(Nanos::parse_usd).transpose()
}

/// What the page says of it.
fn word(error: Error) -> &'static str {
    let fault = Fault::from(error);
    match fault.code {
        Code::Conflict => "keys",
        Code::InvalidRequest => "limit",
        // Whoever is signed out meanwhile sees that.
        Code::Unauthenticated => "sign-in",
        _ => "later",
    }
}

/// The code stands in the address of the site alone: no referrer tells it on, and nothing keeps this page.
fn leave(address: &str, wish: &Wish) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
    ];
    (headers, Html(site_left(address, &wish.callback.site()))).into_response()
}
