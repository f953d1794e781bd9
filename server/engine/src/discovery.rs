//! Looking for models on servers of the operator's own, again and again and whenever an operator asks.

use std::sync::Arc;

use marketplace::account::Role;
use marketplace::id::ModelId;
use tracing::warn;

use crate::catalogue::is_asked;
use crate::{Actor, Engine, Result};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalModels {
    /// Those that can be called now.
    pub models: Vec<ModelId>,
    /// The servers that do not say what they have. What they had before stays listed.
    pub silent: Vec<String>,
}

impl Engine {
    /// Asks now what stands ready, and says so.
    pub async fn find_local_models(&self, actor: &Actor) -> Result<LocalModels> {
        actor.require(&[Role::Admin])?;
        self.look_for_local_models().await?;
        let (_, silent) = self.0.local.lock().await.servers();
        Ok(LocalModels {
            models: self.0.catalogue.load().local_ids(),
            silent: silent.into_iter().map(|provider| provider.0).collect(),
        })
    }

    /// The same, where nobody waits for the outcome.
    pub(crate) async fn try_to_find_local_models(&self) {
        if let Err(cause) = self.look_for_local_models().await {
            warn!(%cause, "the local models that were found could not be listed");
        }
    }

    async fn look_for_local_models(&self) -> Result<()> {
        let vendors = self.0.vendors.load_full();
        let servers: Vec<_> = vendors.registry.iter().filter(|provider| is_asked(provider)).collect();
        if servers.is_empty() {
            return Ok(());
        }
        // Held meanwhile, so that of two who look at once neither lists what the other knows to be gone.
        let mut local = self.0.local.lock().await;
        let mut now = local.clone();
        for provider in servers {
            let answer = self.0.sender.list_local(provider, now.of(&provider.id())).await;
            now.note(provider.id(), answer);
        }
        if now != *local {
            let seen = Arc::new(now.clone());
            // Whoever took prices over in between would list these models without theirs.
            let _one = self.0.prices_renewing.lock().await;
            // Calls are booked under a price, and these have one too, of nothing.
            self.0.catalogue.load().price_local(&self.0.db, &seen).await?;
            let prices = store::price::list_standing(&self.0.db).await?;
            self.0
                .catalogue
                .rcu(|catalogue| catalogue.with_local(seen.clone(), prices.clone(), &vendors.registry));
            *local = now;
        }
        Ok(())
    }
}
