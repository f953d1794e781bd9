//! The one place from which anything is sent to a vendor.

mod answer;
mod local;
mod made;

use std::sync::Arc;
use std::time::Duration;

use marketplace::chat::{ChatRequest, Failure, FailureClass};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span, field, info_span};

pub use self::answer::Answer;
use crate::dialect::Outgoing;
use crate::failure::{failure, malformed};
use crate::{ConfiguredProvider, Egress, Error};

/// A reader who stalls stops their own stream and keeps no more than this of it with us.
const STREAM_WINDOW_BYTES: u32 = 128 << 10;
/// As many readers as there may be stall before others on the same connection have to wait for them.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 30;

/// Connections to one vendor that wait for the next call. Each keeps the memory that its busiest moment needed, and a crowd of
/// streams would leave one for each.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// How long and how much we wait for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// From asking to the first event of a streamed answer; comments that keep the line open do not count.
    pub first_event: Duration,
    /// Between bytes of a streamed answer.
    pub gap: Duration,
    /// From asking to the end of any answer.
    pub total: Duration,
    /// Until somebody who takes nothing of an answer is taken to have left.
    pub reader: Duration,
    /// Of an answer in one piece. A streamed one is handed on and never held.
    pub answer_bytes_max: usize,
    /// Of a streamed answer in all.
    pub stream_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_event: Duration::from_secs(60),
            gap: Duration::from_secs(45),
            total: Duration::from_secs(15 * 60),
            reader: Duration::from_secs(30),
            answer_bytes_max: 32 << 20,
            stream_bytes_max: 256 << 20,
        }
    }
}

/// Sends requests to vendors. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    egress: Egress,
    limits: Limits,
}

impl Sender {
    pub fn new(egress: Egress) -> Result<Self, Error> {
        Self::with_limits(egress, Limits::default())
    }

    pub fn with_limits(egress: Egress, limits: Limits) -> Result<Self, Error> {
        let client = Client::builder()
            .user_agent(concat!("mercato/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .tcp_nodelay(true)
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            // A redirect, a proxy or a second try would each lead past a rule kept here or in billing.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .retry(retry::never())
            .referer(false)
            .dns_resolver(Arc::new(egress.clone()))
            .build()
            .map_err(Error::Client)?;
        Ok(Self { client, egress, limits })
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Asks a provider, and waits until it begins to answer.
    ///
    /// An error means that nothing of an answer came. Dropping the answer hangs up.
    pub async fn open(
        &self,
        provider: &ConfiguredProvider,
        request: &ChatRequest,
        upstream_model: &str,
        request_id: &str,
    ) -> Result<Answer, Failure> {
        let span = info_span!(
            "vendor",
            provider.id = provider.vendor.id,
            model = upstream_model,
            call.id = request_id,
            http.status = field::Empty,
        );
        self.ask(provider, request, upstream_model, request_id).instrument(span).await
    }

    async fn ask(
        &self,
        provider: &ConfiguredProvider,
        request: &ChatRequest,
        upstream_model: &str,
        request_id: &str,
    ) -> Result<Answer, Failure> {
        let asked = Instant::now();
        if !provider.is_available() {
            return Err(failure(FailureClass::Auth, "this provider is not set up"));
        }
        match self.ask_once(provider, request, upstream_model, request_id, asked).await {
            // Nothing of the answer itself hangs on it, and which models tell it changes from one month to the next.
            Err(refused) if request.asks_for_logprobs() && does_not_tell(&refused, request) => {
                let plain = request.without_logprobs();
                self.ask_once(provider, &plain, upstream_model, request_id, asked).await
            }
            answered => answered,
        }
    }

    async fn ask_once(
        &self,
        provider: &ConfiguredProvider,
        request: &ChatRequest,
        upstream_model: &str,
        request_id: &str,
        asked: Instant,
    ) -> Result<Answer, Failure> {
        let outgoing = provider.vendor.dialect.encode(request, upstream_model)?;
        let sent = self.request(provider, outgoing, request_id)?.send();
        let limits = self.limits_for(provider);
        let patience = answer::patience(limits, request.stream);
        let response = match timeout_at(asked + patience, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(not_sent(&error)),
            Err(_) => return Err(failure(FailureClass::Timeout, "no answer began in time")),
        };
        self.answer(provider, limits, response, asked, request)
            .await
            .map_err(|failure| without_key(failure, provider.key.as_ref()))
    }

    /// Whether the rules let anything be sent to an address, as far as it shows by itself.
    pub fn may_reach(&self, base_url: &str) -> Result<(), Error> {
        let url = Url::parse(base_url)
            .map_err(|error| Error::BaseUrl { variable: base_url.to_owned(), reason: error.to_string() })?;
        self.egress.check(&url)
    }

    /// One's own server may read a model from disk for minutes before the first byte.
    fn limits_for(&self, provider: &ConfiguredProvider) -> Limits {
        match provider.vendor.dialect.is_self_hosted() {
            true => Limits { first_event: self.limits.total, ..self.limits },
            false => self.limits,
        }
    }

    fn request(
        &self,
        provider: &ConfiguredProvider,
        outgoing: Outgoing,
        request_id: &str,
    ) -> Result<RequestBuilder, Failure> {
        self.request_below(&provider.base_url, provider, outgoing, request_id)
    }

    /// The same for what does not lie below the vendor's usual address.
    fn request_below(
        &self,
        root: &str,
        provider: &ConfiguredProvider,
        outgoing: Outgoing,
        request_id: &str,
    ) -> Result<RequestBuilder, Failure> {
        let request = self.addressed(root, provider, &outgoing.path, Client::post)?;
        // A form says itself what it is; two content types would be none.
        let is_told = outgoing.headers.iter().any(|(name, _)| *name == CONTENT_TYPE.as_str());
        let request = if is_told { request } else { request.header(CONTENT_TYPE, "application/json") };
        let mut request = request.header("x-client-request-id", request_id);
        for (name, value) in outgoing.headers {
            request = request.header(*name, *value);
        }
        Ok(request.body(outgoing.body))
    }

    /// A request to an address that may be reached, with the key of who is there.
    fn addressed(
        &self,
        root: &str,
        provider: &ConfiguredProvider,
        path: &str,
        by: fn(&Client, Url) -> RequestBuilder,
    ) -> Result<RequestBuilder, Failure> {
        let misconfigured = |reason: &str| failure(FailureClass::ServerError, reason);
        let url = Url::parse(&format!("{root}{path}"))
            .map_err(|_| misconfigured("the address of this provider is not one"))?;
        self.egress.check(&url).map_err(|error| misconfigured(&error.to_string()))?;
        // A compressed stream is held back until a block of it is full.
        let mut request = by(&self.client, url).header(ACCEPT_ENCODING, "identity");
        if let Some(key) = &provider.key {
            let (name, before_key) = provider.vendor.dialect.key_header();
            let mut key = HeaderValue::from_str(&format!("{before_key}{}", key.expose_secret()))
                .map_err(|_| failure(FailureClass::Auth, "the key of this provider cannot be sent"))?;
            key.set_sensitive(true);
            request = request.header(name, key);
        }
        Ok(request)
    }

    async fn answer(
        &self,
        provider: &ConfiguredProvider,
        limits: Limits,
        mut response: Response,
        asked: Instant,
        request: &ChatRequest,
    ) -> Result<Answer, Failure> {
        let dialect = provider.vendor.dialect;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Span::current().record("http.status", status.as_u16());
        let is_compressed = is_compressed(&headers);
        if !status.is_success() {
            let body =
                if is_compressed { Vec::new() } else { answer::read_refusal(&mut response, limits).await };
            return Err(dialect.refusal(status, &headers, &body));
        }
        if is_compressed {
            return Err(malformed("the answer is compressed, though asked not to be"));
        }
        if answer::is_stream(&headers, request.stream) {
            return Answer::streamed(response, dialect, limits, asked, provider.key.clone()).await;
        }
        let body = answer::read_whole(&mut response, limits, asked).await?;
        dialect.decode(status, &headers, &body).map(Answer::whole)
    }
}

/// Nothing is ever unpacked, so nothing small can become large here.
fn is_compressed(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_some_and(|how| !how.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether a vendor refused for no other reason than that a model does not tell how likely its words were.
fn does_not_tell(refused: &Failure, request: &ChatRequest) -> bool {
    let message = refused.message.to_lowercase();
    let says = |words: &str| message.contains(words);
    let is_refused = ["not support", "unsupported", "not enabled", "not available"].into_iter().any(says);
    refused.class == FailureClass::InvalidRequest
        && !request.requires_parameters()
        && says("logprobs")
        && is_refused
}

/// A failure to send, told without the address: it may hold more than a host.
fn not_sent(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        // Too late or not at all: either way nothing was asked, so anybody else may be.
        failure(FailureClass::Unreachable, "no connection could be made")
    } else if error.is_timeout() {
        failure(FailureClass::Timeout, "no answer came in time")
    } else {
        failure(FailureClass::ServerError, "the connection broke before an answer began")
    }
}

/// Vendors repeat keys in their complaints, not always in a form that looks like one.
fn without_key(failure: Failure, key: Option<&SecretString>) -> Failure {
    let Some(key) = key else { return failure };
    Failure { message: failure.message.replace(key.expose_secret(), "[key]"), ..failure }
}
