//! Words and pictures judged by a vendor that asks nothing for it: counted among the calls of a minute, and never paid.

use marketplace::chat::FailureClass;
use marketplace::fault::{Code, Fault};
use marketplace::id::{CallId, ModelId, ProviderId};
use marketplace::quote::likely_tokens;
use marketplace::rate::Standing;
use marketplace::scope::Scope;
use providers::moderation::{MODELS, PROVIDER};
use serde_json::Value;
use tracing::warn;
use uuid::Uuid;

use crate::rates::Counted;
use crate::{Actor, Engine, Error, Result};

/// What somebody wants judged.
#[derive(Debug)]
pub struct ModerationOrder {
    /// `None` asks the usual one.
    pub model: Option<String>,
    /// A text, several, or parts of a message.
    pub input: Value,
    /// Of all that is in it.
    pub bytes: usize,
}

#[derive(Debug)]
pub struct Moderated {
    pub id: CallId,
    pub model: ModelId,
    /// One for each text, in the words of who judged.
    pub results: Vec<Value>,
    /// What its minute allows and has left.
    pub standing: Standing,
}

impl Engine {
    /// Asks whether something may be said. Nothing is held or written down.
    pub async fn moderate(&self, actor: &Actor, order: ModerationOrder) -> Result<Moderated> {
        actor.buyer(Scope::Chat)?;
        let upstream = upstream(order.model.as_deref())?;
        let model = ModelId::parse(&format!("{PROVIDER}/{upstream}"))?;
        actor.may_ask(&model, None)?;
        let vendors = self.0.vendors.load_full();
        let known = vendors.registry.find(&ProviderId(PROVIDER.to_owned()));
        let Some(provider) = known.filter(|provider| provider.is_available()) else {
            let message = format!("{model} cannot be asked: its provider is not configured here");
            return Err(Fault::new(Code::Unavailable, message).into());
        };
        let tokens = i64::try_from(likely_tokens(order.bytes as u64)).unwrap_or(i64::MAX);
        let ticket = self.admit(actor, Counted { input: tokens, output: 0 }).await?;
        let id = CallId(Uuid::now_v7());
        let (sender, call) = (&self.0.sender, id.to_string());
        let asked = sender.moderate(provider, upstream, &order.input, &call).await;
        let results = asked.map_err(|failure| {
            if failure.class != FailureClass::InvalidRequest {
                self.0.watch.note_provider_failure(PROVIDER);
                warn!(class = ?failure.class, "the provider of {model} failed");
            }
            let provider = provider.vendor.name.to_owned();
            Error::Provider { provider, failure }.counted(ticket.standing)
        })?;
        ticket.settle(tokens);
        Ok(Moderated { id, model, results, standing: ticket.standing })
    }
}

/// What judges is called by its vendor's name, with or without the vendor's.
fn upstream(asked: Option<&str>) -> std::result::Result<&'static str, Fault> {
    let Some(asked) = asked else { return Ok(MODELS[0]) };
    let name = asked.strip_prefix(PROVIDER).and_then(|rest| rest.strip_prefix('/')).unwrap_or(asked);
    MODELS.into_iter().find(|model| *model == name).ok_or_else(|| {
        let message = format!("{asked} judges nothing here; {PROVIDER}/{} does", MODELS[0]);
        Fault { field: Some("model".to_owned()), ..Fault::new(Code::NotFound, message) }
    })
}
