//! Who asks: read once for every request, from a bearer token, an API key or the session cookie.

use app::context::{Caller, SESSION_COOKIE, cookie};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::{Actor, Engine};
use http::header::AUTHORIZATION;
use http::request::Parts;
use marketplace::fault::Fault;

use crate::api::{ApiError, Family};

/// A caller as handlers take it.
#[derive(Debug)]
pub struct Asking(pub Actor);

/// Puts the caller into the request. Under `/v1` a cookie is never looked at: browsers send it unasked.
pub async fn identify(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let family = Family::of(&request);
    let (mut parts, body) = request.into_parts();
    let actor = match recognise(&engine, &parts).await {
        Ok(actor) => actor,
        Err(fault) => return ApiError::of(family, fault).into_response(),
    };
    let user = actor.user().cloned();
    parts.extensions.insert(Caller { engine, actor, user });
    next.run(Request::from_parts(parts, body)).await
}

async fn recognise(engine: &Engine, parts: &Parts) -> Result<Actor, Fault> {
    if let Some(secret) = presented(parts) {
        if secret.starts_with(marketplace::secret_key::PREFIX) {
            return Ok(engine.recognise_key(secret).await?);
        }
        let actor = engine.recognise_token(secret).await?;
        return match actor {
            Actor::Visitor => Err(Fault::new(
                marketplace::fault::Code::Unauthenticated,
                "The key or token is not valid; keys begin with mk_live_",
            )),
            actor => Ok(actor),
        };
    }
    if parts.uri.path().starts_with("/v1/") {
        return Ok(Actor::Visitor);
    }
    match cookie(parts, SESSION_COOKIE) {
        Some(token) => Ok(engine.recognise_token(&token).await?),
        None => Ok(Actor::Visitor),
    }
}

/// What OpenAI clients send as a bearer and Anthropic clients as `x-api-key`.
fn presented(parts: &Parts) -> Option<&str> {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, secret) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    bearer.or_else(|| text("x-api-key").map(str::trim)).filter(|secret| !secret.is_empty())
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Caller>();
        Ok(Self(caller.map_or(Actor::Visitor, |caller| caller.actor.clone())))
    }
}
