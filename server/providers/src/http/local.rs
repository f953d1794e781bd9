//! Asking a server of the operator's own which models it has.

use std::time::Duration;

use marketplace::chat::{Failure, FailureClass};
use reqwest::{Client, RequestBuilder};
use tokio::time::{Instant, timeout_at};

use super::{Limits, Sender, answer, not_sent, without_key};
use crate::dialect::Dialect;
use crate::failure::failure;
use crate::local::LocalModel;
use crate::{ConfiguredProvider, ollama, tgi};

/// How long a server has to say all. What it has not said by then it is asked again soon.
const LIST_WAIT: Duration = Duration::from_secs(20);
const LIST_BYTES_MAX: usize = 8 << 20;

/// More models than this stand on no machine.
const MODELS_MAX: usize = 500;

impl Sender {
    /// The models a server of the operator's own has right now. What is known of one that has not changed is not asked
    /// again, and one that cannot be described is left out.
    pub async fn list_local(
        &self,
        provider: &ConfiguredProvider,
        known: &[LocalModel],
    ) -> Result<Vec<LocalModel>, Failure> {
        let begun = Instant::now();
        let get = |path: &'static str| self.addressed(&provider.base_url, provider, path, Client::get);
        match provider.vendor.dialect {
            Dialect::Ollama => {
                let listed = ollama::decode_tags(&self.read(provider, get(ollama::TAGS)?, begun).await?)?;
                let mut models = Vec::with_capacity(listed.len().min(MODELS_MAX));
                for model in listed.into_iter().take(MODELS_MAX) {
                    let is_same =
                        |old: &&LocalModel| old.name == model.name && old.revision == model.revision;
                    match known.iter().find(is_same) {
                        Some(old) => models.push(old.clone()),
                        // It may have gone since it was listed.
                        None => models.extend(self.describe(provider, model, begun).await.ok()),
                    }
                }
                Ok(models)
            }
            Dialect::Tgi => Ok(vec![tgi::decode_info(&self.read(provider, get(tgi::INFO)?, begun).await?)?]),
            _ => Ok(Vec::new()),
        }
    }

    async fn describe(
        &self,
        provider: &ConfiguredProvider,
        model: LocalModel,
        begun: Instant,
    ) -> Result<LocalModel, Failure> {
        let asked = self.request(provider, ollama::encode_show(&model.name)?, "")?;
        ollama::decode_show(model, &self.read(provider, asked, begun).await?)
    }

    /// The body of a good answer.
    async fn read(
        &self,
        provider: &ConfiguredProvider,
        asked: RequestBuilder,
        begun: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let limits = Limits { total: LIST_WAIT, answer_bytes_max: LIST_BYTES_MAX, ..self.limits };
        let mut response = match timeout_at(begun + limits.total, asked.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(not_sent(&error)),
            Err(_) => return Err(failure(FailureClass::Timeout, "no list came in time")),
        };
        if response.status().is_success() {
            return answer::read_whole(&mut response, limits, begun).await;
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let body = answer::read_refusal(&mut response, limits).await;
        let refusal = provider.vendor.dialect.refusal(status, &headers, &body);
        Err(without_key(refusal, provider.key.as_ref()))
    }
}
