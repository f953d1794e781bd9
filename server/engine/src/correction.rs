//! What operators change by hand, and what buyers choose to pay each month: all of it in the ledger and the audit log.

use chrono::{DateTime, Utc};
use marketplace::account::Role;
use marketplace::fault::{Code, Fault};
use marketplace::id::AccountId;
use marketplace::money::Nanos;
use store::correction::{Adjusted, Adjustment};
use store::plan::Subscribed;
use uuid::Uuid;

use crate::{Actor, Engine, Result};

impl Engine {
    /// Changes somebody's balance: at once up to 500 USD, else when a second operator agrees.
    pub async fn adjust_balance(
        &self,
        actor: &Actor,
        account: AccountId,
        amount: Nanos,
        reason: &str,
    ) -> Result<(Uuid, Adjusted)> {
        actor.require(&[Role::Admin])?;
        let reason = given_reason(reason)?;
        if amount == Nanos::ZERO {
            return Err(Fault::invalid("amount", "must not be zero").into());
        }
        let id = Uuid::now_v7();
        let new = Adjustment { id, account, amount, reason, operator: actor.person()? };
        let outcome = allowed(store::correction::propose_adjustment(&self.0.db, &new).await?)?;
        self.record_why(actor, "balance.adjust", &format!("account:{account}"), Some(reason)).await?;
        Ok((id, outcome))
    }

    /// Agrees, as somebody else, to an adjustment that waits.
    pub async fn approve_adjustment(&self, actor: &Actor, id: Uuid) -> Result<Adjusted> {
        actor.require(&[Role::Admin])?;
        let operator = actor.person()?;
        let outcome = allowed(store::correction::approve_adjustment(&self.0.db, id, operator).await?)?;
        self.record(actor, "balance.approve", &format!("adjustment:{id}")).await?;
        Ok(outcome)
    }

    pub async fn reject_adjustment(&self, actor: &Actor, id: Uuid) -> Result<Adjusted> {
        actor.require(&[Role::Admin])?;
        let operator = actor.person()?;
        let outcome = allowed(store::correction::reject_adjustment(&self.0.db, id, operator).await?)?;
        self.record(actor, "balance.reject", &format!("adjustment:{id}")).await?;
        Ok(outcome)
    }

    /// Gives promotional money that is spent before the buyer's own and runs out on a day.
    pub async fn give_promo(
        &self,
        actor: &Actor,
        account: AccountId,
        amount: Nanos,
        expires_at: DateTime<Utc>,
        reason: &str,
    ) -> Result<Uuid> {
        actor.require(&[Role::Admin])?;
        let reason = given_reason(reason)?;
        if amount <= Nanos::ZERO {
            return Err(Fault::invalid("amount", "must be more than nothing").into());
        }
        if expires_at <= Utc::now() {
            return Err(Fault::invalid("expires_at", "lies in the past").into());
        }
        let id = Uuid::now_v7();
        let label = actor.label();
        store::correction::give_promo(&self.0.db, id, account, amount, expires_at, (reason, &label)).await?;
        self.record_why(actor, "promo.give", &format!("account:{account}"), Some(reason)).await?;
        Ok(id)
    }

    /// Changes the caller's plan; a dearer one is paid from the balance at once.
    pub async fn subscribe(&self, actor: &Actor, plan: &str) -> Result<Subscribed> {
        let account = actor.person()?;
        let outcome = store::plan::subscribe(&self.0.db, account, plan).await?;
        self.0.ring.forget(account);
        match outcome {
            Subscribed::BalanceShort => {
                let message = "Your balance does not cover this plan's fee; add funds first";
                Err(Fault::new(Code::PaymentRequired, message).into())
            }
            Subscribed::Unknown => Err(Fault::not_found("This plan").into()),
            Subscribed::Begun | Subscribed::AlreadyRunning | Subscribed::Ending => {
                self.record(actor, "plan.choose", &format!("plan:{plan}")).await?;
                Ok(outcome)
            }
        }
    }
}

pub(crate) fn given_reason(reason: &str) -> std::result::Result<&str, Fault> {
    let reason = reason.trim();
    if (3..=500).contains(&reason.chars().count()) {
        return Ok(reason);
    }
    Err(Fault::invalid("reason", "needs 3 to 500 characters"))
}

/// Outcomes that nothing came of are faults.
fn allowed(outcome: Adjusted) -> std::result::Result<Adjusted, Fault> {
    let conflict = |message: &str| Err(Fault::new(Code::Conflict, message));
    match outcome {
        Adjusted::Posted | Adjusted::Waiting | Adjusted::Rejected => Ok(outcome),
        Adjusted::SecondNeeded => conflict("More than 500 USD needs a second operator to agree"),
        Adjusted::AlreadyDecided => conflict("This adjustment was decided already"),
        Adjusted::BalanceShort => conflict("The account does not have that much to take"),
        Adjusted::OwnAccount => {
            Err(Fault::new(Code::PermissionDenied, "Nobody adjusts a balance of their own"))
        }
        Adjusted::Unknown => Err(Fault::not_found("This account or adjustment")),
    }
}
