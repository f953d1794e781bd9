//! `/auth/*`: signing up, in and out, and who that was.

use app::context::{ended_session_cookie, session_cookie};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use engine::{Engine, SignedIn};
use http::{StatusCode, header};
use marketplace::account::{SignIn, User};
use marketplace::fault::Fault;
use marketplace::id::SessionId;
use serde::{Deserialize, Serialize};

use super::ApiError;
use super::asked::{Path, Query};
use super::body::Body;
use super::page::{Page, Slice};
use crate::auth::Asking;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"email": "ada@example.org", "password": "quiet-harbour-lantern-73", "name": "Ada"}))]
pub struct Registration {
    email: String,
    password: String,
    name: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"email": "ada@example.org", "password": "quiet-harbour-lantern-73"}))]
pub struct Login {
    email: String,
    password: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"name": "Ada"}))]
pub struct Changes {
    name: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Session {
    token: String,
    expires_at: String,
    user: User,
}

/// Opens an account and signs in.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "Account", request_body = Registration, responses((status = 201, body = Session)), security(()))]
pub async fn register(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(new): Body<Registration>,
) -> Result<Response, ApiError> {
    let signed_in = engine.sign_up(&actor, &new.email, &new.password, new.name.as_deref()).await?;
    Ok(with_cookie(StatusCode::CREATED, signed_in))
}

/// Signs in.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "Account", request_body = Login, responses((status = 200, body = Session)), security(()))]
pub async fn log_in(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(login): Body<Login>,
) -> Result<Response, ApiError> {
    let signed_in = engine.sign_in(&actor, &login.email, &login.password).await?;
    Ok(with_cookie(StatusCode::OK, signed_in))
}

/// Ends the session that asks.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "Account", responses((status = 204)), security(()))]
pub async fn log_out(State(engine): State<Engine>, Asking(actor): Asking) -> Result<Response, ApiError> {
    engine.sign_out(&actor).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, ended_session_cookie())]).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "Account", responses((status = 200, body = User)))]
pub async fn read_me(Asking(actor): Asking) -> Result<Json<User>, ApiError> {
    Ok(Json(actor.user().cloned().ok_or_else(Fault::sign_in)?))
}

/// Changes the name.
///
/// An empty name takes it away; without one nothing changes.
#[utoipa::path(patch, path = "/api/v1/auth/me", tag = "Account", request_body = Changes, responses((status = 200, body = User)))]
pub async fn change_me(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Body(changes): Body<Changes>,
) -> Result<Json<User>, ApiError> {
    match changes.name {
        Some(name) => Ok(Json(engine.rename(&actor, Some(&name)).await?)),
        None => read_me(Asking(actor)).await,
    }
}

/// Where one is signed in.
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "Account", params(Slice), responses((status = 200, body = Page<SignIn>)))]
pub async fn list_sessions(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Query(slice): Query<Slice>,
) -> Result<Json<Page<SignIn>>, ApiError> {
    Ok(Json(slice.cut(engine.list_sessions(&actor).await?)))
}

/// Ends a session, the one that asks or another.
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", tag = "Account", params(("id" = SessionId, Path)), responses((status = 204)))]
pub async fn end_session(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    engine.end_session(&actor, SessionId::parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn with_cookie(status: StatusCode, signed_in: SignedIn) -> Response {
    let cookie = session_cookie(&signed_in);
    let SignedIn { user, token, expires_at } = signed_in;
    let session = Session { token, expires_at: text(expires_at), user };
    (status, [(header::SET_COOKIE, cookie)], Json(session)).into_response()
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
