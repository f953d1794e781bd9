//! Asking for what is no conversation and comes in one piece: vectors, pictures and judgements.

use marketplace::chat::{Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{Sender, answer, not_sent, without_key};
use crate::dialect::Outgoing;
use crate::failure::failure;
use crate::{ConfiguredProvider, embedding, image, moderation};

/// An answer as it came, whatever it says.
struct Whole {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sender {
    /// Asks a provider to put texts into vectors.
    pub async fn embed(
        &self,
        provider: &ConfiguredProvider,
        protocol: embedding::Protocol,
        request: &embedding::Request,
        upstream_model: &str,
        request_id: &str,
    ) -> Result<embedding::Embeddings, Failure> {
        let outgoing = protocol.encode(request, upstream_model)?;
        let root = protocol.root(&provider.base_url);
        let Whole { status, headers, body } = self.ask_below(root, provider, outgoing, request_id).await?;
        let read = protocol.decode(status, &headers, &body, request.inputs.len());
        read.map_err(|failure| without_key(failure, provider.key.as_ref()))
    }

    /// Asks a provider to draw.
    pub async fn draw(
        &self,
        provider: &ConfiguredProvider,
        protocol: image::Protocol,
        request: &image::Request,
        upstream_model: &str,
        request_id: &str,
    ) -> Result<image::Pictures, Failure> {
        let outgoing = protocol.encode(request, upstream_model)?;
        let root = provider.base_url.as_str();
        let Whole { status, headers, body } = self.ask_below(root, provider, outgoing, request_id).await?;
        let read = protocol.decode(status, &headers, &body);
        read.map_err(|failure| without_key(failure, provider.key.as_ref()))
    }

    /// Asks a provider to judge what is said.
    pub async fn moderate(
        &self,
        provider: &ConfiguredProvider,
        upstream_model: &str,
        input: &Value,
        request_id: &str,
    ) -> Result<Vec<Value>, Failure> {
        let outgoing = moderation::encode(upstream_model, input)?;
        let root = provider.base_url.as_str();
        let Whole { status, headers, body } = self.ask_below(root, provider, outgoing, request_id).await?;
        let read = moderation::decode(status, &headers, &body);
        read.map_err(|failure| without_key(failure, provider.key.as_ref()))
    }

    async fn ask_below(
        &self,
        root: &str,
        provider: &ConfiguredProvider,
        outgoing: Outgoing,
        request_id: &str,
    ) -> Result<Whole, Failure> {
        let asked = Instant::now();
        if !provider.is_available() {
            return Err(failure(FailureClass::Auth, "this provider is not set up"));
        }
        let sent = self.request_below(root, provider, outgoing, request_id)?.send();
        let limits = self.limits_for(provider);
        let mut response = match timeout_at(asked + limits.total, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(not_sent(&error)),
            Err(_) => return Err(failure(FailureClass::Timeout, "no answer began in time")),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match status.is_success() {
            true => answer::read_whole(&mut response, limits, asked).await?,
            false => answer::read_refusal(&mut response, limits).await,
        };
        Ok(Whole { status, headers, body })
    }
}
