//! The one place from which anything is sent to a vendor.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use marketplace::chat::{ChatRequest, Failure, FailureClass};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};

pub use self::answer::Answer;
use crate::dialect::Outgoing;
use crate::failure::failure;
use crate::{ConfiguredProvider, Egress, Error};

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
            .tcp_nodelay(true)
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
        let asked = Instant::now();
        if !provider.is_available() {
            return Err(failure(FailureClass::Auth, "this provider is not set up"));
        }
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
        let misconfigured = |reason: &str| failure(FailureClass::ServerError, reason);
        let url = Url::parse(&format!("{}{}", provider.base_url, outgoing.path))
            .map_err(|_| misconfigured("the address of this provider is not one"))?;
        self.egress.check(&url).map_err(|error| misconfigured(&error.to_string()))?;
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            // A compressed stream is held back until a block of it is full.
            .header(ACCEPT_ENCODING, "identity")
            .header("x-client-request-id", request_id);
        for (name, value) in outgoing.headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = &provider.key {
            let (name, before_key) = provider.vendor.dialect.key_header();
            let mut key = HeaderValue::from_str(&format!("{before_key}{}", key.expose_secret()))
                .map_err(|_| failure(FailureClass::Auth, "the key of this provider cannot be sent"))?;
            key.set_sensitive(true);
            request = request.header(name, key);
        }
        Ok(request.body(outgoing.body))
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
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let body = answer::read_refusal(&mut response, limits).await;
            return Err(dialect.refusal(status, &headers, &body));
        }
        if answer::is_stream(&headers, request.stream) {
            return Answer::streamed(response, dialect, limits, asked, provider.key.clone()).await;
        }
        let body = answer::read_whole(&mut response, limits, asked).await?;
        dialect.decode(status, &headers, &body).map(Answer::whole)
    }
}

/// A failure to send, told without the address: it may hold more than a host.
fn not_sent(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        failure(FailureClass::Timeout, "no connection was made in time")
    } else if error.is_connect() {
        failure(FailureClass::ServerError, "no connection could be made")
    } else {
        failure(FailureClass::ServerError, "the connection broke before an answer began")
    }
}

/// Vendors repeat keys in their complaints, not always in a form that looks like one.
fn without_key(failure: Failure, key: Option<&SecretString>) -> Failure {
    let Some(key) = key else { return failure };
    Failure { message: failure.message.replace(key.expose_secret(), "[key]"), ..failure }
}
