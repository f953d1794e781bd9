//! Limits that people set on their own spending: of the account, or of one conversation.

use marketplace::billing::Window;
use marketplace::fault::{Code, Fault};
use marketplace::id::ConversationId;
use marketplace::money::Nanos;
use store::budget::{Outcome, Scope};

use crate::{Actor, Engine, Result};

impl Engine {
    /// Sets what the account may spend, in all or in each window; without an amount the limit is taken away.
    pub async fn limit_account(
        &self,
        actor: &Actor,
        limit: Option<Nanos>,
        reset: Option<Window>,
    ) -> Result<()> {
        self.set_limit(actor, &Scope::Account, limit, reset).await
    }

    /// The same for one of the caller's conversations.
    pub async fn limit_conversation(
        &self,
        actor: &Actor,
        id: ConversationId,
        limit: Option<Nanos>,
        reset: Option<Window>,
    ) -> Result<()> {
        self.transcript(actor, id).await?;
        self.set_limit(actor, &Scope::Conversation(id.to_string()), limit, reset).await
    }

    async fn set_limit(
        &self,
        actor: &Actor,
        scope: &Scope,
        limit: Option<Nanos>,
        reset: Option<Window>,
    ) -> Result<()> {
        let account = actor.manager()?;
        if limit.is_some_and(|limit| limit <= Nanos::ZERO) {
            return Err(Fault::invalid(
                "limit_nanos",
                "must be more than nothing; null takes the limit away",
            )
            .into());
        }
        if limit.is_none() && reset.is_some() {
            return Err(Fault::invalid("limit_reset", "needs a limit to reset").into());
        }
        let conflict = |message: &str| Err(Fault::new(Code::Conflict, message).into());
        match store::budget::set_budget(&self.0.db, account, scope, limit, reset).await? {
            Outcome::Set | Outcome::Removed => {
                self.record(actor, "limit.set", &format!("account:{account}")).await
            }
            Outcome::BelowSpent => conflict("This limit is below what was spent or is held under it already"),
            Outcome::InUse => {
                conflict("Answers being written count against this limit; wait until they are done")
            }
        }
    }
}
