//! A vendor that is not one: answers over real sockets in vendors' wire formats, for demonstrations and tests.

mod anthropic;
mod answer;
mod bomb;
mod cohere;
mod dialect;
mod embedding;
mod distortion;
mod frame;
mod google;
mod local;
mod image;
mod likelihood;
mod moderation;
mod ollama;
mod openai;
mod performance;
mod phrases;
mod reply;
mod responses;
mod scenario;
mod shape;
mod tgi;
mod socket;
#[cfg(test)]
mod tests;
mod tokens;
mod truth;

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use anthropic::Anthropic;
use cohere::Cohere;
use dialect::{Ask, Dialect, Refusal};
use embedding::embed;
use google::Google;
use image::draw;
use local::Machine;
use ollama::Ollama;
use openai::OpenAi;
use performance::{Stage, Tempo};
use reply::Reply;
use responses::Responses;
use scenario::{Cut, Scenario};
use socket::{Reset, Sockets};
use tgi::Tgi;
use truth::{Entry, Truth};

const BODY_BYTES_MAX: usize = 32 << 20;
/// Where a redirect leads: to an address that is private, and writes down whoever comes.
const TRAP: &str = "/trap";
/// Vendors that report usage in every stream, asked or not.
const TELLS_USAGE_UNASKED: [&str; 2] = ["mistral", "perplexity"];
const GATEWAY_PAGE: &str = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<center><h1>502 Bad Gateway</h1></center>\n</body>\n</html>\n";

/// How fast answers come when no scenario says otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// A few hundred milliseconds to the first token, then 40 to 90 a second.
    #[default]
    Realistic,
    Instant,
}

/// How the simulator runs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub pace: Pace,
    /// Where the log of truth is also written.
    pub truth_log: Option<PathBuf>,
}

/// The simulated vendors and their log of truth.
#[derive(Debug, Clone)]
pub struct Simulator {
    pace: Pace,
    truth: Truth,
    machine: Machine,
    turned_away: TurnedAway,
    closing: CancellationToken,
}

impl Simulator {
    /// Fails if the log of truth cannot be opened.
    pub fn new(options: Options) -> io::Result<Self> {
        let truth = Truth::open(options.truth_log.as_deref())?;
        let (machine, turned_away) = (Machine::default(), TurnedAway::default());
        Ok(Self { pace: options.pace, truth, machine, turned_away, closing: CancellationToken::new() })
    }
}

/// Who was told to come back later: the second time they are answered.
#[derive(Debug, Clone, Default)]
struct TurnedAway(Arc<Mutex<HashSet<(String, String)>>>);

impl TurnedAway {
    /// What happens where somebody is turned away once; any other scenario stays as it is.
    fn instead_of(&self, scenario: Scenario, ask: &Ask) -> Scenario {
        if scenario != Scenario::RateLimitOnce {
            return scenario;
        }
        let asked = (ask.vendor.clone(), ask.question.clone());
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
        if is_new { Scenario::RateLimit } else { Scenario::Instant }
    }
}

/// A simulator at work. Dropping it stops it and breaks the answers still under way.
#[derive(Debug)]
pub struct Running {
    pub addr: SocketAddr,
    pub handle: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

/// Serves the simulated vendors; port 0 takes any that is free.
pub async fn start(addr: SocketAddr, options: Options) -> io::Result<Running> {
    let simulator = Simulator::new(options)?;
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let closing = simulator.closing.clone();
    let handle = tokio::spawn(async move {
        // Connections have tasks of their own, which aborting this one would not end.
        let _closes = closing.clone().drop_guard();
        let router = router(simulator).into_make_service_with_connect_info::<Reset>();
        let server = axum::serve(Sockets(listener), router).with_graceful_shutdown(closing.cancelled_owned());
        if let Err(cause) = server.await {
            warn!(%cause, "the simulator stopped");
        }
    });
    Ok(Running { addr, handle })
}

/// The paths of all simulated vendors.
pub fn router(simulator: Simulator) -> Router {
    Router::new()
        .route("/{vendor}/v1/chat/completions", post(chat::<OpenAi>))
        .route("/{vendor}/chat/completions", post(chat::<OpenAi>))
        .route("/{vendor}/openai/v1/chat/completions", post(chat::<OpenAi>))
        .route("/{vendor}/v1/responses", post(chat::<Responses>))
        .route("/{vendor}/v1/messages", post(chat::<Anthropic>))
        .route("/{vendor}/v1beta/models/{call}", post(google))
        .route("/{vendor}/v2/chat", post(chat::<Cohere>))
        .route("/{vendor}/api/chat", post(chat::<Ollama>))
        .route("/{vendor}/generate", post(chat::<Tgi>))
        .route("/{vendor}/generate_stream", post(chat::<Tgi>))
        .route("/{vendor}/v1/moderations", post(moderation::moderate))
        .route("/{vendor}/v1/embeddings", post(embed::<embedding::OpenAi>))
        .route("/voyageai/v1/embeddings", post(embed::<embedding::Voyage>))
        .route("/{vendor}/v1/images/generations", post(draw::<image::OpenAi>))
        .route("/{vendor}/v1/generation/{engine}/text-to-image", post(draw::<image::StabilityV1>))
        .route("/{vendor}/v2beta/stable-image/generate/{service}", post(draw::<image::StabilityV2>))
        .route("/{vendor}/v2/embed", post(embed::<embedding::Cohere>))
        .route("/{vendor}/api/embed", post(embed::<embedding::Ollama>))
        .route("/{vendor}/hf-inference/models/{*model}", post(embed::<embedding::HuggingFace>))
        .route("/anthropic/v1/models", get(list_models::<Anthropic>))
        .route("/google/v1beta/models", get(list_models::<Google>))
        .route("/cohere/v1/models", get(list_models::<Cohere>))
        .route("/tgi/info", get(list_models::<Tgi>))
        .nest("/ollama/api", local::routes())
        .route("/{vendor}/v1/models", get(list_models::<OpenAi>))
        .route("/{vendor}/models", get(list_models::<OpenAi>))
        .route("/{vendor}/openai/v1/models", get(list_models::<OpenAi>))
        .route("/truth", get(read_truth))
        .route(TRAP, any(fall_into_trap))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(simulator)
}

async fn chat<D: Dialect>(
    State(simulator): State<Simulator>,
    socket: Option<Extension<ConnectInfo<Reset>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // Without a socket there is nothing to reset.
    let reset = socket.map(|Extension(ConnectInfo(reset))| reset).unwrap_or_default();
    let vendor = uri.path().split('/').nth(1).unwrap_or_default().to_owned();
    let tells_usage = TELLS_USAGE_UNASKED.contains(&vendor.as_str());
    let mut entry = simulator.truth.begin(vendor, D::NAME, header(&headers, "x-client-request-id"));
    entry.received(body.len());
    let request_id = entry.request_id();
    let response = match understand::<D>(&uri, &headers, &body, &mut entry) {
        Ok((_, scenario @ (Scenario::Html | Scenario::Redirect | Scenario::GzipBomb))) => {
            mislead::<D>(scenario, &headers, entry)
        }
        Ok((mut ask, scenario)) => {
            ask.include_usage |= tells_usage;
            let scenario = simulator.turned_away.instead_of(scenario, &ask);
            let stage = Stage { entry, closing: simulator.closing.clone(), reset };
            respond::<D>(simulator.pace, ask, scenario, stage).await
        }
        Err(refusal) => refuse::<D>(&refusal, entry),
    };
    named(response, D::REQUEST_ID_HEADER, &request_id)
}

/// Google tells chats from vectors by the end of the path alone, and from pictures by what is asked.
async fn google(
    state: State<Simulator>,
    socket: Option<Extension<ConnectInfo<Reset>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if uri.path().ends_with(":embedContent") || uri.path().ends_with(":batchEmbedContents") {
        return embed::<embedding::Google>(state, uri, headers, body).await;
    }
    if image::Gemini::is_asked(&body) {
        return draw::<image::Gemini>(state, uri, headers, body).await;
    }
    chat::<Google>(state, socket, uri, headers, body).await
}

fn understand<D: Dialect>(
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    entry: &mut Entry,
) -> Result<(Ask, Scenario), Refusal> {
    D::authorise(headers)?;
    let mut ask = D::read(uri, headers, body)?;
    ask.vendor = uri.path().split('/').nth(1).unwrap_or_default().to_owned();
    let scenario = Scenario::choose(header(headers, "x-simulate").as_deref(), &mut ask)?;
    entry.asked(&ask, scenario);
    Ok((ask, scenario))
}

/// Answers with what is no answer at all, though it looks like a success or leads to one.
fn mislead<D: Dialect>(scenario: Scenario, headers: &HeaderMap, mut entry: Entry) -> Response {
    entry.break_off();
    match scenario {
        Scenario::Redirect => {
            let host = header(headers, HOST.as_str()).unwrap_or_default();
            let location = [(LOCATION, format!("http://{host}{TRAP}"))];
            (StatusCode::TEMPORARY_REDIRECT, location).into_response()
        }
        Scenario::GzipBomb => {
            let headers = [(CONTENT_ENCODING, "gzip"), (CONTENT_TYPE, D::STREAM_TYPE)];
            (headers, bomb::gzip()).into_response()
        }
        _ => Html(GATEWAY_PAGE).into_response(),
    }
}

async fn respond<D: Dialect>(pace: Pace, ask: Ask, scenario: Scenario, mut stage: Stage) -> Response {
    let refusal = match scenario {
        Scenario::Unauthorised => Refusal::Unauthorised,
        Scenario::RateLimit => Refusal::RateLimited,
        Scenario::ServerError => Refusal::Broken,
        Scenario::Overloaded => Refusal::Overloaded,
        Scenario::Hang => {
            stage.entry.fall_silent();
            stage.closing.cancelled().await;
            Refusal::Overloaded
        }
        _ => return perform::<D>(pace, ask, scenario, stage).await,
    };
    refuse::<D>(&refusal, stage.entry)
}

async fn perform<D: Dialect>(pace: Pace, ask: Ask, scenario: Scenario, mut stage: Stage) -> Response {
    let reply = Reply::compose(stage.entry.reply_id(), &ask, scenario);
    stage.entry.answering(&reply);
    let tempo = Tempo::of(pace, scenario, answer::seed(&ask.model, &ask.question));
    match scenario.cut(reply.tokens()) {
        _ if ask.stream => performance::stream::<D>(reply, tempo, stage).await,
        Some(Cut::Fault(_)) => refuse::<D>(&Refusal::Broken, stage.entry),
        _ => performance::whole::<D>(reply, tempo, stage).await,
    }
}

fn refuse<D: Dialect>(refusal: &Refusal, mut entry: Entry) -> Response {
    entry.break_off();
    let (status, body) = D::refuse(refusal, &entry.request_id());
    let mut response = (status, Json(body)).into_response();
    if *refusal == Refusal::RateLimited {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

fn named(mut response: Response, name: &'static str, request_id: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `GET /{vendor}/v1/models`: a few names; every other is accepted too.
async fn list_models<D: Dialect>(vendor: Option<Path<String>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = D::authorise(&headers) {
        let (status, body) = D::refuse(&refusal, &format!("req_{}", Uuid::now_v7().simple()));
        return (status, Json(body)).into_response();
    }
    let vendor = vendor.map_or_else(|| D::NAME.to_owned(), |Path(vendor)| vendor);
    Json(D::models(&vendor)).into_response()
}

/// Nobody is meant to come here: a redirect that was followed leaves a record without the id of a call.
async fn fall_into_trap(State(simulator): State<Simulator>) -> StatusCode {
    simulator.truth.begin("trap".to_owned(), "trap", None).break_off();
    StatusCode::OK
}

/// `GET /truth`: what really happened, oldest first.
async fn read_truth(State(simulator): State<Simulator>) -> Response {
    ([(CONTENT_TYPE, "application/x-ndjson")], simulator.truth.to_lines()).into_response()
}
