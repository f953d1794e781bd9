//! Texts put into vectors, in every vendor's words, with the true count of tokens in the log of truth.

mod vector;
mod vendors;

use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::sleep;

use super::dialect::{Ask, Dialect, Refusal};
use super::frame::Frame;
use super::reply::Usage;
use super::scenario::Scenario;
use super::truth::Entry;
use super::{GATEWAY_PAGE, Pace, Simulator, header, named, refuse};

pub use self::vendors::{Cohere, Google, HuggingFace, Ollama, OpenAi, Voyage};

/// More tokens than this no simulated model reads at once.
const TEXT_TOKENS_MAX: u64 = 8_192;

/// A vendor's wire format for vectors.
pub trait Embedder: 'static {
    const NAME: &'static str;
    /// How the vendor speaks otherwise: keys and refusals are the same.
    type Talk: Dialect;

    fn read(uri: &Uri, body: &[u8]) -> Result<Wanted, Refusal>;
    fn write(wanted: &Wanted, vectors: &[Vec<f32>], usage: Option<&Value>) -> Value;
    /// What is said of the tokens; nothing where the vendor counts none.
    fn usage(prompt_tokens: i64) -> Option<Value>;
}

/// What is asked for, whatever the dialect.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub model: String,
    pub inputs: Vec<Input>,
    pub dimensions: Option<usize>,
    /// In base64 rather than in numbers.
    pub base64: bool,
    /// Whether it was asked as one of several, where a dialect answers that differently.
    pub batch: bool,
}

#[derive(Debug, Clone)]
pub struct Input {
    pub text: String,
    pub tokens: u64,
}

impl Wanted {
    fn check(&self) -> Result<(), Refusal> {
        if self.model.is_empty() {
            return Err(Refusal::invalid("model", "you must provide a model parameter"));
        }
        if self.inputs.is_empty() || self.inputs.iter().any(|input| input.text.is_empty()) {
            return Err(Refusal::invalid("input", "Invalid 'input': it must not be empty."));
        }
        if self.inputs.iter().any(|input| input.tokens > TEXT_TOKENS_MAX) {
            let message = format!("This model's maximum context length is {TEXT_TOKENS_MAX} tokens.");
            return Err(Refusal::invalid("input", message));
        }
        Ok(())
    }

    fn ask(&self) -> Ask {
        Ask {
            model: self.model.clone(),
            question: self.inputs.first().map(|input| input.text.clone()).unwrap_or_default(),
            prompt_tokens: self.inputs.iter().map(|input| input.tokens).sum(),
            ..Ask::default()
        }
    }
}

pub async fn embed<E: Embedder>(
    State(simulator): State<Simulator>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let vendor = uri.path().split('/').nth(1).unwrap_or_default().to_owned();
    let mut entry = simulator.truth.begin(vendor, E::NAME, header(&headers, "x-client-request-id"));
    let request_id = entry.request_id();
    let response = match understand::<E>(&uri, &headers, &body, &mut entry) {
        Ok((wanted, scenario)) => respond::<E>(simulator, wanted, scenario, entry).await,
        Err(refusal) => refuse::<E::Talk>(&refusal, entry),
    };
    named(response, E::Talk::REQUEST_ID_HEADER, &request_id)
}

fn understand<E: Embedder>(
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    entry: &mut Entry,
) -> Result<(Wanted, Scenario), Refusal> {
    E::Talk::authorise(headers)?;
    let mut wanted = E::read(uri, body)?;
    wanted.check()?;
    let mut ask = wanted.ask();
    let scenario = Scenario::choose(header(headers, "x-simulate").as_deref(), &mut ask)?;
    wanted.model.clone_from(&ask.model);
    entry.asked(&ask, scenario);
    Ok((wanted, scenario))
}

async fn respond<E: Embedder>(
    simulator: Simulator,
    wanted: Wanted,
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
        _ => return make::<E>(&simulator, &wanted, scenario, entry).await,
    };
    refuse::<E::Talk>(&refusal, entry)
}

async fn make<E: Embedder>(
    simulator: &Simulator,
    wanted: &Wanted,
    scenario: Scenario,
    mut entry: Entry,
) -> Response {
    sleep(match (scenario, simulator.pace) {
        (Scenario::Slow, _) => Duration::from_millis(400),
        (_, Pace::Realistic) => Duration::from_millis(40),
        (_, Pace::Instant) => Duration::ZERO,
    })
    .await;
    let dimensions = wanted.dimensions.unwrap_or_else(|| vector::dimensions(&wanted.model));
    let vectors: Vec<Vec<f32>> =
        wanted.inputs.iter().map(|input| vector::of(&wanted.model, &input.text, dimensions)).collect();
    let prompt = i64::try_from(wanted.ask().prompt_tokens).unwrap_or(i64::MAX);
    let reported = scenario.report(Usage { prompt, ..Usage::default() });
    let usage = reported.and_then(|used| E::usage(used.prompt));
    let body = E::write(wanted, &vectors, usage.as_ref()).to_string();
    entry.sending(&Frame::raw(body.clone()).reporting(usage));
    entry.complete();
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
