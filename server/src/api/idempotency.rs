//! `Idempotency-Key`: what is answered to a request that is sent again.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, OriginalUri, Request};
use axum::response::{IntoResponse, Response};
use engine::{Actor, Answer, CacheWish, Claim, Claimed, Engine, IDEMPOTENCY_HEADER, IdempotencyKey, Route};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use marketplace::fault::{Code, Fault};
use marketplace::id::CallId;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::error::GENERATION_ID;
use super::response_cache::Wanted;
use super::{ApiError, Family, body};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A body, and how to know the request when it comes again.
#[derive(Debug)]
pub struct Sent<T> {
    pub body: T,
    pub once: Option<Once>,
    /// Whether an answer that is kept will do, for those who sell what can be kept.
    pub cache: Option<CacheWish>,
}

/// The key of a request and the bytes it stands for.
#[derive(Debug)]
pub struct Once {
    key: IdempotencyKey,
    bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let family = Family::of(&request);
        let key = key(request.headers()).map_err(|fault| ApiError::of(family, fault))?;
        let wanted = Wanted::read(request.headers()).map_err(|fault| ApiError::of(family, fault))?;
        let wanted = wanted.map(|wanted| (wanted, path(&request)));
        let (body, bytes) = body::read(request, state).await?;
        let cache = wanted.and_then(|(wanted, path)| wanted.of(&path, &bytes));
        Ok(Self { body, once: key.map(|key| Once { key, bytes }), cache })
    }
}

impl Once {
    /// The same key for the same bytes in another dialect is another request: its answer would not be understood.
    pub fn in_dialect(self, name: &'static [u8]) -> Self {
        Self { key: self.key, bytes: Bytes::from([name, b"\n", &self.bytes].concat()) }
    }

    /// The same key and bytes at another address of a route are another request.
    pub fn about(self, subject: &str) -> Self {
        Self { key: self.key, bytes: Bytes::from([subject.as_bytes(), b"\n", &self.bytes].concat()) }
    }
}

/// What was asked for, also beneath `nest`, where the address is cut.
fn path(request: &Request) -> String {
    let whole = request.extensions().get::<OriginalUri>().map(|original| &original.0);
    whole.unwrap_or(request.uri()).path().to_owned()
}

fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Fault> {
    let mut given = headers.get_all(IDEMPOTENCY_HEADER).iter();
    let (first, second) = (given.next(), given.next());
    if second.is_some() {
        return Err(IdempotencyKey::refused());
    }
    first.map(|key| IdempotencyKey::parse(key.to_str().unwrap_or_default())).transpose()
}

/// Somebody acting, with or without a claim to keep the answer under.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub engine: Engine,
    pub actor: Actor,
    pub claim: Option<Claim>,
    pub cache: Option<CacheWish>,
    /// Says to the task of a request with a key that nobody waits for its answer any more.
    pub left: CancellationToken,
}

/// Does the work unless it was done before; then answers as before. An `Err` of the work says that nothing has begun.
///
/// With a key, the work goes on in a task of its own when its caller leaves, so that there is something to repeat.
pub async fn act<W>(
    attempt: Attempt,
    route: Route,
    once: Option<Once>,
    work: impl FnOnce(Attempt) -> W + Send + 'static,
) -> Result<Response, Fault>
where
    W: Future<Output = Result<Response, Fault>> + Send + 'static,
{
    let Some(once) = once else { return work(attempt).await };
    let _waiting = attempt.left.clone().drop_guard();
    let acting = tokio::spawn(async move {
        let Attempt { engine, actor, .. } = &attempt;
        let claim = match engine.claim(actor, route, &once.key, &once.bytes).await? {
            Claimed::Repeat(answer, call) => return Ok(repeat(answer, call)),
            Claimed::Act(claim) => claim,
        };
        match work(Attempt { claim: Some(claim.clone()), ..attempt.clone() }).await {
            Err(refusal) => Err(engine.give_up(actor, &claim, refusal).await),
            answered => answered,
        }
    });
    acting.await.unwrap_or_else(|cause| {
        error!(%cause, "a request with an idempotency key failed inside");
        Err(Fault::new(Code::Internal, "Something went wrong on our side"))
    })
}

impl Attempt {
    pub fn new(engine: Engine, actor: Actor) -> Self {
        Self { engine, actor, claim: None, cache: None, left: CancellationToken::new() }
    }

    pub fn with(self, cache: Option<CacheWish>) -> Self {
        Self { cache, ..self }
    }

    /// The id that the call must have, if a key has fixed it.
    pub fn call(&self) -> Option<CallId> {
        self.claim.as_ref().map(|claim| claim.call)
    }

    /// Keeps an answer, to be repeated, and passes it on.
    pub async fn keep(&self, response: Response) -> Response {
        let Some(claim) = &self.claim else { return response };
        let (head, body) = response.into_parts();
        // Our own answers are in memory already, so there is nothing to bound and nothing that could fail.
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            warn!("an answer could not be read to be kept");
            return ApiError::from(claim.interrupted()).into_response();
        };
        let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
        self.keep_as(head.status, content_type, bytes.to_vec()).await;
        Response::from_parts(head, Body::from(bytes))
    }

    pub async fn keep_as(&self, status: StatusCode, content_type: String, body: Vec<u8>) {
        if let Some(claim) = &self.claim {
            let answer = Answer { status: status.as_u16(), content_type, body };
            self.engine.keep(&self.actor, claim, answer).await;
        }
    }
}

fn repeat(answer: Answer, call: Option<CallId>) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    if let Ok(kind) = HeaderValue::from_str(&answer.content_type) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if let Some(id) = call.and_then(|call| HeaderValue::from_str(&call.to_string()).ok()) {
        headers.insert(GENERATION_ID, id);
    }
    if !status.is_success() {
        // The same key is answered the same for a day, so clients that try again by themselves must not.
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}
