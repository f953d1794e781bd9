//! Who asks: read once for every request, from a bearer token, an API key or the session cookie.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use app::context::{Caller, SESSION_COOKIE, cookie};
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::{Actor, Doorstep, Engine};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, Method};
use marketplace::fault::Fault;
use marketplace::network::Network;

use crate::api::{ApiError, Family};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A caller as handlers take it.
#[derive(Debug)]
pub struct Asking(pub Actor);

/// What stands at the entrance.
#[derive(Clone, Debug)]
pub struct Door {
    pub engine: Engine,
    /// Whose word is taken for who asks.
    pub proxies: Arc<[Network]>,
}

/// Puts the caller into the request. Under `/v1` a cookie is never looked at: browsers send it unasked.
pub async fn identify(State(door): State<Door>, request: Request, next: Next) -> Response {
    let family = Family::of(&request);
    let (mut parts, body) = request.into_parts();
    let Door { engine, proxies } = door;
    let actor = match recognise(&engine, &parts, &proxies).await {
        Ok(actor) => actor,
        Err(fault) => return ApiError::of(family, fault).into_response(),
    };
    let user = actor.user().cloned();
    parts.extensions.insert(Caller { engine, actor, user });
    next.run(Request::from_parts(parts, body)).await
}

async fn recognise(engine: &Engine, parts: &Parts, proxies: &[Network]) -> Result<Actor, Fault> {
    if let Some(secret) = presented(parts) {
        if secret.starts_with(marketplace::secret_key::PREFIX) {
            let address = address(parts, proxies);
            // Reading needs no place in the minute.
            let is_call = parts.method == Method::POST;
            return Ok(engine.admit_key(secret, Doorstep { address, is_call }).await?);
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

/// Where a request comes from: the peer, or who that says it stands before, as long as it is one of our own proxies. Each of
/// them adds to the end of the list, so it is read from there; what anybody else has written is no more than a claim.
fn address(parts: &Parts, proxies: &[Network]) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let is_ours = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    let mut address = peer.ip().to_canonical();
    let lists = parts.headers.get_all(FORWARDED_FOR).iter().rev();
    let named = lists.flat_map(|list| list.to_str().unwrap_or_default().rsplit(','));
    for name in named {
        if !is_ours(address) {
            break;
        }
        // One of ours that cannot say who asked is where it ends.
        let Ok(before) = name.trim().parse::<IpAddr>() else { break };
        address = before.to_canonical();
    }
    Some(address)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(peer: &str, lists: &[&str], proxies: &[&str]) -> String {
        let mut request = http::Request::builder().uri("/v1/models");
        for list in lists {
            request = request.header(FORWARDED_FOR, *list);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 9)));
        let proxies: Vec<Network> = proxies.iter().map(|text| Network::parse(text).unwrap()).collect();
        address(&parts, &proxies).unwrap().to_string()
    }

    #[test]
    fn a_claim_to_be_somebody_else_is_believed_of_our_proxies_alone() {
        for (peer, lists, proxies, address) in [
            ("198.51.100.1", vec!["203.0.113.7"], vec![], "198.51.100.1"),
            ("198.51.100.1", vec!["203.0.113.7"], vec!["10.0.0.0/8"], "198.51.100.1"),
            ("10.0.0.2", vec!["203.0.113.7"], vec!["10.0.0.0/8"], "203.0.113.7"),
            ("::ffff:10.0.0.2", vec!["203.0.113.7"], vec!["10.0.0.0/8"], "203.0.113.7"),
            // What the client itself has written stands before what our proxy adds.
            ("10.0.0.2", vec!["192.0.2.1, 203.0.113.7"], vec!["10.0.0.0/8"], "203.0.113.7"),
            ("10.0.0.2", vec!["192.0.2.1", "203.0.113.7"], vec!["10.0.0.0/8"], "203.0.113.7"),
            ("10.0.0.2", vec!["203.0.113.7, 10.0.0.3"], vec!["10.0.0.0/8"], "203.0.113.7"),
            ("10.0.0.2", vec!["nobody"], vec!["10.0.0.0/8"], "10.0.0.2"),
            ("10.0.0.2", vec![], vec!["10.0.0.0/8"], "10.0.0.2"),
        ] {
            assert_eq!(address_of(peer, &lists, &proxies), address, "{peer} {lists:?} {proxies:?}");
        }
    }
}
