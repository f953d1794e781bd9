//! Pictures that are really drawn, in every vendor's words, with their number in the log of truth.

mod gemini;
mod painting;
mod vendors;

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::sleep;

use super::answer::seed;
use super::dialect::{Ask, Refusal};
use super::frame::Frame;
use super::scenario::Scenario;
use super::truth::Entry;
use super::{GATEWAY_PAGE, Pace, Simulator, header, tokens};

pub use self::gemini::Gemini;
pub use self::vendors::{OpenAi, StabilityV1, StabilityV2};

const COUNT_MAX: u32 = 10;

/// A vendor's wire format for pictures.
pub trait Painter: 'static {
    const NAME: &'static str;

    /// The key that comes with a request, if there is one.
    fn key(headers: &HeaderMap) -> Option<&str> {
        super::dialect::bearer(headers)
    }
    fn read(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Wanted, Refusal>;
    fn write(wanted: &Wanted, pictures: &[Picture], usage: Option<&Value>) -> Value;
    /// What is said of the tokens; nothing where pictures are paid by the piece.
    fn usage(wanted: &Wanted) -> Option<Value>;
    fn refuse(refusal: &Refusal, request_id: &str) -> (StatusCode, Value);
}

/// What is asked for, whatever the dialect.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub model: String,
    pub prompt: String,
    pub count: u32,
    pub width: u32,
    pub height: u32,
    pub seed: Option<u64>,
    pub quality: Option<String>,
}

pub struct Picture {
    pub seed: u64,
    pub png: Vec<u8>,
}

impl Wanted {
    fn check(&self) -> Result<(), Refusal> {
        if self.prompt.trim().is_empty() {
            return Err(Refusal::invalid("prompt", "the prompt is missing"));
        }
        if !(1..=COUNT_MAX).contains(&self.count) {
            return Err(Refusal::invalid("n", "Invalid 'n': expected a value from 1 to 10."));
        }
        if !(64..=2_048).contains(&self.width) || !(64..=2_048).contains(&self.height) {
            return Err(Refusal::invalid("size", "Invalid 'size'."));
        }
        Ok(())
    }

    fn ask(&self) -> Ask {
        Ask {
            model: self.model.clone(),
            question: self.prompt.clone(),
            prompt_tokens: tokens::count(&self.prompt),
            ..Ask::default()
        }
    }

    /// The same for the same model, prompt and seed.
    fn draw(&self) -> Result<Vec<Picture>, Refusal> {
        let first = self.seed.unwrap_or_else(|| seed(&self.model, &self.prompt) % (1 << 32));
        (0..u64::from(self.count))
            .map(|place| {
                let seed = first.wrapping_add(place);
                let png = painting::png(seed, &self.prompt, self.width, self.height);
                png.map(|png| Picture { seed, png }).map_err(|_| Refusal::Broken)
            })
            .collect()
    }
}

pub async fn draw<P: Painter>(
    State(simulator): State<Simulator>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let vendor = uri.path().split('/').nth(1).unwrap_or_default().to_owned();
    let mut entry = simulator.truth.begin(vendor, P::NAME, header(&headers, "x-client-request-id"));
    match understand::<P>(&uri, &headers, &body, &mut entry) {
        Ok((wanted, scenario)) => respond::<P>(simulator, wanted, scenario, entry).await,
        Err(refusal) => refuse::<P>(&refusal, entry),
    }
}

fn understand<P: Painter>(
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    entry: &mut Entry,
) -> Result<(Wanted, Scenario), Refusal> {
    super::dialect::check_key(P::key(headers))?;
    let mut wanted = P::read(uri, headers, body)?;
    wanted.check()?;
    let mut ask = wanted.ask();
    let scenario = Scenario::choose(header(headers, "x-simulate").as_deref(), &mut ask)?;
    (wanted.model, wanted.prompt) = (ask.model.clone(), ask.question.clone());
    entry.asked(&ask, scenario);
    Ok((wanted, scenario))
}

async fn respond<P: Painter>(
    simulator: Simulator,
    mut wanted: Wanted,
    scenario: Scenario,
    mut entry: Entry,
) -> Response {
    let refusal = match scenario {
        Scenario::Unauthorised => Refusal::Unauthorised,
        Scenario::RateLimit => Refusal::RateLimited,
        Scenario::ServerError => Refusal::Broken,
        Scenario::Overloaded => Refusal::Overloaded,
        Scenario::Html => {
            entry.break_off();
            return Html(GATEWAY_PAGE).into_response();
        }
        // Fewer pictures than were asked for.
        Scenario::Truncated => {
            wanted.count = wanted.count.div_ceil(2);
            return make::<P>(&simulator, &wanted, scenario, entry).await;
        }
        _ => return make::<P>(&simulator, &wanted, scenario, entry).await,
    };
    refuse::<P>(&refusal, entry)
}

async fn make<P: Painter>(
    simulator: &Simulator,
    wanted: &Wanted,
    scenario: Scenario,
    mut entry: Entry,
) -> Response {
    sleep(match (scenario, simulator.pace) {
        (Scenario::Slow, _) => Duration::from_millis(400),
        (_, Pace::Realistic) => Duration::from_millis(1_200),
        (_, Pace::Instant) => Duration::ZERO,
    })
    .await;
    let pictures = match wanted.draw() {
        Ok(pictures) => pictures,
        Err(refusal) => return refuse::<P>(&refusal, entry),
    };
    let usage = P::usage(wanted).filter(|_| scenario != Scenario::NoUsage);
    let body = P::write(wanted, &pictures, usage.as_ref()).to_string();
    // Where no tokens are told, what counts is how many were drawn.
    let told = usage.unwrap_or_else(|| serde_json::json!({ "pictures": pictures.len() }));
    entry.sending(&Frame::raw(body.clone()).carrying(pictures.len() as u64).reporting(Some(told)));
    entry.complete();
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

fn refuse<P: Painter>(refusal: &Refusal, mut entry: Entry) -> Response {
    entry.break_off();
    let (status, body) = P::refuse(refusal, &entry.request_id());
    let mut response = (status, Json(body)).into_response();
    if *refusal == Refusal::RateLimited {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
